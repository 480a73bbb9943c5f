//! Taking inventory: the library looks at every element, and the catalog learns where everything is.

use super::context::{JobContext, Parts};
use super::error::JobError;
use super::outcome::{Ending, Outcome, grouped};
use crate::catalog::{CartridgeKind, CartridgeSighting, ProductIdentity};
use crate::changer::{Element, ElementKind, Inventory};

/// Has the library look at every element, and notes what it found.
///
/// # Errors
/// If the library or the catalog fails.
pub(super) fn run(context: &JobContext) -> Result<Ending, JobError> {
    context.stage("taking inventory", None);
    let inventory = context.parts.equipment.take_inventory()?;
    let cartridges = note(&context.parts, &inventory)?;
    let sentence = format!("{} cartridges in the library", grouped(cartridges));
    Ok(Ending::Completed(Outcome { sentence, files: cartridges, ..Outcome::default() }))
}

/// Notes in the catalog where every cartridge is; returns how many there are.
///
/// # Errors
/// If the catalog cannot be written.
pub fn note(parts: &Parts, inventory: &Inventory) -> Result<u64, JobError> {
    let Some(changer) = parts.equipment.changer_identity() else { return Ok(0) };
    let now = parts.clock.now();
    let identity = ProductIdentity {
        vendor: changer.vendor.clone(),
        product: changer.product.clone(),
        revision: changer.revision.clone(),
    };
    parts.catalog.saw_library(&changer.serial, &identity, now)?;
    let mut cartridges = 0;
    for element in inventory.elements.iter().filter(|element| element.is_full) {
        let Some(barcode) = element.barcode.clone() else { continue };
        let sighting = CartridgeSighting {
            generation: barcode.generation(),
            kind: barcode.is_cleaning().then_some(CartridgeKind::Cleaning),
            medium_serial: None,
            is_write_protected: None,
            place: Some((changer.serial.clone(), element.address.0)),
            barcode: Some(barcode),
        };
        parts.catalog.saw_cartridge(&sighting, now)?;
        cartridges += 1;
    }
    parts.catalog.inventory_ended(&changer.serial, now)?;
    Ok(cartridges)
}

/// The word for where an element is, for messages.
#[must_use]
pub fn name_of(element: &Element) -> String {
    let kind = match element.kind {
        ElementKind::Slot => "slot",
        ElementKind::MailSlot => "mail slot",
        ElementKind::Drive => "drive",
        ElementKind::Robot => "robot",
    };
    format!("{kind} {}", element.number)
}
