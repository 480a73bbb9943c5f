//! Evidence: what is proven of how many files, and what is missing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Barcode, CopyLetter, RunId, SetName, VolumeUuid};

/// What is proven of a copy, weakest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceState {
    /// Not on tape yet.
    Planned,
    /// The drive took it.
    Written,
    /// A synchronous filemark after it succeeded.
    Flushed,
    /// It is in an index on both partitions, and the cartridge's memory says so.
    Indexed,
    /// Read again after the cartridge had left the drive, and the hash agrees.
    ReadBack,
    /// Restored by a drill.
    Proven,
}

impl EvidenceState {
    /// Every state, weakest first.
    pub const ALL: [Self; 6] =
        [Self::Planned, Self::Written, Self::Flushed, Self::Indexed, Self::ReadBack, Self::Proven];

    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Written => "written",
            Self::Flushed => "flushed",
            Self::Indexed => "indexed",
            Self::ReadBack => "read_back",
            Self::Proven => "proven",
        }
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Planned => "not on tape yet",
            Self::Written => "taken by the drive, may still be in its buffer",
            Self::Flushed => "on the tape, not in an index yet",
            Self::Indexed => "on the tape and in the index on both partitions",
            Self::ReadBack => "read again from the reloaded cartridge, hash agrees",
            Self::Proven => "restored by a drill",
        }
    }
}

/// Of what evidence is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceScope {
    /// All sets, each by its newest run.
    Everything,
    /// The newest run of a set.
    Set(SetName),
    /// One run.
    Run(RunId),
    /// Every copy on one cartridge.
    Cartridge(Barcode),
}

/// What is proven, file by file, added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceTable {
    /// Of what: "run 20261123T071400Z of set photos".
    pub scope: String,
    /// True only if every planned file is at least indexed in every copy of its set.
    pub is_complete: bool,
    /// One sentence that a person can act on.
    pub sentence: String,
    /// Files planned: the sum of the rows and of what was left out.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Each file counted once, as it stands in the best copy of its set. All six states, weakest first.
    pub rows: Vec<EvidenceRow>,
    /// Planned files without any copy, by reason.
    pub left_out: Vec<LeftOutRow>,
    /// Each copy by itself, where a set has several.
    #[serde(default)]
    pub copies: Vec<CopyEvidence>,
    /// Where the copies are.
    pub cartridges: Vec<CartridgeEvidence>,
}

/// What is proven of one copy of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyEvidence {
    /// Which copy.
    pub copy: CopyLetter,
    /// True only if every planned file is at least indexed in it.
    pub is_complete: bool,
    /// One sentence that a person can act on.
    pub sentence: String,
    /// Each file counted once. All six states, weakest first.
    pub rows: Vec<EvidenceRow>,
    /// Planned files that it does not have, by reason.
    pub left_out: Vec<LeftOutRow>,
}

/// Files at one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRow {
    /// The state.
    pub state: EvidenceState,
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Files without a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOutRow {
    /// `changed_while_read`, `vanished`, `unreadable`, `not_storable`, `copy_failed`.
    pub reason: String,
    /// How many.
    pub files: u64,
    /// Their bytes as planned.
    pub bytes: u64,
}

/// What one cartridge holds of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartridgeEvidence {
    /// The cartridge, if the volume was ever seen with a barcode.
    pub barcode: Option<Barcode>,
    /// The volume on it.
    pub volume: VolumeUuid,
    /// True if it is in the library now.
    pub is_present: bool,
    /// The weakest evidence of its copies.
    pub weakest: EvidenceState,
    /// Copies on it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}
