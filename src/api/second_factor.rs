//! Who needs a second factor, and recovery codes that stand in for one.

use super::auth::session_of;
use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{PasswordOnly, RecoveryCodes, SecondFactorPolicy};

/// Who needs one.
pub(super) fn rule(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&SecondFactorPolicy { required_for: call.people.second_factor_rule()? })
}

/// Says who needs one.
pub(super) fn set_rule(call: &Call) -> Result<Answer, ApiError> {
    let policy: SecondFactorPolicy = call.json()?;
    call.people.set_second_factor_rule(policy.required_for, call.asker.known()?)?;
    Answer::json(&policy)
}

/// Makes one's own recovery codes anew; the password shows that it is not just anybody at an open screen.
pub(super) fn renew_codes(call: &Call) -> Result<Answer, ApiError> {
    let session = session_of(&call.asker)?;
    let PasswordOnly { password } = call.json()?;
    call.people.confirm_password(session.user, &password, &call.asker.origin)?;
    let recovery_codes = call.people.renew_recovery_codes(session.user)?;
    let csrf = call.asker.csrf.clone().unwrap_or_default();
    Answer::json(&RecoveryCodes { recovery_codes, csrf })
}
