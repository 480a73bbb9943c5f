//! What a virtual library consists of, and how it is opened.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::VtlError;
use super::log::LogMode;
use crate::domain::{Barcode, ByteCount, Clock, LtoGeneration, MIB, SystemClock};

/// Smallest capacity of a cartridge: two partitions with room for labels and an index.
pub const CAPACITY_MIN: ByteCount = ByteCount(16 * MIB);
/// Drives that fit; the drives' elements end before the slots' begin.
const DRIVES_MAX: usize = 64;
/// Slots that fit behind the first slot's element address.
const SLOTS_MAX: u16 = 4096;
/// Mail slots that fit before the drives' elements.
const MAIL_SLOTS_MAX: u16 = 128;

/// A whole library, as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryPlan {
    /// The drives, in element order.
    pub drives: Vec<LtoGeneration>,
    /// How many slots.
    pub slots: u16,
    /// How many mail slots.
    pub mail_slots: u16,
    /// The cartridges, put into the slots in this order; those that find none stay outside.
    pub cartridges: Vec<CartridgePlan>,
    /// Serial numbers are derived from it, so two libraries should differ in it.
    pub seed: u64,
    /// How the library and its drives behave where real ones differ.
    #[serde(default)]
    pub rules: LibraryRules,
}

/// What a cartridge is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CartridgeKind {
    /// Rewritable.
    #[default]
    Data,
    /// Write once: what was written cannot be overwritten.
    Worm,
    /// Cleans a drive.
    Cleaning,
}

/// One cartridge, as it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartridgePlan {
    /// Its label. Two cartridges may carry the same one.
    pub barcode: Barcode,
    /// Its generation.
    pub generation: LtoGeneration,
    /// Capacity of the whole cartridge, all partitions together.
    pub capacity: ByteCount,
    /// What it is for.
    #[serde(default)]
    pub kind: CartridgeKind,
    /// Whether its switch is on.
    #[serde(default)]
    pub write_protected: bool,
}

/// Choices in which libraries differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryRules {
    /// What a move of a cartridge does that is still loaded in its drive.
    pub loaded_cartridge: LoadedCartridgeMove,
    /// What a move into a drive does that cannot read that generation.
    pub incompatible_cartridge: IncompatibleCartridgeMove,
}

/// What a move of a cartridge does that is still loaded in its drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoadedCartridgeMove {
    /// It is refused as removal prevented: the host must send an unload first.
    #[default]
    Refused,
    /// The library has the drive unload it.
    Unloads,
}

/// What a move into a drive does that cannot read that generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncompatibleCartridgeMove {
    /// The library refuses it, as mhvtl does.
    #[default]
    Refused,
    /// It is put in, and the drive says that it cannot read it.
    Loads,
}

/// Whether commands take the time that they take on iron.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// Nothing takes time.
    #[default]
    Off,
    /// Streaming takes its time on the clock, and nothing else: what a short run of a long job is like.
    Streaming,
    /// Motion, streaming, loads and robot moves take their time on the clock.
    Model,
}

/// What becomes of the blocks that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// They are kept in files.
    #[default]
    Files,
    /// Large blocks outside partition 0 are counted and dropped; they read back as zeros. For
    /// measuring what stands before the drive.
    Discard,
}

/// How a library is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// What the devices wait on.
    pub clock: Arc<dyn Clock>,
    /// Whether commands take time.
    pub timing: Timing,
    /// What becomes of blocks.
    pub storage: Storage,
    /// What a drive holds that is not yet on the medium, at most: it is lost with the power.
    pub buffer: ByteCount,
    /// How much of the command log is kept.
    pub log: LogMode,
}

/// 32 blocks of 512 KiB. Real drives hold about 1 GB; this is as much as a small cartridge can lose
/// without losing everything.
const BUFFER: ByteCount = ByteCount(16 * MIB);
/// Commands kept when nobody asks for all: enough to see what led to a failure.
const LOG_RECORDS: usize = 4096;

impl Default for OpenOptions {
    /// The real clock, no timing, files, a small buffer and the last commands: what `run` needs.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            timing: Timing::Off,
            storage: Storage::Files,
            buffer: BUFFER,
            log: LogMode::Last(LOG_RECORDS),
        }
    }
}

impl OpenOptions {
    /// What tests need: `clock`, and a log of every command.
    #[must_use]
    pub fn for_tests(clock: Arc<dyn Clock>) -> Self {
        Self { clock, log: LogMode::All, ..Self::default() }
    }
}

/// Slots of the practice library.
const PRACTICE_SLOTS: u16 = 24;
/// Mail slots of the practice library.
const PRACTICE_MAIL_SLOTS: u16 = 2;

impl LibraryPlan {
    /// The practice library: two LTO-9 drives, 24 slots, 2 mail slots, `count` cartridges
    /// `FSP001L9` … of `capacity` each, and one cleaning cartridge.
    #[must_use]
    pub fn practice(count: u16, capacity: ByteCount) -> Self {
        let generation = LtoGeneration::Lto9;
        let mut cartridges: Vec<CartridgePlan> = (1..=count)
            .filter_map(|number| format!("FSP{number:03}L9").parse().ok())
            .map(|barcode| CartridgePlan::data(barcode, generation, capacity))
            .collect();
        cartridges.extend("CLN001CU".parse().ok().map(|barcode| CartridgePlan {
            kind: CartridgeKind::Cleaning,
            ..CartridgePlan::data(barcode, generation, CAPACITY_MIN)
        }));
        Self {
            drives: vec![generation; 2],
            slots: PRACTICE_SLOTS,
            mail_slots: PRACTICE_MAIL_SLOTS,
            cartridges,
            seed: 1,
            rules: LibraryRules::default(),
        }
    }

    /// Refuses what cannot be built.
    pub(super) fn ensure_sensible(&self) -> Result<(), VtlError> {
        let refuse = |reason: String| Err(VtlError::Plan(reason));
        if self.drives.is_empty() || self.drives.len() > DRIVES_MAX {
            return refuse(format!("a library has 1 to {DRIVES_MAX} drives"));
        }
        if self.slots == 0 || self.slots > SLOTS_MAX {
            return refuse(format!("a library has 1 to {SLOTS_MAX} slots"));
        }
        if self.mail_slots > MAIL_SLOTS_MAX {
            return refuse(format!("a library has at most {MAIL_SLOTS_MAX} mail slots"));
        }
        self.cartridges.iter().try_for_each(CartridgePlan::ensure_sensible)
    }
}

impl CartridgePlan {
    /// A rewritable cartridge whose switch is off.
    #[must_use]
    pub fn data(barcode: Barcode, generation: LtoGeneration, capacity: ByteCount) -> Self {
        Self { barcode, generation, capacity, kind: CartridgeKind::Data, write_protected: false }
    }

    pub(super) fn ensure_sensible(&self) -> Result<(), VtlError> {
        if self.capacity < CAPACITY_MIN {
            let (barcode, capacity) = (&self.barcode, self.capacity);
            return Err(VtlError::Plan(format!(
                "cartridge {barcode} of {capacity}: the smallest is {CAPACITY_MIN}"
            )));
        }
        Ok(())
    }
}
