//! The key server outside of this machine, and what it keeps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::keys::{KeyId, VaultSettingsShown};

/// The key server that is set, if one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KmsState {
    /// Its settings, without the secret.
    pub server: Option<VaultSettingsShown>,
    /// Data keys that are kept by it and nowhere else.
    pub keys: Vec<KeyId>,
    /// The token that this machine signs in with, once it was looked at; none for an app role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<KmsToken>,
}

/// How long the token for the key server lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KmsToken {
    /// When it ends if it is not renewed; never if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
    /// Whether it can be renewed for as long as the server runs.
    pub is_renewable: bool,
    /// What a person has to do something about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
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
