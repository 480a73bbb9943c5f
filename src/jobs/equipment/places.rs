//! People's words for elements: slot 3, mail slot 0, drive 1.

use crate::changer::{Element, ElementKind, Inventory};
use crate::jobs::spec::Place;

/// The element that a person means.
#[must_use]
pub fn element_at(inventory: &Inventory, place: Place) -> Option<&Element> {
    let (kind, number) = match place {
        Place::Slot(number) => (ElementKind::Slot, number),
        Place::MailSlot(number) => (ElementKind::MailSlot, number),
        Place::Drive(number) => (ElementKind::Drive, number),
    };
    inventory.elements.iter().find(|element| element.kind == kind && element.number == number)
}

/// The words for an element; none for the robot.
#[must_use]
pub fn place_of(element: &Element) -> Option<Place> {
    match element.kind {
        ElementKind::Slot => Some(Place::Slot(element.number)),
        ElementKind::MailSlot => Some(Place::MailSlot(element.number)),
        ElementKind::Drive => Some(Place::Drive(element.number)),
        ElementKind::Robot => None,
    }
}
