//! Jobs: start, list, show, follow, control.

use std::str::FromStr;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{EventsRequest, JobAction, JobFilter, LIMIT_MAX, Page, PriorityRequest};
use crate::domain::JobId;
use crate::jobs::JobSpec;

/// Starts a backup.
pub(super) fn backup(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Backup(call.json()?))?)
}

/// Says what a backup would do.
pub(super) fn estimate_backup(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.estimate_backup(&call.json()?)?)
}

/// Starts reading copies again.
pub(super) fn verify(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Verify(call.json()?))?)
}

/// Says what a restore would do.
pub(super) fn plan_restore(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.plan_restore(&call.json()?)?)
}

/// Starts a restore.
pub(super) fn restore(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Restore(call.json()?))?)
}

/// A page of jobs, newest first.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let filter = JobFilter {
        state: call.query.value("state")?,
        is_active: call.query.value("active")?.unwrap_or(false),
        kind: call.query.text("kind")?.map(str::to_owned),
    };
    Answer::json(&call.engine.jobs(&filter, &call.query.page()?)?)
}

/// One job.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.job(call.job_id()?)?)
}

/// Kept events of one job, in pages.
pub(super) fn history(call: &Call) -> Result<Answer, ApiError> {
    let (job, page) = (call.job_id()?, call.query.page()?);
    call.engine.job(job)?;
    let after = event_number(page.after.as_deref())?.unwrap_or(0);
    let request = EventsRequest { job: Some(job), after, limit: page.limit };
    let items = call.engine.events(&request)?;
    let is_full = items.len() >= page.limit;
    let next = items.last().filter(|_| is_full).map(|event| event.id.to_string());
    Answer::json(&Page { items, next })
}

/// Events of one job as they happen; ends with the job.
pub(super) fn events(call: &Call) -> Result<Answer, ApiError> {
    let job = call.job_id()?;
    call.engine.job(job)?;
    follow(call, Some(job))
}

/// Events of all jobs as they happen.
pub(super) fn all_events(call: &Call) -> Result<Answer, ApiError> {
    follow(call, None)
}

/// Events of all jobs as they happen, over a WebSocket.
pub(super) fn socket(call: &Call) -> Result<Answer, ApiError> {
    let after = event_number(call.query.text("after")?)?.unwrap_or(0);
    Ok(Answer::Socket(EventsRequest { job: None, after, limit: LIMIT_MAX }))
}

fn follow(call: &Call, job: Option<JobId>) -> Result<Answer, ApiError> {
    // A browser that reconnects sends where it was in a header, and the old query.
    let asked = event_number(call.query.text("after")?)?;
    let after = call.last_event_id.or(asked).unwrap_or(0);
    Ok(Answer::Events(EventsRequest { job, after, limit: LIMIT_MAX }))
}

fn event_number(text: Option<&str>) -> Result<Option<i64>, ApiError> {
    let number = text.map(i64::from_str).transpose();
    number.map_err(|error| ApiError::invalid("query parameter \"after\"", error))
}

/// Stops at the next safe point and keeps the place.
pub(super) fn pause(call: &Call) -> Result<Answer, ApiError> {
    control(call, JobAction::Pause)
}

/// Goes on.
pub(super) fn resume(call: &Call) -> Result<Answer, ApiError> {
    control(call, JobAction::Resume)
}

/// Stops at the next safe point for good.
pub(super) fn cancel(call: &Call) -> Result<Answer, ApiError> {
    control(call, JobAction::Cancel)
}

/// Says when a job has its turn.
pub(super) fn prioritise(call: &Call) -> Result<Answer, ApiError> {
    let PriorityRequest { priority } = call.json()?;
    Answer::json(&call.engine.prioritise(call.job_id()?, priority)?)
}

fn control(call: &Call, action: JobAction) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.control(call.job_id()?, action)?)
}
