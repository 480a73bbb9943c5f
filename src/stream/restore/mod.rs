//! The way back: blocks in tape order to files, hashed beside the reading; also for verifying.
//!
//! ```text
//!  items in tape order ─▶ reader (caller's thread) ─┬─ files within one block, many a task ─▶ workers
//!                            │ each block read once │                                      hash, decode,
//!                            ▼                      └─ larger files: a lane each ────────▶ write out
//!                        BlockReader                                                          │
//!                                                        results, as they come ◀──────────────┘
//! ```
//!
//! The drive is read on the caller's thread and never waits for hashing unless every slab is in use.
//! A block that several files share is read once and handed to all of them. A block that cannot be
//! read costs the files in it and no others. Bytes of one file are handled in order, by one worker
//! at a time; those of a large one are hashed by one and written by another. Results come in the order in which files are done, not in that of the items.

mod item;
mod lanes;
mod reader;
mod tasks;
mod writing;

use std::fmt;
use std::sync::Arc;

use super::config::StreamConfig;
use super::control::Control;
use super::error::{EdgeError, StreamError};
use super::gauges::{Gauges, Snapshot};
use super::plan::Codec;
use crate::domain::{BlockNumber, Sha256Digest};
use crate::keys::KeyId;
use crate::ltfs::extent::{Extents, PartitionId};

pub use reader::restore;

/// Reads blocks. jobs implements it over a mounted volume; used on one thread.
pub trait BlockReader {
    /// Reads one block into `buffer`, which has the volume's block size; returns its length.
    /// Called with ascending numbers wherever the items are in tape order.
    ///
    /// # Errors
    /// [`BlockFault`] says whether anything else can still be read.
    fn read_block(
        &mut self,
        partition: PartitionId,
        block: BlockNumber,
        buffer: &mut [u8],
    ) -> Result<usize, BlockFault>;
}

/// Why a block was not read.
#[derive(Debug)]
pub enum BlockFault {
    /// This block cannot be read; others may.
    Block(EdgeError),
    /// Nothing more can be read now: the drive, the position or the cartridge is lost.
    Volume(EdgeError),
}

/// Makes the files that are written. Called from several threads.
pub trait FileOuts: Sync {
    /// Begins the file of an item whose target is [`Target::Write`].
    ///
    /// # Errors
    /// When it cannot be made; the item ends as [`ItemOutcome::WriteFailed`].
    fn create(&self, id: u64) -> Result<Box<dyn FileOut>, EdgeError>;
}

/// A file being written. Dropped without [`finish`](Self::finish) if its content is not right.
pub trait FileOut: Send {
    /// Writes at `offset`. Offsets ascend; what is skipped is a hole.
    ///
    /// # Errors
    /// When the destination refuses; nothing more is written to it.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), EdgeError>;

    /// All bytes were written and their hash is the expected one (or none is known). The file is
    /// `size_bytes` long, of which the end may be a hole.
    ///
    /// # Errors
    /// When it could not be completed.
    fn finish(self: Box<Self>, size_bytes: u64) -> Result<(), EdgeError>;
}

/// One file (or part of a file) to read.
#[derive(Clone, Debug)]
pub struct ReadItem {
    /// The caller's name for it.
    pub id: u64,
    /// Where its stored bytes are. Any order; gaps are holes.
    pub extents: Extents,
    /// Length of the stored bytes, holes included.
    pub stored_bytes: u64,
    /// How they are stored.
    pub codec: Codec,
    /// The key they are sealed with, after the codec.
    pub sealed_by: Option<KeyId>,
    /// Length of the file's own bytes; `stored_bytes` if neither compressed nor sealed.
    pub size_bytes: u64,
    /// The hash that its own bytes must have, where one is known.
    pub sha256: Option<Sha256Digest>,
    /// The hash of the stored bytes, where one is known; used where they are not the
    /// file's own.
    pub stored_sha256: Option<Sha256Digest>,
    /// What to do with them.
    pub target: Target,
    /// The folder in which its file is made, by any number that says which. Small items of one folder go
    /// to one worker where they can.
    pub folder: Option<u64>,
}

/// What to do with the bytes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Compare their hash.
    Verify,
    /// Compare their hash and write them.
    Write,
}

/// What was found of one item.
#[derive(Debug)]
pub struct ItemResult {
    /// The caller's name for it.
    pub id: u64,
    /// The one state it ended in.
    pub outcome: ItemOutcome,
}

/// The one state in which a read item ends.
#[derive(Debug)]
pub enum ItemOutcome {
    /// Everything was read (and written), and agrees with the hash where one was given.
    Ok {
        /// The hash of its own bytes as read.
        sha256: Sha256Digest,
    },
    /// The bytes are not the ones that were stored.
    Mismatch {
        /// The hash they should have.
        expected: Sha256Digest,
        /// The hash they have.
        got: Sha256Digest,
    },
    /// The stored bytes are those that were stored. What is in them cannot be looked at, and nothing is
    /// written: the data key is not here.
    Unopened {
        /// The key.
        key: KeyId,
    },
    /// The stored bytes cannot be decoded to a file of the right size.
    Undecodable {
        /// Why.
        reason: String,
    },
    /// A block of it could not be read.
    ReadError {
        /// The partition.
        partition: PartitionId,
        /// The block.
        block: BlockNumber,
        /// What the reader said; shared by all files in that block.
        error: Arc<EdgeError>,
    },
    /// The destination refused it.
    WriteFailed {
        /// What it said.
        error: EdgeError,
    },
    /// Reading ended before all of it was read: cancelled, or the volume was lost.
    NotRead,
}

/// What a restore or verify stream needs.
pub struct ReadRequest<'a> {
    /// What to read, in tape order.
    pub items: Box<dyn Iterator<Item = ReadItem> + 'a>,
    /// Where from.
    pub reader: &'a mut dyn BlockReader,
    /// Where written files go; may be left out if nothing is to be written.
    pub outs: Option<&'a dyn FileOuts>,
    /// Told of each item once it ends, on the caller's thread.
    pub on_result: &'a mut dyn FnMut(ItemResult),
    /// Settings. `block_bytes` is the volume's block size.
    pub config: StreamConfig,
    /// Pause and cancel.
    pub control: Arc<Control>,
    /// Live figures: the tape is the drive, what the files got is the source.
    pub gauges: Arc<Gauges>,
}

impl fmt::Debug for ReadRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadRequest").field("config", &self.config).finish_non_exhaustive()
    }
}

/// How a restore or verify stream ended.
#[derive(Debug)]
pub struct ReadEnd {
    /// Items taken from the iterator. Each of them got a result, unless `failure` is set.
    pub item_count: u64,
    /// Why no more were taken.
    pub why: ReadEndReason,
    /// A defect of ours on the way; items without a result are to be read again.
    pub failure: Option<StreamError>,
    /// The last figures.
    pub figures: Snapshot,
}

/// Why reading ended.
#[derive(Debug)]
pub enum ReadEndReason {
    /// All items were read.
    Finished,
    /// It was cancelled.
    Cancelled,
    /// The reader can read nothing more; its error.
    VolumeLost(EdgeError),
}
