//! Sets, and the runs of their backups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::EvidenceRow;
use crate::domain::{Barcode, JobId, RunId, SetName, Timestamp};
use crate::jobs::spec::BackupMode;

/// One protected thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetView {
    /// Its name.
    pub name: SetName,
    /// The paths of its newest run.
    pub paths: Vec<String>,
    /// How many copies of it there are, each on cartridges of its own.
    pub copies: u8,
    /// How many runs it has.
    pub runs: u64,
    /// The newest run.
    pub newest_run: Option<RunView>,
    /// The newest run that came to its end, complete or not: what a verification or a restore of the
    /// set means.
    pub newest_ended_run: Option<RunId>,
    /// The newest run in which every file is at least indexed.
    pub newest_complete_run: Option<RunId>,
    /// Its cartridges in sequence.
    pub cartridges: Vec<Barcode>,
}

/// One execution of a set's backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// Its name; also the name of its folder on the volumes.
    pub run: RunId,
    /// The set.
    pub set: SetName,
    /// Full or incremental.
    pub mode: BackupMode,
    /// How many copies of the set it writes.
    pub copies: u8,
    /// The run whose copies an incremental refers to.
    pub parent: Option<RunId>,
    /// The job that made it; unknown after the catalog was rebuilt.
    pub job: Option<JobId>,
    /// How it stands.
    pub state: RunState,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Files in it, also those that it refers to.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cartridges that a restore of it reads.
    pub cartridges: Vec<Barcode>,
    /// Its files by evidence.
    pub evidence: Vec<EvidenceRow>,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Its job has not ended.
    Open,
    /// Every planned file is at least indexed.
    Complete,
    /// Something is missing; the evidence says what.
    Incomplete,
}

impl RunState {
    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
        }
    }
}

/// Which runs to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only of this set.
    pub set: Option<SetName>,
}
