//! What a person does by hand: puts cartridges in and takes them out, makes new ones, flips their
//! switches, sticks labels on them.
//!
//! A cartridge is named by its barcode, or by its medium serial number where two carry the same
//! barcode. It is in an element of the library, or outside, on the shelf.

use std::path::PathBuf;

use super::changer::{Card, Elements};
use super::library::{VirtualLibrary, read_cards};
use super::pages::element::ElementKind;
use super::plan::{CartridgeKind, CartridgePlan};
use super::store::{Cartridge, Identity};
use super::{VtlError, changer::ChangerUnit};
use crate::domain::{Barcode, ByteCount, LtoGeneration};

/// A cartridge, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeSummary {
    /// Its label.
    pub barcode: Barcode,
    /// Its medium serial number.
    pub serial: String,
    /// Its generation.
    pub generation: LtoGeneration,
    /// What it is for.
    pub kind: CartridgeKind,
    /// Capacity of all partitions together.
    pub capacity: ByteCount,
    /// Whether its switch is on.
    pub write_protected: bool,
    /// Where it is.
    pub place: Place,
}

/// Where a cartridge is. Numbers count from 0 within their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a drive.
    Drive(u16),
    /// In a slot.
    Slot(u16),
    /// In a mail slot.
    MailSlot(u16),
    /// In the robot's hand.
    Robot,
    /// Outside the library.
    Shelf,
}

impl std::fmt::Display for Place {
    /// People count from 1, drives excepted: those are called as in messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Drive(number) => write!(f, "drive {number}"),
            Self::Slot(number) => write!(f, "slot {}", number + 1),
            Self::MailSlot(number) => write!(f, "mail slot {}", number + 1),
            Self::Robot => f.write_str("robot"),
            Self::Shelf => f.write_str("outside"),
        }
    }
}

/// Where a person puts a cartridge in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// Through the first free mail slot; the changer says so by a unit attention.
    MailSlot,
    /// Through the door, into the first free slot.
    Slot,
}

impl VirtualLibrary {
    /// Every cartridge, also those outside; by place, then by serial number.
    ///
    /// # Errors
    /// [`VtlError::Damaged`], or what the file system says.
    pub fn cartridges(&self) -> Result<Vec<CartridgeSummary>, VtlError> {
        let changer = self.inner.changer.lock();
        let mut all: Vec<CartridgeSummary> = read_cards(&self.cartridges_folder())?
            .into_values()
            .map(|card| {
                let identity = Identity::read(&changer.folder_of(&card.serial))?;
                Ok(CartridgeSummary {
                    barcode: identity.barcode,
                    generation: identity.generation,
                    kind: identity.kind,
                    capacity: identity.capacity,
                    write_protected: identity.write_protected,
                    place: place_of(&changer, &card.serial),
                    serial: card.serial,
                })
            })
            .collect::<Result<_, VtlError>>()?;
        all.sort_by(|a, b| (a.place, &a.serial).cmp(&(b.place, &b.serial)));
        Ok(all)
    }

    /// Makes a blank cartridge and leaves it outside. Its serial number is the answer.
    ///
    /// # Errors
    /// [`VtlError::Plan`], or what the file system says.
    pub fn add_cartridge(&self, plan: &CartridgePlan) -> Result<String, VtlError> {
        plan.ensure_sensible()?;
        let mut changer = self.inner.changer.lock();
        let serial = changer.record.take_cartridge_serial();
        changer.save()?;
        Cartridge::create(&self.cartridges_folder(), &serial, plan)?;
        Ok(serial)
    }

    /// Puts a cartridge from outside into the library.
    ///
    /// # Errors
    /// [`VtlError::NoSuchCartridge`], [`VtlError::AmbiguousBarcode`], [`VtlError::NoRoom`].
    pub fn insert(&self, name: &str, entrance: Entrance) -> Result<Place, VtlError> {
        let mut changer = self.inner.changer.lock();
        let card =
            self.find(&changer, name, "outside the library", |place| place == Place::Shelf)?;
        let kind = match entrance {
            Entrance::MailSlot => ElementKind::MailSlot,
            Entrance::Slot => ElementKind::Slot,
        };
        let address = changer.elements.first_free(kind).ok_or_else(|| {
            let what = if entrance == Entrance::Slot { "slot" } else { "mail slot" };
            VtlError::NoRoom(format!("no free {what} for cartridge {}", card.barcode))
        })?;
        let serial = card.serial.clone();
        if let Some(element) = changer.elements.get_mut(address) {
            element.card = Some(card);
            element.source = None;
            element.was_imported = true;
        }
        changer.save()?;
        changer.tell_of_access(entrance == Entrance::MailSlot);
        Ok(place_of(&changer, &serial))
    }

    /// Takes a cartridge out of the library, whichever slot it is in.
    ///
    /// # Errors
    /// [`VtlError::NoSuchCartridge`], [`VtlError::AmbiguousBarcode`], [`VtlError::InDrive`].
    pub fn eject(&self, name: &str) -> Result<(), VtlError> {
        let mut changer = self.inner.changer.lock();
        let card = self.find(&changer, name, "in the library", |place| place != Place::Shelf)?;
        let place = place_of(&changer, &card.serial);
        if matches!(place, Place::Drive(_)) {
            return Err(VtlError::InDrive(card.barcode.to_string()));
        }
        let holder = changer.elements.places().into_iter().find(|(_, held)| *held == card.serial);
        if let Some(element) = holder.and_then(|(address, _)| changer.elements.get_mut(address)) {
            element.card = None;
        }
        changer.save()?;
        changer.tell_of_access(matches!(place, Place::MailSlot(_)));
        Ok(())
    }

    /// Flips the write protection switch of a cartridge that is in no drive.
    ///
    /// # Errors
    /// [`VtlError::InDrive`], [`VtlError::NoSuchCartridge`], [`VtlError::AmbiguousBarcode`].
    pub fn set_write_protected(&self, name: &str, is_on: bool) -> Result<(), VtlError> {
        self.change_identity(name, |identity| identity.write_protected = is_on)
    }

    /// Sticks another label on a cartridge that is outside.
    ///
    /// # Errors
    /// [`VtlError::NoSuchCartridge`], [`VtlError::AmbiguousBarcode`].
    pub fn relabel(&self, name: &str, barcode: &Barcode) -> Result<(), VtlError> {
        let changer = self.inner.changer.lock();
        let card =
            self.find(&changer, name, "outside the library", |place| place == Place::Shelf)?;
        let folder = changer.folder_of(&card.serial);
        Identity { barcode: barcode.clone(), ..Identity::read(&folder)? }.write(&folder)
    }

    /// Makes the label of a cartridge readable or unreadable to the scanner.
    ///
    /// # Errors
    /// [`VtlError::NoSuchCartridge`], [`VtlError::AmbiguousBarcode`].
    pub fn set_label_readable(&self, name: &str, is_readable: bool) -> Result<(), VtlError> {
        let mut changer = self.inner.changer.lock();
        let card = self.find(&changer, name, "anywhere", |_| true)?;
        if is_readable {
            changer.record.unreadable_labels.remove(&card.serial);
        } else {
            changer.record.unreadable_labels.insert(card.serial);
        }
        changer.save()
    }

    /// Has an LTO-9 cartridge that is in no drive be initialised again at its next load.
    ///
    /// # Errors
    /// [`VtlError::InDrive`], [`VtlError::NoSuchCartridge`], [`VtlError::AmbiguousBarcode`].
    pub fn set_initialized(&self, name: &str, is_initialized: bool) -> Result<(), VtlError> {
        self.change_identity(name, |identity| identity.is_initialized = is_initialized)
    }

    fn change_identity(
        &self,
        name: &str,
        change: impl FnOnce(&mut Identity),
    ) -> Result<(), VtlError> {
        let changer = self.inner.changer.lock();
        let card = self.find(&changer, name, "anywhere", |_| true)?;
        if matches!(place_of(&changer, &card.serial), Place::Drive(_)) {
            return Err(VtlError::InDrive(card.barcode.to_string()));
        }
        let folder = changer.folder_of(&card.serial);
        let mut identity = Identity::read(&folder)?;
        change(&mut identity);
        identity.write(&folder)
    }

    pub(super) fn cartridges_folder(&self) -> PathBuf {
        self.inner.folder.join("cartridges")
    }

    /// The one cartridge of that name in a place that is wanted.
    pub(super) fn find(
        &self,
        changer: &ChangerUnit,
        name: &str,
        place: &'static str,
        is_wanted: impl Fn(Place) -> bool,
    ) -> Result<Card, VtlError> {
        let cards = read_cards(&self.cartridges_folder())?;
        let mut named: Vec<Card> = match cards.get(name) {
            Some(card) => vec![card.clone()],
            None => cards.into_values().filter(|c| c.barcode.as_str() == name).collect(),
        };
        named.retain(|card| is_wanted(place_of(changer, &card.serial)));
        match named.len() {
            0 => Err(VtlError::NoSuchCartridge { name: name.to_owned(), place }),
            1 => Ok(named.remove(0)),
            _ => Err(VtlError::AmbiguousBarcode {
                barcode: named[0].barcode.clone(),
                serials: named.into_iter().map(|card| card.serial).collect(),
            }),
        }
    }
}

pub(super) fn place_of(changer: &ChangerUnit, serial: &str) -> Place {
    let holds = |e: &&super::changer::Element| e.card.as_ref().is_some_and(|c| c.serial == serial);
    match changer.elements.iter().find(holds) {
        None => Place::Shelf,
        Some(element) => match element.kind {
            ElementKind::Robot => Place::Robot,
            ElementKind::Slot => Place::Slot(element.number),
            ElementKind::MailSlot => Place::MailSlot(element.number),
            ElementKind::Drive => Place::Drive(element.number),
        },
    }
}

/// Addresses of the elements, for those who send literal command blocks.
pub mod address {
    /// The robot.
    #[must_use]
    pub fn robot() -> u16 {
        super::Elements::robot_address()
    }

    /// A drive, counted from 0.
    #[must_use]
    pub fn drive(index: usize) -> u16 {
        super::Elements::drive_address(index)
    }

    /// A slot, counted from 0.
    #[must_use]
    pub fn slot(number: u16) -> u16 {
        super::Elements::slot_address(number)
    }

    /// A mail slot, counted from 0.
    #[must_use]
    pub fn mail_slot(number: u16) -> u16 {
        super::Elements::mail_slot_address(number)
    }
}
