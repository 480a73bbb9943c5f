//! Backup: from paths to volumes, with the evidence that each file has reached.
//!
//! ```text
//!  scan ─▶ plan ─▶ the copies that are least far ─▶ a volume for each ─▶ one read, all of them written
//!           │              ▲                          │ none, no drive:         │
//!           ▼              │                          │ that copy stays behind  ▼
//!   nothing changed:       └── not all are through ◀──┴──────────────────── all closed
//!   the run ends
//! ```
//!
//! **Copies.** Each copy of the set is a chain of volumes of its own and stands at a place of its own in the
//! plan. Those that stand at the same place are fed by one read, as far as there are drives; one that has
//! lost a cartridge or had no drive is caught up by a later read. The run is complete when every copy has
//! every file.
//!
//! **What survives.** The plan is made once. The checkpoint names the run, its segments and the plan;
//! how far a segment is stands in the catalog, in one transaction with the evidence. A job taken up
//! again mounts the volume, repairs what a crash left at its end, cuts its notes back to what the
//! catalog calls safe, and goes on behind that: nothing that was called flushed is written twice, and
//! nothing is called so that is not.

mod block_runs;
mod choosing;
mod closing;
mod copy_state;
mod cursor;
mod entries;
mod estimate;
mod files;
mod outcomes;
mod own_files;
mod plan;
mod recorder;
mod report;
mod resuming;
mod room;
mod rounds;
mod scan;
mod segment;
mod setback;
mod shown;
mod sink;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
mod volume_room;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

pub use estimate::{BackupEstimate, CopyEstimate, estimate};
pub(crate) use own_files::manifest_path;
pub use plan::PlanError;
pub(crate) use recorder::{PROBLEMS_FROM, REASON_CHANGED, REASON_VANISHED};

use super::context::{JobContext, make_folder};
use super::error::JobError;
use super::outcome::{Ending, Outcome, grouped};
use super::pool::{RunPolicy, policy_of, run_key};
use super::spec::{BackupMode, BackupSpec, Need};
use crate::catalog::{
    Catalog, CatalogError, EventLevel, FileTotals, NewRun, RunKind, RunState as CatalogRunState,
};
use crate::domain::{Barcode, ByteCount, CopyLetter, MIB, PoolName, RunId, SetName, Timestamp};
use crate::keys::KeyId;
use crate::source::LocalSource;
use crate::source::local::LocalOptions;
use copy_state::{CopyState, Reached};
use files::RunFiles;
use plan::{PlanTotals, PlanWriter};
use report::Standing;
use scan::Scan;
use shown::Shown;

/// The least room that is worth loading a cartridge for: labels, an index and some files.
const ROOM_MIN: ByteCount = ByteCount(16 * MIB);

/// A run as the job's checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RunState {
    run: RunId,
    mode: BackupMode,
    parent: Option<RunId>,
    started: Timestamp,
    totals: PlanTotals,
    /// True once the plan is complete.
    is_planned: bool,
    copies: Vec<CopyState>,
    /// The pool of the set, and the key that the whole run is sealed with.
    #[serde(default)]
    pool: Option<PoolName>,
    #[serde(default)]
    seal: Option<KeyId>,
    /// The data key from which that of the drives is made.
    #[serde(default)]
    drive_key: Option<KeyId>,
}

/// What a segment needs to know of its run.
#[derive(Clone, Debug)]
struct RunFacts {
    run: RunId,
    mode: BackupMode,
    parent: Option<RunId>,
    started: Timestamp,
    totals: PlanTotals,
    copies: u8,
    pool: Option<PoolName>,
    seal: Option<KeyId>,
    drive_key: Option<KeyId>,
}

impl RunFacts {
    /// The data key that a kit has to open before the run's files can be read.
    fn data_key(&self) -> Option<KeyId> {
        self.seal.or(self.drive_key)
    }
}

impl RunState {
    fn facts(&self) -> RunFacts {
        RunFacts {
            run: self.run.clone(),
            mode: self.mode,
            parent: self.parent.clone(),
            started: self.started,
            totals: self.totals,
            copies: u8::try_from(self.copies.len()).unwrap_or(u8::MAX),
            pool: self.pool.clone(),
            seal: self.seal,
            drive_key: self.drive_key,
        }
    }
}

/// Runs a backup, or goes on with one.
///
/// # Errors
/// If nothing can be done any more; what is on tape stays as the catalog says.
pub(super) fn run(
    context: &JobContext,
    spec: &BackupSpec,
    checkpoint: Option<serde_json::Value>,
) -> Result<Ending, JobError> {
    let options = LocalOptions {
        roots: spec.paths.clone(),
        excludes: spec.exclude.clone(),
        ..LocalOptions::default()
    };
    let source = Arc::new(LocalSource::open(&options)?);
    let state = match checkpoint {
        Some(value) => serde_json::from_value(value).map_err(JobError::checkpoint)?,
        None => begin(context, spec)?,
    };
    // A key server is asked here and not in the middle of a tape: the key stays in memory for the whole run.
    let _open = run_key(&context.parts, state.seal.or(state.drive_key))?;
    write_down(context, spec, &state)?;
    let folder = context.parts.folders.job(context.id);
    make_folder(&folder)?;
    let files = RunFiles::in_folder(folder);
    let run = state.run.clone();
    let backup = Backup::new(context, spec, source, files, state);
    backup.run().inspect_err(|error| {
        let (catalog, now) = (&context.parts.catalog, context.parts.clock.now());
        let failed = CatalogRunState::Failed;
        if let Err(error) = catalog.set_run_state(&run, failed, Some(&error.to_string()), now) {
            tracing::error!(job = context.id.0, %error, "the run's end could not be written");
        }
    })
}

/// Decides what run this is. The first run of a set is always full.
fn begin(context: &JobContext, spec: &BackupSpec) -> Result<RunState, JobError> {
    let catalog = &context.parts.catalog;
    let started = context.parts.clock.now();
    let copies = copies_of(catalog, spec)?;
    let RunPolicy { pool, seal, drive_key } = policy_of(&context.parts, spec)?;
    let parent = match spec.mode {
        BackupMode::Full => None,
        BackupMode::Incremental => last_run(catalog, &spec.set)?,
    };
    let mode = if parent.is_some() { BackupMode::Incremental } else { BackupMode::Full };
    let state = RunState {
        run: run_id(started, context.id),
        mode,
        parent,
        started,
        totals: PlanTotals::default(),
        is_planned: false,
        copies: CopyLetter::first(copies).map(CopyState::new).collect(),
        pool,
        seal,
        drive_key,
    };
    context.checkpoint(&state)?;
    Ok(state)
}

/// Writes the run down in the catalog, unless that was done before the job was interrupted. After the
/// checkpoint: a kill between the two leaves a job that knows its run, and never a run that no job knows.
fn write_down(context: &JobContext, spec: &BackupSpec, state: &RunState) -> Result<(), JobError> {
    let catalog = &context.parts.catalog;
    match catalog.run(&state.run) {
        Ok(_) => return Ok(()),
        Err(CatalogError::NotFound(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let copies = u8::try_from(state.copies.len()).unwrap_or(u8::MAX);
    let asked = BackupSpec { copies: Some(copies), pool: state.pool.clone(), ..spec.clone() };
    let value = serde_json::to_value(asked).map_err(JobError::checkpoint)?;
    catalog.put_set(&spec.set, &value, state.started)?;
    Ok(catalog.start_run(&NewRun {
        run: state.run.clone(),
        set: spec.set.clone(),
        kind: match state.mode {
            BackupMode::Full => RunKind::Full,
            BackupMode::Incremental => RunKind::Incremental,
        },
        parent: state.parent.clone(),
        copies,
        job: Some(context.id),
        started: state.started,
    })?)
}

/// The run that an incremental one follows; none if the set is new.
fn last_run(catalog: &Catalog, set: &SetName) -> Result<Option<RunId>, JobError> {
    match catalog.last_ended_run(set) {
        Ok(last) => Ok(last.map(|record| record.run.run)),
        Err(CatalogError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// How many copies the run writes: as many as it was asked for, or as the set had until now.
fn copies_of(catalog: &Catalog, spec: &BackupSpec) -> Result<u8, JobError> {
    let known = match catalog.set(&spec.set) {
        Ok(set) => set.spec.get("copies").and_then(serde_json::Value::as_u64),
        Err(CatalogError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let known = known.and_then(|copies| u8::try_from(copies).ok());
    let copies = spec.copies.or(known).unwrap_or(1);
    Ok(copies.clamp(1, CopyLetter::COPIES_MAX))
}

/// `20261123T072201Z-17`: sorts by time, reads as one, and two jobs never share it.
fn run_id(started: Timestamp, job: crate::domain::JobId) -> RunId {
    let text = started.to_string();
    let compact: String = text.chars().take(19).filter(|c| !matches!(c, '-' | ':')).collect();
    RunId(format!("{compact}Z-{job}"))
}

/// A backup at work.
struct Backup<'a> {
    context: &'a JobContext,
    spec: &'a BackupSpec,
    source: Arc<LocalSource>,
    files: RunFiles,
    state: RunState,
    /// Copies that cannot go on now, with what a person has to do first.
    held: BTreeMap<usize, Need>,
    /// Failures of devices since a copy's last segment was written.
    tries: BTreeMap<usize, usize>,
    /// The cartridge of which a person has heard that no drive was free for it.
    told_of_want: Option<Barcode>,
    /// Files and bytes that each copy has, for those who watch.
    shown: Shown,
    /// The staging folder has failed: the rest is written without it.
    staging_is_lost: AtomicBool,
}

impl<'a> Backup<'a> {
    fn new(
        context: &'a JobContext,
        spec: &'a BackupSpec,
        source: Arc<LocalSource>,
        files: RunFiles,
        state: RunState,
    ) -> Self {
        let shown = Shown::of(state.copies.len());
        let (held, tries, told_of_want) = (BTreeMap::new(), BTreeMap::new(), None);
        let staging_is_lost = AtomicBool::new(false);
        Self {
            context,
            spec,
            source,
            files,
            state,
            held,
            tries,
            told_of_want,
            shown,
            staging_is_lost,
        }
    }

    fn run(mut self) -> Result<Ending, JobError> {
        if !self.state.is_planned && !self.scan()? {
            return self.stopped();
        }
        let totals = self.state.totals;
        if totals.files_to_store + totals.described + totals.gone == 0 {
            return self.ended();
        }
        self.show_standing()?;
        loop {
            if self.context.is_stopped() {
                return self.stopped();
            }
            let group = self.least_far()?;
            if group.is_empty() {
                break;
            }
            let mut ready = Vec::new();
            for at in group {
                match self.choose(at)? {
                    Ok(segment) => ready.push((at, segment)),
                    Err(none) => self.hold_for_cartridge(at, &none)?,
                }
            }
            if !ready.is_empty() {
                self.write_round(&ready)?;
            }
        }
        match self.held.values().next().cloned() {
            Some(need) => Ok(Ending::Waiting(need, self.outcome(Standing::Unended)?)),
            None => self.ended(),
        }
    }

    /// Lets those who watch see from where each copy goes on.
    fn show_standing(&self) -> Result<(), JobError> {
        let totals = &self.state.totals;
        for (at, copy) in self.state.copies.iter().enumerate() {
            let reached = copy.reached(&self.context.parts.catalog)?;
            let done = match copy.is_done {
                true => (totals.files_to_store, totals.bytes_to_store),
                false => (reached.ordinal, reached.bytes),
            };
            let shown = self.shown.copy(at).note(done);
            self.context.update(|progress| (progress.files_done, progress.bytes_done) = shown);
        }
        Ok(())
    }

    /// The copies that stand at the least place in the plan, of those that can go on.
    fn least_far(&self) -> Result<Vec<usize>, JobError> {
        let catalog = &self.context.parts.catalog;
        let mut least: Option<(Reached, Vec<usize>)> = None;
        for (at, copy) in self.state.copies.iter().enumerate() {
            if copy.is_done || self.held.contains_key(&at) {
                continue;
            }
            let reached = copy.reached(catalog)?;
            match &mut least {
                Some((known, group))
                    if (reached.ordinal, reached.split) == (known.ordinal, known.split) =>
                {
                    group.push(at);
                }
                Some((known, _)) if reached.key() >= known.key() => {}
                _ => least = Some((reached, vec![at])),
            }
        }
        Ok(least.map(|(_, group)| group).unwrap_or_default())
    }

    /// Makes the plan; false if the job was stopped before it was complete.
    fn scan(&mut self) -> Result<bool, JobError> {
        self.context.stage("scanning", None);
        let catalog = &self.context.parts.catalog;
        let mut plan = PlanWriter::create(self.files.plan())?;
        let scan = Scan {
            watcher: self.context,
            previous: Some(catalog.previous_entries(&self.spec.set, &self.state.run)?),
            mode: self.state.mode,
            copies: self.state.copies.iter().map(|copy| copy.copy).collect(),
            compression: self.spec.compression,
            is_sealed: self.state.seal.is_some(),
            plan: &mut plan,
            levels: Vec::new(),
            seen: 0,
        };
        if !scan.run(self.source.as_ref())? {
            return Ok(false);
        }
        let totals = plan.finish()?;
        let files = |files, bytes| FileTotals { files, bytes: ByteCount(bytes) };
        catalog.set_run_plan(
            &self.state.run,
            files(totals.files_to_store, totals.bytes_to_store),
            files(totals.files_unchanged, totals.bytes_unchanged),
        )?;
        self.state.totals = totals;
        self.state.is_planned = true;
        self.context.update(|progress| {
            progress.files_total = totals.files_to_store;
            progress.bytes_total = totals.bytes_to_store;
        });
        self.context.checkpoint(&self.state)?;
        let message = format!(
            "{} files with {} to write, {} unchanged",
            grouped(totals.files_to_store),
            ByteCount(totals.bytes_to_store),
            grouped(totals.files_unchanged)
        );
        self.context.tell(EventLevel::Info, "planned", message);
        Ok(true)
    }

    fn stopped(self) -> Result<Ending, JobError> {
        if self.context.is_interrupted() {
            return Ok(Ending::Interrupted);
        }
        let now = self.context.parts.clock.now();
        let reason = Some("cancelled by a person");
        let run = &self.state.run;
        self.context.parts.catalog.set_run_state(run, CatalogRunState::Cancelled, reason, now)?;
        let mut outcome = self.outcome(Standing::Unended)?;
        outcome.sentence = format!("cancelled after {}", outcome.sentence);
        Ok(Ending::Cancelled(outcome))
    }

    fn ended(self) -> Result<Ending, JobError> {
        let mut outcome = self.outcome(Standing::Ended)?;
        self.add_lost_unchanged(&mut outcome)?;
        let catalog = &self.context.parts.catalog;
        let now = self.context.parts.clock.now();
        let is_complete = outcome.problems_total == 0;
        let state =
            if is_complete { CatalogRunState::Complete } else { CatalogRunState::Incomplete };
        catalog.set_run_state(&self.state.run, state, Some(&outcome.sentence), now)?;
        Ok(if is_complete { Ending::Completed(outcome) } else { Ending::Incomplete(outcome) })
    }

    fn outcome(&self, standing: Standing) -> Result<Outcome, JobError> {
        let unchanged = self.state.totals.files_unchanged;
        let copies = self.state.copies.iter().map(|copy| copy.copy).collect();
        let run = report::Run { run: &self.state.run, copies, unchanged };
        report::outcome_of(&self.context.parts.catalog, &run, standing)
    }
}
