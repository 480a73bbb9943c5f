//! One drive as the equipment knows it: who it is and how to reach it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::EquipmentError;
use crate::domain::{Clock, DriveSerial, LtoGeneration};
use crate::drive::{Claim, Drive, DriveIdentity, ReservationKey, Transport, TransportError};

/// Opens a new way to the drive. Called again after each loss of the device.
pub type Connect = Box<dyn Fn() -> Result<Box<dyn Transport>, TransportError> + Send + Sync>;

/// A drive, known by its serial number.
pub struct DriveBay {
    /// The serial number: its identity.
    pub serial: DriveSerial,
    /// Its generation, where the model is known.
    pub generation: Option<LtoGeneration>,
    /// The vendor, as the drive says.
    pub vendor: String,
    /// The product, as the drive says.
    pub product: String,
    /// Its firmware.
    pub revision: String,
    /// False for a virtual drive without a time model: nothing moves in it, so it needs no minimum rate.
    pub has_motion: bool,
    connect: Connect,
    /// Whether it was said that the drive cannot be reserved.
    is_unreservable_told: AtomicBool,
}

impl DriveBay {
    /// Opens the drive once to learn who it is; another host may have reserved it.
    ///
    /// # Errors
    /// If it cannot be reached or is no tape drive.
    pub fn discover(connect: Connect, clock: &Arc<dyn Clock>) -> Result<Self, EquipmentError> {
        let DriveIdentity { vendor, product, revision, serial, generation } =
            Drive::identity_of(connect()?, Arc::clone(clock))?;
        Ok(Self {
            serial,
            generation,
            vendor,
            product,
            revision,
            has_motion: true,
            connect,
            is_unreservable_told: AtomicBool::new(false),
        })
    }

    /// The same drive, known to take what comes at any rate.
    #[must_use]
    pub fn without_motion(self) -> Self {
        Self { has_motion: false, ..self }
    }

    /// A new way to the drive.
    pub(super) fn way(&self) -> Result<Box<dyn Transport>, TransportError> {
        (self.connect)()
    }

    /// Opens the drive, which must still be the same one, and reserves it for us alone where it can be.
    ///
    /// # Errors
    /// If it cannot be reached, another host has reserved it, or another drive answers.
    pub(super) fn connect(
        &self,
        key: ReservationKey,
        clock: &Arc<dyn Clock>,
    ) -> Result<Drive, EquipmentError> {
        let (drive, claim) = Drive::open_claimed(self.way()?, Arc::clone(clock), key)?;
        let is_told = || self.is_unreservable_told.swap(true, Ordering::Relaxed);
        if claim == Claim::Unsupported && !is_told() {
            tracing::warn!(
                "drive {} cannot be reserved: see that no other host uses it",
                self.serial
            );
        }
        let found = &drive.identity().serial;
        if *found != self.serial {
            let (expected, found) = (self.serial.clone(), found.clone());
            return Err(EquipmentError::OtherDrive { expected, found });
        }
        Ok(drive)
    }
}

impl fmt::Debug for DriveBay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DriveBay({} {} {})", self.serial, self.vendor, self.product)
    }
}
