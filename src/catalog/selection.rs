//! What a restore has chosen: made once, kept until the job is gone, walked in tape order.
//!
//! A selection can have ten million items and a restore can be killed at any of them, so it is a table
//! and not a list. Of a file in several copies of its set one is chosen, with all of its parts: on
//! volumes that are there, not found bad, in a drive already, with the most evidence, in this order.
//! What lies only on volumes that are not there is kept too, as missing, with the reason: a restore lists
//! it instead of forgetting it. When a chosen copy turns out to be bad or cannot be had,
//! [`Catalog::choose_other_copies`] puts another one in its place.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::domain::{ByteCount, JobId, SetName, VolumeUuid};

use super::Catalog;
use super::browse::newest_after;
use super::error::CatalogError;
use super::files::{KIND_GONE, VERSION_COLUMNS, VersionRow, root_dir};
use super::ids::CopyId;
use super::located::{LocatedCopy, Locator};
use super::paths::{find_dir, normal_path, split_path};
use super::runs::{AsOf, FileTotals, View, view_of};
use super::sets::set_id;
use super::text_enum::text_enum;
use super::volumes::uuid_at;
use picker::{CopyOption, NewItem, Picker};

mod other_copies;
mod picker;

text_enum! {
    /// What became of an item.
    ItemState {
        /// Still to be read.
        Waiting = "waiting",
        /// Read, and its hash agreed.
        Done = "done",
        /// It could not be read, or not be put where it should.
        Failed = "failed",
        /// It lies only on volumes that are not there.
        Missing = "missing",
    }
}

/// What is to be chosen.
#[derive(Clone, Debug)]
pub struct SelectionRequest {
    /// The set.
    pub set: SetName,
    /// Which state of its tree.
    pub as_of: AsOf,
    /// Paths; a folder stands for everything in it. Empty: everything.
    pub paths: Vec<Vec<u8>>,
    /// Volumes that cannot be had.
    pub missing: Vec<VolumeUuid>,
    /// Volumes that need not be loaded first.
    pub at_hand: Vec<VolumeUuid>,
    /// How many copies of each file.
    pub choosing: Choosing,
}

/// How many copies of each file are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choosing {
    /// The one that is best to be read.
    Best,
    /// All of them.
    Every,
}

/// The name of an item, and its place in the order of its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    volume: i64,
    block: i64,
    offset: i64,
    copy: CopyId,
}

/// An item: one copy (or part) to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectionItem {
    /// Its name.
    pub key: ItemKey,
    /// What became of it.
    pub state: ItemState,
    /// Why, if it failed or is missing; what it falls short of, if it is done.
    pub reason: Option<String>,
    /// What it is.
    pub located: LocatedCopy,
}

/// The items of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeShare {
    /// The volume.
    pub volume: VolumeUuid,
    /// Its place in its set.
    pub sequence: Option<u32>,
    /// Items and bytes by what became of them.
    pub totals: BTreeMap<ItemState, FileTotals>,
}

/// What became of the things of a selection that are in one state. A split file counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelectionTotals {
    /// Files, folders, links and so on.
    pub things: u64,
    /// Bytes of the files.
    pub bytes: ByteCount,
    /// How many of them have a reason beside their state.
    pub with_reason: u64,
}

/// Items written in one transaction, so that others can write in between.
const BATCH_ITEMS: usize = 10_000;
/// Names read from a folder at once.
const NAMES_READ: usize = 1000;

impl Catalog {
    /// Chooses what a restore has to read, in place of what the job had chosen before. Returns the paths
    /// of the request that hold nothing.
    ///
    /// # Errors
    /// `NotFound` for an unknown set or run, `BadPath`.
    pub fn select_for_restore(
        &self,
        job: JobId,
        request: &SelectionRequest,
    ) -> Result<Vec<Vec<u8>>, CatalogError> {
        self.drop_selection(job)?;
        self.read("choose what to restore", |reader| {
            let set = set_id(reader, &request.set)?;
            let mut chooser = Chooser {
                catalog: self,
                reader,
                job,
                view: view_of(reader, &request.set, &request.as_of)?,
                picker: Picker {
                    missing: request.missing.iter().copied().collect(),
                    at_hand: request.at_hand.iter().copied().collect(),
                    ..Picker::default()
                },
                choosing: request.choosing,
                items: Vec::new(),
                chosen: 0,
            };
            let root = root_dir(reader, set)?;
            let everything = [Vec::new()];
            let paths =
                if request.paths.is_empty() { everything.as_slice() } else { &request.paths };
            let mut empty = Vec::new();
            for path in paths {
                let before = chooser.chosen;
                chooser.choose_path(root, normal_path(path)?)?;
                if chooser.chosen == before {
                    empty.push(path.clone());
                }
            }
            chooser.store()?;
            Ok(empty)
        })
    }

    /// The volumes of a job's selection, in the order of their sets' sequence.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn selection_volumes(&self, job: JobId) -> Result<Vec<VolumeShare>, CatalogError> {
        self.read("sum up a selection", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT v.uuid, v.sequence, s.state, count(*), sum(s.size)
                 FROM selections s JOIN volumes v ON v.id = s.volume_id
                 WHERE s.job_id = ?1 GROUP BY v.id, s.state ORDER BY v.sequence, v.id",
            )?;
            let mut rows = statement.query([job.0])?;
            let mut shares: Vec<VolumeShare> = Vec::new();
            while let Some(row) = rows.next()? {
                let volume = uuid_at(row, 0)?;
                if shares.last().is_none_or(|share| share.volume != volume) {
                    let sequence = row.get(1)?;
                    shares.push(VolumeShare { volume, sequence, totals: BTreeMap::new() });
                }
                let totals = FileTotals { files: row.get(3)?, bytes: ByteCount(row.get(4)?) };
                if let Some(share) = shares.last_mut() {
                    share.totals.insert(row.get(2)?, totals);
                }
            }
            Ok(shares)
        })
    }

    /// What became of the things of a job's selection.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn selection_totals(
        &self,
        job: JobId,
    ) -> Result<BTreeMap<ItemState, SelectionTotals>, CatalogError> {
        self.read("count a selection", |reader| {
            let mut totals: BTreeMap<ItemState, SelectionTotals> = BTreeMap::new();
            let mut statement = reader.prepare_cached(
                "SELECT s.state, count(*) - count(p.copy_id), coalesce(sum(s.size), 0),
                    count(s.reason) - count(CASE WHEN p.copy_id IS NOT NULL THEN s.reason END)
                 FROM selections s LEFT JOIN copy_parts p ON p.copy_id = s.copy_id
                 WHERE s.job_id = ?1 GROUP BY s.state",
            )?;
            let mut rows = statement.query([job.0])?;
            while let Some(row) = rows.next()? {
                let bytes = ByteCount(row.get(2)?);
                let (things, with_reason) = (row.get(1)?, row.get(3)?);
                totals.insert(row.get(0)?, SelectionTotals { things, bytes, with_reason });
            }
            let mut statement = reader.prepare_cached(
                "SELECT state, count(*), count(reason) FROM (
                    SELECT s.state, max(s.reason) AS reason FROM selections s
                    JOIN copy_parts p ON p.copy_id = s.copy_id JOIN copies c ON c.id = s.copy_id
                    WHERE s.job_id = ?1 GROUP BY s.state, c.dir_id, c.name)
                 GROUP BY state",
            )?;
            let mut rows = statement.query([job.0])?;
            while let Some(row) = rows.next()? {
                let entry = totals.entry(row.get(0)?).or_default();
                let (things, with_reason): (u64, u64) = (row.get(1)?, row.get(2)?);
                entry.things += things;
                entry.with_reason += with_reason;
            }
            Ok(totals)
        })
    }

    /// Shows every copy of a job's selection, whatever became of it, in the order of the volumes. For
    /// those that need no more than the copies' numbers.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn each_selected_copy(
        &self,
        job: JobId,
        visit: &mut dyn FnMut(CopyId),
    ) -> Result<(), CatalogError> {
        self.read("list the copies of a selection", |reader| {
            let mut statement =
                reader.prepare_cached("SELECT copy_id FROM selections WHERE job_id = ?1")?;
            let mut rows = statement.query([job.0])?;
            while let Some(row) = rows.next()? {
                visit(CopyId(row.get(0)?));
            }
            Ok(())
        })
    }

    /// Items of a volume that wait, in tape order, after `after`, at most `limit`.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn waiting_items(
        &self,
        job: JobId,
        volume: VolumeUuid,
        after: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<SelectionItem>, CatalogError> {
        self.read("list what is to be restored", |reader| {
            let volume = super::volumes::volume_id(reader, volume)?;
            let after = after.map_or((i64::MIN, 0, 0), |key| (key.block, key.offset, key.copy.0));
            let mut statement = reader.prepare_cached(
                "SELECT volume_id, block, offset, copy_id, state, reason FROM selections
                 WHERE job_id = ?1 AND volume_id = ?2 AND (block, offset, copy_id) > (?3, ?4, ?5)
                    AND state = 'waiting'
                 ORDER BY block, offset, copy_id LIMIT ?6",
            )?;
            let values = params![job.0, volume, after.0, after.1, after.2, limit];
            items_of(reader, statement.query(values)?)
        })
    }

    /// Items that failed or are missing, and done ones with a reason: they fell short of what they
    /// were. After `after`, at most `limit`.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn selection_problems(
        &self,
        job: JobId,
        after: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<SelectionItem>, CatalogError> {
        self.read("list what was not restored", |reader| {
            let after = after
                .map_or((i64::MIN, 0, 0, 0), |key| (key.volume, key.block, key.offset, key.copy.0));
            let mut statement = reader.prepare_cached(
                "SELECT volume_id, block, offset, copy_id, state, reason FROM selections
                 WHERE job_id = ?1 AND (volume_id, block, offset, copy_id) > (?2, ?3, ?4, ?5)
                    AND (state IN ('failed', 'missing') OR reason IS NOT NULL)
                 ORDER BY volume_id, block, offset, copy_id LIMIT ?6",
            )?;
            let values = params![job.0, after.0, after.1, after.2, after.3, limit];
            items_of(reader, statement.query(values)?)
        })
    }

    /// Notes what became of items, in one transaction.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn finish_items(
        &self,
        job: JobId,
        outcomes: &[(ItemKey, ItemState, Option<String>)],
    ) -> Result<(), CatalogError> {
        self.write("note what was restored", |transaction| {
            let mut statement = transaction.prepare_cached(
                "UPDATE selections SET state = ?6, reason = ?7 WHERE job_id = ?1 AND volume_id = ?2
                    AND block = ?3 AND offset = ?4 AND copy_id = ?5",
            )?;
            for (key, state, reason) in outcomes {
                statement.execute(params![
                    job.0, key.volume, key.block, key.offset, key.copy.0, state, reason
                ])?;
            }
            Ok(())
        })
    }

    /// Forgets a job's selection.
    ///
    /// # Errors
    /// `Database` if the change cannot be stored.
    pub fn drop_selection(&self, job: JobId) -> Result<(), CatalogError> {
        self.write("forget a selection", |transaction| {
            transaction
                .prepare_cached("DELETE FROM selections WHERE job_id = ?1")?
                .execute([job.0])?;
            Ok(())
        })
    }
}

fn items_of(
    connection: &Connection,
    mut rows: rusqlite::Rows<'_>,
) -> Result<Vec<SelectionItem>, CatalogError> {
    let mut locator = Locator::default();
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let copy = CopyId(row.get(3)?);
        if let Some(located) = locator.locate(connection, copy)? {
            let key =
                ItemKey { volume: row.get(0)?, block: row.get(1)?, offset: row.get(2)?, copy };
            items.push(SelectionItem { key, state: row.get(4)?, reason: row.get(5)?, located });
        }
    }
    Ok(items)
}

/// Walks the tree and chooses.
struct Chooser<'a> {
    catalog: &'a Catalog,
    reader: &'a Connection,
    job: JobId,
    view: View,
    picker: Picker,
    choosing: Choosing,
    items: Vec<NewItem>,
    chosen: u64,
}

impl Chooser<'_> {
    fn choose_path(&mut self, root: i64, path: &[u8]) -> Result<(), CatalogError> {
        let (parent, name) = split_path(path);
        let Some(parent) = find_dir(self.reader, root, parent)? else { return Ok(()) };
        if let Some(row) = self.newest(parent, name)? {
            self.choose(parent, &row)?;
        }
        match find_dir(self.reader, root, path)? {
            Some(dir) => self.choose_below(dir),
            None => Ok(()),
        }
    }

    /// Everything in a folder, and in the folders in it. Deep trees cost memory, not stack.
    fn choose_below(&mut self, top: i64) -> Result<(), CatalogError> {
        let mut waiting = vec![top];
        while let Some(dir) = waiting.pop() {
            let mut after = Vec::new();
            loop {
                let rows = newest_after(self.reader, dir, self.view, &after, NAMES_READ)?;
                for row in &rows {
                    self.choose(dir, row)?;
                }
                match rows.last() {
                    Some(last) if rows.len() == NAMES_READ => after.clone_from(&last.name),
                    _ => break,
                }
            }
            let mut statement =
                self.reader.prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1")?;
            for child in statement.query_map([dir], |row| row.get(0))? {
                waiting.push(child?);
            }
        }
        Ok(())
    }

    fn newest(&self, dir: i64, name: &[u8]) -> Result<Option<VersionRow>, CatalogError> {
        let sql = format!(
            "SELECT {VERSION_COLUMNS} FROM versions v
             WHERE v.dir_id = ?1 AND v.name = ?2 AND v.run_id BETWEEN ?3 AND ?4
             ORDER BY v.run_id DESC LIMIT 1"
        );
        let mut statement = self.reader.prepare_cached(&sql)?;
        let values = params![dir, name, self.view.base, self.view.newest];
        let mut rows = statement.query_map(values, VersionRow::from_row)?;
        Ok(rows.next().transpose()?.filter(|row| row.kind != KIND_GONE))
    }

    /// Chooses what is to be read of a version.
    fn choose(&mut self, dir: i64, row: &VersionRow) -> Result<(), CatalogError> {
        let options = self.picker.options(self.reader, dir, row)?;
        let chosen: Vec<&CopyOption> = match self.choosing {
            Choosing::Best => {
                options.iter().max_by_key(|option| option.rank()).into_iter().collect()
            }
            Choosing::Every => options.iter().collect(),
        };
        for option in chosen {
            for part in &option.parts {
                self.items.push(part.item(self.reader, row)?);
                self.chosen += 1;
            }
        }
        if self.items.len() >= BATCH_ITEMS { self.store() } else { Ok(()) }
    }

    fn store(&mut self) -> Result<(), CatalogError> {
        let items = std::mem::take(&mut self.items);
        self.catalog.write("keep what was chosen", |transaction| {
            items.iter().try_for_each(|item| item.insert(transaction, self.job))
        })
    }
}
