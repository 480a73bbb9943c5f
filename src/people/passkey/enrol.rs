//! Making a passkey, and what becomes of it: listed, renamed, removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::evidence::{AuthenticatorData, Ceremony, authenticator_data_in, decoded, ensure_client};
use super::public_key::Algorithm;
use super::{PENDING, PasskeyRefusal, Site};
use crate::catalog::people::{NewPasskeyRow, PasskeyRecord};
use crate::domain::Secret;
use crate::people::{People, PeopleError, UserId, UserRecord};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

/// Passkeys of one user: devices that a person has, and some lost ones.
const PASSKEYS_MAX: usize = 20;
/// Longest name that a person gives one.
const NAME_CHARACTERS_MAX: usize = 60;
/// Octets by which a device tells users apart; says nothing of who it is.
const HANDLE_BYTES: usize = 16;

/// What a browser needs to make one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyOffer {
    /// Random, base64url; answered once, within `timeout_ms`.
    pub challenge: Secret,
    /// The name of the site for which it is made.
    pub site: String,
    /// By which a device tells users apart, base64url.
    pub user_handle: String,
    /// The user's name.
    pub user: String,
    /// COSE's numbers of the algorithms that are taken, the preferred first.
    pub algorithms: Vec<i64>,
    /// Passkeys that the user has here, base64url: a device that has one makes no second.
    pub exclude: Vec<String>,
    /// How long the browser may take.
    pub timeout_ms: u64,
}

/// A passkey that a browser has made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What a person calls it.
    pub name: String,
    /// `clientDataJSON`, base64url.
    pub client_data: String,
    /// `attestationObject`, base64url.
    pub attestation: String,
}

impl People {
    /// Begins to make one.
    ///
    /// # Errors
    /// Passkeys cannot be used at that site, the user has too many, or signs in by a provider.
    pub fn start_passkey(&self, user: UserId, site: &Site) -> Result<PasskeyOffer, PeopleError> {
        let record = self.own_user(user)?;
        let known = self.store.passkeys(Some(user))?;
        if known.len() >= PASSKEYS_MAX {
            let message = format!("{} has {PASSKEYS_MAX} passkeys.", record.name);
            return Err(PeopleError::Conflict(message, "Remove one that is not used any more."));
        }
        let challenge = self.ask_passkey(Some(user), site)?;
        let here = known.iter().filter(|passkey| passkey.site == site.host());
        Ok(PasskeyOffer {
            challenge,
            site: site.host().to_owned(),
            user_handle: BASE64.encode(pseudonym_of(&record)),
            user: record.name,
            algorithms: Algorithm::OFFERED.to_vec(),
            exclude: here.map(|passkey| BASE64.encode(&passkey.credential)).collect(),
            timeout_ms: u64::try_from(PENDING.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Keeps one that was made.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn finish_passkey(
        &self,
        user: UserId,
        made: &NewPasskey,
        site: &Site,
    ) -> Result<PasskeyRecord, PeopleError> {
        self.own_user(user)?;
        ensure_passkey_name(&made.name)?;
        let client_data = decoded("the client data", &made.client_data)?;
        self.take_challenge(&client_data, Some(user), site)?;
        ensure_client(&client_data, Ceremony::Create, site)?;
        let attestation = decoded("the attestation", &made.attestation)?;
        let data = AuthenticatorData::read(authenticator_data_in(&attestation)?, site)?;
        let new = data.made.ok_or(PasskeyRefusal::Damaged("the new passkey"))?;
        let id = self.store.create_passkey(&NewPasskeyRow {
            user,
            name: made.name.trim(),
            credential: new.credential,
            algorithm: new.key.algorithm.number(),
            public_key: &new.key.bytes,
            site: site.host(),
            counter: data.counter,
            at: self.clock.now(),
        })?;
        Ok(self.store.passkey(id, Some(user))?)
    }

    /// Passkeys of one user or all, by name.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn passkeys(&self, user: Option<UserId>) -> Result<Vec<PasskeyRecord>, PeopleError> {
        Ok(self.store.passkeys(user)?)
    }

    /// Gives one another name.
    ///
    /// # Errors
    /// There is none, or what is wrong with the name.
    pub fn rename_passkey(
        &self,
        id: i64,
        of: Option<UserId>,
        name: &str,
    ) -> Result<PasskeyRecord, PeopleError> {
        ensure_passkey_name(name)?;
        self.store.rename_passkey(id, of, name.trim())?;
        Ok(self.store.passkey(id, of)?)
    }

    /// Removes one, if it is that user's or if no user is named. The last second factor that somebody needs they do
    /// not take away themselves (`by`); an admin does, if it was lost.
    ///
    /// # Errors
    /// There is none, or it is the last.
    pub fn remove_passkey(
        &self,
        id: i64,
        of: Option<UserId>,
        by: Option<UserId>,
    ) -> Result<(), PeopleError> {
        let user = self.store.passkey(id, of)?.user;
        if by == Some(user) {
            let others = self.store.passkeys(Some(user))?.len() > 1;
            self.ensure_not_the_last(user, others || self.store.user(user)?.is_totp_on)?;
        }
        Ok(self.store.remove_passkey(id, of)?)
    }

    /// A user who signs in here, and not by a provider.
    fn own_user(&self, user: UserId) -> Result<UserRecord, PeopleError> {
        let record = self.store.user(user)?;
        if record.subject.is_some() {
            let message = format!("{} signs in by the identity provider.", record.name);
            return Err(PeopleError::Conflict(message, "Set passkeys up there."));
        }
        Ok(record)
    }
}

fn ensure_passkey_name(name: &str) -> Result<(), PeopleError> {
    let name = name.trim();
    let is_short = name.chars().count() <= NAME_CHARACTERS_MAX;
    if name.is_empty() || !is_short || name.chars().any(char::is_control) {
        return Err(PeopleError::invalid("name of the passkey", "use 1 to 60 characters"));
    }
    Ok(())
}

/// The same for each passkey of a user, and another one for a user of the same name who is made later.
fn pseudonym_of(user: &UserRecord) -> [u8; HANDLE_BYTES] {
    let made = user.created.unix_nanoseconds().to_be_bytes();
    let digest = Sha256::new()
        .chain_update(b"fossilsafe passkey user v1\0")
        .chain_update(user.id.0.to_be_bytes())
        .chain_update(made)
        .finalize();
    let mut handle = [0; HANDLE_BYTES];
    handle.copy_from_slice(&digest[..HANDLE_BYTES]);
    handle
}
