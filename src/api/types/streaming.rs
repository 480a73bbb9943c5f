//! The data path's settings: memory, the staging folder, the rates of the drives.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::LtoGeneration;

/// How data goes from the source to the drive here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StreamingState {
    /// Memory for what waits between source and drive.
    pub memory_bytes: u64,
    /// The least that it may be.
    pub memory_least_bytes: u64,
    /// The most that it may be: three quarters of the machine's.
    pub memory_most_bytes: u64,
    /// What takes what the memory cannot; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<StagingState>,
    /// At which rates a drive streams, by generation of the cartridge.
    pub rates: Vec<GenerationRates>,
}

/// The staging folder, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StagingState {
    /// The folder.
    pub folder: PathBuf,
    /// Reserved in it while a backup writes.
    pub limit_bytes: u64,
    /// Whether a disk has to be mounted there.
    pub needs_mount: bool,
    /// Why nothing is staged there now; absent if it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Size of its disk, if that can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// What is free on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// What lies there now; absent while no backup uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staged_bytes: Option<u64>,
}

/// The rates of a generation, in bytes a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GenerationRates {
    /// The generation.
    pub generation: LtoGeneration,
    /// The published steps, highest first: a drive follows the host from one to the next.
    pub published_bytes_per_second: Vec<u64>,
    /// Below this the drive stops, winds back and starts again.
    pub slowest_bytes_per_second: u64,
    /// More it does not take.
    pub fastest_bytes_per_second: u64,
    /// Whether a person has set the two.
    pub is_set: bool,
}

/// What the data path is to have. It counts from the next job on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamingSettings {
    /// Memory for what waits between source and drive.
    pub memory_bytes: u64,
    /// What takes what the memory cannot; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<StagingSettings>,
    /// Rates of drives that are not the published ones; those that are not named have these.
    #[serde(default)]
    pub rates: Vec<RateSetting>,
}

/// A folder on a fast disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StagingSettings {
    /// The folder, from the top.
    pub folder: PathBuf,
    /// Reserved in it while a backup writes: 1 GB at the least.
    pub limit_bytes: u64,
    /// Whether a disk has to be mounted there: where it is away, nothing is staged, and an alert says so.
    #[serde(default)]
    pub needs_mount: bool,
}

/// Between which rates the drives here stream a generation, in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateSetting {
    /// The generation.
    pub generation: LtoGeneration,
    /// Below this the drive stops.
    pub slowest_bytes_per_second: u64,
    /// More it does not take.
    pub fastest_bytes_per_second: u64,
}

/// What is typed to have a disk erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StagingDiskRequest {
    /// `erase` and the name of the disk: `erase sdb`.
    pub typed: String,
}
