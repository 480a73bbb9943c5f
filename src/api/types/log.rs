//! Lines of the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{JobId, Timestamp};

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is not as it should be.
    Warning,
    /// What happened.
    Info,
    /// For those who look closely.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    const ALL: [Self; 5] = [Self::Error, Self::Warning, Self::Info, Self::Debug, Self::Trace];

    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// 1 for an error to 5 for a trace.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Error => 1,
            Self::Warning => 2,
            Self::Info => 3,
            Self::Debug => 4,
            Self::Trace => 5,
        }
    }

    /// The level of a number.
    #[must_use]
    pub fn of(number: u8) -> Self {
        Self::ALL.into_iter().find(|level| level.number() == number).unwrap_or(Self::Trace)
    }
}

impl std::str::FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|level| level.name() == text);
        found.ok_or_else(|| {
            format!("\"{text}\" is none of: {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Grows, and is never used twice.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// The part of the program that says it.
    pub part: String,
    /// The job that it is about.
    pub job: Option<JobId>,
    /// What it says.
    pub message: String,
}

/// Which lines; what is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// With this text in it, case ignored.
    pub text: Option<String>,
    /// At least as grave.
    pub level: Option<LogLevel>,
    /// About this job.
    pub job: Option<JobId>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// How long lines are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogRetention {
    /// So many days.
    pub days: u32,
    /// So many lines at most.
    pub lines_max: u64,
}

/// What is to be taken away now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CleanUpRequest {
    /// What is older than so many days; by the standing order, if not given.
    pub days: Option<u32>,
    /// What is more than so many lines; by the standing order, if not given.
    pub lines_max: Option<u64>,
}

/// What was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CleanUpResult {
    /// Lines that went.
    pub removed: u64,
    /// Lines that are left.
    pub left: u64,
}
