//! Long tasks as persistent state machines: backup, verify, restore, format, rebuild, inventory, moves.
//!
//! A job is written down before it begins ([`spec`]), changes state only along the table of [`JobState`],
//! and notes a checkpoint whenever tape and catalog agree. So a job that was running when the process
//! died is taken up again from its checkpoint, and one that cannot go on ends and says why.

pub mod backup;
mod description;
pub mod identity;
pub mod outcome;
pub mod spec;

mod stored_name;

pub use crate::catalog::JobState;
pub use outcome::{Ending, Failure, Outcome, Problem};
pub use spec::{JobProgress, JobSpec, Need};
