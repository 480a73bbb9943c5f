//! The inventory of a library: pure, from what the changer reported to what people look for.
//!
//! Nothing here is remembered between two looks: an inventory is what the changer said at one moment.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::{Barcode, DriveSerial};
use crate::scsi::cdb::changer::ElementType;
use crate::scsi::element::ElementStatus;

/// The address of an element, as the changer numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElementAddress(pub u16);

impl fmt::Display for ElementAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ElementKind {
    /// Moves cartridges.
    Robot,
    /// Keeps a cartridge.
    Slot,
    /// Where a person puts one in or takes one out.
    MailSlot,
    /// Reads and writes one.
    Drive,
}

/// What is wrong with an element: additional sense code and qualifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementException {
    /// ADDITIONAL SENSE CODE.
    pub code: u8,
    /// ADDITIONAL SENSE CODE QUALIFIER.
    pub qualifier: u8,
}

impl fmt::Display for ElementException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}/{:02X}", self.code, self.qualifier)
    }
}

/// One element and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Its address.
    pub address: ElementAddress,
    /// What it is.
    pub kind: ElementKind,
    /// Its number among its kind, from 0 in the order of addresses. What people call it, minus one.
    pub number: u16,
    /// It holds a cartridge.
    pub is_full: bool,
    /// The cartridge's barcode, if it has one that can be read.
    pub barcode: Option<Barcode>,
    /// Where the cartridge came from, if the changer knows.
    pub source: Option<ElementAddress>,
    /// The robot can reach it.
    pub is_accessible: bool,
    /// What is wrong with it.
    pub exception: Option<ElementException>,
    /// The drive there, if this is one and the changer says which.
    pub drive_serial: Option<DriveSerial>,
}

/// Everything in a library at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// All elements, ordered by kind and address.
    pub elements: Vec<Element>,
}

impl Inventory {
    /// From the element status that a changer reported, in any order.
    #[must_use]
    pub fn from_status(status: &[ElementStatus]) -> Self {
        let mut elements: Vec<Element> = status.iter().map(element).collect();
        elements.sort_by_key(|element| (element.kind, element.address));
        elements.dedup_by_key(|element| element.address);
        let mut before = None;
        for element in &mut elements {
            let number = match before {
                Some((kind, number)) if kind == element.kind => number + 1,
                _ => 0,
            };
            element.number = number;
            before = Some((element.kind, number));
        }
        Self { elements }
    }

    fn of_kind(&self, kind: ElementKind) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(move |element| element.kind == kind)
    }

    /// The slots.
    pub fn slots(&self) -> impl Iterator<Item = &Element> {
        self.of_kind(ElementKind::Slot)
    }

    /// The mail slots.
    pub fn mail_slots(&self) -> impl Iterator<Item = &Element> {
        self.of_kind(ElementKind::MailSlot)
    }

    /// The drives.
    pub fn drives(&self) -> impl Iterator<Item = &Element> {
        self.of_kind(ElementKind::Drive)
    }

    /// The robots.
    pub fn robots(&self) -> impl Iterator<Item = &Element> {
        self.of_kind(ElementKind::Robot)
    }

    /// The element of an address.
    #[must_use]
    pub fn element(&self, address: ElementAddress) -> Option<&Element> {
        self.elements.iter().find(|element| element.address == address)
    }

    /// Every element that holds a cartridge with that label. More than one is two cartridges with one
    /// barcode: nothing may be done to either before a person has looked.
    pub fn find_barcode<'a>(&'a self, barcode: &'a Barcode) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| {
            element.barcode.as_ref().is_some_and(|found| found.is_same_label(barcode))
        })
    }

    /// The element of a drive.
    #[must_use]
    pub fn drive_by_serial(&self, serial: &DriveSerial) -> Option<&Element> {
        self.drives().find(|element| {
            element.drive_serial.as_ref().is_some_and(|found| is_same_serial(found, serial))
        })
    }

    /// A slot that is free and can be reached: the one `preferred`, else the first.
    #[must_use]
    pub fn empty_slot(&self, preferred: Option<ElementAddress>) -> Option<&Element> {
        let is_free = |element: &&Element| {
            !element.is_full && element.is_accessible && element.exception.is_none()
        };
        let wanted = self.slots().filter(is_free).find(|slot| Some(slot.address) == preferred);
        wanted.or_else(|| self.slots().find(is_free))
    }

    /// Cartridges that a robot holds: moves that were cut off.
    pub fn in_robots(&self) -> impl Iterator<Item = &Element> {
        self.robots().filter(|robot| robot.is_full)
    }
}

/// Some changers pad a drive's serial number with zeros in front where the drive does not.
fn is_same_serial(a: &DriveSerial, b: &DriveSerial) -> bool {
    a.0.trim_start_matches('0') == b.0.trim_start_matches('0')
}

fn element(status: &ElementStatus) -> Element {
    let barcode = |tag: &String| tag.parse::<Barcode>().ok();
    let serial = status.designator.as_ref().and_then(|designator| designator.serial());
    Element {
        address: ElementAddress(status.address),
        kind: match status.kind {
            ElementType::Transport => ElementKind::Robot,
            ElementType::Storage => ElementKind::Slot,
            ElementType::ImportExport => ElementKind::MailSlot,
            ElementType::DataTransfer => ElementKind::Drive,
        },
        number: 0,
        is_full: status.is_full,
        // An empty element may keep the tag of what was in it.
        barcode: if status.is_full {
            barcode(&status.volume_tag).or_else(|| barcode(&status.alternate_volume_tag))
        } else {
            None
        },
        source: status.source.filter(|_| status.is_full).map(ElementAddress),
        is_accessible: status.is_accessible,
        exception: status.exception.map(|(code, qualifier)| ElementException { code, qualifier }),
        drive_serial: serial.map(DriveSerial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::inquiry::{Association, Designator, Identifier};

    fn status(kind: ElementType, address: u16, tag: &str) -> ElementStatus {
        ElementStatus {
            address,
            kind,
            is_full: !tag.is_empty(),
            is_by_operator: false,
            is_accessible: true,
            exception: None,
            source: None,
            volume_tag: tag.to_owned(),
            alternate_volume_tag: String::new(),
            designator: None,
        }
    }

    fn library() -> Inventory {
        let mut drive = status(ElementType::DataTransfer, 257, "FSP002L9");
        drive.source = Some(1002);
        drive.designator = Some(Designator {
            association: Association::LogicalUnit,
            identifier: Identifier::T10Vendor("IBM     ULTRIUM-HH9     001097012345".to_owned()),
        });
        let mut empty = status(ElementType::Storage, 1002, "");
        empty.volume_tag = "FSP002L9".to_owned();
        let mut broken = status(ElementType::Storage, 1003, "");
        broken.exception = Some((0x83, 0x00));
        Inventory::from_status(&[
            drive,
            broken,
            empty,
            status(ElementType::Storage, 1001, "FSP001L9"),
            status(ElementType::Storage, 1004, ""),
            status(ElementType::Transport, 1, ""),
            status(ElementType::ImportExport, 101, ""),
        ])
    }

    #[test]
    fn elements_are_numbered_by_kind_in_the_order_of_addresses() {
        let library = library();
        let slots: Vec<_> = library.slots().map(|s| (s.address.0, s.number)).collect();
        assert_eq!(slots, [(1001, 0), (1002, 1), (1003, 2), (1004, 3)]);
        assert_eq!(library.robots().count(), 1);
        assert_eq!(library.mail_slots().count(), 1);
        assert_eq!(library.drives().next().unwrap().source, Some(ElementAddress(1002)));
    }

    #[test]
    fn a_tag_of_an_empty_element_is_no_cartridge() {
        let library = library();
        let barcode = "FSP002".parse().unwrap();
        let found: Vec<_> = library.find_barcode(&barcode).map(|e| e.address.0).collect();
        assert_eq!(found, [257]);
    }

    #[test]
    fn drives_are_found_by_serial_with_and_without_leading_zeros() {
        let library = library();
        for serial in ["1097012345", "001097012345"] {
            let found = library.drive_by_serial(&DriveSerial(serial.to_owned())).unwrap();
            assert_eq!(found.address.0, 257);
        }
        assert!(library.drive_by_serial(&DriveSerial("1097012346".to_owned())).is_none());
    }

    #[test]
    fn an_empty_slot_is_the_preferred_one_or_the_first_without_trouble() {
        let library = library();
        let slot = |preferred: u16| library.empty_slot(Some(ElementAddress(preferred)));
        assert_eq!(slot(1004).unwrap().address.0, 1004);
        assert_eq!(slot(1001).unwrap().address.0, 1002);
        assert_eq!(slot(1003).unwrap().address.0, 1002);
        assert_eq!(library.empty_slot(None).unwrap().address.0, 1002);
    }
}
