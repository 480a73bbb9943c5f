//! The log: searched, and taken away when it is old.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{LogQuery, LogRetention};
use crate::domain::JobId;

/// A page of lines, newest first.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let query = LogQuery {
        text: call.query.text("q")?.map(str::to_owned),
        level: call.query.value("level")?,
        job: call.query.value("job")?.map(JobId),
        since: call.query.value("since")?,
        until: call.query.value("until")?,
    };
    Answer::json(&call.engine.log_lines(&query, &call.query.page()?)?)
}

/// Takes old ones away.
pub(super) fn clean_up(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.clean_logs(&call.json_or_default()?)?)
}

/// How long they are kept.
pub(super) fn retention(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.log_retention()?)
}

/// Changes that.
pub(super) fn set_retention(call: &Call) -> Result<Answer, ApiError> {
    let retention: LogRetention = call.json()?;
    Answer::json(&call.engine.set_log_retention(&retention)?)
}
