//! What is on a cartridge, what happened to it, and what people say of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::EvidenceState;
use super::file::FilePath;
use crate::domain::{
    Barcode, CopyLetter, JobId, RunId, SetName, Sha256Digest, Timestamp, VolumeUuid,
};

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another name of a file.
    HardLink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device node.
    Device,
}

/// An entry of a folder on a cartridge: the newest version that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentEntry {
    /// Where it was at the source.
    #[serde(flatten)]
    pub path: FilePath,
    /// The last part of its path, for people.
    pub name: String,
    /// What it is.
    pub kind: ContentKind,
    /// Its size; absent for a folder that is only the way to others.
    pub size_bytes: Option<u64>,
    /// When its content last changed.
    pub modified: Option<Timestamp>,
    /// The run that stored it.
    pub run: Option<RunId>,
    /// What is proven of the copy on this cartridge.
    pub evidence: Option<EvidenceState>,
    /// Why the copy on this cartridge is bad, if it is.
    pub failure: Option<String>,
    /// Its copies on other cartridges.
    pub other_copies: Vec<OtherCopy>,
}

/// A copy on another cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherCopy {
    /// Which copy of the set.
    pub copy: CopyLetter,
    /// The cartridge, if its label is known.
    pub barcode: Option<Barcode>,
    /// The volume on it.
    pub volume: VolumeUuid,
    /// What is proven of it.
    pub evidence: EvidenceState,
    /// Why it is bad, if it is.
    pub failure: Option<String>,
}

/// Something that happened to a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartridgeEventView {
    /// When.
    pub at: Timestamp,
    /// A stable word: `first_seen`, `loaded`, `moved`, `formatted`, `written`, `indexed`, `verified`,
    /// `proven`, `copy_failed`, `evidence_revoked`, `locked`, `unlocked`, `retained`, `released`, `named`,
    /// `put_away`, `error`, or the state that its volume came to.
    pub code: String,
    /// In words.
    pub message: String,
    /// The job that did it.
    pub job: Option<JobId>,
}

/// What would be lost with a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartridgeLossView {
    /// In one sentence.
    pub sentence: String,
    /// Versions of files with something on it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of which no other whole copy is in an index: gone for good.
    pub files_lost: u64,
    /// Their bytes.
    pub bytes_lost: u64,
    /// Those that have another copy, which nobody has read back.
    pub files_unproven: u64,
    /// Their bytes.
    pub bytes_unproven: u64,
    /// The first of both, in the order of the tape.
    pub items: Vec<LostFileView>,
}

/// A file of which no other proven copy would be left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LostFileView {
    /// Where it was at the source.
    #[serde(flatten)]
    pub path: FilePath,
    /// Its size.
    pub size_bytes: u64,
    /// The run that stored it.
    pub run: RunId,
    /// Its copies on other cartridges, none of them read back.
    pub other_copies: Vec<OtherCopy>,
}

/// The signed list of what a run put on a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ManifestView {
    /// The run.
    pub run: RunId,
    /// Its set.
    pub set: SetName,
    /// The copy of the set.
    pub copy: CopyLetter,
    /// What its content is; absent while the run has not closed it.
    pub sha256: Option<Sha256Digest>,
    /// Its size, if a copy of it is kept off the tape and can be downloaded.
    pub size_bytes: Option<u64>,
}

/// A person's order not to write to a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockView {
    /// Since when.
    pub at: Timestamp,
    /// Who gave it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
}

/// Another name for a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AliasRequest {
    /// At most 64 characters; null takes it away. No two cartridges have the same one.
    #[schemars(length(max = 64))]
    pub alias: Option<String>,
}

/// Where a cartridge was put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationRequest {
    /// In words, at most 200 characters, as "bank, box 3"; null if nobody knows.
    #[schemars(length(max = 200))]
    pub location: Option<String>,
}

/// An order not to write to a cartridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LockRequest {
    /// Why, at most 200 characters.
    #[schemars(length(max = 200))]
    pub reason: Option<String>,
}

/// An order to keep what is on a cartridge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptUntilRequest {
    /// Before this moment it is not erased. Never earlier than was ordered before.
    pub until: Timestamp,
}
