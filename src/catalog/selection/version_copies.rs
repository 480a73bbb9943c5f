//! The copies of several versions at once: where they begin, and which parts they are.
//!
//! Asking for each file by itself takes three looks a file. Copies of files that lie together were mostly
//! written together, so their numbers follow each other and one look finds a thousand.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use smallvec::SmallVec;

use super::super::error::CatalogError;
use super::super::extents::decode_extents;
use super::super::files::VersionRow;
use super::super::ids::CopyId;

/// A copy, as far as it matters for choosing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CopyPlace {
    pub(super) copy: CopyId,
    /// Offset in the file and size, if it is a part.
    pub(super) part: Option<(u64, u64)>,
    /// Its first block; what has no bytes comes first, for folders must be there before their files.
    pub(super) block: i64,
    /// Where in that block.
    pub(super) offset: i64,
}

/// Of one version, the first copy first. Nearly every file has one.
pub(super) type VersionCopies = SmallVec<[CopyPlace; 1]>;

/// All copies and parts of each of the versions, which are in one folder and in the order of their names.
///
/// # Errors
/// `Database` if they cannot be read, or a copy is missing.
pub(super) fn copies_of(
    connection: &Connection,
    dir: i64,
    rows: &[VersionRow],
) -> Result<Vec<VersionCopies>, CatalogError> {
    let mut ids: Vec<SmallVec<[CopyId; 1]>> =
        rows.iter().map(|row| row.copy.into_iter().collect()).collect();
    add_extra_copies(connection, dir, rows, &mut ids)?;
    let places = places_of(connection, ids.iter().flatten().copied().collect())?;
    let place = |id: CopyId| places.get(&id).copied().ok_or(rusqlite::Error::QueryReturnedNoRows);
    let of_version = |ids: SmallVec<[CopyId; 1]>| ids.into_iter().map(place).collect();
    Ok(ids.into_iter().map(of_version).collect::<Result<_, _>>()?)
}

fn add_extra_copies(
    connection: &Connection,
    dir: i64,
    rows: &[VersionRow],
    ids: &mut [SmallVec<[CopyId; 1]>],
) -> Result<(), CatalogError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    let mut statement = connection.prepare_cached(
        "SELECT name, run_id, copy_id FROM extra_copies
         WHERE dir_id = ?1 AND name BETWEEN ?2 AND ?3 ORDER BY name, run_id, copy_id",
    )?;
    let mut extra = statement.query(params![dir, first.name, last.name])?;
    let mut at = 0;
    while let Some(row) = extra.next()? {
        let name = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        while rows.get(at).is_some_and(|known| known.name.as_slice() < name) {
            at += 1;
        }
        let run: i64 = row.get(1)?;
        if rows.get(at).is_some_and(|known| known.name == name && known.run == run) {
            ids[at].push(CopyId(row.get(2)?));
        }
    }
    Ok(())
}

fn places_of(
    connection: &Connection,
    mut ids: Vec<CopyId>,
) -> Result<HashMap<CopyId, CopyPlace>, CatalogError> {
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    let mut places = HashMap::with_capacity(ids.len());
    let mut statement = connection.prepare_cached(
        "SELECT c.id, c.extents, p.offset, p.size FROM copies c
         LEFT JOIN copy_parts p ON p.copy_id = c.id WHERE c.id BETWEEN ?1 AND ?2",
    )?;
    for run in ids.chunk_by(|one, next| one.0 + 1 == next.0) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let mut found = statement.query([first.0, last.0])?;
        while let Some(row) = found.next()? {
            let extents = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let first = decode_extents(extents)?.first().copied();
            let (block, offset) = first
                .map_or((-1, 0), |extent| (extent.start.block.0.cast_signed(), extent.byte_offset));
            let copy = CopyId(row.get(0)?);
            let part = row.get::<_, Option<u64>>(2)?.zip(row.get(3)?);
            let place = CopyPlace { copy, part, block, offset: offset.cast_signed() };
            places.insert(copy, place);
        }
    }
    Ok(places)
}
