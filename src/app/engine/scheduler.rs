//! Deals with the moments of schedules: one thread that looks, starts what is due, and sleeps.
//!
//! What is done at a moment is decided in `schedules`, which is given the present and the past. Here
//! the past is read, the job started, and both written down in one transaction. A job that failed is
//! seen at the next look and tried again as its rule says.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::schedules::plan_of;
use super::watch::report;
use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::SchedulePlan;
use crate::catalog::{
    JobState, ScheduleEvent, ScheduleEventKind, ScheduleProgress, ScheduleRecord, ScheduledStart,
};
use crate::domain::{JobId, Timestamp};
use crate::health::Kind;
use crate::schedules::{Past, Retry, Step, step};

/// Longest sleep: a clock that was set, and a job that has failed, are noticed after it.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// What a schedule has begun and not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Pending {
    /// A job is at work; if it fails it may be tried again.
    Job { job: JobId, due: Timestamp, attempt: u32 },
    /// Another attempt.
    Retry(Retry),
}

impl Pending {
    /// What is kept with a schedule.
    pub(super) fn of(record: &ScheduleRecord) -> Option<Self> {
        serde_json::from_value(record.retry.clone()?).ok()
    }

    pub(super) fn retry_at(self) -> Option<Timestamp> {
        match self {
            Self::Job { .. } => None,
            Self::Retry(retry) => Some(retry.at),
        }
    }

    fn kept(self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }
}

/// Begins to deal with schedules.
pub(super) fn start(service: &Arc<Service>) -> std::io::Result<()> {
    let looking = Arc::clone(service);
    service.scheduler.start("scheduler", LOOK_AGAIN, move || looking.deal_with_schedules())
}

impl Service {
    /// Deals with every schedule that is due. Returns how long nothing is.
    fn deal_with_schedules(&self) -> Duration {
        let now = self.present();
        match self.next_moment(now) {
            Ok(Some(next)) => {
                let seconds = next.seconds.saturating_sub(now.seconds).max(0);
                Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            }
            Ok(None) => LOOK_AGAIN,
            Err(error) => {
                tracing::error!(%error, "the schedules could not be looked at");
                LOOK_AGAIN
            }
        }
    }

    /// Deals with what is due at `now`; the next moment at which anything is.
    pub(super) fn next_moment(&self, now: Timestamp) -> Result<Option<Timestamp>, EngineError> {
        let windows = self.windows_kept()?;
        let closed_until = windows.iter().filter_map(|(_, window)| window.open_until(now)).max();
        let mut next = None;
        let records = self.parts.catalog.schedules().map_err(answers::catalog)?;
        for record in records.into_iter().filter(|record| record.is_enabled) {
            // One schedule that cannot be read must not keep the others from starting.
            match self.deal_with(&record, now, closed_until) {
                Ok(moment) => next = [next, moment].into_iter().flatten().min(),
                Err(error) => {
                    tracing::error!(schedule = record.name, %error, "a schedule was not dealt with");
                }
            }
        }
        Ok(next)
    }

    fn deal_with(
        &self,
        record: &ScheduleRecord,
        now: Timestamp,
        closed_until: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let plan = plan_of(record)?;
        let pending = self.settled(record, &plan, now)?;
        let retry = match pending {
            Some(Pending::Retry(retry)) => Some(retry),
            _ => None,
        };
        let todo = step(&plan.rule, Past { handled: record.handled, retry }, now);
        let (due, attempt, missed) = match todo {
            Step::Wait(moment) => return Ok(moment),
            Step::Skip { due, missed } => {
                let event = event(due, now, ScheduleEventKind::Missed, 1);
                let reason =
                    Some(format!("{missed} moments passed while nothing could be started"));
                self.note(record, due, pending, ScheduleEvent { reason, ..event })?;
                return Ok(plan.rule.when.next_after(due));
            }
            Step::Start { due, attempt, missed } => (due, attempt, missed),
        };
        if let Some(end) = closed_until {
            return Ok(Some(end));
        }
        if let Some(Pending::Job { job, .. }) = pending {
            let event = event(due, now, ScheduleEventKind::StillRunning, attempt);
            let reason = Some(format!("job {job} of an earlier moment is still at work"));
            self.note(record, due, pending, ScheduleEvent { reason, ..event })?;
            return Ok(plan.rule.when.next_after(due));
        }
        self.start_scheduled(record, &plan, due, attempt, missed)?;
        Ok(plan.rule.when.next_after(record.handled.max(due)))
    }

    /// What is pending once a job that has ended is taken account of; kept if it has changed.
    fn settled(
        &self,
        record: &ScheduleRecord,
        plan: &SchedulePlan,
        now: Timestamp,
    ) -> Result<Option<Pending>, EngineError> {
        let pending = Pending::of(record);
        let Some(Pending::Job { job, due, attempt }) = pending else { return Ok(pending) };
        let state = self.parts.catalog.job(job).map_err(answers::catalog)?.state;
        if !state.is_final() {
            return Ok(pending);
        }
        let retry = match state {
            JobState::Failed => plan.rule.retry_after(due, attempt, now).map(Pending::Retry),
            _ => None,
        };
        let progress = ScheduleProgress {
            handled: record.handled,
            retry: retry.and_then(Pending::kept),
            event: None,
        };
        let noted = self.parts.catalog.note_schedule(&record.name, &progress);
        noted.map_err(answers::catalog)?;
        Ok(retry)
    }

    fn start_scheduled(
        &self,
        record: &ScheduleRecord,
        plan: &SchedulePlan,
        due: Timestamp,
        attempt: u32,
        missed: u64,
    ) -> Result<(), EngineError> {
        let now = self.present();
        let handled = record.handled.max(due);
        if let Err(error) = self.ensure_possible(&plan.task) {
            let event = event(due, now, ScheduleEventKind::Refused, attempt);
            let reason = Some(format!("{} {}", error.message, error.next_step));
            let retry = plan.rule.retry_after(due, attempt, now).map(Pending::Retry);
            return self.note(record, handled, retry, ScheduleEvent { reason, ..event });
        }
        let event = event(due, now, ScheduleEventKind::Started, attempt);
        let reason = (missed > 0).then(|| format!("also for {missed} moments that were missed"));
        let start = ScheduledStart {
            schedule: &record.name,
            handled,
            event: ScheduleEvent { reason, ..event },
            pending: &|job| Pending::Job { job, due, attempt }.kept(),
        };
        let started = self.runner.submit_scheduled(&plan.task, &start);
        let job = started.map_err(answers::job)?;
        tracing::info!(schedule = record.name, %job, "a scheduled job was started");
        Ok(())
    }

    fn note(
        &self,
        record: &ScheduleRecord,
        due: Timestamp,
        pending: Option<Pending>,
        event: ScheduleEvent,
    ) -> Result<(), EngineError> {
        self.tell_of_missed(&record.name, &event)?;
        let progress = ScheduleProgress {
            handled: record.handled.max(due),
            retry: pending.and_then(Pending::kept),
            event: Some(event),
        };
        self.parts.catalog.note_schedule(&record.name, &progress).map_err(answers::catalog)
    }
}

impl Service {
    /// What was to happen by itself and did not: somebody relies on it.
    fn tell_of_missed(&self, name: &str, event: &ScheduleEvent) -> Result<(), EngineError> {
        let what = match event.what {
            ScheduleEventKind::Missed => "was missed",
            ScheduleEventKind::Refused => "could not begin",
            _ => return Ok(()),
        };
        let reason = event.reason.as_deref().unwrap_or_default();
        let sentence = format!("Schedule {name}: what was due at {} {what}: {reason}", event.due);
        let next_step =
            format!("Start it now with `fossilsafe schedule run {name}` once it can be done.");
        let report = report(Kind::ScheduleMissed, name, sentence, &next_step);
        self.health.happened(Kind::ScheduleMissed, &report).map_err(answers::health)
    }
}

fn event(due: Timestamp, at: Timestamp, what: ScheduleEventKind, attempt: u32) -> ScheduleEvent {
    ScheduleEvent { id: 0, due, at, what, attempt, job: None, reason: None }
}
