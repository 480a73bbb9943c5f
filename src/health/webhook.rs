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

use std::time::Duration;

use hmac::{Hmac, Mac as _};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use sha2::Sha256;
use tokio_rustls::rustls::RootCertStore;

use crate::outgoing::{HttpAddress, Wire, connect};

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

/// Sends it once. An error says why the receiver has not taken it, without the secret.
pub(super) async fn post(post: &Post<'_>, secret: &str) -> Result<(), String> {
    let attempt = tokio::time::timeout(ATTEMPT_TIME, try_post(post, secret)).await;
    attempt.unwrap_or_else(|_| Err(format!("no answer within {} s", ATTEMPT_TIME.as_secs())))
}

async fn try_post(post: &Post<'_>, secret: &str) -> Result<(), String> {
    let address = HttpAddress::parse(post.url)?;
    let wire = connect(&address, post.roots.clone()).await?;
    exchange(wire, post, &address, secret).await
}

async fn exchange(
    wire: Wire,
    post: &Post<'_>,
    address: &HttpAddress,
    secret: &str,
) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| format!("the receiver broke off: {error}");
    let opened = hyper::client::conn::http1::handshake(wire).await;
    let (mut sender, connection) = opened.map_err(|error| said(&error))?;
    let driven = tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri(address.path())
        .header(HOST, address.authority())
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
