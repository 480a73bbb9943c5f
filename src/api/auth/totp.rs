//! One's own second factor.

use super::super::call::{Answer, Call};
use super::super::error::ApiError;
use super::super::types::{ConfirmTotpRequest, PasswordOnly, RecoveryCodes};
use super::cookie::set_cookie;
use super::session_of;

/// Makes a secret for the authenticator; the password shows that it is not just anybody at an open
/// screen.
pub(in crate::api) fn propose(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let PasswordOnly { password } = call.json()?;
    call.people.confirm_password(session.user, &password, &call.asker.origin)?;
    Answer::json(&call.people.propose_totp(session.user)?)
}

/// Takes its first code. Other sessions end, this one gets a new token.
pub(in crate::api) fn confirm(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let ConfirmTotpRequest { code } = call.json()?;
    let codes = call.people.confirm_totp(session.user, &code)?;
    let token = call.people.renew_session(session.id, session.user)?;
    call.people.note_second_factor(session.id)?;
    let csrf = crate::people::csrf_of(token.reveal());
    let cookie = set_cookie(Some(token.reveal()), call.asker.scheme);
    Answer::json(&RecoveryCodes { recovery_codes: codes, csrf })?.with_cookie(cookie)
}

/// Takes it away.
pub(in crate::api) fn stop(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let PasswordOnly { password } = call.json()?;
    call.people.confirm_password(session.user, &password, &call.asker.origin)?;
    call.people.stop_totp(session.user)?;
    Ok(Answer::nothing())
}
