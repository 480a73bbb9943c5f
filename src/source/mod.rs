//! Where files come from and where they go back to.
//!
//! A [`Source`] is walked once, in an order that is the same each time, and then its files are read,
//! perhaps long after and many at once. Everything that happens to a single file in between (it
//! changes, vanishes, cannot be read) is an answer about that file and never ends the walk. The way
//! back is [`destination`].
//!
//! A new kind of source implements [`Source`], passes `conformance.rs`, and gets its line in this list:
//!
//! | kind | module |
//! |---|---|
//! | local file systems, and whatever the kernel mounts, as SMB and NFS shares | [`local`], [`network`] |

mod beneath;
#[cfg(test)]
pub(crate) mod conformance;
pub mod destination;
pub mod error;
pub mod exclude;
mod held;
pub mod in_memory;
pub mod local;
pub mod network;

use std::fmt;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::domain::SourcePath;
use crate::domain::{DataSegment, FileKind, FileMetadata, Timestamp};
pub use error::{SourceError, SourceErrorKind};
pub use local::LocalSource;

/// One place that files come from.
///
/// Contract, checked by `conformance.rs` on every kind of source:
///
/// 1. A walk is depth first; within a directory entries come sorted by the raw bytes of their names.
///    Two walks of an unchanged tree give the same events.
/// 2. Events form a tree: each [`WalkEvent::EnterDirectory`] has its [`WalkEvent::LeaveDirectory`],
///    and an entry's parent is the innermost directory entered. The directories above a root are
///    entered too, so that their metadata is kept. The top of the tree itself is no event.
/// 3. No link is followed, neither in the walk nor by [`Source::open`].
/// 4. A problem with one entry is one [`WalkEvent::Problem`] naming it; the walk goes on.
/// 5. Reading changes nothing at the source where the system allows that, not even access times.
pub trait Source: Send + Sync + fmt::Debug {
    /// The roots as stored paths, in walk order.
    fn roots(&self) -> Vec<SourcePath>;

    /// Tells `visitor` of everything below the roots until it breaks. Blocks; may take hours.
    ///
    /// Returns `Break` only if the visitor did.
    fn walk(&self, visitor: &mut dyn FnMut(WalkEvent) -> ControlFlow<()>) -> ControlFlow<()>;

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// When it is gone, refused, or no regular file (any more).
    fn open(&self, path: &SourcePath) -> Result<Box<dyn SourceFile>, SourceError>;

    /// The path on this machine, for engines that open files themselves.
    ///
    /// They must open without following links (`RESOLVE_NO_SYMLINKS`), and compare the
    /// [`FileStamp`] with the entry's: a folder on the way may have been swapped since the walk.
    fn local_path(&self, path: &SourcePath) -> Option<PathBuf>;
}

/// A regular file of a source, open for reading.
pub trait SourceFile: Send + fmt::Debug {
    /// Reads at `offset` until the buffer is full or the file ends; returns the count of bytes.
    ///
    /// # Errors
    /// When the source cannot deliver them.
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, SourceError>;

    /// Reads at `offset` what needs no waiting, from none of it to all, and has the rest brought meanwhile if that
    /// can be done; returns the count of bytes. Who asks many files so waits for them together.
    fn read_ready(&mut self, buffer: &mut [u8], offset: u64) -> usize {
        let _ = (buffer, offset);
        0
    }

    /// What the file is now. Compared before and after reading, it tells whether it changed.
    ///
    /// # Errors
    /// When the source cannot say.
    fn stamp(&self) -> Result<FileStamp, SourceError>;

    /// The descriptor, where there is one.
    fn descriptor(&self) -> Option<BorrowedFd<'_>>;
}

/// Which file it is on its file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileIdentity {
    /// The file system's device number.
    pub device: u64,
    /// The inode number in it.
    pub inode: u64,
}

/// What tells that a file is still the one that was listed, with the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileStamp {
    /// Device and inode.
    pub identity: FileIdentity,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Last change of the content; programs can set it.
    pub modified: Timestamp,
    /// Last change of content or metadata; programs cannot set it.
    pub changed: Timestamp,
}

/// Everything a walk learns of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands.
    pub path: SourcePath,
    /// What it is.
    pub kind: FileKind,
    /// Size of a regular file's content in bytes, holes included; 0 for every other kind.
    pub size_bytes: u64,
    /// Mode, owner, times, attributes.
    pub metadata: FileMetadata,
    /// Device and inode.
    pub identity: FileIdentity,
    /// How many names the inode has, in the whole file system.
    pub links: u32,
    /// The first path of this inode met in the walk, if this is a later one of the same inode.
    pub hard_link_of: Option<SourcePath>,
    /// For a sparse file the stretches with data, ascending and apart; else nothing.
    pub data_segments: Option<Vec<DataSegment>>,
}

impl Entry {
    /// The stamp as the walk saw it.
    #[must_use]
    pub fn stamp(&self) -> FileStamp {
        FileStamp {
            identity: self.identity,
            size_bytes: self.size_bytes,
            modified: self.metadata.times.modified,
            changed: self.metadata.times.changed,
        }
    }
}

/// One step of a walk.
#[derive(Debug)]
pub enum WalkEvent {
    /// A directory begins; what follows lies in it until its `LeaveDirectory`.
    EnterDirectory(Entry),
    /// Anything that is no directory.
    Entry(Entry),
    /// The innermost open directory ends.
    LeaveDirectory,
    /// Left out on purpose. For a mount point this comes between its entering and leaving.
    Skipped {
        /// What was left out.
        path: SourcePath,
        /// Why.
        reason: SkipReason,
    },
    /// Something at `path` could not be listed or known in full. Where the entry itself could be
    /// known, it comes as an event of its own as well.
    Problem {
        /// Where.
        path: SourcePath,
        /// What.
        error: SourceError,
    },
}

/// Why a walk left something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SkipReason {
    /// An exclude pattern matches it.
    Excluded,
    /// It is the content of another file system that is mounted here.
    OtherFileSystem,
}
