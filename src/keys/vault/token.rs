//! The token that this machine signs in with: how long it lives, and that it goes on to live.
//!
//! A token ends unless it is renewed, and most may be renewed only up to a day that the server sets: then jobs of the
//! pools that it serves wait. So it is renewed long before, always for as long as the server allows, and what it is
//! given tells when that day comes. An app role signs in anew with each question and has no such token.

use serde::Deserialize;

use super::server::Session;
use super::{VaultError, VaultLogin};
use crate::domain::Timestamp;
use crate::keys::vault::Vault;

/// What is asked for, in seconds: the longest that servers give without being told otherwise.
const WANTED_SECONDS: i64 = 32 * 86_400;
/// So long before a token ends for good that is said: a weekend and some days to find whoever makes another.
const WARNED_SECONDS: i64 = 7 * 86_400;
/// Of the time that it has left it is renewed after this part.
const RENEWED_AFTER: i64 = 3;
/// No more seldom than this: whoever revokes it is noticed.
const LOOK_SECONDS_MAX: i64 = 6 * 3600;
/// No more often than this.
const LOOK_SECONDS_MIN: i64 = 30;

/// How long a token lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLife {
    /// When it ends, if nothing is done; never if absent.
    pub ends: Option<Timestamp>,
    /// Whether it can be renewed for as long as the server runs.
    pub is_renewable: bool,
    /// Why nothing is known of it.
    pub refused: Option<VaultError>,
    /// When to look again.
    pub(in crate::keys) look_again: Timestamp,
}

#[derive(Deserialize)]
struct Lookup {
    data: LookupData,
}

#[derive(Deserialize)]
struct LookupData {
    ttl: i64,
    #[serde(default)]
    renewable: bool,
    /// One with a period is renewed without an end.
    #[serde(default)]
    period: i64,
}

#[derive(Deserialize)]
struct Renewed {
    auth: RenewedAuth,
}

#[derive(Deserialize)]
struct RenewedAuth {
    lease_duration: i64,
}

impl Vault {
    /// Renews the token, if there is one that can be; how long it lives then.
    pub(in crate::keys) fn renew(&self, now: Timestamp) -> Result<TokenLife, VaultError> {
        if self.settings().login != VaultLogin::Token {
            return Ok(TokenLife::of(None, true, now));
        }
        let session = self.sign_in()?;
        let Lookup { data } = session.get("auth/token/lookup-self")?;
        let is_endless = data.ttl == 0;
        if is_endless || !data.renewable {
            return Ok(TokenLife::of((!is_endless).then_some(data.ttl), is_endless, now));
        }
        match self.lengthen(&session) {
            Ok(seconds) => {
                let is_renewable = data.period > 0 || seconds > WARNED_SECONDS;
                Ok(TokenLife::of(Some(seconds), is_renewable, now))
            }
            // What it has left it has all the same.
            Err(VaultError::Denied { .. } | VaultError::Answer { .. }) => {
                Ok(TokenLife::of(Some(data.ttl), false, now))
            }
            Err(error) => Err(error),
        }
    }

    fn lengthen(&self, session: &Session<'_>) -> Result<i64, VaultError> {
        let body = format!("{{\"increment\":\"{WANTED_SECONDS}s\"}}");
        let renewed: Renewed = session.post("auth/token/renew-self", &body)?;
        Ok(renewed.auth.lease_duration)
    }
}

impl TokenLife {
    fn of(left_seconds: Option<i64>, is_renewable: bool, now: Timestamp) -> Self {
        let after = |seconds: i64| Timestamp { seconds: now.seconds + seconds, ..now };
        let soon = left_seconds.map_or(LOOK_SECONDS_MAX, |left| left / RENEWED_AFTER);
        Self {
            ends: left_seconds.map(after),
            is_renewable,
            refused: None,
            look_again: after(soon.clamp(LOOK_SECONDS_MIN, LOOK_SECONDS_MAX)),
        }
    }

    /// After a question that was not answered: what was known before stays true.
    pub(in crate::keys) fn after(before: Option<Self>, error: VaultError, now: Timestamp) -> Self {
        let mut life = before.unwrap_or_else(|| Self::of(None, true, now));
        life.look_again = Timestamp { seconds: now.seconds + LOOK_SECONDS_MIN, ..now };
        life.refused = matches!(error, VaultError::Denied { .. }).then_some(error);
        life
    }

    /// What a person has to know, if there is something: it ends soon and for good, or is refused.
    #[must_use]
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        if let Some(refused) = &self.refused {
            return Some(format!(
                "The token for the key server cannot be looked after: {refused}. It has ended, or may not look itself up."
            ));
        }
        let ends = self.ends.filter(|_| !self.is_renewable)?;
        let is_soon = ends.seconds - now.seconds < WARNED_SECONDS;
        is_soon.then(|| {
            format!(
                "The token for the key server ends at {ends} and cannot be renewed beyond that: jobs of the pools whose \
                 keys are there wait then."
            )
        })
    }
}
