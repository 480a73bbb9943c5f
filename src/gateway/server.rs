//! The listeners, the connections, and what is done with each request.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::body::Reply;
use super::console;
use super::headers::{self, Hsts};
use super::limits::{Limits, Visit, Visitors};
use super::proxy::Proxy;
use super::refusal::Refusal;
use super::stall::StallGuard;
use crate::domain::peer::Scheme;
use crate::domain::{Clock, Peer};

/// Largest request line with headers: as the engine takes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long running requests may take to end when the gateway stops.
const STOP_TIME: Duration = Duration::from_secs(5);
/// The loop that accepts connections shows that it runs so often.
const PULSE_INTERVAL: Duration = Duration::from_secs(1);
/// A pause before the next connection when none can be taken.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// What a gateway is started with.
#[derive(Debug)]
pub struct Config {
    /// Where it listens for HTTP; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where and how it listens for HTTPS.
    pub https: Option<Https>,
    /// What clients may ask for.
    pub limits: Limits,
}

/// How HTTPS is served.
#[derive(Debug)]
pub struct Https {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// How TLS is spoken, and with which certificate.
    pub tls: Arc<ServerConfig>,
    /// Whether browsers are told to come back over TLS only.
    pub hsts: Hsts,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct GatewayError {
    /// The address.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub source: std::io::Error,
}

/// A gateway that listens and does not answer yet.
#[derive(Debug)]
pub struct Gateway {
    http: Listening,
    https: Option<(Listening, Arc<ServerConfig>)>,
    hsts: Hsts,
    limits: Limits,
    clock: Arc<dyn Clock>,
    pulse: Pulse,
}

#[derive(Debug)]
struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

/// Shows whether the loop that accepts connections runs.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Grows as long as the loop runs, by one a second at least.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What every connection needs.
#[derive(Debug)]
struct Shared {
    limits: Limits,
    visitors: Arc<Visitors>,
    proxy: Proxy,
    hsts: Hsts,
    clock: Arc<dyn Clock>,
    stop: watch::Receiver<bool>,
}

/// A client that is connected: what it counts for, until its last connection or tunnel ends.
#[derive(Debug)]
pub(super) struct Guest {
    visit: Visit,
    _slot: OwnedSemaphorePermit,
}

impl Gateway {
    /// Binds the addresses.
    ///
    /// # Errors
    /// An address is taken or not this machine's.
    pub async fn bind(config: Config, clock: Arc<dyn Clock>) -> Result<Self, GatewayError> {
        let http = listen(config.http).await?;
        let mut https = None;
        let mut hsts = Hsts::Off;
        if let Some(wanted) = config.https {
            https = Some((listen(wanted.address).await?, wanted.tls));
            hsts = wanted.hsts;
        }
        let limits = config.limits;
        Ok(Self { http, https, hsts, limits, clock, pulse: Pulse::default() })
    }

    /// Where it listens for HTTP.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http.address
    }

    /// Where it listens for HTTPS.
    #[must_use]
    pub fn https(&self) -> Option<SocketAddr> {
        self.https.as_ref().map(|(listening, _)| listening.address)
    }

    /// Whether it runs.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Passes requests to the engine at the socket `engine` until `until` is done, then lets running
    /// requests end and closes live connections.
    pub async fn serve(self, engine: PathBuf, until: impl Future<Output = ()>) {
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared {
            limits: self.limits,
            visitors: Visitors::new(self.limits, Arc::clone(&self.clock)),
            proxy: Proxy::new(engine, self.limits, stopping.clone()),
            hsts: self.hsts,
            clock: self.clock,
            stop: stopping,
        });
        let slots = Arc::new(Semaphore::new(self.limits.connections_max));
        let mut connections = JoinSet::new();
        let mut beat = tokio::time::interval(PULSE_INTERVAL);
        tokio::pin!(until);
        loop {
            while connections.try_join_next().is_some() {}
            self.pulse.beat();
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                tokio::select! {
                    () = &mut until => break,
                    () = tokio::time::sleep(FULL_PAUSE) => continue,
                }
            };
            let (accepted, acceptor) = tokio::select! {
                () = &mut until => break,
                _ = beat.tick() => continue,
                accepted = self.http.listener.accept() => (accepted, None),
                (accepted, acceptor) = accept_tls(self.https.as_ref()) => {
                    (accepted, Some(acceptor))
                }
            };
            match accepted {
                Ok((stream, from)) => {
                    connections.spawn(connected(stream, from, acceptor, slot, Arc::clone(&shared)));
                }
                Err(error) => {
                    // Out of descriptors, most likely: without a pause this would spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(FULL_PAUSE).await;
                }
            }
        }
        drop((self.http, self.https));
        stop.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIME, ended).await.is_err() {
            tracing::warn!("closing connections that did not end in {} s", STOP_TIME.as_secs());
        }
    }
}

/// Every address of IPv6 stands for those of IPv4 too, and for these alone where there is no IPv6.
async fn listen(address: SocketAddr) -> Result<Listening, GatewayError> {
    let failed = |source| GatewayError { address, source };
    let bound = match TcpListener::bind(address).await {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && has_no_ipv6(&error) => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, address.port())).await
        }
        bound => bound,
    };
    let listener = bound.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Listening { listener, address })
}

fn has_no_ipv6(error: &std::io::Error) -> bool {
    let code = error.raw_os_error().map(nix::errno::Errno::from_raw);
    matches!(code, Some(nix::errno::Errno::EAFNOSUPPORT | nix::errno::Errno::EADDRNOTAVAIL))
}

/// The next connection that wants TLS; waits for ever where none is served.
async fn accept_tls(
    https: Option<&(Listening, Arc<ServerConfig>)>,
) -> (std::io::Result<(TcpStream, SocketAddr)>, TlsAcceptor) {
    match https {
        Some((listening, tls)) => {
            let acceptor = TlsAcceptor::from(Arc::clone(tls));
            (listening.listener.accept().await, acceptor)
        }
        None => std::future::pending().await,
    }
}

/// One connection from its first byte to its last.
async fn connected(
    stream: TcpStream,
    from: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    slot: OwnedSemaphorePermit,
    shared: Arc<Shared>,
) {
    let Some(visit) = shared.visitors.enter(from.ip()) else {
        tracing::debug!(peer = %from.ip(), "closed: too many connections from this address");
        return;
    };
    let guest = Arc::new(Guest { visit, _slot: slot });
    // A small answer must not wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let stream = StallGuard::new(stream, shared.limits.stall_time);
    let Some(acceptor) = acceptor else {
        let peer = Peer { address: from.ip(), scheme: Scheme::Http };
        return serve_connection(stream, peer, guest, shared).await;
    };
    match tokio::time::timeout(shared.limits.head_time, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let peer = Peer { address: from.ip(), scheme: Scheme::Https };
            serve_connection(stream, peer, guest, shared).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, peer = %from.ip(), "no TLS connection"),
        Err(_) => tracing::debug!(peer = %from.ip(), "the TLS handshake took too long"),
    }
}

async fn serve_connection<S>(stream: S, peer: Peer, guest: Arc<Guest>, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut stop, head_time) = (shared.stop.clone(), shared.limits.head_time);
    let service = service_fn(move |request| {
        let (shared, guest) = (Arc::clone(&shared), Arc::clone(&guest));
        async move {
            let answer = respond(&shared, peer, &guest, request).await;
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_time)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, peer = %peer.address, "connection ended early");
    }
}

/// Waits until the gateway stops.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the gateway is gone, which is a stop as well.
    let _ = stop.wait_for(|is_stopping| *is_stopping).await;
}

/// Answers one request and writes its log line.
async fn respond(
    shared: &Shared,
    peer: Peer,
    guest: &Arc<Guest>,
    request: Request<Incoming>,
) -> Response<Reply> {
    let began = shared.clock.elapsed();
    let request_id = headers::request_id(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = answer(shared, peer, guest, &request_id, request).await;
    let mut response = answer.unwrap_or_else(|refusal| refusal.response(&request_id));
    headers::secure(response.headers_mut(), peer.scheme, shared.hsts, &request_id);
    let (status, address) = (response.status().as_u16(), peer.address);
    let took = shared.clock.elapsed().saturating_sub(began);
    tracing::debug!(request_id, %address, %method, path, status, ?took, "answered");
    response
}

async fn answer(
    shared: &Shared,
    peer: Peer,
    guest: &Arc<Guest>,
    request_id: &str,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Refusal> {
    guest.visit.ask().map_err(Refusal::too_many_requests)?;
    let path = request.uri().path();
    if path != "/ws" && path != "/api" && !path.starts_with("/api/") {
        return console::respond(request.method(), path, request.headers());
    }
    match *request.method() {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => {}
        ref method => return Err(Refusal::method(method)),
    }
    shared.proxy.pass(request, peer, request_id, guest).await
}
