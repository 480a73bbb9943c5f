//! The copies of many versions of one folder, looked up together.
//!
//! Almost every file has one copy in one piece, or one on each of two volumes. Asking for each file
//! whether it has more, and whether a copy is a part, would be two questions a file; here it is two
//! questions a page, and only split files are looked at one by one.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};
use smallvec::SmallVec;

use super::copies::part_of;
use super::error::CatalogError;
use super::files::{CopyStanding, EvidenceBook, FileVersion, VersionRow};
use super::ids::{CopyId, SegmentId};
use super::run_writer::CopyPart;

/// The copies and parts of one version, the first one first.
pub(super) type Copies = SmallVec<[CopyId; 2]>;

/// What is known of the copies of some versions.
#[derive(Debug, Default)]
pub(super) struct FolderCopies {
    /// Copies beside the first, by name and run.
    extra: HashMap<(Vec<u8>, i64), Copies>,
    parts: HashSet<CopyId>,
}

impl FolderCopies {
    /// Those of `rows`, which are versions in one folder in the order of their names.
    pub(super) fn of(
        connection: &Connection,
        dir: i64,
        rows: &[VersionRow],
    ) -> Result<Self, CatalogError> {
        let mut known = Self::default();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(known) };
        let mut statement = connection.prepare_cached(
            "SELECT name, run_id, copy_id FROM extra_copies
             WHERE dir_id = ?1 AND name BETWEEN ?2 AND ?3 ORDER BY name, run_id, copy_id",
        )?;
        let mut extra = statement.query(params![dir, first.name, last.name])?;
        while let Some(row) = extra.next()? {
            let version = (row.get(0)?, row.get(1)?);
            known.extra.entry(version).or_default().push(CopyId(row.get(2)?));
        }
        let mut spans: HashMap<SegmentId, (CopyId, CopyId)> = HashMap::new();
        let all = rows.iter().filter_map(|row| row.copy);
        for copy in all.chain(known.extra.values().flatten().copied()) {
            let span = spans.entry(copy.segment()).or_insert((copy, copy));
            *span = (span.0.min(copy), span.1.max(copy));
        }
        let mut statement = connection
            .prepare_cached("SELECT copy_id FROM copy_parts WHERE copy_id BETWEEN ?1 AND ?2")?;
        for (from, to) in spans.into_values() {
            let parts = statement.query_map([from.0, to.0], |row| row.get(0).map(CopyId))?;
            for part in parts {
                known.parts.insert(part?);
            }
        }
        Ok(known)
    }

    /// All copies and parts of one of the versions.
    pub(super) fn copies(&self, row: &VersionRow) -> Copies {
        let mut copies: Copies = row.copy.into_iter().collect();
        if !self.extra.is_empty()
            && let Some(extra) = self.extra.get(&(row.name.clone(), row.run))
        {
            copies.extend_from_slice(extra);
        }
        copies
    }

    /// Which part of its file one of the copies is, if the file is split.
    pub(super) fn part(
        &self,
        connection: &Connection,
        copy: CopyId,
    ) -> Result<Option<CopyPart>, CatalogError> {
        if self.parts.contains(&copy) { part_of(connection, copy) } else { Ok(None) }
    }

    /// How one of the versions stands in each copy of its set.
    pub(super) fn standing(
        &self,
        connection: &Connection,
        book: &mut EvidenceBook,
        row: &VersionRow,
    ) -> Result<SmallVec<[CopyStanding; 1]>, CatalogError> {
        let mut copies: SmallVec<[(CopyId, Option<CopyPart>); 2]> = SmallVec::new();
        for copy in self.copies(row) {
            copies.push((copy, self.part(connection, copy)?));
        }
        book.standing(connection, &copies, row.size)
    }

    /// One of the versions, with the evidence of all its copies; `None` if it says "gone".
    pub(super) fn version(
        &self,
        connection: &Connection,
        book: &mut EvidenceBook,
        row: VersionRow,
    ) -> Result<Option<FileVersion>, CatalogError> {
        let standing = self.standing(connection, book, &row)?;
        row.with_copies(connection, book, standing)
    }
}
