//! `description.json`: what a catalog backup holds, readable without a kit.

use serde::{Deserialize, Serialize};

use super::CatalogBackupError;
use crate::domain::{ByteCount, Sha256Digest, Timestamp};
use crate::keys::KeyId;

const FORMAT: &str = "fossilsafe-catalog-backup";
const VERSION: u32 = 1;
/// More is no description: a thousand files are described in 200 KiB.
pub(super) const DESCRIPTION_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    format: String,
    version: u32,
    /// When it was made.
    pub made: Timestamp,
    /// Of which machine.
    pub host: String,
    /// The release that made it.
    pub release: String,
    /// The data key that it is sealed with.
    pub data_key: KeyId,
    /// The kits that open it.
    pub kits: Vec<KeyId>,
    /// Length of the sealed file.
    pub sealed_bytes: ByteCount,
    /// Its SHA-256.
    pub sealed_sha256: Sha256Digest,
    /// What is in it.
    pub files: Vec<StateFile>,
}

/// One file of an appliance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    /// Its path below the data folder, or below the folder of the service that keeps it.
    pub name: String,
    /// Its length.
    pub bytes: ByteCount,
    /// Its SHA-256.
    pub sha256: Sha256Digest,
}

/// What is known of a backup before anything of it was read.
pub(super) struct Head {
    pub(super) made: Timestamp,
    pub(super) host: String,
    pub(super) data_key: KeyId,
    pub(super) kits: Vec<KeyId>,
}

impl Description {
    pub(super) fn new(head: Head, sealed: (u64, Sha256Digest), files: Vec<StateFile>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            made: head.made,
            host: head.host,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            data_key: head.data_key,
            kits: head.kits,
            sealed_bytes: ByteCount(sealed.0),
            sealed_sha256: sealed.1,
            files,
        }
    }

    /// The JSON, ending in a newline.
    pub(super) fn to_json(&self) -> Vec<u8> {
        // Texts and numbers always have a JSON form.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if read.format != FORMAT || read.version != VERSION {
            return Err(format!("\"{}\" version {} is not known here", read.format, read.version));
        }
        Ok(read)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn state_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes.0).sum()
    }
}

/// True for a name that may stand in a backup: a path downwards, of ordinary characters.
pub(super) fn is_safe_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut parts = name.split('/');
    !name.is_empty()
        && parts
            .all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain))
}

/// Refuses a description whose names could leave the folder that they are put into.
pub(super) fn ensure_safe(description: &Description) -> Result<(), CatalogBackupError> {
    match description.files.iter().find(|file| !is_safe_name(&file.name)) {
        Some(file) => Err(CatalogBackupError::Damaged {
            what: format!("its file \"{}\"", file.name.escape_debug()),
            why: "no appliance has a file of that name".to_owned(),
        }),
        None => Ok(()),
    }
}
