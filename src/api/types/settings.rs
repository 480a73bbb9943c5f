//! Settings as one document: what an admin has set, to be kept or taken to another appliance.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schedule::SchedulePlan;
use crate::domain::{PoolName, SourceName, Timestamp};
use crate::health::ChannelSpec;
use crate::pools::{Encryption, KeyPlace, Retention};
use crate::schedules::MaintenanceWindow;
use crate::system::network::{HostNameSetting, PortSetting, TimeSetting};
use crate::system::sources::SourceSpec;

/// What the document says it is.
pub const SETTINGS_FORMAT: &str = "fossilsafe-settings";
/// The only version so far.
pub const SETTINGS_VERSION: u32 = 1;

/// Everything that an admin has set, but for users and secrets. Addresses of receivers are in it, and some of
/// those are secrets by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsDocument {
    /// `fossilsafe-settings`.
    pub format: String,
    /// 1.
    pub version: u32,
    /// When it was written.
    pub exported: Timestamp,
    /// By which machine.
    pub host: String,
    /// By which release.
    pub release: String,
    /// The keys of settings.json that the release knows.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// Pools.
    #[serde(default)]
    pub pools: Vec<PoolSetting>,
    /// Network sources, without their passwords.
    #[serde(default)]
    pub sources: Vec<SourceSetting>,
    /// Channels of notices, without their secrets.
    #[serde(default)]
    pub channels: Vec<ChannelSetting>,
    /// Maintenance windows.
    #[serde(default)]
    pub maintenance_windows: Vec<WindowSetting>,
    /// Schedules.
    #[serde(default)]
    pub schedules: Vec<ScheduleSetting>,
    /// The name of the machine, where the appliance gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_name: Option<HostNameSetting>,
    /// Time zone and time servers, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeSetting>,
    /// Network ports, likewise.
    #[serde(default)]
    pub ports: Vec<NamedPort>,
}

/// A network port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedPort {
    /// Its name in the system.
    pub name: String,
    /// What it is to have.
    pub setting: PortSetting,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolSetting {
    /// Its name.
    pub name: PoolName,
    /// Its policy.
    pub encryption: Encryption,
    /// Where its data keys are kept.
    #[serde(default, skip_serializing_if = "KeyPlace::is_usual")]
    pub key_place: KeyPlace,
    /// How long runs are kept; for ever without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// A network source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceSetting {
    /// Its name.
    pub name: SourceName,
    /// What it is.
    pub spec: SourceSpec,
}

/// A channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelSetting {
    /// Its name.
    pub name: String,
    /// Where it leads and what goes there.
    pub spec: ChannelSpec,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// Whether it has a secret, which is not in the document.
    pub has_secret: bool,
}

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowSetting {
    /// Its name.
    pub name: String,
    /// When it is.
    pub window: MaintenanceWindow,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleSetting {
    /// Its name.
    pub name: String,
    /// When, and what.
    pub plan: SchedulePlan,
    /// Whether it starts anything.
    pub is_enabled: bool,
}

/// What an import does, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsImport {
    /// False if it was only asked what would change.
    pub is_applied: bool,
    /// One for each thing that the document or the appliance has.
    pub changes: Vec<SettingChange>,
}

/// What becomes of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// What it is: `schedule nightly`.
    pub subject: String,
    /// What becomes of it.
    pub change: ChangeKind,
    /// What it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it is then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// What a person has to know or do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Kinds of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Add,
    /// It is another.
    Change,
    /// It is the same.
    Same,
    /// The document does not name it: it stays.
    Kept,
    /// It cannot be; the note says why.
    Refused,
}
