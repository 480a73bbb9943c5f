//! API keys: what programs sign in with, and what each may do.
//!
//! A key never may more than its user may at the moment, whatever it was made with: it ends with its user,
//! and shrinks with the user's role.

use std::net::IpAddr;
use std::time::Duration;

use super::principal::{Credential, Principal};
use super::session::{NOTED_EVERY, after, before};
use super::token::{hash_of, new_token};
use super::{ApiKeyRecord, Factors, People, PeopleError, Role, Scope, Secret, UserId};
use crate::catalog::people::NewApiKey;

/// Every key begins with this, so that scanners of repositories and logs find one that was lost.
const PREFIX: &str = "fsk_";
/// Characters that are shown of a key: prefix and six more, of 43.
const SHOWN_CHARACTERS: usize = PREFIX.len() + 6;
/// Longest life that can be asked for.
const LIFE_MAX: Duration = Duration::from_secs(10 * 366 * 86_400);

/// What a key is asked for with.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Whose rights it has at most; none only for the machine's owner.
    pub user: Option<UserId>,
    /// What it is for.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// The parts of the API that it opens; all if empty.
    pub scopes: Vec<Scope>,
    /// How long it lives; for ever if absent.
    pub life: Option<Duration>,
}

/// A key that was made. It is shown this once.
#[derive(Debug)]
pub struct MadeKey {
    /// All of it.
    pub secret: Secret,
    /// How it is listed.
    pub record: ApiKeyRecord,
}

impl People {
    /// Makes a key.
    ///
    /// # Errors
    /// The name is no good or taken, the life too long, the role more than the user's.
    pub fn create_key(&self, wanted: &KeyRequest) -> Result<MadeKey, PeopleError> {
        let is_sensible = |c: char| !c.is_control();
        if wanted.name.trim().is_empty()
            || wanted.name.len() > 64
            || !wanted.name.chars().all(is_sensible)
        {
            return Err(PeopleError::invalid("name of the key", "use 1 to 64 characters"));
        }
        if wanted.life.is_some_and(|life| life.is_zero() || life > LIFE_MAX) {
            return Err(PeopleError::invalid("life of the key", "use up to ten years"));
        }
        if let Some(user) = wanted.user {
            let user = self.store.user(user)?;
            if wanted.role > user.role {
                let why = format!("{} is {} and cannot give more", user.name, user.role);
                return Err(PeopleError::invalid("role of the key", why));
            }
        }
        let secret = Secret::new(format!("{PREFIX}{}", new_token().reveal()));
        let hash = hash_of(secret.reveal());
        let scopes: Vec<String> = wanted.scopes.iter().map(ToString::to_string).collect();
        let now = self.clock.now();
        self.store.create_key(&NewApiKey {
            user: wanted.user,
            name: &wanted.name,
            shown: &secret.reveal()[..SHOWN_CHARACTERS],
            secret_hash: &hash,
            role: wanted.role,
            scopes: &scopes,
            at: now,
            expires: wanted.life.map(|life| after(now, life)),
        })?;
        let record = self.store.key_by_secret(&hash)?;
        let record = record.ok_or_else(|| PeopleError::NotFound("key".to_owned()))?;
        Ok(MadeKey { secret, record })
    }

    /// Who holds that key, if it counts.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn key_holder(
        &self,
        secret: &str,
        from: Option<IpAddr>,
    ) -> Result<Option<Principal>, PeopleError> {
        if !secret.starts_with(PREFIX) {
            return Ok(None);
        }
        let now = self.clock.now();
        let found = self.store.key_by_secret(&hash_of(secret))?;
        let valid = found
            .filter(|key| !key.is_user_disabled && key.expires.is_none_or(|expires| expires > now));
        let Some(key) = valid else { return Ok(None) };
        if key.last_used.is_none_or(|last| last <= before(now, NOTED_EVERY)) {
            let address = from.map_or("local".to_owned(), |it| it.to_canonical().to_string());
            self.store.touch_key(key.id, &address, now)?;
        }
        let scopes = key.scopes.iter().map(|scope| scope.parse());
        let scopes: Vec<Scope> =
            scopes.collect::<Result<_, _>>().map_err(|error: super::scope::ScopeError| {
                PeopleError::invalid("scope", error.to_string())
            })?;
        Ok(Some(Principal {
            credential: Credential::Key(key.id),
            user: key.user,
            name: match &key.user_name {
                Some(user) => format!("{user} (key \"{}\")", key.name),
                None => format!("key \"{}\"", key.name),
            },
            role: key.user_role.map_or(key.role, |role| role.min(key.role)),
            scopes,
            is_password_interim: false,
            factors: Factors::One,
            is_factor_missing: false,
        }))
    }

    /// Keys of one user or all keys, by name.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn keys(&self, user: Option<UserId>) -> Result<Vec<ApiKeyRecord>, PeopleError> {
        Ok(self.store.keys(user)?)
    }

    /// Takes a key away, if it is that user's or if no user is named.
    ///
    /// # Errors
    /// There is no such key.
    pub fn revoke_key(&self, id: i64, of: Option<UserId>) -> Result<(), PeopleError> {
        Ok(self.store.revoke_key(id, of)?)
    }
}
