//! Self-tests, and measurements of the library: what each has shown, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{JobId, Timestamp};
use crate::jobs::JobState;
use crate::jobs::calibration::Calibration;
pub use crate::jobs::self_test::{Check, CheckResult, CheckSubject};

/// One self-test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfTestView {
    /// The job that does it.
    pub job: JobId,
    /// Its state: incomplete if a part is not as it should be.
    pub state: JobState,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When every part had been asked.
    pub ended: Option<Timestamp>,
    /// What each part has shown, in the order in which they were asked; nothing before its end.
    pub checks: Vec<Check>,
}

/// The last self-test in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelfTestBrief {
    /// The job that did it.
    pub job: JobId,
    /// When it ended.
    pub at: Timestamp,
    /// Parts that are not as they should be.
    pub failed: u64,
    /// Parts at which a person should look.
    pub warned: u64,
    /// Parts that are as they should be.
    pub passed: u64,
    /// All of it in one sentence.
    pub sentence: String,
}

/// One measurement of the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationView {
    /// The job that does it.
    pub job: JobId,
    /// Its state.
    pub state: JobState,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What was measured; absent before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<Calibration>,
}
