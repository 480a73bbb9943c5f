//! Users, by their names.

use hyper::StatusCode;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{
    NewUserRequest, Page, ResetPasswordRequest, UserChange, UserView, UserWithPassword,
};
use crate::people::SecondFactor;

/// All of them.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let users = call.people.users()?;
    Answer::json(&Page::whole(users.iter().map(UserView::from).collect()))
}

/// One of them.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    let user = call.people.user_named(&call.parameter::<String>("name")?)?;
    Answer::json(&UserView::from(&user))
}

/// Makes one.
pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    let NewUserRequest { name, role, password } = call.json()?;
    let (user, interim_password) = call.people.create_user(&name, role, password.as_ref())?;
    let view = UserWithPassword { user: UserView::from(&user), interim_password };
    Answer::json_as(StatusCode::CREATED, &view)
}

/// Changes what one may do, or whether.
pub(super) fn change(call: &Call) -> Result<Answer, ApiError> {
    let name: String = call.parameter("name")?;
    let UserChange { role, is_disabled } = call.json()?;
    if let Some(role) = role {
        call.people.set_role(&name, role)?;
    }
    if let Some(is_disabled) = is_disabled {
        call.people.set_disabled(&name, is_disabled)?;
    }
    show(call)
}

/// Removes one.
pub(super) fn remove(call: &Call) -> Result<Answer, ApiError> {
    call.people.remove_user(&call.parameter::<String>("name")?)?;
    Ok(Answer::nothing())
}

/// Sets a password for one who has forgotten theirs.
pub(super) fn reset_password(call: &Call) -> Result<Answer, ApiError> {
    let name: String = call.parameter("name")?;
    let request: ResetPasswordRequest = call.json_or_default()?;
    let factor =
        if request.remove_second_factor { SecondFactor::TakeAway } else { SecondFactor::Keep };
    let made = call.people.reset_password(&name, request.password.as_ref(), factor)?;
    let user = UserView::from(&call.people.user_named(&name)?);
    Answer::json(&UserWithPassword { user, interim_password: made })
}

/// What the console keeps for who asks.
pub(super) fn preferences(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.people.preferences(call.user()?)?)
}

/// Replaces it.
pub(super) fn set_preferences(call: &Call) -> Result<Answer, ApiError> {
    let value: serde_json::Value = call.json()?;
    call.people.set_preferences(call.user()?, &value)?;
    Answer::json(&value)
}
