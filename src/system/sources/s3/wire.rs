//! Questions to an object store over connections that are kept, and what its answers mean.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_LENGTH, HOST, HeaderName, USER_AGENT};
use hyper::{HeaderMap, Method, Request};
use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio_rustls::rustls::RootCertStore;
use url::Url;

use crate::outgoing::{HttpAddress, connect, root_store};
use crate::system::sources::S3Bucket;

/// How long an answer may take. Stores that wake objects from cold storage refuse rather than wait.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Longest answer that is taken unless more is wanted: a thousand keys of a kilobyte, and as much about them.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Connections that are kept when nothing is asked.
const KEPT_MAX: usize = 8;
/// How long to wait before a question is asked again, each time over a new connection. At once at first: the
/// store may have closed the kept one.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];
/// The store has too much to do.
const TOO_MANY: u16 = 429;
/// All of it, or a part that says where it begins.
pub(super) const OK: u16 = 200;
/// The object has another version than was asked for.
const PRECONDITION_FAILED: u16 = 412;
/// It ends before.
pub(super) const NO_SUCH_RANGE: u16 = 416;

/// Connections to one object store.
#[derive(Debug)]
pub(super) struct Wire {
    address: HttpAddress,
    roots: RootCertStore,
    runtime: Runtime,
    kept: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// What is asked. The address is signed.
#[derive(Debug)]
pub(super) struct Question<'a> {
    method: Method,
    url: &'a Url,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) content: Bytes,
    pub(super) answer_bytes_max: usize,
}

impl<'a> Question<'a> {
    pub(super) fn new(method: Method, url: &'a Url) -> Self {
        let (headers, content) = (Vec::new(), Bytes::new());
        Self { method, url, headers, content, answer_bytes_max: ANSWER_BYTES_MAX }
    }
}

/// An answer: its status, its headers, its body.
pub(super) type Answer = (u16, HeaderMap, Bytes);

/// Why there is no answer to use.
#[derive(Debug)]
pub(super) enum StoreError {
    Missing,
    Forbidden,
    /// Another version has taken the place of the one that was read.
    Replaced,
    NoAnswer(String),
    Strange(String),
}

impl Wire {
    /// The text says what of the place cannot be.
    pub(super) fn new(place: &S3Bucket) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("s3")
            .enable_all()
            .build();
        Ok(Self {
            address: HttpAddress::parse(&place.endpoint)?,
            roots: root_store(place.ca_pem.as_deref())?,
            runtime: runtime.map_err(|error: io::Error| error.to_string())?,
            kept: Mutex::default(),
        })
    }

    /// Asks, and asks again if there is no answer, or if the store is too busy to give one.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Answer, StoreError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let request = self.request(question)?;
            let answer = self.runtime.block_on(async {
                let exchange = self.exchange(request, question.answer_bytes_max);
                tokio::time::timeout(ANSWER_TIME, exchange).await
            });
            let (said, is_busy) = match answer {
                Ok(Ok((status @ (TOO_MANY | 500..), _, _))) => (format!("it says {status}"), true),
                Ok(Ok(answer)) => return judged(answer),
                Ok(Err(said)) => (said, false),
                Err(_) => (format!("no answer within {} s", ANSWER_TIME.as_secs()), false),
            };
            // Who is busy is not asked again at once.
            let pause = pauses.find(|pause| !is_busy || !pause.is_zero());
            let Some(pause) = pause else { return Err(StoreError::NoAnswer(said)) };
            self.runtime.block_on(tokio::time::sleep(pause));
        }
    }

    fn request(&self, question: &Question<'_>) -> Result<Request<Full<Bytes>>, StoreError> {
        let mut request = Request::builder()
            .method(question.method.clone())
            .uri(&question.url[url::Position::BeforePath..])
            .header(HOST, self.address.authority())
            .header(USER_AGENT, concat!("fossilsafe/", env!("CARGO_PKG_VERSION")));
        // Stores want to be told, also of nothing.
        if question.method == Method::PUT || question.method == Method::POST {
            request = request.header(CONTENT_LENGTH, question.content.len());
        }
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let body = Full::new(question.content.clone());
        request.body(body).map_err(|error| StoreError::Strange(error.to_string()))
    }

    async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        bytes_max: usize,
    ) -> Result<Answer, String> {
        let kept = self.kept.lock().pop();
        let mut sender = match kept {
            Some(sender) if sender.is_ready() => sender,
            _ => {
                let wire = connect(&self.address, self.roots.clone()).await?;
                let opened = hyper::client::conn::http1::handshake(wire).await;
                let (sender, connection) = opened.map_err(|error| error.to_string())?;
                tokio::spawn(connection);
                sender
            }
        };
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, bytes_max).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        // The connection takes the next question once it has seen the end of this answer.
        if sender.ready().await.is_ok() {
            let mut kept = self.kept.lock();
            if kept.len() < KEPT_MAX {
                kept.push(sender);
            }
        }
        Ok((parts.status.as_u16(), parts.headers, body))
    }
}

/// A refusal is none of the store's answers.
fn judged(answer: Answer) -> Result<Answer, StoreError> {
    match answer.0 {
        200..300 | NO_SUCH_RANGE => Ok(answer),
        404 => Err(StoreError::Missing),
        PRECONDITION_FAILED => Err(StoreError::Replaced),
        401 | 403 => Err(StoreError::Forbidden),
        status => Err(StoreError::Strange(format!("it says {status}: {}", said_by(&answer.2)))),
    }
}

/// The message of an answer that refuses, for a log.
fn said_by(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let message = text.split_once("<Message>").and_then(|(_, rest)| rest.split_once("</Message>"));
    message.map_or("nothing more", |(message, _)| message).to_owned()
}
