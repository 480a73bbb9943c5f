//! A request as a handler sees it, and what a handler may answer.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::auth::Asker;
use super::engine::Engine;
use super::error::ApiError;
use super::metrics::Metrics;
use super::query::Query;
use super::types::EventsRequest;
use super::upload::{Upload, UploadReader};
use crate::audit::AuditLog;
use crate::domain::JobId;
use crate::people::{People, PeopleError, UserId};

/// One request, read whole.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) people: Arc<People>,
    pub(super) audit: Arc<AuditLog>,
    /// Who asks.
    pub(super) asker: Asker,
    /// Whom a handler recognised, for the audit log.
    pub(super) named: Arc<OnceLock<String>>,
    pub(super) metrics: Arc<Metrics>,
    /// The path's parts that stand for names in braces.
    pub(super) parameters: Vec<(&'static str, String)>,
    pub(super) query: Query,
    pub(super) body: Bytes,
    /// What comes while the handler runs, on a route that is streamed.
    pub(super) upload: Upload,
    /// Where a follower of events was before its connection broke.
    pub(super) last_event_id: Option<i64>,
}

impl Call {
    /// A part of the path, read as what it stands for.
    pub(super) fn parameter<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, ApiError> {
        let found = self.parameters.iter().find(|(other, _)| *other == name);
        let text = found.map(|(_, text)| text.as_str()).unwrap_or_default();
        text.parse().map_err(|error| ApiError::invalid(&format!("\"{text}\" in the path"), error))
    }

    /// The job that the path names.
    pub(super) fn job_id(&self) -> Result<JobId, ApiError> {
        Ok(JobId(self.parameter("id")?))
    }

    /// The user who asks: a session's, or the one whose key it is.
    pub(super) fn user(&self) -> Result<UserId, ApiError> {
        Ok(self.asker.known()?.user.ok_or(PeopleError::NoUser)?)
    }

    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| ApiError::invalid("request body", error))
    }

    /// Reads the body while it comes.
    pub(super) fn with_upload<T>(
        &self,
        read: impl FnOnce(&mut UploadReader) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let reader = self.upload.take();
        read(&mut reader.ok_or_else(|| ApiError::bug(&"a body that was read before"))?)
    }

    /// The body as JSON, or the default if there is none.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, ApiError> {
        if self.body.is_empty() { Ok(T::default()) } else { self.json() }
    }
}

/// What a handler answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// One document.
    Whole {
        status: StatusCode,
        content_type: &'static str,
        body: Vec<u8>,
        cookie: Option<HeaderValue>,
    },
    /// A file, to be saved under a name.
    File {
        file: std::fs::File,
        /// What is sent of it: a file that grows meanwhile is sent as it was.
        length: u64,
        name: String,
    },
    /// Events as they happen, server-sent.
    Events(EventsRequest),
    /// The same over a WebSocket.
    Socket(EventsRequest),
}

pub(super) const JSON: &str = "application/json";

impl Answer {
    /// A view.
    pub(super) fn json<T: Serialize>(view: &T) -> Result<Self, ApiError> {
        Self::json_as(StatusCode::OK, view)
    }

    /// The view of a job that was accepted and goes on by itself.
    pub(super) fn accepted<T: Serialize>(view: &T) -> Result<Self, ApiError> {
        Self::json_as(StatusCode::ACCEPTED, view)
    }

    pub(super) fn json_as<T: Serialize>(status: StatusCode, view: &T) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(view).map_err(|error| ApiError::bug(&error))?;
        Ok(Self::Whole { status, content_type: JSON, body, cookie: None })
    }

    /// The status that is answered.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Whole { status, .. } => *status,
            Self::Events(_) | Self::File { .. } => StatusCode::OK,
            Self::Socket(_) => StatusCode::SWITCHING_PROTOCOLS,
        }
    }

    /// Done, and there is nothing to say.
    pub(super) fn nothing() -> Self {
        let (status, body) = (StatusCode::NO_CONTENT, Vec::new());
        Self::Whole { status, content_type: JSON, body, cookie: None }
    }

    /// The same, with a cookie for the browser.
    pub(super) fn with_cookie(self, text: String) -> Result<Self, ApiError> {
        let mut value = HeaderValue::try_from(text).map_err(|error| ApiError::bug(&error))?;
        value.set_sensitive(true);
        Ok(match self {
            Self::Whole { status, content_type, body, .. } => {
                Self::Whole { status, content_type, body, cookie: Some(value) }
            }
            other @ (Self::File { .. } | Self::Events(_) | Self::Socket(_)) => other,
        })
    }
}
