//! One's own passkeys, and signing in with one.

use hyper::StatusCode;

use super::super::call::{Answer, Call};
use super::super::error::ApiError;
use super::super::types::{
    NewPasskey, Page, PasskeyAnswer, PasskeyName, PasskeyView, PasswordOnly,
};
use super::session::begun;
use super::session_of;

/// One's own; an admin sees all.
pub(in crate::api) fn list(call: &Call) -> Result<Answer, ApiError> {
    let passkeys = call.people.passkeys(call.own_only()?)?;
    Answer::json(&Page::whole(passkeys.iter().map(PasskeyView::from).collect()))
}

/// Begins to make one; the password shows that it is not just anybody at an open screen.
pub(in crate::api) fn start(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let PasswordOnly { password } = call.json()?;
    call.people.confirm_password(session.user, &password, &call.asker.origin)?;
    Answer::json(&call.people.start_passkey(session.user, &call.asker.site())?)
}

/// Keeps the one that was made.
pub(in crate::api) fn create(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let made: NewPasskey = call.json()?;
    let passkey = call.people.finish_passkey(session.user, &made, &call.asker.site())?;
    // The device has just verified who sits here.
    call.people.note_second_factor(session.id)?;
    Answer::json_as(StatusCode::CREATED, &PasskeyView::from(&passkey))
}

/// Gives one another name.
pub(in crate::api) fn rename(call: &Call) -> Result<Answer, ApiError> {
    let PasskeyName { name } = call.json()?;
    let passkey = call.people.rename_passkey(call.parameter("id")?, call.own_only()?, &name)?;
    Answer::json(&PasskeyView::from(&passkey))
}

/// Removes one.
pub(in crate::api) fn remove(call: &Call) -> Result<Answer, ApiError> {
    let by = call.asker.known()?.user;
    call.people.remove_passkey(call.parameter("id")?, call.own_only()?, by)?;
    Ok(Answer::nothing())
}

/// Begins to sign in.
pub(in crate::api) fn start_sign_in(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.people.start_passkey_sign_in(&call.asker.site())?)
}

/// Signs in. A session that was open in this browser ends, as at any sign-in.
pub(in crate::api) fn sign_in(call: &Call) -> Result<Answer, ApiError> {
    let answer: PasskeyAnswer = call.json()?;
    let asker = &call.asker;
    let started = call.people.finish_passkey_sign_in(&answer, &asker.site(), &asker.origin)?;
    let _ = call.named.set(started.session.name.clone());
    if let Some(session) = &asker.session {
        call.people.end_session(session.id, None)?;
    }
    begun(call, &started)
}
