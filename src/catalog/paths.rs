//! Paths as folders and names: finding, making and spelling them.
//!
//! A path is raw bytes with `/` between names, relative to the top of its set. Folders are interned, so
//! a file's row holds its folder's number and its own name. A run writes in walk order, so the folder
//! of the next file is nearly always the one before, its child or its parent: [`DirCursor`] keeps that
//! way from the top instead of a cache of everything.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::CatalogError;

/// Longest path kept. Linux gives up at 4096; other systems go further.
const PATH_BYTES_MAX: usize = 65_536;

/// The path without a leading `/`, or why it cannot be kept. The empty path is the set's top folder.
pub(super) fn normal_path(path: &[u8]) -> Result<&[u8], CatalogError> {
    let relative = path.strip_prefix(b"/").unwrap_or(path);
    let bad = |reason| {
        let shown = &relative[..relative.len().min(256)];
        Err(CatalogError::BadPath { path: String::from_utf8_lossy(shown).into_owned(), reason })
    };
    if relative.len() > PATH_BYTES_MAX {
        return bad("it is longer than 65536 bytes");
    }
    if relative.is_empty() {
        return Ok(relative);
    }
    for name in relative.split(|&byte| byte == b'/') {
        match name {
            b"" => return bad("it has an empty name between two slashes or at its end"),
            b"." | b".." => return bad("it has a name that is . or .."),
            _ if name.contains(&0) => return bad("a name holds a zero byte"),
            _ => {}
        }
    }
    Ok(relative)
}

/// A normal path as its folder and its name. The top folder is an empty name in the top folder.
pub(super) fn split_path(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// The number of a folder, if the catalog knows it.
pub(super) fn find_dir(
    connection: &Connection,
    root: i64,
    path: &[u8],
) -> Result<Option<i64>, CatalogError> {
    let mut dir = root;
    if path.is_empty() {
        return Ok(Some(dir));
    }
    for name in path.split(|&byte| byte == b'/') {
        match child(connection, dir, name)? {
            Some(id) => dir = id,
            None => return Ok(None),
        }
    }
    Ok(Some(dir))
}

fn child(connection: &Connection, parent: i64, name: &[u8]) -> Result<Option<i64>, CatalogError> {
    Ok(connection
        .prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1 AND name = ?2")?
        .query_row(params![parent, name], |row| row.get(0))
        .optional()?)
}

/// The way from a set's top to the folder of the last file, for writing.
#[derive(Debug)]
pub(super) struct DirCursor {
    set: i64,
    root: i64,
    path: Vec<u8>,
    /// End of each name in `path`, and the number of the folder it leads to.
    steps: Vec<(usize, i64)>,
}

impl DirCursor {
    /// At the top of a set.
    pub(super) fn at_top_of(connection: &Connection, set: i64) -> Result<Self, CatalogError> {
        let root = connection
            .prepare_cached("SELECT root_dir_id FROM sets WHERE id = ?1")?
            .query_row([set], |row| row.get(0))?;
        Ok(Self { set, root, path: Vec::new(), steps: Vec::new() })
    }

    /// Forgets the way: after a transaction was undone, numbers given in it mean nothing.
    pub(super) fn reset(&mut self) {
        self.path.clear();
        self.steps.clear();
    }

    /// The number of the folder `path` (normal form), which is made where it is missing.
    pub(super) fn enter(
        &mut self,
        connection: &Connection,
        path: &[u8],
    ) -> Result<i64, CatalogError> {
        if path != self.path {
            self.walk_to(connection, path)?;
        }
        Ok(self.steps.last().map_or(self.root, |&(_, id)| id))
    }

    fn walk_to(&mut self, connection: &Connection, path: &[u8]) -> Result<(), CatalogError> {
        let is_shared = |end: usize| {
            path.len() >= end
                && path[..end] == self.path[..end]
                && (path.len() == end || path[end] == b'/')
        };
        let shared = self.steps.iter().take_while(|&&(end, _)| is_shared(end)).count();
        self.steps.truncate(shared);
        let mut end = self.steps.last().map_or(0, |&(end, _)| end);
        self.path.truncate(end);
        while end < path.len() {
            let start = if end == 0 { 0 } else { end + 1 };
            let length = path[start..].iter().position(|&byte| byte == b'/');
            end = length.map_or(path.len(), |length| start + length);
            let parent = self.steps.last().map_or(self.root, |&(_, id)| id);
            let id = self.ensure_child(connection, parent, &path[start..end])?;
            self.path.extend_from_slice(&path[self.path.len()..end]);
            self.steps.push((end, id));
        }
        Ok(())
    }

    fn ensure_child(
        &self,
        connection: &Connection,
        parent: i64,
        name: &[u8],
    ) -> Result<i64, CatalogError> {
        if let Some(id) = child(connection, parent, name)? {
            return Ok(id);
        }
        connection
            .prepare_cached("INSERT INTO dirs (set_id, parent_id, name) VALUES (?1, ?2, ?3)")?
            .execute(params![self.set, parent, name])?;
        Ok(connection.last_insert_rowid())
    }
}

/// Spells the paths of folders; keeps those it has met.
#[derive(Debug, Default)]
pub(super) struct PathSpeller {
    known: HashMap<i64, SpelledDir>,
}

/// A folder's path, and the set that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct SpelledDir {
    pub path: Vec<u8>,
    pub set: i64,
}

/// Folders whose spelling is kept; beyond that the memory is given back and filled anew.
const SPELLED_MAX: usize = 100_000;

impl PathSpeller {
    /// The path of a folder.
    pub(super) fn dir(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> Result<SpelledDir, CatalogError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.clone());
        }
        let (set, parent, name): (i64, i64, Vec<u8>) = connection
            .prepare_cached("SELECT set_id, parent_id, name FROM dirs WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let path = if parent == 0 {
            Vec::new()
        } else {
            join_path(&self.dir(connection, parent)?.path, &name)
        };
        let spelled = SpelledDir { path, set };
        if self.known.len() >= SPELLED_MAX {
            self.known.clear();
        }
        self.known.insert(id, spelled.clone());
        Ok(spelled)
    }

    /// The path of `name` in a folder.
    pub(super) fn file(
        &mut self,
        connection: &Connection,
        dir: i64,
        name: &[u8],
    ) -> Result<Vec<u8>, CatalogError> {
        Ok(join_path(&self.dir(connection, dir)?.path, name))
    }
}

/// `dir/name`, without a slash where one of them is empty.
pub(super) fn join_path(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(dir.len() + 1 + name.len());
    path.extend_from_slice(dir);
    if !dir.is_empty() && !name.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{at, empty};
    use super::*;

    #[test]
    fn a_path_with_empty_or_dotted_names_is_refused_by_its_name() {
        assert_eq!(normal_path(b"/a/b").unwrap(), b"a/b");
        assert_eq!(normal_path(b"").unwrap(), b"");
        assert_eq!(normal_path(b"\xFF\x01 /\n").unwrap(), b"\xFF\x01 /\n");
        for bad in [&b"a//b"[..], b"a/", b"//", b"a/../b", b".", b"a\0b"] {
            assert!(normal_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cursor_finds_the_same_folder_from_everywhere() {
        let (catalog, _folder) = empty();
        let name = "set".parse().unwrap();
        catalog.put_set(&name, &serde_json::json!({}), at(1)).unwrap();
        catalog
            .write("test", |tx| {
                let set = super::super::sets::set_id(tx, &name)?;
                let mut cursor = DirCursor::at_top_of(tx, set)?;
                let paths: [&[u8]; 8] = [b"a", b"a/b", b"a/bc", b"a/b/c", b"", b"ab", b"a/b", b"a"];
                let ids: Vec<i64> =
                    paths.iter().map(|path| cursor.enter(tx, path).unwrap()).collect();
                assert_eq!(ids[1], ids[6]);
                assert_eq!(ids[0], ids[7]);
                assert_eq!(ids[4], cursor.root);
                let mut speller = PathSpeller::default();
                for (path, &id) in paths.iter().zip(&ids) {
                    assert_eq!(find_dir(tx, cursor.root, path)?, Some(id));
                    assert_eq!(speller.dir(tx, id)?.path, *path);
                }
                assert_eq!(find_dir(tx, cursor.root, b"a/x")?, None);
                Ok(())
            })
            .unwrap();
    }
}
