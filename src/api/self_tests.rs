//! Self-tests and measurements of the library: what was found, and doing one now.

use super::call::{Answer, Call};
use super::error::ApiError;
use crate::jobs::JobSpec;

/// A page of them, the newest first.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.self_tests(&call.query.page()?)?)
}

/// One, by the number of its job.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.self_test(call.job_id()?)?)
}

/// Does one.
pub(super) fn start(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::SelfTest(call.json_or_default()?))?)
}

/// A page of measurements, the newest first.
pub(super) fn calibrations(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.calibrations(&call.query.page()?)?)
}

/// Measures.
pub(super) fn calibrate(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Calibrate(call.json()?))?)
}
