//! Passkeys (WebAuthn level 2): signing in with a key that the user's device keeps, and unlocks by a finger, a face
//! or a PIN.
//!
//! ```text
//!  make   password ─▶ challenge ─▶ browser, device ─▶ new public key, made for this very site      ─▶ kept
//!  use                challenge ─▶ browser, device ─▶ signature over challenge and site, counter   ─▶ session
//! ```
//!
//! The device verifies its user, so a passkey is two factors by itself, and no code is asked for beside it. Who has
//! made the device is not asked.
//!
//! **The site** is the name in the address at which the console was opened. A passkey is good for that name
//! only, and browsers offer them over HTTPS or on `localhost`: whoever opens the appliance at another name, or at a
//! bare IP address, signs in with the password. That is what keeps a page of somebody else from using it.
//!
//! A challenge counts once, for five minutes, for what it was made. Users of an identity provider have none:
//! the provider decides whether they may still sign in.

mod cbor;
mod enrol;
mod evidence;
mod public_key;
mod sign_in;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;

use super::token::new_token;
use super::{People, UserId};
use crate::domain::Secret;
use crate::domain::peer::Scheme;

pub use enrol::{NewPasskey, PasskeyOffer};
pub use sign_in::{PasskeyAnswer, PasskeyQuestion};

/// How long a browser may take: a person looks for the device meanwhile.
const PENDING: Duration = Duration::from_secs(5 * 60);
/// Ceremonies that may wait at once; the oldest goes first.
const PENDING_MAX: usize = 1000;

/// The site as the browser that asks sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    scheme: Scheme,
    /// The request's `Host`: a name, and a port if it is not the usual one.
    authority: String,
}

impl Site {
    /// Of a request that came over `scheme` with that `Host`.
    #[must_use]
    pub fn new(scheme: Scheme, authority: &str) -> Self {
        Self { scheme, authority: authority.to_ascii_lowercase() }
    }

    /// What browsers call it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.name(), self.authority)
    }

    /// The name alone, for which passkeys are made.
    #[must_use]
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }

    /// Why no passkey can be made here, if none can.
    fn ensure_usable(&self) -> Result<(), PasskeyRefusal> {
        let host = self.host();
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        let is_local = host == "localhost" || host.ends_with(".localhost");
        if host.is_empty() || is_address || (self.scheme == Scheme::Http && !is_local) {
            return Err(PasskeyRefusal::NoSite { origin: self.origin() });
        }
        Ok(())
    }
}

/// Why a passkey is not taken. What it says may be shown to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefusal {
    /// Passkeys need a name and HTTPS.
    #[error("Passkeys cannot be used at {origin}.")]
    NoSite {
        /// How the console was opened.
        origin: String,
    },
    /// Too late, used before, or never given out.
    #[error("This was begun too long ago, or is over already.")]
    NotPending,
    /// The browser has done something else.
    #[error("The browser answers another question than it was asked.")]
    OtherCeremony,
    /// The page that asked is another site's.
    #[error("The passkey was used on a page of {found}, and not of this appliance.")]
    OtherOrigin {
        /// Where.
        found: String,
    },
    /// The device has signed for another name.
    #[error("The passkey was made for another name of this appliance, or for another site.")]
    OtherSite,
    /// Nobody touched it, or it did not ask for finger, face or PIN.
    #[error("The device did not verify its user.")]
    UserNotVerified,
    /// It is no signature of that key.
    #[error("The signature is wrong.")]
    WrongSignature,
    /// The device has counted further than this: there may be two of it.
    #[error("The passkey \"{name}\" counts backwards: somebody may have a copy of it.")]
    CounterWentBack {
        /// Which.
        name: String,
    },
    /// Nobody here has that one.
    #[error("This passkey is not known here.")]
    Unknown,
    /// A kind that is not taken, or not whole.
    #[error("{0} cannot be understood.")]
    Damaged(&'static str),
}

impl PasskeyRefusal {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSite { .. } => "passkey_no_site",
            Self::NotPending => "passkey_not_pending",
            Self::CounterWentBack { .. } => "passkey_copied",
            Self::OtherCeremony
            | Self::OtherOrigin { .. }
            | Self::OtherSite
            | Self::UserNotVerified
            | Self::WrongSignature
            | Self::Unknown
            | Self::Damaged(_) => "passkey_refused",
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NoSite { .. } => {
                "Open the console by a name and over HTTPS, or sign in with the password."
            }
            Self::NotPending => "Begin again.",
            Self::UserNotVerified => "Set a PIN, a finger or a face on the device, and try again.",
            Self::CounterWentBack { .. } => {
                "Sign in with the password, remove that passkey and make a new one."
            }
            Self::OtherOrigin { .. } | Self::OtherSite => {
                "Open the console at the address at which the passkey was made."
            }
            Self::OtherCeremony | Self::WrongSignature | Self::Unknown | Self::Damaged(_) => {
                "Sign in with the password."
            }
        }
    }
}

/// A question that a browser was asked.
#[derive(Debug)]
struct Pending {
    /// Who makes a passkey; nobody where one is used.
    user: Option<UserId>,
    site: Site,
    /// By the clock that never goes back.
    begun: Duration,
}

/// Questions without an answer.
#[derive(Debug, Default)]
pub(super) struct Passkeys {
    pending: Mutex<BTreeMap<String, Pending>>,
}

impl People {
    /// A new challenge.
    fn ask_passkey(&self, user: Option<UserId>, site: &Site) -> Result<Secret, PasskeyRefusal> {
        site.ensure_usable()?;
        let begun = self.clock.elapsed();
        let challenge = new_token();
        let mut pending = self.passkeys.pending.lock();
        pending.retain(|_, other| begun.saturating_sub(other.begun) < PENDING);
        if pending.len() >= PENDING_MAX
            && let Some(oldest) =
                pending.iter().min_by_key(|(_, it)| it.begun).map(|(key, _)| key.clone())
        {
            pending.remove(&oldest);
        }
        let waiting = Pending { user, site: site.clone(), begun };
        pending.insert(challenge.reveal().to_owned(), waiting);
        Ok(challenge)
    }

    /// Takes the challenge that is answered in `client_data`; whatever comes of it, it counts once.
    fn take_challenge(
        &self,
        client_data: &[u8],
        user: Option<UserId>,
        site: &Site,
    ) -> Result<(), PasskeyRefusal> {
        let challenge = evidence::challenge_in(client_data)?;
        let now = self.clock.elapsed();
        let pending = self.passkeys.pending.lock().remove(&challenge);
        let is_ours = |pending: &Pending| {
            now.saturating_sub(pending.begun) < PENDING
                && pending.user == user
                && pending.site == *site
        };
        pending.filter(is_ours).map(drop).ok_or(PasskeyRefusal::NotPending)
    }
}
