//! Streaming: memory, staging and rates; the disks that can be taken for staging.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::StagingDiskRequest;
use crate::system::staging::StagingDiskOrder;

/// How it is set, and what is staged.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.streaming()?)
}

/// Sets it for the jobs to come.
pub(super) fn set(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.set_streaming(&call.json()?)?)
}

/// The disks of the machine.
pub(super) fn disks(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.staging_disks(&StagingDiskOrder::List)?)
}

/// Erases one and stages on it.
pub(super) fn format(call: &Call) -> Result<Answer, ApiError> {
    let StagingDiskRequest { typed } = call.json()?;
    let order = StagingDiskOrder::Format { disk: call.parameter("disk")?, typed };
    Answer::json(&call.engine.staging_disks(&order)?)
}
