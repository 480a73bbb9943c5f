//! Filling a catalog from tapes: what volumes and manifests say, taken over step by step.
//!
//! Every step can be done again: volumes are keyed by UUID, runs by name, segments by both, and a
//! segment is stored anew from its beginning. Evidence is what the tape proves: a copy that a mounted
//! volume's index holds is `indexed`; `read_back` and `proven` are said only with a signed record.
//!
//! The order: [`Catalog::rebuild_volume`] for each tape, oldest run first [`Catalog::rebuild_run`], then
//! for each of its volumes [`Catalog::rebuild_segment`] and a [`super::RunWriter`] that pushes the manifest's
//! stored entries; at the end of a run [`Catalog::rebuild_presence`] with the paths its manifest lists as
//! unchanged or stored, so that what was gone at that time is gone again.

use rusqlite::params;

use crate::domain::{CopyLetter, JobId, RunId, SetName, Sha256Digest, Timestamp, VolumeUuid};

use super::Catalog;
use super::browse::newest_after;
use super::error::CatalogError;
use super::evidence::EvidenceState;
use super::evidence_store::append_say;
use super::files::root_dir;
use super::ids::{SegmentId, sql_time};
use super::paths::{DirCursor, normal_path, split_path};
use super::run_writer::discard_beyond;
use super::runs::{
    Checkpoint, FileTotals, NewRun, RunState, ensure_segment, find_run_key, insert_run, run_key,
    view_until,
};
use super::sets::{ensure_set, set_id};
use super::volumes::{NewVolume, SetPlace, upsert_volume, volume_id};

/// A run as its manifests tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuiltRun {
    /// What it was.
    pub run: NewRun,
    /// How it ended, as far as the tapes say.
    pub state: RunState,
    /// What it set out to store.
    pub planned: FileTotals,
    /// What it skipped as unchanged.
    pub unchanged: FileTotals,
    /// When it ended, if the tapes say.
    pub ended: Option<Timestamp>,
}

/// What is to be done with a segment that is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentTakeover {
    /// Its copies have to be pushed.
    Empty(SegmentId),
    /// It is here already, from the same manifest.
    Known(SegmentId),
}

impl Catalog {
    /// Takes over a volume, and its place in its set (which is made if it is new).
    ///
    /// One that only other volumes' manifests spoke of is *missing* without a former state, and enters
    /// its state when it is found; what a person called missing, quarantined or erased stays so.
    /// A place that another volume has already is left to that one: the volume keeps its set only.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn rebuild_volume(
        &self,
        volume: &NewVolume,
        place: Option<&SetPlace>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("take over a volume", |transaction| {
            upsert_volume(transaction, volume)?;
            let id = volume_id(transaction, volume.uuid)?;
            transaction
                .prepare_cached(
                    "UPDATE volumes SET state = ?2, former_state = NULL, formatted = ?3,
                        block_size = ?4, index_partition = ?5, data_partition = ?6, capacity = ?7
                     WHERE id = ?1 AND state NOT IN ('quarantined', 'erased')
                        AND (state <> 'missing' OR former_state IS NULL)",
                )?
                .execute(params![
                    id,
                    volume.state,
                    sql_time(volume.formatted),
                    volume.block_size,
                    volume.index_partition.0,
                    volume.data_partition.0,
                    volume.capacity.0
                ])?;
            let Some(SetPlace { set, copy, sequence }) = place else { return Ok(()) };
            let set = ensure_set(transaction, set, at)?;
            let is_taken = transaction
                .prepare_cached(
                    "SELECT 1 FROM volumes
                     WHERE set_id = ?1 AND copy_number = ?2 AND sequence = ?3 AND id <> ?4",
                )?
                .exists(params![set, copy, sequence, id])?;
            let sequence = (!is_taken).then_some(sequence);
            transaction
                .prepare_cached(
                    "UPDATE volumes SET set_id = ?2, copy_number = ?3, sequence = ?4 WHERE id = ?1",
                )?
                .execute(params![id, set, copy, sequence])?;
            Ok(())
        })
    }

    /// Takes over a run. A parent that is on no tape is left out.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn rebuild_run(&self, rebuilt: &RebuiltRun) -> Result<(), CatalogError> {
        self.write("take over a run", |transaction| {
            let key = match find_run_key(transaction, &rebuilt.run.run)? {
                Some(key) => key,
                None => {
                    let mut run = rebuilt.run.clone();
                    if let Some(parent) = &run.parent
                        && find_run_key(transaction, parent)?.is_none()
                    {
                        run.parent = None;
                    }
                    insert_run(transaction, &run, 0)?
                }
            };
            transaction
                .prepare_cached(
                    "UPDATE runs SET state = ?2, ended = ?3, planned_files = ?4, planned_bytes = ?5,
                        unchanged_files = ?6, unchanged_bytes = ?7, copies = ?8 WHERE id = ?1",
                )?
                .execute(params![
                    key,
                    rebuilt.state,
                    rebuilt.ended.map(sql_time),
                    rebuilt.planned.files,
                    rebuilt.planned.bytes.0,
                    rebuilt.unchanged.files,
                    rebuilt.unchanged.bytes.0,
                    rebuilt.run.copies
                ])?;
            Ok(())
        })
    }

    /// Begins to take over what a run put on a volume.
    ///
    /// If it is taken over already from the same manifest, nothing is touched. Else what an earlier
    /// attempt had stored of it, and all evidence of it, is forgotten: push the manifest's stored
    /// entries with a new [`super::RunWriter`] and checkpoint it. In both cases
    /// [`Catalog::rebuild_evidence`] comes next.
    ///
    /// # Errors
    /// `NotFound` if run or volume was not taken over, `Misuse` if a writer is on the segment.
    pub fn rebuild_segment(
        &self,
        run: &RunId,
        volume: VolumeUuid,
        copy: CopyLetter,
        manifest: Sha256Digest,
    ) -> Result<SegmentTakeover, CatalogError> {
        self.write("take over a segment", |transaction| {
            let run = run_key(transaction, run)?;
            let volume = volume_id(transaction, volume)?;
            let segment = ensure_segment(transaction, run, volume, copy)?;
            if self.inner.writing.lock().contains(&segment) {
                return Err(CatalogError::Misuse(format!("segment {segment} is being written")));
            }
            let is_known = transaction
                .prepare_cached(
                    "SELECT 1 FROM segments
                     WHERE id = ?1 AND manifest_sha256 = ?2 AND checkpoint_sequence > 0",
                )?
                .exists(params![segment.0, manifest.0])?;
            if is_known {
                return Ok(SegmentTakeover::Known(segment));
            }
            // A new number: the search index may hold the copies of the old one.
            forget_segment(transaction, segment)?;
            let segment = ensure_segment(transaction, run, volume, copy)?;
            transaction
                .prepare_cached("UPDATE segments SET manifest_sha256 = ?2 WHERE id = ?1")?
                .execute(params![segment.0, manifest.0])?;
            Ok(SegmentTakeover::Empty(segment))
        })
    }

    /// Says what the tape proves of a segment that was taken over and checkpointed: `indexed`, or more if
    /// a signed record says so.
    ///
    /// # Errors
    /// `NotFound` if there is no such segment.
    pub fn rebuild_evidence(
        &self,
        segment: SegmentId,
        state: EvidenceState,
        at: Timestamp,
        job: Option<JobId>,
    ) -> Result<(), CatalogError> {
        let checkpoint = self.segment(segment)?.checkpoint.sequence;
        let known = self.segment_evidence(segment)?.ranges(checkpoint);
        if known.iter().all(|(_, effective)| effective.is_at_least(state)) {
            return Ok(());
        }
        self.write("take over evidence", |transaction| {
            append_say(transaction, segment, state, &(0..checkpoint), at, job)
        })
    }

    /// Buries what a run did not find: everything that earlier runs stored and that is not among
    /// `present`, the paths in the run's manifest, in any order.
    ///
    /// # Errors
    /// `NotFound` for an unknown run, `BadPath`, or the error that `present` yields.
    pub fn rebuild_presence<E: From<CatalogError>>(
        &self,
        set: &SetName,
        run: &RunId,
        present: impl IntoIterator<Item = Result<Vec<u8>, E>>,
    ) -> Result<(), E> {
        let mut failure = None;
        let buried = self.write("find what was gone", |transaction| {
            let set = set_id(transaction, set)?;
            let key = run_key(transaction, run)?;
            transaction.execute_batch(
                "CREATE TEMP TABLE IF NOT EXISTS present (
                    dir_id INTEGER, name BLOB, PRIMARY KEY (dir_id, name)) WITHOUT ROWID;
                 DELETE FROM present;",
            )?;
            let mut cursor = DirCursor::at_top_of(transaction, set)?;
            let mut note =
                transaction.prepare_cached("INSERT OR IGNORE INTO present VALUES (?1, ?2)")?;
            for path in present {
                let path = match path {
                    Ok(path) => path,
                    Err(error) => {
                        failure = Some(error);
                        return Err(CatalogError::Misuse("the manifest ended early".to_owned()));
                    }
                };
                let (dir, name) = split_path(normal_path(&path)?);
                let dir = cursor.enter(transaction, dir)?;
                note.execute(params![dir, name])?;
            }
            drop(note);
            bury_absent(transaction, set, key)?;
            transaction.execute_batch("DELETE FROM present")?;
            Ok(())
        });
        match (buried, failure) {
            (_, Some(error)) => Err(error),
            (buried, None) => Ok(buried?),
        }
    }
}

impl Catalog {
    /// Forgets what a run put on a volume, as if it had not: after the cartridge has failed, and the run
    /// writes the same files to another one.
    ///
    /// # Errors
    /// `NotFound` if there is no such segment, `Misuse` if a writer is on it.
    pub fn abandon_segment(&self, segment: SegmentId) -> Result<(), CatalogError> {
        if self.inner.writing.lock().contains(&segment) {
            return Err(CatalogError::Misuse(format!("segment {segment} is being written")));
        }
        self.write("forget a segment", |transaction| forget_segment(transaction, segment))
    }
}

/// Removes a segment and everything that hangs on it.
fn forget_segment(
    transaction: &rusqlite::Transaction<'_>,
    segment: SegmentId,
) -> Result<(), CatalogError> {
    discard_beyond(transaction, segment, &Checkpoint::default())?;
    for sql in [
        "DELETE FROM evidence WHERE segment_id = ?1",
        "DELETE FROM segment_marks WHERE segment_id = ?1",
        "DELETE FROM segments WHERE id = ?1",
    ] {
        transaction.prepare_cached(sql)?.execute([segment.0])?;
    }
    Ok(())
}

/// Names read from a folder at once.
const NAMES_READ: usize = 1000;

fn bury_absent(connection: &rusqlite::Connection, set: i64, run: i64) -> Result<(), CatalogError> {
    let view = view_until(connection, set, run - 1)?;
    let mut waiting = vec![root_dir(connection, set)?];
    while let Some(dir) = waiting.pop() {
        let mut after = Vec::new();
        loop {
            let rows = newest_after(connection, dir, view, &after, NAMES_READ)?;
            for row in &rows {
                let is_present = connection
                    .prepare_cached("SELECT 1 FROM present WHERE dir_id = ?1 AND name = ?2")?
                    .exists(params![dir, row.name])?;
                if !is_present {
                    super::gone::bury(connection, dir, &row.name, run)?;
                }
            }
            match rows.last() {
                Some(last) if rows.len() == NAMES_READ => after.clone_from(&last.name),
                _ => break,
            }
        }
        let mut statement =
            connection.prepare_cached("SELECT id FROM dirs WHERE parent_id = ?1")?;
        for child in statement.query_map([dir], |row| row.get(0))? {
            waiting.push(child?);
        }
    }
    Ok(())
}
