//! Recording evidence and summing it up.
//!
//! The rules are in `evidence.rs`; here they meet the tables. Nothing from `flushed` upwards can be said
//! of copies beyond the segment's checkpoint: the catalog never says more than the tape holds.

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::domain::{ByteCount, CopyLetter, JobId, RunId, SetName, Timestamp};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::evidence::{Effective, EvidenceAct, EvidenceRecord, EvidenceState, SegmentEvidence};
use super::files::{EvidenceBook, FileKind, OutcomeState, VERSION_COLUMNS, VersionRow, unusable};
use super::ids::{CopyId, SegmentId, sql_time};
use super::runs::{FileTotals, run_key};
use super::sets::set_id;

/// What is proven of a run or a set, summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvidenceTable {
    /// Stored files by copy and what counts for them there. Folders and links are not counted.
    pub stored: BTreeMap<(CopyLetter, Effective), FileTotals>,
    /// Planned files that were not stored, by copy, state and reason.
    pub not_stored: BTreeMap<(CopyLetter, OutcomeState, String), FileTotals>,
    /// Files that were skipped because earlier runs have evidence for them.
    pub unchanged: FileTotals,
    /// Files that were planned.
    pub planned: FileTotals,
}

/// One planned file that was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRecord {
    /// Its place in the run's plan.
    pub ordinal: u64,
    /// The copy that lacks it.
    pub copy: CopyLetter,
    /// Its path in the set.
    pub path: Vec<u8>,
    /// How it ended.
    pub state: OutcomeState,
    /// Why, in words.
    pub reason: String,
    /// Its size when it was planned.
    pub size: ByteCount,
}

/// Ranges up to this length are counted row by row; longer ones by marks and their two ends.
const COUNT_DIRECTLY_MAX: u64 = 20_000;

impl Catalog {
    /// Records that the copies `range` of a segment have reached `state`.
    ///
    /// # Errors
    /// `Misuse` if the range goes beyond the segment's checkpoint, `NotFound` for an unknown segment.
    pub fn say_evidence(
        &self,
        segment: SegmentId,
        state: EvidenceState,
        range: Range<u64>,
        at: Timestamp,
        job: Option<JobId>,
    ) -> Result<(), CatalogError> {
        self.write("record evidence", |transaction| {
            say(transaction, segment, state, &range, at, job)
        })
    }

    /// Takes back what was said of the copies `range`: at most `keeps` remains true of them.
    ///
    /// # Errors
    /// `NotFound` for an unknown segment.
    pub fn revoke_evidence(
        &self,
        segment: SegmentId,
        keeps: EvidenceState,
        range: Range<u64>,
        at: Timestamp,
        job: Option<JobId>,
        reason: &str,
    ) -> Result<(), CatalogError> {
        self.write("revoke evidence", |transaction| {
            checkpoint_of(transaction, segment)?;
            let record = EvidenceRecord {
                act: EvidenceAct::Revoke,
                state: keeps,
                range,
                job,
                reason: Some(reason.to_owned()),
            };
            append(transaction, segment, &record, at)
        })
    }

    /// What counts for the copies of a segment.
    ///
    /// # Errors
    /// `NotFound` for an unknown segment.
    pub fn segment_evidence(&self, segment: SegmentId) -> Result<SegmentEvidence, CatalogError> {
        self.read("read evidence", |reader| {
            checkpoint_of(reader, segment)?;
            load_evidence(reader, segment)
        })
    }

    /// What is proven of the files of a run.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn run_evidence(&self, run: &RunId) -> Result<EvidenceTable, CatalogError> {
        self.read("sum up the evidence of a run", |reader| {
            let key = run_key(reader, run)?;
            let mut table = EvidenceTable::default();
            add_run(reader, key, &mut table)?;
            Ok(table)
        })
    }

    /// What is proven of all versions that the runs of a set have stored.
    ///
    /// # Errors
    /// `NotFound` if there is no such set.
    pub fn set_evidence(&self, set: &SetName) -> Result<EvidenceTable, CatalogError> {
        self.read("sum up the evidence of a set", |reader| {
            let set = set_id(reader, set)?;
            let runs = reader
                .prepare_cached("SELECT id FROM runs WHERE set_id = ?1")?
                .query_map([set], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            let mut table = EvidenceTable::default();
            for run in runs {
                add_run(reader, run, &mut table)?;
            }
            Ok(table)
        })
    }

    /// Planned files of a run that were not stored, in the order of the plan, after the file `after`: one
    /// record for each copy that lacks it.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn outcomes(
        &self,
        run: &RunId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<OutcomeRecord>, CatalogError> {
        self.read("list files that were not stored", |reader| {
            let key = run_key(reader, run)?;
            let mut speller = super::paths::PathSpeller::default();
            let mut statement = reader.prepare_cached(
                "SELECT ordinal, dir_id, name, state, reason, size, copy_number FROM outcomes
                 WHERE run_id = ?1 AND ordinal >= ?2 ORDER BY ordinal, copy_number LIMIT ?3",
            )?;
            let from = after.map_or(0, |after| after + 1);
            let mut rows = statement.query(params![key, from, limit])?;
            let mut outcomes = Vec::new();
            while let Some(row) = rows.next()? {
                let name: Vec<u8> = row.get(2)?;
                outcomes.push(OutcomeRecord {
                    ordinal: row.get(0)?,
                    copy: row.get(6)?,
                    path: speller.file(reader, row.get(1)?, &name)?,
                    state: row.get(3)?,
                    reason: row.get(4)?,
                    size: ByteCount(row.get(5)?),
                });
            }
            Ok(outcomes)
        })
    }
}

/// Records a state that copies have reached, if the tape can hold them.
pub(super) fn say(
    connection: &Connection,
    segment: SegmentId,
    state: EvidenceState,
    range: &Range<u64>,
    at: Timestamp,
    job: Option<JobId>,
) -> Result<(), CatalogError> {
    let checkpoint = checkpoint_of(connection, segment)?;
    if state >= EvidenceState::Flushed && range.end > checkpoint {
        return Err(CatalogError::Misuse(format!(
            "segment {segment}: copies up to {} cannot be {state}: only {checkpoint} are synced",
            range.end
        )));
    }
    append_say(connection, segment, state, range, at, job)
}

/// Records a raised state. A row that only goes on where the newest one ended makes that one longer.
pub(super) fn append_say(
    connection: &Connection,
    segment: SegmentId,
    state: EvidenceState,
    range: &Range<u64>,
    at: Timestamp,
    job: Option<JobId>,
) -> Result<(), CatalogError> {
    if range.is_empty() {
        return Ok(());
    }
    let newest: Option<(i64, EvidenceAct, EvidenceState, u64, u64, Option<i64>)> = connection
        .prepare_cached(
            "SELECT id, act, state, from_sequence, to_sequence, job_id FROM evidence
             WHERE segment_id = ?1 ORDER BY id DESC LIMIT 1",
        )?
        .query_row([segment.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        })
        .optional()?;
    if let Some((id, EvidenceAct::Say, said, from, to, by)) = newest
        && (said, by) == (state, job.map(|job| job.0))
        && (from..=to).contains(&range.start)
    {
        connection
            .prepare_cached("UPDATE evidence SET to_sequence = ?2, at = ?3 WHERE id = ?1")?
            .execute(params![id, to.max(range.end), sql_time(at)])?;
        return Ok(());
    }
    let record =
        EvidenceRecord { act: EvidenceAct::Say, state, range: range.clone(), job, reason: None };
    append(connection, segment, &record, at)
}

pub(super) fn append(
    connection: &Connection,
    segment: SegmentId,
    record: &EvidenceRecord,
    at: Timestamp,
) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO evidence (segment_id, act, state, from_sequence, to_sequence, at, job_id,
                reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            segment.0,
            record.act,
            record.state,
            record.range.start,
            record.range.end,
            sql_time(at),
            record.job.map(|job| job.0),
            record.reason
        ])?;
    Ok(())
}

/// The effect of all acts recorded for a segment.
pub(super) fn load_evidence(
    connection: &Connection,
    segment: SegmentId,
) -> Result<SegmentEvidence, CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT act, state, from_sequence, to_sequence, job_id, reason FROM evidence
         WHERE segment_id = ?1 ORDER BY id",
    )?;
    let mut evidence = SegmentEvidence::default();
    for record in statement.query_map([segment.0], record_from)? {
        evidence.apply(&record?);
    }
    Ok(evidence)
}

fn record_from(row: &Row<'_>) -> rusqlite::Result<EvidenceRecord> {
    Ok(EvidenceRecord {
        act: row.get(0)?,
        state: row.get(1)?,
        range: row.get(2)?..row.get(3)?,
        job: row.get::<_, Option<i64>>(4)?.map(JobId),
        reason: row.get(5)?,
    })
}

pub(super) fn checkpoint_of(
    connection: &Connection,
    segment: SegmentId,
) -> Result<u64, CatalogError> {
    connection
        .prepare_cached("SELECT checkpoint_sequence FROM segments WHERE id = ?1")?
        .query_row([segment.0], |row| row.get(0))
        .optional()?
        .ok_or(CatalogError::NotFound(Subject::Segment(segment)))
}

impl FileTotals {
    /// Adds to both numbers.
    fn add(&mut self, files: u64, bytes: u64) {
        self.files += files;
        self.bytes.0 += bytes;
    }
}

fn add_run(
    connection: &Connection,
    run: i64,
    table: &mut EvidenceTable,
) -> Result<(), CatalogError> {
    let mut statement = connection.prepare_cached(
        "SELECT planned_files, planned_bytes, unchanged_files, unchanged_bytes FROM runs WHERE id = ?1",
    )?;
    let (planned, planned_bytes, unchanged, unchanged_bytes) = statement
        .query_row([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    table.planned.add(planned, planned_bytes);
    table.unchanged.add(unchanged, unchanged_bytes);
    let mut statement = connection.prepare_cached("SELECT id FROM segments WHERE run_id = ?1")?;
    let segments = statement
        .query_map([run], |row| row.get(0).map(SegmentId))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut book = EvidenceBook::default();
    for segment in segments {
        let copy = book.segment(connection, segment)?.copy;
        for (effective, totals) in segment_totals(connection, &mut book, segment, run)? {
            let sum = table.stored.entry((copy, effective)).or_default();
            sum.add(totals.files, totals.bytes.0);
        }
    }
    add_split_files(connection, &mut book, run, table)?;
    let mut statement = connection.prepare_cached(
        "SELECT copy_number, state, reason, count(*), sum(size) FROM outcomes WHERE run_id = ?1
         GROUP BY copy_number, state, reason",
    )?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        let place = (row.get(0)?, row.get(1)?, row.get(2)?);
        table.not_stored.entry(place).or_default().add(row.get(3)?, row.get(4)?);
    }
    Ok(())
}

/// Files and bytes of a segment by what counts for them.
pub(super) fn segment_totals(
    connection: &Connection,
    book: &mut EvidenceBook,
    segment: SegmentId,
    run: i64,
) -> Result<Vec<(Effective, FileTotals)>, CatalogError> {
    let known = book.segment(connection, segment)?;
    let last: Option<u64> = connection
        .prepare_cached("SELECT max(sequence) FROM segment_marks WHERE segment_id = ?1")?
        .query_row([segment.0], |row| row.get(0))?;
    let mut sums = Vec::new();
    for (range, effective) in known.evidence.ranges(last.unwrap_or(0)) {
        let effective = match unusable(known.volume, known.volume_state) {
            Some(reason) => Effective::Failed { reason },
            None => effective,
        };
        let totals = totals_of(connection, segment, run, &range)?;
        if totals.files > 0 {
            sums.push((effective, totals));
        }
    }
    Ok(sums)
}

/// Split files, of which ranges of one segment say only a part: each counts once in a copy, as a whole.
fn add_split_files(
    connection: &Connection,
    book: &mut EvidenceBook,
    run: i64,
    table: &mut EvidenceTable,
) -> Result<(), CatalogError> {
    let sql = format!(
        "SELECT DISTINCT {VERSION_COLUMNS}, v.dir_id, g.copy_number FROM segments g
         JOIN copy_parts p ON p.copy_id BETWEEN g.id << 36 AND (g.id + 1 << 36) - 1
         JOIN copies c ON c.id = p.copy_id
         JOIN versions v ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = g.run_id
         WHERE g.run_id = ?1 AND p.number = 1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        let (dir, letter): (_, CopyLetter) = (row.get(10)?, row.get(11)?);
        let version = VersionRow::from_row(row)?.into_version(connection, book, dir)?;
        let Some(version) = version else { continue };
        if let Some(standing) = version.copies.into_iter().find(|copy| copy.copy == letter) {
            let place = (letter, standing.evidence);
            table.stored.entry(place).or_default().add(1, version.size.0);
        }
    }
    Ok(())
}

/// Files and bytes among the copies of a range; folders, links and parts of split files are left out.
fn totals_of(
    connection: &Connection,
    segment: SegmentId,
    run: i64,
    range: &Range<u64>,
) -> Result<FileTotals, CatalogError> {
    if range.end - range.start <= COUNT_DIRECTLY_MAX {
        return count_rows(connection, segment, run, range);
    }
    let from = totals_before(connection, segment, run, range.start)?;
    let to = totals_before(connection, segment, run, range.end)?;
    Ok(FileTotals {
        files: to.files.saturating_sub(from.files),
        bytes: ByteCount(to.bytes.0.saturating_sub(from.bytes.0)),
    })
}

fn totals_before(
    connection: &Connection,
    segment: SegmentId,
    run: i64,
    sequence: u64,
) -> Result<FileTotals, CatalogError> {
    let mark: Option<(u64, u64, u64)> = connection
        .prepare_cached(
            "SELECT sequence, files, bytes FROM segment_marks
             WHERE segment_id = ?1 AND sequence <= ?2 ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row(params![segment.0, sequence], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (at, files, bytes) = mark.unwrap_or((0, 0, 0));
    let mut totals = count_rows(connection, segment, run, &(at..sequence))?;
    totals.add(files, bytes);
    Ok(totals)
}

fn count_rows(
    connection: &Connection,
    segment: SegmentId,
    run: i64,
    range: &Range<u64>,
) -> Result<FileTotals, CatalogError> {
    if range.is_empty() {
        return Ok(FileTotals::default());
    }
    let (files, bytes) = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(v.size), 0) FROM copies c
             JOIN versions v ON v.dir_id = c.dir_id AND v.name = c.name AND v.run_id = ?1
             WHERE c.id BETWEEN ?2 AND ?3 AND v.kind = ?4
                AND NOT EXISTS (SELECT 1 FROM copy_parts p WHERE p.copy_id = c.id)",
        )?
        .query_row(
            params![
                run,
                CopyId::new(segment, range.start).0,
                CopyId::new(segment, range.end - 1).0,
                FileKind::File.code()
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    Ok(FileTotals { files, bytes: ByteCount(bytes) })
}
