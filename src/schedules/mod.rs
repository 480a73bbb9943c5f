//! Schedules: when a task is due, what becomes of one that was missed, and when nothing may begin.
//!
//! Values in, values out: a rule, what is known of its past and the present moment make the next
//! step. Who keeps schedules and starts their jobs is elsewhere (`catalog`, `app`).
//!
//! Times are of a named time zone, so "half past two at night" stays that when the clocks change: in
//! spring, when it does not exist, the task runs once right after the gap; in autumn, when it comes
//! twice, it runs once (a task that comes more often than hourly runs in both hours).

mod error;
mod recurrence;
mod step;
mod window;

pub use error::ScheduleError;
pub use recurrence::Recurrence;
pub use step::{Missed, Past, Retries, Retry, Rule, Step, step};
pub use window::MaintenanceWindow;
