//! A copy with everything around it: its path, its version, its attributes. What verify and restore
//! read in tape order, and what is left of a volume whose index is lost.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use crate::domain::SetName;

use super::Catalog;
use super::copies::{COPY_COLUMNS, COPY_JOINS, CopyRecord, PlacedCopy};
use super::error::CatalogError;
use super::files::{EvidenceBook, FileVersion, VERSION_COLUMNS, VersionRow};
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

/// Where the columns of [`COPY_COLUMNS`] begin in [`columns`].
const COPY_AT: usize = 13;
/// How many columns [`Locator::locate`] reads; a query's own come behind them.
pub(super) const COLUMNS_READ: usize = COPY_AT + 13;

/// Columns that [`Locator::locate`] reads, of a table or query called `c` with [`joins`].
pub(super) fn columns() -> String {
    format!(
        "{VERSION_COLUMNS}, a.content, d.content,
        EXISTS (SELECT 1 FROM extra_copies e
            WHERE e.dir_id = c.dir_id AND e.name = c.name AND e.run_id = g.run_id),
        {COPY_COLUMNS}"
    )
}

/// All that lies around the copies of `c`, each found by its key: `CROSS JOIN` keeps the order.
pub(super) fn joins() -> String {
    format!(
        "CROSS JOIN segments g ON g.id = c.id >> 36
        CROSS JOIN versions v ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = g.run_id
        LEFT JOIN attributes a ON a.id = v.attributes_id
        LEFT JOIN details d ON d.dir_id = v.dir_id AND d.name = v.name AND d.run_id = v.run_id
        {COPY_JOINS}"
    )
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
        let range = (CopyId::new(segment, from), CopyId::new(segment, SEQUENCE_LIMIT - 1));
        self.read("list the copies of a segment", |reader| copies_in(reader, range, limit))
    }

    /// What the catalog knows of one copy; `None` if there is no such copy.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn located_copy(&self, id: CopyId) -> Result<Option<LocatedCopy>, CatalogError> {
        Ok(self.read("look up a copy", |reader| copies_in(reader, (id, id), 1))?.pop())
    }
}

fn copies_in(
    connection: &Connection,
    (first, last): (CopyId, CopyId),
    limit: usize,
) -> Result<Vec<LocatedCopy>, CatalogError> {
    let sql = format!(
        "SELECT {} FROM copies c {} WHERE c.id BETWEEN ?1 AND ?2 ORDER BY c.id LIMIT ?3",
        columns(),
        joins()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![first.0, last.0, limit])?;
    let (mut locator, mut copies) = (Locator::default(), Vec::new());
    while let Some(row) = rows.next()? {
        copies.extend(locator.locate(connection, row)?);
    }
    Ok(copies)
}

/// Reads copies from rows, and keeps what many of them share.
#[derive(Debug, Default)]
pub(super) struct Locator {
    book: EvidenceBook,
    speller: PathSpeller,
    sets: HashMap<i64, SetName>,
}

impl Locator {
    /// The copy with everything around it, from a row with [`columns`]; `None` if its version says that
    /// the path was gone.
    pub(super) fn locate(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
    ) -> Result<Option<LocatedCopy>, CatalogError> {
        let placed = PlacedCopy::from_row(row, COPY_AT, connection, &mut self.book)?;
        let PlacedCopy { dir, name, record } = placed;
        let found = VersionRow::from_row(row)?;
        let has_others: bool = row.get(COPY_AT - 1)?;
        let version = if has_others || found.copy != Some(record.id) {
            found.into_version(connection, &mut self.book, dir)?
        } else {
            let only = [(record.id, record.part)];
            let standing = self.book.standing(connection, &only, found.size)?;
            found.with_copies(connection, &mut self.book, standing)?
        };
        let Some(version) = version else { return Ok(None) };
        let attributes: Option<Vec<u8>> = row.get(COPY_AT - 3)?;
        let attributes = attributes.unwrap_or_default();
        let detail = row.get(COPY_AT - 2)?;
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
