//! The HTTP server: connections, limits, one request at a time to its handler, orderly stop.
//!
//! It listens on a Unix socket; the network is the gateway's. Connections are tasks of the runtime;
//! handlers block, so each runs on a thread for blocking work, and so does the gate before them
//! (`auth::admit`), which every request passes before its body is read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
    SET_COOKIE,
};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::auth::{self, Asker, Shown, Trace};
use super::body::AnswerBody;
use super::call::{Answer, Call, JSON};
use super::caller::{Caller, LocalUser};
use super::conditional::Condition;
use super::engine::Engine;
use super::error::ApiError;
use super::metrics::Metrics;
use super::origin;
use super::query::Query;
use super::socket::{self, ServerError, Socket};
use super::upload::{Upload, upload};
use super::websocket::{self, Upgrade};
use super::{live, routes};
use crate::audit::AuditLog;
use crate::domain::Clock;
use crate::domain::peer::{REQUEST_ID_HEADER, is_request_id};
use crate::people::People;

/// Largest request body: a backup of some ten thousand named paths.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Largest request line with headers: a path of 4 KiB, percent-encoded, fits.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take for the head, and again for the body, of a request.
pub(super) const READ_TIME: Duration = Duration::from_secs(30);
/// A body that is handed on as it comes.
const BINARY: &str = "application/octet-stream";
/// Connections at one time; more wait. Chosen for a console and scripts, no data yet.
const CONNECTIONS_MAX: usize = 256;
/// How long running requests may take to end when the server stops.
const STOP_TIME: Duration = Duration::from_secs(5);

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    socket: Socket,
}

/// What a server answers from.
#[derive(Clone, Debug)]
pub struct Serving {
    /// Jobs, catalog, devices.
    pub engine: Arc<dyn Engine>,
    /// Who may ask.
    pub people: Arc<People>,
    /// What they did.
    pub audit: Arc<AuditLog>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What every connection needs.
#[derive(Debug)]
struct Shared {
    serving: Serving,
    metrics: Arc<Metrics>,
    stop: watch::Receiver<bool>,
}

impl Server {
    /// Makes the socket `socket`; one that a killed engine left is replaced.
    ///
    /// # Errors
    /// Another engine answers there, or the system refuses.
    pub async fn bind(socket: &Path, serving: Serving) -> Result<Self, ServerError> {
        let metrics = Arc::new(Metrics::new().map_err(ServerError::Metrics)?);
        let (listener, name) = socket::listen(socket).await?;
        let (stop, stopping) = watch::channel(false);
        let shared = Arc::new(Shared { serving, metrics, stop: stopping });
        Ok(Self { listener, shared, stop, socket: name })
    }

    /// Answers until `until` is done, then lets running requests end and closes live streams.
    pub async fn serve(self, until: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        tokio::pin!(until);
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = tokio::select! {
                () = &mut until => break,
                accepted = accept(&self.listener, &slots) => accepted,
            };
            if let Some((stream, slot)) = accepted {
                let shared = Arc::clone(&self.shared);
                connections.spawn(async move {
                    serve_connection(stream, shared).await;
                    drop(slot);
                });
            }
        }
        drop(self.listener);
        drop(self.socket);
        self.stop.send_replace(true);
        let ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIME, ended).await.is_err() {
            tracing::warn!("closing connections that did not end in {} s", STOP_TIME.as_secs());
        }
    }
}

/// One connection, once there is room for it.
async fn accept(
    listener: &UnixListener,
    slots: &Arc<Semaphore>,
) -> Option<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, slot)),
        Err(error) => {
            // Out of descriptors, most likely: without a pause this would spin.
            tracing::warn!(%error, "cannot accept a connection");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn serve_connection(stream: UnixStream, shared: Arc<Shared>) {
    let (stop, user) = (shared.stop.clone(), LocalUser::of(&stream));
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(respond(&shared, user, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = live::stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

/// Answers one request, counts it and writes its log line.
async fn respond(
    shared: &Arc<Shared>,
    user: LocalUser,
    mut request: Request<Incoming>,
) -> Response<AnswerBody> {
    let began = shared.serving.clock.elapsed();
    let request_id = request_id_of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let upgrade = Upgrade::of(&mut request);
    let condition = Condition::of(&method, request.headers());
    let found = routes::find(&method, &path);
    let pattern = found.as_ref().map_or("unknown", |found| found.route.path);
    let mut trace = found.as_ref().ok().map(|it| Trace::of(it.route, &path, &request_id));
    let (head, mut body) = request.into_parts();
    let answer = match (found, &mut trace) {
        (Ok(found), Some(trace)) => answer(shared, found, user, &head, &mut body, trace).await,
        (Err(error), _) => Err(error),
        (Ok(_), None) => Err(ApiError::bug(&"a route without its trace")),
    };
    if answer.is_err() {
        // Refused before it was read: a connection that is closed with bytes on the way loses the answer.
        drop(read_body(&mut body).await);
    }
    let answer = match trace {
        Some(trace) => left(shared, trace, answer).await,
        None => answer,
    };
    let mut response = answer
        .and_then(|answer| into_response(shared, answer, upgrade, &condition))
        .unwrap_or_else(|error| problem(&error, &request_id));
    let status = response.status().as_u16();
    let took = shared.serving.clock.elapsed().saturating_sub(began);
    shared.metrics.count(method.as_str(), pattern, status, took.as_secs_f64());
    tracing::debug!(request_id, %method, path, status, ?took, "answered");
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID_HEADER, value);
    }
    response
}

/// Lets the request in, reads it whole and lets the handler answer on a thread that may block.
async fn answer(
    shared: &Arc<Shared>,
    found: routes::Match,
    user: LocalUser,
    head: &Parts,
    body: &mut Incoming,
    trace: &mut Trace,
) -> Result<Answer, ApiError> {
    let caller = Caller::of(user, &head.headers)?;
    if let Caller::Remote(peer) = caller {
        origin::ensure_own(peer, &head.headers)?;
    }
    let route = found.route;
    let asker = recognised(shared, route, caller, head, trace).await?;
    let query = Query::parse(head.uri.query().unwrap_or_default(), route.query)?;
    let last_event_id = number_in(&head.headers, "last-event-id");
    let path = head.uri.path().to_owned();
    let (mut upload, mut pump, mut whole) = (Upload::none(), None, Bytes::new());
    if route.is_streamed() {
        ensure_media(head.headers.get(CONTENT_TYPE), BINARY)?;
        let (reader, feeding) = self::upload(READ_TIME);
        (upload, pump) = (reader, Some(feeding.run(body)));
    } else {
        whole = read_body(body).await?;
        if head.method != Method::GET && !whole.is_empty() {
            ensure_media(head.headers.get(CONTENT_TYPE), JSON)?;
        }
    }
    let call = Call {
        engine: Arc::clone(&shared.serving.engine),
        people: Arc::clone(&shared.serving.people),
        audit: Arc::clone(&shared.serving.audit),
        asker,
        named: trace.named(),
        metrics: Arc::clone(&shared.metrics),
        parameters: found.parameters,
        query,
        body: whole,
        upload,
        last_event_id,
    };
    // A handler that panics fails its request and nothing else.
    let handled = blocking(move || match auth::second_person(&call, route, &path)? {
        Some(waiting) => Ok(waiting),
        None => (route.handler)(&call),
    });
    match pump {
        Some(pump) => tokio::join!(pump, handled).1,
        None => handled.await,
    }
}

/// Who asks, if they may; `trace` is told also if they may not. What cannot be written down is refused
/// before it is done.
async fn recognised(
    shared: &Arc<Shared>,
    route: &'static routes::Route,
    caller: Caller,
    head: &Parts,
    trace: &mut Trace,
) -> Result<Asker, ApiError> {
    let Serving { people, audit, .. } = shared.serving.clone();
    let shown = Shown::by(&head.method, &head.headers);
    let mut asker = Asker::unknown(caller, &head.headers);
    let is_change = trace.is_change();
    let (admitted, asker) = blocking(move || {
        let admitted = auth::admit(&people, route, caller, &shown, &mut asker)
            .and_then(|()| if is_change { Ok(audit.ensure_usable()?) } else { Ok(()) });
        Ok((admitted, asker))
    })
    .await?;
    trace.asked_by(&asker);
    admitted.map(|()| asker)
}

/// The answer, once what came of it is in the audit log. An answer whose trace cannot be kept is given
/// all the same, since what it tells of has happened; the next change is refused.
async fn left(
    shared: &Arc<Shared>,
    trace: Trace,
    answer: Result<Answer, ApiError>,
) -> Result<Answer, ApiError> {
    let (status, code) = match &answer {
        Ok(answer) => (answer.status(), None),
        Err(error) => (error.status, Some(error.code)),
    };
    let audit = Arc::clone(&shared.serving.audit);
    let kept = blocking(move || Ok(trace.leave(&audit, status.as_u16(), code)?)).await;
    // Said in the log where the error is made.
    drop(kept);
    answer
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(ApiError::bug(&panic)))
}

/// The name that the gateway or the client gave the request, or a new one.
pub(super) fn request_id_of(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    let given = given.filter(|text| is_request_id(text)).map(str::to_owned);
    given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

fn number_in(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

async fn read_body(body: &mut Incoming) -> Result<Bytes, ApiError> {
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    let Ok(collected) = tokio::time::timeout(READ_TIME, whole).await else {
        return Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_too_slow",
            format!("The request did not arrive within {} s.", READ_TIME.as_secs()),
            "Send it again.",
        ));
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            format!("The request has more than {BODY_BYTES_MAX} bytes."),
            "Name folders instead of single files.",
        )),
        Err(error) => Err(ApiError::invalid("request body", error)),
    }
}

/// A form of a web page cannot send either without asking first, so this refuses forms.
fn ensure_media(content_type: Option<&HeaderValue>, wanted: &str) -> Result<(), ApiError> {
    let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_json",
        format!("The request is \"{text}\" and not {wanted}."),
        format!("Send it with the header Content-Type: {wanted}."),
    ))
}

fn into_response(
    shared: &Shared,
    answer: Answer,
    upgrade: Option<Upgrade>,
    condition: &Condition,
) -> Result<Response<AnswerBody>, ApiError> {
    let (engine, stop) = (Arc::clone(&shared.serving.engine), shared.stop.clone());
    Ok(match answer {
        Answer::Whole { status, content_type, body, cookie } => {
            let mut response = condition.response(status, content_type, body);
            if let Some(cookie) = cookie {
                response.headers_mut().insert(SET_COOKIE, cookie);
            }
            response
        }
        Answer::File { file, length, name } => {
            let body = AnswerBody::file(file, length);
            let mut response = response(StatusCode::OK, "application/octet-stream", body);
            let saved = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
            let saved = saved.map_err(|error| ApiError::bug(&error))?;
            response.headers_mut().insert(CONTENT_DISPOSITION, saved);
            response
        }
        Answer::Events(request) => {
            let pieces = live::follow(engine, request, live::Format::ServerSent, stop);
            response(StatusCode::OK, "text/event-stream", AnswerBody::Live(pieces))
        }
        Answer::Socket(request) => {
            let upgrade = upgrade.ok_or_else(websocket::required)?;
            upgrade.follow(engine, request, stop)
        }
    })
}

fn problem(error: &ApiError, request_id: &str) -> Response<AnswerBody> {
    let problem = error.problem(request_id);
    tracing::info!(request_id, code = problem.code, problem.message, "request refused");
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = response(error.status, JSON, AnswerBody::whole(body));
    if let Some(wait) = error.retry_after {
        // Rounded up: a client that comes back to the second must not be early.
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    }
    response
}

pub(super) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: AnswerBody,
) -> Response<AnswerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // State changes by itself; a cached answer would be a lie about tapes.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
