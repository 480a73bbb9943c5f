//! Who may sign in, and what they may do: passwords, second factors, passkeys, sessions, API keys, roles.
//!
//! [`People`] is all of it over one file (`catalog::people`), which a catalog that is lost does not take
//! along. Three kinds of caller are told apart, and become a [`Principal`]: the owner of the machine, by
//! the engine's own socket; a person, by a session; a program, by an API key. Nothing that lets anybody
//! sign in is kept but as a hash, and nothing here ever shows one.
//!
//! Guessing is slowed down for the address that guesses. Whoever holds a session, sits at the machine, or
//! signs in from where they did before is never locked out by what others do: see [`throttle`].
//!
//! Routes, cookies and status codes are the API's. Threads: everything is `&self`; hashing a password
//! takes 19 MiB and some 20 ms, so one at a time is hashed.

mod api_key;
mod approval;
mod error;
mod factor_rule;
mod oidc;
mod passkey;
mod password;
mod principal;
mod scope;
mod second_factor;
mod session;
mod setup;
#[cfg(test)]
mod tests;
mod throttle;
mod token;
mod user;

use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::catalog::people::PeopleStore;
use crate::catalog::snapshot::PEOPLE_FILE;
use crate::domain::{Clock, Secret};

pub use crate::catalog::people::{
    ApiKeyRecord, ApprovalRecord, ApprovalState, PasskeyRecord, Role, SessionRecord, UserId,
    UserRecord,
};
pub use api_key::{KeyRequest, MadeKey};
pub use approval::DestructiveRequest;
pub use error::{PeopleError, PeopleErrorKind};
pub use factor_rule::{Factors, SecondFactorRule};
pub use oidc::{OidcAnswer, OidcError, OidcSettings, OidcSettingsShown, OidcStart, RoleValues};
pub use passkey::{NewPasskey, PasskeyAnswer, PasskeyOffer, PasskeyQuestion, PasskeyRefusal, Site};
pub use principal::{Credential, Principal};
pub use scope::Scope;
pub use second_factor::TotpProposal;
pub use session::{
    Origin, SIGNED_IN_AT_MOST, SignIn, SignInAnswer, StartedSession, UNUSED_AT_MOST,
};
pub use token::csrf_of;
pub use user::SecondFactor;

/// Everybody that the appliance knows.
#[derive(Debug)]
pub struct People {
    store: PeopleStore,
    clock: Arc<dyn Clock>,
    hasher: password::Hasher,
    throttle: Mutex<throttle::Throttle>,
    setup: setup::SetupCode,
    oidc: oidc::Oidc,
    passkeys: passkey::Passkeys,
}

impl People {
    /// Opens the people of a data folder. Until there is an admin, a one-time code is kept in a file
    /// beside them: see [`People::setup_code`].
    ///
    /// # Errors
    /// The file is damaged or cannot be used, or the code cannot be written.
    pub fn open(data: &Path, clock: Arc<dyn Clock>) -> Result<Self, PeopleError> {
        let store = PeopleStore::open(&data.join(PEOPLE_FILE))?;
        let setup = setup::SetupCode::beside(data);
        let people = Self {
            store,
            clock,
            hasher: password::Hasher::new()?,
            throttle: Mutex::default(),
            setup,
            oidc: oidc::Oidc::default(),
            passkeys: passkey::Passkeys::default(),
        };
        people.setup.keep_or_remove(people.store.has_admin()?)?;
        Ok(people)
    }
}
