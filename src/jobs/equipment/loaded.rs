//! A cartridge in a drive that one job has to itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::lease::{Claimant, Patience};
use super::{BayGuard, DriveBay, Equipment, EquipmentError};
use crate::changer::{Element, ElementAddress, ElementKind, Inventory};
use crate::domain::{Barcode, DriveSerial, JobId};
use crate::drive::{Drive, DriveError, WaitState};
use crate::stream::MediumRates;

/// LTO-9 media are initialised at their first load for up to two hours; a margin on top.
const READY_LIMIT: Duration = Duration::from_secs(3 * 3600);
/// How often putting a cartridge away is tried. Chosen, no data yet.
const PUT_AWAY_TRIES_MAX: usize = 2;

/// A loaded cartridge. Dropped without [`put_away`](Self::put_away), the cartridge stays in the drive,
/// which is free for the next job, and locked and reserved against everybody else.
pub struct Loaded {
    drive: Option<Drive>,
    barcode: Barcode,
    home: Option<ElementAddress>,
    element: Option<ElementAddress>,
    /// It was in the drive before this job asked for it.
    was_loaded: bool,
    guard: BayGuard,
}

impl Equipment {
    /// Loads the cartridge with that barcode, moving it to a free drive if it is in none, and waits
    /// until the drive is ready.
    ///
    /// The label outside says what was loaded, not what is on the tape: who reads or writes it
    /// compares the volume first.
    ///
    /// # Errors
    /// If the cartridge is not there, no drive suits, or a device fails.
    pub fn load(
        self: &Arc<Self>,
        barcode: &Barcode,
        claimant: &dyn Claimant,
        on_wait: &mut dyn FnMut(&WaitState),
    ) -> Result<Loaded, EquipmentError> {
        let loaded = match self.changer() {
            Some(_) => self.load_by_robot(barcode, claimant, Patience::Waits)?,
            None => self.find_loaded_by_hand(barcode, claimant, Patience::Waits)?,
        };
        loaded.ok_or(EquipmentError::Stopped)?.made_ready(on_wait)
    }

    /// As [`load`](Self::load), but nothing if no drive for it is free now. Who has a drive already asks
    /// for another in this way only: two jobs that each waited for a second one would wait forever.
    ///
    /// # Errors
    /// As for `load`.
    pub fn load_if_free(
        self: &Arc<Self>,
        barcode: &Barcode,
        claimant: &dyn Claimant,
        on_wait: &mut dyn FnMut(&WaitState),
    ) -> Result<Option<Loaded>, EquipmentError> {
        let loaded = match self.changer() {
            Some(_) => self.load_by_robot(barcode, claimant, Patience::None),
            None => self.find_loaded_by_hand(barcode, claimant, Patience::None),
        };
        match loaded {
            // Another host has it.
            Err(EquipmentError::Drive(DriveError::Reserved { .. })) => Ok(None),
            loaded => loaded?.map(|loaded| loaded.made_ready(on_wait)).transpose(),
        }
    }

    fn load_by_robot(
        self: &Arc<Self>,
        barcode: &Barcode,
        claimant: &dyn Claimant,
        patience: Patience,
    ) -> Result<Option<Loaded>, EquipmentError> {
        let medium = barcode.generation();
        let suits = |bay: &DriveBay| match (bay.generation, medium) {
            (Some(drive), Some(medium)) => drive.can_read(medium),
            _ => true,
        };
        // Drives that another host has reserved: there may be one that is free.
        let mut reserved: Vec<DriveSerial> = Vec::new();
        let mut refusal = None;
        // Between a look and the drive being free another job may have moved the cartridge.
        loop {
            let Some(serial) = self.find(barcode)?.drive_serial else {
                let suits = |bay: &DriveBay| suits(bay) && !reserved.contains(&bay.serial);
                let guard = match self.take(&suits, claimant, patience) {
                    Err(EquipmentError::NoSuitableDrive) if refusal.is_some() => {
                        return Err(refusal.unwrap_or(EquipmentError::NoSuitableDrive));
                    }
                    other => other?,
                };
                let Some(guard) = guard else { return Ok(None) };
                let serial = self.bays()[guard.bay].serial.clone();
                match self.bring(guard, barcode) {
                    Ok(Some(loaded)) => return Ok(Some(loaded)),
                    Ok(None) => {}
                    Err(error @ EquipmentError::Drive(DriveError::Reserved { .. })) => {
                        reserved.push(serial);
                        refusal = Some(error);
                    }
                    Err(error) => return Err(error),
                }
                continue;
            };
            let has_it = |bay: &DriveBay| bay.serial == serial;
            let Some(guard) = self.take(&has_it, claimant, patience)? else { return Ok(None) };
            let now = self.find(barcode)?;
            if now.drive_serial == Some(serial) {
                let mut loaded = self.loaded(guard, barcode, now.source, Some(now.address))?;
                loaded.was_loaded = true;
                return Ok(Some(loaded));
            }
        }
    }

    /// Has the robot bring the cartridge to a drive; nothing if another drive has it by now: that one
    /// may be at work.
    pub(super) fn bring(
        &self,
        guard: BayGuard,
        barcode: &Barcode,
    ) -> Result<Option<Loaded>, EquipmentError> {
        // Before anything moves: no cartridge is put into the drive of another host.
        let mut drive = self.connect(guard.bay)?;
        match self.bring_to(&mut drive, &self.bays()[guard.bay].serial, barcode) {
            Ok(Some((from, to))) => {
                // A device node is opened by one at a time; the reservation stays.
                drop(drive);
                let (home, element, was_loaded) = (Some(from), Some(to), false);
                let barcode = barcode.clone();
                let mut loaded = Loaded { drive: None, barcode, home, element, was_loaded, guard };
                match self.connect(loaded.guard.bay) {
                    Ok(drive) => {
                        loaded.drive = Some(drive);
                        Ok(Some(loaded))
                    }
                    Err(error) => {
                        loaded.give_back();
                        Err(error)
                    }
                }
            }
            other => {
                // What went wrong before says more than a drive that does not let itself be released.
                let _ = drive.end_claim(self.key);
                other.map(|_| None)
            }
        }
    }

    /// Empties a drive if need be and has the robot put the cartridge into it; from where to where.
    fn bring_to(
        &self,
        drive: &mut Drive,
        serial: &DriveSerial,
        barcode: &Barcode,
    ) -> Result<Option<(ElementAddress, ElementAddress)>, EquipmentError> {
        let Some(changer) = self.changer() else { return Err(EquipmentError::NoChanger) };
        let inventory = self.inventory()?;
        let target = inventory.drive_by_serial(serial).ok_or(EquipmentError::NoSuitableDrive)?;
        if target.is_full {
            // A drive takes its time to unload: the robot is free for others meanwhile.
            drive.unlock_medium()?;
            drive.unload()?;
            let mut changer = changer.lock();
            let now = self.look(&mut changer)?;
            let slot = now.empty_slot(target.source).ok_or(EquipmentError::NoEmptySlot)?;
            self.carry(&mut changer, target.address, slot.address)?;
        }
        let mut changer = changer.lock();
        let from = self.find_in(&self.look(&mut changer)?, barcode)?;
        if from.drive_serial.is_some() {
            return Ok(None);
        }
        self.carry(&mut changer, from.address, target.address)?;
        Ok(Some((from.address, target.address)))
    }

    fn find_loaded_by_hand(
        self: &Arc<Self>,
        barcode: &Barcode,
        claimant: &dyn Claimant,
        patience: Patience,
    ) -> Result<Option<Loaded>, EquipmentError> {
        if self.take(&|_| true, claimant, patience)?.is_none() {
            return Ok(None);
        }
        let mut refusal = None;
        for bay in 0..self.bays().len() {
            let Some(guard) = self.try_take(bay, claimant.job()) else { continue };
            let mut drive = match self.connect(bay) {
                Err(error @ EquipmentError::Drive(DriveError::Reserved { .. })) => {
                    refusal = Some(error);
                    continue;
                }
                other => other?,
            };
            let is_it = drive.medium()?.is_some_and(|medium| {
                medium.barcode.as_ref().is_none_or(|found| found.is_same_label(barcode))
            });
            if !is_it {
                drive.end_claim(self.key)?;
                continue;
            }
            return Ok(Some(Loaded {
                drive: Some(drive),
                barcode: barcode.clone(),
                home: None,
                element: None,
                was_loaded: true,
                guard,
            }));
        }
        let nowhere = || EquipmentError::NotInLibrary { barcode: barcode.clone() };
        Err(refusal.unwrap_or_else(nowhere))
    }

    fn loaded(
        &self,
        guard: BayGuard,
        barcode: &Barcode,
        home: Option<ElementAddress>,
        element: Option<ElementAddress>,
    ) -> Result<Loaded, EquipmentError> {
        let drive = self.connect(guard.bay)?;
        let (barcode, was_loaded) = (barcode.clone(), false);
        Ok(Loaded { drive: Some(drive), barcode, home, element, was_loaded, guard })
    }

    /// Puts a cartridge away that a job of the last process left in a drive, if it is still there and no
    /// job has the drive.
    ///
    /// # Errors
    /// As [`Loaded::put_away`].
    pub fn put_away_left(
        self: &Arc<Self>,
        barcode: &Barcode,
        job: JobId,
    ) -> Result<(), EquipmentError> {
        if self.changer().is_none() {
            return Ok(());
        }
        let element = self.find(barcode)?;
        let bay =
            self.bays().iter().position(|bay| Some(&bay.serial) == element.drive_serial.as_ref());
        match bay.and_then(|bay| self.try_take(bay, Some(job))) {
            Some(guard) => {
                self.loaded(guard, barcode, element.source, Some(element.address))?.put_away()
            }
            None => Ok(()),
        }
    }

    fn find(&self, barcode: &Barcode) -> Result<Element, EquipmentError> {
        self.find_in(&self.inventory()?, barcode)
    }

    fn find_in(&self, inventory: &Inventory, barcode: &Barcode) -> Result<Element, EquipmentError> {
        let found: Vec<_> = inventory.find_barcode(barcode).collect();
        match found.as_slice() {
            [] => Err(EquipmentError::NotInLibrary { barcode: barcode.clone() }),
            [one] => Ok((*one).clone()),
            many => {
                Err(EquipmentError::BarcodeTwice { barcode: barcode.clone(), count: many.len() })
            }
        }
    }
}

impl Loaded {
    pub(super) fn made_ready(
        mut self,
        on_wait: &mut dyn FnMut(&WaitState),
    ) -> Result<Self, EquipmentError> {
        match self.get_ready(on_wait) {
            Ok(()) => Ok(self),
            Err(error) => {
                if !self.was_loaded {
                    self.give_back();
                }
                Err(error.into())
            }
        }
    }

    fn get_ready(&mut self, on_wait: &mut dyn FnMut(&WaitState)) -> Result<(), DriveError> {
        self.drive().load()?;
        self.drive().wait_ready(READY_LIMIT, on_wait)?;
        // Nobody takes it out while a job has it: not the button, not another program.
        self.drive().lock_medium()?;
        if self.drive().ensure_plain()? {
            let (drive, barcode) = (self.drive_serial(), &self.barcode);
            tracing::warn!(
                "the library encrypts what drive {drive} writes to {barcode}: reading it needs the library's key"
            );
        }
        Ok(())
    }

    /// A cartridge that was brought and cannot be used does not stay in the way of others. What went wrong
    /// before says more than a drive that does not give it back.
    fn give_back(self) {
        let barcode = self.barcode.clone();
        if let Err(error) = self.put_away() {
            tracing::warn!(%error, "{barcode} stays in the drive that it cannot be used in");
        }
    }

    /// The barcode by which the cartridge was asked for.
    #[must_use]
    pub fn barcode(&self) -> &Barcode {
        &self.barcode
    }

    /// Who the drive is.
    #[must_use]
    pub fn drive_serial(&self) -> &DriveSerial {
        &self.guard.equipment.bays()[self.guard.bay].serial
    }

    /// The rates at which the drive streams the cartridge; nothing if it takes what comes.
    #[must_use]
    pub fn rates(&self) -> Option<MediumRates> {
        let has_motion = self.guard.equipment.bays()[self.guard.bay].has_motion;
        self.barcode.generation().filter(|_| has_motion).map(MediumRates::of)
    }

    /// True if it was in the drive already when this job asked for it: what is read may come from the
    /// drive's buffer and not from the tape, until it has been [cycled](Self::cycle).
    #[must_use]
    pub fn was_loaded(&self) -> bool {
        self.was_loaded
    }

    /// The drive.
    ///
    /// # Panics
    /// If it was lent out by [`lend`](Self::lend) and not returned: a bug of the job.
    #[expect(clippy::expect_used, reason = "lending and returning stand in one function each")]
    pub fn drive(&mut self) -> &mut Drive {
        self.drive.as_mut().expect("the drive is here unless it is lent")
    }

    /// Hands the drive to something that owns it for a while; [`take_back`](Self::take_back) ends it.
    ///
    /// # Panics
    /// If it is lent already: a bug of the job.
    #[expect(clippy::expect_used, reason = "lending and returning stand in one function each")]
    pub fn lend(&mut self) -> Drive {
        self.drive.take().expect("the drive is here unless it is lent")
    }

    /// Takes a lent drive back.
    pub fn take_back(&mut self, drive: Drive) {
        self.drive = Some(drive);
    }

    /// Unloads the cartridge and loads it again, through its slot where there is a robot: what is
    /// read after that comes from the tape and from no buffer.
    ///
    /// # Errors
    /// If a device fails.
    pub fn cycle(
        self,
        claimant: &dyn Claimant,
        on_wait: &mut dyn FnMut(&WaitState),
    ) -> Result<Self, EquipmentError> {
        let (equipment, barcode) = (Arc::clone(&self.guard.equipment), self.barcode.clone());
        if equipment.changer().is_some() {
            self.put_away()?;
            return equipment.load(&barcode, claimant, on_wait);
        }
        let mut again = self;
        equipment.release(again.drive())?;
        let drive = equipment.connect(again.guard.bay)?;
        again.take_back(drive);
        again.get_ready(on_wait)?;
        Ok(again)
    }

    /// Unloads the cartridge and puts it back where it came from, or into an empty slot. Failing once,
    /// it is tried again over a new way to the drive: a cartridge that stays in its drive keeps the next
    /// job from it.
    ///
    /// # Errors
    /// If the drive or the changer fails; the error says where the cartridge is.
    pub fn put_away(mut self) -> Result<(), EquipmentError> {
        for _ in 1..PUT_AWAY_TRIES_MAX {
            match self.try_put_away() {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "putting {} away is tried once more", self.barcode);
                    self.drive = None;
                }
            }
        }
        self.try_put_away()
    }

    fn try_put_away(&mut self) -> Result<(), EquipmentError> {
        let equipment = Arc::clone(&self.guard.equipment);
        let mut drive = match self.drive.take() {
            Some(drive) => drive,
            // It may have unloaded already: nobody waits for it to get ready.
            None => equipment.connect(self.guard.bay)?,
        };
        equipment.release(&mut drive)?;
        self.drive = Some(drive);
        let Some(changer) = equipment.changer() else { return Ok(()) };
        let Some(element) = self.element else { return Ok(()) };
        let mut changer = changer.lock();
        let inventory = equipment.look(&mut changer)?;
        let from = match inventory.find_barcode(&self.barcode).next() {
            Some(found) if found.kind == ElementKind::Slot => return Ok(()),
            Some(found) if found.kind == ElementKind::Robot => found.address,
            _ => element,
        };
        let slot = inventory.empty_slot(self.home).ok_or(EquipmentError::NoEmptySlot)?.address;
        Ok(equipment.carry(&mut changer, from, slot)?)
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loaded({} in {})", self.barcode, self.drive_serial())
    }
}
