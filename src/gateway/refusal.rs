//! What the gateway refuses itself, in the API's one shape of errors.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use super::body::{Reply, UploadFault};
use crate::domain::Problem;

/// An engine that is being started answers within some seconds.
const ENGINE_RETRY: Duration = Duration::from_secs(2);

/// A request that is not passed on, or got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    next_step: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: String, next_step: &str) -> Self {
        Self { status, code, message, next_step: next_step.to_owned(), retry_after: None }
    }

    fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(super) fn too_many_requests(wait: Duration) -> Self {
        let message = "There were too many requests from this address.".to_owned();
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too_many_requests", message, "Ask less often.").after(wait)
    }

    pub(super) fn not_here(path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "route_unknown",
            format!("There is nothing at {path}."),
            "The API is below /api.",
        )
    }

    pub(super) fn method(method: &hyper::Method) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("Requests with {method} are not passed on."),
            "Use GET, POST, PUT, PATCH or DELETE.",
        )
    }

    pub(super) fn too_large(bytes_max: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request_too_large",
            format!("The request has more than {bytes_max} bytes."),
            "Send less at once.",
        )
    }

    pub(super) fn upload(fault: UploadFault, bytes_max: u64) -> Self {
        match fault {
            UploadFault::TooLarge => Self::too_large(bytes_max),
            // A broken connection reads no answer; one is made all the same, for the log.
            UploadFault::TooSlow | UploadFault::Broken => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "request_too_slow",
                format!("The request did not arrive: {fault}."),
                "Send it again.",
            ),
        }
    }

    pub(super) fn engine_busy() -> Self {
        let message = "The engine has too many requests to answer.".to_owned();
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "engine_busy", message, "Try again in a moment.").after(ENGINE_RETRY)
    }

    pub(super) fn engine_away() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "engine_away",
            "The engine does not answer: it is being started, or it has stopped.".to_owned(),
            "Wait a moment. If it stays so, look at the log of fossilsafe-engine.",
        )
        .after(ENGINE_RETRY)
    }

    pub(super) fn engine_broke_off() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "engine_broke_off",
            "The engine went away before it answered; what was asked may have been done or not."
                .to_owned(),
            "Look how things stand before you ask again.",
        )
    }

    /// As the client gets it.
    pub(super) fn response(self, request_id: &str) -> Response<Reply> {
        let Self { status, code, message, next_step, retry_after } = self;
        // A flood of requests must not become a flood of log lines.
        if status == StatusCode::TOO_MANY_REQUESTS {
            tracing::debug!(request_id, code, "request refused");
        } else {
            tracing::info!(request_id, code, message, "request refused");
        }
        let problem = Problem {
            status: status.as_u16(),
            code: code.to_owned(),
            message,
            next_step,
            request_id: request_id.to_owned(),
        };
        // A struct of texts and a number always has a JSON form; an empty body would still say the status.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Reply::Whole(Some(Bytes::from(body))));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = retry_after {
            // Whole seconds, and never "now".
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        response
    }
}
