//! Everything that the first page shows, in one answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alert::AlertView;
use super::self_test::SelfTestBrief;
use crate::domain::{JobId, Timestamp};
use crate::jobs::JobState;

/// Is my data safe, what needs me, what is the machine doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusView {
    /// The release that answers.
    pub version: String,
    /// The appliance.
    pub host: String,
    /// Is my data safe, in one word.
    pub safety: Safety,
    /// The same in one sentence.
    pub sentence: String,
    /// When the sets were last looked at. What has happened since is not in `safety`, `sentence` and `sets`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Timestamp>,
    /// What is protected, and what is proven of it.
    pub sets: SetsSummary,
    /// What needs a person.
    pub alerts: AlertsSummary,
    /// What is being done.
    pub jobs: JobsSummary,
    /// The library.
    pub library: LibrarySummary,
    /// What is done next by itself.
    pub next_scheduled: Option<NextScheduled>,
    /// The last self-test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_test: Option<SelfTestBrief>,
}

/// Is my data safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Safety {
    /// Every file of every set's newest run is on tape and indexed, and nothing needs a person.
    Safe,
    /// The files are on tape, and something needs a person.
    Attention,
    /// Files are not safe on tape, or something is broken.
    AtRisk,
    /// There is no set.
    Empty,
    /// It is still being summed up.
    Unknown,
}

/// What is protected, by the newest run of every set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetsSummary {
    /// Sets.
    pub total: u64,
    /// Sets whose every file is indexed.
    pub complete: u64,
    /// Sets of which nothing was ever read back.
    pub never_proven: u64,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were read back or restored, and agreed.
    pub proven_files: u64,
    /// The set whose last proof is the oldest was proven then.
    pub oldest_proof: Option<Timestamp>,
}

/// What needs a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertsSummary {
    /// Open alerts of this severity.
    pub critical: u64,
    /// Open alerts of this severity.
    pub warning: u64,
    /// Open alerts of this severity.
    pub info: u64,
    /// Those that nobody has taken note of, worst first; at most twenty.
    pub items: Vec<AlertView>,
}

/// What is being done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobsSummary {
    /// Jobs that have not ended.
    pub active: u64,
    /// Those of them that wait for a person.
    pub waiting: u64,
    /// They, newest first; at most twenty.
    pub items: Vec<JobBrief>,
}

/// A job in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobBrief {
    /// Its number.
    pub id: JobId,
    /// `backup`, `restore` …
    pub kind: String,
    /// What it does, to what.
    pub title: String,
    /// Where it is.
    pub state: JobState,
    /// What it is doing, as a few words.
    pub stage: String,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes known.
    pub bytes_total: u64,
}

/// The library in figures, as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LibrarySummary {
    /// True for the practice library.
    pub is_practice: bool,
    /// False if the last look failed.
    pub is_reachable: bool,
    /// Slots.
    pub slots: u64,
    /// Slots with a cartridge.
    pub slots_full: u64,
    /// Mail slots.
    pub mail_slots: u64,
    /// Mail slots with a cartridge.
    pub mail_slots_full: u64,
    /// Drives by state.
    pub drives: BTreeMap<String, u64>,
    /// Known cartridges by state, also those that are elsewhere.
    pub cartridges: BTreeMap<String, u64>,
}

/// What is done next by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextScheduled {
    /// The schedule.
    pub schedule: String,
    /// When.
    pub at: Timestamp,
}
