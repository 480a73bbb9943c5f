//! Passing requests on to the engine: one connection of its Unix socket a request, in pieces both ways.
//!
//! A connection of a Unix socket costs some ten microseconds, and a new one for each request leaves
//! nothing that an engine's restart could break in the middle. Nothing is sent twice: whether a request
//! that got no answer was carried out, nobody here can know. An upgrade to a WebSocket is answered by
//! the engine; afterwards bytes are copied until either side or the gateway ends.

use std::path::PathBuf;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::body::{Reply, Stopping, Upload};
use super::headers::{strip_hop_by_hop, write_peer};
use super::limits::Limits;
use super::refusal::Refusal;
use super::server::{Guest, stopped};
use crate::domain::Peer;

/// The way to the engine.
#[derive(Debug)]
pub(super) struct Proxy {
    socket: PathBuf,
    limits: Limits,
    slots: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Proxy {
    pub(super) fn new(socket: PathBuf, limits: Limits, stop: watch::Receiver<bool>) -> Self {
        let slots = Arc::new(Semaphore::new(limits.engine_requests_max));
        Self { socket, limits, slots, stop }
    }

    /// Passes a request on and its answer back.
    pub(super) async fn pass(
        &self,
        mut request: Request<Incoming>,
        peer: Peer,
        request_id: &str,
        guest: &Arc<Guest>,
    ) -> Result<Response<Reply>, Refusal> {
        let bytes_max = self.limits.body_bytes_max;
        if request.body().size_hint().lower() > bytes_max {
            return Err(Refusal::too_large(bytes_max));
        }
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.map_err(|_| Refusal::engine_busy())?;
        let upgrade = websocket_upgrade(&mut request);
        strip_hop_by_hop(request.headers_mut());
        write_peer(request.headers_mut(), peer, request_id);
        if upgrade.is_some() {
            write_upgrade(request.headers_mut());
        }
        let mut answer = self.ask(request).await?;
        let is_switched = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let engine_side = hyper::upgrade::on(&mut answer);
        strip_hop_by_hop(answer.headers_mut());
        match upgrade {
            Some(client_side) if is_switched => {
                write_upgrade(answer.headers_mut());
                let tunnel = Tunnel { client_side, engine_side, stop: self.stop.clone() };
                tokio::spawn(tunnel.carry(slot, Arc::clone(guest)));
                Ok(answer.map(|_| Reply::Whole(None)))
            }
            _ if is_switched => Err(Refusal::engine_broke_off()),
            _ if is_events(&answer) => {
                let stop = Stopping::of(self.stop.clone());
                Ok(answer.map(|body| Reply::Events { body, stop, _slot: slot }))
            }
            _ => Ok(answer.map(|body| Reply::Engine { body, _slot: slot })),
        }
    }

    async fn ask(&self, request: Request<Incoming>) -> Result<Response<Incoming>, Refusal> {
        let connected = UnixStream::connect(&self.socket).await;
        let stream = connected.map_err(|error| {
            tracing::warn!(%error, "the engine does not answer at {}", self.socket.display());
            Refusal::engine_away()
        })?;
        let handshake = http1::handshake::<_, Upload>(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|_| Refusal::engine_away())?;
        // Ends with the answer's body, or when the client goes and what it waited for is dropped.
        tokio::spawn(connection.with_upgrades());
        let (parts, body) = request.into_parts();
        let Limits { body_bytes_max, stall_time, .. } = self.limits;
        let (upload, fault) = Upload::new(body, body_bytes_max, stall_time);
        let answer = sender.send_request(Request::from_parts(parts, upload)).await;
        answer.map_err(|error| {
            if let Some(fault) = fault.get() {
                return Refusal::upload(*fault, body_bytes_max);
            }
            tracing::warn!(%error, "the engine broke off");
            Refusal::engine_broke_off()
        })
    }
}

/// True for server-sent events.
fn is_events(answer: &Response<Incoming>) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|it| it.as_bytes() == b"text/event-stream")
}

/// The client's side of a connection that wants to become a WebSocket.
fn websocket_upgrade(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    let wanted = request.headers().get(UPGRADE)?.to_str().ok()?;
    wanted.eq_ignore_ascii_case("websocket").then(|| hyper::upgrade::on(request))
}

fn write_upgrade(headers: &mut hyper::HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Two connections that have become one.
struct Tunnel {
    client_side: OnUpgrade,
    engine_side: OnUpgrade,
    stop: watch::Receiver<bool>,
}

impl Tunnel {
    /// Copies until one side ends or the gateway stops. Holds what the connection counts for.
    async fn carry(mut self, _slot: OwnedSemaphorePermit, _guest: Arc<Guest>) {
        let (client, engine) = match tokio::try_join!(self.client_side, self.engine_side) {
            Ok(sides) => sides,
            Err(error) => {
                tracing::debug!(%error, "a connection was not switched");
                return;
            }
        };
        let (mut client, mut engine) = (TokioIo::new(client), TokioIo::new(engine));
        tokio::select! {
            copied = tokio::io::copy_bidirectional(&mut client, &mut engine) => {
                if let Err(error) = copied {
                    tracing::debug!(%error, "a live connection broke");
                }
            }
            () = stopped(&mut self.stop) => {}
        }
    }
}
