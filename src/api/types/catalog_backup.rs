//! Catalog backups as they lie in a folder.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{ByteCount, Timestamp};
use crate::keys::KeyId;

/// Who has signed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signed {
    /// This appliance.
    Own,
    /// An appliance whose key is trusted here.
    Trusted,
    /// A key that nobody here trusts.
    Foreign,
    /// The key that it names did not sign it: it was changed.
    Bad,
}

/// A catalog backup: what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogBackupView {
    /// Its folder.
    pub path: String,
    /// When it was made.
    pub made: Timestamp,
    /// Of which machine.
    pub host: String,
    /// The release that made it.
    pub release: String,
    /// Bytes of it, sealed.
    pub sealed_bytes: ByteCount,
    /// Bytes of what is in it.
    pub state_bytes: ByteCount,
    /// The kits that open it.
    pub kits: Vec<KeyId>,
    /// The key that has signed it.
    pub signed_by: KeyId,
    /// Whose key that is.
    pub signed: Signed,
}
