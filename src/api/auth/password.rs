//! One's own password.

use super::super::call::{Answer, Call};
use super::super::error::ApiError;
use super::super::types::PasswordRequest;
use super::session::begun;
use super::session_of;
use crate::people::Factors;

/// Changes it. All sessions of the user end, and this browser gets a new one.
pub(in crate::api) fn change(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let PasswordRequest { present, wanted } = call.json()?;
    let (from, factors) = (&call.asker.origin, Factors::of(session));
    let started = call.people.change_password(session.user, &present, &wanted, from, factors)?;
    begun(call, &started)
}
