//! A copy with everything around it: its path, its version, its attributes. What verify and restore
//! read in tape order, and what is left of a volume whose index is lost.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::domain::SetName;

use super::Catalog;
use super::copies::{CopyRecord, PlacedCopy, placed_copy};
use super::error::CatalogError;
use super::files::{DescribedVersion, EvidenceBook, FileVersion, described_version};
use super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId};
use super::paths::PathSpeller;
use super::sets::set_name_at;

/// A copy with everything around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedCopy {
    /// The set.
    pub set: SetName,
    /// The path in the set.
    pub path: Vec<u8>,
    /// The version that the copy is of.
    pub version: FileVersion,
    /// The copy.
    pub copy: CopyRecord,
    /// Attributes shared with other files, as they were pushed.
    pub attributes: Vec<u8>,
    /// Attributes of its own, as they were pushed.
    pub detail: Option<Vec<u8>>,
}

impl Catalog {
    /// The copies of a segment in tape order, from the place `from`, at most `limit`.
    ///
    /// These are also the journal of the volume: where which file's bytes lie, and their digests.
    ///
    /// # Errors
    /// `Database` if they cannot be read; an unknown segment has no copies.
    pub fn segment_copies(
        &self,
        segment: SegmentId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<LocatedCopy>, CatalogError> {
        self.read("list the copies of a segment", |reader| {
            let range = (CopyId::new(segment, from).0, CopyId::new(segment, SEQUENCE_LIMIT - 1).0);
            let ids = reader
                .prepare_cached(
                    "SELECT id FROM copies WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
                )?
                .query_map(params![range.0, range.1, limit], |row| row.get(0).map(CopyId))?
                .collect::<Result<Vec<_>, _>>()?;
            let mut locator = Locator::default();
            ids.into_iter().filter_map(|id| locator.locate(reader, id).transpose()).collect()
        })
    }

    /// What the catalog knows of one copy; `None` if there is no such copy.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn located_copy(&self, id: CopyId) -> Result<Option<LocatedCopy>, CatalogError> {
        self.read("look up a copy", |reader| Locator::default().locate(reader, id))
    }
}

/// Looks copies up, and keeps what many of them share.
#[derive(Debug, Default)]
pub(super) struct Locator {
    book: EvidenceBook,
    speller: PathSpeller,
    sets: HashMap<i64, SetName>,
}

impl Locator {
    /// The copy with everything around it; `None` if the catalog does not hold it (any more).
    pub(super) fn locate(
        &mut self,
        connection: &Connection,
        id: CopyId,
    ) -> Result<Option<LocatedCopy>, CatalogError> {
        let Some(placed) = placed_copy(connection, &mut self.book, id)? else { return Ok(None) };
        let PlacedCopy { dir, name, record } = placed;
        let run = self.book.segment(connection, id.segment())?.run;
        let described = described_version(connection, &mut self.book, dir, &name, run)?;
        let Some(DescribedVersion { version, attributes, detail }) = described else {
            return Ok(None);
        };
        let set = self.speller.dir(connection, dir)?.set;
        let set = self.set_name(connection, set)?;
        let path = self.speller.file(connection, dir, &name)?;
        Ok(Some(LocatedCopy { set, path, version, copy: record, attributes, detail }))
    }

    fn set_name(&mut self, connection: &Connection, set: i64) -> Result<SetName, CatalogError> {
        if let Some(known) = self.sets.get(&set) {
            return Ok(known.clone());
        }
        let name = connection
            .prepare_cached("SELECT name FROM sets WHERE id = ?1")?
            .query_row([set], |row| set_name_at(row, 0))?;
        self.sets.insert(set, name.clone());
        Ok(name)
    }
}
