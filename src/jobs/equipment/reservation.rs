//! Whose a drive is: reserved by us while it is in use, and never taken from another host unasked.

use std::sync::Arc;

use super::{Equipment, EquipmentError};
use crate::domain::DriveSerial;
use crate::drive::{Drive, DriveError, ReservationKey};

/// Who has reserved a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// This appliance.
    Ours,
    /// Another host, with this key.
    Other(ReservationKey),
}

impl Equipment {
    /// Opens a drive and reserves it.
    pub(super) fn connect(&self, bay: usize) -> Result<Drive, EquipmentError> {
        self.bays()[bay].connect(self.key, &self.clock)
    }

    /// Unlocks and unloads a cartridge, and gives the reservation up. A job that died may have left
    /// all of it.
    pub(super) fn release(&self, drive: &mut Drive) -> Result<(), DriveError> {
        drive.unlock_medium()?;
        drive.unload()?;
        drive.end_claim(self.key)
    }

    /// Who has reserved a drive now. One that a job of ours works with is ours; nobody asks it meanwhile,
    /// because its device node is open.
    ///
    /// # Errors
    /// If there is no such drive, it does not answer, or it cannot be reserved.
    pub fn holder(self: &Arc<Self>, serial: &DriveSerial) -> Result<Holder, EquipmentError> {
        let bay = self.bay_of(serial)?;
        let Some(_guard) = self.try_take(bay, None) else { return Ok(Holder::Ours) };
        let holder = Drive::holder_of(self.bays()[bay].way()?, Arc::clone(&self.clock))?;
        Ok(match holder {
            None => Holder::Nobody,
            Some(key) if key == self.key => Holder::Ours,
            Some(key) => Holder::Other(key),
        })
    }

    /// Ends the reservation that another host has with the key `from`, to which a person has agreed.
    /// What that host is doing with the drive fails.
    ///
    /// # Errors
    /// If there is no such drive, a job of ours has it, or that host does not hold it (any more).
    pub fn free_from(
        self: &Arc<Self>,
        serial: &DriveSerial,
        from: ReservationKey,
    ) -> Result<(), EquipmentError> {
        let bay = self.bay_of(serial)?;
        let in_use = || EquipmentError::DriveInUse { serial: serial.clone() };
        let _guard = self.try_take(bay, None).ok_or_else(in_use)?;
        let way = self.bays()[bay].way()?;
        Ok(Drive::free_from(way, Arc::clone(&self.clock), self.key, from)?)
    }

    pub(super) fn bay_of(&self, serial: &DriveSerial) -> Result<usize, EquipmentError> {
        let found = self.bays().iter().position(|bay| bay.serial == *serial);
        found.ok_or_else(|| EquipmentError::UnknownDrive { serial: serial.clone() })
    }
}
