//! Which cartridge a run goes to next, and the beginning of a segment on it.

use super::segment::SegmentState;
use super::{Backup, ROOM_MIN};
use crate::catalog::{
    CartridgeKind, CartridgeState, CatalogError, EventLevel, VolumeRecord, VolumeState,
};
use crate::domain::{Barcode, ByteCount, VolumeUuid};
use crate::jobs::context::Parts;
use crate::jobs::error::JobError;
use crate::jobs::{inventory, volume::current_volume};
use crate::pools::{Candidate, Demand, NoCandidate, VolumeUse, choose_volume};

impl Backup<'_> {
    /// The segment that a copy goes on in: the open one, or a new one on the next volume; or why there is
    /// none.
    pub(super) fn choose(&mut self, at: usize) -> Result<Result<usize, NoCandidate>, JobError> {
        if let Some(open) = self.state.copies[at].open_segment() {
            return Ok(Ok(open));
        }
        let parts = &self.context.parts;
        let inventory = parts.equipment.inventory();
        if let Ok(inventory) = &inventory {
            inventory::note(parts, inventory)?;
        }
        let mut tried = self.state.copies[at].tried.clone();
        loop {
            let (barcode, volume) = match self.choose_among(at, &tried)? {
                Ok(chosen) => chosen,
                Err(none) => return Ok(Err(none)),
            };
            let copy = self.state.copies[at].copy;
            match parts.catalog.join_set(volume, &self.spec.set, copy) {
                Ok(sequence) => {
                    return self.begin_segment(at, (volume, barcode), sequence).map(Ok);
                }
                // Another job was quicker.
                Err(CatalogError::Exists(_)) => tried.push(barcode),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn choose_among(
        &self,
        at: usize,
        tried: &[Barcode],
    ) -> Result<Result<(Barcode, VolumeUuid), NoCandidate>, JobError> {
        let candidates = candidates(&self.context.parts)?;
        let drives = self.context.parts.equipment.generations();
        let demand = Demand {
            set: &self.spec.set,
            copy: self.state.copies[at].copy,
            named: &self.spec.cartridges,
            tried,
            drives: &drives,
            room_min: ROOM_MIN,
        };
        let chosen = match choose_volume(&candidates, &demand) {
            Ok(chosen) => chosen,
            Err(none) => {
                for (barcode, refusal) in &none.refusals {
                    tracing::info!(job = self.context.id.0, "cartridge {barcode}: {refusal}");
                }
                return Ok(Err(none));
            }
        };
        let (VolumeUse::Empty(volume) | VolumeUse::Open(volume, ..)) = chosen.volume else {
            return Err(JobError::Bug("a volume was chosen that cannot be written".to_owned()));
        };
        Ok(Ok((chosen.barcode.clone(), volume)))
    }

    fn begin_segment(
        &mut self,
        at: usize,
        (volume, barcode): (VolumeUuid, Barcode),
        sequence: u32,
    ) -> Result<usize, JobError> {
        let parts = &self.context.parts;
        let catalog = &parts.catalog;
        let is_only = self.state.copies.len() == 1;
        let state = &mut self.state.copies[at];
        let copy = state.copy;
        let start = state.reached(catalog)?;
        catalog.set_volume_state(volume, VolumeState::Open, None, parts.clock.now())?;
        let id = catalog.begin_segment(&self.state.run, volume, copy)?;
        let number = u32::try_from(state.segments.len()).unwrap_or(u32::MAX);
        let message = format!("writing to cartridge {barcode}, volume {sequence} of the set");
        let message = if is_only { message } else { format!("copy {copy}: {message}") };
        state.segments.push(SegmentState {
            id,
            number,
            copy,
            volume,
            barcode,
            sequence,
            start_ordinal: start.ordinal,
            start_split: start.split,
            start_bytes: start.bytes,
            outcome_bytes: start.outcome_bytes,
            manifest: None,
            is_abandoned: false,
        });
        let segment = state.segments.len() - 1;
        self.context.checkpoint(&self.state)?;
        self.context.tell(EventLevel::Info, "volume_chosen", message);
        Ok(segment)
    }
}

/// Every cartridge that is at hand, as choosing needs it.
pub(super) fn candidates(parts: &Parts) -> Result<Vec<Candidate>, JobError> {
    let mut candidates = Vec::new();
    for cartridge in parts.catalog.cartridges()? {
        let is_here = cartridge.place.is_some() || parts.equipment.changer_identity().is_none();
        let (Some(barcode), true) = (cartridge.barcode.clone(), is_here) else { continue };
        let volume = current_volume(parts, cartridge.id)?;
        let is_blocked = cartridge.state != CartridgeState::Usable;
        let (volume, room) = match (cartridge.kind, volume) {
            (CartridgeKind::Cleaning, _) => (VolumeUse::Cleaning, ByteCount(0)),
            _ if is_blocked => (VolumeUse::Quarantined, ByteCount(0)),
            (_, None) => (VolumeUse::Unknown, ByteCount(0)),
            (_, Some(record)) => {
                let left = record.volume.capacity.0.saturating_sub(record.used.0);
                (use_of(&record), ByteCount(left))
            }
        };
        candidates.push(Candidate {
            barcode,
            generation: cartridge.generation,
            volume,
            room,
            is_locked: cartridge.note.lock.is_some(),
        });
    }
    Ok(candidates)
}

fn use_of(record: &VolumeRecord) -> VolumeUse {
    let uuid = record.volume.uuid;
    match (record.volume.state, &record.set) {
        (VolumeState::Blank, _) | (VolumeState::Open, None) => VolumeUse::Empty(uuid),
        (VolumeState::Open, Some(place)) => VolumeUse::Open(uuid, place.set.clone(), place.copy),
        (VolumeState::Closed, _) => VolumeUse::Closed,
        (VolumeState::Foreign, _) => VolumeUse::Foreign,
        (VolumeState::Quarantined | VolumeState::Missing, _) => VolumeUse::Quarantined,
        (VolumeState::Erased, _) => VolumeUse::Unknown,
    }
}
