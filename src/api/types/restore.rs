//! What a restore would do, before it does it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Barcode, VolumeUuid};
use crate::jobs::calibration::ExchangeEstimate;
use crate::jobs::spec::Place;

/// The cartridges that a restore reads, in order, and what it cannot bring back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RestorePlan {
    /// Files that can be restored from what is known.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cartridges in the order in which they are read.
    pub steps: Vec<PlanStep>,
    /// Volumes that are needed and not in the library.
    pub missing: Vec<MissingVolume>,
    /// Selected files without any readable copy.
    pub files_without_copy: u64,
    /// What bringing and returning the cartridges takes, beside reading them; absent where people load the drives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeEstimate>,
    /// One sentence that a person can act on.
    pub sentence: String,
}

/// One cartridge of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanStep {
    /// The cartridge, if known.
    pub barcode: Option<Barcode>,
    /// The volume.
    pub volume: VolumeUuid,
    /// Where it is; absent if it is not in the library.
    pub place: Option<Place>,
    /// Files or parts of files read from it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A volume that somebody has to bring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingVolume {
    /// The cartridge, if known.
    pub barcode: Option<Barcode>,
    /// The volume.
    pub volume: VolumeUuid,
    /// Files that cannot be restored whole without it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}
