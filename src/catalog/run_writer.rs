//! Storing what a run writes, at the rate at which it writes.
//!
//! [`RunWriter::push`] only collects; every 10,000 copies or every second the batch goes into the catalog in one
//! transaction (a second copy of the same files lets the first go before it). Rows that are in the catalog say nothing about safety: that is what
//! [`RunWriter::checkpoint`] adds, in one transaction with the last rows, after the tape was synced. A
//! new writer on the same segment begins by discarding what lies beyond the checkpoint, so that after a
//! kill the catalog holds what the tape holds and the numbering goes on without a gap.
//!
//! One thread owns a writer. It holds the catalog's writer connection only while a batch is stored.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Transaction, params};

use crate::domain::{ByteCount, Clock, CopyLetter, Sha256Digest, Timestamp};

use super::Catalog;
use super::error::CatalogError;
use super::evidence::EvidenceState;
use super::evidence_store::append_say;
use super::extents::{CopyExtent, encode_extents};
use super::files::{FileKind, OutcomeState};
use super::ids::{CopyId, SEQUENCE_LIMIT, SegmentId, sql_time};
use super::paths::{DirCursor, normal_path};
use super::settings::encode_json;

mod batch;
mod discard;
mod firsts;
mod inserts;
mod joining;
mod store;
mod turns;

use batch::{Batch, PendingCopy, PendingOutcome};
pub(super) use discard::discard_beyond;
pub(super) use firsts::Firsts;
pub(super) use turns::Turns;

/// Copies in a batch: its transaction takes some 50 ms, and one sync is shared by all of them.
const BATCH_COPIES: usize = 10_000;
/// A slower run stores what it has after this time, so that others see it.
const BATCH_AGE: Duration = Duration::from_secs(1);
/// Full batches that a copy holds back until the first copy has stored the same files, ...
const BATCHES_HELD_BACK: usize = 2;
/// ... and for how long at most.
const HELD_BACK_AGE: Duration = Duration::from_secs(2);

/// A file (or folder, link, …) that a run has put on its volume.
#[derive(Clone, Debug)]
pub struct NewCopy<'a> {
    /// Its place in the run's plan.
    pub ordinal: u64,
    /// Its path in the set.
    pub path: &'a [u8],
    /// What it is.
    pub kind: FileKind,
    /// Bytes of the whole file.
    pub size: ByteCount,
    /// When its content last changed.
    pub modified: Timestamp,
    /// When its inode last changed, where the source knows.
    pub changed: Option<Timestamp>,
    /// Its inode number, where the source knows.
    pub inode: Option<u64>,
    /// The digest of the whole file; with the first parts of a split file it is not known yet.
    pub sha256: Option<Sha256Digest>,
    /// What many files share (mode, owner, …), as JSON in the manifest's words. Empty for nothing.
    pub attributes: &'a [u8],
    /// What is this file's own (link target, sparse map, …), as JSON in the manifest's words.
    pub detail: Option<&'a [u8]>,
    /// Where its bytes lie.
    pub extents: &'a [CopyExtent],
    /// How the bytes on the tape differ from the file's, if they do.
    pub codec: Option<CopyCodec<'a>>,
    /// Which part of the file this is, if it is split.
    pub part: Option<CopyPart>,
    /// Its path on the volume, if that is not `/<set>/<run>/<path>`.
    pub stored_path: Option<&'a str>,
}

/// How the bytes on the tape were made from the file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyCodec<'a> {
    /// The name of the codec in the manifest (`zstd`).
    pub name: &'a str,
    /// Bytes on the tape.
    pub stored_size: ByteCount,
    /// Their digest.
    pub stored_sha256: Sha256Digest,
}

/// A part of a split file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyPart {
    /// Counted from 1.
    pub number: u32,
    /// How many there are, once that is known.
    pub of: Option<u32>,
    /// Where in the file it begins. Of the file's own bytes, also where a codec changed what is stored.
    pub offset: u64,
    /// How many of the file's own bytes it holds.
    pub size: ByteCount,
    /// The digest of those bytes.
    pub sha256: Option<Sha256Digest>,
}

/// A planned file that was not stored.
#[derive(Clone, Debug)]
pub struct NotStored<'a> {
    /// Its place in the run's plan.
    pub ordinal: u64,
    /// Its path in the set.
    pub path: &'a [u8],
    /// How it ended.
    pub state: OutcomeState,
    /// Why, in words.
    pub reason: &'a str,
    /// Its size when it was planned.
    pub size: ByteCount,
}

/// Stores the copies of one segment in tape order. Dropping it keeps what was flushed.
#[derive(Debug)]
pub struct RunWriter {
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    segment: SegmentId,
    run: i64,
    letter: CopyLetter,
    /// True if the run is written in other copies too.
    has_others: bool,
    next_sequence: u64,
    cursor: DirCursor,
    attributes: HashMap<Vec<u8>, i64>,
    /// What is being collected.
    batch: Batch,
    /// Full batches before it, oldest first.
    waiting: VecDeque<Batch>,
    /// Batches that are stored and empty, for their memory.
    spare: Vec<Batch>,
    totals: (u64, u64),
}

impl Catalog {
    /// Opens a segment for writing: discards what lies beyond its checkpoint, and goes on from there.
    ///
    /// # Errors
    /// `NotFound` if there is no such segment, `Misuse` if another writer is on it.
    pub fn run_writer(
        &self,
        segment: SegmentId,
        clock: Arc<dyn Clock>,
    ) -> Result<RunWriter, CatalogError> {
        let checkpoint = self.segment(segment)?.checkpoint;
        if !self.inner.writing.lock().insert(segment) {
            return Err(CatalogError::Misuse(format!("segment {segment} has a writer already")));
        }
        let opened = self.write("open a segment", |transaction| {
            discard_beyond(transaction, segment, &checkpoint)?;
            let (run, set, letter, copies): (i64, i64, CopyLetter, u8) = transaction
                .prepare_cached(
                    "SELECT g.run_id, r.set_id, g.copy_number, r.copies
                     FROM segments g JOIN runs r ON r.id = g.run_id WHERE g.id = ?1",
                )?
                .query_row([segment.0], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
            let totals = transaction
                .prepare_cached(
                    "SELECT files, bytes FROM segment_marks WHERE segment_id = ?1
                     ORDER BY sequence DESC LIMIT 1",
                )?
                .query_row([segment.0], |row| Ok((row.get(0)?, row.get(1)?)));
            let totals = match totals {
                Err(rusqlite::Error::QueryReturnedNoRows) => (0, 0),
                other => other?,
            };
            Ok((run, letter, copies, totals, DirCursor::at_top_of(transaction, set)?))
        });
        let (run, letter, copies, totals, cursor) = opened.inspect_err(|_| {
            self.inner.writing.lock().remove(&segment);
        })?;
        if copies > 1 {
            self.inner.turns.lock().begin(run, letter);
        }
        Ok(RunWriter {
            catalog: self.clone(),
            clock,
            segment,
            run,
            letter,
            has_others: copies > 1,
            next_sequence: checkpoint.sequence,
            cursor,
            attributes: HashMap::new(),
            batch: Batch::default(),
            waiting: VecDeque::new(),
            spare: Vec::new(),
            totals,
        })
    }
}

impl RunWriter {
    /// The segment it writes.
    #[must_use]
    pub fn segment(&self) -> SegmentId {
        self.segment
    }

    /// The place that the next copy will get.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Takes a copy, in tape order; returns its number. It is in the catalog after the next flush.
    ///
    /// # Errors
    /// `BadPath`; or the failure of the batch that this copy completed.
    pub fn push(&mut self, copy: &NewCopy<'_>) -> Result<CopyId, CatalogError> {
        let path = normal_path(copy.path)?;
        if self.next_sequence >= SEQUENCE_LIMIT {
            return Err(CatalogError::Misuse("a segment cannot hold that many copies".to_owned()));
        }
        let sequence = self.next_sequence;
        let batch = &mut self.batch;
        let pending = PendingCopy {
            ordinal: copy.ordinal,
            sequence,
            path: batch.keep(path),
            kind: copy.kind,
            size: copy.size.0,
            modified: sql_time(copy.modified),
            changed: copy.changed.map(sql_time),
            inode: copy.inode.map(u64::cast_signed),
            sha256: copy.sha256.map(|digest| digest.0),
            attributes: batch.keep(copy.attributes),
            detail: copy.detail.map(|detail| batch.keep(detail)),
            extents: {
                let start = batch.bytes.len();
                encode_extents(copy.extents, &mut batch.bytes);
                start..batch.bytes.len()
            },
            codec: copy.codec.map(|codec| {
                (batch.keep(codec.name.as_bytes()), codec.stored_size.0, codec.stored_sha256.0)
            }),
            part: copy.part,
            stored_path: copy.stored_path.map(|path| batch.keep(path.as_bytes())),
        };
        batch.copies.push(pending);
        self.next_sequence += 1;
        self.flush_when_due()?;
        Ok(CopyId::new(self.segment, sequence))
    }

    /// Takes a planned file that was not stored. A copy stored later for the same ordinal replaces it
    /// when the run is resumed.
    ///
    /// # Errors
    /// As for [`RunWriter::push`].
    pub fn push_not_stored(&mut self, outcome: &NotStored<'_>) -> Result<(), CatalogError> {
        let path = normal_path(outcome.path)?;
        let pending = PendingOutcome {
            ordinal: outcome.ordinal,
            path: self.batch.keep(path),
            state: outcome.state,
            reason: self.batch.keep(outcome.reason.as_bytes()),
            size: outcome.size.0,
        };
        self.batch.outcomes.push(pending);
        self.flush_when_due()
    }

    /// Notes that a path of earlier runs is not in the source any more. For a folder that includes
    /// everything below it.
    ///
    /// # Errors
    /// As for [`RunWriter::push`].
    pub fn push_gone(&mut self, path: &[u8]) -> Result<(), CatalogError> {
        let path = self.batch.keep(normal_path(path)?);
        self.batch.gone.push(path);
        self.flush_when_due()
    }

    /// Puts what was collected into the catalog, as known but not yet safe.
    ///
    /// # Errors
    /// `Database` if it cannot be stored; what is left is kept and the next flush tries it again.
    pub fn flush(&mut self) -> Result<(), CatalogError> {
        self.store(|_, _| Ok(()))
    }

    /// Says that everything pushed so far is on the tape and synced: the copies are `flushed`, planned
    /// files before `ordinal` have reached their end, and an interrupted run goes on from here.
    ///
    /// Call it only after the synchronous filemark has succeeded.
    ///
    /// # Errors
    /// As for [`RunWriter::flush`]; nothing of it counts then.
    pub fn checkpoint(
        &mut self,
        ordinal: u64,
        resume: Option<&serde_json::Value>,
        at: Timestamp,
        job: Option<crate::domain::JobId>,
    ) -> Result<(), CatalogError> {
        let resume = resume.map(|value| encode_json("a checkpoint", value)).transpose()?;
        let (segment, next) = (self.segment, self.next_sequence);
        self.store(|transaction, _| {
            let before: u64 = transaction
                .prepare_cached("SELECT checkpoint_sequence FROM segments WHERE id = ?1")?
                .query_row([segment.0], |row| row.get(0))?;
            transaction
                .prepare_cached(
                    "UPDATE segments SET checkpoint_sequence = ?2, checkpoint_ordinal = ?3,
                        resume = ?4 WHERE id = ?1",
                )?
                .execute(params![segment.0, next, ordinal, resume])?;
            append_say(transaction, segment, EvidenceState::Flushed, &(before..next), at, job)
        })?;
        self.catalog.inner.search.wake();
        Ok(())
    }

    fn flush_when_due(&mut self) -> Result<(), CatalogError> {
        let rows = self.batch.rows();
        if rows == 1 {
            self.batch.began = self.clock.elapsed();
        }
        if rows >= BATCH_COPIES {
            self.batch.until = self.next_sequence;
            let empty = self.spare.pop().unwrap_or_default();
            self.waiting.push_back(std::mem::replace(&mut self.batch, empty));
            return self.store_full_batches();
        }
        let began = self.waiting.front().unwrap_or(&self.batch).began;
        let age = self.clock.elapsed().saturating_sub(began);
        let is_due = age >= HELD_BACK_AGE || (age >= BATCH_AGE && self.has_turn(&self.batch));
        if is_due { self.flush() } else { Ok(()) }
    }

    /// Stores the full batches whose turn has come, or that cannot be held back any longer.
    fn store_full_batches(&mut self) -> Result<(), CatalogError> {
        while let Some(oldest) = self.waiting.front()
            && (self.waiting.len() > BATCHES_HELD_BACK || self.has_turn(oldest))
        {
            self.store_oldest()?;
        }
        Ok(())
    }

    fn has_turn(&self, batch: &Batch) -> bool {
        !self.has_others
            || self.catalog.inner.turns.lock().has_come(self.run, self.letter, batch.last_ordinal())
    }

    /// Stores everything and what `also` adds, the newest batch in one transaction with it.
    fn store(
        &mut self,
        also: impl FnOnce(&Transaction<'_>, SegmentId) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        while !self.waiting.is_empty() {
            self.store_oldest()?;
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.until = self.next_sequence;
        let stored = self.store_one(&batch, also);
        if stored.is_ok() {
            batch.clear();
        }
        self.batch = batch;
        stored
    }

    fn store_oldest(&mut self) -> Result<(), CatalogError> {
        let Some(mut batch) = self.waiting.pop_front() else { return Ok(()) };
        let stored = self.store_one(&batch, |_, _| Ok(()));
        match &stored {
            Ok(()) => {
                batch.clear();
                self.spare.push(batch);
            }
            Err(_) => self.waiting.push_front(batch),
        }
        stored
    }

    /// Stores a batch and what `also` adds, in one transaction.
    fn store_one(
        &mut self,
        batch: &Batch,
        also: impl FnOnce(&Transaction<'_>, SegmentId) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let catalog = self.catalog.clone();
        let mut totals = self.totals;
        let store = |transaction: &Transaction<'_>| {
            catalog.inner.firsts.lock().note_begin(transaction.total_changes());
            if batch.rows() > 0 {
                totals = self.store_batch(transaction, batch)?;
            }
            also(transaction, self.segment)
        };
        let then = |changes| catalog.inner.firsts.lock().note_end(changes);
        let stored = catalog.write_then("store files", store, then);
        match stored {
            Ok(()) => {
                self.totals = totals;
                if let (true, Some(ordinal)) = (self.has_others, batch.last_ordinal()) {
                    catalog.inner.turns.lock().note(self.run, self.letter, ordinal);
                }
            }
            // Numbers given within the undone transaction must not be used again.
            Err(_) => {
                self.cursor.reset();
                self.attributes.clear();
            }
        }
        stored
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        self.catalog.inner.firsts.lock().forget(self.run);
        self.catalog.inner.turns.lock().end(self.run, self.letter);
        self.catalog.inner.writing.lock().remove(&self.segment);
    }
}

#[cfg(test)]
mod tests;
