//! Which cartridge a run goes to next, and the beginning of a segment on it.

use super::recorder::Mark;
use super::segment::SegmentState;
use super::{Backup, ROOM_MIN};
use crate::catalog::{CartridgeKind, CartridgeState, EventLevel, VolumeRecord, VolumeState};
use crate::domain::ByteCount;
use crate::jobs::error::JobError;
use crate::jobs::{inventory, volume::current_volume};
use crate::pools::{Candidate, Demand, NoCandidate, VolumeUse, choose_volume};
use crate::stream::SplitState;

impl Backup<'_> {
    /// Chooses the next volume and begins a segment on it, or says why there is none.
    pub(super) fn choose(&mut self) -> Result<Result<usize, NoCandidate>, JobError> {
        let parts = &self.context.parts;
        let inventory = parts.equipment.inventory();
        if let Ok(inventory) = &inventory {
            inventory::note(parts, inventory)?;
        }
        let candidates = self.candidates()?;
        let drives = parts.equipment.generations();
        let demand = Demand {
            set: &self.spec.set,
            named: &self.spec.cartridges,
            tried: &self.state.tried,
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
        let (VolumeUse::Empty(volume) | VolumeUse::Open(volume, _)) = chosen.volume else {
            return Err(JobError::Bug("a volume was chosen that cannot be written".to_owned()));
        };
        let catalog = &parts.catalog;
        let sequence = catalog.join_set(volume, &self.spec.set)?;
        catalog.set_volume_state(volume, VolumeState::Open, None, parts.clock.now())?;
        let (start_ordinal, start_split, outcome_bytes) = self.next_start()?;
        let id = catalog.begin_segment(&self.state.run, volume, 0)?;
        let number = u32::try_from(self.state.segments.len()).unwrap_or(u32::MAX);
        self.state.segments.push(SegmentState {
            id,
            number,
            volume,
            barcode: chosen.barcode.clone(),
            sequence,
            start_ordinal,
            start_split,
            outcome_bytes,
            manifest: None,
        });
        self.context.checkpoint(&self.state)?;
        let message =
            format!("writing to cartridge {}, volume {sequence} of the set", chosen.barcode);
        self.context.tell(EventLevel::Info, "volume_chosen", message);
        Ok(Ok(self.state.segments.len() - 1))
    }

    /// Where the next segment begins: at the last one's checkpoint.
    pub(super) fn next_start(&self) -> Result<(u64, Option<SplitState>, u64), JobError> {
        let Some(last) = self.state.segments.last() else { return Ok((0, None, 0)) };
        let checkpoint = self.context.parts.catalog.segment(last.id)?.checkpoint;
        match checkpoint.resume {
            Some(value) => {
                let mark: Mark = serde_json::from_value(value).map_err(JobError::checkpoint)?;
                Ok((mark.ordinal, mark.split, mark.outcome_bytes))
            }
            None => Ok((last.start_ordinal, last.start_split, last.outcome_bytes)),
        }
    }

    fn candidates(&self) -> Result<Vec<Candidate>, JobError> {
        let parts = &self.context.parts;
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
            candidates.push(Candidate { barcode, generation: cartridge.generation, volume, room });
        }
        Ok(candidates)
    }
}

fn use_of(record: &VolumeRecord) -> VolumeUse {
    let uuid = record.volume.uuid;
    match (record.volume.state, &record.set) {
        (VolumeState::Blank, _) | (VolumeState::Open, None) => VolumeUse::Empty(uuid),
        (VolumeState::Open, Some((set, _))) => VolumeUse::Open(uuid, set.clone()),
        (VolumeState::Closed, _) => VolumeUse::Closed,
        (VolumeState::Foreign, _) => VolumeUse::Foreign,
        (VolumeState::Quarantined | VolumeState::Missing, _) => VolumeUse::Quarantined,
        (VolumeState::Erased, _) => VolumeUse::Unknown,
    }
}
