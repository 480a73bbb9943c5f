//! Signing in by an identity provider: OpenID Connect, authorization code with PKCE.
//!
//! ```text
//! page                    engine                               provider
//!  | start                  |                                     |
//!  |----------------------->| state, nonce, verifier: made, kept  |
//!  |<-----------------------| address to go to, binding           |
//!  |------------------------|--- challenge = SHA-256(verifier) -->| signs in there
//!  |<-----------------------|------------------ code, state ------|
//!  | code, state, binding   |                                     |
//!  |----------------------->| code, verifier -------------------->|
//!  |                        |<------ ID token, signed, with nonce |
//!  |<-----------------------| session                             |
//! ```
//!
//! The binding stays with the page that began, so nobody can finish in another browser what they began in their
//! own. A state counts once and for ten minutes. The token must be signed by a key that the provider publishes, be
//! from it, for us, in time, and carry the nonce. The role comes from a claim and is looked at each time; who has
//! none of the values is not let in. A user made here has no password and is known by the provider's own name for
//! them: one that people here were given already is never taken over.
//!
//! Whom the provider forgets or gives another role, that is noticed at the next sign-in: a session lasts a working day
//! at most, keys until an admin revokes them or disables the user. Claims are taken from the ID token only.

mod id_token;
mod provider;
mod settings;
mod sign_in;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use self::provider::Known;
use crate::domain::Secret;
use crate::keys::KeyRing;

pub use settings::{OidcSettings, OidcSettingsShown, RoleValues};
pub use sign_in::{OidcAnswer, OidcStart};

/// How long somebody may take at the provider.
const PENDING: Duration = Duration::from_secs(600);
/// Sign-ins that are under way at one time; the oldest goes when one more begins.
const PENDING_MAX: usize = 1000;

/// What is kept in memory of a provider and of those who sign in by it.
#[derive(Debug, Default)]
pub(super) struct Oidc {
    /// What seals the client's secret.
    pub(super) ring: Option<Arc<KeyRing>>,
    known: Mutex<Option<Arc<Known>>>,
    pending: Mutex<HashMap<String, Pending>>,
}

/// Somebody who is at the provider now.
#[derive(Debug)]
struct Pending {
    nonce: Secret,
    verifier: Secret,
    binding: Secret,
    /// By the clock that never goes back.
    begun: Duration,
}

/// Why nobody is signed in by a provider. What it says may be shown to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// None is set.
    #[error("No identity provider is set.")]
    NotSet,
    /// It does not answer, or not as it should.
    #[error("The identity provider cannot be used: {0}.")]
    Provider(String),
    /// Begun too long ago, in another browser, or finished already.
    #[error("This sign-in was begun too long ago, in another window, or is over already.")]
    NotPending,
    /// What the provider says must not be believed.
    #[error("What the identity provider says cannot be believed: {0}.")]
    NotBelieved(String),
    /// Nobody said that such a one may sign in.
    #[error("The identity provider knows you, and none of your groups has a role here.")]
    NoRole,
    /// An admin has disabled the user.
    #[error("This user may not sign in here.")]
    Disabled,
    /// A user of that name has a password here.
    #[error("There is a user \"{0}\" here already, who signs in with a password.")]
    NameTaken(String),
}

impl OidcError {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSet => "oidc_not_set",
            Self::Provider(_) => "oidc_provider",
            Self::NotPending => "oidc_not_pending",
            Self::NotBelieved(_) => "oidc_not_believed",
            Self::NoRole => "oidc_no_role",
            Self::Disabled => "oidc_disabled",
            Self::NameTaken(_) => "oidc_name_taken",
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NotSet => "Sign in with name and password; an admin can set a provider.",
            Self::Provider(_) => {
                "Try again; an admin can compare the address, the client and its secret with what the provider has."
            }
            Self::NotPending => "Sign in again from the beginning.",
            Self::NotBelieved(_) => {
                "Sign in again; if it stays, an admin compares client, address and clocks with the provider's."
            }
            Self::NoRole => "Ask an admin which groups have a role here.",
            Self::Disabled => "Ask an admin.",
            Self::NameTaken(_) => {
                "Sign in with the password; or an admin removes that user, and then it is made anew."
            }
        }
    }
}

#[cfg(test)]
mod tests;
