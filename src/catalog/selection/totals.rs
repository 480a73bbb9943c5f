//! What a selection comes to: by state, and by volume.
//!
//! A restore asks several times, of up to ten million items. They are counted here in one pass in the order in
//! which they lie; to have SQLite group them by state sorts them all first.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, Row, params};

use crate::domain::{JobId, VolumeUuid};

use super::super::Catalog;
use super::super::error::CatalogError;
use super::super::runs::FileTotals;
use super::super::volumes::{uuid_at, volume_id};
use super::{ItemState, SelectionTotals, VolumeShare};

impl Catalog {
    /// The volumes of a job's selection, in the order of their sets' sequence.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn selection_volumes(&self, job: JobId) -> Result<Vec<VolumeShare>, CatalogError> {
        self.read("sum up a selection", |reader| {
            let mut shares = Vec::new();
            for (volume, rows) in count(reader, job)? {
                let (volume, sequence) = reader
                    .prepare_cached("SELECT uuid, sequence FROM volumes WHERE id = ?1")?
                    .query_row([volume], |row| Ok((uuid_at(row, 0)?, row.get(1)?)))?;
                let files =
                    |SelectionTotals { things, bytes, .. }| FileTotals { files: things, bytes };
                let totals = rows.into_iter().map(|(state, rows)| (state, files(rows)));
                shares.push(VolumeShare { volume, sequence, totals: totals.collect() });
            }
            // Volumes of one place come by their numbers, as they were counted.
            shares.sort_by_key(|share| share.sequence);
            Ok(shares)
        })
    }

    /// The same volumes without their totals: however much was chosen, each costs one look.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn selected_volumes(&self, job: JobId) -> Result<Vec<VolumeUuid>, CatalogError> {
        self.read("list the volumes of a selection", |reader| {
            let mut next = reader.prepare_cached(
                "SELECT min(volume_id) FROM selections WHERE job_id = ?1 AND volume_id > ?2",
            )?;
            let mut named =
                reader.prepare_cached("SELECT uuid, sequence FROM volumes WHERE id = ?1")?;
            let (mut last, mut volumes) = (i64::MIN, Vec::new());
            while let Some(id) =
                next.query_row([job.0, last], |row| row.get::<_, Option<i64>>(0))?
            {
                let volume = |row: &Row<'_>| Ok((uuid_at(row, 0)?, row.get::<_, Option<u32>>(1)?));
                volumes.push(named.query_row([id], volume)?);
                last = id;
            }
            volumes.sort_by_key(|&(_, sequence)| sequence);
            Ok(volumes.into_iter().map(|(volume, _)| volume).collect())
        })
    }

    /// True if something with bytes waits to be read from a volume.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn waits_for_volume(&self, job: JobId, volume: VolumeUuid) -> Result<bool, CatalogError> {
        self.read("look for what is to be restored", |reader| {
            let mut any = reader.prepare_cached(
                "SELECT 1 FROM selections
                 WHERE job_id = ?1 AND volume_id = ?2 AND state = 'waiting' AND size > 0",
            )?;
            Ok(any.exists([job.0, volume_id(reader, volume)?])?)
        })
    }

    /// True if everything with bytes was read and agreed.
    ///
    /// # Errors
    /// `Database` if it cannot be said.
    pub fn is_selection_read(&self, job: JobId) -> Result<bool, CatalogError> {
        self.read("look for what was not restored", |reader| {
            let mut any = reader.prepare_cached(
                "SELECT 1 FROM selections WHERE job_id = ?1 AND state <> 'done' AND size > 0",
            )?;
            Ok(!any.exists([job.0])?)
        })
    }

    /// How many items of a volume wait; nobody counts beyond `limit`.
    ///
    /// # Errors
    /// `NotFound` if the volume is not known.
    pub fn waiting_count(
        &self,
        job: JobId,
        volume: VolumeUuid,
        limit: usize,
    ) -> Result<usize, CatalogError> {
        self.read("count what is to be restored", |reader| {
            let mut count = reader.prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM selections
                 WHERE job_id = ?1 AND volume_id = ?2 AND state = 'waiting' LIMIT ?3)",
            )?;
            let values = params![job.0, volume_id(reader, volume)?, limit];
            Ok(count.query_row(values, |row| row.get(0))?)
        })
    }

    /// What became of the things of a job's selection.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn selection_totals(
        &self,
        job: JobId,
    ) -> Result<BTreeMap<ItemState, SelectionTotals>, CatalogError> {
        self.read("count a selection", |reader| {
            let mut all: BTreeMap<ItemState, SelectionTotals> = BTreeMap::new();
            for (state, totals) in count(reader, job)?.into_values().flatten() {
                let entry = all.entry(state).or_default();
                entry.things += totals.things;
                entry.bytes.0 += totals.bytes.0;
                entry.with_reason += totals.with_reason;
            }
            join_parts(reader, job, &mut all)?;
            Ok(all)
        })
    }

    /// True if nothing was chosen for the job.
    ///
    /// # Errors
    /// `Database` if nobody can say.
    pub fn is_selection_empty(&self, job: JobId) -> Result<bool, CatalogError> {
        self.read("look at a selection", |reader| {
            let mut any = reader.prepare_cached("SELECT 1 FROM selections WHERE job_id = ?1")?;
            Ok(!any.exists([job.0])?)
        })
    }
}

type ByState = BTreeMap<ItemState, SelectionTotals>;

/// All items, a part of a file for a thing of its own, by the numbers of their volumes.
fn count(connection: &Connection, job: JobId) -> Result<BTreeMap<i64, ByState>, CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT volume_id, state, size, reason IS NOT NULL FROM selections WHERE job_id = ?1",
    )?;
    let mut rows = statement.query([job.0])?;
    let mut volumes: BTreeMap<i64, ByState> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let totals = volumes.entry(row.get(0)?).or_default().entry(row.get(1)?).or_default();
        totals.things += 1;
        totals.bytes.0 += row.get::<_, u64>(2)?;
        totals.with_reason += row.get::<_, u64>(3)?;
    }
    Ok(volumes)
}

/// A split file is one thing, however many parts of it are in a state.
fn join_parts(connection: &Connection, job: JobId, all: &mut ByState) -> Result<(), CatalogError> {
    if !connection.prepare_cached("SELECT 1 FROM copy_parts")?.exists([])? {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "SELECT s.state, c.dir_id, c.name, s.reason IS NOT NULL
         FROM selections s CROSS JOIN copy_parts p ON p.copy_id = s.copy_id
         CROSS JOIN copies c ON c.id = s.copy_id WHERE s.job_id = ?1",
    )?;
    let mut rows = statement.query([job.0])?;
    let (mut met, mut met_with_reason) = (HashSet::new(), HashSet::new());
    while let Some(row) = rows.next()? {
        let state: ItemState = row.get(0)?;
        let file: (ItemState, i64, Vec<u8>) = (state, row.get(1)?, row.get(2)?);
        let totals = all.entry(state).or_default();
        if row.get(3)? && !met_with_reason.insert(file.clone()) {
            totals.with_reason -= 1;
        }
        if !met.insert(file) {
            totals.things -= 1;
        }
    }
    Ok(())
}
