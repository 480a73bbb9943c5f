//! Public keys that were trusted before any signature was looked at.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use rustix::fs::RenameFlags;
use serde::{Deserialize, Serialize};

use super::identity::{failed, write_private};
use super::{KeyId, KeysError, PublicKey};
use crate::domain::Timestamp;

/// A trusted key and why it is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedKey {
    /// The key.
    pub public_key: PublicKey,
    /// What the operator calls it, or which role it has here.
    pub label: String,
    /// Since when.
    pub since: Timestamp,
}

/// The trusted keys. The only thing that verification believes.
#[derive(Clone, Debug, Default)]
pub struct PinnedKeys {
    keys: BTreeMap<KeyId, PinnedKey>,
}

impl PinnedKeys {
    /// Trusts one more key. A key that is trusted already keeps its label.
    pub fn pin(&mut self, key: PinnedKey) {
        self.keys.entry(key.public_key.id()).or_insert(key);
    }

    /// The key of this name, if it is trusted.
    #[must_use]
    pub fn get(&self, id: KeyId) -> Option<&PinnedKey> {
        self.keys.get(&id)
    }

    /// All trusted keys, by id.
    pub fn iter(&self) -> impl Iterator<Item = (KeyId, &PinnedKey)> {
        self.keys.iter().map(|(id, key)| (*id, key))
    }

    pub(super) fn unpin(&mut self, id: KeyId) -> Option<PinnedKey> {
        self.keys.remove(&id)
    }

    /// Reads the list at `path`; an empty one when there is none.
    pub(super) fn load(path: &Path) -> Result<Self, KeysError> {
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed("read", path)(error)),
        };
        let corrupt =
            || KeysError::Corrupt { path: path.to_owned(), reason: "it is no list of public keys" };
        let listed: Vec<PinnedKey> = serde_json::from_slice(&text).map_err(|_| corrupt())?;
        let mut keys = Self::default();
        listed.into_iter().for_each(|key| keys.pin(key));
        Ok(keys)
    }

    /// Writes the list at `path`, in place of the one there.
    pub(super) fn save(&self, path: &Path) -> Result<(), KeysError> {
        let listed: Vec<&PinnedKey> = self.keys.values().collect();
        let text = serde_json::to_vec_pretty(&listed)
            .map_err(|error| failed("write", path)(io::Error::other(error)))?;
        let _ = write_private(path, &text, RenameFlags::empty())?;
        Ok(())
    }
}
