//! Schedules and maintenance windows as a person sees them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::ScheduleEventKind;
use crate::domain::{JobId, Timestamp};
use crate::jobs::JobSpec;
use crate::schedules::{MaintenanceWindow, Rule};

/// A schedule to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleRequest {
    /// Its name: letters, digits, '-', '_' or '.', at most 64.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub plan: SchedulePlan,
}

/// When something is done, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SchedulePlan {
    /// When: `cron`, `time_zone`; `missed` and `retries` for when it does not go as planned.
    #[serde(flatten)]
    pub rule: Rule,
    /// What: the specification of a backup, a verification or an inventory, with its `kind`.
    pub task: JobSpec,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleView {
    /// Its name.
    pub name: String,
    /// When it comes and what it starts.
    #[serde(flatten)]
    pub plan: SchedulePlan,
    /// One line: what the task does, to what.
    pub title: String,
    /// Whether it starts anything.
    pub is_enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// The next moments, in order; none while it is switched off.
    pub next: Vec<Timestamp>,
    /// A failed job is tried again then.
    pub retry_at: Option<Timestamp>,
    /// What became of the last moment.
    pub last: Option<ScheduleEventView>,
}

/// What became of one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleEventView {
    /// Its number, growing.
    pub id: i64,
    /// The moment.
    pub due: Timestamp,
    /// When it was dealt with.
    pub at: Timestamp,
    /// `started`, `missed`, `still_running` or `refused`.
    pub what: ScheduleEventKind,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The job, if one was started.
    pub job: Option<JobId>,
    /// Why nothing was started, or how many moments were missed.
    pub reason: Option<String>,
}

/// The moments of a pattern that is not a schedule yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchedulePreview {
    /// The next moments, in order.
    pub next: Vec<Timestamp>,
}

/// A time in which no scheduled job begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WindowView {
    /// Its name.
    pub name: String,
    /// When it begins (`cron`, `time_zone`) and how many `minutes` it lasts.
    #[serde(flatten)]
    pub window: MaintenanceWindow,
    /// Its end, if it is open now.
    pub open_until: Option<Timestamp>,
}
