//! Where the stream ends: the contract of a sink, and how each sink's end is told.

use std::fmt;

use super::error::EdgeError;
use super::plan::{FileRecord, SplitState};

/// Takes blocks in order and is told of each file once its last byte was put. One a drive; runs on
/// a thread of its own. jobs implements it over an open volume.
///
/// `put_block` may write whatever else belongs on the tape (an index in the middle): slab numbers
/// say nothing about block numbers.
pub trait BlockSink: Send {
    /// Writes the block with number `slab` (from 0, without gap). All blocks are of the configured
    /// size; only the last of the stream may be shorter.
    ///
    /// # Errors
    /// When it is unknown whether the block is on tape. This sink is given nothing more.
    fn put_block(&mut self, slab: u64, block: &[u8]) -> Result<PutOutcome, EdgeError>;

    /// A file ended. Called in plan order, after its last block was put.
    ///
    /// # Errors
    /// When it could not be recorded. This sink is given nothing more.
    fn file_done(&mut self, record: &FileRecord) -> Result<(), EdgeError>;

    /// All files that ended in the block put last are told of: a good moment to say how far it is.
    fn block_done(&mut self) {}

    /// The drive is going to stand still (low water, or paused): a good moment to flush.
    ///
    /// # Errors
    /// As for `put_block`.
    fn idle(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }

    /// Nothing more comes, whatever the reason: end, volume full, stopped. Not called after an
    /// error.
    ///
    /// # Errors
    /// When what was put may not be safe.
    fn finish(&mut self) -> Result<(), EdgeError> {
        Ok(())
    }
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum PutOutcome {
    /// It is taken; more may come.
    Continue,
    /// The volume is full before the plan expected it.
    Full {
        /// True if this block was still taken.
        is_accepted: bool,
    },
    /// The sink wants no more, for a reason it knows itself. The block was taken.
    Stop,
}

/// How the stream as a whole ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// Every planned file was handled.
    Finished,
    /// The volume ends here, by plan or by surprise.
    VolumeFull {
        /// The first file that is not fully on it.
        next_ordinal: u64,
        /// Set if that file goes on in its middle.
        resume: Option<SplitState>,
    },
    /// Cancelled, or every sink wanted no more or failed.
    Stopped {
        /// The first file that is not fully on the slowest sink.
        next_ordinal: u64,
        /// Set if that file goes on in its middle.
        resume: Option<SplitState>,
    },
}

/// How one sink ended.
#[derive(Debug)]
pub struct SinkEnd {
    /// Blocks it took.
    pub block_count: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Records it was given.
    pub record_count: u64,
    /// The first file it was not told of; files from here on are not (fully) on it.
    pub next_ordinal: u64,
    /// Set if that file goes on in its middle on another volume.
    pub resume: Option<SplitState>,
    /// Why it got no more.
    pub why: SinkEndReason,
}

/// Why a sink got no more.
pub enum SinkEndReason {
    /// The stream ended and everything was put.
    Complete,
    /// It said that its volume is full.
    Full,
    /// It wanted no more.
    Stopped,
    /// The stream was cancelled or failed.
    Cancelled,
    /// It failed; the error is the one it gave.
    Failed(EdgeError),
}

impl fmt::Debug for SinkEndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("Complete"),
            Self::Full => f.write_str("Full"),
            Self::Stopped => f.write_str("Stopped"),
            Self::Cancelled => f.write_str("Cancelled"),
            Self::Failed(error) => write!(f, "Failed({error})"),
        }
    }
}
