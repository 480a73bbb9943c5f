//! Chooses what a restore has to read: walks the tree, and keeps what was chosen beside the walk.

use crossbeam_channel::{Sender, bounded};
use rusqlite::{Connection, params};

use crate::domain::JobId;

use super::super::Catalog;
use super::super::browse::newest_after;
use super::super::error::CatalogError;
use super::super::files::{KIND_GONE, VERSION_COLUMNS, VersionRow, root_dir};
use super::super::paths::{find_dir, normal_path, split_path};
use super::super::runs::{View, view_of};
use super::super::sets::set_id;
use super::picker::{CopyOption, NewItem, Picker};
use super::version_copies::copies_of;
use super::{BATCH_ITEMS, Choosing, SelectionRequest};

/// Names read from a folder at once.
const NAMES_READ: usize = 1000;
/// Batches of items that wait to be kept.
const BATCHES_AHEAD: usize = 2;

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
        // To choose and to keep take about as long.
        std::thread::scope(|scope| {
            let (sender, batches) = bounded::<Vec<NewItem>>(BATCHES_AHEAD);
            let keeping = scope
                .spawn(move || batches.iter().try_for_each(|batch| self.keep_chosen(job, &batch)));
            let chosen = self.choose(request, sender);
            let kept = keeping.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            kept.and(chosen)
        })
    }

    /// Ends early, and without an error of its own, if nobody takes the items any more.
    fn choose(
        &self,
        request: &SelectionRequest,
        chosen: Sender<Vec<NewItem>>,
    ) -> Result<Vec<Vec<u8>>, CatalogError> {
        self.read("choose what to restore", |reader| {
            let set = set_id(reader, &request.set)?;
            let mut chooser = Chooser {
                reader,
                view: view_of(reader, &request.set, &request.as_of)?,
                picker: Picker {
                    missing: request.missing.iter().copied().collect(),
                    at_hand: request.at_hand.iter().copied().collect(),
                    ..Picker::default()
                },
                choosing: request.choosing,
                items: Vec::new(),
                count: 0,
                chosen,
            };
            let root = root_dir(reader, set)?;
            let everything = [Vec::new()];
            let paths =
                if request.paths.is_empty() { everything.as_slice() } else { &request.paths };
            let mut empty = Vec::new();
            for path in paths {
                let before = chooser.count;
                if !chooser.choose_path(root, normal_path(path)?)? {
                    return Ok(Vec::new());
                }
                if chooser.count == before {
                    empty.push(path.clone());
                }
            }
            chooser.hand_over();
            Ok(empty)
        })
    }

    fn keep_chosen(&self, job: JobId, items: &[NewItem]) -> Result<(), CatalogError> {
        self.write("keep what was chosen", |transaction| NewItem::insert(items, transaction, job))
    }
}

/// Walks the tree and chooses. Its verbs say whether anybody still takes what is chosen.
struct Chooser<'a> {
    reader: &'a Connection,
    view: View,
    picker: Picker,
    choosing: Choosing,
    items: Vec<NewItem>,
    /// Items chosen so far.
    count: u64,
    chosen: Sender<Vec<NewItem>>,
}

impl Chooser<'_> {
    fn choose_path(&mut self, root: i64, path: &[u8]) -> Result<bool, CatalogError> {
        let (parent, name) = split_path(path);
        let Some(parent) = find_dir(self.reader, root, parent)? else { return Ok(true) };
        if let Some(row) = self.newest(parent, name)?
            && !self.choose(parent, &[row])?
        {
            return Ok(false);
        }
        match find_dir(self.reader, root, path)? {
            Some(dir) => self.choose_below(dir),
            None => Ok(true),
        }
    }

    /// Everything in a folder, and in the folders in it. Deep trees cost memory, not stack.
    fn choose_below(&mut self, top: i64) -> Result<bool, CatalogError> {
        let mut waiting = vec![top];
        while let Some(dir) = waiting.pop() {
            let mut after = Vec::new();
            loop {
                let rows = newest_after(self.reader, dir, self.view, &after, NAMES_READ)?;
                if !self.choose(dir, &rows)? {
                    return Ok(false);
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
        Ok(true)
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

    /// Chooses what is to be read of versions in a folder, which come in the order of their names.
    fn choose(&mut self, dir: i64, rows: &[VersionRow]) -> Result<bool, CatalogError> {
        for (row, copies) in rows.iter().zip(copies_of(self.reader, dir, rows)?) {
            let options = self.picker.options(self.reader, row, copies)?;
            let best = || options.iter().max_by_key(|option| option.rank()).into_iter().collect();
            let chosen: Vec<&CopyOption> = match self.choosing {
                Choosing::Best => best(),
                Choosing::Every => options.iter().collect(),
            };
            for part in chosen.iter().flat_map(|option| &option.parts) {
                self.items.push(part.item(row));
                self.count += 1;
            }
        }
        Ok(self.items.len() < BATCH_ITEMS || self.hand_over())
    }

    fn hand_over(&mut self) -> bool {
        self.chosen.send(std::mem::take(&mut self.items)).is_ok()
    }
}
