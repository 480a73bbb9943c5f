//! Long tasks as persistent state machines: backup, verify, restore, format, rebuild, inventory, moves.
//!
//! A job is written down before it begins ([`spec`]), changes state only along the table of [`JobState`],
//! and notes a checkpoint whenever tape and catalog agree. So a job that was running when the process
//! died is taken up again from its checkpoint, and one that cannot go on ends and says why.

pub mod backup;
pub(crate) mod block_keys;
pub mod calibration;
mod catalog_backup;
pub mod cleaning;
pub mod context;
mod description;
pub mod equipment;
pub mod error;
mod format;
pub mod hook;
pub mod identity;
pub mod inventory;
mod kit_drill;
mod movement;
pub mod outcome;
pub mod pool;
mod rebuild;
pub mod restore;
pub mod runner;
pub mod self_test;
pub mod spec;
mod stored_form;
mod stored_name;
mod streaming;
mod tape_blocks;
#[cfg(test)]
pub(crate) mod test_support;
mod verify;
pub mod volume;
pub(crate) mod volume_tree;

pub use crate::catalog::JobState;
pub use context::{Folders, Parts};
pub use error::JobError;
pub use outcome::{Ending, Failure, JobEnd, Outcome, Problem};
pub use runner::{Runner, TakeUp};
pub use spec::{JobProgress, JobSpec, Need};
pub use streaming::Streaming;
