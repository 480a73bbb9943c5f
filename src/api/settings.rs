//! Settings as a document: exported, and merged into what is set.

use super::call::{Answer, Call};
use super::error::ApiError;

/// Everything that an admin has set, but for users and secrets.
pub(super) fn export(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.settings()?)
}

/// Merges a document, or says what that would do.
pub(super) fn import(call: &Call) -> Result<Answer, ApiError> {
    let is_dry_run = call.query.value("dry_run")?.unwrap_or(false);
    Answer::json(&call.engine.import_settings(&call.json()?, is_dry_run)?)
}
