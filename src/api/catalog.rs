//! The catalog as a whole: check it, fill it from tapes.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::jobs::JobSpec;

/// Reads cartridges into the catalog.
pub(super) fn rebuild(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Rebuild(call.json_or_default()?))?)
}

/// Checks the catalog's file and its sums.
pub(super) fn check(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.check_catalog()?)
}
