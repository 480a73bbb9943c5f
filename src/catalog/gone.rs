//! Tombstones: versions that say that a path was not in the source any more.
//!
//! Without them a file that was deleted years ago would come back with every restore of a folder, and
//! storing every unchanged file again with each run would cost a row a file and run.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::error::CatalogError;
use super::files::KIND_GONE;

/// Says for a path, and everything below it, that `run` did not find it. What was gone already stays as
/// it is.
pub(super) fn bury(
    connection: &Connection,
    dir: i64,
    name: &[u8],
    run: i64,
) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO versions (dir_id, name, run_id, kind, size, modified)
             SELECT dir_id, name, ?3, ?4, 0, 0 FROM (
                SELECT dir_id, name, kind, max(run_id) FROM versions
                WHERE dir_id = ?1 AND name = ?2 AND run_id < ?3 GROUP BY dir_id, name)
             WHERE kind <> ?4 ON CONFLICT DO NOTHING",
        )?
        .execute(params![dir, name, run, KIND_GONE])?;
    let child: Option<i64> = connection
        .prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1 AND name = ?2")?
        .query_row(params![dir, name], |row| row.get(0))
        .optional()?;
    match child {
        Some(child) => bury_below(connection, child, run),
        None => Ok(()),
    }
}

/// The same for everything in a folder. Goes down by a list, not by recursion: depth is the source's.
fn bury_below(connection: &Connection, top: i64, run: i64) -> Result<(), CatalogError> {
    let mut waiting = vec![top];
    while let Some(dir) = waiting.pop() {
        connection
            .prepare_cached(
                "INSERT INTO versions (dir_id, name, run_id, kind, size, modified)
                 SELECT dir_id, name, ?2, ?3, 0, 0 FROM (
                    SELECT dir_id, name, kind, max(run_id) FROM versions
                    WHERE dir_id = ?1 AND run_id < ?2 GROUP BY dir_id, name)
                 WHERE kind <> ?3 ON CONFLICT DO NOTHING",
            )?
            .execute(params![dir, run, KIND_GONE])?;
        let mut statement =
            connection.prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1")?;
        for child in statement.query_map([dir], |row| row.get(0))? {
            waiting.push(child?);
        }
    }
    Ok(())
}
