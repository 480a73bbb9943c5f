//! What can end a stream, apart from what happens to single files and what drives normally do.
//!
//! A file that vanished is an outcome of that file, a full volume is an end. Errors here mean that
//! the stream could not do its work: settings that cannot hold, no memory, bytes lost in staging, or
//! a defect of ours.

use std::io;
use std::path::PathBuf;

/// A failure of the data path as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The configuration cannot work.
    #[error("the stream cannot be set up with {0}")]
    Config(String),
    /// The buffers do not fit into memory.
    #[error("cannot take {bytes} bytes of memory for buffers")]
    NoMemory {
        /// How much was asked for.
        bytes: usize,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// io_uring was demanded by configuration and the kernel refuses it.
    #[error("io_uring is refused by the kernel")]
    RingRefused {
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The staging folder gave other bytes back than it was given.
    #[error(
        "the staging folder {} changed the bytes of block {block}: its disk is failing",
        folder.display()
    )]
    StagingCorrupt {
        /// The folder.
        folder: PathBuf,
        /// Which block of the stream, from 0.
        block: u64,
    },
    /// The staging folder cannot be read any more.
    #[error("the staging folder {} cannot be read", folder.display())]
    StagingUnreadable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A thread of the stream panicked.
    #[error("a defect in the data path: {0}")]
    Bug(String),
    /// A thread could not be started.
    #[error("cannot start a thread of the data path")]
    NoThread(#[source] io::Error),
}

/// What policy needs to know of a [`StreamError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamErrorKind {
    /// Somebody has to change settings or replace a disk.
    OperatorNeeded,
    /// May work later: memory or threads are short.
    Retry,
    /// Bytes were lost on their way; what is on tape is not affected.
    Corrupt,
    /// A defect of ours.
    Bug,
}

impl StreamError {
    /// True if the staging folder failed: without it the same stream can be read again.
    #[must_use]
    pub fn is_of_staging(&self) -> bool {
        matches!(self, Self::StagingCorrupt { .. } | Self::StagingUnreadable { .. })
    }

    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> StreamErrorKind {
        match self {
            Self::Config(_) | Self::RingRefused { .. } | Self::StagingUnreadable { .. } => {
                StreamErrorKind::OperatorNeeded
            }
            Self::NoMemory { .. } | Self::NoThread(_) => StreamErrorKind::Retry,
            Self::StagingCorrupt { .. } => StreamErrorKind::Corrupt,
            Self::Bug(_) => StreamErrorKind::Bug,
        }
    }
}

/// A failure of a sink or of a reader of blocks, kept typed for those who made it.
pub type EdgeError = Box<dyn std::error::Error + Send + Sync>;
