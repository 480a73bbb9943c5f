//! What is answered while the engine cannot open what it keeps: what is wrong, and what to do.
//!
//! A full disk, a data partition that is read-only or missing, a catalog of a newer version: an engine that
//! ends for that leaves a console that only knows that nobody answers. So health is answered, with the
//! reason, and every other question is refused with it. Nobody is signed in here, for the users' file
//! may be what cannot be read; therefore the reason is all that is told, and it names no file's content.

use std::path::Path;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::{UnixListener, UnixStream};

use super::body::AnswerBody;
use super::call::JSON;
use super::server::{READ_TIME, request_id_of, response};
use super::socket::{self, ServerError, Socket};
use super::types::{FindingView, HealthStatus, HealthView, Problem, Severity, VersionView};
use crate::domain::peer::REQUEST_ID_HEADER;

/// The code of every refusal.
const CODE: &str = "engine_rescue";

/// Why the engine does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RescueReason {
    /// What is wrong, as a sentence.
    pub sentence: String,
    /// What to do.
    pub next_step: String,
}

/// Answers in the place of an engine.
#[derive(Debug)]
pub struct Rescue {
    listener: UnixListener,
    reason: Arc<Mutex<RescueReason>>,
    _socket: Socket,
}

impl Rescue {
    /// Makes the socket.
    ///
    /// # Errors
    /// Another engine answers there, or the system refuses.
    pub async fn bind(socket: &Path, reason: RescueReason) -> Result<Self, ServerError> {
        let (listener, name) = socket::listen(socket).await?;
        Ok(Self { listener, reason: Arc::new(Mutex::new(reason)), _socket: name })
    }

    /// The reason is another one now.
    pub fn say(&self, reason: RescueReason) {
        *self.reason.lock() = reason;
    }

    /// Answers until it is dropped.
    pub async fn serve(&self) -> std::convert::Infallible {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(serve_connection(stream, Arc::clone(&self.reason)));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }
}

async fn serve_connection(stream: UnixStream, reason: Arc<Mutex<RescueReason>>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let reason = reason.lock().clone();
        async move { Ok::<_, std::convert::Infallible>(respond(&request, reason)) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIME)
        // One request a connection: the engine that comes back has its own.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended early");
    }
}

fn respond(request: &Request<Incoming>, reason: RescueReason) -> Response<AnswerBody> {
    let request_id = request_id_of(request.headers());
    let is_look = request.method() == Method::GET;
    let (status, body) = match request.uri().path() {
        "/api/healthz" if is_look => {
            (StatusCode::SERVICE_UNAVAILABLE, serde_json::to_vec(&health(reason)))
        }
        "/api/version" if is_look => (StatusCode::OK, serde_json::to_vec(&VersionView::current())),
        _ => {
            let problem = Problem {
                status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
                code: CODE.to_owned(),
                message: reason.sentence,
                next_step: reason.next_step,
                request_id: request_id.clone(),
            };
            (StatusCode::SERVICE_UNAVAILABLE, serde_json::to_vec(&problem))
        }
    };
    // Texts and numbers always have a JSON form.
    let mut response = response(status, JSON, AnswerBody::whole(body.unwrap_or_default()));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

fn health(reason: RescueReason) -> HealthView {
    let finding = FindingView {
        severity: Severity::Critical,
        subject: "data".to_owned(),
        sentence: reason.sentence.clone(),
        next_step: reason.next_step,
    };
    HealthView {
        status: HealthStatus::Failed,
        sentence: reason.sentence,
        jobs_active: 0,
        jobs_waiting: 0,
        findings: vec![finding],
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn ask(socket: &Path, request: &str) -> String {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        let text = format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    fn reason(sentence: &str) -> RescueReason {
        RescueReason { sentence: sentence.to_owned(), next_step: "Make room.".to_owned() }
    }

    #[test]
    fn an_engine_that_cannot_open_what_it_keeps_says_why_and_refuses_the_rest_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let rescue = Rescue::bind(&socket, reason("The disk is full.")).await.unwrap();
            let asked = async {
                let health = ask(&socket, "GET /api/healthz").await;
                assert!(health.starts_with("HTTP/1.1 503"), "{health}");
                assert!(health.contains(r#""status":"failed","sentence":"The disk is full.""#));
                for request in ["GET /api/status", "POST /api/setup", "GET /api/jobs"] {
                    let refused = ask(&socket, request).await;
                    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
                    assert!(refused.contains(r#""code":"engine_rescue""#), "{refused}");
                    assert!(refused.contains("Make room."), "{refused}");
                }
                assert!(ask(&socket, "GET /api/version").await.starts_with("HTTP/1.1 200"));
                rescue.say(reason("The disk is away."));
                assert!(ask(&socket, "GET /api/healthz").await.contains("The disk is away."));
            };
            tokio::select! {
                () = asked => {}
                never = rescue.serve() => match never {},
            }
            drop(rescue);
        });
        assert!(!socket.exists(), "the engine that comes back makes its own");
    }
}
