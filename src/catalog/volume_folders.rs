//! Which folders have something on a volume: what browsing a cartridge asks for every folder it shows.
//!
//! No index says it, and one would cost each run a random insert a folder and volume. It follows from the
//! copies on the volume, which are only ever added: a first question reads them once, some 0.2 s a million,
//! and later ones what has come since. Only what is checkpointed is read, since the rest may be discarded.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::{Connection, params};

use super::error::CatalogError;
use super::ids::{CopyId, SegmentId};

/// Volumes that are remembered: people look at one, seldom at two. Ten million files in folders of a
/// thousand are ten thousand numbers.
const VOLUMES_KEPT: usize = 2;

/// The folders of the volumes that were looked at last.
#[derive(Debug, Default)]
pub(super) struct VolumeFolders {
    known: Mutex<Vec<Known>>,
}

#[derive(Debug)]
struct Known {
    volume: i64,
    /// Up to which place each segment was read.
    read: HashMap<SegmentId, u64>,
    /// Folders with a copy, and those above them.
    folders: Arc<HashSet<i64>>,
}

impl VolumeFolders {
    /// The folders of a volume, with all that are above them.
    pub(super) fn of(
        &self,
        connection: &Connection,
        volume: i64,
    ) -> Result<Arc<HashSet<i64>>, CatalogError> {
        // Held while copies are read: who asks at the same time waits for the same answer.
        let mut known = self.known.lock();
        let at = known.iter().position(|known| known.volume == volume);
        let mut entry = match at {
            Some(at) => known.remove(at),
            None => Known { volume, read: HashMap::new(), folders: Arc::default() },
        };
        let segments = connection
            .prepare_cached(
                "SELECT id, checkpoint_sequence FROM segments WHERE volume_id = ?1 ORDER BY id",
            )?
            .query_map([volume], |row| Ok((SegmentId(row.get(0)?), row.get(1)?)))?
            .collect::<Result<Vec<(SegmentId, u64)>, _>>()?;
        // A segment that is gone, or shorter, was rebuilt from its tape: all is read anew.
        let is_as_read = entry.read.iter().all(|(id, read)| {
            segments.iter().any(|(segment, checkpoint)| segment == id && checkpoint >= read)
        });
        if !is_as_read {
            entry = Known { volume, read: HashMap::new(), folders: Arc::default() };
        }
        for (segment, checkpoint) in segments {
            let read = entry.read.entry(segment).or_insert(0);
            if *read < checkpoint {
                let range = (CopyId::new(segment, *read), CopyId::new(segment, checkpoint));
                add_range(connection, Arc::make_mut(&mut entry.folders), range)?;
                *read = checkpoint;
            }
        }
        let folders = Arc::clone(&entry.folders);
        known.insert(0, entry);
        known.truncate(VOLUMES_KEPT);
        Ok(folders)
    }
}

fn add_range(
    connection: &Connection,
    folders: &mut HashSet<i64>,
    (from, to): (CopyId, CopyId),
) -> Result<(), CatalogError> {
    let mut statement =
        connection.prepare_cached("SELECT dir_id FROM copies WHERE id >= ?1 AND id < ?2")?;
    let mut rows = statement.query(params![from.0, to.0])?;
    let mut last = 0;
    while let Some(row) = rows.next()? {
        let folder: i64 = row.get(0)?;
        // Copies lie in the order of a walk: those of a folder follow each other.
        if folder != last {
            last = folder;
            add_with_those_above(connection, folders, folder)?;
        }
    }
    Ok(())
}

fn add_with_those_above(
    connection: &Connection,
    folders: &mut HashSet<i64>,
    mut folder: i64,
) -> Result<(), CatalogError> {
    let mut statement = connection.prepare_cached("SELECT parent_id FROM dirs WHERE id = ?1")?;
    while folder != 0 && folders.insert(folder) {
        folder = statement.query_row([folder], |row| row.get(0))?;
    }
    Ok(())
}
