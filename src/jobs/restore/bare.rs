//! Things that need no tape: folders, links, devices, empty files. All of them is in the catalog.
//!
//! Folders are made first and get what they are last, because everything that is put into them changes
//! their times. Hard links are made when the files that they are names of stand.

use std::collections::{HashMap, HashSet};

use super::choice::{describe, each_bare};
use super::ledger::Ledger;
use super::{Restore, problem};
use crate::catalog::{FileKind as CatalogKind, ItemKey, ItemState, SelectionItem};
use crate::domain::{FileKind, SourcePath};
use crate::jobs::description::{Described, Describer};
use crate::jobs::error::JobError;
use crate::jobs::outcome::PROBLEMS_MAX;
use crate::source::destination::{
    Destination, DestinationError, DestinationErrorKind, Placed, Shortfall,
};
use problem::word;

impl Restore<'_> {
    /// Makes folders, symbolic links, devices, pipes and empty files. Folders stay open items: a
    /// restore that goes on must meet them again.
    pub(super) fn make_bare(&mut self) -> Result<(), JobError> {
        self.context.stage("making folders and links", None);
        let parts = &self.context.parts;
        let destination = &self.outs.destination;
        let mut ledger = Ledger::new(self.context, destination);
        let (mut describer, mut noted) = (Describer::default(), HashMap::new());
        let mut is_full = false;
        each_bare(parts, self.context.id, &mut |item| {
            if is_full || self.context.is_stopped() {
                return Ok(());
            }
            let kind = item.located.version.kind;
            let is_later = kind == CatalogKind::HardLink
                || kind == CatalogKind::File && item.located.version.size.0 > 0;
            if is_later {
                return Ok(());
            }
            let (path, described) = match describe(&mut describer, item) {
                Ok(both) => both,
                Err(error) => {
                    let text = problem::text(word::NOT_DESCRIBED, problem::chain(&error));
                    return ledger.failed(item.key, text);
                }
            };
            let target = self.target(&path);
            let is_folder = kind == CatalogKind::Directory;
            if !is_folder && self.stands_already(&target, &described, 0) {
                self.count_done(0);
                return ledger.done(item.key, None);
            }
            match make(destination, &target, &described) {
                Ok(placed) if is_folder => {
                    // One that is as it should be was finished before the notes of it were lost.
                    let is_finished = self.stands_already(&target, &described, 0);
                    if !placed.shortfalls.is_empty() && !is_finished {
                        noted.insert(target, placed.shortfalls);
                    }
                    Ok(())
                }
                Ok(placed) => {
                    self.count_done(0);
                    ledger.done(item.key, problem::shortfalls(&placed.shortfalls))
                }
                Err(error) if error.kind() == DestinationErrorKind::Full => {
                    is_full = true;
                    Ok(())
                }
                Err(error) => ledger.failed(item.key, problem::refusal(&error)),
            }
        })?;
        ledger.flush()?;
        self.is_full |= is_full;
        self.folder_shortfalls = noted;
        Ok(())
    }

    /// True if a restore that goes on finds here what it had made itself.
    pub(super) fn stands_already(
        &self,
        target: &SourcePath,
        described: &Described,
        size_bytes: u64,
    ) -> bool {
        if !self.is_resumed || self.replaces() {
            return false;
        }
        let Ok(Some(stamp)) = self.outs.destination.existing(target) else { return false };
        let is_sized = !described.kind.has_content() || stamp.size_bytes == size_bytes;
        is_sized && stamp.modified == described.metadata.times.modified
    }

    /// Gives files their other names, where the file is there.
    pub(super) fn make_hard_links(&self) -> Result<(), JobError> {
        self.context.stage("making hard links", None);
        let destination = &self.outs.destination;
        let mut ledger = Ledger::new(self.context, destination);
        let (mut describer, mut not_restored) = (Describer::default(), None);
        each_bare(&self.context.parts, self.context.id, &mut |item| {
            if item.located.version.kind != CatalogKind::HardLink {
                return Ok(());
            }
            let described = describe(&mut describer, item);
            let Ok((path, Described { hard_link_of: Some(first), .. })) = described else {
                let sentence = "the catalog does not say whose name it is";
                return ledger.failed(item.key, problem::text(word::NOT_DESCRIBED, sentence));
            };
            let first = self.target(&first);
            let not_restored = match &mut not_restored {
                Some(paths) => paths,
                none => none.insert(self.files_not_restored()?),
            };
            if not_restored.contains(&first) {
                return ledger.failed(item.key, without_file(&first));
            }
            if first == path || self.is_same_file(&first, &path) {
                return ledger.done(item.key, None);
            }
            match destination.hard_link(&path, &first) {
                Ok(placed) => ledger.done(item.key, problem::shortfalls(&placed.shortfalls)),
                Err(_) if !self.stands(&first) => ledger.failed(item.key, without_file(&first)),
                Err(error) => ledger.failed(item.key, problem::refusal(&error)),
            }
        })?;
        ledger.flush()
    }

    fn stands(&self, path: &SourcePath) -> bool {
        self.outs.destination.existing(path).is_ok_and(|found| found.is_some())
    }

    fn is_same_file(&self, one: &SourcePath, other: &SourcePath) -> bool {
        let identity = |path| self.outs.destination.existing(path).ok().flatten();
        match (identity(one), identity(other)) {
            (Some(one), Some(other)) => one.identity == other.identity,
            _ => false,
        }
    }

    /// Where files should stand that were not restored: what stands there is somebody else's.
    fn files_not_restored(&self) -> Result<HashSet<SourcePath>, JobError> {
        let catalog = &self.context.parts.catalog;
        let mut paths = HashSet::new();
        let mut after: Option<ItemKey> = None;
        loop {
            let page = catalog.selection_problems(self.context.id, after, PROBLEMS_MAX)?;
            let is_one = |item: &&SelectionItem| {
                item.state != ItemState::Done && item.located.version.kind == CatalogKind::File
            };
            for item in page.iter().filter(is_one) {
                let path = SourcePath::from_bytes(item.located.path.clone()).unwrap_or_default();
                paths.insert(self.target(&path));
            }
            match page.last() {
                Some(last) => after = Some(last.key),
                None => return Ok(paths),
            }
        }
    }

    /// Puts back what folders are, makes everything durable, and notes the folders as done.
    pub(super) fn finish_folders(self) -> Result<(), JobError> {
        self.context.stage("finishing folders", None);
        let mut noted = self.folder_shortfalls;
        self.outs.destination.finish(&mut |shortfall: Shortfall| {
            noted.entry(shortfall.path.clone()).or_default().push(shortfall);
        })?;
        let (catalog, job) = (&self.context.parts.catalog, self.context.id);
        let mut done = Vec::new();
        each_bare(&self.context.parts, job, &mut |item| {
            if item.located.version.kind == CatalogKind::Directory {
                let path = SourcePath::from_bytes(item.located.path.clone()).unwrap_or_default();
                let reason = noted.get(&path).and_then(|all| problem::shortfalls(all));
                done.push((item.key, ItemState::Done, reason));
            }
            Ok(())
        })?;
        for batch in done.chunks(super::choice::ITEMS_READ) {
            catalog.finish_items(job, batch)?;
        }
        Ok(())
    }
}

fn without_file(first: &SourcePath) -> String {
    let sentence = format!("\"{first}\", of which it is another name, was not restored");
    problem::text(word::LINK_WITHOUT_FILE, sentence)
}

fn make(
    destination: &Destination,
    target: &SourcePath,
    described: &Described,
) -> Result<Placed, DestinationError> {
    match &described.kind {
        FileKind::File => destination.small_file(target, None)?.commit(0, &described.metadata),
        FileKind::Directory => destination.directory(target, &described.metadata),
        kind => destination.special(target, kind, &described.metadata),
    }
}
