//! What a restore would read and what it could not bring back, without doing it.

use std::sync::atomic::{AtomicI64, Ordering};

use super::choice::Choice;
use super::shelf::Shelf;
use crate::catalog::ItemState;
use crate::domain::{Barcode, ByteCount, JobId, VolumeUuid};
use crate::jobs::calibration::{ExchangeEstimate, exchanges};
use crate::jobs::context::Parts;
use crate::jobs::error::JobError;
use crate::jobs::outcome::grouped;
use crate::jobs::spec::{Place, RestoreSpec};

/// A plan's choice is kept like a job's, under a number that no job has.
static NEXT_PLAN: AtomicI64 = AtomicI64::new(-1);

/// What a restore would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestorePlan {
    /// Things that can be restored from the cartridges that are here: files, folders, links.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The volumes that are here, in the order in which they are read.
    pub volumes: Vec<NeededVolume>,
    /// The volumes that somebody has to bring.
    pub missing: Vec<NeededVolume>,
    /// Files on volumes that were erased.
    pub files_without_copy: u64,
    /// What bringing and returning cartridges takes; absent where people load the drives.
    pub exchange: Option<ExchangeEstimate>,
    /// One sentence for people.
    pub sentence: String,
}

/// A volume that a restore needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededVolume {
    /// The volume.
    pub volume: VolumeUuid,
    /// Its cartridge, if known.
    pub barcode: Option<Barcode>,
    /// Where the cartridge is in the library.
    pub place: Option<Place>,
    /// Files, or parts of files, on it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Says what the restore would do. Changes nothing.
///
/// # Errors
/// If the run is not known or has nothing of what was asked for, or the catalog fails.
pub fn plan(parts: &Parts, spec: &RestoreSpec) -> Result<RestorePlan, JobError> {
    let job = JobId(NEXT_PLAN.fetch_sub(1, Ordering::Relaxed));
    let planned = plan_as(parts, job, spec);
    parts.catalog.drop_selection(job)?;
    planned
}

fn plan_as(parts: &Parts, job: JobId, spec: &RestoreSpec) -> Result<RestorePlan, JobError> {
    let shelf = Shelf::look(parts)?;
    Choice::make(parts, job, &spec.selection, &shelf)?;
    let mut plan = RestorePlan::default();
    for share in parts.catalog.selection_volumes(job)? {
        let place = shelf.find(parts, share.volume)?;
        let of = |state: ItemState| share.totals.get(&state).copied().unwrap_or_default();
        let (waiting, missing) = (of(ItemState::Waiting), of(ItemState::Missing));
        let (files, bytes) =
            (waiting.files + missing.files, ByteCount(waiting.bytes.0 + missing.bytes.0));
        let is_here = place.is_here && !place.is_erased;
        let needed = NeededVolume {
            volume: share.volume,
            barcode: place.barcode,
            place: place.place,
            files,
            bytes: bytes.0,
        };
        if place.is_erased {
            plan.files_without_copy += files;
        } else if is_here {
            plan.files += files;
            plan.bytes += bytes.0;
            plan.volumes.push(needed);
        } else {
            plan.missing.push(needed);
        }
    }
    plan.exchange = exchanges(parts, plan.volumes.len() as u64)?;
    plan.sentence = sentence(&plan);
    Ok(plan)
}

fn sentence(plan: &RestorePlan) -> String {
    let names = |volumes: &[NeededVolume]| {
        let names: Vec<String> = volumes.iter().map(name).collect();
        names.join(", ")
    };
    let mut sentence = format!("{} files, {}", grouped(plan.files), ByteCount(plan.bytes));
    if !plan.volumes.is_empty() {
        sentence.push_str(&format!(" from {}", names(&plan.volumes)));
    }
    if !plan.missing.is_empty() {
        let files = plan.missing.iter().map(|volume| volume.files).sum();
        let missing = names(&plan.missing);
        sentence.push_str(&format!("; put {missing} into the library for {} more", grouped(files)));
    }
    if plan.files_without_copy > 0 {
        let lost = grouped(plan.files_without_copy);
        sentence.push_str(&format!("; {lost} are on volumes that were erased"));
    }
    sentence
}

fn name(volume: &NeededVolume) -> String {
    match &volume.barcode {
        Some(barcode) => barcode.to_string(),
        None => format!("the cartridge with volume {}", volume.volume),
    }
}
