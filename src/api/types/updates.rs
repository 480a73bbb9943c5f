//! Updates of the appliance over the API: what is asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Installs the bundle that is at hand, or the one that the channel has published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InstallUpdateRequest {
    /// Also a version that is not newer than what runs.
    pub allow_older: bool,
    /// Also while a job is at work.
    pub during_jobs: bool,
}

/// Restarts the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RestartRequest {
    /// Also while a job is at work: it goes on from a safe point afterwards.
    pub during_jobs: bool,
}

/// Says where newer versions are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateChannelRequest {
    /// The address of the channel file; the bundles that it names stand beside it.
    pub address: String,
    /// The name of the channel: `stable`.
    pub name: String,
    /// The public key (Ed25519, PEM) that must have signed the channel file.
    pub key_pem: String,
    /// Whether what is newer is installed by itself, in a maintenance window in which no job is at work.
    #[serde(default)]
    pub is_automatic: bool,
    /// Certificates (PEM) that vouch for the address, besides those of the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
}
