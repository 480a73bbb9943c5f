//! Jobs and their events as people see them: the catalog's record with live progress over it.

use std::cmp::Reverse;

use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind};
use crate::api::types::{
    EventLevel, EventsRequest, JobAction, JobEvent, JobFilter, JobView, NeedView, Page,
    PageRequest, ProgressView,
};
use crate::catalog::{EventLevel as Kept, JobRecord, JobState, RecordedEvent};
use crate::domain::JobId;
use crate::jobs::runner::{priority_of, spec_of};
use crate::jobs::{JobEnd, JobProgress};

/// Jobs read at once while a list is filtered.
const JOBS_READ: usize = 200;

impl Service {
    pub(super) fn job_view(&self, id: JobId) -> Result<JobView, EngineError> {
        let record = self.parts.catalog.job(id).map_err(answers::catalog)?;
        self.view_of(record)
    }

    pub(super) fn view_of(&self, record: JobRecord) -> Result<JobView, EngineError> {
        let spec = spec_of(&record).map_err(|error| {
            EngineError::new(
                EngineErrorKind::Corrupt,
                "job_unreadable",
                format!("Job {} was written by another release: {error}.", record.id),
                "Start the newer release to see it.",
            )
        })?;
        let stored = || serde_json::from_value(record.progress.clone()).unwrap_or_default();
        let progress: JobProgress = self.runner.progress(record.id).unwrap_or_else(stored);
        let priority = priority_of(&record);
        let end: JobEnd = match record.error {
            Some(value) => serde_json::from_value(value).unwrap_or_default(),
            None => JobEnd::default(),
        };
        let need = end.need.filter(|_| record.state == JobState::Waiting);
        Ok(JobView {
            id: record.id,
            kind: record.kind,
            state: record.state,
            title: spec.title(),
            spec,
            priority,
            created: record.created,
            started: record.started,
            ended: record.ended,
            progress: ProgressView::from(progress),
            need: need.map(NeedView::from),
            outcome: end.outcome.map(Into::into),
            error: end.failure.map(Into::into),
            allowed_actions: JobAction::allowed_in(record.state),
        })
    }

    pub(super) fn job_views(
        &self,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<JobView>, EngineError> {
        let after: Option<JobId> = match page.after {
            Some(_) => Some(JobId(answers::offset(page)?)),
            None => None,
        };
        let mut records = match (filter.state, filter.is_active) {
            (Some(state), _) if !state.is_final() => self.in_states(&[state])?,
            (None, true) => self.in_states(&ACTIVE)?,
            _ => return self.filtered(filter, after, page.limit),
        };
        records.retain(|record| is_wanted(record, filter) && after.is_none_or(|id| record.id < id));
        records.sort_by_key(|record| Reverse(record.id));
        self.page_of(records, page.limit)
    }

    fn in_states(&self, states: &[JobState]) -> Result<Vec<JobRecord>, EngineError> {
        let mut records = Vec::new();
        for state in states {
            records.extend(self.parts.catalog.jobs_in_state(*state).map_err(answers::catalog)?);
        }
        Ok(records)
    }

    /// Reads the history, newest first, until a page is full.
    fn filtered(
        &self,
        filter: &JobFilter,
        mut before: Option<JobId>,
        limit: usize,
    ) -> Result<Page<JobView>, EngineError> {
        let mut found = Vec::new();
        loop {
            let batch = self.parts.catalog.jobs(before, JOBS_READ).map_err(answers::catalog)?;
            let Some(last) = batch.last() else { break };
            before = Some(last.id);
            found.extend(batch.into_iter().filter(|record| is_wanted(record, filter)));
            if found.len() > limit {
                break;
            }
        }
        self.page_of(found, limit)
    }

    fn page_of(&self, records: Vec<JobRecord>, limit: usize) -> Result<Page<JobView>, EngineError> {
        let is_more = records.len() > limit;
        let mut items = Vec::new();
        let mut last = None;
        for record in records.into_iter().take(limit) {
            let id = record.id;
            last = Some(id);
            // One job of another release must not hide all others.
            match self.view_of(record) {
                Ok(view) => items.push(view),
                Err(error) => tracing::warn!(job = id.0, %error, "left out of a list"),
            }
        }
        Ok(Page { items, next: last.filter(|_| is_more).map(|id| id.to_string()) })
    }

    pub(super) fn job_events(&self, request: &EventsRequest) -> Result<Vec<JobEvent>, EngineError> {
        if let Some(id) = request.job {
            self.parts.catalog.job(id).map_err(answers::catalog)?;
        }
        let events = self.parts.catalog.events_after(request.after, request.job, request.limit);
        Ok(events.map_err(answers::catalog)?.into_iter().map(event_view).collect())
    }
}

/// States of jobs that have not ended.
pub(super) const ACTIVE: [JobState; 4] =
    [JobState::Queued, JobState::Running, JobState::Paused, JobState::Waiting];

fn is_wanted(record: &JobRecord, filter: &JobFilter) -> bool {
    filter.state.is_none_or(|state| record.state == state)
        && !(filter.is_active && record.state.is_final())
        && filter.kind.as_ref().is_none_or(|kind| record.kind == *kind)
}

fn event_view(recorded: RecordedEvent) -> JobEvent {
    JobEvent {
        id: recorded.id,
        job: recorded.job,
        at: recorded.at,
        level: match recorded.event.level {
            Kept::Debug | Kept::Info => EventLevel::Info,
            Kept::Warning => EventLevel::Warning,
            Kept::Error => EventLevel::Error,
        },
        // An event that says a state has its name as its code.
        state: recorded.event.code.parse().ok(),
        message: recorded.event.message,
    }
}
