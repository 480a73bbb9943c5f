//! Moving cartridges. Each move begins and ends with a look; the look decides, not the answer.

use super::{Changer, ChangerError, Element, ElementAddress, ElementKind, Found, Inventory};
use crate::domain::Barcode;
use crate::scsi::cdb::changer::{self, Move};
use crate::scsi::cdb::primary::{self, MediumRemoval};

/// A move that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The cartridge, if it has a barcode.
    pub barcode: Option<Barcode>,
    /// Where it was.
    pub from: ElementAddress,
    /// Where it is.
    pub to: ElementAddress,
    /// The library afterwards.
    pub inventory: Inventory,
}

/// Whether people can take cartridges out of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// They can.
    Allowed,
    /// Door and mail slots are locked.
    Prevented,
}

impl Changer {
    /// Moves the cartridge of one element to another and looks where it is.
    ///
    /// A drive must have unloaded its cartridge before it can be taken out.
    ///
    /// # Errors
    /// [`ChangerError::BadMove`], with nothing sent, if the source is empty or the destination full;
    /// [`ChangerError::MoveFailed`] with the place where the cartridge was found. That place may be the
    /// destination: then the cartridge is there, and the changer reported an error all the same.
    pub fn move_cartridge(
        &mut self,
        from: ElementAddress,
        to: ElementAddress,
    ) -> Result<Moved, ChangerError> {
        let before = self.inventory()?;
        let barcode = self.check_move(&before, from, to)?;
        let robot = match self.element_addresses()? {
            Some(addresses) => addresses.robots.0,
            None => before.robots().next().map_or(0, |robot| robot.address.0),
        };
        // A cartridge that the robot itself holds is moved by that robot.
        let robot = match before.element(from) {
            Some(element) if element.kind == ElementKind::Robot => element.address.0,
            _ => robot,
        };
        let cdb = changer::move_medium(Move { robot, from: from.0, to: to.0 });
        let answer = self.send_once("move a cartridge", cdb);
        let failed = |library, found, source: Option<ChangerError>| ChangerError::MoveFailed {
            library,
            barcode: barcode.clone(),
            from,
            to,
            found,
            source: source.map(Box::new),
        };
        let library = self.identity.serial.clone();
        let after = match (self.inventory(), answer) {
            (Ok(after), Ok(())) => after,
            (Ok(after), Err(error)) => {
                let found = locate(&before, &after, barcode.as_ref(), from, to);
                return Err(failed(library, found, Some(error)));
            }
            (Err(look), answer) => {
                // The move's own error says more than the look's.
                return Err(failed(library, Found::Unknown, Some(answer.err().unwrap_or(look))));
            }
        };
        match locate(&before, &after, barcode.as_ref(), from, to) {
            Found::AtDestination => Ok(Moved { barcode, from, to, inventory: after }),
            found => Err(failed(library, found, None)),
        }
    }

    /// The barcode of what would be moved, if the move makes sense.
    fn check_move(
        &self,
        before: &Inventory,
        from: ElementAddress,
        to: ElementAddress,
    ) -> Result<Option<Barcode>, ChangerError> {
        let problem = match (before.element(from), before.element(to)) {
            (None, _) => "there is no such source",
            (_, None) => "there is no such destination",
            (Some(source), _) if !source.is_full => "the source is empty",
            (_, Some(destination)) if destination.is_full => "the destination is full",
            (Some(source), Some(_)) => return Ok(source.barcode.clone()),
        };
        let library = self.identity.serial.clone();
        Err(ChangerError::BadMove { library, from, to, problem })
    }

    /// Puts the robot before an element, so that the next move is quicker. No harm if refused.
    ///
    /// # Errors
    /// If the changer fails or refuses.
    pub fn position_to(&mut self, element: ElementAddress) -> Result<(), ChangerError> {
        let robot = self.element_addresses()?.map_or(0, |addresses| addresses.robots.0);
        self.send("position the robot", changer::position_to_element(robot, element.0))
    }

    /// Locks or unlocks door and mail slots against people.
    ///
    /// # Errors
    /// If the changer fails or refuses.
    pub fn prevent_removal(&mut self, removal: Removal) -> Result<(), ChangerError> {
        let removal = match removal {
            Removal::Allowed => MediumRemoval::Allow,
            Removal::Prevented => MediumRemoval::Prevent,
        };
        self.send("lock its door", primary::prevent_allow_medium_removal(removal))
    }
}

/// Where the cartridge is that was to go from one element to another. Pure.
///
/// By barcode where it has one; otherwise by which of the elements changed.
fn locate(
    before: &Inventory,
    after: &Inventory,
    barcode: Option<&Barcode>,
    from: ElementAddress,
    to: ElementAddress,
) -> Found {
    let holds_it = |element: &&Element| match barcode {
        Some(barcode) => element.barcode.as_ref().is_some_and(|b| b.is_same_label(barcode)),
        // Without a barcode: full now, without a barcode, and empty before (or the source itself).
        None => {
            element.is_full
                && element.barcode.is_none()
                && (element.address == from
                    || before.element(element.address).is_some_and(|e| !e.is_full))
        }
    };
    let mut holders: Vec<&Element> = after.elements.iter().filter(holds_it).collect();
    // Two labels that are the same: those that held one before the move are not it.
    if holders.len() > 1 {
        holders.retain(|element| {
            element.address == from || before.element(element.address).is_none_or(|e| !e.is_full)
        });
    }
    match holders.as_slice() {
        [] => unreadable_label(after, from, to),
        [one] if one.address == to => Found::AtDestination,
        [one] if one.address == from => Found::AtSource,
        [one] if one.kind == ElementKind::Robot => Found::InRobot(one.address),
        [one] => Found::Elsewhere(one.address),
        _ => Found::Unknown,
    }
}

/// No element shows the barcode: labels may be unreadable in a drive or robot for a moment.
fn unreadable_label(after: &Inventory, from: ElementAddress, to: ElementAddress) -> Found {
    let full_without_label = |element: &&Element| element.is_full && element.barcode.is_none();
    let is_at = |address| after.element(address).filter(full_without_label).is_some();
    let robot = after.robots().find(full_without_label);
    match (is_at(to), is_at(from), robot) {
        (true, false, None) => Found::AtDestination,
        (false, true, None) => Found::AtSource,
        (false, false, Some(robot)) => Found::InRobot(robot.address),
        (false, false, None) => Found::Nowhere,
        _ => Found::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(kind: ElementKind, address: u16, content: Option<&str>) -> Element {
        Element {
            address: ElementAddress(address),
            kind,
            number: 0,
            is_full: content.is_some(),
            barcode: content.and_then(|text| text.parse().ok()),
            source: None,
            is_accessible: true,
            exception: None,
            drive_serial: None,
        }
    }

    /// Robot 1, slots 10 and 11, drive 20, each with `Some(label)` if full; `-` has no label.
    fn library(contents: [Option<&str>; 4]) -> Inventory {
        let kinds = [
            (ElementKind::Robot, 1),
            (ElementKind::Slot, 10),
            (ElementKind::Slot, 11),
            (ElementKind::Drive, 20),
        ];
        let elements = kinds.iter().zip(contents).map(|((kind, at), c)| element(*kind, *at, c));
        Inventory { elements: elements.collect() }
    }

    fn found(before: [Option<&str>; 4], after: [Option<&str>; 4]) -> Found {
        let before = library(before);
        let barcode = before.element(ElementAddress(10)).unwrap().barcode.clone();
        let (from, to) = (ElementAddress(10), ElementAddress(20));
        locate(&before, &library(after), barcode.as_ref(), from, to)
    }

    #[test]
    fn a_cartridge_is_located_by_its_barcode() {
        let before = [None, Some("FSP001L9"), None, None];
        assert_eq!(found(before, [None, None, None, Some("FSP001L9")]), Found::AtDestination);
        assert_eq!(found(before, before), Found::AtSource);
        assert_eq!(
            found(before, [Some("FSP001L9"), None, None, None]),
            Found::InRobot(ElementAddress(1))
        );
        assert_eq!(
            found(before, [None, None, Some("FSP001L9"), None]),
            Found::Elsewhere(ElementAddress(11))
        );
        assert_eq!(found(before, [None; 4]), Found::Nowhere);
    }

    #[test]
    fn a_cartridge_without_a_barcode_is_located_by_what_changed() {
        let before = [None, Some("-"), None, None];
        assert_eq!(found(before, [None, None, None, Some("-")]), Found::AtDestination);
        assert_eq!(found(before, before), Found::AtSource);
        assert_eq!(found(before, [Some("-"), None, None, None]), Found::InRobot(ElementAddress(1)));
    }

    #[test]
    fn a_label_that_cannot_be_read_in_the_drive_is_still_a_cartridge() {
        let before = [None, Some("FSP001L9"), None, None];
        assert_eq!(found(before, [None, None, None, Some("-")]), Found::AtDestination);
    }

    #[test]
    fn of_two_cartridges_with_one_barcode_the_one_that_moved_is_found() {
        let before = [None, Some("FSP001L9"), Some("FSP001L9"), None];
        let after = [None, None, Some("FSP001L9"), Some("FSP001L9")];
        assert_eq!(found(before, after), Found::AtDestination);
    }
}
