//! What one part has shown, and all of them together.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part that proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckSubject {
    /// The catalog's file and its sums.
    Catalog,
    /// The key that signs.
    Keys,
    /// Recovery kits on paper.
    Kits,
    /// The audit log's chain and seals.
    Audit,
    /// The library: its robot, elements and labels.
    Library,
    /// Its cartridges, compared with the catalog.
    Inventory,
    /// A drive.
    Drive,
    /// Writing to a cartridge and reading it back.
    Cartridge,
    /// The disk of the data folder.
    Disk,
    /// The staging folder.
    Staging,
    /// The clock.
    Clock,
    /// The certificate of HTTPS.
    Certificate,
    /// A network source.
    Source,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// It is as it should be.
    Passed,
    /// It works, and a person should look.
    Warning,
    /// It is not as it should be.
    Failed,
    /// It was not asked; the sentence says why.
    Skipped,
}

/// What one part has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The part.
    pub subject: CheckSubject,
    /// Which of several: a drive, a source, a cartridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How it went.
    pub result: CheckResult,
    /// What was found.
    pub sentence: String,
    /// What to do, where something is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// How long it took.
    pub took_ms: u64,
}

/// How a part went, without whose it is and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    result: CheckResult,
    sentence: String,
    advice: Option<String>,
}

/// Everything that a self-test has found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestReport {
    /// In the order in which the parts were asked.
    pub checks: Vec<Check>,
}

impl Check {
    /// What a part has shown.
    #[must_use]
    pub fn new(
        subject: CheckSubject,
        about: Option<&str>,
        verdict: Verdict,
        took: Duration,
    ) -> Self {
        let Verdict { result, sentence, advice } = verdict;
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Self { subject, about: about.map(str::to_owned), result, sentence, advice, took_ms }
    }
}

impl Verdict {
    /// It is as it should be.
    #[must_use]
    pub fn passed(sentence: impl Into<String>) -> Self {
        Self { result: CheckResult::Passed, sentence: sentence.into(), advice: None }
    }

    /// It was not asked.
    #[must_use]
    pub fn skipped(sentence: impl Into<String>) -> Self {
        Self { result: CheckResult::Skipped, sentence: sentence.into(), advice: None }
    }

    /// It works, and a person should look.
    #[must_use]
    pub fn warning(sentence: impl Into<String>, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self { result: CheckResult::Warning, sentence: sentence.into(), advice }
    }

    /// It is not as it should be.
    #[must_use]
    pub fn failed(sentence: impl Into<String>, advice: &str) -> Self {
        let advice = Some(advice.to_owned());
        Self { result: CheckResult::Failed, sentence: sentence.into(), advice }
    }
}

impl SelfTestReport {
    /// How many went so.
    #[must_use]
    pub fn count(&self, result: CheckResult) -> usize {
        self.checks.iter().filter(|check| check.result == result).count()
    }

    /// The whole in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let total = self.checks.len() - self.count(CheckResult::Skipped);
        let of = |result| self.checks.iter().find(|check| check.result == result);
        match (self.count(CheckResult::Failed), self.count(CheckResult::Warning)) {
            (0, 0) => format!("{total} parts are as they should be"),
            (0, warned) => {
                let first = of(CheckResult::Warning).map(|check| check.sentence.as_str());
                format!(
                    "{total} parts work; {warned} of them should be looked at: {}",
                    first.unwrap_or("")
                )
            }
            (failed, _) => {
                let first = of(CheckResult::Failed).map(|check| check.sentence.as_str());
                let first = first.unwrap_or_default();
                format!("{failed} of {total} parts are not as they should be: {first}")
            }
        }
    }
}
