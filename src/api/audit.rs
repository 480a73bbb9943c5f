//! The audit log: what goes into it of a request, and how it is read, verified and taken away.

use hyper::StatusCode;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::Page;
use crate::audit::{AuditError, EntryFilter};

/// What an export is.
const LINES: &str = "application/x-ndjson";

/// A page of entries, the newest first.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let text = |name: &str| Ok::<_, ApiError>(call.query.text(name)?.map(str::to_owned));
    let filter = EntryFilter {
        actor: text("actor")?,
        action: text("action")?,
        outcome: text("outcome")?,
        since: call.query.value("since")?,
        until: call.query.value("until")?,
    };
    let page = call.query.page()?;
    let before = page.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|error| ApiError::invalid("query parameter \"after\"", error))?;
    let items = call.audit.find(&filter, before, page.limit)?;
    let next = items.last().filter(|_| items.len() == page.limit);
    let next = next.map(|last| last.number.to_string());
    Answer::json(&Page { items, next })
}

/// Goes through all of it.
pub(super) fn verify(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.audit.verify()?)
}

/// All of it, signed.
pub(super) fn export(call: &Call) -> Result<Answer, ApiError> {
    let body = call.audit.export()?;
    Ok(Answer::Whole { status: StatusCode::OK, content_type: LINES, body, cookie: None })
}

impl From<AuditError> for ApiError {
    fn from(error: AuditError) -> Self {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(%error, source, "audit log");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "audit_unavailable",
            "The audit log cannot be read or written, so nothing is changed that could not be noted.",
            "Make room on the disk of the data folder, or look at the log for what is wrong with it.",
        )
    }
}
