//! A signature that stands in a file of its own beside what it signs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::Signature;
use serde::{Deserialize, Serialize};

use super::{KeyId, PinnedKeys, PublicKey};
use crate::domain::Sha256Digest;

/// What the signed file is. A signature for one purpose never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The list of a run's files on one volume.
    Manifest,
    /// The description of a volume.
    Volume,
    /// A copy of the catalog.
    Catalog,
    /// A stretch of the audit log.
    AuditLog,
    /// The record of copies that were read back.
    Receipt,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Volume => "volume",
            Self::Catalog => "catalog",
            Self::AuditLog => "audit-log",
            Self::Receipt => "receipt",
        }
    }
}

/// The exact bytes that are signed for a file with this digest, newline included.
#[must_use]
pub fn signed_message(purpose: Purpose, digest: &Sha256Digest) -> String {
    format!("fossilsafe {} v1 sha256 {digest}\n", purpose.word())
}

/// The content of a `.sig` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachedSignature {
    /// Which key signed.
    pub key_id: KeyId,
    /// That key, for people with other tools; never used to verify.
    pub public_key_pem: String,
    /// `ed25519`; anything else is refused.
    pub algorithm: String,
    /// The exact text that was signed.
    pub message: String,
    /// The signature of the message, base64.
    pub ed25519: String,
    /// The HMAC-SHA-256 of the message, base64; only the appliance that made it can check it.
    pub hmac_sha256: String,
}

/// The only algorithm so far.
const ALGORITHM: &str = "ed25519";

/// What a look at a signature shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum SignatureVerdict {
    /// A trusted key signed exactly this.
    Trusted {
        /// Which.
        key_id: KeyId,
    },
    /// It names a key that nobody here trusts; whether it fits cannot be told.
    Foreign {
        /// Which.
        key_id: KeyId,
    },
    /// It names a trusted key, and that key did not sign this.
    Bad {
        /// Which key it names.
        key_id: KeyId,
    },
}

impl DetachedSignature {
    pub(super) fn new(
        public: &PublicKey,
        message: String,
        signature: &Signature,
        hmac: &[u8],
    ) -> Self {
        Self {
            key_id: public.id(),
            public_key_pem: public.to_pem(),
            algorithm: ALGORITHM.to_owned(),
            message,
            ed25519: BASE64.encode(signature.to_bytes()),
            hmac_sha256: BASE64.encode(hmac),
        }
    }

    /// Reads the JSON of a `.sig` file.
    ///
    /// # Errors
    /// When it is no such JSON.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The JSON of a `.sig` file, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // A struct of texts always has a JSON form.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// Looks whether a trusted key signed a file of this purpose and digest.
    pub fn verify(
        &self,
        purpose: Purpose,
        digest: &Sha256Digest,
        pinned: &PinnedKeys,
    ) -> SignatureVerdict {
        let key_id = self.key_id;
        let Some(trusted) = pinned.get(key_id) else { return SignatureVerdict::Foreign { key_id } };
        let message = signed_message(purpose, digest);
        let signature = BASE64.decode(&self.ed25519).ok();
        let signature = signature.and_then(|bytes| Signature::from_slice(&bytes).ok());
        let is_good = self.algorithm == ALGORITHM
            && self.message == message
            && signature.is_some_and(|signature| {
                // Strict: refuses signatures that another reading of the standard would refuse.
                trusted.public_key.0.verify_strict(message.as_bytes(), &signature).is_ok()
            });
        if is_good {
            SignatureVerdict::Trusted { key_id }
        } else {
            SignatureVerdict::Bad { key_id }
        }
    }

    pub(super) fn hmac(&self) -> Option<Vec<u8>> {
        BASE64.decode(&self.hmac_sha256).ok()
    }
}
