//! People over the API: sessions, users, keys, approvals. Secrets only on their way in, and once out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Secret, Timestamp};
use crate::people::{
    ApiKeyRecord, ApprovalRecord, ApprovalState, Principal, Role, Scope, SecondFactorRule,
    SessionRecord, UserRecord,
};

/// Whether there is no admin yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetupView {
    /// True until somebody has made the first admin.
    pub needed: bool,
}

/// Makes the first admin.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The one-time code from the terminal, the log or the serial console.
    pub code: Secret,
    /// The admin's name.
    pub user: String,
    /// The admin's password.
    pub password: Secret,
}

/// Signs in.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// A code of the second factor, or a recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<Secret>,
}

/// The password was right, and nobody is signed in yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondFactorNeeded {
    /// Always true: sign in again with `totp`.
    pub second_factor_needed: bool,
    /// Whether `totp` is an authenticator's code; else a recovery code, or sign in by a passkey.
    pub by_code: bool,
}

/// What signing in leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SignInResult {
    /// Signed in.
    Session(SessionView),
    /// A code is needed too.
    SecondFactor(SecondFactorNeeded),
}

/// Who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionView {
    /// The name.
    pub user: String,
    /// What they may do.
    pub role: Role,
    /// True if all that can be done is to choose a password.
    pub is_password_interim: bool,
    /// True if all that can be done is to set up a second factor.
    pub is_factor_missing: bool,
    /// Whether the user behind it has a second factor; absent where there is no user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_second_factor: Option<bool>,
    /// With a cookie: what a change must carry in `X-CSRF-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csrf: Option<String>,
    /// With a cookie: the session ends when it is not used for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<u64>,
    /// With a cookie: the session ends then at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl SessionView {
    /// Without what belongs to a cookie.
    #[must_use]
    pub fn of(who: &Principal) -> Self {
        Self {
            user: who.name.clone(),
            role: who.role,
            is_password_interim: who.is_password_interim,
            is_factor_missing: who.is_factor_missing,
            has_second_factor: None,
            csrf: None,
            idle_seconds: None,
            expires_at: None,
        }
    }
}

/// Changes one's own password.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The present one.
    pub present: Secret,
    /// The new one.
    pub wanted: Secret,
}

/// The password, again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordOnly {
    /// One's own.
    pub password: Secret,
}

/// The first code of an authenticator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpRequest {
    /// Six digits.
    pub code: Secret,
}

/// Codes that stand in for an authenticator, each once. Shown this once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecoveryCodes {
    /// To be printed and kept apart.
    pub recovery_codes: Vec<Secret>,
    /// The session has another token now, and so its pages another word.
    pub csrf: String,
}

/// Who needs a second factor to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorPolicy {
    /// Nobody, admins, or everybody.
    pub required_for: SecondFactorRule,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserView {
    /// The name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// May not sign in.
    pub is_disabled: bool,
    /// A code is asked for beside the password.
    pub has_second_factor: bool,
    /// Somebody else has set the password.
    pub is_password_interim: bool,
    /// The identity provider that vouches for the user, by its address; absent for who signs in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// When the user was made.
    pub created: Timestamp,
    /// When the password was set.
    pub password_changed: Timestamp,
    /// When the user last signed in.
    pub last_sign_in: Option<Timestamp>,
}

impl From<&UserRecord> for UserView {
    fn from(user: &UserRecord) -> Self {
        Self {
            name: user.name.clone(),
            role: user.role,
            is_disabled: user.is_disabled,
            has_second_factor: user.is_totp_on,
            is_password_interim: user.is_password_interim,
            provider: user.provider().map(str::to_owned),
            created: user.created,
            password_changed: user.password_changed,
            last_sign_in: user.last_sign_in,
        }
    }
}

/// Makes a user.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUserRequest {
    /// The name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The password; one is made up if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
}

/// Changes a user: what is absent stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// What the user may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// True: may not sign in, and is signed out everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
}

/// Sets a user's password for them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// The password; one is made up if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Takes the second factor away too: it was lost.
    #[serde(default)]
    pub remove_second_factor: bool,
}

/// A user with a password that was made up. Shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct UserWithPassword {
    /// The user.
    pub user: UserView,
    /// Good for signing in and choosing another; absent if it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interim_password: Option<Secret>,
}

/// An API key, without what it opens with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyView {
    /// The number by which it is revoked.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub shown: String,
    /// Whose rights it has at most; absent if the owner of the machine made it.
    pub user: Option<String>,
    /// What it may do at most.
    pub role: Role,
    /// The parts of the API that it opens; all if empty.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used: Option<Timestamp>,
    /// From where.
    pub last_address: Option<String>,
}

impl From<&ApiKeyRecord> for ApiKeyView {
    fn from(key: &ApiKeyRecord) -> Self {
        Self {
            id: key.id,
            name: key.name.clone(),
            shown: key.shown.clone(),
            user: key.user_name.clone(),
            role: key.role,
            scopes: key.scopes.clone(),
            created: key.created,
            expires: key.expires,
            last_used: key.last_used,
            last_address: key.last_address.clone(),
        }
    }
}

/// Makes an API key for who asks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKeyRequest {
    /// What it is for.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// The parts of the API that it opens: `jobs:read`, `library:write`; all if empty.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// How long it lives; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life_seconds: Option<u64>,
}

/// A key that was made. Shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct MadeApiKey {
    /// All of it: `Authorization: Bearer fsk_…`.
    pub secret: Secret,
    /// How it is listed.
    pub key: ApiKeyView,
}

/// A session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenSessionView {
    /// The number by which it is ended.
    pub id: i64,
    /// Whose.
    pub user: String,
    /// Where it was begun.
    pub address: String,
    /// The program, as it calls itself.
    pub agent: String,
    /// When it was begun.
    pub created: Timestamp,
    /// When it was last used, to the minute or so.
    pub last_seen: Timestamp,
    /// True for the one that asks.
    pub is_current: bool,
}

impl OpenSessionView {
    /// As seen by the session `current`.
    #[must_use]
    pub fn of(session: &SessionRecord, current: Option<i64>) -> Self {
        Self {
            id: session.id,
            user: session.name.clone(),
            address: session.address.clone(),
            agent: session.agent.clone(),
            created: session.created,
            last_seen: session.last_seen,
            is_current: current == Some(session.id),
        }
    }
}

/// A destructive request that needs a second admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalView {
    /// The number.
    pub id: i64,
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// What it would do.
    pub summary: String,
    /// Who wants it.
    pub asked_by: String,
    /// Since when.
    pub asked: Timestamp,
    /// After that it is worth nothing.
    pub expires: Timestamp,
    /// Who said yes or no.
    pub decided_by: Option<String>,
    /// When.
    pub decided: Option<Timestamp>,
    /// Where it is: once `approved`, the one who asked makes the same request again.
    pub state: ApprovalState,
}

impl From<&ApprovalRecord> for ApprovalView {
    fn from(approval: &ApprovalRecord) -> Self {
        Self {
            id: approval.id,
            method: approval.method.clone(),
            path: approval.path.clone(),
            summary: approval.summary.clone(),
            asked_by: approval.asked_by.clone(),
            asked: approval.asked,
            expires: approval.expires,
            decided_by: approval.decided_by.clone(),
            decided: approval.decided,
            state: approval.state,
        }
    }
}

/// Whether what destroys needs two admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TwoPersonRule {
    /// True if it does.
    pub is_on: bool,
}
