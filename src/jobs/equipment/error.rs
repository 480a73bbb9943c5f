//! What can go wrong on the way to a loaded cartridge.

use crate::changer::ChangerError;
use crate::domain::{Barcode, DriveSerial};
use crate::drive::{DriveError, TransportError};

/// A cartridge could not be loaded, moved or put away.
#[derive(Debug, thiserror::Error)]
pub enum EquipmentError {
    /// No device has been found yet.
    #[error("no tape drive is connected")]
    NotThere,
    /// There is no changer: people load the drives.
    #[error("no library is connected: cartridges are loaded by hand")]
    NoChanger,
    /// No element holds that barcode.
    #[error("cartridge {barcode} is not in the library")]
    NotInLibrary {
        /// What was asked for.
        barcode: Barcode,
    },
    /// Two elements show one barcode.
    #[error("barcode {barcode} stands on {count} cartridges in the library")]
    BarcodeTwice {
        /// The barcode.
        barcode: Barcode,
        /// How many elements show it.
        count: usize,
    },
    /// No drive here suits the cartridge.
    #[error("no drive here can use this cartridge")]
    NoSuitableDrive,
    /// No drive here has that serial number.
    #[error("there is no drive {serial}")]
    UnknownDrive {
        /// What was asked for.
        serial: DriveSerial,
    },
    /// Another job has the drive.
    #[error("drive {serial} is in use by a job")]
    DriveInUse {
        /// The drive.
        serial: DriveSerial,
    },
    /// The drive at that address is another one.
    #[error("drive {found} answers where drive {expected} was")]
    OtherDrive {
        /// The drive that was known.
        expected: DriveSerial,
        /// The drive that answers.
        found: DriveSerial,
    },
    /// No drive holds the cartridge after it was moved there.
    #[error("drive {serial} holds no cartridge after {barcode} was put into it")]
    NothingLoaded {
        /// The drive.
        serial: DriveSerial,
        /// The cartridge.
        barcode: Barcode,
    },
    /// Every slot is full.
    #[error("the library has no empty slot: take a cartridge out by a mail slot")]
    NoEmptySlot,
    /// The job was told to stop while it waited.
    #[error("stopped while waiting for a drive")]
    Stopped,
    /// The drive failed.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The changer failed.
    #[error(transparent)]
    Changer(#[from] ChangerError),
    /// The way to a device failed.
    #[error("a tape device cannot be reached")]
    Transport(#[from] TransportError),
}
