//! What an authenticator and a browser say of a ceremony, and what of it must be so (WebAuthn, 7.1 and 7.2).
//!
//! ```text
//! authenticator data   0..32 SHA-256 of the site's name │ 32 flags │ 33..37 counter │ with a new passkey:
//!                      37..53 model │ 53..55 length of its name │ name │ COSE key
//! client data          JSON: type, challenge, origin, crossOrigin
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::cbor::{self, Item};
use super::public_key::PublicKey;
use super::{PasskeyRefusal, Site};

/// Flags of the authenticator data.
const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const HAS_KEY: u8 = 1 << 6;
/// Longest name of a passkey that is kept; the standard's limit.
const CREDENTIAL_BYTES_MAX: usize = 1023;

/// What a ceremony is for; the browser says so in the client data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ceremony {
    Create,
    SignIn,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// The challenge that a browser says it has answered, before anything is believed.
pub(super) fn challenge_in(client_data: &[u8]) -> Result<String, PasskeyRefusal> {
    Ok(parsed(client_data)?.challenge)
}

fn parsed(client_data: &[u8]) -> Result<ClientData, PasskeyRefusal> {
    serde_json::from_slice(client_data).map_err(|_| PasskeyRefusal::Damaged("the client data"))
}

/// Makes sure that the browser says: this ceremony, on this very site.
pub(super) fn ensure_client(
    client_data: &[u8],
    ceremony: Ceremony,
    site: &Site,
) -> Result<(), PasskeyRefusal> {
    let found = parsed(client_data)?;
    let wanted = match ceremony {
        Ceremony::Create => "webauthn.create",
        Ceremony::SignIn => "webauthn.get",
    };
    if found.kind != wanted {
        return Err(PasskeyRefusal::OtherCeremony);
    }
    if found.origin != site.origin() || found.cross_origin {
        return Err(PasskeyRefusal::OtherOrigin { found: found.origin });
    }
    Ok(())
}

/// The authenticator data.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'b> {
    /// How often it has signed; 0 for one that does not count.
    pub(super) counter: u32,
    /// A new passkey.
    pub(super) made: Option<Made<'b>>,
}

/// A passkey that was made.
#[derive(Debug)]
pub(super) struct Made<'b> {
    pub(super) credential: &'b [u8],
    pub(super) key: PublicKey,
}

impl<'b> AuthenticatorData<'b> {
    /// Reads it, and makes sure that it is of this site and that the user was there and was verified.
    pub(super) fn read(bytes: &'b [u8], site: &Site) -> Result<Self, PasskeyRefusal> {
        const DAMAGED: PasskeyRefusal = PasskeyRefusal::Damaged("the authenticator data");
        let (hash, rest) = bytes.split_at_checked(32).ok_or(DAMAGED)?;
        let (&flags, rest) = rest.split_first().ok_or(DAMAGED)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(DAMAGED)?;
        if hash != Sha256::digest(site.host().as_bytes()).as_slice() {
            return Err(PasskeyRefusal::OtherSite);
        }
        if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
            return Err(PasskeyRefusal::UserNotVerified);
        }
        let made = if flags & HAS_KEY == 0 { None } else { Some(made(rest).ok_or(DAMAGED)?) };
        Ok(Self { counter: u32::from_be_bytes(*counter), made })
    }
}

fn made(rest: &[u8]) -> Option<Made<'_>> {
    const MODEL_BYTES: usize = 16;
    let (_, rest) = rest.split_at_checked(MODEL_BYTES)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (credential, rest) = rest.split_at_checked(length)?;
    if !(1..=CREDENTIAL_BYTES_MAX).contains(&length) {
        return None;
    }
    let (key, _) = cbor::read(rest)?;
    Some(Made { credential, key: PublicKey::read(&key)? })
}

/// The authenticator data of an attestation. Who made the authenticator is not asked: no statement is looked at.
pub(super) fn authenticator_data_in(attestation: &[u8]) -> Result<&[u8], PasskeyRefusal> {
    let found = cbor::read(attestation)
        .and_then(|(object, _)| object.get(&Item::Text("authData"))?.bytes());
    found.ok_or(PasskeyRefusal::Damaged("the attestation"))
}

/// Base64 as WebAuthn has it in JSON.
pub(super) fn decoded(what: &'static str, text: &str) -> Result<Vec<u8>, PasskeyRefusal> {
    BASE64.decode(text).map_err(|_| PasskeyRefusal::Damaged(what))
}
