//! MOVE MEDIUM and EXCHANGE MEDIUM: cartridges go from one element to another, or nearly.

use parking_lot::Mutex;

use super::elements::{Element, Elements};
use super::{Card, ChangerUnit};
use crate::scsi::{Completion, Sense};
use crate::vtl::bytes::{be16, byte};
use crate::vtl::drive::{DriveUnit, Ejection};
use crate::vtl::faults::MoveEnd;
use crate::vtl::pages::element::ElementKind;
use crate::vtl::plan::{CartridgeKind, IncompatibleCartridgeMove, LoadedCartridgeMove};
use crate::vtl::senses;
use crate::vtl::unit::{Answer, Refusal, done};

impl ChangerUnit {
    /// MOVE MEDIUM.
    pub(super) fn move_medium(&mut self, cdb: &[u8]) -> Answer {
        const INVERT: u8 = 1;
        let (robot, from, to) = (be16(cdb, 2), be16(cdb, 4), be16(cdb, 6));
        if !self.is_robot(robot) {
            return Err(senses::invalid_element().into());
        }
        if byte(cdb, 10) & INVERT != 0 {
            return Err(senses::invalid_field().into());
        }
        self.ensure_movable(from, to, None)?;
        let (end, sense) = match self.planned_end.take() {
            None => (to, None),
            Some((MoveEnd::Destination, sense)) => (to, sense),
            Some((MoveEnd::Source, sense)) => (from, sense),
            Some((MoveEnd::Robot, sense)) => (Elements::robot_address(), sense),
            Some((MoveEnd::Element(address), sense)) => (self.free_or_robot(address), sense),
        };
        self.spend_move();
        if end != from {
            self.carry(from, end)?;
        }
        sense.map_or_else(done, |sense| Ok(Completion::check(sense, 0)))
    }

    /// EXCHANGE MEDIUM: what is at the first destination makes room and goes to the second.
    pub(super) fn exchange_medium(&mut self, cdb: &[u8]) -> Answer {
        let (robot, from) = (be16(cdb, 2), be16(cdb, 4));
        let (first, second) = (be16(cdb, 6), be16(cdb, 8));
        if !self.is_robot(robot) {
            return Err(senses::invalid_element().into());
        }
        let is_swap = second == from;
        self.ensure_movable(first, second, is_swap.then_some(second))?;
        self.ensure_movable(from, first, Some(first))?;
        self.spend_move();
        self.spend_move();
        if is_swap {
            // Both are out of their places for a moment: the robot of an exchange has two hands.
            let displaced = self.take(first)?;
            self.carry(from, first)?;
            self.put(second, displaced, first)?;
        } else {
            self.carry(first, second)?;
            self.carry(from, first)?;
        }
        done()
    }

    pub(super) fn is_robot(&self, address: u16) -> bool {
        // Address 0 is the default robot, as SMC says.
        address == 0 || address == Elements::robot_address()
    }

    /// The drive that an element is.
    pub(super) fn drive_at(&self, element: &Element) -> Option<&Mutex<DriveUnit>> {
        let is_drive = element.kind == ElementKind::Drive;
        self.drives.get(usize::from(element.number)).filter(|_| is_drive)
    }

    fn drive_of(&self, address: u16) -> Option<&Mutex<DriveUnit>> {
        self.elements.get(address).and_then(|element| self.drive_at(element))
    }

    fn free_or_robot(&self, address: u16) -> u16 {
        let is_free = self.elements.get(address).is_some_and(|element| element.card.is_none());
        if is_free { address } else { Elements::robot_address() }
    }

    /// Refuses a move before anything has moved. `vacated` counts as empty.
    fn ensure_movable(&self, from: u16, to: u16, vacated: Option<u16>) -> Result<(), Refusal> {
        let source = self.elements.get(from).ok_or_else(senses::invalid_element)?;
        let destination = self.elements.get(to).ok_or_else(senses::invalid_element)?;
        let card = source.card.as_ref().ok_or_else(senses::source_empty)?;
        if from != to && destination.card.is_some() && vacated != Some(to) {
            return Err(senses::destination_full().into());
        }
        let is_leaving = destination.kind == ElementKind::MailSlot;
        if is_leaving && from != to && self.state.is_removal_prevented() {
            return Err(senses::removal_prevented().into());
        }
        if let Some(drive) = self.drive_at(source) {
            let drive = drive.lock();
            let rule = self.environment.rules.loaded_cartridge;
            let is_refused = drive.is_loaded() && rule == LoadedCartridgeMove::Refused;
            if drive.state.is_removal_prevented() || is_refused {
                return Err(senses::removal_prevented().into());
            }
        }
        if let Some(drive) = self.drive_at(destination) {
            let rule = self.environment.rules.incompatible_cartridge;
            let fits = card.kind == CartridgeKind::Cleaning
                || drive.lock().generation.can_read(card.generation);
            if !fits && rule == IncompatibleCartridgeMove::Refused {
                return Err(senses::manual_intervention().into());
            }
        }
        Ok(())
    }

    /// Takes a cartridge from one element and puts it into another.
    fn carry(&mut self, from: u16, to: u16) -> Result<(), Refusal> {
        if from == to {
            return Ok(());
        }
        let card = self.take(from)?;
        self.put(to, card, from)
    }

    fn take(&mut self, from: u16) -> Result<Card, Refusal> {
        if let Some(drive) = self.drive_of(from) {
            let mut drive = drive.lock();
            let ejected = drive.eject(true);
            let cost = drive.motion_mut().take_owed();
            drop(drive);
            self.owed += cost;
            ejected.map_err(|why| match why {
                Ejection::Prevented | Ejection::Loaded => senses::removal_prevented(),
                Ejection::Failed => senses::internal_failure(),
            })?;
        }
        let element = self.elements.get_mut(from).ok_or_else(senses::invalid_element)?;
        element.was_imported = false;
        Ok(element.card.take().ok_or_else(senses::source_empty)?)
    }

    fn put(&mut self, to: u16, card: Card, from: u16) -> Result<(), Refusal> {
        let folder = self.folder_of(&card.serial);
        let came_from_storage =
            self.elements.get(from).is_some_and(|element| element.kind == ElementKind::Slot);
        let element = self.elements.get_mut(to).ok_or_else(senses::invalid_element)?;
        element.card = Some(card);
        element.source = came_from_storage.then_some(from);
        element.was_imported = false;
        self.save().map_err(|error| internal(&error))?;
        if let Some(drive) = self.drive_of(to) {
            drive.lock().insert(&folder, self.owed).map_err(|error| internal(&error))?;
        }
        Ok(())
    }
}

fn internal(error: &crate::vtl::VtlError) -> Sense {
    tracing::error!(%error, "virtual changer: the library's files cannot be used");
    senses::internal_failure()
}
