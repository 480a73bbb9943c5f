//! Who asks: a person with a session, a program with a key, or the owner of the machine.

use super::{Factors, Role, Scope, UserId};

/// How somebody was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A program of root or of the engine's own user, on the engine's socket.
    Machine,
    /// A session, by its number.
    Session(i64),
    /// An API key, by its number.
    Key(i64),
}

/// Somebody who was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// How.
    pub credential: Credential,
    /// The user behind it.
    pub user: Option<UserId>,
    /// The name for people: the user's, with the key's where there is one.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The parts of the API that are open to them; all if empty.
    pub scopes: Vec<Scope>,
    /// They have to choose a password before anything else.
    pub is_password_interim: bool,
    /// What they have shown at signing in.
    pub factors: Factors,
    /// They have to set up a second factor before anything else.
    pub is_factor_missing: bool,
}

impl Principal {
    /// The owner of the machine, who may read every file of it anyway.
    #[must_use]
    pub fn machine() -> Self {
        Self {
            credential: Credential::Machine,
            user: None,
            name: "local".to_owned(),
            role: Role::Admin,
            scopes: Vec::new(),
            is_password_interim: false,
            factors: Factors::Two,
            is_factor_missing: false,
        }
    }

    /// True if that part of the API is open to them.
    #[must_use]
    pub fn is_open(&self, area: &str, is_change: bool) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|scope| scope.opens(area, is_change))
    }
}
