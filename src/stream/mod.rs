//! The data path: files in, tape blocks out, and the way back.
//!
//! ```text
//!  plan ─▶ feeder ─┬─▶ workers: small files read, hashed, compressed ─┐
//!                  └─▶ workers: large files opened ───────────────────┤ in plan order
//!                                                                     ▼
//!          engine (io_uring or threads) ◀── reads into slabs ──── packer ── asks Room
//!             │ spans filled                                          │ slabs + records
//!             ▼                                                       ▼
//!          workers: large files hashed in order ──────────────▶ intake: waits in order
//!                                                                     ▼
//!                                        stage-ahead: RAM slabs ⇄ staging folder
//!                                                                     ▼ one thread a drive
//!                                               outlet ─▶ BlockSink     outlet ─▶ BlockSink
//! ```
//!
//! **Who owns a buffer when.** A slab belongs to the packer while it is laid out, to the engine and
//! then a worker as spans, to the stage as a block, and to the outlets as clones; the last drop
//! gives it back to the pool ([`buffers`]). Small files pass through batch buffers that circulate
//! between feeder, worker and packer; the heads of large files that are begun before their turn
//! through slabs of their own, hashed by workers that give way to all others.
//!
//! **Back pressure.** Everything waits for slabs and nothing else: a standing drive fills the stage,
//! the stage holds the slabs, the packer waits for one, the queue to it fills, the feeder waits.
//! So memory is what [`StreamConfig::memory_bytes`] says, whatever the source.
//!
//! **Memory of the machine.** What the kernel has of a file is copied from there; what it has not is
//! read past it by the ring, for large files, so that the rest of the machine keeps its own.
//!
//! **Order.** Files, slabs and records keep the order of the plan from end to end; only reading and
//! hashing happen out of order.
//!
//! **Ends.** One flag halts every thread ([`run`]); each waits only on things that look at it or
//! that are finished in any case. A panic in a thread halts the stream and is its failure.

mod backup;
mod batch;
pub mod buffers;
mod cached;
mod codec;
mod compress;
mod config;
mod control;
mod engine;
mod error;
mod feeder;
mod gauges;
mod hash;
mod input;
mod large;
mod ordered;
mod outlet;
mod packer;
mod plain;
mod plan;
mod rate;
mod restore;
mod ring;
mod run;
mod sample;
mod sink;
mod stage;
mod workers;

pub use backup::{BackupEnd, BackupRequest, backup};
pub use config::{EngineChoice, MediumRates, RateLimits, StagingConfig, StreamConfig};
pub use control::{Control, Request};
pub use error::{EdgeError, StreamError, StreamErrorKind};
pub use gauges::{Bottleneck, DriveFigures, Gauges, Snapshot, StagingState};
pub use hash::HashState;
pub use plan::{
    Change, Codec, EndlessRoom, FileOutcome, FileRecord, Part, Piece, Place, Placement,
    PlannedFile, Room, RoomRequest, SplitState, StoredFile,
};
pub use rate::{
    FEED_PERCENT, Motion, PaceView, Pacer, RateMeter, SourceMeter, SourceView, StageRoom, Water,
    per_second, plan_water,
};
pub use restore::{
    BlockFault, BlockReader, FileOut, FileOuts, ItemOutcome, ItemResult, ReadEnd, ReadEndReason,
    ReadItem, ReadRequest, Target, restore,
};
pub use sink::{BlockSink, PutOutcome, SinkEnd, SinkEndReason, StreamEnd};

#[cfg(test)]
pub(crate) use stage::rig;
#[cfg(test)]
mod tests;
