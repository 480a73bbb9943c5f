//! One entry of a manifest: a file, directory, link or device, where its bytes are, how it ended.

use crate::domain::{
    BlockNumber, DataSegment, FileKind, FileMetadata, RunId, Sha256Digest, SourcePath, VolumeUuid,
};
use crate::keys::KeyId;

/// A stretch of tape that holds bytes of a file; the same numbers as in the LTFS index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VolumeExtent {
    /// The LTFS partition id, `a` to `z`.
    pub partition: char,
    /// The first block.
    pub start_block: BlockNumber,
    /// Where in that block the bytes begin.
    pub byte_offset: u32,
    /// How many bytes.
    pub byte_count: u64,
    /// Where in the stored file they belong.
    pub file_offset: u64,
}

/// How the stored bytes were made from the file's bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Codec {
    /// True if they were made zstd frames.
    pub is_zstd: bool,
    /// How they were sealed, after that.
    pub sealed: Option<SealedContent>,
    /// Size of the stored bytes.
    pub stored_size_bytes: u64,
    /// SHA-256 of the stored bytes.
    pub stored_sha256: Sha256Digest,
}

/// What is known of sealed bytes without their key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SealedContent {
    /// The data key.
    pub key_id: KeyId,
    /// The digests of the content, sealed: `crate::keys::sealed::open_digests` opens them. An entry with
    /// them has no others.
    pub digests: Option<String>,
}

impl Codec {
    /// The name in the manifest.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (self.is_zstd, &self.sealed) {
            (true, Some(_)) => "zstd+sealed",
            (false, Some(_)) => "sealed",
            (_, None) => "zstd",
        }
    }
}

/// The part of a file that this volume holds, when the file did not fit on one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilePart {
    /// From 1.
    pub number: u32,
    /// How many there are, where that is known already: with the last one.
    pub of: Option<u32>,
    /// Where in the file the part begins, in the file's own bytes.
    pub offset: u64,
    /// Bytes of the part.
    pub length: u64,
    /// SHA-256 of the part.
    pub sha256: Option<Sha256Digest>,
}

/// How an entry ended in this run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EntryState {
    /// Its bytes, or its metadata where it has none, are on this volume.
    Stored,
    /// It is as an earlier run stored it.
    Unchanged {
        /// Which run.
        run: RunId,
        /// On which volume.
        volume: VolumeUuid,
    },
    /// It is on another volume of this run.
    OnVolume {
        /// The volume's place in the set, from 1.
        sequence: u32,
        /// Which volume.
        volume: VolumeUuid,
    },
    /// It was still to be written, to a later volume, when this manifest was.
    ToFollow,
    /// It changed under our hands; what may be stored of it is torn.
    ChangedWhileRead,
    /// It was gone before it could be read.
    Vanished,
    /// Reading it failed.
    Unreadable {
        /// Why, for people.
        reason: String,
    },
    /// It has no place on a volume except in this line.
    NotStorable {
        /// Why, for people.
        reason: String,
    },
}

/// Everything that is known of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Where it stood at the source.
    pub path: SourcePath,
    /// Where it stands on the volume below `/<set>/<run>/`, if not at `path`.
    pub stored_path: Option<String>,
    /// What it is.
    pub kind: FileKind,
    /// Size of the file's content in bytes.
    pub size_bytes: u64,
    /// Mode, owner, times, attributes.
    pub metadata: FileMetadata,
    /// How many names the inode had at the source. 0: the walk could not look at it, and nothing else is
    /// known of it.
    pub links: u32,
    /// The entry whose content this is too.
    pub hard_link_of: Option<SourcePath>,
    /// For a sparse file the stretches with data.
    pub data_segments: Option<Vec<DataSegment>>,
    /// SHA-256 of the file's content.
    pub sha256: Option<Sha256Digest>,
    /// How it was transformed; nothing when the stored bytes are the file's.
    pub codec: Option<Codec>,
    /// Which part of it this is, when it was split.
    pub part: Option<FilePart>,
    /// Where its bytes are on this volume.
    pub extents: Vec<VolumeExtent>,
    /// How it ended.
    pub state: EntryState,
}

impl ManifestEntry {
    /// True unless more parts of the file follow.
    #[must_use]
    pub fn is_to_its_end(&self) -> bool {
        let is_last = |part: &FilePart| part.of == Some(part.number);
        self.sha256.is_some() || self.part.as_ref().is_none_or(is_last)
    }
}
