//! Signing in by an identity provider, and which one.

use super::super::call::{Answer, Call};
use super::super::error::ApiError;
use super::super::types::{OidcAnswer, OidcOffer, OidcState};
use super::session::begun;

/// Whether the sign-in page offers it.
pub(in crate::api) fn offer(call: &Call) -> Result<Answer, ApiError> {
    let shown = call.people.oidc_settings()?;
    Answer::json(&OidcOffer { label: shown.map(|shown| shown.settings.label) })
}

/// Says where the browser goes to sign in.
pub(in crate::api) fn start(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.people.start_oidc()?)
}

/// Signs in who is back. A session that was open in this browser ends, as at any sign-in.
pub(in crate::api) fn finish(call: &Call) -> Result<Answer, ApiError> {
    let answer: OidcAnswer = call.json()?;
    let started = call.people.finish_oidc(&answer, &call.asker.origin)?;
    let _ = call.named.set(started.session.name.clone());
    if let Some(session) = &call.asker.session {
        call.people.end_session(session.id, None)?;
    }
    begun(call, &started)
}

/// The settings.
pub(in crate::api) fn settings(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&OidcState { provider: call.people.oidc_settings()? })
}

/// Sets them.
pub(in crate::api) fn set(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&OidcState { provider: Some(call.people.set_oidc(call.json()?)?) })
}

/// Takes them away.
pub(in crate::api) fn remove(call: &Call) -> Result<Answer, ApiError> {
    call.people.remove_oidc()?;
    Ok(Answer::nothing())
}
