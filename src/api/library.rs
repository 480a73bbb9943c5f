//! The library: what is where, looking again, and moves. A move by hand is a job like any other.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::domain::DriveSerial;
use crate::jobs::JobSpec;
use crate::jobs::spec::CleanSpec;

/// The library as it was last seen.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.library()?)
}

/// Looks at every element again.
pub(super) fn inventory(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Inventory)?)
}

/// How a drive is.
pub(super) fn drive_health(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.drive_health(&DriveSerial(call.parameter("serial")?))?)
}

/// Who has reserved a drive.
pub(super) fn reservation(call: &Call) -> Result<Answer, ApiError> {
    let drive = DriveSerial(call.parameter("serial")?);
    Answer::json(&call.engine.reservation(&drive)?)
}

/// Takes a drive from another host.
pub(super) fn take_drive(call: &Call) -> Result<Answer, ApiError> {
    let drive = DriveSerial(call.parameter("serial")?);
    Answer::json(&call.engine.take_drive(&drive, &call.json()?)?)
}

/// Cleans a drive.
pub(super) fn clean(call: &Call) -> Result<Answer, ApiError> {
    let drive = DriveSerial(call.parameter("serial")?);
    Answer::accepted(&call.engine.start(JobSpec::Clean(CleanSpec { drive }))?)
}

/// Moves a cartridge.
pub(super) fn move_cartridge(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Move(call.json()?))?)
}
