//! Takes over the volumes that were found: whose they are, their place in their set, their state.

use super::collect::{CollectedVolume, Trust};
use super::runs::{FoundRun, is_nearly_full};
use super::{Takeover, foreign_set};
use crate::catalog::{EventLevel, NewVolume, SetPlace, VolumeRecord, VolumeState};
use crate::domain::{Barcode, SetName};
use crate::jobs::error::JobError;
use crate::manifest;

/// How the reason begins for which a rebuild has put a volume aside; a later one takes it back by that.
const BY_REBUILD: &str = "its record cannot be relied on: ";

impl Takeover<'_> {
    /// Takes all volumes over.
    ///
    /// # Errors
    /// If the catalog cannot be written.
    pub(super) fn take_volumes(&mut self, runs: &[FoundRun<'_>]) -> Result<(), JobError> {
        for collected in self.found {
            if let Some(volume) = &collected.volume {
                self.take_volume(&collected.barcode, volume, runs)?;
            } else if let Some(note) = &collected.note {
                let message = format!("cartridge {} {note}", collected.barcode);
                self.context.tell(EventLevel::Info, "no_volume", message);
            }
        }
        Ok(())
    }

    fn take_volume(
        &mut self,
        barcode: &Barcode,
        volume: &CollectedVolume,
        runs: &[FoundRun<'_>],
    ) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let now = self.context.parts.clock.now();
        let known = catalog.find_volume(volume.uuid)?;
        let state = state_of(volume, known.as_ref(), runs);
        let is_same = known.as_ref().is_some_and(|known| known.volume.state == state);
        let new = NewVolume {
            uuid: volume.uuid,
            cartridge: Some(volume.cartridge),
            state,
            barcode: volume
                .record
                .as_ref()
                .and_then(|record| record.barcode.clone())
                .or_else(|| Some(barcode.clone())),
            name: volume.name.clone(),
            block_size: volume.block_size,
            index_partition: volume.index_partition,
            data_partition: volume.data.1,
            capacity: volume.capacity,
            formatted: volume.formatted,
        };
        let place = place_of(volume);
        match (&known, &place) {
            // What the catalog knows in full already stays as it is.
            (Some(known), _) if is_same && known.set.is_some() == place.is_some() => {
                catalog.saw_volume(&new)?;
            }
            (_, place) => catalog.rebuild_volume(&new, place.as_ref(), now)?,
        }
        let catalog = &self.context.parts.catalog;
        let generations = catalog.index_generations(volume.uuid)?;
        // Formatting notes no index: a blank volume has none of ours.
        let is_noted = generations.iter().any(|known| known.generation == volume.generation);
        if !is_noted && volume.trust != Trust::Empty {
            catalog.index_written(volume.uuid, &volume.index(), volume.used)?;
        }
        self.judge(barcode, volume, known.as_ref())?;
        self.volumes += 1;
        Ok(())
    }

    /// Says what is remarkable, and keeps what cannot be relied on from being used.
    fn judge(
        &mut self,
        barcode: &Barcode,
        volume: &CollectedVolume,
        known: Option<&VolumeRecord>,
    ) -> Result<(), JobError> {
        let (context, uuid) = (self.context, volume.uuid);
        let catalog = &context.parts.catalog;
        let now = context.parts.clock.now();
        match &volume.trust {
            Trust::Bad(reason) => {
                let is_quarantined =
                    known.is_some_and(|known| known.volume.state == VolumeState::Quarantined);
                if !is_quarantined {
                    let (quarantined, why) =
                        (VolumeState::Quarantined, format!("{BY_REBUILD}{reason}"));
                    catalog.set_volume_state(uuid, quarantined, Some(&why), now)?;
                }
                self.problem(format!("volume {uuid} on {barcode} is quarantined: {reason}"));
            }
            Trust::Foreign(key) => {
                let message = format!(
                    "volume {uuid} on {barcode} is signed by key {key}, which is not trusted here: it is \
                     foreign, and readable"
                );
                context.tell(EventLevel::Warning, "foreign_volume", message);
            }
            Trust::Nobodys => {
                let message = format!(
                    "volume {uuid} on {barcode} was written by another program: `fossilsafe ltfs ls` \
                     lists its files"
                );
                context.tell(EventLevel::Info, "foreign_volume", message);
            }
            Trust::Trusted | Trust::Empty => {}
        }
        // A person called it missing, and here it is; or a rebuild could not rely on its record, and this one
        // can. What a backup has set aside stays so: its cartridge failed.
        let is_back = |known: &VolumeRecord| match known.volume.state {
            VolumeState::Missing => true,
            VolumeState::Quarantined => {
                let reason = known.state_reason.as_deref().unwrap_or_default();
                reason.starts_with(BY_REBUILD) && !matches!(volume.trust, Trust::Bad(_))
            }
            _ => false,
        };
        if let Some(known) = known
            && is_back(known)
            && let Some(former) = known.former_state
        {
            catalog.set_volume_state(uuid, former, Some("found by a rebuild"), now)?;
            let state = known.volume.state.as_str();
            let message = format!("volume {uuid} on {barcode} is no longer {state}");
            context.tell(EventLevel::Info, "volume_back", message);
        }
        if !volume.is_on_both && !volume.manifests.is_empty() {
            self.problem(format!(
                "volume {uuid} on {barcode} has its newest index on one partition only: what is on it \
                 counts as flushed and not as indexed"
            ));
        }
        Ok(())
    }
}

/// The set that a volume belongs to, and its place there.
fn place_of(volume: &CollectedVolume) -> Option<SetPlace> {
    let of_record = |set: SetName, record: &manifest::VolumeRecord| SetPlace {
        set,
        copy: record.copy,
        sequence: record.sequence,
    };
    let record = volume.record.as_ref();
    match &volume.trust {
        Trust::Trusted => record.map(|record| of_record(record.set.clone(), record)),
        Trust::Foreign(key) => {
            record.map(|record| of_record(foreign_set(&record.set, key), record))
        }
        // Manifests that a trusted key signed still say where it belongs.
        Trust::Bad(_) => volume.manifests.iter().find(|m| m.foreign_key.is_none()).map(|m| {
            let header = &m.facts.header;
            SetPlace { set: header.set.clone(), copy: header.copy, sequence: header.sequence }
        }),
        Trust::Empty | Trust::Nobodys => None,
    }
}

fn state_of(
    volume: &CollectedVolume,
    known: Option<&VolumeRecord>,
    runs: &[FoundRun<'_>],
) -> VolumeState {
    match &volume.trust {
        Trust::Foreign(_) | Trust::Nobodys => return VolumeState::Foreign,
        Trust::Empty => return VolumeState::Blank,
        Trust::Trusted | Trust::Bad(_) => {}
    }
    match known.map(|known| known.volume.state) {
        // An intact catalog knows best whether something may be appended.
        Some(state @ (VolumeState::Open | VolumeState::Closed)) => state,
        _ if is_full(volume, runs) => VolumeState::Closed,
        _ => VolumeState::Open,
    }
}

/// True if the last run on the volume left it because it was full.
fn is_full(volume: &CollectedVolume, runs: &[FoundRun<'_>]) -> bool {
    let Some(last) = volume.manifests.iter().max_by_key(|manifest| manifest.facts.finished) else {
        return false;
    };
    let header = &last.facts.header;
    let run = runs.iter().find(|run| run.run == header.run);
    let went_on = run.is_some_and(|run| {
        run.parts.iter().any(|(other, manifest)| {
            other.uuid != volume.uuid
                && manifest.facts.header.copy == header.copy
                && manifest.facts.finished > last.facts.finished
        })
    });
    !last.facts.is_plan_done && (went_on || is_nearly_full(volume))
}
