//! How much still fits, with room kept for the index that must follow.
//!
//! The drive is asked now and then and we count in between: its own figure moves only when it writes its
//! buffer out. Programmable early warning is set as the reference sets it, so that the drive raises its
//! hand before early warning, even if compression made our count wrong.

use super::{OpenVolume, WriteOutcome};
use crate::domain::{ByteCount, GIB, MIB};
use crate::drive::{Drive, DriveErrorKind, PartitionCapacity};
use crate::ltfs::error::LtfsError;
use crate::ltfs::label::PartitionMap;

/// How much may be written before the drive is asked again. Chosen, no data yet.
const REFRESH_BYTES: u64 = 4 * GIB;
/// What is kept free beside the indexes: a hundredth of the partition within these limits, for filemarks
/// and for tape that is skipped over bad spots. Chosen, no data yet.
const MARGIN_DIVISOR: u64 = 100;
const MARGIN_BYTES: (u64, u64) = (2 * MIB, 2 * GIB);
/// The most that a drive's buffer holds: about 1 GB on LTO-9, less before.
const BUFFER_BYTES_MAX: u64 = GIB;
/// Indexes that must still fit: the one at the end, and one more should it have to be written again.
const INDEXES_KEPT: u64 = 2;
/// Largest value that the mode page holds.
const EARLY_WARNING_MEGABYTES_MAX: u64 = 65_535;
const MEGABYTE: u64 = 1_000_000;

/// How much still fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes of data that fit on the data partition before the room kept for indexes begins.
    pub data: ByteCount,
    /// The largest index that fits on the index partition.
    pub index_max: ByteCount,
    /// The worst that the drive has said so far.
    pub pressure: WriteOutcome,
}

/// What is known of the room on the tape.
#[derive(Debug)]
pub(super) struct RoomState {
    data: Option<PartitionCapacity>,
    index: Option<PartitionCapacity>,
    written_since: u64,
    /// Appended since the last flush: the drive may hold it and not have counted it.
    unflushed: u64,
    pressure: WriteOutcome,
}

impl RoomState {
    /// Reads capacities and sets programmable early warning. A drive that has none of it is used
    /// without.
    pub(super) fn begin(drive: &mut Drive, map: &PartitionMap) -> Result<Self, LtfsError> {
        let mut state = Self {
            data: None,
            index: None,
            written_since: 0,
            unflushed: 0,
            pressure: WriteOutcome::Written,
        };
        state.refresh(drive, map)?;
        let half = state.index.map_or(0, |index| index.maximum.0 / 2);
        let warning = ByteCount(half.min(EARLY_WARNING_MEGABYTES_MAX * MEGABYTE));
        match drive.set_programmable_early_warning(warning) {
            Ok(()) => Ok(state),
            Err(error) if error.kind() == DriveErrorKind::Unsupported => Ok(state),
            Err(error) => Err(LtfsError::drive("set programmable early warning")(error)),
        }
    }

    pub(super) fn note(&mut self, outcome: WriteOutcome, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.written_since = self.written_since.saturating_add(bytes);
        self.unflushed = self.unflushed.saturating_add(bytes);
        if severity(outcome) > severity(self.pressure) {
            self.pressure = outcome;
        }
    }

    /// The drive's buffer is empty.
    pub(super) fn note_flushed(&mut self) {
        self.unflushed = 0;
    }

    /// Asks the drive again the next time.
    pub(super) fn forget(&mut self) {
        self.written_since = u64::MAX;
    }

    fn refresh(&mut self, drive: &mut Drive, map: &PartitionMap) -> Result<(), LtfsError> {
        let capacities = match drive.partition_capacities() {
            Ok(capacities) => capacities,
            Err(error) if error.kind() == DriveErrorKind::Unsupported => Vec::new(),
            Err(error) => {
                return Err(LtfsError::drive("read how much fits on the cartridge")(error));
            }
        };
        let of = |partition| capacities.iter().find(|c| c.partition == partition).copied();
        self.data = of(map.data.1);
        self.index = of(map.index.1);
        self.written_since = 0;
        Ok(())
    }
}

impl OpenVolume {
    /// How much still fits if the index will have `index` bytes at the end.
    ///
    /// Never more than really fits, as far as the drive tells the truth. When little is left it may
    /// flush the drive's buffer, to know exactly.
    ///
    /// # Errors
    /// When the drive does not answer.
    pub fn room(&mut self, index: ByteCount) -> Result<Room, LtfsError> {
        self.ensure_running()?;
        // Near the end the drive is asked often, so that small cartridges are filled too.
        let remaining = self.room.data.map_or(0, |data| data.remaining.0);
        if self.room.written_since > REFRESH_BYTES.min(remaining / 8) {
            self.ask_capacity()?;
        }
        let buffered = self.room.unflushed.min(BUFFER_BYTES_MAX);
        let mut room = self.room_as_known(index);
        if buffered > 0 && room.data.0 < buffered.saturating_mul(2) {
            self.flush()?;
            self.ask_capacity()?;
            room = self.room_as_known(index);
        } else {
            room.data.0 -= buffered.min(room.data.0);
        }
        Ok(room)
    }

    fn ask_capacity(&mut self) -> Result<(), LtfsError> {
        let map = self.map;
        self.room.refresh(&mut self.drive, &map)
    }

    fn room_as_known(&self, index: ByteCount) -> Room {
        let index_max = match self.room.index {
            // A replaced index gives its own room back; one that is appended to finds what is left.
            Some(index) if self.is_worm => index.remaining.0,
            Some(index) => index.maximum.0,
            None => u64::MAX,
        };
        let index_max = index_max - index_max / 10;
        let data = match self.room.data {
            _ if severity(self.room.pressure) >= severity(WriteOutcome::EarlyWarning) => 0,
            _ if index.0 > index_max => 0,
            Some(data) => {
                let margin =
                    (data.maximum.0 / MARGIN_DIVISOR).clamp(MARGIN_BYTES.0, MARGIN_BYTES.1);
                let kept = index.0.saturating_mul(INDEXES_KEPT).saturating_add(margin);
                let left = data.remaining.0.saturating_sub(self.room.written_since);
                left.saturating_sub(kept)
            }
            // A drive that does not say is believed when it raises its hand.
            None if self.room.pressure == WriteOutcome::Written => u64::MAX,
            None => 0,
        };
        let pressure = self.room.pressure;
        Room { data: ByteCount(data), index_max: ByteCount(index_max), pressure }
    }

    /// Refuses an index that cannot fit on the index partition, before anything is written.
    pub(super) fn ensure_index_fits(&mut self, index: ByteCount) -> Result<(), LtfsError> {
        let room = match self.room.index {
            Some(capacity) if !self.is_worm => capacity.maximum,
            Some(capacity) => capacity.remaining,
            None => return Ok(()),
        };
        if index <= room {
            return Ok(());
        }
        Err(LtfsError::IndexTooLarge { needed: index, room })
    }
}

fn severity(outcome: WriteOutcome) -> u8 {
    match outcome {
        WriteOutcome::Written => 0,
        WriteOutcome::NearEnd => 1,
        WriteOutcome::EarlyWarning => 2,
        WriteOutcome::Full => 3,
    }
}
