//! Rebuild: the catalog made from the tapes alone. Reads only; nothing is written to a cartridge.
//!
//! ```text
//!  each cartridge: load ─▶ mount ─▶ volume.json, manifests: whole? signed by whom? in the index? ─┐
//!                                                                                                │
//!  catalog ◀─ what was gone ◀─ receipts ◀─ segments in backup's order ◀─ runs, oldest first ◀─ volumes
//! ```
//!
//! Everything can be done again: what the catalog has from the same manifest stays untouched, so on an
//! intact catalog a rebuild changes nothing, and a cartridge that turns up later is added by another
//! one. A backup that is at work, or waits, is left alone.
//!
//! **Trust.** What a trusted key signed is ours. What another key signed is *foreign*: it goes into a
//! set of its own, `<set>.foreign-<key>`, so that no tape of strangers puts a newer version before
//! a file of ours. What names a trusted key and was not signed by it is quarantined.
//!
//! **What cannot come back**: runs that found nothing to do and wrote to no tape, jobs, and evidence
//! above *indexed* without its signed receipt.

mod collect;
mod facts;
mod found_copy;
mod kept;
mod presence;
mod receipts;
mod runs;
mod segment;
mod volumes;

#[cfg(test)]
mod tests;

use std::path::Path;

use self::collect::{Collected, collect};
use super::context::{JobContext, make_folder};
use super::equipment::EquipmentError;
use super::error::JobError;
use super::outcome::{Ending, Outcome, grouped};
use super::spec::RebuildSpec;
use super::volume::{is_the_cartridges, with_tries};
use crate::catalog::{EventLevel, SetRecord};
use crate::domain::{Barcode, SetName, SourcePath};
use crate::durable::{self, ANYBODY};

/// Bytes of a set's name that are left beside `.foreign-` and a key's 16 digits within the 64 allowed.
const FOREIGN_SET_BYTES_MAX: usize = 39;

/// Runs a rebuild, or goes on with one.
///
/// # Errors
/// If a device, the disk or the catalog fails. What is wrong with a cartridge is in the outcome.
pub(super) fn run(context: &JobContext, spec: &RebuildSpec) -> Result<Ending, JobError> {
    let parts = &context.parts;
    make_folder(&parts.folders.job(context.id))?;
    let inventory = parts.equipment.inventory();
    if let Ok(inventory) = &inventory {
        super::inventory::note(parts, inventory)?;
    }
    let barcodes: Vec<Barcode> = if spec.barcodes.is_empty() {
        let inventory = inventory?;
        let full = inventory.elements.iter().filter(|element| element.is_full);
        let mut labels: Vec<_> = full.filter_map(|element| element.barcode.clone()).collect();
        labels.retain(|barcode| !barcode.is_cleaning());
        labels.sort();
        labels
    } else {
        spec.barcodes.clone()
    };
    context.update(|progress| progress.files_total = barcodes.len() as u64);
    let mut found = Vec::new();
    for barcode in &barcodes {
        context.safe_point();
        if context.is_stopped() {
            return Ok(stopped(context, Outcome::default()));
        }
        match look_at(context, barcode) {
            Ok(collected) => found.push(collected),
            Err(JobError::Equipment(EquipmentError::Stopped)) => {
                return Ok(stopped(context, Outcome::default()));
            }
            Err(error) => return Err(error),
        }
        context.update(|progress| progress.files_done += 1);
    }
    context.stage("filling the catalog", None);
    let mut takeover = Takeover {
        context,
        found: &found,
        outcome: Outcome::default(),
        volumes: 0,
        runs: 0,
        files: 0,
    };
    takeover.run()?;
    let outcome = takeover.outcome;
    Ok(match (context.is_stopped(), outcome.problems_total) {
        (true, _) => stopped(context, outcome),
        (false, 0) => Ending::Completed(outcome),
        (false, _) => Ending::Incomplete(outcome),
    })
}

fn stopped(context: &JobContext, mut outcome: Outcome) -> Ending {
    if context.is_interrupted() {
        return Ending::Interrupted;
    }
    if outcome.sentence.is_empty() {
        "cancelled before anything was taken over".clone_into(&mut outcome.sentence);
    }
    Ending::Cancelled(outcome)
}

/// What is on a cartridge: from the job's own notes if it was looked at before an interruption.
fn look_at(context: &JobContext, barcode: &Barcode) -> Result<Collected, JobError> {
    let folder = context.parts.folders.job(context.id);
    let notes = folder.join(format!("{barcode}.json"));
    if let Some(collected) = read_notes(&notes) {
        return Ok(collected);
    }
    let collected = with_tries(context, barcode, || load_and_collect(context, barcode));
    let collected = match collected {
        Ok(collected) => collected,
        Err(error) if is_the_cartridges(&error) => Collected {
            barcode: barcode.clone(),
            note: None,
            problems: vec![format!("cartridge {barcode} was not read: {error}")],
            volume: None,
        },
        Err(error) => return Err(error),
    };
    let json = |source| JobError::Json { what: "notes", source };
    let text = serde_json::to_vec(&collected).map_err(json)?;
    durable::replace(&notes, &text, ANYBODY).map_err(JobError::io("write", &notes))?;
    Ok(collected)
}

/// Notes that cannot be read are made again from the tape.
fn read_notes(path: &Path) -> Option<Collected> {
    let text = std::fs::read(path).ok()?;
    serde_json::from_slice(&text).ok()
}

fn load_and_collect(context: &JobContext, barcode: &Barcode) -> Result<Collected, JobError> {
    context.stage("loading", Some(barcode));
    let equipment = &context.parts.equipment;
    let mut loaded = equipment.load(barcode, context, &mut |wait| context.tell_wait(wait))?;
    let collected = collect(context, &mut loaded);
    context.stage("putting the cartridge away", Some(barcode));
    if let Err(error) = loaded.put_away() {
        let message = format!("cartridge {barcode} could not be put away: {error}");
        context.tell(EventLevel::Warning, "put_away", message);
    }
    collected
}

/// Brings what was found into the catalog.
struct Takeover<'a> {
    context: &'a JobContext,
    found: &'a [Collected],
    outcome: Outcome,
    volumes: u64,
    runs: u64,
    files: u64,
}

impl Takeover<'_> {
    fn run(&mut self) -> Result<(), JobError> {
        for reason in self.found.iter().flat_map(|collected| &collected.problems) {
            self.problem(reason.clone());
        }
        let runs = runs::found_runs(self.found);
        self.take_volumes(&runs)?;
        let changed = self.take_runs(&runs)?;
        self.bury_gone(&changed)?;
        self.outcome.files = self.files;
        self.outcome.sentence = format!(
            "{} volumes found, {} runs with {} files taken over; {} problems",
            grouped(self.volumes),
            grouped(self.runs),
            grouped(self.files),
            grouped(self.outcome.problems_total)
        );
        Ok(())
    }

    fn problem(&mut self, reason: String) {
        if self.outcome.problems.iter().any(|problem| problem.reason == reason) {
            return;
        }
        self.context.tell(EventLevel::Error, "rebuild_problem", reason.clone());
        self.outcome.add_problem(&SourcePath::top(), "rebuild", reason);
    }
}

/// The set in which the catalog keeps what a stranger's set holds.
fn foreign_set(set: &SetName, key: &str) -> SetName {
    let name = set.as_str();
    let name = &name[..name.len().min(FOREIGN_SET_BYTES_MAX)];
    // A name of letters and digits with more of them behind it is one again.
    format!("{name}.foreign-{key}").parse().unwrap_or_else(|_| set.clone())
}

/// The folder of a set on its volumes: its name, but for a stranger's.
pub(crate) fn set_folder(set: &SetRecord) -> String {
    let original = set.spec.pointer("/foreign/set").and_then(serde_json::Value::as_str);
    original.map_or_else(|| set.name.to_string(), ToOwned::to_owned)
}
