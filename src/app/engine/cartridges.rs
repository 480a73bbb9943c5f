//! Cartridges: what the catalog knows of each, with where it was last seen.

use std::cmp::Reverse;

use super::{Service, answers};
use crate::api::engine::EngineError;
use crate::api::types::{
    CartridgeFilter, CartridgeState, CartridgeView, LockView, Page, PageRequest, VolumeView,
};
use crate::catalog::{
    CartridgeKind, CartridgeLock, CartridgeRecord, CartridgeState as Use, SetPlace, VolumeRecord,
    VolumeState,
};
use crate::domain::Barcode;
use crate::jobs::cleaning;
use crate::jobs::equipment::place_of;
use crate::jobs::spec::Place;
use crate::jobs::volume::current_volume;

impl Service {
    /// Every cartridge, those in the library first, by place.
    pub(super) fn all_cartridges(&self) -> Result<Vec<CartridgeView>, EngineError> {
        let mut records = self.parts.catalog.cartridges().map_err(answers::catalog)?;
        // Of several with one label, that which was seen last is the one in the library.
        records.sort_by_key(|record| Reverse(record.last_seen));
        let sight = self.parts.equipment.sight();
        let elements = sight.inventory.iter().flat_map(|found| &found.elements);
        let mut places: Vec<(&Barcode, Place)> =
            elements.filter_map(|e| Some((e.barcode.as_ref()?, place_of(e)?))).collect();
        let mut views = Vec::new();
        for record in records {
            let Some(barcode) = record.barcode.clone() else { continue };
            let at = places.iter().position(|(found, _)| found.is_same_label(&barcode));
            let place = at.map(|at| places.swap_remove(at).1);
            views.push(self.cartridge_view(&record, barcode, place)?);
        }
        views.sort_by(|a, b| {
            let key = |view: &CartridgeView| (view.place.is_none(), view.place.map(order));
            key(a).cmp(&key(b)).then_with(|| a.barcode.cmp(&b.barcode))
        });
        Ok(views)
    }

    fn cartridge_view(
        &self,
        record: &CartridgeRecord,
        barcode: Barcode,
        place: Option<Place>,
    ) -> Result<CartridgeView, EngineError> {
        let volume = current_volume(&self.parts, record.id).map_err(answers::catalog)?;
        let state = state_of(record, volume.as_ref());
        let cleanings_left = match record.kind {
            CartridgeKind::Cleaning => {
                let used = self.parts.catalog.cleaning_use(record.id).map_err(answers::catalog)?;
                Some(cleaning::uses_left(&used))
            }
            _ => None,
        };
        Ok(CartridgeView {
            sentence: sentence(&barcode, state, volume.as_ref()),
            barcode,
            generation: record.generation,
            place,
            state,
            is_worm: record.kind == CartridgeKind::Worm,
            is_write_protected: record.is_write_protected,
            volume: volume.map(|volume| self.volume_view(&volume)).transpose()?,
            last_seen: Some(record.last_seen),
            alias: record.note.alias.clone(),
            location: record.note.location.clone(),
            lock: record.note.lock.clone().map(|CartridgeLock { at, by, reason }| LockView {
                at,
                by,
                reason,
            }),
            retained_until: record.note.retained_until,
            cleanings_left,
        })
    }

    /// A page of cartridges.
    pub(super) fn cartridge_views(
        &self,
        filter: &CartridgeFilter,
        page: &PageRequest,
    ) -> Result<Page<CartridgeView>, EngineError> {
        let mut all = self.all_cartridges()?;
        all.retain(|view| filter.state.is_none_or(|state| view.state == state));
        all.retain(|view| {
            let of = view.volume.as_ref().and_then(|volume| volume.set.as_ref());
            filter.set.is_none() || of == filter.set.as_ref()
        });
        answers::page(all, page)
    }

    /// The cartridge with that label; the one in the library, if several have it.
    pub(super) fn one_cartridge(&self, barcode: &Barcode) -> Result<CartridgeView, EngineError> {
        let mut all = self.all_cartridges()?;
        all.retain(|view| view.barcode.is_same_label(barcode));
        if all.is_empty() {
            return Err(answers::unknown_cartridge(barcode));
        }
        Ok(all.swap_remove(0))
    }

    /// True if the library holds a cartridge with that label.
    pub(super) fn is_here(&self, barcode: &Barcode) -> bool {
        let sight = self.parts.equipment.sight();
        sight.inventory.is_some_and(|found| found.find_barcode(barcode).next().is_some())
    }

    fn volume_view(&self, record: &VolumeRecord) -> Result<VolumeView, EngineError> {
        let volume = &record.volume;
        let sums = self.parts.catalog.volume_evidence(volume.uuid).map_err(answers::catalog)?;
        Ok(VolumeView {
            uuid: volume.uuid,
            name: Some(volume.name.clone()),
            set: record.set.as_ref().map(|place| place.set.clone()),
            copy: record.set.as_ref().map(|place| place.copy),
            sequence: record.set.as_ref().map(|place| place.sequence),
            formatted: Some(volume.formatted),
            index_generation: Some(record.generation),
            capacity_bytes: Some(volume.capacity.0),
            remaining_bytes: Some(volume.capacity.0.saturating_sub(record.used.0)),
            files: sums.values().map(|totals| totals.files).sum(),
            bytes: sums.values().map(|totals| totals.bytes.0).sum(),
        })
    }
}

/// Slots first, then mail slots, then drives.
fn order(place: Place) -> (u8, u16) {
    match place {
        Place::Slot(number) => (0, number),
        Place::MailSlot(number) => (1, number),
        Place::Drive(number) => (2, number),
    }
}

fn state_of(record: &CartridgeRecord, volume: Option<&VolumeRecord>) -> CartridgeState {
    if record.kind == CartridgeKind::Cleaning {
        return CartridgeState::Cleaning;
    }
    if matches!(record.state, Use::Suspect | Use::Retired) {
        return CartridgeState::Bad;
    }
    match volume.map(|record| record.volume.state) {
        _ if record.state == Use::Quarantined => CartridgeState::Swapped,
        None | Some(VolumeState::Erased) => CartridgeState::Unknown,
        Some(VolumeState::Blank | VolumeState::Open) => CartridgeState::Open,
        Some(VolumeState::Closed) => CartridgeState::Closed,
        Some(VolumeState::Foreign) => CartridgeState::Foreign,
        Some(VolumeState::Quarantined) => CartridgeState::NeedsRepair,
        Some(VolumeState::Missing) => CartridgeState::Swapped,
    }
}

fn name_of(place: &SetPlace) -> String {
    let SetPlace { set, copy, sequence } = place;
    format!("volume {sequence} of copy {copy} of set {set}")
}

fn sentence(barcode: &Barcode, state: CartridgeState, volume: Option<&VolumeRecord>) -> String {
    let reason = volume.and_then(|record| record.state_reason.clone()).unwrap_or_default();
    match state {
        CartridgeState::Unknown => {
            format!(
                "not looked at yet: `fossilsafe cartridge format {barcode}` makes a volume on it, `fossilsafe catalog rebuild {barcode}` reads what is on it"
            )
        }
        CartridgeState::Blank => "blank".to_owned(),
        CartridgeState::Open => match volume.and_then(|record| record.set.as_ref()) {
            Some(place) => format!("{}; takes more", name_of(place)),
            None => "formatted and empty; takes any set".to_owned(),
        },
        CartridgeState::Closed => match volume.and_then(|record| record.set.as_ref()) {
            Some(place) => format!("{}; closed {reason}", name_of(place)),
            None => format!("closed {reason}"),
        },
        CartridgeState::Foreign => "a volume of another appliance; it is only read".to_owned(),
        CartridgeState::NeedsRepair => format!("set aside: {reason}"),
        CartridgeState::Swapped => format!("not what it was: {reason}"),
        CartridgeState::Bad => "it has shown errors and is not written any more".to_owned(),
        CartridgeState::Cleaning => "cleans drives".to_owned(),
    }
}
