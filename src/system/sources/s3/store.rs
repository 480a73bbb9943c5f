//! Questions to an object store, signed, over connections that are kept.

use std::io;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, HOST, IF_MATCH, LAST_MODIFIED, RANGE, USER_AGENT,
};
use hyper::{HeaderMap, Method, Request};
use parking_lot::Mutex;
use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use tokio::runtime::Runtime;
use tokio_rustls::rustls::RootCertStore;
use url::Url;

use crate::domain::Secret;
use crate::outgoing::{HttpAddress, connect, root_store};
use crate::system::sources::S3Bucket;

/// The region of stores that have none.
const REGION: &str = "us-east-1";
/// How long a signature is good for. A store's clock may be a little wrong.
const SIGNED_TIME: Duration = Duration::from_secs(900);
/// How long an answer may take. Stores that wake objects from cold storage refuse rather than wait.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// Longest list of keys that is taken at once: a thousand keys of a kilobyte, and as much about them.
const LIST_BYTES_MAX: usize = 8 << 20;
/// Connections that are kept when nothing is asked.
const KEPT_MAX: usize = 8;
/// How often a question is asked again over a new connection: the store may have closed the kept one.
const TRIES: usize = 3;
/// All of it, or a part that says where it begins.
const OK: u16 = 200;
/// The object has another version than was asked for.
const PRECONDITION_FAILED: u16 = 412;
/// It ends before.
const NO_SUCH_RANGE: u16 = 416;

/// An object store, and the bucket in it.
#[derive(Debug)]
pub(super) struct Store {
    bucket: Bucket,
    credentials: Option<Credentials>,
    prefix: Vec<u8>,
    address: HttpAddress,
    roots: RootCertStore,
    runtime: Runtime,
    kept: Mutex<Vec<SendRequest<Empty<Bytes>>>>,
}

/// What is known of an object.
#[derive(Clone, Debug)]
pub(super) struct ObjectStatus {
    pub(super) size_bytes: u64,
    /// Seconds since 1970.
    pub(super) modified: u64,
}

/// An object in a listing; its name is what stands behind the last `/`.
#[derive(Clone, Debug)]
pub(super) struct ListedObject {
    pub(super) name: Vec<u8>,
    pub(super) size_bytes: u64,
    pub(super) modified: u64,
}

/// What is below one prefix, up to the next `/`.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    pub(super) objects: Vec<ListedObject>,
    pub(super) folders: Vec<Vec<u8>>,
}

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

/// An answer: its status, its headers, its body.
type Answer = (u16, HeaderMap, Bytes);

impl Store {
    /// The text says what of the place cannot be.
    pub(super) fn new(place: &S3Bucket, password: Option<&Secret>) -> Result<Self, String> {
        let url = Url::parse(&place.endpoint).map_err(|error| error.to_string())?;
        let region = place.region.clone().unwrap_or_else(|| REGION.to_owned());
        let bucket = Bucket::new(url, UrlStyle::Path, place.bucket.clone(), region);
        let secret = password.map_or("", Secret::reveal);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("s3")
            .enable_all()
            .build();
        let prefix =
            place.prefix.as_ref().map_or_else(Vec::new, |prefix| format!("{prefix}/").into());
        Ok(Self {
            bucket: bucket.map_err(|error| error.to_string())?,
            credentials: place.access_key.as_ref().map(|key| Credentials::new(key, secret)),
            prefix,
            address: HttpAddress::parse(&place.endpoint)?,
            roots: root_store(place.ca_pem.as_deref())?,
            runtime: runtime.map_err(|error: io::Error| error.to_string())?,
            kept: Mutex::default(),
        })
    }

    /// What the object is.
    pub(super) fn head(&self, key: &[u8]) -> Result<ObjectStatus, StoreError> {
        let key = self.whole_key(key)?;
        let action = self.bucket.head_object(self.credentials.as_ref(), &key);
        let url = action.sign(SIGNED_TIME);
        let (_, headers, _) = self.ask(Method::HEAD, &url, &[], 0)?;
        let text = |name| {
            headers.get(name).and_then(|value: &hyper::header::HeaderValue| value.to_str().ok())
        };
        let size_bytes = text(CONTENT_LENGTH).and_then(|text| text.parse().ok());
        let modified = text(LAST_MODIFIED).and_then(|text| {
            let time = OffsetDateTime::parse(text, &Rfc2822).ok()?;
            u64::try_from(time.unix_timestamp()).ok()
        });
        match (size_bytes, modified) {
            (Some(size_bytes), Some(modified)) => Ok(ObjectStatus { size_bytes, modified }),
            _ => Err(StoreError::Strange(format!(
                "it does not say how large \"{key}\" is, and since when"
            ))),
        }
    }

    /// A piece of the object, of `version` if one is named; and the version that it is of.
    pub(super) fn get(
        &self,
        key: &[u8],
        offset: u64,
        length: usize,
        version: Option<&str>,
    ) -> Result<(Vec<u8>, Option<String>), StoreError> {
        let key = self.whole_key(key)?;
        let url = self.bucket.get_object(self.credentials.as_ref(), &key).sign(SIGNED_TIME);
        let range = format!("bytes={offset}-{}", offset + length as u64 - 1);
        let mut headers = vec![(RANGE, range.as_str())];
        headers.extend(version.map(|version| (IF_MATCH, version)));
        let (status, headers, bytes) = self.ask(Method::GET, &url, &headers, length)?;
        let version = headers.get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
        match status {
            NO_SUCH_RANGE => Ok((Vec::new(), None)),
            // Some stores say `200 OK` and give the part.
            _ if starts_at(&headers) == Some(offset) => Ok((bytes.to_vec(), version)),
            // One that gives all of an object gives what was asked for only at its beginning.
            OK if offset == 0 && bytes.len() <= length => Ok((bytes.to_vec(), version)),
            _ => Err(StoreError::Strange("it gives no part of an object".to_owned())),
        }
    }

    /// True if any key begins with `prefix`.
    pub(super) fn begins(&self, prefix: &[u8]) -> Result<bool, StoreError> {
        let prefix = self.whole_key(prefix)?;
        let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
        action.with_prefix(prefix.as_str());
        action.with_max_keys(1);
        let (_, _, bytes) =
            self.ask(Method::GET, &action.sign(SIGNED_TIME), &[], LIST_BYTES_MAX)?;
        Ok(!parse(&bytes)?.contents.is_empty())
    }

    /// Everything below `prefix`, up to the next `/`.
    pub(super) fn list(&self, prefix: &[u8]) -> Result<Listed, StoreError> {
        let prefix = self.whole_key(prefix)?;
        let mut listed = Listed::default();
        let mut token = None;
        loop {
            let mut action = self.bucket.list_objects_v2(self.credentials.as_ref());
            action.with_prefix(prefix.as_str());
            action.with_delimiter("/");
            if let Some(token) = &token {
                action.with_continuation_token(String::clone(token));
            }
            let url = action.sign(SIGNED_TIME);
            let (_, _, bytes) = self.ask(Method::GET, &url, &[], LIST_BYTES_MAX)?;
            let page = parse(&bytes)?;
            for object in page.contents {
                let Some(name) = object.key.strip_prefix(&prefix) else { continue };
                // The folder's own mark, as consoles of stores make it: an object that ends with its slash.
                if name.is_empty() && object.size.unwrap_or(0) == 0 {
                    continue;
                }
                let modified = object.last_modified.as_deref().and_then(seconds_of);
                let size_bytes = object.size.unwrap_or(0);
                let modified = modified.unwrap_or(0);
                let name = name.as_bytes().to_vec();
                listed.objects.push(ListedObject { name, size_bytes, modified });
            }
            for folder in page.common_prefixes {
                let name =
                    folder.prefix.strip_prefix(&prefix).and_then(|name| name.strip_suffix('/'));
                listed.folders.extend(name.map(|name| name.as_bytes().to_vec()));
            }
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(listed);
            }
        }
    }

    /// Keys are text; a path that is none names nothing here.
    fn whole_key(&self, key: &[u8]) -> Result<String, StoreError> {
        String::from_utf8([&self.prefix, key].concat()).map_err(|_| StoreError::Missing)
    }

    fn ask(
        &self,
        method: Method,
        url: &Url,
        headers: &[(hyper::header::HeaderName, &str)],
        bytes_max: usize,
    ) -> Result<Answer, StoreError> {
        let mut last = String::new();
        for _ in 0..TRIES {
            let question = self.question(method.clone(), url, headers)?;
            let answer = self.runtime.block_on(async {
                let exchange = self.exchange(question, bytes_max.max(LIST_BYTES_MAX));
                tokio::time::timeout(ANSWER_TIME, exchange).await
            });
            match answer {
                Ok(Ok((status @ 500.., _, _))) => {
                    last = format!("it says {status}");
                }
                Ok(Ok(answer)) => return judged(answer),
                Ok(Err(said)) => last = said,
                Err(_) => last = format!("no answer within {} s", ANSWER_TIME.as_secs()),
            }
        }
        Err(StoreError::NoAnswer(last))
    }

    fn question(
        &self,
        method: Method,
        url: &Url,
        headers: &[(hyper::header::HeaderName, &str)],
    ) -> Result<Request<Empty<Bytes>>, StoreError> {
        let target = &url[url::Position::BeforePath..];
        let mut question = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, self.address.authority())
            .header(USER_AGENT, concat!("fossilsafe/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            question = question.header(name, *value);
        }
        question.body(Empty::new()).map_err(|error| StoreError::Strange(error.to_string()))
    }

    async fn exchange(
        &self,
        question: Request<Empty<Bytes>>,
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
        let answer = sender.send_request(question).await.map_err(|error| error.to_string())?;
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

fn parse(
    bytes: &[u8],
) -> Result<rusty_s3::actions::list_objects_v2::ListObjectsV2Response, StoreError> {
    let strange = |said: String| StoreError::Strange(format!("its list cannot be read: {said}"));
    let text = std::str::from_utf8(bytes).map_err(|error| strange(error.to_string()))?;
    ListObjectsV2::parse_response(text).map_err(|error| strange(error.to_string()))
}

/// Where the part of an object begins that an answer has: `bytes 100-199/200`.
fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    range.split_once('-')?.0.parse().ok()
}

/// Whole seconds, as the headers of an object have them.
fn seconds_of(text: &str) -> Option<u64> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp()).ok()
}
