//! The appliance itself: version, health, and figures for monitoring.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::job::StreamFigures;
use super::self_test::SelfTestBrief;
use crate::domain::{JobId, Timestamp};

/// What answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionView {
    /// `fossilsafe`.
    pub product: String,
    /// As in `Cargo.toml`.
    pub version: String,
    /// Grows when an answer changes in a way that breaks clients.
    pub api_version: u32,
}

/// Whether it works, for people and for load balancers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthView {
    /// In one word.
    pub status: HealthStatus,
    /// In one sentence.
    pub sentence: String,
    /// Jobs that have not ended.
    pub jobs_active: u64,
    /// Jobs that wait for a person.
    pub jobs_waiting: u64,
    /// What needs a person, worst first.
    pub findings: Vec<FindingView>,
}

/// Whether it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Nothing to do.
    Ok,
    /// It works, and something needs a person.
    Attention,
    /// It cannot do its work.
    Failed,
}

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingView {
    /// How urgent.
    pub severity: Severity,
    /// What it is about: a drive's serial, a barcode, a path.
    pub subject: String,
    /// What was found.
    pub sentence: String,
    /// What to do.
    pub next_step: String,
}

/// How urgent a finding is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Do it soon.
    Warning,
    /// Data or work is at risk now.
    Critical,
}

impl Severity {
    /// As it stands in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Figures for monitoring. Names of states are those of the API.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineFigures {
    /// Jobs by state.
    pub jobs: BTreeMap<String, u64>,
    /// Cartridges by state.
    pub cartridges: BTreeMap<String, u64>,
    /// Drives by state.
    pub drives: BTreeMap<String, u64>,
    /// Files of all newest runs by evidence.
    pub evidence_files: BTreeMap<String, u64>,
    /// Their bytes.
    pub evidence_bytes: BTreeMap<String, u64>,
    /// Every set.
    pub sets: Vec<SetFigures>,
    /// What runs and what is in the slots, by slot; without slots there is one row with no slot.
    pub versions: Vec<VersionFigures>,
    /// Open alerts by severity.
    pub alerts: BTreeMap<String, u64>,
    /// The last self-test.
    pub self_test: Option<SelfTestBrief>,
    /// Bytes written to tape since the start.
    pub written_bytes_total: u64,
    /// Bytes read from tape since the start.
    pub read_bytes_total: u64,
    /// Live figures of each running data path.
    pub streams: Vec<(JobId, StreamFigures)>,
}

/// A version on this machine, for monitoring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionFigures {
    /// `A`, `B`, or nothing where there are no slots.
    pub slot: String,
    /// What is in it.
    pub version: String,
    /// Whether it is what runs.
    pub is_running: bool,
}

/// One set, for monitoring.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetFigures {
    /// Its name.
    pub name: String,
    /// True if every file of its newest run is indexed.
    pub is_complete: bool,
    /// When anything of it was last read back.
    pub last_proof: Option<Timestamp>,
}

/// What a check of the catalog found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogCheck {
    /// True if nothing was found.
    pub is_sound: bool,
    /// One sentence, with what to do if it is not sound.
    pub sentence: String,
    /// What was found.
    pub problems: Vec<String>,
}
