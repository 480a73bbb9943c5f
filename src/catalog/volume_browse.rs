//! Looking into the folders of a volume: what is on a cartridge, and where else it is.
//!
//! A cartridge holds versions, not a tree at a moment: of each name the newest version is shown that has a
//! copy here. A page looks at so many rows at most and then says how to go on, so that a folder with a
//! million entries of which few are here costs what any page costs; such a page can be short.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::domain::VolumeUuid;

use super::Catalog;
use super::error::CatalogError;
use super::files::{EvidenceBook, FileKind, FileVersion, VERSION_COLUMNS, VersionRow, root_dir};
use super::folder_copies::FolderCopies;
use super::ids::SegmentId;
use super::paths::{find_dir, normal_path};
use super::volumes::volume_id;

/// Rows that a page looks at: some 5 ms.
const ROWS_MAX: usize = 2_000;

/// An entry of a folder on a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeEntry {
    /// Its name.
    pub name: Vec<u8>,
    /// True for a folder.
    pub is_directory: bool,
    /// The newest version with a copy on the volume; `None` for a folder that is only the way to others.
    pub version: Option<FileVersion>,
}

/// A page of a folder's entries, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumePage {
    /// The entries.
    pub entries: Vec<VolumeEntry>,
    /// The name after which the next page begins; `None` on the last page.
    pub next: Option<Vec<u8>>,
}

impl Catalog {
    /// The entries of a folder that have something on a volume, by name, after the name `after`, at most
    /// `limit`.
    ///
    /// # Errors
    /// `NotFound` for an unknown volume; an unknown folder is empty.
    pub fn volume_children(
        &self,
        volume: VolumeUuid,
        path: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<VolumePage, CatalogError> {
        let path = normal_path(path)?;
        self.read("list a folder of a volume", |reader| {
            let volume = volume_id(reader, volume)?;
            let set: Option<i64> = reader
                .prepare_cached("SELECT set_id FROM volumes WHERE id = ?1")?
                .query_row([volume], |row| row.get(0))
                .optional()?
                .flatten();
            let Some(set) = set else { return Ok(VolumePage::default()) };
            let root = root_dir(reader, set)?;
            let Some(dir) = find_dir(reader, root, path)? else {
                return Ok(VolumePage::default());
            };
            let folders = self.inner.folders.of(reader, volume)?;
            if !folders.contains(&dir) {
                return Ok(VolumePage::default());
            }
            let here = Here::of(reader, volume)?;
            page_of(reader, dir, &folders, &here, after.unwrap_or_default(), limit)
        })
    }
}

/// What is on the volume, as far as rows of versions tell.
struct Here {
    segments: HashSet<SegmentId>,
    runs: HashSet<i64>,
}

impl Here {
    fn of(connection: &Connection, volume: i64) -> Result<Self, CatalogError> {
        let mut statement =
            connection.prepare_cached("SELECT id, run_id FROM segments WHERE volume_id = ?1")?;
        let mut here = Self { segments: HashSet::new(), runs: HashSet::new() };
        let mut rows = statement.query([volume])?;
        while let Some(row) = rows.next()? {
            here.segments.insert(SegmentId(row.get(0)?));
            here.runs.insert(row.get(1)?);
        }
        Ok(here)
    }
}

fn page_of(
    connection: &Connection,
    dir: i64,
    folders: &HashSet<i64>,
    here: &Here,
    after: &[u8],
    limit: usize,
) -> Result<VolumePage, CatalogError> {
    let (names, folders_end) = folders_after(connection, dir, folders, after)?;
    let (rows, rows_end) = versions_after(connection, dir, after)?;
    // What was cut says nothing about names beyond its end.
    let end = [folders_end, rows_end].into_iter().flatten().min();
    let copies = FolderCopies::of(connection, dir, &rows)?;
    let mut found: BTreeMap<Vec<u8>, Option<VersionRow>> =
        names.into_iter().map(|name| (name, None)).collect();
    for row in rows {
        let is_here = here.runs.contains(&row.run)
            && copies.copies(&row).iter().any(|copy| here.segments.contains(&copy.segment()));
        // The newest one comes first.
        if is_here && found.get(&row.name).is_none_or(Option::is_none) {
            found.insert(row.name.clone(), Some(row));
        }
    }
    let mut book = EvidenceBook::default();
    let mut page = VolumePage { entries: Vec::new(), next: end.clone() };
    for (name, row) in found {
        if end.as_ref().is_some_and(|end| name > *end) {
            break;
        }
        if page.entries.len() == limit {
            page.next = page.entries.last().map(|entry| entry.name.clone());
            break;
        }
        let is_directory = row.as_ref().is_none_or(|row| row.kind == FileKind::Directory.code());
        let version = match row {
            Some(row) => copies.version(connection, &mut book, row)?,
            None => None,
        };
        page.entries.push(VolumeEntry { name, is_directory, version });
    }
    Ok(page)
}

type Names = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// Folders in a folder that have something on the volume, and up to which name that is all.
fn folders_after(
    connection: &Connection,
    dir: i64,
    folders: &HashSet<i64>,
    after: &[u8],
) -> Result<Names, CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name FROM dirs WHERE parent_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
    )?;
    let rows = statement.query_map(params![dir, after, ROWS_MAX], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    })?;
    let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
    let end = rows.last().filter(|_| rows.len() == ROWS_MAX).map(|(_, name)| name.clone());
    let names = rows.into_iter().filter(|(id, _)| folders.contains(id)).map(|(_, name)| name);
    Ok((names.collect(), end))
}

type Rows = (Vec<VersionRow>, Option<Vec<u8>>);

/// Versions in a folder, of each name the newest first, and up to which name that is all.
fn versions_after(connection: &Connection, dir: i64, after: &[u8]) -> Result<Rows, CatalogError> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS} FROM versions v WHERE v.dir_id = ?1 AND v.name > ?2
         ORDER BY v.name, v.run_id DESC LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![dir, after, ROWS_MAX], VersionRow::from_row)?;
    let mut rows: Vec<VersionRow> = rows.collect::<Result<_, _>>()?;
    let Some(last) = rows.last().filter(|_| rows.len() == ROWS_MAX).map(|row| row.name.clone())
    else {
        return Ok((rows, None));
    };
    // Of the last name there may be more; of one with so many versions the newest are enough.
    if rows.first().is_some_and(|row| row.name != last) {
        rows.retain(|row| row.name != last);
    }
    let end = rows.last().map(|row| row.name.clone());
    Ok((rows, end))
}
