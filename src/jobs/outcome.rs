//! How a job ends: what came of it, what is missing, why it failed.
//!
//! An outcome is kept with the job for years, so it names things and never points at memory: paths,
//! barcodes, reasons. Lists are cut at [`PROBLEMS_MAX`] with the full count beside; the whole list is in
//! the catalog.

use serde::{Deserialize, Serialize};

use super::spec::Need;
use crate::catalog::JobState;
use crate::domain::{RunId, SourcePath};

/// Most problems kept with a job. A page of a screen; the catalog has them all.
pub const PROBLEMS_MAX: usize = 100;

/// What came of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// One sentence: "41,230 files, 8.1 GiB, all of them indexed".
    pub sentence: String,
    /// The run that a backup made.
    pub run: Option<RunId>,
    /// Where a restore put its files.
    pub destination: Option<String>,
    /// Files done as asked.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files not done as asked.
    pub problems_total: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
}

impl Outcome {
    /// Counts a problem and keeps it if it is among the first.
    pub fn add_problem(&mut self, path: &SourcePath, state: &str, reason: impl Into<String>) {
        self.problems_total += 1;
        if self.problems.len() < PROBLEMS_MAX {
            let (path, state, reason) = (path.clone(), state.to_owned(), reason.into());
            self.problems.push(Problem { path, state, reason });
        }
    }
}

/// One file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which file.
    pub path: SourcePath,
    /// Its named state: `changed_while_read`, `vanished`, `unreadable`, `missing_cartridge`…
    pub state: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// Why a job failed or stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable name for programs.
    pub code: String,
    /// A sentence that names the thing.
    pub message: String,
    /// A sentence that says what to do.
    pub next_step: String,
    /// The chain of causes, for support.
    #[serde(default)]
    pub causes: Vec<String>,
}

/// How one stretch of work on a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// Everything has the evidence that was promised.
    Completed(Outcome),
    /// Something is missing; the outcome lists it.
    Incomplete(Outcome),
    /// Stopped by a person at a safe point.
    Cancelled(Outcome),
    /// A person has to do something first.
    Waiting(Need, Outcome),
    /// The appliance is being stopped: taken up again at the next start.
    Interrupted,
}

impl Ending {
    /// The state that the job enters.
    #[must_use]
    pub fn state(&self) -> JobState {
        match self {
            Self::Completed(_) => JobState::Completed,
            Self::Incomplete(_) => JobState::Incomplete,
            Self::Cancelled(_) => JobState::Cancelled,
            Self::Waiting(..) => JobState::Waiting,
            Self::Interrupted => JobState::Running,
        }
    }

    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Completed(outcome)
            | Self::Incomplete(outcome)
            | Self::Cancelled(outcome)
            | Self::Waiting(_, outcome) => Some(outcome),
            Self::Interrupted => None,
        }
    }
}

/// How a job ended, as the catalog keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobEnd {
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// What it waits for.
    pub need: Option<Need>,
}

impl JobEnd {
    pub(super) fn of(ending: Ending) -> Self {
        match ending {
            Ending::Completed(outcome)
            | Ending::Incomplete(outcome)
            | Ending::Cancelled(outcome) => Self { outcome: Some(outcome), ..Self::default() },
            Ending::Waiting(need, outcome) => {
                Self { outcome: Some(outcome), need: Some(need), failure: None }
            }
            Ending::Interrupted => Self::default(),
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let need = self.need.as_ref().map(ToString::to_string);
        let failure = || self.failure.as_ref().map(|failure| failure.message.clone());
        let outcome = || self.outcome.as_ref().map(|outcome| outcome.sentence.clone());
        need.or_else(failure).or_else(outcome).unwrap_or_default()
    }
}

/// An integer with its thousands set apart, for sentences.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_all_counted_and_the_first_are_kept() {
        let mut outcome = Outcome::default();
        let path = SourcePath::from_bytes("a/b").unwrap();
        for _ in 0..PROBLEMS_MAX + 5 {
            outcome.add_problem(&path, "vanished", "it was gone");
        }
        assert_eq!(outcome.problems.len(), PROBLEMS_MAX);
        assert_eq!(outcome.problems_total, PROBLEMS_MAX as u64 + 5);
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }
}
