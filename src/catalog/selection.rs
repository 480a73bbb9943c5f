//! What a restore has chosen: made once, kept until the job is gone, walked in tape order.
//!
//! A selection can have ten million items and a restore can be killed at any of them, so it is a table
//! and not a list. Of a file in several copies of its set one is chosen, with all of its parts: on
//! volumes that are there, not found bad, in a drive already, with the most evidence, in this order.
//! What lies only on volumes that are not there is kept too, as missing, with the reason: a restore lists
//! it instead of forgetting it. When a chosen copy turns out to be bad or cannot be had,
//! [`Catalog::choose_other_copies`] puts another one in its place.

use std::collections::BTreeMap;

use rusqlite::{Connection, ToSql, params};

use crate::domain::{ByteCount, JobId, SetName, VolumeUuid};

use super::Catalog;
use super::error::CatalogError;
use super::ids::CopyId;
use super::located::{self, LocatedCopy, Locator};
use super::runs::{AsOf, FileTotals};
use super::text_enum::text_enum;

mod chooser;
mod finishing;
mod other_copies;
mod picker;
mod totals;
mod version_copies;

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

/// Items of one transaction, so that others can write in between.
const BATCH_ITEMS: usize = 10_000;

impl Catalog {
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
        self.waiting_before(i64::MAX, job, volume, after, limit)
    }

    /// As [`waiting_items`](Self::waiting_items), of those without bytes alone: folders, links, devices,
    /// empty files. They stand before all others of their volume.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn waiting_items_without_bytes(
        &self,
        job: JobId,
        volume: VolumeUuid,
        after: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<SelectionItem>, CatalogError> {
        self.waiting_before(0, job, volume, after, limit)
    }

    /// Waiting items of a volume that stand before `block`.
    fn waiting_before(
        &self,
        block: i64,
        job: JobId,
        volume: VolumeUuid,
        after: Option<ItemKey>,
        limit: usize,
    ) -> Result<Vec<SelectionItem>, CatalogError> {
        self.read("list what is to be restored", |reader| {
            let volume = super::volumes::volume_id(reader, volume)?;
            let after = after.map_or((i64::MIN, 0, 0), |key| (key.block, key.offset, key.copy.0));
            let which = "s.job_id = ?1 AND s.volume_id = ?2 AND s.block < ?7
                    AND (s.block, s.offset, s.copy_id) > (?3, ?4, ?5) AND s.state = 'waiting'
                 ORDER BY s.block, s.offset, s.copy_id LIMIT ?6";
            let values = params![job.0, volume, after.0, after.1, after.2, limit, block];
            items(reader, which, values)
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
            let which = "s.job_id = ?1
                    AND (s.volume_id, s.block, s.offset, s.copy_id) > (?2, ?3, ?4, ?5)
                    AND (s.state IN ('failed', 'missing') OR s.reason IS NOT NULL)
                 ORDER BY s.volume_id, s.block, s.offset, s.copy_id LIMIT ?6";
            let values = params![job.0, after.0, after.1, after.2, after.3, limit];
            items(reader, which, values)
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

/// Items with all that lies around them; `which` says which, and in what order.
fn items(
    connection: &Connection,
    which: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<SelectionItem>, CatalogError> {
    let sql = format!(
        "SELECT {}, s.volume_id, s.block, s.offset, s.copy_id, s.state, s.reason
         FROM selections s CROSS JOIN copies c ON c.id = s.copy_id {} WHERE {which}",
        located::columns(),
        located::joins()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let (mut locator, mut items) = (Locator::default(), Vec::new());
    while let Some(row) = rows.next()? {
        let Some(located) = locator.locate(connection, row)? else { continue };
        let own = |column| located::COLUMNS_READ + column;
        let key = ItemKey {
            volume: row.get(own(0))?,
            block: row.get(own(1))?,
            offset: row.get(own(2))?,
            copy: CopyId(row.get(own(3))?),
        };
        items.push(SelectionItem {
            key,
            state: row.get(own(4))?,
            reason: row.get(own(5))?,
            located,
        });
    }
    Ok(items)
}
