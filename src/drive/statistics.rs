//! What drive and cartridge count: errors, bytes, loads. Numbers only; what they mean is `health`'s.

use serde::{Deserialize, Serialize};

use super::command::optional;
use super::{Drive, DriveError, Operation};
use crate::scsi::log::{self, LogPage};

/// Errors of one direction since the cartridge was loaded. `None`: the drive does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorStatistics {
    /// Corrected by the drive.
    pub corrected: Option<u64>,
    /// Blocks written or read again for it.
    pub repeats: Option<u64>,
    /// Not corrected.
    pub uncorrected: Option<u64>,
    /// Bytes processed.
    pub size_bytes: Option<u64>,
}

/// The life of the loaded cartridge. `None`: the drive does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartridgeStatistics {
    /// Times it was threaded.
    pub loads: Option<u64>,
    /// Bytes written to it, counted in megabytes.
    pub written_bytes: Option<u64>,
    /// Bytes read from it, counted in megabytes.
    pub read_bytes: Option<u64>,
    /// Write errors that stayed.
    pub unrecovered_write_errors: Option<u64>,
    /// Read errors that stayed.
    pub unrecovered_read_errors: Option<u64>,
    /// Passes over the beginning of the tape, where wear is greatest.
    pub beginning_passes: Option<u64>,
    /// Passes over its middle.
    pub middle_passes: Option<u64>,
}

/// What a drive counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriveStatistics {
    /// Writing.
    pub write: ErrorStatistics,
    /// Reading.
    pub read: ErrorStatistics,
    /// Bytes that hosts sent since the load.
    pub from_host_bytes: Option<u64>,
    /// Bytes put on tape for it, after compression.
    pub to_tape_bytes: Option<u64>,
    /// Bytes read from tape since the load.
    pub from_tape_bytes: Option<u64>,
    /// Bytes that hosts got for it.
    pub to_host_bytes: Option<u64>,
    /// The drive asks to be cleaned.
    pub cleaning_required: bool,
    /// Compression ratio of what was written, in percent: 200 is 2:1.
    pub write_compression_percent: Option<u64>,
    /// The loaded cartridge's life.
    pub cartridge: CartridgeStatistics,
}

const OPERATION: Operation = Operation::Named("read its statistics");
/// Bytes in the megabyte of volume statistics.
const MEGABYTE: u64 = 1_000_000;

impl Drive {
    /// Reads all counters. Pages that the drive does not have are left empty.
    ///
    /// # Errors
    /// If the drive does not answer.
    pub fn statistics(&mut self) -> Result<DriveStatistics, DriveError> {
        let write = self.counters(log::PAGE_WRITE_ERRORS)?;
        let read = self.counters(log::PAGE_READ_ERRORS)?;
        let access = self.page_or_empty(log::PAGE_SEQUENTIAL_ACCESS)?;
        let access = log::sequential_access(&access);
        let compression = self.page_or_empty(log::PAGE_DATA_COMPRESSION)?;
        Ok(DriveStatistics {
            write,
            read,
            from_host_bytes: access.bytes_from_host,
            to_tape_bytes: access.bytes_to_tape,
            from_tape_bytes: access.bytes_from_tape,
            to_host_bytes: access.bytes_to_host,
            cleaning_required: access.cleaning_required,
            write_compression_percent: log::compression_ratios(&compression).write_percent,
            cartridge: self.cartridge_statistics()?,
        })
    }

    fn counters(&mut self, page: u8) -> Result<ErrorStatistics, DriveError> {
        let counters = log::error_counters(&self.page_or_empty(page)?);
        Ok(ErrorStatistics {
            corrected: counters.corrected,
            repeats: counters.repeats,
            uncorrected: counters.uncorrected,
            size_bytes: counters.bytes_processed,
        })
    }

    fn cartridge_statistics(&mut self) -> Result<CartridgeStatistics, DriveError> {
        let life = log::volume_statistics(&self.page_or_empty(log::PAGE_VOLUME_STATISTICS)?);
        // Drives before LTO-7 keep some of it in the older tape usage page only.
        let usage = log::tape_usage(&self.page_or_empty(log::PAGE_TAPE_USAGE)?);
        let bytes = |megabytes: Option<u64>| megabytes.map(|n| n.saturating_mul(MEGABYTE));
        Ok(CartridgeStatistics {
            loads: life.mounts.or(usage.mounts),
            written_bytes: bytes(life.lifetime_megabytes_written),
            read_bytes: bytes(life.lifetime_megabytes_read),
            unrecovered_write_errors: life
                .unrecovered_write_errors
                .or(usage.unrecovered_write_errors),
            unrecovered_read_errors: life.unrecovered_read_errors.or(usage.unrecovered_read_errors),
            beginning_passes: life.beginning_passes,
            middle_passes: life.middle_passes,
        })
    }

    fn page_or_empty(&mut self, page: u8) -> Result<LogPage, DriveError> {
        let empty = LogPage { page, subpage: 0, parameters: Vec::new() };
        Ok(optional(self.log_page(OPERATION, page))?.unwrap_or(empty))
    }
}
