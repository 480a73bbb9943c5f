//! The one mapping from refusals to status, code, sentence and next step.
//!
//! What leaves is meant for the person who asked; causes and internal text go to the log under the
//! same request id, and nowhere else.

use std::time::Duration;

use hyper::StatusCode;

use super::engine::{EngineError, EngineErrorKind};
use super::types::Problem;
use crate::people::{PeopleError, PeopleErrorKind};

/// A refused request, before it has its request id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    message: String,
    next_step: String,
    /// When it is worth trying again.
    pub(super) retry_after: Option<Duration>,
}

impl ApiError {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            next_step: next_step.into(),
            retry_after: None,
        }
    }

    /// A part of the request that cannot be right.
    pub(super) fn invalid(what: &str, why: impl std::fmt::Display) -> Self {
        let message = format!("{what}: {why}");
        Self::new(StatusCode::BAD_REQUEST, "request_invalid", message, "Correct it and try again.")
    }

    /// Our mistake; `cause` goes to the log.
    pub(super) fn bug(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request could not be answered");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "bug",
            "The request could not be answered because of a mistake in FossilSafe.",
            "Look for the request id in the log and report it.",
        )
    }

    /// The body of the answer.
    pub(super) fn problem(&self, request_id: &str) -> Problem {
        Problem {
            status: self.status.as_u16(),
            code: self.code.to_owned(),
            message: self.message.clone(),
            next_step: self.next_step.clone(),
            request_id: request_id.to_owned(),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let status = match error.kind {
            EngineErrorKind::NotFound => StatusCode::NOT_FOUND,
            EngineErrorKind::Invalid => StatusCode::BAD_REQUEST,
            EngineErrorKind::Conflict => StatusCode::CONFLICT,
            EngineErrorKind::NeedsOperator => StatusCode::PRECONDITION_FAILED,
            EngineErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            EngineErrorKind::Corrupt | EngineErrorKind::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.code, error.message, error.next_step)
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        let status = match error.kind() {
            PeopleErrorKind::NotRecognised => StatusCode::UNAUTHORIZED,
            PeopleErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            PeopleErrorKind::Invalid => StatusCode::BAD_REQUEST,
            PeopleErrorKind::NotFound => StatusCode::NOT_FOUND,
            PeopleErrorKind::Conflict => StatusCode::CONFLICT,
            PeopleErrorKind::Broken => {
                tracing::error!(%error, source = ?std::error::Error::source(&error), "people");
                let message = "The users and keys cannot be read or written.";
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return Self::new(status, error.code(), message, error.next_step());
            }
        };
        let refusal = Self::new(status, error.code(), error.to_string(), error.next_step());
        match error {
            PeopleError::TooManyAttempts { wait } => Self { retry_after: Some(wait), ..refusal },
            _ => refusal,
        }
    }
}
