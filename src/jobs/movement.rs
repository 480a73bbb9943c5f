//! Moving one cartridge by hand: a job too, so that no drive is emptied while another job uses it. What a move
//! before it has left in the robot's hand is put down first, so that asking again is all that a person has to do.

use super::context::JobContext;
use super::equipment::element_at;
use super::error::JobError;
use super::inventory;
use super::outcome::{Ending, Outcome};
use super::spec::MoveSpec;
use crate::catalog::{MoveEnd, MoveOrder};

/// Moves the cartridge, with the move written down before and after.
///
/// # Errors
/// If an element does not exist, the drive is in use, or the move fails.
pub(super) fn run(context: &JobContext, spec: MoveSpec) -> Result<Ending, JobError> {
    context.stage("moving", None);
    let parts = &context.parts;
    let before = parts.equipment.inventory_with_free_hands()?;
    inventory::note(parts, &before)?;
    let find = |place| {
        element_at(&before, place).ok_or_else(|| JobError::Unknown { what: format!("{place}") })
    };
    let (from, to) = (find(spec.from)?, find(spec.to)?);
    let order = parts.equipment.changer_identity().map(|changer| MoveOrder {
        library: changer.serial,
        barcode: from.barcode.clone(),
        from_element: from.address.0,
        to_element: to.address.0,
        job: Some(context.id),
    });
    let order = order.ok_or(super::equipment::EquipmentError::NoChanger)?;
    let number = parts.catalog.begin_move(&order, parts.clock.now())?;
    let moved = parts.equipment.move_cartridge(from.address, to.address, Some(context.id));
    let after = parts.equipment.inventory();
    let found_at = after.as_ref().ok().and_then(|inventory| {
        let barcode = from.barcode.as_ref()?;
        inventory.find_barcode(barcode).next().map(|element| element.address.0)
    });
    let outcome = match &moved {
        Ok(()) => "moved".to_owned(),
        Err(error) => error.to_string(),
    };
    parts.catalog.end_move(number, &MoveEnd { outcome, found_at }, parts.clock.now())?;
    if let Ok(after) = &after {
        inventory::note(parts, after)?;
    }
    moved?;
    let name =
        from.barcode.as_ref().map_or_else(|| "The cartridge".to_owned(), ToString::to_string);
    let sentence = format!("{name} is in {}", spec.to);
    Ok(Ending::Completed(Outcome { sentence, ..Outcome::default() }))
}
