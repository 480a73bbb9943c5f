//! Cartridges and the volumes on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cartridge_life::LockView;
use crate::domain::{Barcode, CopyLetter, LtoGeneration, SetName, Timestamp, VolumeUuid};
use crate::jobs::spec::Place;

/// A cartridge that is in the library or that the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartridgeView {
    /// Its label. Two cartridges can have the same one; `volume` tells them apart.
    pub barcode: Barcode,
    /// From the label or the cartridge's memory.
    pub generation: Option<LtoGeneration>,
    /// Where it is; absent if it is not in the library.
    pub place: Option<Place>,
    /// What is known of it.
    pub state: CartridgeState,
    /// The same as a sentence, with what to do.
    pub sentence: String,
    /// Can be written once only.
    pub is_worm: bool,
    /// The switch on its side.
    pub is_write_protected: bool,
    /// The LTFS volume on it, if one was seen.
    pub volume: Option<VolumeView>,
    /// When it was last in the library.
    pub last_seen: Option<Timestamp>,
    /// What people call it.
    #[serde(default)]
    pub alias: Option<String>,
    /// Where it was put, while it is in no library.
    #[serde(default)]
    pub location: Option<String>,
    /// Nothing is written to it while this stands.
    #[serde(default)]
    pub lock: Option<LockView>,
    /// What is on it is not erased before this moment.
    #[serde(default)]
    pub retained_until: Option<Timestamp>,
    /// How many more times it can clean a drive, as far as its uses were counted here; only of a cleaning
    /// cartridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanings_left: Option<u64>,
}

/// What is known of a cartridge.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CartridgeState {
    /// Never looked at: it has to be loaded once.
    Unknown,
    /// Nothing was ever written to it.
    Blank,
    /// A volume of ours that can be written.
    Open,
    /// A volume of ours that is full or closed; it is only read.
    Closed,
    /// Somebody else's volume, or one signed by a key that is not trusted; it is only read.
    Foreign,
    /// A volume that needs `ltfs check` or `ltfs repair` before it is written.
    NeedsRepair,
    /// Not the cartridge that this barcode stood for before.
    Swapped,
    /// It failed and is not written any more.
    Bad,
    /// Cleans drives.
    Cleaning,
}

impl CartridgeState {
    /// Every state, for tables and parsing.
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::Blank,
        Self::Open,
        Self::Closed,
        Self::Foreign,
        Self::NeedsRepair,
        Self::Swapped,
        Self::Bad,
        Self::Cleaning,
    ];

    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Blank => "blank",
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Foreign => "foreign",
            Self::NeedsRepair => "needs_repair",
            Self::Swapped => "swapped",
            Self::Bad => "bad",
            Self::Cleaning => "cleaning",
        }
    }
}

/// An LTFS volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VolumeView {
    /// Its only reliable name.
    pub uuid: VolumeUuid,
    /// Its name for people.
    pub name: Option<String>,
    /// The set that it belongs to.
    pub set: Option<SetName>,
    /// The copy of the set that it belongs to.
    pub copy: Option<CopyLetter>,
    /// Its place among the volumes of that copy, from 1.
    pub sequence: Option<u32>,
    /// When it was formatted.
    pub formatted: Option<Timestamp>,
    /// The newest index on it.
    pub index_generation: Option<u64>,
    /// Size of its data partition.
    pub capacity_bytes: Option<u64>,
    /// What can still be written.
    pub remaining_bytes: Option<u64>,
    /// Files that the catalog knows on it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Which cartridges to list. Those in the library come first, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CartridgeFilter {
    /// Only those in this state.
    pub state: Option<CartridgeState>,
    /// Only those with a volume of this set.
    pub set: Option<SetName>,
}

/// How to format a cartridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FormatRequest {
    /// The volume's name for people; the barcode, if not given.
    pub volume_name: Option<String>,
    /// The cartridge's barcode, typed by a person who agrees to lose what is on it. Without it only
    /// a blank cartridge is formatted.
    pub typed_barcode: Option<Barcode>,
}
