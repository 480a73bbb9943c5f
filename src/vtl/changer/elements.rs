//! The elements of a library and the cartridges in them.

use std::collections::BTreeMap;

use crate::domain::{Barcode, LtoGeneration};
use crate::vtl::pages::element::ElementKind;
use crate::vtl::pages::mode::ElementAddresses;
use crate::vtl::plan::{CartridgeKind, LibraryPlan};
use crate::vtl::store::Identity;

const ROBOT: u16 = 0x0001;
const FIRST_MAIL_SLOT: u16 = 0x0010;
const FIRST_DRIVE: u16 = 0x0100;
const FIRST_SLOT: u16 = 0x0400;

/// What a library knows of a cartridge without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::vtl) struct Card {
    pub(in crate::vtl) serial: String,
    pub(in crate::vtl) barcode: Barcode,
    pub(in crate::vtl) generation: LtoGeneration,
    pub(in crate::vtl) kind: CartridgeKind,
}

impl From<&Identity> for Card {
    fn from(identity: &Identity) -> Self {
        Self {
            serial: identity.serial.clone(),
            barcode: identity.barcode.clone(),
            generation: identity.generation,
            kind: identity.kind,
        }
    }
}

/// One element.
#[derive(Clone, Debug)]
pub(in crate::vtl) struct Element {
    pub(in crate::vtl) address: u16,
    pub(in crate::vtl) kind: ElementKind,
    /// Counted from 0 within its kind.
    pub(in crate::vtl) number: u16,
    pub(in crate::vtl) card: Option<Card>,
    /// Where its cartridge came from.
    pub(in crate::vtl) source: Option<u16>,
    /// A person put the cartridge in.
    pub(in crate::vtl) was_imported: bool,
}

/// All elements, by address.
#[derive(Debug)]
pub(in crate::vtl) struct Elements {
    all: Vec<Element>,
}

impl Elements {
    /// The elements of a plan, with the cartridges that `places` names where they are.
    pub(in crate::vtl) fn new(
        plan: &LibraryPlan,
        places: &BTreeMap<u16, String>,
        cards: &BTreeMap<String, Card>,
    ) -> Self {
        let drives = u16::try_from(plan.drives.len()).unwrap_or(u16::MAX);
        let ranges = [
            (ElementKind::Robot, ROBOT, 1),
            (ElementKind::MailSlot, FIRST_MAIL_SLOT, plan.mail_slots),
            (ElementKind::Drive, FIRST_DRIVE, drives),
            (ElementKind::Slot, FIRST_SLOT, plan.slots),
        ];
        let element = |kind, first: u16, number| {
            let address = first + number;
            let card = places.get(&address).and_then(|serial| cards.get(serial)).cloned();
            Element { address, kind, number, card, source: None, was_imported: false }
        };
        let all = ranges.into_iter().flat_map(|(kind, first, count)| {
            (0..count).map(move |number| element(kind, first, number))
        });
        Self { all: all.collect() }
    }

    /// Address of a drive.
    pub(in crate::vtl) fn drive_address(index: usize) -> u16 {
        FIRST_DRIVE.saturating_add(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// Address of a slot.
    pub(in crate::vtl) fn slot_address(number: u16) -> u16 {
        FIRST_SLOT.saturating_add(number)
    }

    /// Address of a mail slot.
    pub(in crate::vtl) fn mail_slot_address(number: u16) -> u16 {
        FIRST_MAIL_SLOT.saturating_add(number)
    }

    pub(in crate::vtl) fn robot_address() -> u16 {
        ROBOT
    }

    pub(in crate::vtl) fn iter(&self) -> impl Iterator<Item = &Element> {
        self.all.iter()
    }

    pub(in crate::vtl) fn get(&self, address: u16) -> Option<&Element> {
        let at = self.all.binary_search_by_key(&address, |element| element.address).ok()?;
        self.all.get(at)
    }

    pub(in crate::vtl) fn get_mut(&mut self, address: u16) -> Option<&mut Element> {
        let at = self.all.binary_search_by_key(&address, |element| element.address).ok()?;
        self.all.get_mut(at)
    }

    /// The first element of that kind without a cartridge.
    pub(in crate::vtl) fn first_free(&self, kind: ElementKind) -> Option<u16> {
        let is_free = |element: &&Element| element.kind == kind && element.card.is_none();
        self.iter().find(is_free).map(|element| element.address)
    }

    /// Which cartridge is where, as it is kept in the library's file.
    pub(in crate::vtl) fn places(&self) -> BTreeMap<u16, String> {
        let place =
            |element: &Element| Some((element.address, element.card.as_ref()?.serial.clone()));
        self.iter().filter_map(place).collect()
    }

    /// First address and number of each kind.
    pub(in crate::vtl) fn addresses(&self) -> ElementAddresses {
        let range = |kind| {
            let mut of_kind = self.iter().filter(|element| element.kind == kind);
            let first = of_kind.next().map_or(0, |element| element.address);
            let count = self.iter().filter(|element| element.kind == kind).count();
            (first, u16::try_from(count).unwrap_or(u16::MAX))
        };
        ElementAddresses {
            robots: range(ElementKind::Robot),
            slots: range(ElementKind::Slot),
            mail_slots: range(ElementKind::MailSlot),
            drives: range(ElementKind::Drive),
        }
    }
}
