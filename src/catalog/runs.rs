//! Runs and segments: one execution of a set's backup, and what it put on each volume.
//!
//! A segment carries the checkpoint from which an interrupted run goes on: the copies, planned files
//! and evidence up to it are on the tape, synced, and whatever the catalog holds beyond it is
//! discarded when the segment is written again.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::domain::{
    ByteCount, CopyLetter, JobId, RunId, SetName, Sha256Digest, Timestamp, VolumeUuid,
};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::ids::{SegmentId, sql_time, time_from_sql};
use super::sets::{ensure_set, set_id, set_name_at};
use super::settings::decode_json;
use super::text_enum::text_enum;
use super::volumes::{uuid_at, volume_id};

text_enum! {
    /// What a run stores.
    RunKind {
        /// Every planned file.
        Full = "full",
        /// What changed since earlier runs.
        Incremental = "incremental",
    }
}

text_enum! {
    /// How far a run has come.
    RunState {
        /// At work, or interrupted and not yet taken up again.
        Running = "running",
        /// Every planned file is indexed.
        Complete = "complete",
        /// Ended; some planned files are not stored, and they are listed.
        Incomplete = "incomplete",
        /// A person ended it.
        Cancelled = "cancelled",
        /// It could not go on.
        Failed = "failed",
    }
}

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Its name, which is also its folder on the volumes.
    pub run: RunId,
    /// Its set, which is made if it is new.
    pub set: SetName,
    /// What it stores.
    pub kind: RunKind,
    /// The run that an incremental one continues.
    pub parent: Option<RunId>,
    /// How many copies of the set it writes.
    pub copies: u8,
    /// The job that does it.
    pub job: Option<JobId>,
    /// When it began.
    pub started: Timestamp,
}

/// A run that the catalog knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// What was noted when it began.
    pub run: NewRun,
    /// How far it has come.
    pub state: RunState,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Files and bytes that it set out to store, unchanged ones not counted.
    pub planned: FileTotals,
    /// Files and bytes that it skipped because earlier runs have evidence for them.
    pub unchanged: FileTotals,
}

/// A number of files and the sum of their sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileTotals {
    /// How many files.
    pub files: u64,
    /// The sum of their sizes.
    pub bytes: ByteCount,
}

/// What one run put on one volume.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentRecord {
    /// Its number.
    pub id: SegmentId,
    /// The run.
    pub run: RunId,
    /// The volume.
    pub volume: VolumeUuid,
    /// Its place in the run, counted from 1.
    pub number: u32,
    /// The copy of the set that the volume belongs to.
    pub copy: CopyLetter,
    /// From where an interrupted run goes on.
    pub checkpoint: Checkpoint,
    /// The digest of the manifest that was written to the volume.
    pub manifest_sha256: Option<Sha256Digest>,
}

/// From where an interrupted run goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checkpoint {
    /// Copies before this place in the segment are on the tape, synced.
    pub sequence: u64,
    /// Planned files before this ordinal have reached their end state.
    pub ordinal: u64,
    /// What else is needed to go on (a split file's state, for example).
    pub resume: Option<serde_json::Value>,
}

const RUN_COLUMNS: &str = "r.run, s.name, r.kind, p.run, r.job_id, r.started, r.state,
    r.state_reason, r.ended, r.planned_files, r.planned_bytes, r.unchanged_files, r.unchanged_bytes,
    r.copies FROM runs r JOIN sets s ON s.id = r.set_id LEFT JOIN runs p ON p.id = r.parent_id";
const SEGMENT_COLUMNS: &str = "g.id, r.run, v.uuid, g.number, g.copy_number, g.checkpoint_sequence,
    g.checkpoint_ordinal, g.resume, g.manifest_sha256
    FROM segments g JOIN runs r ON r.id = g.run_id JOIN volumes v ON v.id = g.volume_id";

impl Catalog {
    /// Begins a run, and its set if that is new.
    ///
    /// # Errors
    /// `Exists` if there is a run of that name, `NotFound` if its parent is not known.
    pub fn start_run(&self, run: &NewRun) -> Result<(), CatalogError> {
        self.write("begin a run", |transaction| {
            if find_run_key(transaction, &run.run)?.is_some() {
                return Err(CatalogError::Exists(Subject::Run(run.run.clone())));
            }
            // A clock that went back must not make the new run older than those it follows.
            let after = transaction
                .prepare_cached(
                    "SELECT coalesce(max(r.id), 0) FROM runs r JOIN sets s ON s.id = r.set_id
                     WHERE s.name = ?1",
                )?
                .query_row([run.set.as_str()], |row| row.get(0))?;
            insert_run(transaction, run, after).map(|_| ())
        })
    }

    /// Says what a run sets out to store, and what it skips as unchanged.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn set_run_plan(
        &self,
        run: &RunId,
        planned: FileTotals,
        unchanged: FileTotals,
    ) -> Result<(), CatalogError> {
        self.write("store the plan of a run", |transaction| {
            let key = run_key(transaction, run)?;
            transaction
                .prepare_cached(
                    "UPDATE runs SET planned_files = ?2, planned_bytes = ?3, unchanged_files = ?4,
                        unchanged_bytes = ?5 WHERE id = ?1",
                )?
                .execute(params![
                    key,
                    planned.files,
                    planned.bytes.0,
                    unchanged.files,
                    unchanged.bytes.0
                ])?;
            Ok(())
        })
    }

    /// Ends a run. `Running` takes an ended one up again.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn set_run_state(
        &self,
        run: &RunId,
        state: RunState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("change the state of a run", |transaction| {
            let key = run_key(transaction, run)?;
            let ended = (state != RunState::Running).then(|| sql_time(at));
            transaction
                .prepare_cached(
                    "UPDATE runs SET state = ?2, state_reason = ?3, ended = ?4 WHERE id = ?1",
                )?
                .execute(params![key, state, reason, ended])?;
            Ok(())
        })
    }

    /// One run.
    ///
    /// # Errors
    /// `NotFound` if there is no such run.
    pub fn run(&self, run: &RunId) -> Result<RunRecord, CatalogError> {
        let found = self.select_runs("WHERE r.run = ?1", params![run.0])?.pop();
        found.ok_or_else(|| CatalogError::NotFound(Subject::Run(run.clone())))
    }

    /// The runs of a set, newest first.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn runs(&self, set: &SetName) -> Result<Vec<RunRecord>, CatalogError> {
        self.select_runs("WHERE s.name = ?1 ORDER BY r.id DESC", params![set.as_str()])
    }

    /// The newest run of a set that ended as complete or incomplete: what an incremental continues.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn last_ended_run(&self, set: &SetName) -> Result<Option<RunRecord>, CatalogError> {
        let condition = "WHERE s.name = ?1 AND r.state IN ('complete', 'incomplete')
             ORDER BY r.id DESC LIMIT 1";
        Ok(self.select_runs(condition, params![set.as_str()])?.pop())
    }

    /// Runs that are not ended, oldest first: after a restart, those that were interrupted.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn running_runs(&self) -> Result<Vec<RunRecord>, CatalogError> {
        self.select_runs("WHERE r.state = 'running' ORDER BY r.id", params![])
    }

    /// Begins what a run puts on a volume. If it has been begun already, that segment is returned.
    ///
    /// # Errors
    /// `NotFound` if run or volume is not known.
    pub fn begin_segment(
        &self,
        run: &RunId,
        volume: VolumeUuid,
        copy: CopyLetter,
    ) -> Result<SegmentId, CatalogError> {
        self.write("begin a segment", |transaction| {
            let run = run_key(transaction, run)?;
            let volume = volume_id(transaction, volume)?;
            ensure_segment(transaction, run, volume, copy)
        })
    }

    /// One segment.
    ///
    /// # Errors
    /// `NotFound` if there is no such segment.
    pub fn segment(&self, id: SegmentId) -> Result<SegmentRecord, CatalogError> {
        let found = self.select_segments("WHERE g.id = ?1", params![id.0])?.pop();
        found.ok_or(CatalogError::NotFound(Subject::Segment(id)))
    }

    /// The segments of a run, in its order.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn segments_of_run(&self, run: &RunId) -> Result<Vec<SegmentRecord>, CatalogError> {
        self.select_segments("WHERE r.run = ?1 ORDER BY g.number", params![run.0])
    }

    /// The segments on a volume, oldest first.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn segments_of_volume(
        &self,
        volume: VolumeUuid,
    ) -> Result<Vec<SegmentRecord>, CatalogError> {
        let key = volume.0.as_bytes().as_slice();
        self.select_segments("WHERE v.uuid = ?1 ORDER BY g.run_id, g.id", params![key])
    }

    /// Notes the digest of the manifest that was written for a segment.
    ///
    /// # Errors
    /// `NotFound` if there is no such segment.
    pub fn set_segment_manifest(
        &self,
        segment: SegmentId,
        sha256: Sha256Digest,
    ) -> Result<(), CatalogError> {
        self.write("note a manifest", |transaction| {
            let changed = transaction
                .prepare_cached("UPDATE segments SET manifest_sha256 = ?2 WHERE id = ?1")?
                .execute(params![segment.0, sha256.0])?;
            if changed == 0 {
                return Err(CatalogError::NotFound(Subject::Segment(segment)));
            }
            Ok(())
        })
    }

    fn select_runs(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<RunRecord>, CatalogError> {
        self.read("list runs", |reader| {
            let sql = format!("SELECT {RUN_COLUMNS} {condition}");
            let mut statement = reader.prepare_cached(&sql)?;
            let rows = statement.query_map(values, run_from)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn select_segments(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<SegmentRecord>, CatalogError> {
        self.read("list segments", |reader| {
            let sql = format!("SELECT {SEGMENT_COLUMNS} {condition}");
            let mut statement = reader.prepare_cached(&sql)?;
            let mut rows = statement.query(values)?;
            let mut segments = Vec::new();
            while let Some(row) = rows.next()? {
                segments.push(segment_from(row)?);
            }
            Ok(segments)
        })
    }
}

/// The key by which a run's versions are ordered.
pub(super) fn run_key(connection: &Connection, run: &RunId) -> Result<i64, CatalogError> {
    find_run_key(connection, run)?.ok_or_else(|| CatalogError::NotFound(Subject::Run(run.clone())))
}

/// The key of a run, if the catalog knows it.
pub(super) fn find_run_key(
    connection: &Connection,
    run: &RunId,
) -> Result<Option<i64>, CatalogError> {
    Ok(connection
        .prepare_cached("SELECT id FROM runs WHERE run = ?1")?
        .query_row([&run.0], |row| row.get(0))
        .optional()?)
}

/// Inserts a running run, ordered after its parent and the key `after`; returns its key.
pub(super) fn insert_run(
    connection: &Connection,
    run: &NewRun,
    after: i64,
) -> Result<i64, CatalogError> {
    let set = ensure_set(connection, &run.set, run.started)?;
    let parent = run.parent.as_ref().map(|parent| run_key(connection, parent)).transpose()?;
    let started = sql_time(run.started);
    let mut key = (started / 1_000_000).max(parent.unwrap_or(0).max(after) + 1);
    while connection.prepare_cached("SELECT 1 FROM runs WHERE id = ?1")?.exists([key])? {
        key += 1;
    }
    connection
        .prepare_cached(
            "INSERT INTO runs (id, run, set_id, kind, parent_id, state, job_id, started, copies)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            key,
            run.run.0,
            set,
            run.kind,
            parent,
            RunState::Running,
            run.job.map(|job| job.0),
            started,
            run.copies
        ])?;
    Ok(key)
}

/// The segment of a run on a volume, which is made if there is none.
pub(super) fn ensure_segment(
    connection: &Connection,
    run: i64,
    volume: i64,
    copy: CopyLetter,
) -> Result<SegmentId, CatalogError> {
    let known = connection
        .prepare_cached("SELECT id FROM segments WHERE run_id = ?1 AND volume_id = ?2")?
        .query_row([run, volume], |row| row.get(0).map(SegmentId))
        .optional()?;
    if let Some(segment) = known {
        return Ok(segment);
    }
    connection
        .prepare_cached(
            "INSERT INTO segments (run_id, volume_id, number, copy_number)
             SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3 FROM segments WHERE run_id = ?1",
        )?
        .execute(params![run, volume, copy])?;
    Ok(SegmentId(connection.last_insert_rowid()))
}

/// Runs of a set that count at a moment, and the full run that says what existed.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Runs up to this key count.
    pub newest: i64,
    /// A path whose newest version is older was gone when this full run walked the tree.
    pub base: i64,
}

/// Which state of a set's tree is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// The newest.
    #[default]
    Now,
    /// As a run left it.
    Run(RunId),
    /// As it was known at a moment: by the runs that had begun.
    Time(Timestamp),
}

/// The runs that `as_of` means.
pub(super) fn view_of(
    connection: &Connection,
    set: &SetName,
    as_of: &AsOf,
) -> Result<View, CatalogError> {
    let set = set_id(connection, set)?;
    let newest = match as_of {
        AsOf::Now => i64::MAX,
        AsOf::Run(run) => run_key(connection, run)?,
        AsOf::Time(at) => connection
            .prepare_cached(
                "SELECT coalesce(max(id), 0) FROM runs WHERE set_id = ?1 AND started <= ?2",
            )?
            .query_row(params![set, sql_time(*at)], |row| row.get(0))?,
    };
    view_until(connection, set, newest)
}

/// The runs of a set up to the key `newest`.
pub(super) fn view_until(
    connection: &Connection,
    set: i64,
    newest: i64,
) -> Result<View, CatalogError> {
    let base = connection
        .prepare_cached(
            "SELECT coalesce(max(id), 0) FROM runs WHERE set_id = ?1 AND id <= ?2
                AND kind = 'full' AND state IN ('complete', 'incomplete')",
        )?
        .query_row([set, newest], |row| row.get(0))?;
    Ok(View { newest, base })
}

fn run_from(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        run: NewRun {
            run: RunId(row.get(0)?),
            set: set_name_at(row, 1)?,
            kind: row.get(2)?,
            parent: row.get::<_, Option<String>>(3)?.map(RunId),
            job: row.get::<_, Option<i64>>(4)?.map(JobId),
            copies: row.get(13)?,
            started: time_from_sql(row.get(5)?),
        },
        state: row.get(6)?,
        state_reason: row.get(7)?,
        ended: row.get::<_, Option<i64>>(8)?.map(time_from_sql),
        planned: FileTotals { files: row.get(9)?, bytes: ByteCount(row.get(10)?) },
        unchanged: FileTotals { files: row.get(11)?, bytes: ByteCount(row.get(12)?) },
    })
}

fn segment_from(row: &Row<'_>) -> Result<SegmentRecord, CatalogError> {
    let resume: Option<String> = row.get(7)?;
    Ok(SegmentRecord {
        id: SegmentId(row.get(0)?),
        run: RunId(row.get(1)?),
        volume: uuid_at(row, 2)?,
        number: row.get(3)?,
        copy: row.get(4)?,
        checkpoint: Checkpoint {
            sequence: row.get(5)?,
            ordinal: row.get(6)?,
            resume: resume.map(|text| decode_json("a checkpoint", &text)).transpose()?,
        },
        manifest_sha256: row.get::<_, Option<[u8; 32]>>(8)?.map(Sha256Digest),
    })
}
