//! The library: what is where, looking again, and moves. A move by hand is a job like any other.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::jobs::JobSpec;

/// The library as it was last seen.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.library()?)
}

/// Looks at every element again.
pub(super) fn inventory(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Inventory)?)
}

/// Moves a cartridge.
pub(super) fn move_cartridge(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Move(call.json()?))?)
}
