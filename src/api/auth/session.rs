//! Signing in and out with name and password.

use super::super::call::{Answer, Call};
use super::super::error::ApiError;
use super::super::types::{SecondFactorNeeded, SessionView, SignInRequest, SignInResult};
use super::cookie::set_cookie;
use super::session_of;
use crate::people::{
    People, PeopleError, SignIn, SignInAnswer, StartedSession, UNUSED_AT_MOST, csrf_of,
};

/// Signs in. A session that was open in this browser ends: what comes after has a token that nobody
/// could have planted.
pub(in crate::api) fn sign_in(call: &Call) -> Result<Answer, ApiError> {
    let request: SignInRequest = call.json()?;
    // A name that nobody has may be a password in the wrong field: it is not written down.
    if let Ok(user) = call.people.user_named(&request.user) {
        let _ = call.named.set(user.name);
    }
    let wanted = SignIn { name: request.user, password: request.password, code: request.totp };
    match call.people.sign_in(&wanted, &call.asker.origin)? {
        SignInAnswer::SecondFactorNeeded { by_code } => {
            let needed = SecondFactorNeeded { second_factor_needed: true, by_code };
            Answer::json(&SignInResult::SecondFactor(needed))
        }
        SignInAnswer::Started(started) => {
            if let Some(session) = &call.asker.session {
                call.people.end_session(session.id, None)?;
            }
            begun(call, &started)
        }
    }
}

/// The answer that gives a browser its cookie.
pub(super) fn begun(call: &Call, started: &StartedSession) -> Result<Answer, ApiError> {
    let token = started.token.reveal();
    let holder = call.people.holder_of_session(&started.session)?;
    let mut view = SessionView::of(&holder.ok_or(PeopleError::NotRecognised)?);
    view.has_second_factor = Some(call.people.user(started.session.user)?.is_totp_on);
    view.csrf = Some(csrf_of(token));
    view.idle_seconds = Some(UNUSED_AT_MOST.as_secs());
    view.expires_at = Some(People::session_ends(&started.session));
    Answer::json(&view)?.with_cookie(set_cookie(Some(token), call.asker.scheme))
}

/// Who is signed in.
pub(in crate::api) fn show(call: &Call) -> Result<Answer, ApiError> {
    let who = call.asker.known()?;
    let mut view = SessionView::of(who);
    let user = who.user.map(|id| call.people.user(id)).transpose()?;
    view.has_second_factor = user.map(|user| user.is_totp_on);
    if let Some(session) = &call.asker.session {
        view.csrf.clone_from(&call.asker.csrf);
        view.idle_seconds = Some(UNUSED_AT_MOST.as_secs());
        view.expires_at = Some(People::session_ends(session));
    }
    Answer::json(&view)
}

/// Signs out.
pub(in crate::api) fn sign_out(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    call.people.end_session(session.id, None)?;
    Answer::nothing().with_cookie(set_cookie(None, call.asker.scheme))
}
