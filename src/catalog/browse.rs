//! Looking into folders: what a set's tree held, now, after a run, or at a moment.
//!
//! Pages go by name, so the first page of a folder with a million entries costs what any page costs.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::domain::SetName;

use super::Catalog;
use super::error::CatalogError;
use super::files::{
    EvidenceBook, FileKind, FileVersion, KIND_GONE, VERSION_COLUMNS, VersionRow, root_dir,
};
use super::folder_copies::FolderCopies;
use super::paths::{find_dir, normal_path};
use super::runs::{AsOf, View, view_of};
use super::sets::set_id;

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: Vec<u8>,
    /// True for a folder.
    pub is_directory: bool,
    /// What is kept of it; `None` for a folder of which only the contents are kept.
    pub version: Option<FileVersion>,
}

/// A page of a folder's entries, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChildPage {
    /// The entries.
    pub children: Vec<Child>,
    /// The name after which the next page begins; `None` on the last page.
    pub next: Option<Vec<u8>>,
}

impl Catalog {
    /// The entries of a folder by name, after the name `after`, at most `limit`.
    ///
    /// # Errors
    /// `NotFound` for an unknown set or run; an unknown folder is empty.
    pub fn children(
        &self,
        set: &SetName,
        path: &[u8],
        as_of: &AsOf,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<ChildPage, CatalogError> {
        let path = normal_path(path)?;
        self.read("list a folder", |reader| {
            let view = view_of(reader, set, as_of)?;
            let root = root_dir(reader, set_id(reader, set)?)?;
            let Some(dir) = find_dir(reader, root, path)? else { return Ok(ChildPage::default()) };
            page_of(reader, dir, view, after.unwrap_or_default(), limit)
        })
    }
}

fn page_of(
    connection: &Connection,
    dir: i64,
    view: View,
    after: &[u8],
    limit: usize,
) -> Result<ChildPage, CatalogError> {
    let folders = folders_after(connection, dir, after, limit + 1)?;
    let versions = newest_after(connection, dir, view, after, limit + 1)?;
    // A list that was cut says nothing about names beyond its last one.
    let cut = |is_cut: bool, last: Option<&Vec<u8>>| last.filter(|_| is_cut).cloned();
    let bound = [
        cut(folders.len() > limit, folders.last()),
        cut(versions.len() > limit, versions.last().map(|row| &row.name)),
    ];
    let bound = bound.into_iter().flatten().min();
    let copies = FolderCopies::of(connection, dir, &versions)?;
    let mut rows: BTreeMap<Vec<u8>, Option<VersionRow>> =
        folders.into_iter().map(|name| (name, None)).collect();
    rows.extend(versions.into_iter().map(|row| (row.name.clone(), Some(row))));
    let mut book = EvidenceBook::default();
    let mut page = ChildPage::default();
    for (name, row) in rows {
        let is_beyond = bound.as_ref().is_some_and(|bound| name > *bound);
        if page.children.len() == limit || is_beyond {
            break;
        }
        page.next = Some(name.clone());
        let child = match row {
            None if is_implied(connection, dir, &name, view)? => {
                Child { name, is_directory: true, version: None }
            }
            None => continue,
            Some(row) => {
                let is_directory = row.kind == FileKind::Directory.code();
                let version = copies.version(connection, &mut book, row)?;
                Child { name, is_directory, version }
            }
        };
        page.children.push(child);
    }
    if bound.is_none() && page.children.len() < limit {
        page.next = None;
    }
    Ok(page)
}

/// The newest version of each name in a view, by name. What was gone is left out.
pub(super) fn newest_after(
    connection: &Connection,
    dir: i64,
    view: View,
    after: &[u8],
    limit: usize,
) -> Result<Vec<VersionRow>, CatalogError> {
    let sql = format!(
        "SELECT {VERSION_COLUMNS}, max(v.run_id) FROM versions v
         WHERE v.dir_id = ?1 AND v.name > ?2 AND v.run_id <= ?3
         GROUP BY v.name HAVING max(v.run_id) >= ?4 AND v.kind <> ?5
         ORDER BY v.name LIMIT ?6"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![dir, after, view.newest, view.base, KIND_GONE, limit],
        VersionRow::from_row,
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Names of the folders in a folder, at whatever time they were seen.
fn folders_after(
    connection: &Connection,
    dir: i64,
    after: &[u8],
    limit: usize,
) -> Result<Vec<Vec<u8>>, CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT name FROM dirs WHERE parent_id = ?1 AND name > ?2 ORDER BY name LIMIT ?3",
    )?;
    let names = statement.query_map(params![dir, after, limit], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// True if a folder of which nothing is kept itself was there in the view: something in it was.
fn is_implied(
    connection: &Connection,
    parent: i64,
    name: &[u8],
    view: View,
) -> Result<bool, CatalogError> {
    let has_versions = connection
        .prepare_cached("SELECT 1 FROM versions WHERE dir_id = ?1 AND name = ?2")?
        .exists(params![parent, name])?;
    if has_versions {
        return Ok(false);
    }
    let mut waiting: Vec<i64> = connection
        .prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1 AND name = ?2")?
        .query_map(params![parent, name], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    while let Some(dir) = waiting.pop() {
        if !newest_after(connection, dir, view, b"", 1)?.is_empty() {
            return Ok(true);
        }
        let mut statement =
            connection.prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1")?;
        for child in statement.query_map([dir], |row| row.get(0))? {
            waiting.push(child?);
        }
    }
    Ok(false)
}
