//! Schedules behind the API: made, changed and shown. Who deals with their moments is `scheduler`.

use super::scheduler::Pending;
use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{
    JobView, Page, PageRequest, ScheduleEventView, SchedulePlan, ScheduleView, WindowView,
};
use crate::catalog::{ScheduleEvent, ScheduleEventKind, ScheduleRecord, ScheduledStart};
use crate::domain::{SetName, Timestamp};
use crate::jobs::JobSpec;
use crate::schedules::{MaintenanceWindow, Rule, ScheduleError};
use crate::system::network::machine_zone;

/// Moments that a list shows of each schedule.
const NEXT_SHOWN: usize = 5;

impl Service {
    pub(super) fn schedule_views(
        &self,
        page: &PageRequest,
    ) -> Result<Page<ScheduleView>, EngineError> {
        let records = self.parts.catalog.schedules().map_err(answers::catalog)?;
        let Page { items, next } = answers::page(records, page)?;
        let items = items.into_iter().map(|record| self.schedule_view(record));
        Ok(Page { items: items.collect::<Result<_, _>>()?, next })
    }

    pub(super) fn one_schedule(&self, name: &str) -> Result<ScheduleView, EngineError> {
        self.schedule_view(self.parts.catalog.schedule(name).map_err(answers::catalog)?)
    }

    pub(super) fn made_schedule(
        &self,
        name: &str,
        plan: &SchedulePlan,
    ) -> Result<ScheduleView, EngineError> {
        // The rules of a set's name are what people know, and what is safe everywhere.
        name.parse::<SetName>().map_err(|error| invalid("schedule_name", error.to_string()))?;
        let (rule, task) = self.checked(plan)?;
        let now = self.parts.clock.now();
        let made = self.parts.catalog.create_schedule(name, &rule, &task, now);
        made.map_err(answers::catalog)?;
        self.scheduler.wake();
        self.one_schedule(name)
    }

    pub(super) fn changed_schedule(
        &self,
        name: &str,
        plan: &SchedulePlan,
    ) -> Result<ScheduleView, EngineError> {
        let (rule, task) = self.checked(plan)?;
        let now = self.parts.clock.now();
        let changed = self.parts.catalog.change_schedule(name, &rule, &task, now);
        changed.map_err(answers::catalog)?;
        self.scheduler.wake();
        self.one_schedule(name)
    }

    pub(super) fn switched_schedule(
        &self,
        name: &str,
        is_enabled: bool,
    ) -> Result<ScheduleView, EngineError> {
        let now = self.parts.clock.now();
        let switched = self.parts.catalog.enable_schedule(name, is_enabled, now);
        switched.map_err(answers::catalog)?;
        self.scheduler.wake();
        self.one_schedule(name)
    }

    /// Starts the task of a schedule for a person; its moments stay as they are.
    pub(super) fn run_schedule_now(&self, name: &str) -> Result<JobView, EngineError> {
        let record = self.parts.catalog.schedule(name).map_err(answers::catalog)?;
        let plan = plan_of(&record)?;
        self.ensure_possible(&plan.task)?;
        let now = self.parts.clock.now();
        let event = ScheduleEvent {
            id: 0,
            due: now,
            at: now,
            what: ScheduleEventKind::Started,
            attempt: 1,
            job: None,
            reason: Some("a person asked for it".to_owned()),
        };
        let pending = record.retry.clone();
        let start = ScheduledStart {
            schedule: name,
            handled: record.handled,
            event,
            pending: &|_| pending.clone(),
        };
        let id = self.runner.submit_scheduled(&plan.task, &start);
        self.job_view(id.map_err(answers::job)?)
    }

    pub(super) fn event_views(
        &self,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<ScheduleEventView>, EngineError> {
        let before = match page.after {
            Some(_) => Some(answers::offset(page)?),
            None => None,
        };
        let events = self.parts.catalog.schedule_events(name, before, page.limit + 1);
        let mut events = events.map_err(answers::catalog)?;
        let is_more = events.len() > page.limit;
        events.truncate(page.limit);
        let next = events.last().filter(|_| is_more).map(|event| event.id.to_string());
        Ok(Page { items: events.into_iter().map(event_view).collect(), next })
    }

    pub(super) fn window_views(&self) -> Result<Page<WindowView>, EngineError> {
        let now = self.parts.clock.now();
        let windows = self.windows_kept()?.into_iter().map(|(name, window)| WindowView {
            open_until: window.open_until(now),
            name,
            window,
        });
        Ok(Page::whole(windows.collect()))
    }

    pub(super) fn set_window(
        &self,
        name: &str,
        window: Option<&MaintenanceWindow>,
    ) -> Result<Page<WindowView>, EngineError> {
        name.parse::<SetName>().map_err(|error| invalid("window_name", error.to_string()))?;
        let spec = match window {
            Some(window) => {
                window.ensure_sensible().map_err(refused)?;
                let begins = window.begins.clone().or_in(&machine_zone()).map_err(refused)?;
                let window = MaintenanceWindow { begins, minutes: window.minutes };
                Some(serde_json::to_value(window).map_err(unreadable)?)
            }
            None => None,
        };
        self.parts.catalog.put_window(name, spec.as_ref()).map_err(answers::catalog)?;
        self.scheduler.wake();
        self.window_views()
    }

    pub(super) fn windows_kept(&self) -> Result<Vec<(String, MaintenanceWindow)>, EngineError> {
        let kept = self.parts.catalog.windows().map_err(answers::catalog)?;
        kept.into_iter()
            .map(|(name, spec)| Ok((name, serde_json::from_value(spec).map_err(unreadable)?)))
            .collect()
    }

    /// The plan as it is kept, if it is one that can be carried out by itself.
    fn checked(
        &self,
        plan: &SchedulePlan,
    ) -> Result<(serde_json::Value, serde_json::Value), EngineError> {
        plan.rule.ensure_sensible().map_err(refused)?;
        match &plan.task {
            JobSpec::Backup(_)
            | JobSpec::Verify(_)
            | JobSpec::Inventory
            | JobSpec::SelfTest(_)
            | JobSpec::CatalogBackup(_) => {}
            other => {
                return Err(invalid(
                    "task_not_schedulable",
                    format!("A {} is not done by itself.", other.kind()),
                ));
            }
        }
        self.ensure_possible(&plan.task)?;
        let when = plan.rule.when.clone().or_in(&machine_zone()).map_err(refused)?;
        let rule = Rule { when, ..plan.rule.clone() };
        let as_json = serde_json::to_value(&rule).map_err(unreadable)?;
        Ok((as_json, serde_json::to_value(&plan.task).map_err(unreadable)?))
    }

    fn schedule_view(&self, record: ScheduleRecord) -> Result<ScheduleView, EngineError> {
        let plan = plan_of(&record)?;
        let now = self.parts.clock.now();
        let next = match record.is_enabled {
            true => plan.rule.when.next(now.max(record.handled), NEXT_SHOWN),
            false => Vec::new(),
        };
        let last = self.parts.catalog.schedule_events(&record.name, None, 1);
        let last = last.map_err(answers::catalog)?.pop().map(event_view);
        Ok(ScheduleView {
            title: plan.task.title(),
            retry_at: Pending::of(&record).and_then(|pending| pending.retry_at()),
            name: record.name,
            plan,
            is_enabled: record.is_enabled,
            created: record.created,
            next,
            last,
        })
    }

    pub(super) fn present(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

/// Rule and task as they are kept.
pub(super) fn plan_of(record: &ScheduleRecord) -> Result<SchedulePlan, EngineError> {
    Ok(SchedulePlan {
        rule: serde_json::from_value(record.rule.clone()).map_err(unreadable)?,
        task: serde_json::from_value(record.task.clone()).map_err(unreadable)?,
    })
}

fn event_view(event: ScheduleEvent) -> ScheduleEventView {
    let ScheduleEvent { id, due, at, what, attempt, job, reason } = event;
    ScheduleEventView { id, due, at, what, attempt, job, reason }
}

fn invalid(code: &'static str, message: String) -> EngineError {
    EngineError::new(
        Kind::Invalid,
        code,
        message,
        "See `fossilsafe schedule add --help` for how a schedule is written.",
    )
}

fn refused(error: ScheduleError) -> EngineError {
    invalid("schedule_invalid", error.to_string())
}

/// Written by another release.
fn unreadable(error: serde_json::Error) -> EngineError {
    EngineError::new(
        Kind::Corrupt,
        "schedule_unreadable",
        format!("A schedule was written by another release: {error}."),
        "Start the newer release to see it, or remove it with `fossilsafe schedule remove`.",
    )
}
