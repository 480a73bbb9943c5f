//! Live events over a WebSocket: the messages of the server-sent events, each a line of JSON.
//!
//! `{"event": "job", "data": {…}}`, and `"id"` beside them where the event is kept; `?after=ID` goes on
//! where a broken connection was. Nothing that a client says is read but its close. A silent client is
//! asked by a ping, and one that answers none is let go.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::body::AnswerBody;
use super::engine::Engine;
use super::error::ApiError;
use super::live::{self, Format};
use super::types::EventsRequest;

/// Clients have nothing to say; a close frame has 125 bytes at most.
const CLIENT_BYTES_MAX: usize = 4096;
/// A silent connection is probed so often: proxies close theirs after 30 to 60 s.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Pings that stay unanswered before the client counts as gone.
const PINGS_UNANSWERED_MAX: u32 = 2;

/// A connection that wants to become a WebSocket.
#[derive(Debug)]
pub(super) struct Upgrade {
    connection: OnUpgrade,
    accept: String,
}

impl Upgrade {
    /// Of a request that asks for it, as RFC 6455 says.
    pub(super) fn of(request: &mut Request<Incoming>) -> Option<Self> {
        let headers = request.headers();
        let is_wanted = has_word(headers, &UPGRADE, "websocket")
            && has_word(headers, &CONNECTION, "upgrade")
            && has_word(headers, &SEC_WEBSOCKET_VERSION, "13");
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_wanted)?;
        let accept = derive_accept_key(key.as_bytes());
        Some(Self { connection: hyper::upgrade::on(request), accept })
    }

    /// Answers the request, and follows events on the connection that it becomes.
    pub(super) fn follow(
        self,
        engine: Arc<dyn Engine>,
        request: EventsRequest,
        stop: watch::Receiver<bool>,
    ) -> Response<AnswerBody> {
        let Self { connection, accept } = self;
        tokio::spawn(async move {
            let stream = match connection.await {
                Ok(upgraded) => TokioIo::new(upgraded),
                Err(error) => {
                    tracing::debug!(%error, "a connection did not become a WebSocket");
                    return;
                }
            };
            let config = WebSocketConfig::default()
                .max_message_size(Some(CLIENT_BYTES_MAX))
                .max_frame_size(Some(CLIENT_BYTES_MAX));
            let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
            let events = live::follow(engine, request, Format::WebSocket, stop);
            if let Err(error) = carry(socket, events).await {
                tracing::debug!(%error, "a follower has gone");
            }
        });
        let mut response = Response::new(AnswerBody::whole(Vec::new()));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

/// What is answered at `/ws` without an upgrade.
pub(super) fn required() -> ApiError {
    ApiError::new(
        StatusCode::UPGRADE_REQUIRED,
        "websocket_required",
        "This address speaks WebSocket only.",
        "Connect with a WebSocket, or follow /api/jobs/events.",
    )
}

fn has_word(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(',')).map(str::trim);
    words.any(|word| word.eq_ignore_ascii_case(wanted))
}

/// Sends events until they end, the client closes, or it answers no ping.
async fn carry<S>(
    mut socket: WebSocketStream<S>,
    mut events: mpsc::Receiver<Bytes>,
) -> Result<(), Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut unanswered = 0;
    let mut ping = tokio::time::interval(PING_INTERVAL);
    ping.reset();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(json) => {
                    socket.send(Message::Text(Utf8Bytes::try_from(json)?)).await?;
                }
                None => {
                    let reason = Utf8Bytes::from_static("no more events from here");
                    let frame = CloseFrame { code: CloseCode::Away, reason };
                    return socket.close(Some(frame)).await;
                }
            },
            said = socket.next() => match said {
                Some(Ok(Message::Pong(_))) => unanswered = 0,
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            _ = ping.tick() => {
                if unanswered >= PINGS_UNANSWERED_MAX {
                    return Ok(());
                }
                unanswered += 1;
                socket.send(Message::Ping(Bytes::new())).await?;
            }
        }
    }
}
