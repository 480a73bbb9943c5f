//! Cleaning a drive with a cleaning cartridge of the library.
//!
//! A cartridge is good for so many uses, which only it counts: what is shown is what this appliance has
//! counted, and the drive has the last word. One that a drive calls used up is not brought to any again.

use super::context::JobContext;
use super::context::Parts;
use super::equipment::Cleaned;
use super::error::JobError;
use super::inventory;
use super::outcome::{Ending, Outcome};
use super::spec::CleanSpec;
use crate::catalog::EventLevel;
use crate::catalog::cleaning::CleaningUse;
use crate::catalog::ids::CartridgeId;
use crate::changer::{ElementKind, Inventory};
use crate::domain::{Barcode, DriveSerial};

/// Uses of a universal LTO cleaning cartridge, as its makers state.
pub const USES_MAX: u64 = 50;

/// Why no drive can be cleaned.
#[derive(Debug, thiserror::Error)]
pub enum CleaningError {
    /// There is no cleaning cartridge, or none that is good for another use.
    #[error("the library has no cleaning cartridge for drive {drive} with a use left")]
    NoCartridge {
        /// The drive.
        drive: DriveSerial,
    },
}

impl CleaningError {
    pub(super) fn advice(&self) -> (&'static str, &'static str) {
        match self {
            Self::NoCartridge { .. } => (
                "no_cleaning_cartridge",
                "Put one into a slot (its barcode begins with CLN), run `fossilsafe library inventory`, and try again.",
            ),
        }
    }
}

/// A cleaning cartridge in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What the catalog calls it.
    pub id: CartridgeId,
    /// Its label.
    pub barcode: Barcode,
    /// About how many uses it is good for still.
    pub uses_left: u64,
}

/// How many uses of a cleaning cartridge are left, as far as they were counted here.
#[must_use]
pub fn uses_left(used: &CleaningUse) -> u64 {
    if used.is_used_up { 0 } else { USES_MAX.saturating_sub(used.count) }
}

/// The cleaning cartridges in slots that are good for another use; the most used first, so that one is used
/// up before the next is begun.
///
/// # Errors
/// If the catalog cannot be read.
pub fn candidates(parts: &Parts, inventory: &Inventory) -> Result<Vec<Candidate>, JobError> {
    let mut found = Vec::new();
    for element in &inventory.elements {
        let Some(barcode) = element.barcode.as_ref().filter(|barcode| barcode.is_cleaning()) else {
            continue;
        };
        if element.kind != ElementKind::Slot || !element.is_accessible {
            continue;
        }
        let known = parts.catalog.cartridges_by_barcode(barcode)?;
        let Some(cartridge) = known.first() else { continue };
        let uses_left = uses_left(&parts.catalog.cleaning_use(cartridge.id)?);
        if uses_left > 0 {
            let (id, barcode) = (cartridge.id, barcode.clone());
            found.push(Candidate { id, barcode, uses_left });
        }
    }
    found.sort_by_key(|candidate| candidate.uses_left);
    Ok(found)
}

/// Cleans the drive with the first cartridge that is good for it.
///
/// # Errors
/// If there is none, or a device fails.
pub(super) fn run(context: &JobContext, spec: &CleanSpec) -> Result<Ending, JobError> {
    let (parts, drive) = (&context.parts, &spec.drive);
    context.stage("looking for a cleaning cartridge", None);
    let seen = parts.equipment.inventory()?;
    inventory::note(parts, &seen)?;
    for candidate in candidates(parts, &seen)? {
        context.stage(&format!("cleaning drive {drive}"), Some(&candidate.barcode));
        let cleaned = parts.equipment.clean(drive, &candidate.barcode, context)?;
        if let Some(cleaned) = cleaned
            && let Some(ending) = note(context, drive, &candidate, &cleaned)?
        {
            return Ok(ending);
        }
    }
    Err(CleaningError::NoCartridge { drive: drive.clone() }.into())
}

/// Writes down what came of it; nothing if the cartridge was no use.
fn note(
    context: &JobContext,
    drive: &DriveSerial,
    candidate: &Candidate,
    cleaned: &Cleaned,
) -> Result<Option<Ending>, JobError> {
    let (barcode, now) = (&candidate.barcode, context.parts.clock.now());
    let catalog = &context.parts.catalog;
    if let Some(refusal) = cleaned.alerts.iter().find(|alert| alert.refuses_cleaning()) {
        let message = format!("{barcode} in drive {drive}: {}", refusal.sentence());
        if refusal.is_used_up() {
            catalog.cleaning_used_up(candidate.id, drive, context.id, now)?;
        }
        context.tell(EventLevel::Warning, "cleaning_refused", message);
        return Ok(None);
    }
    catalog.cleaned_with(candidate.id, drive, context.id, now)?;
    let left = candidate.uses_left - 1;
    let sentence =
        format!("drive {drive} was cleaned with {barcode}, which has about {left} uses left");
    if cleaned.is_still_due {
        let sentence = format!("{sentence}; it still asks to be cleaned");
        return Ok(Some(Ending::Incomplete(Outcome { sentence, ..Outcome::default() })));
    }
    Ok(Some(Ending::Completed(Outcome { sentence, ..Outcome::default() })))
}

#[cfg(test)]
mod tests;
