//! Backup.

mod block_runs;
mod plan;
mod volume_room;
