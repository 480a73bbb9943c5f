//! Verify: every byte of the chosen copies is read from tape again and its hash compared.
//!
//! ```text
//!  plan ─▶ load (again, if it was in the drive) ─▶ the right volume? ─▶ its index lists the copies?
//!                                                                                  │
//!      ┌── next segment ◀── receipt ◀── read in tape order, said by ranges ◀── manifest whole? signed?
//!      ▼
//!  next volume … ─▶ complete, or incomplete with the files and cartridges that are not proven
//! ```
//!
//! *Read back* is said only of what came off the tape after the cartridge had left the drive, from the
//! place that the volume's own index names. What has no bytes of its own (folders, links, devices)
//! stands in the manifest, and counts as read when the manifest on the tape is the one that was
//! signed. A cartridge that is missing or is another one costs its files and no others.

mod encrypted;
mod places;
mod plan;
mod receipt;
mod tracker;
mod volume;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::plan::{VerifyPlan, VolumePlan};
use self::volume::VolumeEnd;
use super::context::{JobContext, make_folder};
use super::equipment::EquipmentError;
use super::error::JobError;
use super::outcome::{Ending, Outcome, grouped};
use super::pool::hold_keys;
use super::spec::VerifySpec;
use super::volume::is_the_cartridges;
use crate::catalog::EventLevel;
use crate::domain::{ByteCount, RunId, SourcePath, VolumeUuid};

pub(crate) use places::IndexedPlaces;
pub(crate) use receipt::Receipt;
pub(crate) use volume::NOT_LISTED;

/// How far a verification is, as the job's checkpoint keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The run that was a set's newest when the job began.
    run: Option<RunId>,
    /// The first copy of each segment that has no verdict.
    next: BTreeMap<i64, u64>,
    /// Bytes of the notes on each segment that belong to what has a verdict.
    noted: BTreeMap<i64, u64>,
    /// Segments that have their receipt.
    closed: BTreeSet<i64>,
    /// Volumes that are through, read or given up.
    done: BTreeSet<VolumeUuid>,
    /// Copies that have a verdict.
    entries_done: u64,
    /// What came of it so far.
    outcome: Outcome,
}

/// Runs a verification, or goes on with one.
///
/// # Errors
/// If there is nothing of that name, or devices or catalog fail; what was read before counts.
pub(super) fn run(context: &JobContext, spec: &VerifySpec) -> Result<Ending, JobError> {
    let parts = &context.parts;
    let mut state = match parts.catalog.job(context.id)?.checkpoint {
        Some(value) => serde_json::from_value(value).map_err(JobError::checkpoint)?,
        None => State::default(),
    };
    context.stage("planning", None);
    let plan = VerifyPlan::make(context, &spec.scope, &mut state)?;
    let _keys = hold_keys(parts, &plan.sets())?;
    context.update(|progress| {
        progress.files_total = plan.entries;
        progress.bytes_total = plan.bytes;
        progress.files_done = state.entries_done;
        progress.bytes_done = state.outcome.bytes;
    });
    make_folder(&parts.folders.job(context.id))?;
    context.checkpoint(&state)?;
    if let Ok(inventory) = parts.equipment.inventory() {
        super::inventory::note(parts, &inventory)?;
    }
    for volume in &plan.volumes {
        let uuid = volume.record.volume.uuid;
        if state.done.contains(&uuid) {
            continue;
        }
        context.safe_point();
        if context.is_stopped() {
            return Ok(stopped(context, state));
        }
        match volume::verify(context, volume, &mut state) {
            Ok(VolumeEnd::Read) => {}
            Ok(VolumeEnd::Stopped) | Err(JobError::Equipment(EquipmentError::Stopped)) => {
                return Ok(stopped(context, state));
            }
            Err(error) if is_the_cartridges(&error) => give_up(context, volume, &mut state, &error),
            Err(error) => return Err(error),
        }
        state.done.insert(uuid);
        context.checkpoint(&state)?;
    }
    Ok(ended(state))
}

/// Lists a volume that could not be read (to its end) as a problem, and goes on without it.
fn give_up(context: &JobContext, volume: &VolumePlan, state: &mut State, error: &JobError) {
    let left: u64 = volume
        .segments
        .iter()
        .map(|segment| {
            let next = state.next.get(&segment.record.id.0).copied().unwrap_or(0);
            let rest =
                segment.ranges.iter().map(|range| range.end.max(next) - range.start.max(next));
            rest.sum::<u64>()
        })
        .sum();
    let name =
        volume.barcode.as_ref().map_or_else(|| "no cartridge".to_owned(), ToString::to_string);
    let uuid = volume.record.volume.uuid;
    let message =
        format!("{} entries on volume {uuid} ({name}) were not read: {error}", grouped(left));
    context.tell(EventLevel::Error, "cartridge_not_verified", message.clone());
    state.outcome.add_problem(&SourcePath::top(), "not_verified", message);
    state.outcome.problems_total += left.saturating_sub(1);
}

fn stopped(context: &JobContext, mut state: State) -> Ending {
    if context.is_interrupted() {
        return Ending::Interrupted;
    }
    state.outcome.sentence = format!("cancelled after {}", sentence(&state.outcome));
    Ending::Cancelled(state.outcome)
}

fn ended(mut state: State) -> Ending {
    state.outcome.sentence = sentence(&state.outcome);
    match state.outcome.problems_total {
        0 => Ending::Completed(state.outcome),
        _ => Ending::Incomplete(state.outcome),
    }
}

fn sentence(outcome: &Outcome) -> String {
    let files = grouped(outcome.files);
    let bytes = ByteCount(outcome.bytes);
    match outcome.problems_total {
        0 => format!("{files} files, {bytes}, all of them read back"),
        problems => {
            format!("{files} files, {bytes} read back; {} are not proven", grouped(problems))
        }
    }
}
