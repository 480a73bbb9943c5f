//! `/.fossilsafe/keys/<id>.json`: a data key, wrapped for each kit that opens it.

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hkdf::{HKDF_SHA256, Salt};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::KeyId;
use super::kit::{Kit, KitPublic};
use super::sealed::{DATA_KEY_BYTES, DataKey};
use crate::domain::Timestamp;

const FORMAT: &str = "fossilsafe-data-key";
const VERSION: u32 = 1;
const WRAP_INFO: &[u8] = b"fossilsafe key wrap v1";
/// Each wrapping key is used once, so its nonce may be fixed.
const NONCE: [u8; 12] = [0; 12];
/// How the JSON of a key file begins.
pub const KEY_FILE_BEGINS: &[u8] = b"{\n  \"format\": \"fossilsafe-data-key\"";
/// A key file for a hundred kits; more is something else.
pub const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

/// A data key as it stands on a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFile {
    format: String,
    version: u32,
    /// The data key.
    pub key_id: KeyId,
    /// The pool that it was made for.
    pub pool: String,
    /// When.
    pub created: Timestamp,
    /// The kits that open it.
    pub recipients: Vec<WrappedKey>,
}

/// A data key wrapped for one kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// The kit.
    pub kit_id: KeyId,
    ephemeral: String,
    wrapped: String,
}

/// Why a key file is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// No key file, or one of a later release.
    #[error("it is no key file that this release reads: {0}")]
    NotAKeyFile(String),
    /// The kit is whole, and another one.
    #[error("kit {kit} does not open it; it was wrapped for {}", list(wrapped_for))]
    WrongKit {
        /// The kit that was tried.
        kit: KeyId,
        /// Those that open it.
        wrapped_for: Vec<KeyId>,
    },
    /// It is for this kit and does not open.
    #[error("data key {0} in it is damaged: take the key file from another volume")]
    Damaged(KeyId),
}

fn list(kits: &[KeyId]) -> String {
    match kits {
        [] => "no kit".to_owned(),
        kits => kits.iter().map(|kit| format!("kit {kit}")).collect::<Vec<_>>().join(", "),
    }
}

impl KeyFile {
    /// Wraps `key` for each of the kits.
    #[must_use]
    pub fn wrap(key: &DataKey, pool: &str, created: Timestamp, kits: &[KitPublic]) -> Self {
        let wrap = |kit: &KitPublic| wrap(key, kit, &Kit::generate());
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            key_id: key.id(),
            pool: pool.to_owned(),
            created,
            recipients: kits.iter().filter_map(wrap).collect(),
        }
    }

    /// Reads the JSON of a key file.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(json: &[u8]) -> Result<Self, KeyFileError> {
        let file: Self = serde_json::from_slice(json)
            .map_err(|error| KeyFileError::NotAKeyFile(error.to_string()))?;
        if file.format != FORMAT || file.version != VERSION {
            let found = format!("\"{}\" version {}", file.format, file.version);
            return Err(KeyFileError::NotAKeyFile(found));
        }
        Ok(file)
    }

    /// The JSON, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Texts and numbers always have a JSON form.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// The data key, opened with a kit.
    ///
    /// # Errors
    /// When the kit is another one, or the file is damaged.
    pub fn open(&self, kit: &Kit) -> Result<DataKey, KeyFileError> {
        let public = kit.public();
        let mine = self.recipients.iter().find(|wrapped| wrapped.kit_id == public.id());
        let Some(mine) = mine else {
            let wrapped_for = self.recipients.iter().map(|wrapped| wrapped.kit_id).collect();
            return Err(KeyFileError::WrongKit { kit: public.id(), wrapped_for });
        };
        let key = unwrap(mine, kit, self.key_id).filter(|key| key.id() == self.key_id);
        key.ok_or(KeyFileError::Damaged(self.key_id))
    }
}

/// Wraps `key` for `kit`; `ephemeral` is used for nothing else.
fn wrap(key: &DataKey, kit: &KitPublic, ephemeral: &Kit) -> Option<WrappedKey> {
    let public = ephemeral.public();
    let cipher = wrapping_cipher(&ephemeral.agree(&kit.0), &public, kit, key.id())?;
    let wrapped = cipher.encrypt(Nonce::from_slice(&NONCE), key.secret()).ok()?;
    Some(WrappedKey {
        kit_id: kit.id(),
        ephemeral: BASE64.encode(public.0),
        wrapped: BASE64.encode(wrapped),
    })
}

fn unwrap(wrapped: &WrappedKey, kit: &Kit, id: KeyId) -> Option<DataKey> {
    let ephemeral: [u8; 32] = BASE64.decode(&wrapped.ephemeral).ok()?.try_into().ok()?;
    let agreed = kit.agree(&ephemeral);
    let cipher = wrapping_cipher(&agreed, &KitPublic(ephemeral), &kit.public(), id)?;
    let bytes = BASE64.decode(&wrapped.wrapped).ok()?;
    let secret = Zeroizing::new(cipher.decrypt(Nonce::from_slice(&NONCE), &*bytes).ok()?);
    let secret: [u8; DATA_KEY_BYTES] = secret.as_slice().try_into().ok()?;
    Some(DataKey::from_secret(Zeroizing::new(secret)))
}

/// The cipher of one wrapping; nothing only if the derivation refused its fixed lengths.
fn wrapping_cipher(
    agreed: &[u8; 32],
    ephemeral: &KitPublic,
    kit: &KitPublic,
    id: KeyId,
) -> Option<Aes256Gcm> {
    let salt = [ephemeral.0, kit.0].concat();
    let info = [WRAP_INFO, &id.0];
    let made = Salt::new(HKDF_SHA256, &salt).extract(agreed);
    let mut key = Zeroizing::new([0; 32]);
    made.expand(&info, HKDF_SHA256).and_then(|made| made.fill(&mut *key)).ok()?;
    Some(Aes256Gcm::new((&*key).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp { seconds: 1_795_409_658, nanoseconds: 0 };

    #[test]
    fn each_kit_opens_the_key_and_no_other_does() {
        let (key, kits) = (DataKey::generate(), [Kit::generate(), Kit::generate()]);
        let publics: Vec<_> = kits.iter().map(Kit::public).collect();
        let file = KeyFile::wrap(&key, "photos", NOW, &publics);
        let file = KeyFile::parse(&file.to_json()).unwrap();
        for kit in &kits {
            assert_eq!(file.open(kit).unwrap().secret(), key.secret());
        }
        let other = Kit::generate();
        let error = file.open(&other).unwrap_err();
        assert!(matches!(error, KeyFileError::WrongKit { .. }), "{error}");
        assert!(error.to_string().contains(&kits[1].public().id().to_string()), "{error}");
    }

    #[test]
    fn a_damaged_wrapping_is_no_wrong_kit() {
        let (key, kit) = (DataKey::generate(), Kit::generate());
        let mut file = KeyFile::wrap(&key, "photos", NOW, &[kit.public()]);
        let mut wrapped = BASE64.decode(&file.recipients[0].wrapped).unwrap();
        wrapped[5] ^= 1;
        file.recipients[0].wrapped = BASE64.encode(wrapped);
        assert_eq!(file.open(&kit).unwrap_err(), KeyFileError::Damaged(key.id()));
        file.key_id = KeyId([1; 8]);
        assert_eq!(file.open(&kit).unwrap_err(), KeyFileError::Damaged(file.key_id));
        assert!(KeyFile::parse(b"{}").is_err());
    }
}
