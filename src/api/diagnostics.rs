//! The diagnostics bundle.

use super::call::{Answer, Call};
use super::error::ApiError;

/// What somebody who helps has to know, in one document.
pub(super) fn bundle(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.diagnostics()?)
}
