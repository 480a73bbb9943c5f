//! The devices themselves: there from the start, or found later when somebody switches the library on.
//!
//! They arrive once. What is plugged in after that is found at the next start: a drive that vanishes
//! and comes back is the same bay, because a bay is opened anew each time.

use std::sync::{Arc, OnceLock};

use parking_lot::{Condvar, Mutex};

use super::lease::Leases;
use super::{DRIVE_WAIT, DriveBay, Equipment, EquipmentError};
use crate::changer::Changer;
use crate::domain::Clock;
use crate::drive::ReservationKey;

/// What a machine has.
#[derive(Debug)]
pub(super) struct Devices {
    changer: Option<Mutex<Changer>>,
    bays: Vec<DriveBay>,
}

impl Equipment {
    /// No devices yet; `key` is the same after every start.
    #[must_use]
    pub fn awaited(key: ReservationKey, clock: Arc<dyn Clock>) -> Arc<Self> {
        let (devices, leases) = (OnceLock::new(), Mutex::default());
        let (given_back, sight) = (Condvar::new(), Mutex::default());
        Arc::new(Self { devices, leases, given_back, sight, key, clock })
    }

    /// The same with devices at once.
    #[must_use]
    pub fn new(
        changer: Option<Changer>,
        bays: Vec<DriveBay>,
        key: ReservationKey,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let equipment = Self::awaited(key, clock);
        equipment.arrive(changer, bays);
        equipment
    }

    /// Takes the devices over and lets the jobs begin that wait for them. Without a changer, people load
    /// the drives by hand. What a crash left in the robot's hand is put into a slot first.
    pub fn arrive(&self, mut changer: Option<Changer>, bays: Vec<DriveBay>) {
        if let Some(Err(error)) = changer.as_mut().map(|changer| self.empty_robots(changer)) {
            // A library that does not answer must not keep the appliance from starting.
            tracing::error!(%error, "the library could not be looked at");
        }
        let mut leases = self.leases.lock();
        let count = bays.len();
        if self.devices.set(Devices { changer: changer.map(Mutex::new), bays }).is_ok() {
            *leases = Leases::of(count);
        }
        self.given_back.notify_all();
    }

    /// False as long as the engine looks for devices.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.devices.get().is_some()
    }

    /// Waits until there are devices.
    ///
    /// # Errors
    /// If the job is told to stop meanwhile.
    pub fn wait_until_there(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), EquipmentError> {
        let mut leases = self.leases.lock();
        while !self.is_there() {
            if is_stopped() {
                return Err(EquipmentError::Stopped);
            }
            self.given_back.wait_for(&mut leases, DRIVE_WAIT);
        }
        Ok(())
    }

    /// Says why there are no devices; nothing once there are.
    pub fn explain_absence(&self, why: String) {
        if !self.is_there() {
            self.sight.lock().error = Some(why);
        }
    }

    /// The drives, in the order in which they are numbered for people.
    #[must_use]
    pub fn bays(&self) -> &[DriveBay] {
        self.devices.get().map_or(&[], |devices| &devices.bays)
    }

    pub(super) fn changer(&self) -> Option<&Mutex<Changer>> {
        self.devices.get().and_then(|devices| devices.changer.as_ref())
    }

    pub(super) fn need_changer(&self) -> Result<&Mutex<Changer>, EquipmentError> {
        let devices = self.devices.get().ok_or(EquipmentError::NotThere)?;
        devices.changer.as_ref().ok_or(EquipmentError::NoChanger)
    }

    /// Finds cartridges that a crash left in the robot's hand and puts each into an empty slot.
    pub(super) fn empty_robots(&self, changer: &mut Changer) -> Result<(), EquipmentError> {
        loop {
            let inventory = self.look(changer)?;
            let Some(robot) = inventory.in_robots().next() else { return Ok(()) };
            let slot = inventory.empty_slot(robot.source).ok_or(EquipmentError::NoEmptySlot)?;
            let (target, number) = (slot.address, slot.number);
            let (barcode, from) = (robot.barcode.clone(), robot.address);
            self.carry(changer, from, target)?;
            let name = barcode.map_or_else(|| "a cartridge".to_owned(), |b| b.to_string());
            tracing::warn!("{name} was in the robot's hand: put into slot {number}");
        }
    }
}
