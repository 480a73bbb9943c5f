//! Moving one cartridge by hand: a job too, so that no drive is emptied while another job uses it. What a move
//! before it has left in the robot's hand is put down first, so that asking again is all that a person has to do.
//! A job that is taken up looks first: the robot may have done what was asked before the power failed.

use super::context::JobContext;
use super::equipment::element_at;
use super::error::JobError;
use super::inventory;
use super::outcome::{Ending, Outcome};
use super::spec::{MoveSpec, Place};
use crate::catalog::{MoveEnd, MoveOrder};
use crate::changer::{ElementAddress, Inventory};
use crate::domain::Barcode;

/// How a move ended that did what it should.
const MOVED: &str = "moved";

/// Moves the cartridge, with the move written down before and after.
///
/// # Errors
/// If an element does not exist, the drive is in use, or the move fails.
pub(super) fn run(context: &JobContext, spec: MoveSpec) -> Result<Ending, JobError> {
    context.stage("moving", None);
    let parts = &context.parts;
    let before = parts.equipment.inventory_with_free_hands()?;
    inventory::note(parts, &before)?;
    if let Some(done) = done_before(context, &before)? {
        return Ok(completed(done.barcode.as_ref(), spec.to));
    }
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
        Ok(()) => MOVED.to_owned(),
        Err(error) => error.to_string(),
    };
    parts.catalog.end_move(number, &MoveEnd { outcome, found_at }, parts.clock.now())?;
    if let Ok(after) = &after {
        inventory::note(parts, after)?;
    }
    moved?;
    Ok(completed(from.barcode.as_ref(), spec.to))
}

fn completed(barcode: Option<&Barcode>, to: Place) -> Ending {
    let name = barcode.map_or_else(|| "The cartridge".to_owned(), ToString::to_string);
    Ending::Completed(Outcome { sentence: format!("{name} is in {to}"), ..Outcome::default() })
}

/// What an earlier life of this job has ordered, if its cartridge is there now. A move that nobody has ended
/// since is ended: where its cartridge is says how.
fn done_before(context: &JobContext, now: &Inventory) -> Result<Option<MoveOrder>, JobError> {
    let catalog = &context.parts.catalog;
    let Some(last) = catalog.last_move_of(context.id)? else { return Ok(None) };
    let order = last.order;
    let is_at = |address| {
        now.element(ElementAddress(address)).is_some_and(|element| {
            let is_it = |wanted: &Barcode| {
                element.barcode.as_ref().is_some_and(|found| found.is_same_label(wanted))
            };
            element.is_full && order.barcode.as_ref().is_none_or(is_it)
        })
    };
    let is_done = is_at(order.to_element) && !is_at(order.from_element);
    if last.end.is_none() {
        let seen = order.barcode.as_ref().and_then(|barcode| now.find_barcode(barcode).next());
        let found_at = seen.map(|element| element.address.0);
        let outcome = if is_done { MOVED } else { "interrupted" }.to_owned();
        let end = MoveEnd { outcome, found_at };
        catalog.end_move(last.number, &end, context.parts.clock.now())?;
    }
    Ok(is_done.then_some(order))
}
