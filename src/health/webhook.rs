//! Webhooks: one POST a notice, signed so that the receiver knows who sent it and when.
//!
//! ```text
//! X-Fossilsafe-Event      job_failed
//! X-Fossilsafe-Delivery   17                    the same in every attempt
//! X-Fossilsafe-Timestamp  1767225600            seconds since 1970, of this attempt
//! X-Fossilsafe-Signature  sha256=<hex>          HMAC-SHA-256(secret, timestamp "." body)
//! ```
//!
//! A receiver refuses what is older than [`REPLAY_WINDOW`] or was signed with another secret, and remembers
//! delivery numbers for as long: then what somebody has recorded on the way is good for nothing. Any
//! status from 200 to 299 is a yes. Redirections are not followed: a signed document goes where the
//! operator said, and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How old a signed time may be at the receiver: clocks differ by minutes at most, and an attempt takes
/// [`ATTEMPT_TIME`] at most.
pub(super) const REPLAY_WINDOW: Duration = Duration::from_secs(300);
/// Longest time that one attempt may take.
pub(super) const ATTEMPT_TIME: Duration = Duration::from_secs(15);
const _: () = assert!(ATTEMPT_TIME.as_secs() < REPLAY_WINDOW.as_secs());

/// One POST.
#[derive(Debug)]
pub(super) struct Post<'a> {
    pub(super) url: &'a str,
    pub(super) roots: RootCertStore,
    pub(super) event: &'a str,
    pub(super) delivery: i64,
    /// Seconds since 1970.
    pub(super) timestamp: i64,
    pub(super) body: &'a str,
}

/// What signs a body at a time.
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(super) fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length is a key");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// An address that can be posted to.
pub(super) fn parse_url(url: &str) -> Result<(Uri, Scheme), String> {
    let uri: Uri = url.parse().map_err(|error| format!("\"{url}\" is no address: {error}"))?;
    let scheme = match uri.scheme_str() {
        Some("https") => Scheme::Https,
        Some("http") => Scheme::Http,
        _ => return Err(format!("\"{url}\" begins with neither https:// nor http://")),
    };
    let authority = uri.authority().map(hyper::http::uri::Authority::as_str).unwrap_or_default();
    if uri.host().is_none_or(str::is_empty) || authority.contains('@') {
        return Err(format!("\"{url}\" names no host, or a user beside it"));
    }
    Ok((uri, scheme))
}

/// How an address is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

/// Sends it once. An error says why the receiver has not taken it, without the secret.
pub(super) async fn post(post: &Post<'_>, secret: &str) -> Result<(), String> {
    let attempt = tokio::time::timeout(ATTEMPT_TIME, try_post(post, secret)).await;
    attempt.unwrap_or_else(|_| Err(format!("no answer within {} s", ATTEMPT_TIME.as_secs())))
}

async fn try_post(post: &Post<'_>, secret: &str) -> Result<(), String> {
    let (uri, scheme) = parse_url(post.url)?;
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    });
    let stream = TcpStream::connect((bare, port)).await;
    let stream = stream.map_err(|error| format!("cannot connect to {host}:{port}: {error}"))?;
    match scheme {
        Scheme::Http => exchange(TokioIo::new(stream), post, &uri, secret).await,
        Scheme::Https => {
            let provider = Arc::new(ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())?
                .with_root_certificates(post.roots.clone())
                .with_no_client_auth();
            let name = ServerName::try_from(bare.to_owned()).map_err(|error| error.to_string())?;
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
            let stream = stream.map_err(|error| format!("{host} cannot be trusted: {error}"))?;
            exchange(TokioIo::new(stream), post, &uri, secret).await
        }
    }
}

async fn exchange<S>(stream: S, post: &Post<'_>, uri: &Uri, secret: &str) -> Result<(), String>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let said = |error: &dyn std::fmt::Display| format!("the receiver broke off: {error}");
    let opened = hyper::client::conn::http1::handshake(stream).await;
    let (mut sender, connection) = opened.map_err(|error| said(&error))?;
    let driven = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    let authority = uri.authority().map(hyper::http::uri::Authority::as_str).unwrap_or_default();
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, authority)
        .header(USER_AGENT, concat!("fossilsafe/", env!("CARGO_PKG_VERSION")))
        .header(CONTENT_TYPE, "application/json")
        .header("X-Fossilsafe-Event", post.event)
        .header("X-Fossilsafe-Delivery", post.delivery)
        .header("X-Fossilsafe-Timestamp", post.timestamp)
        .header("X-Fossilsafe-Signature", signature(secret, post.timestamp, post.body))
        .body(Full::new(Bytes::from(post.body.to_owned())))
        .map_err(|error| said(&error))?;
    let answer = sender.send_request(request).await;
    let answer = answer.map(|response| {
        let status = response.status();
        // What it says besides is nobody's business; reading none of it ends the connection.
        drop(response.into_body().boxed());
        status
    });
    drop(sender);
    driven.abort();
    let status = answer.map_err(|error| said(&error))?;
    if status.is_success() {
        return Ok(());
    }
    Err(format!("the receiver answered {status}"))
}
