//! Restore: from tape back to a folder, every file compared with its hash before it gets its name.
//!
//! ```text
//!  choose ─▶ folders, links, empty files ─▶ volume after volume, those that are here ─┬─▶ hard links ─▶ folders
//!              (need no tape)                 read in the drive's order, compared      │   get what they were
//!                                                                                     └─▶ wait for a cartridge
//! ```
//!
//! **What survives.** The choice is kept in the catalog, item by item in tape order; an item is noted
//! once its file is durable in the destination. A job that is taken up again reads what is not noted,
//! except files that it finds standing there with the right content. Nothing is taken for a file before all
//! of it is there: files stand under a temporary name, split ones until every part is there; small ones have
//! a mode that no file has, for the moment that it takes to write them, and are removed by a job that is
//! taken up again.
//!
//! **What is missing.** Files on cartridges that are not in the library wait or are listed, as asked;
//! the others are restored. Damaged files are not put in place; their copies are called failed.

mod assembly;
mod bare;
mod choice;
mod feed;
mod ledger;
mod leftovers;
mod order;
mod outs;
mod pages;
mod plan;
mod problem;
mod room;
mod shelf;
mod splits;
mod volume;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};

pub use order::order_for_reading;
pub use plan::{NeededVolume, RestorePlan, plan};

use self::choice::{Choice, ITEMS_READ};
use self::ledger::Ledger;
use self::leftovers::remove_leftovers;
use self::outs::Outs;
use self::problem::word;
use self::shelf::{Shelf, Whereabouts};
use self::splits::SplitFiles;
use self::volume::{GivenUp, VolumeEnd};
use super::context::JobContext;
use super::error::JobError;
use super::outcome::{Ending, grouped};
use super::pool::hold_keys;
use super::spec::{Existing, MissingCartridge, Need, RestoreSpec};
use crate::catalog::{EventLevel, FileKind, ItemKey, ItemState, SelectionItem, SelectionTotals};
use crate::domain::{SetName, Sha256Digest, SourcePath, VolumeUuid};
use crate::source::destination::{Conflict, Destination, DestinationOptions, Owners, Shortfall};
use crate::source::network::ensure_mounted;

/// Bytes read at once when a file that stands there is compared.
const COMPARE_BYTES: usize = 1024 * 1024;

/// Runs a restore, or goes on with one.
///
/// # Errors
/// If nothing can be done any more; what was restored stays, and the catalog says what that is.
pub(super) fn run(context: &JobContext, spec: &RestoreSpec) -> Result<Ending, JobError> {
    if !spec.destination.is_absolute() {
        let reason = "it is not an absolute path".to_owned();
        return Err(JobError::Destination { path: spec.destination.clone(), reason });
    }
    let restore = Restore::begin(context, spec)?;
    let _keys = hold_keys(&context.parts, &restore.sets()?)?;
    restore.run()
}

fn open_destination(context: &JobContext, spec: &RestoreSpec) -> Result<Destination, JobError> {
    let conflict = match spec.existing {
        Existing::Keep => Conflict::Refuse,
        Existing::Replace => Conflict::Overwrite,
    };
    let tag = format!("job-{}", context.id);
    let own = Some(context.parts.folders.data().to_owned());
    let options = DestinationOptions { conflict, owners: Owners::Restore, own, tag };
    // Into the empty folder of a source that is away everything would go, and be found by nobody.
    ensure_mounted(&spec.destination)?;
    Ok(Destination::open(&spec.destination, options)?)
}

/// A restore at work.
struct Restore<'a> {
    context: &'a JobContext,
    spec: &'a RestoreSpec,
    choice: Choice,
    /// First names by what stands in for them.
    targets: HashMap<SourcePath, SourcePath>,
    outs: Outs,
    /// True if an earlier stretch of this job may have made something.
    is_resumed: bool,
    /// True once the destination takes no more.
    is_full: bool,
    splits: RefCell<SplitFiles>,
    /// Volumes that cannot be used, with the reason.
    given_up: BTreeMap<VolumeUuid, GivenUp>,
    /// What folders fell short of when they were made.
    folder_shortfalls: HashMap<SourcePath, Vec<Shortfall>>,
}

impl<'a> Restore<'a> {
    /// Makes the choice, or takes up the one that was made.
    fn begin(context: &'a JobContext, spec: &'a RestoreSpec) -> Result<Self, JobError> {
        let parts = &context.parts;
        let taken_up = match parts.catalog.job(context.id)?.checkpoint {
            Some(value) => {
                let choice: Choice = serde_json::from_value(value).map_err(JobError::checkpoint)?;
                let destination = open_destination(context, spec)?;
                // Before anything can fail for good.
                remove_leftovers(context, &destination, &choice.targets())?;
                Some((choice, destination))
            }
            None => None,
        };
        let is_resumed = taken_up.is_some();
        let shelf = Shelf::look(parts)?;
        let absent = shelf.absent(parts)?;
        let (choice, opened) = match taken_up {
            Some((choice, destination)) => (choice, Some(destination)),
            None => {
                context.stage("choosing files", None);
                (Choice::make(parts, context.id, &spec.selection, &shelf)?, None)
            }
        };
        let mut totals = parts.catalog.selection_totals(context.id)?;
        if totals.contains_key(&ItemState::Missing) {
            await_missing(context)?;
            totals = parts.catalog.selection_totals(context.id)?;
        }
        room::ensure_room(parts, context.id, &totals, &spec.destination)?;
        let destination = match opened {
            Some(destination) => destination,
            None => open_destination(context, spec)?,
        };
        if !is_resumed {
            context.checkpoint(&choice)?;
        }
        show_totals(context, &totals);
        Ok(Self {
            context,
            spec,
            targets: choice.targets(),
            choice,
            outs: Outs::new(destination),
            is_resumed,
            is_full: false,
            splits: RefCell::new(SplitFiles::without(absent)),
            given_up: BTreeMap::new(),
            folder_shortfalls: HashMap::new(),
        })
    }

    /// The sets whose volumes have something of the choice.
    fn sets(&self) -> Result<BTreeSet<SetName>, JobError> {
        let catalog = &self.context.parts.catalog;
        let mut sets = BTreeSet::new();
        for volume in catalog.selected_volumes(self.context.id)? {
            sets.extend(catalog.volume(volume)?.set.map(|place| place.set));
        }
        Ok(sets)
    }

    fn run(mut self) -> Result<Ending, JobError> {
        self.make_bare()?;
        let (mut visited, mut is_all_read) = (BTreeSet::new(), false);
        while !self.context.is_stopped() && !self.is_full {
            self.context.safe_point();
            let Some(place) = self.next_volume(&visited)? else {
                is_all_read = self.context.parts.catalog.is_selection_read(self.context.id)?;
                if !is_all_read && self.take_other_copies()? {
                    visited.clear();
                    continue;
                }
                break;
            };
            visited.insert(place.volume);
            match self.read_volume(&place)? {
                VolumeEnd::Read | VolumeEnd::Stopped => {}
                VolumeEnd::Full => self.is_full = true,
                VolumeEnd::GivenUp(given_up) => self.give_up(place.volume, given_up),
            }
        }
        if self.context.is_stopped() {
            return self.stopped();
        }
        if self.is_full {
            let message = format!(
                "{} has no room left: make some, then resume the job",
                self.spec.destination.display()
            );
            return self.waiting(Need::Attention { message });
        }
        if !is_all_read {
            if let Some(need) = self.cartridge_waited_for()? {
                return self.waiting(need);
            }
            self.note_leftovers()?;
        }
        self.ended()
    }

    /// What could not be read may stand in another copy of the set; false if nothing does.
    fn take_other_copies(&mut self) -> Result<bool, JobError> {
        let lost: Vec<VolumeUuid> = self.given_up.keys().copied().collect();
        let catalog = &self.context.parts.catalog;
        let files = catalog.choose_other_copies(self.context.id, &lost)?;
        if files > 0 {
            let message = format!("{} files are read from another copy of the set", grouped(files));
            self.context.tell(EventLevel::Warning, "other_copy", message);
        }
        Ok(files > 0)
    }

    fn give_up(&mut self, volume: VolumeUuid, given_up: GivenUp) {
        self.context.tell(EventLevel::Warning, given_up.word, given_up.sentence.clone());
        self.splits.borrow_mut().lost(volume);
        self.given_up.insert(volume, given_up);
    }

    /// A volume that is here and was not read yet. Volumes that are not are given up on the way.
    fn next_volume(
        &mut self,
        visited: &BTreeSet<VolumeUuid>,
    ) -> Result<Option<Whereabouts>, JobError> {
        let parts = &self.context.parts;
        let mut shelf = None;
        for volume in parts.catalog.selected_volumes(self.context.id)? {
            let is_known = visited.contains(&volume) || self.given_up.contains_key(&volume);
            if is_known || !parts.catalog.waits_for_volume(self.context.id, volume)? {
                continue;
            }
            let shelf = match &shelf {
                Some(shelf) => shelf,
                None => shelf.insert(Shelf::look(parts)?),
            };
            let place = shelf.find(parts, volume)?;
            if place.is_erased {
                self.give_up(volume, GivenUp::erased(&place));
            } else if place.is_here {
                return Ok(Some(place));
            } else {
                self.give_up(volume, GivenUp::missing(&place));
            }
        }
        Ok(None)
    }

    /// What has to come before everything can be read, if the job is to wait for it.
    fn cartridge_waited_for(&self) -> Result<Option<Need>, JobError> {
        if self.spec.missing != MissingCartridge::Wait {
            return Ok(None);
        }
        // What is erased never comes back: nobody waits for it.
        let waiting = self.volumes_waited_for()?;
        let mut wanted = self.given_up.iter().filter(|(volume, _)| waiting.contains(*volume));
        let wanted = wanted.find(|(_, given_up)| given_up.word != word::ERASED);
        Ok(wanted.map(|(_, given_up)| given_up.need.clone()))
    }

    /// Everything that is here was read.
    fn ended(mut self) -> Result<Ending, JobError> {
        self.make_hard_links()?;
        let (context, spec, nothing) =
            (self.context, self.spec, std::mem::take(&mut self.choice.nothing));
        self.finish_folders()?;
        let outcome = problem::outcome(context, spec, &nothing)?;
        Ok(match outcome.problems_total {
            0 => Ending::Completed(outcome),
            _ => Ending::Incomplete(outcome),
        })
    }

    /// Volumes with files that still have to be read.
    fn volumes_waited_for(&self) -> Result<BTreeSet<VolumeUuid>, JobError> {
        let (catalog, job) = (&self.context.parts.catalog, self.context.id);
        let mut waiting = BTreeSet::new();
        for volume in catalog.selected_volumes(job)? {
            if catalog.waits_for_volume(job, volume)? {
                waiting.insert(volume);
            }
        }
        Ok(waiting)
    }

    fn waiting(self, need: Need) -> Result<Ending, JobError> {
        self.outs.destination.sync()?;
        let catalog = &self.context.parts.catalog;
        let mut outcome = problem::outcome(self.context, self.spec, &self.choice.nothing)?;
        let totals = catalog.selection_totals(self.context.id)?;
        let waiting = totals.get(&ItemState::Waiting).map_or(0, |totals| totals.things);
        outcome.sentence.push_str(&format!("; {} still wait", grouped(waiting)));
        Ok(Ending::Waiting(need, outcome))
    }

    fn stopped(mut self) -> Result<Ending, JobError> {
        if self.context.is_interrupted() {
            self.outs.destination.sync()?;
            return Ok(Ending::Interrupted);
        }
        let (context, spec, nothing) =
            (self.context, self.spec, std::mem::take(&mut self.choice.nothing));
        self.outs.give_up_unfinished();
        self.finish_folders()?;
        let mut outcome = problem::outcome(context, spec, &nothing)?;
        outcome.sentence = format!("cancelled after {}", outcome.sentence);
        Ok(Ending::Cancelled(outcome))
    }

    /// Lists every file that nobody waits for any more, with the reason.
    fn note_leftovers(&mut self) -> Result<(), JobError> {
        let catalog = &self.context.parts.catalog;
        let mut ledger = Ledger::new(self.context, &self.outs.destination);
        for key in self.outs.give_up_unfinished() {
            let sentence = "not all of its parts could be read";
            ledger.failed(key, problem::text(word::PARTS_MISSING, sentence))?;
        }
        ledger.flush()?;
        for volume in catalog.selected_volumes(self.context.id)? {
            let mut after: Option<ItemKey> = None;
            loop {
                let page = catalog.waiting_items(self.context.id, volume, after, ITEMS_READ)?;
                for item in page.iter().filter(|item| has_bytes(item)) {
                    self.note_leftover(&mut ledger, volume, item)?;
                }
                match page.last() {
                    Some(last) => after = Some(last.key),
                    None => break,
                }
            }
        }
        ledger.flush()
    }

    fn note_leftover(
        &self,
        ledger: &mut Ledger<'_>,
        volume: VolumeUuid,
        item: &SelectionItem,
    ) -> Result<(), JobError> {
        let path = SourcePath::from_bytes(item.located.path.clone()).unwrap_or_default();
        let catalog = &self.context.parts.catalog;
        let blamed = match &item.located.copy.part {
            None => Some(volume),
            Some(_) => {
                let missing =
                    self.splits.borrow_mut().volume_missing(catalog, &item.located, &path)?;
                missing.or(Some(volume))
            }
        };
        match blamed.and_then(|volume| self.given_up.get(&volume)) {
            Some(given_up) if given_up.word == word::MISSING_CARTRIDGE => {
                ledger.missing(item.key, problem::text(given_up.word, &given_up.sentence))
            }
            Some(given_up) => {
                ledger.failed(item.key, problem::text(given_up.word, &given_up.sentence))
            }
            None => {
                let sentence = "not all of its parts could be read";
                ledger.failed(item.key, problem::text(word::PARTS_MISSING, sentence))
            }
        }
    }

    fn count_done(&self, bytes: u64) {
        self.context.update(|progress| {
            progress.files_done += 1;
            progress.bytes_done += bytes;
        });
    }

    /// Where a path of the run goes.
    fn target(&self, path: &SourcePath) -> SourcePath {
        self.targets.get(path).unwrap_or(path).clone()
    }

    fn replaces(&self) -> bool {
        self.spec.existing == Existing::Replace
    }

    /// True if what stands at `target` has the content that is wanted.
    fn is_content(&self, target: &SourcePath, wanted: Option<Sha256Digest>, size: u64) -> bool {
        let (Some(wanted), Ok(mut file)) = (wanted, self.outs.destination.read_back(target)) else {
            return false;
        };
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; COMPARE_BYTES];
        let mut at = 0;
        while at < size {
            match file.read_at(&mut buffer, at) {
                Ok(count) if count > 0 => {
                    hasher.update(&buffer[..count]);
                    at += count as u64;
                }
                _ => return false,
            }
        }
        Sha256Digest(hasher.finalize().into()) == wanted
    }
}

fn show_totals(context: &JobContext, totals: &BTreeMap<ItemState, SelectionTotals>) {
    let done = totals.get(&ItemState::Done).copied().unwrap_or_default();
    context.update(|progress| {
        progress.files_total = totals.values().map(|totals| totals.things).sum();
        progress.bytes_total = totals.values().map(|totals| totals.bytes.0).sum();
        (progress.files_done, progress.bytes_done) = (done.things, done.bytes.0);
    });
}

/// What was missing when the choice was made may be here now.
fn await_missing(context: &JobContext) -> Result<(), JobError> {
    let catalog = &context.parts.catalog;
    let mut after: Option<ItemKey> = None;
    loop {
        let page = catalog.selection_problems(context.id, after, ITEMS_READ)?;
        let missing = page.iter().filter(|item| item.state == ItemState::Missing);
        let again: Vec<_> = missing.map(|item| (item.key, ItemState::Waiting, None)).collect();
        catalog.finish_items(context.id, &again)?;
        match page.last() {
            Some(last) => after = Some(last.key),
            None => return Ok(()),
        }
    }
}

/// True for what has to be read from tape.
fn has_bytes(item: &SelectionItem) -> bool {
    let version = &item.located.version;
    version.kind == FileKind::File && version.size.0 > 0
}
