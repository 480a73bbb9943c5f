//! Jobs as a person sees them: state, progress, what they need, how they ended, and their events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::FilePath;
use crate::domain::{Barcode, JobId, RunId, Timestamp};
use crate::jobs::outcome::{Failure, Outcome};
use crate::jobs::spec::Priority;
use crate::jobs::{JobProgress, JobSpec, JobState, Need};

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobView {
    /// Its number.
    pub id: JobId,
    /// `backup`, `restore` …
    pub kind: String,
    /// Where it is.
    pub state: JobState,
    /// One line: what it does, to what.
    pub title: String,
    /// What it was asked to do.
    pub spec: JobSpec,
    /// Whose turn it is among jobs that wait for a drive.
    #[serde(default)]
    pub priority: Priority,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it first ran.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// How far it is; kept as it was when the job ended.
    pub progress: ProgressView,
    /// What a person has to do before it goes on.
    pub need: Option<NeedView>,
    /// What came of it, once it has ended.
    pub outcome: Option<JobOutcome>,
    /// Why it failed or stopped.
    pub error: Option<JobFailure>,
    /// What may be asked of it now.
    pub allowed_actions: Vec<JobAction>,
}

/// Whose turn it is among jobs that wait for a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PriorityRequest {
    /// High before normal before low; among equals who came first.
    pub priority: Priority,
}

/// What may be asked of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobAction {
    /// Stop at the next safe point and keep the place.
    Pause,
    /// Go on: after a pause, or when what it needed has been done.
    Resume,
    /// Stop at the next safe point for good.
    Cancel,
}

impl JobAction {
    /// The name in paths and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }

    /// What may be asked of a job in `state`.
    #[must_use]
    pub fn allowed_in(state: JobState) -> Vec<Self> {
        match state {
            JobState::Queued => vec![Self::Cancel],
            JobState::Running => vec![Self::Pause, Self::Cancel],
            JobState::Paused | JobState::Waiting => vec![Self::Resume, Self::Cancel],
            _ => Vec::new(),
        }
    }
}

/// How far a job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressView {
    /// What it is doing, as a few words.
    pub stage: String,
    /// Files done.
    pub files_done: u64,
    /// Files known; grows while a source is still being listed.
    pub files_total: u64,
    /// Bytes done.
    pub bytes_done: u64,
    /// Bytes known.
    pub bytes_total: u64,
    /// The cartridge being worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cartridge: Option<Barcode>,
    /// Live figures of the data path while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamFigures>,
}

impl From<JobProgress> for ProgressView {
    fn from(progress: JobProgress) -> Self {
        Self {
            stage: progress.stage,
            files_done: progress.files_done,
            files_total: progress.files_total,
            bytes_done: progress.bytes_done,
            bytes_total: progress.bytes_total,
            cartridge: progress.cartridge,
            // Figures of another release are left out rather than failing the whole view.
            stream: progress.stream.and_then(|value| serde_json::from_value(value).ok()),
        }
    }
}

/// Live figures of the data path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StreamFigures {
    /// Which engine moves the bytes: `io_uring` or `threads`.
    pub engine: String,
    /// Rate at which the source can be read.
    pub source_bytes_per_second: u64,
    /// Bytes waiting for the drives, in memory and on disk.
    pub staged_bytes: u64,
    /// How long they last at the drives' present rate; nothing while those stand.
    pub buffer_seconds: Option<u64>,
    /// Each drive that takes part.
    pub drives: Vec<DriveRate>,
    /// Which part limits the whole; nothing before there is enough to tell.
    pub bottleneck: Option<Bottleneck>,
}

impl StreamFigures {
    /// Rate of all drives together.
    #[must_use]
    pub fn drive_bytes_per_second(&self) -> u64 {
        self.drives.iter().map(|drive| drive.bytes_per_second).sum()
    }

    /// How often any drive had to wait for bytes.
    #[must_use]
    pub fn underruns(&self) -> u64 {
        self.drives.iter().map(|drive| drive.underruns).sum()
    }
}

/// What one drive does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DriveRate {
    /// Its rate now.
    pub bytes_per_second: u64,
    /// How often it had to wait for bytes.
    pub underruns: u64,
    /// Repositionings that this must have cost.
    pub back_hitches: u64,
    /// False while it stands and bytes are gathered for it.
    pub is_running: bool,
}

/// The slowest part of the data path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bottleneck {
    /// Reading the source.
    Source,
    /// Hashing and compressing.
    Processor,
    /// The drive: as it should be.
    Drive,
    /// A part that this release does not know.
    #[serde(other)]
    Other,
}

/// What a person has to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NeedView {
    /// For programs.
    #[serde(flatten)]
    pub need: Need,
    /// For people.
    pub sentence: String,
}

impl From<Need> for NeedView {
    fn from(need: Need) -> Self {
        Self { sentence: need.to_string(), need }
    }
}

/// What came of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct JobOutcome {
    /// One sentence: "41,230 files, 8.1 GiB, all of them indexed".
    pub sentence: String,
    /// The run that a backup made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Where a restore put its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Files done as asked.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files not done as asked.
    pub problems_total: u64,
    /// The first of them.
    pub problems: Vec<FileProblem>,
}

impl From<Outcome> for JobOutcome {
    fn from(outcome: Outcome) -> Self {
        let problem = |problem: crate::jobs::outcome::Problem| FileProblem {
            path: FilePath::from(&problem.path),
            state: problem.state,
            reason: problem.reason,
        };
        Self {
            sentence: outcome.sentence,
            run: outcome.run,
            destination: outcome.destination,
            files: outcome.files,
            bytes: outcome.bytes,
            problems_total: outcome.problems_total,
            problems: outcome.problems.into_iter().map(problem).collect(),
        }
    }
}

/// One file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileProblem {
    /// Which file.
    #[serde(flatten)]
    pub path: FilePath,
    /// Its named state: `changed_while_read`, `vanished`, `unreadable`, `missing_cartridge` …
    pub state: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// Why a job failed or stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobFailure {
    /// A stable name for programs.
    pub code: String,
    /// A sentence that names the thing.
    pub message: String,
    /// A sentence that says what to do.
    pub next_step: String,
    /// The chain of causes, for support.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

impl From<Failure> for JobFailure {
    fn from(failure: Failure) -> Self {
        let Failure { code, message, next_step, causes } = failure;
        Self { code, message, next_step, causes }
    }
}

/// Which jobs to list. Newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs that have not ended.
    pub is_active: bool,
    /// Only jobs of this kind.
    pub kind: Option<String>,
}

/// Something that happened in a job; kept with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobEvent {
    /// Counts over all jobs; the place to go on from.
    pub id: i64,
    /// The job.
    pub job: JobId,
    /// When.
    pub at: Timestamp,
    /// How bad.
    pub level: EventLevel,
    /// The state that the job entered, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<JobState>,
    /// A sentence.
    pub message: String,
}

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventLevel {
    /// Told for the record.
    Info,
    /// The job goes on, and somebody should know.
    Warning,
    /// The job cannot go on as it was.
    Error,
}

/// Which events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsRequest {
    /// Of one job, or of all.
    pub job: Option<JobId>,
    /// Only those with a greater [`JobEvent::id`].
    pub after: i64,
    /// Most events.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_another_release_do_not_spoil_the_view() {
        let mut progress = JobProgress { stage: "writing".to_owned(), ..JobProgress::default() };
        progress.stream = Some(serde_json::json!({"staged_bytes": 7, "bottleneck": "gremlins"}));
        let view = ProgressView::from(progress.clone());
        let stream = view.stream.unwrap();
        assert_eq!((stream.staged_bytes, stream.bottleneck), (7, Some(Bottleneck::Other)));
        progress.stream = Some(serde_json::json!({"staged_bytes": "many"}));
        assert_eq!(ProgressView::from(progress).stream, None);
    }

    #[test]
    fn what_is_allowed_agrees_with_the_table_of_states() {
        for &state in JobState::ALL {
            let allowed = JobAction::allowed_in(state);
            let can = |action| allowed.contains(&action);
            assert!(!can(JobAction::Pause) || state.may_become(JobState::Paused), "{state}");
            assert!(!can(JobAction::Resume) || state.may_become(JobState::Running), "{state}");
            assert_eq!(can(JobAction::Cancel), state.may_become(JobState::Cancelled), "{state}");
        }
    }
}
