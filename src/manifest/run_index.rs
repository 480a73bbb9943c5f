//! The entries of a manifest in the short form that the catalog keeps.
//!
//! A rebuild reads manifests of millions of lines. Attributes, hole maps and reasons stay on the
//! tape, where a restore finds them; the catalog needs to know what is where.

use std::io::BufRead;

use super::entry::{Codec, EntryState, FilePart, VolumeExtent};
use super::error::ManifestError;
use super::header::ManifestHeader;
use super::reader::{ManifestEnd, ManifestReader};
use crate::domain::{FileKind, Sha256Digest, SourcePath, Timestamp};

/// What the catalog keeps of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedFile {
    /// Where it stood at the source.
    pub path: SourcePath,
    /// Where it stands on the volume, if elsewhere.
    pub stored_path: Option<String>,
    /// What it is.
    pub kind: FileKind,
    /// Size of its content in bytes.
    pub size_bytes: u64,
    /// Last change of the content.
    pub modified: Timestamp,
    /// Last change of content or metadata.
    pub changed: Timestamp,
    /// SHA-256 of its content.
    pub sha256: Option<Sha256Digest>,
    /// How it was transformed.
    pub codec: Option<Codec>,
    /// Which part of it the volume holds.
    pub part: Option<FilePart>,
    /// Where its bytes are.
    pub extents: Vec<VolumeExtent>,
    /// The entry whose content this is too.
    pub hard_link_of: Option<SourcePath>,
    /// How it ended.
    pub state: EntryState,
}

/// The entries of one manifest, in their order.
///
/// What it yields is proven only once it has ended without an error and [`RunIndex::end`] is there;
/// a rebuild commits then, and rolls back otherwise.
#[derive(Debug)]
pub struct RunIndex<R> {
    reader: ManifestReader<R>,
    has_failed: bool,
}

impl<R: BufRead> RunIndex<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// As [`ManifestReader::open`].
    pub fn open(source: R) -> Result<Self, ManifestError> {
        Ok(Self { reader: ManifestReader::open(source)?, has_failed: false })
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &ManifestHeader {
        self.reader.header()
    }

    /// The end, once the iteration has reached it.
    #[must_use]
    pub fn end(&self) -> Option<&ManifestEnd> {
        self.reader.end()
    }
}

impl<R: BufRead> Iterator for RunIndex<R> {
    type Item = Result<IndexedFile, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        match self.reader.next_entry() {
            Ok(entry) => entry.map(|entry| {
                Ok(IndexedFile {
                    path: entry.path,
                    stored_path: entry.stored_path,
                    kind: entry.kind,
                    size_bytes: entry.size_bytes,
                    modified: entry.metadata.times.modified,
                    changed: entry.metadata.times.changed,
                    sha256: entry.sha256,
                    codec: entry.codec,
                    part: entry.part,
                    extents: entry.extents,
                    hard_link_of: entry.hard_link_of,
                    state: entry.state,
                })
            }),
            Err(error) => {
                self.has_failed = true;
                Some(Err(error))
            }
        }
    }
}
