//! An export: every entry as it was hashed, one a line, between a head and a signature.
//!
//! ```text
//! {"format":"fossilsafe-audit-log","version":1,"exported":…,"key_id":…}
//! {"number":1,…}                       the very text that was hashed
//! {"number":2,…}
//! {"entries":2,"head":"9f86…","signature":{…}}
//! ```
//!
//! The signature is of the purpose "audit-log" over SHA-256 of everything before the last line, newlines
//! included, so `head -n -1 FILE | sha256sum` and `openssl` can check it without this program.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entry::hash_after;
use crate::domain::{Sha256Digest, Timestamp};
use crate::keys::{DetachedSignature, KeyId, KeyStore, Purpose};

/// What the first line says it is.
pub(super) const FORMAT: &str = "fossilsafe-audit-log";
/// The only version so far.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportHead {
    /// `fossilsafe-audit-log`.
    pub(super) format: String,
    /// 1.
    pub(super) version: u32,
    /// When it was made.
    pub(super) exported: Timestamp,
    /// The key that signs it.
    pub(super) key_id: KeyId,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportEnd {
    pub(super) entries: u64,
    /// The hash of the last entry.
    pub(super) head: Sha256Digest,
    pub(super) signature: DetachedSignature,
}

/// An export that is being written.
#[derive(Debug)]
pub(super) struct Export {
    text: Vec<u8>,
    entries: u64,
    head: [u8; 32],
}

impl Export {
    pub(super) fn begin(exported: Timestamp, key_id: KeyId) -> Self {
        let (format, version) = (FORMAT.to_owned(), VERSION);
        let mut export = Self { text: Vec::new(), entries: 0, head: [0; 32] };
        export.line(&ExportHead { format, version, exported, key_id });
        export
    }

    pub(super) fn entry(&mut self, content: &str) {
        self.text.extend_from_slice(content.as_bytes());
        self.text.push(b'\n');
        self.head = hash_after(&self.head, content);
        self.entries += 1;
    }

    pub(super) fn sign(mut self, keys: &KeyStore) -> Vec<u8> {
        let digest = Sha256Digest(Sha256::digest(&self.text).into());
        let signature = keys.sign(Purpose::AuditLog, &digest);
        let (entries, head) = (self.entries, Sha256Digest(self.head));
        self.line(&ExportEnd { entries, head, signature });
        self.text
    }

    fn line<T: Serialize>(&mut self, line: &T) {
        // Structs of texts and numbers always have a JSON form.
        self.text.extend(serde_json::to_vec(line).unwrap_or_default());
        self.text.push(b'\n');
    }
}
