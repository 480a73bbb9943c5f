//! The key server outside of this machine, and what it keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::{KeyId, VaultSettingsShown};

/// The key server that is set, if one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KmsState {
    /// Its settings, without the secret.
    pub server: Option<VaultSettingsShown>,
    /// Data keys that are kept by it and nowhere else.
    pub keys: Vec<KeyId>,
}

/// What the key server has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KmsProof {
    /// Data keys that it keeps, and has given.
    pub opened: Vec<KeyId>,
}

/// What was put under the newest version of the server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KmsRewrapped {
    /// How many data keys. None of those that the server itself keeps.
    pub keys: usize,
}
