//! What is sent: one small document, the same for every kind of channel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::alerts::{AlertRecord, AlertReport, AlertSeverity, Change};
use crate::domain::Timestamp;

/// What is sent about one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// The kind of event, as `job_failed`.
    pub event: String,
    /// Whether it began, ended, or happened.
    pub state: NoticeState,
    /// `info`, `warning` or `critical`.
    #[schemars(with = "String")]
    pub severity: AlertSeverity,
    /// What it is about: a set, a drive's serial number, a barcode, a job.
    pub subject: String,
    /// What was found.
    pub sentence: String,
    /// What to do.
    pub next_step: String,
    /// The number of the alert, by which it is acknowledged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<i64>,
    /// When.
    pub at: Timestamp,
    /// The appliance.
    pub host: String,
}

/// Whether something began, ended, or happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// It is so from now on.
    Raised,
    /// It is so no more.
    Ended,
    /// It happened.
    Happened,
    /// Nothing happened: somebody tries the channel.
    Test,
}

impl NoticeState {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Ended => "ended",
            Self::Happened => "happened",
            Self::Test => "test",
        }
    }
}

impl Notice {
    /// Of a change of an alert.
    #[must_use]
    pub fn of_alert(record: &AlertRecord, change: Change, host: &str, at: Timestamp) -> Self {
        Self {
            event: record.kind.clone(),
            state: match change {
                Change::Raised => NoticeState::Raised,
                Change::Ended => NoticeState::Ended,
            },
            severity: record.severity,
            subject: record.subject.clone(),
            sentence: record.sentence.clone(),
            next_step: record.next_step.clone(),
            alert: Some(record.id),
            at,
            host: host.to_owned(),
        }
    }

    /// Of something that leaves no alert.
    #[must_use]
    pub fn of_report(report: &AlertReport, state: NoticeState, host: &str, at: Timestamp) -> Self {
        Self {
            event: report.kind.to_owned(),
            state,
            severity: report.severity,
            subject: report.subject.clone(),
            sentence: report.sentence.clone(),
            next_step: report.next_step.clone(),
            alert: None,
            at,
            host: host.to_owned(),
        }
    }
}
