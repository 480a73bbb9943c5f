//! API keys: one's own, and for admins everybody's.

use std::time::Duration;

use hyper::StatusCode;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::routes;
use super::types::{ApiKeyView, MadeApiKey, NewApiKeyRequest, Page};
use crate::people::{KeyRequest, Role};

/// One's own; an admin sees all.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let keys = call.people.keys(call.own_only()?)?;
    Answer::json(&Page::whole(keys.iter().map(ApiKeyView::from).collect()))
}

/// Makes one for who asks.
pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    let NewApiKeyRequest { name, role, scopes, life_seconds } = call.json()?;
    if let Some(scope) = scopes.iter().find(|scope| !routes::is_area(scope.area())) {
        return Err(ApiError::invalid(
            "scope",
            format!("the API has no part \"{}\"", scope.area()),
        ));
    }
    let who = call.asker.known()?;
    if role > who.role || !who.scopes.is_empty() {
        let why = "a key cannot make one that may more than itself";
        return Err(ApiError::invalid("role of the key", why));
    }
    let life = life_seconds.map(Duration::from_secs);
    let made = call.people.create_key(&KeyRequest { user: who.user, name, role, scopes, life })?;
    let key = ApiKeyView::from(&made.record);
    Answer::json_as(StatusCode::CREATED, &MadeApiKey { secret: made.secret, key })
}

/// Takes one away.
pub(super) fn revoke(call: &Call) -> Result<Answer, ApiError> {
    call.people.revoke_key(call.parameter("id")?, call.own_only()?)?;
    Ok(Answer::nothing())
}

impl Call {
    /// Whose things may be seen and changed: all for an admin, and else one's own.
    pub(super) fn own_only(&self) -> Result<Option<crate::people::UserId>, ApiError> {
        let who = self.asker.known()?;
        if who.role == Role::Admin { Ok(None) } else { self.user().map(Some) }
    }
}
