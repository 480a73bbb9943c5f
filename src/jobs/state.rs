//! The states of a job and what ends it: one enum each, and the one table of what may follow what.
//!
//! ```text
//!            ┌────────── resume ───────────┐
//!            ▼                             │
//! queued ─▶ running ─▶ waiting (needs) ─▶ running
//!   │          │  └──▶ paused ────────────▲
//!   │          ▼
//!   └──▶ completed │ incomplete │ failed │ cancelled
//! ```
//!
//! A job is *completed* only when everything that it was asked for has the evidence it promises. One
//! file missing makes it *incomplete*, and the job lists it. A process that dies leaves its jobs
//! *running* in the catalog; the next start takes them up again from their last checkpoint.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Accepted, not begun.
    Queued,
    /// Being worked on, or was when the process died.
    Running,
    /// Stopped at a safe point because a person asked.
    Paused,
    /// Stopped until a person does something: see [`Need`].
    Waiting,
    /// Everything has the evidence that was promised.
    Completed,
    /// Ended, and something is missing: the job lists what.
    Incomplete,
    /// Ended by an error; nothing that was not proven is claimed.
    Failed,
    /// Ended by a person at a safe point.
    Cancelled,
}

/// Why a text is not a job state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a job state")]
pub struct JobStateError(pub String);

impl JobState {
    /// Every state, for tables and parsing.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Paused,
        Self::Waiting,
        Self::Completed,
        Self::Incomplete,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The name in the catalog and the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// True if nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Incomplete | Self::Failed | Self::Cancelled)
    }

    /// True if a job may go from this state to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Cancelled | Self::Failed),
            Self::Running => next != Self::Queued,
            Self::Paused | Self::Waiting => {
                matches!(next, Self::Running | Self::Cancelled | Self::Failed | Self::Incomplete)
            }
            Self::Completed | Self::Incomplete | Self::Failed | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for JobState {
    type Err = JobStateError;

    fn from_str(text: &str) -> Result<Self, JobStateError> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| JobStateError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_follows_a_final_state_and_names_lead_back() {
        for state in JobState::ALL {
            assert_eq!(state.name().parse::<JobState>(), Ok(state));
            let followers =
                JobState::ALL.into_iter().filter(|next| state.may_become(*next)).count();
            assert_eq!(followers == 0, state.is_final(), "{state}");
        }
    }

    #[test]
    fn a_queued_job_cannot_be_complete_without_having_run() {
        assert!(!JobState::Queued.may_become(JobState::Completed));
        assert!(!JobState::Paused.may_become(JobState::Completed));
    }
}
