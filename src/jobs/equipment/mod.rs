//! The drives and the changer, each used by one job at a time.
//!
//! A job asks for a cartridge by its barcode and gets a [`Loaded`] cartridge: the drive is its own
//! until it is given back. While one is in use it is reserved with the appliance's key, so that no other
//! host moves the tape under it; what another host has reserved is left alone. Moves go through here and nowhere else, one at a time, each verified by a
//! fresh look. Locks: a bay is taken before the changer is, and the changer is never held while a drive
//! works. A job waits for its first drive only; further ones it takes if they are free.
//!
//! A machine may start before its library does: until [`arrive`](Equipment::arrive) there is nothing here,
//! and jobs [wait](Equipment::wait_until_there).

mod bay;
mod cleaning;
mod devices;
mod error;
mod lease;
mod loaded;
mod places;
mod report;
mod reservation;
mod sight;
mod timed;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::changer::{ChangerIdentity, ElementAddress, Inventory};
use crate::domain::{Clock, JobId, LtoGeneration};
use crate::drive::ReservationKey;

use devices::Devices;
use lease::Leases;

pub use bay::{Connect, DriveBay};
pub use cleaning::Cleaned;
pub use error::EquipmentError;
pub use lease::{Claimant, Lease, Turn};
pub use loaded::Loaded;
pub use places::{element_at, place_of};
pub use report::DriveReport;
pub use reservation::Holder;
pub use sight::Sight;
pub use timed::LoadTimes;

/// How often a job that waits for a drive, or for the devices, looks whether it has been told to stop.
const DRIVE_WAIT: Duration = Duration::from_millis(500);

/// All tape devices that this appliance uses.
#[derive(Debug)]
pub struct Equipment {
    devices: OnceLock<Devices>,
    leases: Mutex<Leases>,
    given_back: Condvar,
    sight: Mutex<Sight>,
    /// By which the drives know us.
    key: ReservationKey,
    clock: Arc<dyn Clock>,
}

impl Equipment {
    /// True if a job has that drive.
    #[must_use]
    pub fn is_taken(&self, bay: usize) -> bool {
        self.lease(bay).is_some()
    }

    /// Generations of the drives.
    #[must_use]
    pub fn generations(&self) -> Vec<LtoGeneration> {
        self.bays().iter().filter_map(|bay| bay.generation).collect()
    }

    /// Who the changer is; none where people load the drives by hand.
    #[must_use]
    pub fn changer_identity(&self) -> Option<ChangerIdentity> {
        self.changer().map(|changer| changer.lock().identity().clone())
    }

    /// A fresh look at every element.
    ///
    /// # Errors
    /// If there is no changer or it cannot tell.
    pub fn inventory(&self) -> Result<Inventory, EquipmentError> {
        let changer = self.need_changer()?;
        self.look(&mut changer.lock())
    }

    /// The same once nothing is in the robot's hand: what a failed move left there goes back to its slot, or
    /// into another one.
    ///
    /// # Errors
    /// If there is no changer, it cannot tell, or it does not put it down.
    pub(super) fn inventory_with_free_hands(&self) -> Result<Inventory, EquipmentError> {
        let changer = self.need_changer()?;
        let mut changer = changer.lock();
        let seen = self.look(&mut changer)?;
        if seen.in_robots().next().is_none() {
            return Ok(seen);
        }
        self.empty_robots(&mut changer)?;
        self.look(&mut changer)
    }

    /// Has the library look at every element itself, puts away what the robot still holds, then reports.
    ///
    /// # Errors
    /// If there is no changer or it fails.
    pub fn take_inventory(&self) -> Result<Inventory, EquipmentError> {
        let changer = self.need_changer()?;
        changer.lock().initialize_elements(None)?;
        self.empty_robots(&mut changer.lock())?;
        self.look(&mut changer.lock())
    }

    /// Moves a cartridge between two elements for a job. A drive involved must not be in use.
    ///
    /// # Errors
    /// If a drive is in use, or the move fails; the error says where the cartridge is.
    pub fn move_cartridge(
        self: &Arc<Self>,
        from: ElementAddress,
        to: ElementAddress,
        job: Option<JobId>,
    ) -> Result<(), EquipmentError> {
        let changer = self.need_changer()?;
        let inventory = self.look(&mut changer.lock())?;
        let bay_at = |address| {
            let serial =
                inventory.element(address).and_then(|element| element.drive_serial.clone());
            self.bays().iter().position(|bay| Some(&bay.serial) == serial.as_ref())
        };
        let mut held = Vec::new();
        for bay in [bay_at(from), bay_at(to)].into_iter().flatten() {
            held.push(
                self.try_take(bay, job).ok_or(EquipmentError::DriveInUse {
                    serial: self.bays()[bay].serial.clone(),
                })?,
            );
        }
        if let Some(bay) = bay_at(from) {
            self.release(&mut self.connect(bay)?)?;
        }
        Ok(self.carry(&mut changer.lock(), from, to)?)
    }
}

/// A drive taken out of circulation; dropping it gives the drive back.
#[derive(Debug)]
struct BayGuard {
    equipment: Arc<Equipment>,
    bay: usize,
}

impl Drop for BayGuard {
    fn drop(&mut self) {
        self.equipment.give_back(self.bay);
    }
}
