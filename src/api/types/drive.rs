//! How a drive is, in its own words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::system::Severity;
use crate::domain::{DriveSerial, Timestamp};

/// How a drive is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveHealthView {
    /// The drive.
    pub serial: DriveSerial,
    /// When it was asked.
    pub at: Timestamp,
    /// In one sentence.
    pub sentence: String,
    /// It asks to be cleaned.
    pub is_cleaning_due: bool,
    /// What it has raised, worst first.
    pub alerts: Vec<DriveAlertView>,
    /// Writing since the cartridge was loaded.
    pub write: ErrorCounters,
    /// Reading since the cartridge was loaded.
    pub read: ErrorCounters,
    /// Compression of what was written in percent: 200 is 2:1.
    pub write_compression_percent: Option<u64>,
    /// The life of the loaded cartridge.
    pub cartridge: CartridgeCounters,
}

/// Something that a drive has raised (TapeAlert).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveAlertView {
    /// Its number in the standard, 1 to 64.
    pub number: u8,
    /// How urgent.
    pub severity: Severity,
    /// What it means and what to do.
    pub sentence: String,
}

/// Errors of one direction; what a drive does not count is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorCounters {
    /// Corrected by the drive.
    pub corrected: Option<u64>,
    /// Blocks that were written or read again for it.
    pub repeats: Option<u64>,
    /// Not corrected.
    pub uncorrected: Option<u64>,
    /// Bytes processed.
    pub size_bytes: Option<u64>,
}

/// The life of a cartridge; what is not counted is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CartridgeCounters {
    /// Times it was threaded.
    pub loads: Option<u64>,
    /// Bytes written to it.
    pub written_bytes: Option<u64>,
    /// Bytes read from it.
    pub read_bytes: Option<u64>,
    /// Write errors that stayed.
    pub unrecovered_write_errors: Option<u64>,
    /// Read errors that stayed.
    pub unrecovered_read_errors: Option<u64>,
}
