//! What a backup would do: the scan without its plan, and the cartridges that it would go to. Changes
//! nothing and touches no device.
//!
//! The figures are those of the moment. Compression is not counted in, since nobody knows what it gives, and the
//! time is that of the drives at their best: a source that is slower makes it longer.

use std::cell::Cell;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choosing::candidates;
use super::plan::{Action, PlanStep, PlanTotals, StepSink};
use super::scan::{Scan, ScanWatcher};
use super::volume_room::overhead_of;
use super::{ROOM_MIN, copies_of, last_run};
use crate::catalog::CatalogError;
use crate::domain::{Barcode, CopyLetter, LtoGeneration};
use crate::jobs::calibration::{ExchangeEstimate, exchanges};
use crate::jobs::context::Parts;
use crate::jobs::error::JobError;
use crate::jobs::outcome::grouped;
use crate::jobs::pool::policy_of;
use crate::jobs::spec::{BackupMode, BackupSpec};
use crate::pools::{Candidate, Demand, choose_volume};
use crate::source::LocalSource;
use crate::source::local::LocalOptions;
use crate::spool::SpoolError;

/// Entries after which the walk ends: whoever waits for an answer waits for a minute at most on a fast disk.
const ENTRIES_MAX: u64 = 5_000_000;
/// Paths and problems that are named.
const NAMED_MAX: usize = 100;

/// What a backup would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackupEstimate {
    /// In one sentence.
    pub sentence: String,
    /// Full or incremental: the first run of a set is always full.
    pub mode: BackupMode,
    /// False if the walk ended at its limit: there is more than is said here.
    pub is_whole: bool,
    /// Files whose content would go to tape.
    pub files_to_store: u64,
    /// Their bytes.
    pub bytes_to_store: u64,
    /// Files that are skipped, because every copy of the set has them in an index.
    pub files_unchanged: u64,
    /// Their bytes.
    pub bytes_unchanged: u64,
    /// What earlier runs have stored and is not there any more.
    pub files_gone: u64,
    /// What could not be looked at.
    pub problems: u64,
    /// The first files that would be stored.
    pub first_files: Vec<String>,
    /// The first problems, each with its path.
    pub first_problems: Vec<String>,
    /// Each copy of the set.
    pub copies: Vec<CopyEstimate>,
    /// How long the drives need at their best rate, copies at the same time where there are drives for them.
    pub seconds_at_best: u64,
    /// What bringing and returning cartridges adds, copies at the same time; absent where people load the drives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeEstimate>,
}

/// Where a copy would go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyEstimate {
    /// Which.
    pub copy: CopyLetter,
    /// The cartridges that would be written, in this order.
    pub cartridges: Vec<Barcode>,
    /// Bytes for which no formatted cartridge is at hand.
    pub bytes_without_room: u64,
    /// So many empty cartridges as the drives here like best would take them.
    pub cartridges_missing: u64,
    /// Why others would not be written, the first few.
    pub passed_over: Vec<String>,
}

/// Looks what a backup would do.
///
/// # Errors
/// If the sources cannot be walked, the pool refuses, or the catalog fails.
pub fn estimate(parts: &Parts, spec: &BackupSpec) -> Result<BackupEstimate, JobError> {
    let options = LocalOptions {
        roots: spec.paths.clone(),
        excludes: spec.exclude.clone(),
        ..LocalOptions::default()
    };
    let source = LocalSource::open(&options)?;
    let seal = policy_of(parts, spec)?.seal;
    let copies: Vec<CopyLetter> = CopyLetter::first(copies_of(&parts.catalog, spec)?).collect();
    let parent = match spec.mode {
        BackupMode::Full => None,
        BackupMode::Incremental => last_run(&parts.catalog, &spec.set)?,
    };
    let mode = if parent.is_some() { BackupMode::Incremental } else { BackupMode::Full };
    let previous = match parts.catalog.newest_entries(&spec.set) {
        Ok(previous) => Some(previous),
        Err(CatalogError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let mut found = Found::default();
    let patience = Patience(Cell::new(0));
    let scan = Scan {
        watcher: &patience,
        previous,
        mode,
        copies: copies.clone(),
        compression: spec.compression,
        is_sealed: seal.is_some(),
        plan: &mut found,
        levels: Vec::new(),
        seen: 0,
    };
    let is_whole = scan.run(&source)?;
    let Found { totals, files, problems } = found;
    let needed = if totals.files_to_store == 0 {
        0
    } else {
        totals.bytes_to_store + overhead_of(totals.files_to_store)
    };
    let at_hand = candidates(parts)?;
    let drives = parts.equipment.generations();
    let copies = places(spec, &copies, &at_hand, &drives, needed);
    Ok(BackupEstimate {
        sentence: sentence(&totals, &copies, is_whole),
        mode,
        is_whole,
        files_to_store: totals.files_to_store,
        bytes_to_store: totals.bytes_to_store,
        files_unchanged: totals.files_unchanged,
        bytes_unchanged: totals.bytes_unchanged,
        files_gone: totals.gone,
        problems: totals.problems,
        first_files: files,
        first_problems: problems,
        exchange: exchanges(parts, cartridges_of(&copies))?,
        seconds_at_best: seconds(totals.bytes_to_store, copies.len(), &drives),
        copies,
    })
}

/// Lets a scan go on for so many entries.
struct Patience(Cell<u64>);

impl ScanWatcher for Patience {
    fn goes_on(&self) -> bool {
        self.0.set(self.0.get() + 1);
        self.0.get() <= ENTRIES_MAX
    }

    fn tell(&self, _: PlanTotals) {}
}

/// Counts steps, and keeps the first that are of interest.
#[derive(Debug, Default)]
struct Found {
    totals: PlanTotals,
    files: Vec<String>,
    problems: Vec<String>,
}

impl StepSink for Found {
    fn totals(&self) -> PlanTotals {
        self.totals
    }

    fn push(&mut self, step: &PlanStep) -> Result<(), SpoolError> {
        self.totals.add(step);
        match step {
            PlanStep::Entry(planned)
                if matches!(planned.action, Action::Store { .. })
                    && self.files.len() < NAMED_MAX =>
            {
                self.files.push(format!("/{}", planned.entry.path));
            }
            PlanStep::Problem { path, reason } if self.problems.len() < NAMED_MAX => {
                self.problems.push(format!("/{path}: {reason}"));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Gives each copy cartridges as the backup would: no cartridge is given twice.
fn places(
    spec: &BackupSpec,
    copies: &[CopyLetter],
    at_hand: &[Candidate],
    drives: &[LtoGeneration],
    needed: u64,
) -> Vec<CopyEstimate> {
    let mut given: Vec<Barcode> = Vec::new();
    let place = |&copy: &CopyLetter| {
        let (mut cartridges, mut left, mut passed_over) = (Vec::new(), needed, Vec::new());
        while left > 0 {
            let demand = Demand {
                set: &spec.set,
                copy,
                named: &spec.cartridges,
                tried: &given,
                drives,
                room_min: ROOM_MIN,
            };
            match choose_volume(at_hand, &demand) {
                Ok(chosen) => {
                    left = left.saturating_sub(chosen.room.0);
                    given.push(chosen.barcode.clone());
                    cartridges.push(chosen.barcode.clone());
                }
                Err(none) => {
                    let others = none.refusals.into_iter();
                    let others = others.filter(|(barcode, _)| !given.contains(barcode));
                    let others = others.map(|(barcode, why)| format!("{barcode}: {why}"));
                    passed_over = others.take(NAMED_MAX).collect();
                    break;
                }
            }
        }
        let capacity = drives.iter().map(|drive| drive.native_capacity().0).max().unwrap_or(0);
        let cartridges_missing = if capacity == 0 { 0 } else { left.div_ceil(capacity) };
        CopyEstimate { copy, cartridges, bytes_without_room: left, cartridges_missing, passed_over }
    };
    copies.iter().map(place).collect()
}

/// How many cartridges the longest of the copies is written to.
fn cartridges_of(copies: &[CopyEstimate]) -> u64 {
    copies.iter().map(|copy| copy.cartridges.len() as u64).max().unwrap_or(0)
}

/// Rounds of as many copies as there are drives, each at the best rate of the slowest drive.
fn seconds(bytes: u64, copies: usize, drives: &[LtoGeneration]) -> u64 {
    let rates = drives.iter().map(|drive| drive.streaming_max_bytes_per_second());
    let Some(rate) = rates.min().filter(|rate| *rate > 0) else { return 0 };
    let rounds = copies.div_ceil(drives.len().max(1)) as u64;
    bytes.div_ceil(rate) * rounds
}

fn sentence(totals: &PlanTotals, copies: &[CopyEstimate], is_whole: bool) -> String {
    use crate::domain::ByteCount;
    let at_least = if is_whole { "" } else { "at least " };
    let stored = format!(
        "{at_least}{} files ({}) would be written, and {} ({}) are safe already",
        grouped(totals.files_to_store),
        ByteCount(totals.bytes_to_store),
        grouped(totals.files_unchanged),
        ByteCount(totals.bytes_unchanged)
    );
    let lacking = copies.iter().find(|copy| copy.bytes_without_room > 0);
    match lacking {
        Some(copy) => format!(
            "{stored}; copy {} lacks room for {}: format another cartridge",
            copy.copy,
            ByteCount(copy.bytes_without_room)
        ),
        None => format!("{stored}; there is room for all of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ByteCount, VolumeUuid};
    use crate::pools::VolumeUse;

    fn candidate(barcode: &str, room: u64) -> Candidate {
        Candidate {
            barcode: barcode.parse().unwrap(),
            generation: Some(LtoGeneration::Lto9),
            volume: VolumeUse::Empty(VolumeUuid::random()),
            room: ByteCount(room),
            is_locked: false,
        }
    }

    #[test]
    fn each_copy_gets_cartridges_of_its_own_and_what_is_lacking_is_said() {
        let spec: BackupSpec =
            serde_json::from_str(r#"{"set":"photos","paths":["/srv"],"copies":2}"#).unwrap();
        let gib = 1 << 30;
        let at_hand =
            [candidate("FSP001L9", gib), candidate("FSP002L9", gib), candidate("FSP003L9", gib)];
        let drives = [LtoGeneration::Lto9];
        let copies = places(&spec, &[CopyLetter::A, CopyLetter::B], &at_hand, &drives, 3 * gib / 2);
        let names = |at: usize| -> Vec<&str> {
            copies[at].cartridges.iter().map(Barcode::as_str).collect()
        };
        assert_eq!((names(0), names(1)), (vec!["FSP001L9", "FSP002L9"], vec!["FSP003L9"]));
        assert_eq!((copies[0].bytes_without_room, copies[1].bytes_without_room), (0, gib / 2));
        assert_eq!((copies[0].cartridges_missing, copies[1].cartridges_missing), (0, 1));
    }

    #[test]
    fn copies_at_the_same_time_cost_the_time_of_one() {
        let lto9 = LtoGeneration::Lto9;
        let rate = lto9.streaming_max_bytes_per_second();
        assert_eq!(seconds(100 * rate, 2, &[lto9, lto9]), 100);
        assert_eq!(seconds(100 * rate, 3, &[lto9, lto9]), 200);
        assert_eq!(seconds(100 * rate, 1, &[]), 0);
    }
}
