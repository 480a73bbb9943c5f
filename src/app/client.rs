//! A small client of the API for the command line: one connection a request, no retries.
//!
//! Calls block. An answer that takes long is waited for, since a search of ten million paths or a
//! check of the catalog may; only the connection itself has a time limit.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::address::Address;
use super::door::Door;
use super::error::AppError;
use crate::api::types::{LIMIT_MAX, Page, Problem};
use crate::domain::Secret;

/// How long a connection may take: this machine answers at once or not at all.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Whether a follower wants more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follow {
    On,
    Enough,
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LiveEvent {
    /// `job`, `message`, `error`, `end`.
    pub(super) kind: String,
    /// JSON.
    pub(super) data: String,
}

/// Where the engine is.
#[derive(Debug)]
pub(super) struct Client {
    door: Door,
    /// The API key to ask with; whoever may use the engine's socket needs none.
    key: Option<Secret>,
    runtime: tokio::runtime::Runtime,
}

fn json<B: Serialize>(body: &B) -> Result<Bytes, AppError> {
    let body = serde_json::to_vec(body).map_err(|error| AppError::Usage(error.to_string()))?;
    Ok(Bytes::from(body))
}

impl Client {
    /// A client that goes in by `door`. Does not connect yet.
    pub(super) fn new(door: Door) -> Result<Self, AppError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let what = || "cannot start the client".to_owned();
        let runtime = runtime.map_err(|source| AppError::Io { what: what(), source })?;
        Ok(Self { door, key: None, runtime })
    }

    /// Asks with an API key.
    pub(super) fn with_key(self, key: Option<String>) -> Self {
        Self { key: key.map(Secret::new), ..self }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AppError> {
        self.ask(Method::GET, path, Bytes::new())
    }

    /// A GET whose answer has its own shape also when its status says failure, as health does.
    pub(super) fn get_any_status<T: DeserializeOwned>(&self, path: &str) -> Result<T, AppError> {
        self.runtime.block_on(async {
            let response = self.send(Method::GET, path, Bytes::new()).await?;
            self.read(response).await
        })
    }

    pub(super) fn post<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, AppError> {
        self.ask(Method::POST, path, json(body)?)
    }

    pub(super) fn put<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, AppError> {
        self.ask(Method::PUT, path, json(body)?)
    }

    pub(super) fn patch<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, AppError> {
        self.ask(Method::PATCH, path, json(body)?)
    }

    /// A GET whose answer is a file.
    pub(super) fn bytes(&self, path: &str) -> Result<Bytes, AppError> {
        self.runtime.block_on(async {
            let response = self.send(Method::GET, path, Bytes::new()).await?;
            if !response.status().is_success() {
                return Err(self.refusal(response).await);
            }
            let collected = response.into_body().collect().await;
            Ok(collected.map_err(|error| self.unusable(&error))?.to_bytes())
        })
    }

    /// A GET whose answer is a file of any size, which is written piece by piece.
    pub(super) fn download(&self, path: &str, mut to: &File) -> Result<(), AppError> {
        self.runtime.block_on(async {
            let mut response = self.send(Method::GET, path, Bytes::new()).await?;
            if !response.status().is_success() {
                return Err(self.refusal(response).await);
            }
            while let Some(frame) = response.frame().await {
                let frame = frame.map_err(|error| self.unusable(&error))?;
                if let Some(piece) = frame.data_ref() {
                    to.write_all(piece)?;
                }
            }
            Ok(())
        })
    }

    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, AppError> {
        self.ask(Method::DELETE, path, Bytes::new())
    }

    /// A POST that says everything by its path.
    pub(super) fn post_empty<T: DeserializeOwned>(&self, path: &str) -> Result<T, AppError> {
        self.ask(Method::POST, path, Bytes::new())
    }

    /// All items of a list, page by page, at most `limit`.
    pub(super) fn list<T: DeserializeOwned>(
        &self,
        address: &Address,
        limit: usize,
    ) -> Result<Page<T>, AppError> {
        let mut whole = Page { items: Vec::new(), next: None };
        loop {
            let wanted = (limit - whole.items.len()).min(LIMIT_MAX);
            let page = address.clone().query_if("limit", Some(&wanted));
            let page = page.query_if("after", whole.next.as_ref());
            let page: Page<T> = self.get(page.as_str())?;
            whole.items.extend(page.items);
            whole.next = page.next;
            if whole.next.is_none() || whole.items.len() >= limit {
                return Ok(whole);
            }
        }
    }

    /// Follows a stream of events until it ends or `on_event` has had enough.
    pub(super) fn follow(
        &self,
        path: &str,
        mut on_event: impl FnMut(&LiveEvent) -> Result<Follow, AppError>,
    ) -> Result<(), AppError> {
        self.runtime.block_on(async {
            let mut response = self.send(Method::GET, path, Bytes::new()).await?;
            if !response.status().is_success() {
                return Err(self.refusal(response).await);
            }
            let mut parser = EventParser::default();
            while let Some(frame) = response.frame().await {
                let frame = frame.map_err(|error| self.unusable(&error))?;
                for event in parser.push(frame.data_ref().map_or(&[][..], |bytes| bytes)) {
                    if on_event(&event)? == Follow::Enough {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, AppError> {
        self.runtime.block_on(async {
            let response = self.send(method, path, body).await?;
            if !response.status().is_success() {
                return Err(self.refusal(response).await);
            }
            self.read(response).await
        })
    }

    async fn read<T: DeserializeOwned>(&self, response: Response<Incoming>) -> Result<T, AppError> {
        let collected = response.into_body().collect().await;
        let bytes = collected.map_err(|error| self.unusable(&error))?.to_bytes();
        // An answer that has nothing to say is read as nothing.
        let text = if bytes.is_empty() { b"null" } else { bytes.as_ref() };
        serde_json::from_slice(text).map_err(|error| self.unusable(&error))
    }

    async fn send(
        &self,
        method: Method,
        path_and_query: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, AppError> {
        match &self.door {
            Door::Socket(path) => {
                self.send_over(UnixStream::connect(path), method, path_and_query, body).await
            }
            Door::Network(address) => {
                self.send_over(TcpStream::connect(address), method, path_and_query, body).await
            }
        }
    }

    async fn send_over<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &self,
        connecting: impl Future<Output = io::Result<S>>,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, AppError> {
        let connecting = tokio::time::timeout(CONNECT_TIME, connecting).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|source| self.unreachable(source))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|error| self.unusable(&error))?;
        // Ends with the answer; what goes wrong in it shows at the answer too.
        tokio::spawn(connection);
        let host = match &self.door {
            Door::Socket(_) => "localhost",
            Door::Network(address) => address,
        };
        let mut request = Request::builder().method(method).uri(path).header(HOST, host);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, format!("Bearer {}", key.reveal()));
        }
        let request = request.body(Full::new(body)).map_err(|error| self.unusable(&error))?;
        // A connection that breaks before the answer begins is an engine that has just gone.
        let answer = sender.send_request(request).await;
        answer.map_err(|error| self.unreachable(io::Error::other(error)))
    }

    fn unreachable(&self, source: io::Error) -> AppError {
        AppError::Unreachable { server: self.door.to_string(), source }
    }

    async fn refusal(&self, response: Response<Incoming>) -> AppError {
        let status = response.status();
        let problem = match response.into_body().collect().await {
            Ok(collected) => serde_json::from_slice::<Problem>(&collected.to_bytes()).ok(),
            Err(error) => return self.unusable(&error),
        };
        problem.map_or_else(
            || self.unusable(&format!("{status}, and no FossilSafe says so")),
            AppError::Refused,
        )
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> AppError {
        AppError::Protocol { server: self.door.to_string(), why: why.to_string() }
    }
}

/// Puts server-sent events together from pieces that break anywhere.
#[derive(Debug, Default)]
struct EventParser {
    rest: Vec<u8>,
    event: LiveEvent,
}

impl EventParser {
    fn push(&mut self, piece: &[u8]) -> Vec<LiveEvent> {
        self.rest.extend_from_slice(piece);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !event.data.is_empty() {
                    events.push(event);
                }
            } else if let Some(kind) = line.strip_prefix("event: ") {
                kind.clone_into(&mut self.event.kind);
            } else if let Some(data) = line.strip_prefix("data: ") {
                self.event.data.push_str(data);
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_wherever_the_pieces_break() {
        let text =
            ": probe\n\nid: 1\nevent: job\ndata: {\"a\":\"ü\"}\n\nevent: end\ndata: null\n\n";
        let whole = EventParser::default().push(text.as_bytes());
        assert_eq!(whole.len(), 2);
        assert_eq!((whole[0].kind.as_str(), whole[0].data.as_str()), ("job", "{\"a\":\"ü\"}"));
        for cut in 0..text.len() {
            let mut parser = EventParser::default();
            let mut events = parser.push(&text.as_bytes()[..cut]);
            events.extend(parser.push(&text.as_bytes()[cut..]));
            assert_eq!(events, whole, "cut at {cut}");
        }
    }
}
