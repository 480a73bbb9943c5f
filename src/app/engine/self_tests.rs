//! Self-tests and measurements as the API shows them: their jobs, with what was found.

use serde::de::DeserializeOwned;

use super::watch::report;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind};
use crate::api::types::{
    CalibrationView, JobFilter, Page, PageRequest, SelfTestBrief, SelfTestView,
};
use crate::catalog::JobRecord;
use crate::catalog::alerts::AlertReport;
use crate::domain::JobId;
use crate::health::Kind;
use crate::jobs::self_test::{CheckResult, SelfTestReport};
use crate::jobs::{JobState, calibration, self_test};

impl Service {
    pub(super) fn self_test_views(
        &self,
        page: &PageRequest,
    ) -> Result<Page<SelfTestView>, EngineError> {
        self.of_kind(self_test::KIND, page, self_test_of)
    }

    pub(super) fn self_test_view(&self, job: JobId) -> Result<SelfTestView, EngineError> {
        let record = self.parts.catalog.job(job).map_err(answers::catalog)?;
        if record.kind != self_test::KIND {
            return Err(EngineError::new(
                EngineErrorKind::NotFound,
                "unknown",
                format!("Job {job} is no self-test."),
                "See `fossilsafe self-test list`.",
            ));
        }
        Ok(self_test_of(&record))
    }

    pub(super) fn calibration_views(
        &self,
        page: &PageRequest,
    ) -> Result<Page<CalibrationView>, EngineError> {
        self.of_kind(calibration::KIND, page, |record| CalibrationView {
            job: record.id,
            state: record.state,
            ended: record.ended,
            measured: kept(record),
        })
    }

    /// Jobs of a kind, each with what it has kept.
    fn of_kind<T>(
        &self,
        kind: &str,
        page: &PageRequest,
        view: impl Fn(&JobRecord) -> T,
    ) -> Result<Page<T>, EngineError> {
        let filter = JobFilter { kind: Some(kind.to_owned()), ..JobFilter::default() };
        let jobs = self.job_views(&filter, page)?;
        let mut items = Vec::new();
        for job in jobs.items {
            let record = self.parts.catalog.job(job.id).map_err(answers::catalog)?;
            items.push(view(&record));
        }
        Ok(Page { items, next: jobs.next })
    }

    /// The last one that asked every part.
    pub(super) fn last_self_test(&self) -> Result<Option<SelfTestBrief>, EngineError> {
        let newest = self.parts.catalog.newest_done(self_test::KIND).map_err(answers::catalog)?;
        Ok(newest.and_then(|record| {
            let report: SelfTestReport = kept(&record)?;
            let count = |result| report.count(result) as u64;
            Some(SelfTestBrief {
                job: record.id,
                at: record.ended?,
                failed: count(CheckResult::Failed),
                warned: count(CheckResult::Warning),
                passed: count(CheckResult::Passed),
                sentence: report.sentence(),
            })
        }))
    }

    /// Keeps the last one for the first page, and says what it found.
    pub(super) fn self_test_report(&self) -> Result<Option<AlertReport>, EngineError> {
        let last = self.last_self_test()?;
        self.watch.self_test.lock().clone_from(&last);
        let Some(last) = last.filter(|last| last.failed > 0) else { return Ok(None) };
        let sentence = format!("The self-test of {}: {}", last.at, last.sentence);
        let next_step =
            "See what each part says: `fossilsafe self-test show`; put it right and run it again.";
        Ok(Some(report(Kind::SelfTestFailed, "self-test", sentence, next_step)))
    }
}

fn self_test_of(record: &JobRecord) -> SelfTestView {
    let SelfTestReport { checks } = kept(record).unwrap_or_default();
    let is_done = matches!(record.state, JobState::Completed | JobState::Incomplete);
    SelfTestView {
        job: record.id,
        state: record.state,
        began: record.started,
        ended: record.ended.filter(|_| is_done),
        checks,
    }
}

/// What a job has kept at its end.
fn kept<T: DeserializeOwned>(record: &JobRecord) -> Option<T> {
    record.checkpoint.clone().and_then(|kept| serde_json::from_value(kept).ok())
}
