//! How the network of the machine stands, as the API tells it.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::setting::PortSetting;
use crate::domain::Timestamp;

/// How the network stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkState {
    /// Whether the appliance sets them. Elsewhere the machine's own tools do.
    pub is_managed_here: bool,
    /// Where they are not set here: what to use instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// The name of the machine.
    pub host_name: String,
    /// Ports for a cable, by name; none where they are not set here.
    pub ports: Vec<PortState>,
    /// The setting that goes back unless it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<NetworkTrial>,
    /// The last setting that was not confirmed in time, since the service was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub went_back: Option<WentBack>,
}

/// Whether a port has a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Something answers at the other end of the cable.
    Up,
    /// There is no cable, or nothing at its other end.
    NoCarrier,
    /// The port is switched off.
    Off,
}

/// A port: what it has, and what it is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortState {
    /// Its name in the system: `enp1s0`.
    pub name: String,
    /// Its hardware address (MAC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_address: Option<String>,
    /// Whether it has a connection.
    pub link: LinkState,
    /// The addresses that it has, with the lengths of their prefixes.
    pub addresses: Vec<String>,
    /// Who passes on what is for other networks.
    pub gateways: Vec<IpAddr>,
    /// The name servers that are asked through it.
    pub name_servers: Vec<IpAddr>,
    /// The time servers that are asked through it.
    pub time_servers: Vec<String>,
    /// The setting that is kept for it.
    pub setting: PortSetting,
}

/// A setting that goes back unless it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NetworkTrial {
    /// The port.
    pub port: String,
    /// What it has meanwhile.
    pub setting: PortSetting,
    /// Whole seconds until it goes back.
    pub seconds_left: u64,
}

/// A setting that was not confirmed in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WentBack {
    /// The port.
    pub port: String,
    /// What it had on trial.
    pub setting: PortSetting,
    /// When it went back.
    pub at: Timestamp,
}

impl NetworkState {
    /// Where the machine's own tools set network and time.
    #[must_use]
    pub fn elsewhere(instead: String) -> Self {
        let host_name = host_name();
        let (is_managed_here, instead, ports) = (false, Some(instead), Vec::new());
        let (trial, went_back) = (None, None);
        Self { is_managed_here, instead, host_name, ports, trial, went_back }
    }
}

/// The name of this machine; empty if it has none that can be shown.
pub(super) fn host_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default()
}
