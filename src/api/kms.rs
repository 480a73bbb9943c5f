//! The key server outside of this machine.

use super::call::{Answer, Call};
use super::error::ApiError;

/// Which it is, and what it keeps.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.kms()?)
}

/// Sets it.
pub(super) fn set(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.set_kms(call.json()?)?)
}

/// Takes it away.
pub(super) fn remove(call: &Call) -> Result<Answer, ApiError> {
    call.engine.remove_kms()?;
    Ok(Answer::nothing())
}

/// Asks it for what it keeps.
pub(super) fn prove(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.prove_kms()?)
}

/// Puts keys under the newest version of its own.
pub(super) fn rewrap(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.rewrap_kms()?)
}
