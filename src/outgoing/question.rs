//! One small question to another machine and its whole answer, for those who wait for it.
//!
//! Redirections are not followed: what was asked for is where it was said to be, or it is not there.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request};
use tokio_rustls::rustls::RootCertStore;

use super::{HttpAddress, connect};

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Longest time for all of it.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// What is sent along. With nothing it is a GET.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    /// Nothing.
    None,
    /// A form, encoded.
    Form(&'a str),
    /// JSON.
    Json(&'a str),
}

impl Content<'_> {
    fn parts(&self) -> (Method, Option<&'static str>, &str) {
        match self {
            Self::None => (Method::GET, None, ""),
            Self::Form(text) => (Method::POST, Some("application/x-www-form-urlencoded"), text),
            Self::Json(text) => (Method::POST, Some("application/json"), text),
        }
    }
}

/// What is asked. Says nothing of itself in a log: there may be secrets in it.
pub struct Question<'a> {
    /// Whom, and for what.
    pub address: &'a HttpAddress,
    /// What is sent along.
    pub content: Content<'a>,
    /// Headers besides the usual ones.
    pub headers: &'a [(&'a str, &'a str)],
    /// Whom to believe.
    pub roots: RootCertStore,
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content")
    }
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").field("address", self.address).finish_non_exhaustive()
    }
}

impl Question<'_> {
    /// Asks and waits for the answer: its status and its body. Blocks.
    ///
    /// # Errors
    /// Nobody answers, not the one who was meant, not in time, or too much; the text says which.
    pub fn ask(self) -> Result<(u16, Bytes), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no connection can be made: {error}"))?;
        let late = |_| format!("no answer within {} s", ANSWER_TIME.as_secs());
        runtime.block_on(async {
            tokio::time::timeout(ANSWER_TIME, self.exchange()).await.map_err(late)?
        })
    }

    async fn exchange(self) -> Result<(u16, Bytes), String> {
        let address = self.address;
        let said = |error: &dyn std::fmt::Display| format!("{} broke off: {error}", address.host());
        let wire = connect(address, self.roots).await?;
        let opened = hyper::client::conn::http1::handshake(wire).await;
        let (mut sender, connection) = opened.map_err(|error| said(&error))?;
        let driven = tokio::spawn(connection);
        let (method, kind, text) = self.content.parts();
        let mut request = Request::builder()
            .method(method)
            .uri(address.path())
            .header(HOST, address.authority())
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, concat!("fossilsafe/", env!("CARGO_PKG_VERSION")));
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(text.to_owned()));
        let request = request.body(body).map_err(|error| said(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| said(&error))?;
        let status = answer.status().as_u16();
        let read = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        driven.abort();
        Ok((status, read.map_err(|error| said(&error))?.to_bytes()))
    }
}
