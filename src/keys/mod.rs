//! The appliance's identity: what it signs with, and whose signatures it believes.
//!
//! ```text
//! keys/identity.json         0600  the current Ed25519 key and HMAC key
//! keys/retired-<key id>.json 0600  earlier ones: they still verify what they signed
//! keys/pinned.json           0600  public keys of other appliances that an operator trusts
//! keys/data/                 0700  data keys of encrypted pools and kits ([`key_ring`])
//! ```
//!
//! A signature is believed only if its key was trusted before the signature was seen. The public key
//! that stands beside a signature is for people with other tools; verification here never looks at
//! it, or whoever changes a tape could sign it again with a key of his own.
//!
//! What is signed is one line of text naming the purpose and a SHA-256, so that a signature for one
//! thing never passes for another, and so that `openssl` can check it without this program:
//!
//! ```text
//! fossilsafe manifest v1 sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! ```
//!
//! The HMAC over the same line answers another question: did *this* appliance make it. It holds even
//! if Ed25519 should fall one day.

mod away;
mod drive_key;
mod error;
mod identity;
mod key_file;
mod key_ring;
mod kit;
mod kit_page;
mod kits;
mod local_key;
mod pinned;
pub mod sealed;
mod signature;
mod store;
mod vault;

pub use drive_key::{DriveKey, data_key_of};
pub use error::{KeysError, KeysErrorKind};
pub use key_file::{KEY_FILE_BEGINS, KEY_FILE_BYTES_MAX, KeyFile, KeyFileError, WrappedKey};
pub use key_ring::{DataKeyRecord, KeyRing};
pub use kit::{GROUPS, Kit, KitPublic, KitTextError};
pub use kit_page::{KitPaper, kit_html, kit_text};
pub use kits::{KitRecord, Kits, TapeProof, asked_groups};
pub use pinned::{PinnedKey, PinnedKeys};
pub use signature::{DetachedSignature, Purpose, SignatureVerdict, signed_message};
pub use store::KeyStore;
#[cfg(test)]
pub(crate) use vault::spoken as vault_spoken;
pub use vault::{
    TokenLife, VaultError, VaultErrorKind, VaultLogin, VaultSettings, VaultSettingsShown, VaultWay,
};

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A program for people without this one: Python, and the kit. It stands on every encrypted tape.
pub const UNSEAL_PROGRAM: &str = include_str!("unseal.py");

/// Bytes of the hash that name a key: enough to tell keys apart, short enough to read aloud.
const KEY_ID_BYTES: usize = 8;

/// Names a public key: the first 16 hexadecimal digits of its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(in crate::keys) [u8; KEY_ID_BYTES]);

/// Why a text is not a key id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a key id: it has 16 hexadecimal digits")]
pub struct KeyIdError(pub String);

impl KeyId {
    /// As a number that is never 0: by it this appliance is known to devices that it reserves.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from_be_bytes(self.0).max(1)
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let mut bytes = [0; KEY_ID_BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| KeyIdError(text.to_owned()))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An Ed25519 public key. Its text form is PEM, as `openssl` reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0.as_bytes());
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        KeyId(id)
    }

    /// The key as PEM (`-----BEGIN PUBLIC KEY-----`), ending in a newline.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // Encoding a fixed-size key cannot fail; an empty text would be refused by every reader.
        self.0.to_public_key_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Reads PEM.
    ///
    /// # Errors
    /// When the text is no Ed25519 public key, or a weak one that would accept forged signatures.
    pub fn from_pem(text: &str) -> Result<Self, KeysError> {
        match VerifyingKey::from_public_key_pem(text.trim()) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeysError::NotAPublicKey),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_pem())
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_pem(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
