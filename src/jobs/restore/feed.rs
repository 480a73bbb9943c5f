//! The items of one volume in tape order, as the data path wants them.

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::choice::describe;
use super::ledger::Ledger;
use super::outs::Pending;
use super::pages::Pages;
use super::{Restore, problem};
use crate::catalog::{FileKind, SelectionItem};
use crate::domain::SourcePath;
use crate::jobs::description::Describer;
use crate::jobs::error::JobError;
use crate::jobs::tape_blocks::{form_of, read_item};
use crate::keys::KeysError;
use crate::ltfs::label::PartitionMap;
use crate::stream::{ReadItem, Target};
use problem::word;

/// What stream and results share while one volume is read. All of it is on the job's thread.
pub(super) struct Reading<'a> {
    pub(super) restore: &'a Restore<'a>,
    pub(super) ledger: RefCell<Ledger<'a>>,
    /// Why nothing more is given to the stream.
    pub(super) failure: RefCell<Option<JobError>>,
    /// True once the destination takes no more.
    pub(super) is_full: Cell<bool>,
}

impl Reading<'_> {
    /// Keeps the first failure; the stream ends at it.
    pub(super) fn keep(&self, result: Result<(), JobError>) {
        if let Err(error) = result {
            self.failure.borrow_mut().get_or_insert(error);
        }
    }

    fn is_over(&self) -> bool {
        self.is_full.get() || self.failure.borrow().is_some()
    }
}

/// The items.
pub(super) struct Feed<'a> {
    pub(super) reading: &'a Reading<'a>,
    pub(super) map: PartitionMap,
    pub(super) pages: Pages,
    pub(super) describer: Describer,
    pub(super) next_id: u64,
}

impl Feed<'_> {
    /// The next one that has bytes to be read; what can be decided without them is decided.
    pub(super) fn next_item(&mut self) -> Option<ReadItem> {
        while !self.reading.is_over() {
            let item = match self.pages.next_item() {
                Ok(item) => item?,
                Err(error) => {
                    self.reading.keep(Err(error));
                    return None;
                }
            };
            let version = &item.located.version;
            if version.kind != FileKind::File || version.size.0 == 0 {
                continue;
            }
            match self.prepare(&item) {
                Ok(Some(ready)) => return Some(ready),
                Ok(None) => {}
                Err(error) => self.reading.keep(Err(error)),
            }
        }
        None
    }

    /// What to read for an item; nothing if it was decided or has to wait.
    fn prepare(&mut self, item: &SelectionItem) -> Result<Option<ReadItem>, JobError> {
        let restore = self.reading.restore;
        let located = &item.located;
        let mut ledger = self.reading.ledger.borrow_mut();
        let (path, described) = match describe(&mut self.describer, item) {
            Ok(both) => both,
            Err(error) => {
                let text = problem::text(word::NOT_DESCRIBED, problem::chain(&error));
                ledger.failed(item.key, text)?;
                return Ok(None);
            }
        };
        let sealed_by = form_of(located).and_then(|form| form.sealed_by);
        let ring = restore.context.parts.keys.ring();
        match sealed_by.map(|key| (key, ring.open_key(key))) {
            Some((key, Err(KeysError::NoDataKey(_)))) => {
                ledger.failed(item.key, problem::key_missing(key))?;
                return Ok(None);
            }
            // A key server that is away is no loss of files: the job waits for it.
            Some((_, Err(error))) => return Err(error.into()),
            Some((_, Ok(_))) | None => {}
        }
        let target = restore.target(&path);
        let part = located.copy.part.as_ref().map(|part| (part.offset, part.size.0));
        if part.is_some() {
            let catalog = &restore.context.parts.catalog;
            let mut splits = restore.splits.borrow_mut();
            let missing = splits.volume_missing(catalog, located, &path)?;
            if missing.is_some() {
                return Ok(None);
            }
            if located.version.sha256.is_none() && sealed_by.is_none() {
                let sentence = "the run ended before all of its parts were stored";
                ledger.failed(item.key, problem::text(word::PARTS_MISSING, sentence))?;
                return Ok(None);
            }
        }
        let size_bytes = located.version.size.0;
        let is_there = restore.stands_already(&target, &described, size_bytes);
        if is_there && restore.is_content(&target, located.version.sha256, size_bytes) {
            ledger.done(item.key, None)?;
            restore.count_done(part.map_or(size_bytes, |(_, size)| size));
            return Ok(None);
        }
        let id = self.next_id;
        let Some(ready) = read_item(located, &self.map, Target::Write) else {
            let sentence = "its place is on no partition of the volume";
            ledger.failed(item.key, problem::text(word::UNREADABLE, sentence))?;
            return Ok(None);
        };
        self.next_id += 1;
        let folder = target.parent().map(|parent| folder_number(&parent));
        let pending = Pending {
            key: item.key,
            copy: located.copy.id,
            target,
            described,
            size_bytes,
            sha256: located.version.sha256,
            part,
        };
        restore.outs.expect(id, pending);
        Ok(Some(ReadItem { id, folder, ..ready }))
    }
}

/// A number for a folder. That two folders share one only makes them one worker's.
fn folder_number(folder: &SourcePath) -> u64 {
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    hasher.finish()
}
