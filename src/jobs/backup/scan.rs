//! The scan: walks the sources once and writes the plan.
//!
//! What is unchanged is decided here, by the catalog's evidence and not by its rows: a file whose last
//! copy is only *written*, or was found bad, is stored again. What was there in the last run and is not
//! any more is *gone*; what merely could not be listed is not.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::plan::{Action, PlanStep, PlanTotals, PlannedEntry, StepSink};
use crate::catalog::{CatalogError, EvidenceState, FileVersion, PreviousEntries};
use crate::domain::{CopyLetter, SourcePath, VolumeUuid};
use crate::jobs::context::JobContext;
use crate::jobs::description::catalog_kind;
use crate::jobs::error::JobError;
use crate::jobs::spec::{BackupMode, Compression};
use crate::jobs::stored_name::{TakenEndings, stored_name};
use crate::source::{Entry, SkipReason, Source, WalkEvent};

/// How often the person who watches hears of the scan, in entries.
const TELL_EVERY: u64 = 1000;

/// Who waits for a scan.
pub(super) trait ScanWatcher {
    /// False once the scan is to end where it is. May wait.
    fn goes_on(&self) -> bool;

    /// How far the scan is.
    fn tell(&self, totals: PlanTotals);
}

impl ScanWatcher for JobContext {
    fn goes_on(&self) -> bool {
        let goes_on = !self.is_stopped();
        if goes_on {
            self.safe_point();
        }
        goes_on
    }

    fn tell(&self, totals: PlanTotals) {
        self.update(|progress| {
            progress.files_total = totals.files_to_store;
            progress.bytes_total = totals.bytes_to_store;
        });
    }
}

/// A scan at work.
pub(super) struct Scan<'a> {
    pub(super) watcher: &'a dyn ScanWatcher,
    /// What earlier runs stored; nothing of a set that is new.
    pub(super) previous: Option<PreviousEntries>,
    pub(super) mode: BackupMode,
    /// The copies of the set that must have a file.
    pub(super) copies: Vec<CopyLetter>,
    pub(super) compression: Compression,
    /// True if what is stored is sealed.
    pub(super) is_sealed: bool,
    pub(super) plan: &'a mut dyn StepSink,
    pub(super) levels: Vec<Level>,
    pub(super) seen: u64,
}

/// Events of the walk that are handed over at once, and such batches that may wait.
const BATCH_EVENTS: usize = 128;
const BATCHES_AHEAD: usize = 8;
/// How long an event waits for others to go with it.
const HELD_BACK_MAX: Duration = Duration::from_millis(50);
/// How often a stop is looked for while the source is silent.
const STOP_LOOK: Duration = Duration::from_millis(200);
/// Entries of earlier runs that are read at a time. A folder may have millions.
const PAGE_ENTRIES: usize = 4096;

/// A directory being walked, and what earlier runs knew in it that was not met yet.
#[derive(Debug)]
pub(super) struct Level {
    path: SourcePath,
    /// As far as it was read.
    previous: BTreeMap<Vec<u8>, FileVersion>,
    /// The last name that was read, until all were.
    unread_after: Option<Vec<u8>>,
}

impl Level {
    fn of(path: SourcePath) -> Self {
        Self { path, previous: BTreeMap::new(), unread_after: Some(Vec::new()) }
    }

    /// Reads on until `name` must have come, or to the end.
    fn read_to(
        &mut self,
        name: Option<&[u8]>,
        previous: &mut Option<PreviousEntries>,
    ) -> Result<(), CatalogError> {
        let Some(previous) = previous else { return Ok(()) };
        while let Some(after) = &self.unread_after {
            if name.is_some_and(|name| name <= after.as_slice()) {
                break;
            }
            let page = previous.page(self.path.as_bytes(), after, PAGE_ENTRIES)?;
            self.unread_after =
                page.last().filter(|_| page.len() == PAGE_ENTRIES).map(|entry| entry.name.clone());
            self.previous.extend(page.into_iter().map(|entry| (entry.name, entry.version)));
        }
        Ok(())
    }

    /// What was known of `name`, which is met now.
    fn take(
        &mut self,
        name: &[u8],
        previous: &mut Option<PreviousEntries>,
    ) -> Result<Option<FileVersion>, CatalogError> {
        self.read_to(Some(name), previous)?;
        Ok(self.previous.remove(name))
    }
}

/// Walks `source` to its end, or until nobody takes what was met. What a slow source delivers is handed over
/// when it comes, so that who watches sees it, and a stop is heard at the next entry.
fn walk(source: &dyn Source, met: &Sender<Vec<WalkEvent>>) {
    let mut batch = Vec::with_capacity(BATCH_EVENTS);
    let mut handed_over = Instant::now();
    let walked = source.walk(&mut |event| {
        batch.push(event);
        if batch.len() < BATCH_EVENTS && handed_over.elapsed() < HELD_BACK_MAX {
            return ControlFlow::Continue(());
        }
        handed_over = Instant::now();
        let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_EVENTS));
        match met.send(full) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    if walked.is_continue() {
        // Refused only if the one who plans has ended, who knows why.
        let _ = met.send(batch);
    }
}

impl Scan<'_> {
    /// Walks `source` and makes the plan; false if it was stopped before its end. The walk is on a thread of
    /// its own, a little ahead: it waits for the source, the plan for the catalog and the spool.
    ///
    /// # Errors
    /// If the plan or the catalog fails. What the source does not deliver is in the plan.
    pub(super) fn run(mut self, source: &dyn Source) -> Result<bool, JobError> {
        self.levels.push(Level::of(SourcePath::top()));
        let (met, events) = bounded(BATCHES_AHEAD);
        // The events go with this closure: a walk whose events nobody takes ends, and is waited for.
        std::thread::scope(move |scope| {
            let walking = std::thread::Builder::new()
                .name("walk".to_owned())
                .spawn_scoped(scope, move || walk(source, &met))
                .map_err(|error| JobError::Bug(format!("no thread for the walk: {error}")))?;
            loop {
                match events.recv_timeout(STOP_LOOK) {
                    Ok(batch) => {
                        for event in batch {
                            if !self.watcher.goes_on() {
                                return Ok(false);
                            }
                            self.take(event)?;
                        }
                    }
                    Err(RecvTimeoutError::Timeout) if self.watcher.goes_on() => {}
                    Err(RecvTimeoutError::Timeout) => return Ok(false),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            walking.join().map_err(|_| JobError::Bug("the walk panicked".to_owned()))?;
            self.leave()?;
            Ok(true)
        })
    }

    fn take(&mut self, event: WalkEvent) -> Result<(), JobError> {
        match event {
            WalkEvent::EnterDirectory(entry) => {
                let path = entry.path.clone();
                let planned = self.planned(entry)?;
                self.plan.push(&PlanStep::Enter(planned))?;
                self.levels.push(Level::of(path));
            }
            WalkEvent::Entry(entry) => {
                let planned = self.planned(entry)?;
                self.plan.push(&PlanStep::Entry(planned))?;
                self.tell();
            }
            WalkEvent::LeaveDirectory => {
                self.leave()?;
                self.plan.push(&PlanStep::Leave)?;
            }
            WalkEvent::Skipped { path, reason } => {
                if reason == SkipReason::OtherFileSystem {
                    self.keep_what_was(&path)?;
                }
                self.plan.push(&PlanStep::Skipped { path, reason })?;
            }
            WalkEvent::Problem { path, error } => {
                self.keep_what_was(&path)?;
                self.plan.push(&PlanStep::Problem { path, reason: error.to_string() })?;
            }
        }
        Ok(())
    }

    /// What could not be seen is not gone.
    fn keep_what_was(&mut self, path: &SourcePath) -> Result<(), JobError> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if level.path == *path {
            level.previous.clear();
            level.unread_after = None;
        } else {
            level.take(path.name(), &mut self.previous)?;
        }
        Ok(())
    }

    /// Ends the innermost directory: what was not met in it is gone.
    fn leave(&mut self) -> Result<(), JobError> {
        let Some(mut level) = self.levels.pop() else { return Ok(()) };
        level.read_to(None, &mut self.previous)?;
        for name in level.previous.into_keys() {
            let bug = |error: crate::domain::SourcePathError| JobError::Bug(error.to_string());
            let path = level.path.join(&name).map_err(bug)?;
            self.plan.push(&PlanStep::Gone { path })?;
        }
        Ok(())
    }

    fn planned(&mut self, entry: Entry) -> Result<PlannedEntry, JobError> {
        let before = match self.levels.last_mut() {
            Some(level) => level.take(entry.path.name(), &mut self.previous)?,
            None => None,
        };
        let is_stored = entry.kind.has_content() && entry.hard_link_of.is_none();
        let is_same = before.as_ref().is_some_and(|version| is_same(&entry, version));
        let action = match before {
            Some(version) if is_same && self.mode == BackupMode::Incremental => {
                match (is_stored, volumes_with_evidence(&version, &self.copies)) {
                    (false, Some(volumes)) => Action::AsBefore { run: version.run, volumes },
                    (false, None) => Action::Describe,
                    (true, Some(volumes)) => Action::Unchanged { run: version.run, volumes },
                    (true, None) => Action::Store { ordinal: self.plan.totals().files_to_store },
                }
            }
            _ if is_stored => Action::Store { ordinal: self.plan.totals().files_to_store },
            _ => Action::Describe,
        };
        let taken = TakenEndings {
            is_zstd: self.compression != Compression::None,
            // In an empty file there is nothing to be sealed, and its size is no secret.
            is_sealed: self.is_sealed && !(is_stored && entry.size_bytes > 0),
        };
        let stored = stored_name(entry.path.name(), taken);
        let stored_name = (stored.as_bytes() != entry.path.name()).then_some(stored);
        Ok(PlannedEntry { entry, stored_name, action })
    }

    fn tell(&mut self) {
        self.seen += 1;
        if self.seen.is_multiple_of(TELL_EVERY) {
            self.watcher.tell(self.plan.totals());
        }
    }
}

/// The volume with a version in each of the `copies`; none if a copy lacks it, or it is not proven there.
/// What one copy lacks is stored again on all of them: one read feeds them all, and each version of a file
/// is whole in every copy.
fn volumes_with_evidence(version: &FileVersion, copies: &[CopyLetter]) -> Option<Vec<VolumeUuid>> {
    let standing = |letter: &CopyLetter| {
        let mut known = version.copies.iter();
        let known = known.find(|standing| standing.copy == *letter)?;
        known.evidence.is_at_least(EvidenceState::Indexed).then_some(known.volume)
    };
    copies.iter().map(standing).collect()
}

/// The same thing with the same content, as far as the source can tell without reading it.
fn is_same(entry: &Entry, version: &FileVersion) -> bool {
    let times = &entry.metadata.times;
    version.kind == catalog_kind(entry)
        && version.size.0 == entry.size_bytes
        && version.modified == times.modified
        && version.changed.is_none_or(|changed| changed == times.changed)
        && version.inode.is_none_or(|inode| inode == entry.identity.inode)
}
