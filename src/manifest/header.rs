//! The first line of a manifest and the counts in its last.

use serde::{Deserialize, Serialize};

use super::entry::{EntryState, ManifestEntry};
use crate::domain::{
    Barcode, CopyLetter, PoolName, RunId, SetName, Sha256Digest, Timestamp, VolumeUuid,
};
use crate::keys::KeyId;

/// What the first line says it is.
pub(super) const FORMAT: &str = "fossilsafe-manifest";
/// The version written, and the highest that is read.
pub(super) const VERSION: u32 = 1;

/// Whether a run stored everything or what had changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Everything.
    Full,
    /// Only what has no evidence elsewhere.
    Incremental,
}

/// The volume before this one in its copy of a set: a missing or exchanged member shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousVolume {
    /// Which.
    pub volume: VolumeUuid,
    /// Its barcode, for people.
    pub barcode: Option<Barcode>,
    /// The SHA-256 of the last manifest on it.
    pub manifest_sha256: Sha256Digest,
}

/// The first line: what the manifest is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestHeader {
    /// The protected set.
    pub set: SetName,
    /// The run.
    pub run: RunId,
    /// Full or incremental.
    pub kind: RunKind,
    /// The run that this one builds on, for an incremental one.
    pub parent_run: Option<RunId>,
    /// The volume that this manifest stands on.
    pub volume: VolumeUuid,
    /// Its barcode.
    pub barcode: Option<Barcode>,
    /// The copy of the set that the volume belongs to.
    #[serde(default)]
    pub copy: CopyLetter,
    /// How many copies the run writes, each to volumes of its own.
    #[serde(default = "one")]
    pub copies: u8,
    /// The volume's place in its copy of the set, from 1.
    pub sequence: u32,
    /// The volume before it in that copy.
    pub previous: Option<PreviousVolume>,
    /// Bytes in a tape block; with it the extents can be read without any index.
    pub block_size_bytes: u32,
    /// The machine that wrote it.
    pub host: String,
    /// The pool of the set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolName>,
    /// The data key that every file of the run is sealed with, or from which the drive's key was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// What was asked for, as absolute paths for people.
    pub roots: Vec<String>,
    /// When the run started.
    pub started: Timestamp,
    /// Program and release.
    pub tool: String,
}

/// A manifest that says nothing of copies knows of one.
fn one() -> u8 {
    1
}

/// The header as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct HeaderLine<H> {
    pub(super) format: String,
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) header: H,
}

/// Only what tells whether the rest can be understood.
#[derive(Deserialize)]
pub(super) struct HeaderProbe {
    pub(super) format: String,
    pub(super) version: u32,
}

/// How many entries ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All lines between the first and the last.
    pub entries: u64,
    /// Stored on this volume, wholly or in part.
    pub stored: u64,
    /// Stored by an earlier run.
    pub unchanged: u64,
    /// On another volume of this run, or to follow on one.
    pub elsewhere: u64,
    /// Changed while read, vanished, or unreadable.
    pub failed: u64,
    /// Of a kind or name that cannot be stored as a file.
    pub not_storable: u64,
    /// Bytes that the extents of this volume's entries hold.
    pub stored_bytes: u64,
}

impl Counts {
    /// Counts one entry.
    pub(super) fn add(&mut self, entry: &ManifestEntry) {
        self.entries += 1;
        let count = match entry.state {
            EntryState::Stored => &mut self.stored,
            EntryState::Unchanged { .. } => &mut self.unchanged,
            EntryState::OnVolume { .. } | EntryState::ToFollow => &mut self.elsewhere,
            EntryState::ChangedWhileRead | EntryState::Vanished | EntryState::Unreadable { .. } => {
                &mut self.failed
            }
            EntryState::NotStorable { .. } => &mut self.not_storable,
        };
        *count += 1;
        let bytes = entry.extents.iter().map(|extent| extent.byte_count);
        self.stored_bytes = bytes.fold(self.stored_bytes, u64::saturating_add);
    }
}

/// The last line, without its check value.
#[derive(Serialize, Deserialize)]
pub(super) struct TrailerLine {
    pub(super) trailer: u32,
    pub(super) prev: String,
    #[serde(flatten)]
    pub(super) counts: Counts,
    pub(super) finished: Timestamp,
    pub(super) sha256: Sha256Digest,
}
