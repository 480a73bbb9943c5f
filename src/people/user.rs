//! Users: made, changed, disabled, removed; their passwords and preferences.

use super::password::{Verdict, ensure_acceptable};
use super::session::NAME_BYTES_MAX;
use super::token::new_code;
use super::{Factors, Origin, People, PeopleError, Role, Secret, UserId, UserRecord};
use crate::catalog::people::NewUser;

/// Largest preferences, as JSON: a console's, not a store for files.
const PREFERENCES_BYTES_MAX: usize = 64 * 1024;
/// Groups of a password that is made for somebody: 80 random bits, and it is changed at once.
const INTERIM_GROUPS: usize = 4;

/// Refuses a name that would not be safe in a log or on a command line.
pub(super) fn ensure_name(name: &str) -> Result<(), PeopleError> {
    let is_sensible = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
    let starts_well = name.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    if !starts_well || name.len() > NAME_BYTES_MAX || !name.chars().all(is_sensible) {
        let why = "use 1 to 64 letters, digits, '-', '_', '.', '@' or '+', beginning with a \
                   letter or digit";
        return Err(PeopleError::invalid("user name", why));
    }
    // These stand in the audit log for who is no user.
    if ["local", "nobody", "system"].contains(&name.to_ascii_lowercase().as_str()) {
        return Err(PeopleError::invalid("user name", "this one has a meaning of its own"));
    }
    Ok(())
}

impl People {
    /// Makes a user. Without a password one is made up, and returned: it is good for one sign-in, at
    /// which the user chooses another.
    ///
    /// # Errors
    /// What is wrong with name or password; `Conflict` if the name is taken.
    pub fn create_user(
        &self,
        name: &str,
        role: Role,
        password: Option<&Secret>,
    ) -> Result<(UserRecord, Option<Secret>), PeopleError> {
        ensure_name(name)?;
        let (hash, made) = self.chosen_or_made(name, password)?;
        let id = self.store.create_user(&NewUser {
            name,
            role,
            password_hash: &hash,
            is_password_interim: made.is_some(),
            at: self.clock.now(),
        })?;
        self.setup.keep_or_remove(self.store.has_admin()?)?;
        Ok((self.store.user(id)?, made))
    }

    /// Sets somebody else's password, ends all sessions of that user, and takes the second factor and all passkeys
    /// away if these were lost as well. Returns the password if it was made up.
    ///
    /// # Errors
    /// There is no such user, or what is wrong with the password.
    pub fn reset_password(
        &self,
        name: &str,
        password: Option<&Secret>,
        second_factor: SecondFactor,
    ) -> Result<Option<Secret>, PeopleError> {
        let user = self.user_named(name)?;
        if user.subject.is_some() {
            let message = format!("{} signs in by the identity provider.", user.name);
            return Err(PeopleError::Conflict(message, "The password is set there."));
        }
        let (hash, made) = self.chosen_or_made(&user.name, password)?;
        self.store.set_password(user.id, &hash, true, self.clock.now())?;
        if second_factor == SecondFactor::TakeAway {
            self.store.stop_totp(user.id)?;
            for passkey in self.store.passkeys(Some(user.id))? {
                self.store.remove_passkey(passkey.id, None)?;
            }
        }
        Ok(made)
    }

    fn chosen_or_made(
        &self,
        name: &str,
        password: Option<&Secret>,
    ) -> Result<(String, Option<Secret>), PeopleError> {
        if let Some(password) = password {
            ensure_acceptable(password, name)?;
            return Ok((self.hasher.hash(password)?, None));
        }
        let made = new_code(INTERIM_GROUPS);
        Ok((self.hasher.hash(&made)?, Some(made)))
    }

    /// Changes one's own password and ends all one's sessions: a new one is begun, which has shown as much as the one
    /// before.
    ///
    /// # Errors
    /// `NotRecognised` if the present password is not right; attempts are counted as at signing in.
    pub fn change_password(
        &self,
        user: UserId,
        present: &Secret,
        wanted: &Secret,
        from: &Origin,
        factors: Factors,
    ) -> Result<super::StartedSession, PeopleError> {
        let record = self.confirm_password(user, present, from)?;
        ensure_acceptable(wanted, &record.name)?;
        if present == wanted {
            return Err(PeopleError::invalid("password", "it is the present one"));
        }
        let hash = self.hasher.hash(wanted)?;
        self.store.set_password(user, &hash, false, self.clock.now())?;
        self.begin_session(&self.store.user(user)?, from, factors)
    }

    /// Makes sure that whoever holds a session knows the password too, before it is changed.
    ///
    /// # Errors
    /// `NotRecognised`; attempts are counted as at signing in.
    pub fn confirm_password(
        &self,
        user: UserId,
        password: &Secret,
        from: &Origin,
    ) -> Result<UserRecord, PeopleError> {
        let record = self.store.user(user)?;
        let account = record.name.to_ascii_lowercase();
        self.count_attempt(from, &account)?;
        let hash = Some(record.password_hash.as_str()).filter(|_| record.subject.is_none());
        if self.hasher.verify(password, hash)? == Verdict::Wrong {
            return Err(PeopleError::NotRecognised);
        }
        if let Some(address) = from.address {
            self.throttle.lock().succeeded(address, &account);
        }
        Ok(record)
    }

    /// The user of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn user_named(&self, name: &str) -> Result<UserRecord, PeopleError> {
        let missing = || PeopleError::NotFound(format!("user \"{name}\""));
        self.store.user_by_name(name)?.ok_or_else(missing)
    }

    /// The user of that number.
    ///
    /// # Errors
    /// There is none.
    pub fn user(&self, id: UserId) -> Result<UserRecord, PeopleError> {
        Ok(self.store.user(id)?)
    }

    /// All users, by name.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn users(&self) -> Result<Vec<UserRecord>, PeopleError> {
        Ok(self.store.users()?)
    }

    /// Recovery codes that a user has left.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn recovery_codes_left(&self, user: UserId) -> Result<u64, PeopleError> {
        Ok(self.store.recovery_codes_left(user)?)
    }

    /// Changes what a user may do.
    ///
    /// # Errors
    /// There is none, or it is the last admin.
    pub fn set_role(&self, name: &str, role: Role) -> Result<(), PeopleError> {
        let user = self.user_named(name)?;
        Ok(self.store.set_role(user.id, role)?)
    }

    /// Lets a user sign in, or not any more.
    ///
    /// # Errors
    /// There is none, or it is the last admin.
    pub fn set_disabled(&self, name: &str, is_disabled: bool) -> Result<(), PeopleError> {
        let user = self.user_named(name)?;
        Ok(self.store.set_disabled(user.id, is_disabled)?)
    }

    /// Removes a user with sessions and keys. What the user did stays in the audit log.
    ///
    /// # Errors
    /// There is none, or it is the last admin.
    pub fn remove_user(&self, name: &str) -> Result<(), PeopleError> {
        let user = self.user_named(name)?;
        Ok(self.store.remove_user(user.id)?)
    }

    /// What the console keeps for a user.
    ///
    /// # Errors
    /// There is no such user.
    pub fn preferences(&self, user: UserId) -> Result<serde_json::Value, PeopleError> {
        Ok(self.store.preferences(user)?)
    }

    /// Replaces it.
    ///
    /// # Errors
    /// It is no object, or too large.
    pub fn set_preferences(
        &self,
        user: UserId,
        value: &serde_json::Value,
    ) -> Result<(), PeopleError> {
        if !value.is_object() {
            return Err(PeopleError::invalid("preferences", "they must be a JSON object"));
        }
        if value.to_string().len() > PREFERENCES_BYTES_MAX {
            return Err(PeopleError::invalid("preferences", "they have more than 64 KiB"));
        }
        Ok(self.store.set_preferences(user, value)?)
    }
}

/// What becomes of the second factor when a password is set by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// It stays.
    Keep,
    /// It was lost as well.
    TakeAway,
}
