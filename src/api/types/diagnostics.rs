//! The diagnostics bundle: what somebody who helps has to know, and no secret.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::alert::AlertView;
use super::cartridge::CartridgeView;
use super::job::{JobEvent, JobView};
use super::keys::PoolView;
use super::library::LibraryView;
use super::schedule::ScheduleView;
use super::set::SetView;
use super::status::StatusView;
use super::system::{CatalogCheck, HealthView, VersionView};
use crate::domain::Timestamp;

/// What somebody who helps has to know. It names files, sets and machines, and holds no password, key,
/// code, secret of a channel or kit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiagnosticsBundle {
    /// When it was made.
    pub made: Timestamp,
    /// The release.
    pub version: VersionView,
    /// The machine.
    pub machine: MachineView,
    /// Settings that this release knows; of others the names only.
    pub settings: BTreeMap<String, Value>,
    /// Whether it works.
    pub health: HealthView,
    /// Whether the data is safe.
    pub status: StatusView,
    /// What a check of the catalog found.
    pub catalog: CatalogCheck,
    /// Drives, slots and what is in them.
    pub library: LibraryView,
    /// All cartridges.
    pub cartridges: Vec<CartridgeView>,
    /// All pools.
    pub pools: Vec<PoolView>,
    /// Sets, at most a hundred.
    pub sets: Vec<SetView>,
    /// Schedules, at most a hundred.
    pub schedules: Vec<ScheduleView>,
    /// The newest jobs, at most a hundred.
    pub jobs: Vec<JobView>,
    /// Their newest events, at most a thousand.
    pub events: Vec<JobEvent>,
    /// The newest alerts, at most a hundred.
    pub alerts: Vec<AlertView>,
    /// Where notices go, without addresses.
    pub channels: Vec<ChannelBrief>,
    /// The newest lines of the log of this process.
    pub log: Vec<String>,
}

/// The machine, as its kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MachineView {
    /// Its name.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// Cores that this process may use.
    pub cores: u64,
    /// Memory.
    pub memory_bytes: u64,
    /// Memory that is free or can be made so.
    pub memory_available_bytes: u64,
    /// Seconds since the engine has started.
    pub running_seconds: u64,
}

/// A channel without what could be a secret: addresses often are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelBrief {
    /// Its name.
    pub name: String,
    /// `webhook`, `mail` or `snmp`.
    pub kind: String,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// Whether it has a secret.
    pub has_secret: bool,
}
