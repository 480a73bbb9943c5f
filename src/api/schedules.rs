//! Schedules: make, list, change, switch, run now; and the times at which nothing begins.

use hyper::StatusCode;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{SchedulePlan, SchedulePreview, ScheduleRequest};
use crate::domain::Timestamp;
use crate::schedules::{MaintenanceWindow, Recurrence};
use crate::system::network::machine_zone;

/// Moments that a preview shows if nobody says how many.
const PREVIEW_DEFAULT: usize = 10;
/// Moments of a preview at most: a year of nights.
const PREVIEW_MAX: usize = 366;

/// A page of schedules.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.schedules(&call.query.page()?)?)
}

/// Makes one.
pub(super) fn create(call: &Call) -> Result<Answer, ApiError> {
    let ScheduleRequest { name, plan } = call.json()?;
    Answer::json_as(StatusCode::CREATED, &call.engine.create_schedule(&name, &plan)?)
}

/// One schedule.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.schedule(&name(call)?)?)
}

/// Gives one another plan.
pub(super) fn change(call: &Call) -> Result<Answer, ApiError> {
    let plan: SchedulePlan = call.json()?;
    Answer::json(&call.engine.change_schedule(&name(call)?, &plan)?)
}

/// Switches one on; moments while it was off are not made up for.
pub(super) fn enable(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.enable_schedule(&name(call)?, true)?)
}

/// Switches one off; a job that is at work goes on.
pub(super) fn disable(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.enable_schedule(&name(call)?, false)?)
}

/// Removes one; its jobs stay.
pub(super) fn remove(call: &Call) -> Result<Answer, ApiError> {
    call.engine.remove_schedule(&name(call)?)?;
    Answer::json(&serde_json::json!({}))
}

/// Starts its task now; its moments stay as they are.
pub(super) fn run(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.run_schedule(&name(call)?)?)
}

/// What became of its moments, newest first.
pub(super) fn events(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.schedule_events(&name(call)?, &call.query.page()?)?)
}

/// The moments of a pattern.
pub(super) fn preview(call: &Call) -> Result<Answer, ApiError> {
    let cron = call.query.text("cron")?.unwrap_or_default();
    let zone = call.query.text("time_zone")?.map_or_else(machine_zone, ToOwned::to_owned);
    let count = call.query.value("count")?.unwrap_or(PREVIEW_DEFAULT).min(PREVIEW_MAX);
    let after: Option<Timestamp> = call.query.value("from")?;
    let recurrence = Recurrence::new(cron, &zone).map_err(|e| ApiError::invalid("pattern", e))?;
    let after = after.unwrap_or_else(|| call.engine.now());
    Answer::json(&SchedulePreview { next: recurrence.next(after, count) })
}

/// Times at which no scheduled job begins.
pub(super) fn windows(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.maintenance_windows()?)
}

/// Sets one.
pub(super) fn put_window(call: &Call) -> Result<Answer, ApiError> {
    let window: MaintenanceWindow = call.json()?;
    Answer::json(&call.engine.put_maintenance_window(&name(call)?, Some(&window))?)
}

/// Takes one away.
pub(super) fn remove_window(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.put_maintenance_window(&name(call)?, None)?)
}

fn name(call: &Call) -> Result<String, ApiError> {
    call.parameter("name")
}
