//! The first admin.

use super::super::call::{Answer, Call};
use super::super::error::ApiError;
use super::super::types::{SetupRequest, SetupView};
use super::session::begun;

/// Whether there is no admin yet.
pub(in crate::api) fn needed(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&SetupView { needed: call.people.is_setup_needed()? })
}

/// Makes the first admin, with the code that only the owner of the machine can read, and signs in.
pub(in crate::api) fn set_up(call: &Call) -> Result<Answer, ApiError> {
    let SetupRequest { code, user, password } = call.json()?;
    let started = call.people.set_up(&code, &user, &password, &call.asker.origin)?;
    let _ = call.named.set(started.session.name.clone());
    begun(call, &started)
}
