//! What earlier runs stored, folder by folder: how an incremental run finds what is unchanged.
//!
//! The walk asks for the folder that it is in, a page at a time, and merges the answer with what it sees;
//! both are in the order of raw names. What has evidence and looks the same is skipped; what is here and not
//! in the source is gone ([`super::RunWriter::push_gone`]).

use rusqlite::Connection;

use crate::domain::{RunId, SetName};

use super::Catalog;
use super::browse::newest_after;
use super::error::CatalogError;
use super::files::{EvidenceBook, FileVersion, root_dir};
use super::folder_copies::FolderCopies;
use super::paths::{find_dir, normal_path};
use super::runs::{View, run_key, view_until};
use super::sets::set_id;

/// A name in a folder, and its newest version before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousEntry {
    /// The name.
    pub name: Vec<u8>,
    /// The version, with the evidence of all its copies.
    pub version: FileVersion,
}

/// Answers for the folders of one set. Evidence is read once for each segment, when the walk meets it
/// first; what is recorded meanwhile counts for the next run.
#[derive(Debug)]
pub struct PreviousEntries {
    catalog: Catalog,
    root: i64,
    view: View,
    book: EvidenceBook,
}

impl Catalog {
    /// Opens the view of what the runs of a set before `run` have stored.
    ///
    /// # Errors
    /// `NotFound` if set or run is not known.
    pub fn previous_entries(
        &self,
        set: &SetName,
        run: &RunId,
    ) -> Result<PreviousEntries, CatalogError> {
        self.read("look at earlier runs", |reader| {
            self.entries_until(reader, set, run_key(reader, run)? - 1)
        })
    }

    /// Opens the view of what all runs of a set have stored.
    ///
    /// # Errors
    /// `NotFound` if the set is not known.
    pub fn newest_entries(&self, set: &SetName) -> Result<PreviousEntries, CatalogError> {
        self.read("look at all runs", |reader| self.entries_until(reader, set, i64::MAX))
    }

    fn entries_until(
        &self,
        reader: &Connection,
        set: &SetName,
        newest: i64,
    ) -> Result<PreviousEntries, CatalogError> {
        let set = set_id(reader, set)?;
        Ok(PreviousEntries {
            catalog: self.clone(),
            root: root_dir(reader, set)?,
            view: view_until(reader, set, newest)?,
            book: EvidenceBook::default(),
        })
    }
}

impl PreviousEntries {
    /// At most `limit` entries of a folder after the name `after`, in the order of raw names; some 300
    /// bytes an entry, and a folder may have millions. Fewer than `limit` say that these were the last.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn page(
        &mut self,
        path: &[u8],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<PreviousEntry>, CatalogError> {
        let path = normal_path(path)?;
        let catalog = self.catalog.clone();
        catalog.read("look at earlier runs", |reader| {
            let Some(dir) = find_dir(reader, self.root, path)? else { return Ok(Vec::new()) };
            let rows = newest_after(reader, dir, self.view, after, limit)?;
            let copies = FolderCopies::of(reader, dir, &rows)?;
            let mut entries = Vec::with_capacity(rows.len());
            for row in rows {
                let name = row.name.clone();
                if let Some(version) = copies.version(reader, &mut self.book, row)? {
                    entries.push(PreviousEntry { name, version });
                }
            }
            Ok(entries)
        })
    }
}
