//! Which cartridge a volume is on, and whether it is here.

use crate::catalog::{VolumeRecord, VolumeState};
use crate::changer::Inventory;
use crate::domain::{Barcode, VolumeUuid};
use crate::jobs::context::Parts;
use crate::jobs::equipment::{EquipmentError, place_of};
use crate::jobs::error::JobError;
use crate::jobs::spec::Place;

/// The library at one moment; nothing where people load the drives by hand.
#[derive(Debug)]
pub(super) struct Shelf {
    inventory: Option<Inventory>,
}

/// Where a volume is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whereabouts {
    /// The volume.
    pub(super) volume: VolumeUuid,
    /// The label of its cartridge.
    pub(super) barcode: Option<Barcode>,
    /// Where the cartridge is in the library.
    pub(super) place: Option<Place>,
    /// True if it can be loaded, or a person may have put it into a drive.
    pub(super) is_here: bool,
    /// True if its cartridge was formatted since.
    pub(super) is_erased: bool,
}

impl Shelf {
    /// Looks at every element, and notes in the catalog what is there.
    ///
    /// # Errors
    /// If the library does not answer.
    pub(super) fn look(parts: &Parts) -> Result<Self, JobError> {
        match parts.equipment.inventory() {
            Ok(inventory) => {
                crate::jobs::inventory::note(parts, &inventory)?;
                Ok(Self { inventory: Some(inventory) })
            }
            Err(EquipmentError::NoChanger) => Ok(Self { inventory: None }),
            Err(error) => Err(error.into()),
        }
    }

    /// Where a volume is.
    ///
    /// # Errors
    /// If the catalog does not know it.
    pub(super) fn find(&self, parts: &Parts, volume: VolumeUuid) -> Result<Whereabouts, JobError> {
        self.place(parts, &parts.catalog.volume(volume)?)
    }

    /// The volumes that cannot be had now.
    ///
    /// # Errors
    /// If the catalog fails.
    pub(super) fn absent(&self, parts: &Parts) -> Result<Vec<VolumeUuid>, JobError> {
        let mut absent = Vec::new();
        for record in parts.catalog.volumes()? {
            let found = self.place(parts, &record)?;
            if !found.is_here || found.is_erased {
                absent.push(found.volume);
            }
        }
        Ok(absent)
    }

    /// The volumes whose cartridges are in a drive.
    ///
    /// # Errors
    /// If the catalog fails.
    pub(super) fn in_drives(&self, parts: &Parts) -> Result<Vec<VolumeUuid>, JobError> {
        let mut loaded = Vec::new();
        for record in parts.catalog.volumes()? {
            let found = self.place(parts, &record)?;
            if matches!(found.place, Some(Place::Drive(_))) && !found.is_erased {
                loaded.push(found.volume);
            }
        }
        Ok(loaded)
    }

    fn place(&self, parts: &Parts, record: &VolumeRecord) -> Result<Whereabouts, JobError> {
        let cartridge =
            record.volume.cartridge.map(|id| parts.catalog.cartridge(id)).transpose()?;
        let barcode = cartridge
            .and_then(|cartridge| cartridge.barcode)
            .or_else(|| record.volume.barcode.clone());
        let element = match (&self.inventory, &barcode) {
            (Some(inventory), Some(barcode)) => inventory.find_barcode(barcode).next(),
            _ => None,
        };
        Ok(Whereabouts {
            volume: record.volume.uuid,
            is_here: element.is_some() || (self.inventory.is_none() && barcode.is_some()),
            place: element.and_then(place_of),
            is_erased: record.volume.state == VolumeState::Erased,
            barcode,
        })
    }
}

impl Whereabouts {
    /// The cartridge's name for people.
    pub(super) fn name(&self) -> String {
        match &self.barcode {
            Some(barcode) => format!("cartridge {barcode} with volume {}", self.volume),
            None => format!("the cartridge with volume {}", self.volume),
        }
    }
}
