//! Long tasks as persistent state machines: backup, verify, restore, format, rebuild, inventory, moves.
//!
//! A job is written down before it begins ([`spec`]), changes state only along the table in [`state`],
//! and notes a checkpoint whenever tape and catalog agree. So a job that was running when the process
//! died is taken up again from its checkpoint, and one that cannot go on ends and says why.

pub mod outcome;
pub mod spec;
pub mod state;

pub use outcome::{Ending, Failure, Outcome, Problem};
pub use spec::{JobProgress, JobSpec, Need};
pub use state::JobState;
