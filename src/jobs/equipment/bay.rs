//! One drive as the equipment knows it: who it is and how to reach it.

use std::fmt;
use std::sync::Arc;

use super::error::EquipmentError;
use crate::domain::{Clock, DriveSerial, LtoGeneration};
use crate::drive::{Drive, Transport, TransportError};

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
}

impl DriveBay {
    /// Opens the drive once to learn who it is.
    ///
    /// # Errors
    /// If it cannot be reached or is no tape drive.
    pub fn discover(connect: Connect, clock: &Arc<dyn Clock>) -> Result<Self, EquipmentError> {
        let drive = Drive::open(connect()?, Arc::clone(clock))?;
        let identity = drive.identity();
        Ok(Self {
            serial: identity.serial.clone(),
            generation: identity.generation,
            vendor: identity.vendor.clone(),
            product: identity.product.clone(),
            revision: identity.revision.clone(),
            has_motion: true,
            connect,
        })
    }

    /// The same drive, known to take what comes at any rate.
    #[must_use]
    pub fn without_motion(self) -> Self {
        Self { has_motion: false, ..self }
    }

    /// Opens the drive, which must still be the same one.
    ///
    /// # Errors
    /// If it cannot be reached or another drive answers.
    pub(super) fn connect(&self, clock: &Arc<dyn Clock>) -> Result<Drive, EquipmentError> {
        let drive = Drive::open((self.connect)()?, Arc::clone(clock))?;
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
