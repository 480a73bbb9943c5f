//! The library and its drives, as last seen.

use super::Service;
use super::drives::Ailment;
use crate::api::engine::EngineError;
use crate::api::types::{
    ChangerView, DriveState, DriveView, ElementKind, ElementView, LibraryView,
};
use crate::changer::{Element, ElementKind as Kind};

impl Service {
    pub(super) fn library_view(&self) -> Result<LibraryView, EngineError> {
        let sight = self.parts.equipment.sight();
        let changer = self.parts.equipment.changer_identity().map(|identity| ChangerView {
            serial: identity.serial,
            vendor: identity.vendor,
            product: identity.product,
            revision: identity.revision,
        });
        let mut elements: Vec<ElementView> =
            sight.inventory.iter().flat_map(|found| &found.elements).map(element_view).collect();
        elements.sort_by_key(|element| (element.kind, element.number));
        let mut drives = Vec::new();
        for (bay, drive) in self.parts.equipment.bays().iter().enumerate() {
            let found = sight.inventory.as_ref();
            let element = found.and_then(|found| found.drive_by_serial(&drive.serial));
            drives.push(self.drive_view(bay, element));
        }
        Ok(LibraryView {
            is_practice: self.is_practice,
            changer,
            elements,
            drives,
            inventory_taken: sight.taken,
        })
    }

    fn drive_view(&self, bay: usize, element: Option<&Element>) -> DriveView {
        let equipment = &self.parts.equipment;
        let drive = &equipment.bays()[bay];
        let barcode = element.and_then(|element| element.barcode.clone());
        let state = self.drive_state(bay, element);
        let lease = equipment.lease(bay);
        DriveView {
            number: element.map(|element| element.number),
            serial: drive.serial.clone(),
            vendor: drive.vendor.clone(),
            product: drive.product.clone(),
            revision: drive.revision.clone(),
            generation: drive.generation,
            state,
            barcode,
            job: lease.and_then(|lease| lease.job),
            held_since: lease.map(|lease| lease.since),
            alerts: self.raised_by(&drive.serial),
        }
    }

    /// What each drive does.
    pub(super) fn drive_states(&self) -> Vec<DriveState> {
        let sight = self.parts.equipment.sight();
        let found = sight.inventory.as_ref();
        let bays = self.parts.equipment.bays().iter().enumerate();
        bays.map(|(bay, drive)| {
            let element = found.and_then(|found| found.drive_by_serial(&drive.serial));
            self.drive_state(bay, element)
        })
        .collect()
    }

    fn drive_state(&self, bay: usize, element: Option<&Element>) -> DriveState {
        let is_full = element.is_some_and(|element| element.is_full);
        if self.parts.equipment.is_taken(bay) {
            return DriveState::Busy;
        }
        match self.ailment_of(&self.parts.equipment.bays()[bay].serial) {
            Some(Ailment::Failed(_)) => DriveState::Failed,
            Some(Ailment::NeedsCleaning) => DriveState::NeedsCleaning,
            None if is_full => DriveState::Loaded,
            None => DriveState::Empty,
        }
    }
}

fn element_view(element: &Element) -> ElementView {
    ElementView {
        kind: match element.kind {
            Kind::Slot => ElementKind::Slot,
            Kind::MailSlot => ElementKind::MailSlot,
            Kind::Drive => ElementKind::Drive,
            Kind::Robot => ElementKind::Robot,
        },
        number: element.number,
        address: element.address.0,
        is_full: element.is_full,
        barcode: element.barcode.clone(),
        is_accessible: element.is_accessible,
        exception: element.exception.map(|exception| {
            format!("the library reports an exception here ({exception}): look at its panel")
        }),
    }
}
