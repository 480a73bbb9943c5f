//! Backup: from paths to volumes, with the evidence that each file has reached.
//!
//! ```text
//!  scan ─▶ plan ─▶ choose a volume ─▶ write a segment ─▶ closed ─┬─▶ plan done: the run ends
//!           │          ▲    │ none: wait for a person            │
//!           │          │    ▼                                    │
//!           │          └─ volume full ◀──────────────────────────┘
//!           ▼
//!   nothing changed: the run ends
//! ```
//!
//! **What survives.** The plan is made once. The checkpoint names the run, its segments and the plan;
//! how far a segment is stands in the catalog, in one transaction with the evidence. A job taken up
//! again mounts the volume, repairs what a crash left at its end, cuts its notes back to what the
//! catalog calls safe, and goes on behind that: nothing that was called flushed is written twice, and
//! nothing is called so that is not.

mod block_runs;
mod choosing;
mod closing;
mod cursor;
mod entries;
mod files;
mod outcomes;
mod own_files;
mod plan;
mod recorder;
mod resuming;
mod report;
mod scan;
mod segment;
mod sink;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
mod volume_room;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use own_files::manifest_path;
pub use plan::PlanError;
pub(crate) use recorder::{CODEC_ZSTD, PROBLEMS_FROM, REASON_CHANGED, REASON_VANISHED};

use super::context::{JobContext, make_folder};
use super::equipment::EquipmentError;
use super::error::JobError;
use super::identity::IdentityError;
use super::outcome::{Ending, Outcome, grouped};
use super::spec::{BackupMode, BackupSpec, Need};
use crate::catalog::{
    EventLevel, FileTotals, NewRun, RunKind, RunState as CatalogRunState, VolumeState,
};
use crate::domain::{Barcode, ByteCount, MIB, RunId, Timestamp};
use crate::drive::DriveErrorKind;
use crate::pools::NoCandidate;
use crate::source::local::LocalOptions;
use crate::source::{LocalSource, Source};
use files::RunFiles;
use plan::{PlanTotals, PlanWriter};
use report::Standing;
use scan::Scan;
use segment::{Segment, SegmentEnd, SegmentState};

/// The least room that is worth loading a cartridge for: labels, an index and some files.
const ROOM_MIN: ByteCount = ByteCount(16 * MIB);
/// Cartridges that may fail one after the other before the job asks a person.
const FAILED_CARTRIDGES_MAX: usize = 3;

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
    segments: Vec<SegmentState>,
    /// Cartridges that this run has filled or failed on.
    tried: Vec<Barcode>,
    /// Those of them that it failed on, with the reason.
    #[serde(default)]
    given_up: Vec<(Barcode, String)>,
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
    let folder = context.parts.folders.job(context.id);
    make_folder(&folder)?;
    let files = RunFiles::in_folder(folder);
    let run = state.run.clone();
    let backup = Backup { context, spec, source, files, state };
    backup.run().inspect_err(|error| {
        let (catalog, now) = (&context.parts.catalog, context.parts.clock.now());
        let failed = CatalogRunState::Failed;
        if let Err(error) = catalog.set_run_state(&run, failed, Some(&error.to_string()), now) {
            tracing::error!(job = context.id.0, %error, "the run's end could not be written");
        }
    })
}

/// Writes the run down. The first run of a set is always full.
fn begin(context: &JobContext, spec: &BackupSpec) -> Result<RunState, JobError> {
    let catalog = &context.parts.catalog;
    let started = context.parts.clock.now();
    let value = serde_json::to_value(spec).map_err(JobError::checkpoint)?;
    catalog.put_set(&spec.set, &value, started)?;
    let parent = match spec.mode {
        BackupMode::Full => None,
        BackupMode::Incremental => catalog.last_ended_run(&spec.set)?.map(|record| record.run.run),
    };
    let mode = if parent.is_some() { BackupMode::Incremental } else { BackupMode::Full };
    let run = run_id(started, context.id);
    let kind = match mode {
        BackupMode::Full => RunKind::Full,
        BackupMode::Incremental => RunKind::Incremental,
    };
    catalog.start_run(&NewRun {
        run: run.clone(),
        set: spec.set.clone(),
        kind,
        parent: parent.clone(),
        job: Some(context.id),
        started,
    })?;
    let state = RunState {
        run,
        mode,
        parent,
        started,
        totals: PlanTotals::default(),
        is_planned: false,
        segments: Vec::new(),
        tried: Vec::new(),
        given_up: Vec::new(),
    };
    context.checkpoint(&state)?;
    Ok(state)
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
}

impl Backup<'_> {
    fn run(mut self) -> Result<Ending, JobError> {
        if !self.state.is_planned && !self.scan()? {
            return self.stopped();
        }
        let totals = self.state.totals;
        if totals.files_to_store + totals.described + totals.gone == 0 {
            return self.ended();
        }
        loop {
            if self.context.is_stopped() {
                return self.stopped();
            }
            let at = match self.open_segment() {
                Some(at) => at,
                None => match self.choose()? {
                    Ok(at) => at,
                    Err(none) => return self.wait_for_cartridge(&none),
                },
            };
            match self.write_segment(at)? {
                Some(SegmentEnd::PlanDone) => return self.ended(),
                Some(SegmentEnd::Stopped) => return self.stopped(),
                Some(SegmentEnd::VolumeFull) | None => {}
            }
        }
    }

    /// Makes the plan; false if the job was stopped before it was complete.
    fn scan(&mut self) -> Result<bool, JobError> {
        self.context.stage("scanning", None);
        let catalog = &self.context.parts.catalog;
        let scan = Scan {
            context: self.context,
            previous: catalog.previous_entries(&self.spec.set, &self.state.run)?,
            mode: self.state.mode,
            compression: self.spec.compression,
            plan: PlanWriter::create(self.files.plan())?,
            levels: Vec::new(),
            seen: 0,
        };
        let Some(totals) = scan.run(self.source.as_ref())? else { return Ok(false) };
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

    /// The segment that was begun and not closed.
    fn open_segment(&self) -> Option<usize> {
        let last = self.state.segments.len().checked_sub(1)?;
        let is_open = !self.state.tried.contains(&self.state.segments[last].barcode);
        is_open.then_some(last)
    }

    /// Writes one segment. Nothing comes back if its cartridge had to be given up.
    fn write_segment(&mut self, at: usize) -> Result<Option<SegmentEnd>, JobError> {
        let state = self.state.segments[at].clone();
        let barcode = state.barcode.clone();
        let is_stopped = || self.context.is_stopped();
        self.context.stage("loading", Some(&barcode));
        let equipment = &self.context.parts.equipment;
        let loaded =
            equipment.load(&barcode, &is_stopped, &mut |wait| self.context.tell_wait(wait));
        let mut loaded = match loaded {
            Err(EquipmentError::Stopped) => return Ok(Some(SegmentEnd::Stopped)),
            other => other?,
        };
        let source: Arc<dyn Source> = self.source.clone();
        let mut segment = Segment {
            context: self.context,
            spec: self.spec,
            run: &self.state,
            files: &self.files,
            source,
            state,
        };
        let written = segment.write(&mut loaded);
        let state = segment.state;
        self.state.segments[at] = state;
        self.context.stage("putting the cartridge away", Some(&barcode));
        if let Err(error) = loaded.put_away() {
            let message = format!("cartridge {barcode} could not be put away: {error}");
            self.context.tell(EventLevel::Warning, "put_away", message);
        }
        match written {
            Ok(end) => {
                // Stopped in the middle, the run goes on here when it is taken up again.
                if end != SegmentEnd::Stopped {
                    self.state.tried.push(barcode);
                }
                self.context.checkpoint(&self.state)?;
                Ok(Some(end))
            }
            Err(error) => self.give_up_cartridge(&barcode, error).map(|()| None),
        }
    }

    /// After a failure that is the cartridge's: it is set aside, and the run goes on with another.
    fn give_up_cartridge(&mut self, barcode: &Barcode, error: JobError) -> Result<(), JobError> {
        let is_cartridges_fault =
            matches!(&error, JobError::Identity(_) | JobError::VolumeChanged { .. })
                || error.drive().is_some_and(|drive| drive.kind() == DriveErrorKind::CartridgeBad);
        let failed = self.state.tried.len() - self.closed_segments();
        if !is_cartridges_fault || failed >= FAILED_CARTRIDGES_MAX {
            return Err(error);
        }
        let message = format!("going on without cartridge {barcode}: {error}");
        self.context.tell(EventLevel::Error, "cartridge_given_up", message);
        let reason = error.to_string();
        let is_protected = matches!(error, JobError::Identity(IdentityError::WriteProtected(_)));
        let segment = self.state.segments.last().map(|segment| segment.volume);
        if let (Some(volume), false) = (segment, is_protected) {
            let now = self.context.parts.clock.now();
            let catalog = &self.context.parts.catalog;
            catalog.set_volume_state(volume, VolumeState::Quarantined, Some(&reason), now)?;
        }
        self.state.given_up.push((barcode.clone(), reason));
        self.state.tried.push(barcode.clone());
        self.context.checkpoint(&self.state)
    }

    fn closed_segments(&self) -> usize {
        self.state.segments.iter().filter(|segment| segment.manifest.is_some()).count()
    }

    fn wait_for_cartridge(&self, none: &NoCandidate) -> Result<Ending, JobError> {
        let stored = self.context.parts.catalog.run_volumes(&self.state.run)?;
        let stored: u64 = stored.values().map(|totals| totals.bytes.0).sum();
        let remaining = ByteCount(self.state.totals.bytes_to_store.saturating_sub(stored));
        let passed_over = self.passed_over(none)?;
        let need = Need::FormattedCartridge { set: self.spec.set.clone(), remaining, passed_over };
        Ok(Ending::Waiting(need, self.outcome(Standing::Unended)?))
    }

    /// Cartridges that failed, those that were named, and the set's own that cannot be written; not
    /// every other one.
    fn passed_over(&self, none: &NoCandidate) -> Result<Vec<(Barcode, String)>, JobError> {
        let mut passed_over = self.state.given_up.clone();
        for named in &self.spec.cartridges {
            let refusal = none.refusals.iter().find(|(barcode, _)| barcode == named);
            let reason = refusal.map(|(_, refusal)| refusal.to_string());
            if !passed_over.iter().any(|(told, _)| told == named) {
                let reason = reason.unwrap_or_else(|| "not in the library".to_owned());
                passed_over.push((named.clone(), reason));
            }
        }
        let volumes = self.context.parts.catalog.volumes_of_set(&self.spec.set)?;
        for record in volumes {
            let Some(barcode) = record.volume.barcode else { continue };
            let is_told = passed_over.iter().any(|(told, _)| *told == barcode);
            if record.volume.state == VolumeState::Quarantined && !is_told {
                passed_over.push((barcode, record.state_reason.unwrap_or_default()));
            }
        }
        Ok(passed_over)
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
        let outcome = self.outcome(Standing::Ended)?;
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
        report::outcome_of(&self.context.parts.catalog, &self.state.run, unchanged, standing)
    }
}
