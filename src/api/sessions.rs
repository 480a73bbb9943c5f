//! Open sessions: one's own, and for admins everybody's.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{OpenSessionView, Page};

/// One's own; an admin sees all.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let current = call.asker.session.as_ref().map(|session| session.id);
    let sessions = call.people.sessions(call.own_only()?)?;
    let views = sessions.iter().map(|session| OpenSessionView::of(session, current));
    Answer::json(&Page::whole(views.collect()))
}

/// Ends one.
pub(super) fn end(call: &Call) -> Result<Answer, ApiError> {
    call.people.end_session(call.parameter("id")?, call.own_only()?)?;
    Ok(Answer::nothing())
}
