//! The rule that people need a second factor: nobody, admins, or everybody.
//!
//! It is met by an authenticator's code, by a passkey, whose device has verified its user, and by a recovery code in
//! their place. Who has neither yet signs in with the password and can do one thing: set one up. Who has one and came
//! by the password alone is not let in, else the rule would be met by whoever knows the password. Who comes from an
//! identity provider has shown there what is asked for there; programs have keys; and the owner of the machine, who may
//! read every file of it, is not held by it: so the last admin always has a way back (`user reset-password`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::token::{hash_of_code, new_code};
use super::{Credential, People, PeopleError, Principal, Role, Secret, SessionRecord, UserId};

/// The setting.
const SETTING: &str = "second_factor_rule";
/// Recovery codes that are given out together.
const RECOVERY_CODES: usize = 10;
/// Groups of a recovery code: 60 random bits.
const RECOVERY_GROUPS: usize = 3;

/// Who needs a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorRule {
    /// Nobody; each chooses.
    #[default]
    Off,
    /// Who may say who may do what.
    Admins,
    /// Everybody who signs in here.
    Everybody,
}

impl SecondFactorRule {
    fn holds(self, role: Role) -> bool {
        match self {
            Self::Off => false,
            Self::Admins => role == Role::Admin,
            Self::Everybody => true,
        }
    }
}

/// What somebody has shown at signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Factors {
    /// The password alone.
    One,
    /// A second factor too, or what counts for it.
    Two,
}

impl Factors {
    /// What a session was begun with.
    #[must_use]
    pub fn of(session: &SessionRecord) -> Self {
        if session.is_two_factor { Self::Two } else { Self::One }
    }
}

impl People {
    /// Who needs a second factor.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn second_factor_rule(&self) -> Result<SecondFactorRule, PeopleError> {
        Ok(self.store.setting(SETTING)?.unwrap_or_default())
    }

    /// Says who needs one. Who makes it a rule for themselves must have shown that theirs works.
    ///
    /// # Errors
    /// `Conflict` if they have not.
    pub fn set_second_factor_rule(
        &self,
        rule: SecondFactorRule,
        by: &Principal,
    ) -> Result<(), PeopleError> {
        let has_shown = match (&by.credential, by.user) {
            (Credential::Machine, _) | (_, None) => true,
            (Credential::Session(_), Some(_)) => by.factors == Factors::Two,
            (Credential::Key(_), Some(user)) => self.has_second_factor(user)?,
        };
        if rule.holds(by.role) && !has_shown {
            return Err(PeopleError::Conflict(
                format!("{} has not signed in with a second factor.", by.name),
                "Set one up under My account and sign in with it: then it is known to work.",
            ));
        }
        Ok(self.store.set_setting(SETTING, &rule)?)
    }

    /// True if that user needs a second factor.
    pub(super) fn needs_second_factor(&self, role: Role) -> Result<bool, PeopleError> {
        Ok(self.second_factor_rule()?.holds(role))
    }

    /// True if a user has an authenticator or a passkey.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn has_second_factor(&self, user: UserId) -> Result<bool, PeopleError> {
        Ok(self.store.user(user)?.is_totp_on || self.has_passkey(user)?)
    }

    pub(super) fn has_passkey(&self, user: UserId) -> Result<bool, PeopleError> {
        Ok(!self.store.passkeys(Some(user))?.is_empty())
    }

    /// Whether a session falls short of the rule; none if it is worth nothing, because its user has a second factor and
    /// has not shown it.
    pub(super) fn shortfall(&self, session: &SessionRecord) -> Result<Option<bool>, PeopleError> {
        if session.is_two_factor || !self.needs_second_factor(session.role)? {
            return Ok(Some(false));
        }
        Ok((!self.has_second_factor(session.user)?).then_some(true))
    }

    /// Notes that a session has shown a second factor: the one that was set up in it.
    ///
    /// # Errors
    /// The session has ended.
    pub fn note_second_factor(&self, session: i64) -> Result<(), PeopleError> {
        Ok(self.store.note_two_factor(session)?)
    }

    /// Refuses to let somebody take away the last second factor that they need.
    pub(super) fn ensure_not_the_last(
        &self,
        user: UserId,
        has_another: bool,
    ) -> Result<(), PeopleError> {
        let record = self.store.user(user)?;
        if has_another || !self.needs_second_factor(record.role)? {
            return Ok(());
        }
        Err(PeopleError::Conflict(
            "A second factor is required here, and this is the last one.".to_owned(),
            "Set another one up first; one that is lost an admin takes away.",
        ))
    }

    /// Gives a user new recovery codes; those before are worth nothing.
    ///
    /// # Errors
    /// `Conflict` if there is no second factor that they could stand in for.
    pub fn renew_recovery_codes(&self, user: UserId) -> Result<Vec<Secret>, PeopleError> {
        if !self.has_second_factor(user)? {
            return Err(PeopleError::Conflict(
                "There is no second factor that recovery codes could stand in for.".to_owned(),
                "Set up an authenticator or a passkey first.",
            ));
        }
        let (codes, hashes) = new_recovery_codes();
        self.store.set_recovery_codes(user, &hashes)?;
        Ok(codes)
    }
}

/// Recovery codes, and what is kept of them.
pub(super) fn new_recovery_codes() -> (Vec<Secret>, Vec<[u8; 32]>) {
    let codes: Vec<Secret> = (0..RECOVERY_CODES).map(|_| new_code(RECOVERY_GROUPS)).collect();
    let hashes = codes.iter().map(|code| hash_of_code(code.reveal())).collect();
    (codes, hashes)
}
