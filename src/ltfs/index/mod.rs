//! The index: the list of everything on a volume, as a stream of events.
//!
//! An index of ten million files is six gigabytes of XML, written at each sync and read at each mount.
//! So nothing here ever holds a tree: [`IndexReader`] pulls events out of a stream, [`IndexWriter`]
//! turns events into the text that the reference writes, and both need memory for one entry only,
//! whatever the depth. Events lend their entries; who wants to keep one clones it.
//!
//! What the format does not name is kept: elements of other writers in the index, a directory or a
//! file are carried as raw XML and written back.

mod body;
mod head;
mod read;
mod usual;
mod write;

#[cfg(test)]
mod tests;

use super::extent::{Extents, PartitionId};
use super::names::Name;
use super::version::FormatVersion;
use crate::domain::{BlockNumber, Timestamp, VolumeUuid};

pub(super) use head::{empty_header, volume_uuid};
pub use read::IndexReader;
pub use write::{IndexWriter, estimated_bytes};

/// The `fileuid` of every root directory.
pub const ROOT_UID: u64 = 1;

/// What an index says about itself and its volume: everything but the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexHeader {
    /// As it was read. What is written is always [`FormatVersion::WRITTEN`].
    pub version: FormatVersion,
    /// Who wrote it: `vendor version - OS - program - reason`.
    pub creator: String,
    /// A remark of the operator.
    pub comment: Option<String>,
    /// The volume; equal to the labels'.
    pub volume_uuid: VolumeUuid,
    /// Counts the states of the tree, from 1.
    pub generation: u64,
    /// When it was written.
    pub update_time: Timestamp,
    /// Where it stands itself.
    pub location: IndexLocation,
    /// The last index before it on the data partition.
    pub previous: Option<IndexLocation>,
    /// Whether the placement policy may be changed.
    pub allow_policy_update: bool,
    /// Which files another writer would put on the index partition.
    pub placement: Option<PlacementPolicy>,
    /// At least every `fileuid` in use.
    pub highest_uid: u64,
    /// Whether the volume may be written.
    pub lock: Option<LockState>,
    /// Elements that nobody knows, as XML.
    pub unknown: Vec<u8>,
}

/// Where an index stands: the first block behind its leading filemark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexLocation {
    /// The partition's letter.
    pub partition: PartitionId,
    /// The block.
    pub block: BlockNumber,
}

impl std::fmt::Display for IndexLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {} of partition {}", self.block, self.partition)
    }
}

/// Files that other writers place on the index partition. Kept, never applied by us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlacementPolicy {
    /// Up to this size in bytes.
    pub size: u64,
    /// With names like these.
    pub names: Vec<Name>,
}

/// The lock of a volume, as its index says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// May be written.
    Unlocked,
    /// May not, until it is unlocked.
    Locked,
    /// May never be written again.
    PermanentlyLocked,
}

impl LockState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            Self::Locked => "locked",
            Self::PermanentlyLocked => "permlocked",
        }
    }
}

/// The five times of an entry, in the order in which they are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Made.
    pub creation: Timestamp,
    /// Metadata changed.
    pub change: Timestamp,
    /// Contents changed.
    pub modify: Timestamp,
    /// Read.
    pub access: Timestamp,
    /// Backed up; the reference starts it at the creation time.
    pub backup: Timestamp,
}

impl Times {
    /// All five the same.
    #[must_use]
    pub fn all(at: Timestamp) -> Self {
        Self { creation: at, change: at, modify: at, access: at, backup: at }
    }
}

/// An extended attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Xattr {
    /// Without the `user.` of Linux.
    pub key: Name,
    /// Written as text when it is text, else as base64.
    pub value: Vec<u8>,
}

/// A directory, without what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its name; the root's is the volume name.
    pub name: Name,
    /// Other systems show it without write permission.
    pub read_only: bool,
    /// Its times.
    pub times: Times,
    /// Unique on the volume; 1 is the root's.
    pub uid: u64,
    /// Extended attributes.
    pub xattrs: Vec<Xattr>,
    /// Elements that nobody knows, as XML, as far as they stood before the contents.
    pub unknown: Vec<u8>,
}

/// A file or a symbolic link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: Name,
    /// In bytes; beyond the last extent it reads as zeros.
    pub length: u64,
    /// Other systems show it without write permission.
    pub read_only: bool,
    /// Its times.
    pub times: Times,
    /// Unique on the volume.
    pub uid: u64,
    /// Extended attributes.
    pub xattrs: Vec<Xattr>,
    /// Where its bytes are, ordered by their place in the file.
    pub extents: Extents,
    /// Where it leads, if it is a symbolic link.
    pub symlink: Option<Name>,
    /// Elements that nobody knows, as XML.
    pub unknown: Vec<u8>,
}

impl FileEntry {
    pub(crate) fn clear(&mut self) {
        self.name.clear();
        self.length = 0;
        self.read_only = false;
        self.times = Times::default();
        self.uid = 0;
        self.xattrs.clear();
        self.extents.clear();
        self.symlink = None;
        self.unknown.clear();
    }
}

impl DirectoryEntry {
    pub(crate) fn clear(&mut self) {
        self.name.clear();
        self.read_only = false;
        self.times = Times::default();
        self.uid = 0;
        self.xattrs.clear();
        self.unknown.clear();
    }
}

/// A step through an index, in document order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexEvent<'a> {
    /// First, once. Elements that stand behind the tree are missing in it.
    Header(&'a IndexHeader),
    /// A directory begins; the first one is the root.
    EnterDirectory(&'a DirectoryEntry),
    /// A file in the current directory.
    File(&'a FileEntry),
    /// The current directory ends. Carries unknown elements behind its contents, as XML.
    LeaveDirectory(&'a [u8]),
    /// Last, once, with the header complete.
    End(&'a IndexHeader),
}
