//! Signing in with a passkey.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::evidence::{AuthenticatorData, Ceremony, decoded, ensure_client};
use super::public_key::{Algorithm, PublicKey};
use super::{PENDING, PasskeyRefusal, Site};
use crate::catalog::people::PasskeyRecord;
use crate::domain::Secret;
use crate::people::{Factors, Origin, People, PeopleError, StartedSession};

/// What a browser needs to use one. It finds the passkeys for the site by itself: nobody is told who has any.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyQuestion {
    /// Random, base64url; answered once, within `timeout_ms`.
    pub challenge: Secret,
    /// The name of the site.
    pub site: String,
    /// How long the browser may take.
    pub timeout_ms: u64,
}

/// What a browser answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAnswer {
    /// The passkey's `rawId`, base64url.
    pub id: String,
    /// `clientDataJSON`, base64url.
    pub client_data: String,
    /// `authenticatorData`, base64url.
    pub authenticator_data: String,
    /// `signature`, base64url.
    pub signature: String,
}

impl People {
    /// Begins.
    ///
    /// # Errors
    /// Passkeys cannot be used at that site.
    pub fn start_passkey_sign_in(&self, site: &Site) -> Result<PasskeyQuestion, PeopleError> {
        Ok(PasskeyQuestion {
            challenge: self.ask_passkey(None, site)?,
            site: site.host().to_owned(),
            timeout_ms: u64::try_from(PENDING.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// Ends: signs in whose passkey it is.
    ///
    /// # Errors
    /// Why they are not signed in.
    pub fn finish_passkey_sign_in(
        &self,
        answer: &PasskeyAnswer,
        site: &Site,
        from: &Origin,
    ) -> Result<StartedSession, PeopleError> {
        let credential = decoded("the name of the passkey", &answer.id)?;
        let found = self.store.passkey_by_credential(&credential)?;
        let user = found.as_ref().map(|passkey| self.store.user(passkey.user)).transpose()?;
        let account = user.as_ref().map_or_else(String::new, |user| user.name.to_ascii_lowercase());
        self.count_attempt(from, &account)?;
        let client_data = decoded("the client data", &answer.client_data)?;
        // Whatever else is wrong, the challenge is worth nothing afterwards.
        self.take_challenge(&client_data, None, site)?;
        let (Some(passkey), Some(user)) = (found, user) else {
            return Err(PasskeyRefusal::Unknown.into());
        };
        ensure_client(&client_data, Ceremony::SignIn, site)?;
        let counter = counted(&passkey, &client_data, answer, site)?;
        if user.is_disabled || user.subject.is_some() {
            return Err(PeopleError::NotRecognised);
        }
        if !self.store.use_passkey(passkey.id, counter, self.clock.now())? {
            return Err(PasskeyRefusal::CounterWentBack { name: passkey.name }.into());
        }
        if let Some(address) = from.address {
            self.throttle.lock().succeeded(address, &account);
        }
        // The device has it, and has verified who holds it.
        self.begin_session(&user, from, Factors::Two)
    }
}

/// The counter of an answer that the passkey has signed.
fn counted(
    passkey: &PasskeyRecord,
    client_data: &[u8],
    answer: &PasskeyAnswer,
    site: &Site,
) -> Result<u32, PasskeyRefusal> {
    let data = decoded("the authenticator data", &answer.authenticator_data)?;
    let signature = decoded("the signature", &answer.signature)?;
    let counter = AuthenticatorData::read(&data, site)?.counter;
    if passkey.site != site.host() {
        return Err(PasskeyRefusal::OtherSite);
    }
    let algorithm = Algorithm::of_number(passkey.algorithm);
    let algorithm = algorithm.ok_or(PasskeyRefusal::Damaged("the passkey that is kept"))?;
    let key = PublicKey { algorithm, bytes: passkey.public_key.clone() };
    let message = [data.as_slice(), Sha256::digest(client_data).as_slice()].concat();
    if !key.has_signed(&message, &signature) {
        return Err(PasskeyRefusal::WrongSignature);
    }
    Ok(counter)
}
