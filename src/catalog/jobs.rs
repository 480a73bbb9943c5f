//! The job store: what was asked for, how far it is, and what happened.
//!
//! `jobs` owns the meaning of kinds, specifications and checkpoints; here they are JSON that survives a
//! kill. A job's state changes only along its state machine, so that two threads cannot both end it.
//!
//! ```text
//!  queued ──▶ running ⇄ paused, waiting ──▶ completed, incomplete, failed, cancelled
//!     └──────────────▶ cancelled, failed
//!  running, paused, waiting ──(engine restarted)──▶ queued, with its checkpoint
//! ```

mod how_far;
mod newest;

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use crate::domain::{JobId, Timestamp};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::ids::{sql_time, time_from_sql};
use super::settings::{decode_json, encode_json};
use super::text_enum::text_enum;

pub use how_far::HowFar;
pub(super) use how_far::store_how_far;

text_enum! {
    /// Where a job stands.
    JobState {
        /// It waits for its turn.
        Queued = "queued",
        /// It is at work.
        Running = "running",
        /// A person has paused it.
        Paused = "paused",
        /// It needs a person: a cartridge, a decision.
        Waiting = "waiting",
        /// All that was asked for is done and proven.
        Completed = "completed",
        /// It has ended, and something that was asked for is missing; what, is listed.
        Incomplete = "incomplete",
        /// It could not be done.
        Failed = "failed",
        /// A person has ended it.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Whose turn it is among jobs that wait for a drive; the first comes first.
    Priority {
        /// Before all others.
        High = "high",
        /// As usual.
        Normal = "normal",
        /// When nobody else needs a drive.
        Low = "low",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro makes enums without a default")]
impl Default for Priority {
    fn default() -> Self {
        Self::Normal
    }
}

impl Priority {
    /// True for the one that need not be said.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

text_enum! {
    /// What a person wants of a running job; it obeys at its next safe point.
    JobRequest {
        /// Stop for now.
        Pause = "pause",
        /// Go on.
        Resume = "resume",
        /// End.
        Cancel = "cancel",
    }
}

text_enum! {
    /// How much an event matters.
    EventLevel {
        /// For those who look closely.
        Debug = "debug",
        /// What happened.
        Info = "info",
        /// Something to look at.
        Warning = "warning",
        /// Something is missing or broken.
        Error = "error",
    }
}

impl JobState {
    /// True for the states that a job never leaves.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Incomplete | Self::Failed | Self::Cancelled)
    }

    /// True if the state machine has this step.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Cancelled | Self::Failed),
            Self::Running | Self::Paused | Self::Waiting => true,
            Self::Completed | Self::Incomplete | Self::Failed | Self::Cancelled => false,
        }
    }
}

/// A job that the catalog keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// Its number.
    pub id: JobId,
    /// What it does; a word of `jobs`.
    pub kind: String,
    /// Where it stands.
    pub state: JobState,
    /// What a person wants of it and it has not obeyed yet.
    pub request: Option<JobRequest>,
    /// What a person has said since it was asked for of when it has its turn.
    pub priority: Option<Priority>,
    /// What was asked for.
    pub spec: Value,
    /// How far it is, for people.
    pub progress: Value,
    /// From where it goes on after an interruption.
    pub checkpoint: Option<Value>,
    /// Why it failed or is incomplete.
    pub error: Option<Value>,
    /// When it was made.
    pub created: Timestamp,
    /// When it first began.
    pub started: Option<Timestamp>,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// Something that happened in a job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobEvent {
    /// How much it matters.
    pub level: EventLevel,
    /// A stable word for it.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Details, if there are any.
    pub content: Option<Value>,
}

/// An event as it was recorded. Numbers grow and are never used twice.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    /// Its number, over all jobs.
    pub id: i64,
    /// The job.
    pub job: JobId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: JobEvent,
}

const COLUMNS: &str =
    "id, kind, state, request, spec, progress, checkpoint, error, created, started,
    updated, ended, priority FROM jobs";

/// The row of a new job, queued.
pub(super) fn insert_job(
    connection: &Connection,
    kind: &str,
    spec: &str,
    at: Timestamp,
) -> Result<JobId, CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO jobs (kind, state, spec, progress, created, updated)
             VALUES (?1, ?2, ?3, 'null', ?4, ?4)",
        )?
        .execute(params![kind, JobState::Queued, spec, sql_time(at)])?;
    Ok(JobId(connection.last_insert_rowid()))
}

impl Catalog {
    /// Makes a job, queued.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn create_job(
        &self,
        kind: &str,
        spec: &Value,
        at: Timestamp,
    ) -> Result<JobId, CatalogError> {
        let spec = encode_json("a job's specification", spec)?;
        self.write("make a job", |transaction| insert_job(transaction, kind, &spec, at))
    }

    /// One job.
    ///
    /// # Errors
    /// `NotFound` if there is no such job.
    pub fn job(&self, id: JobId) -> Result<JobRecord, CatalogError> {
        let found = self.select_jobs("WHERE id = ?1", params![id.0])?.pop();
        found.ok_or(CatalogError::NotFound(Subject::Job(id)))
    }

    /// Jobs, newest first, before `before`.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn jobs(
        &self,
        before: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<JobRecord>, CatalogError> {
        let before = before.map_or(i64::MAX, |job| job.0);
        self.select_jobs("WHERE id < ?1 ORDER BY id DESC LIMIT ?2", params![before, limit])
    }

    /// Jobs in a state, oldest first.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn jobs_in_state(&self, state: JobState) -> Result<Vec<JobRecord>, CatalogError> {
        self.select_jobs("WHERE state = ?1 ORDER BY id", params![state])
    }

    /// Takes the oldest queued job: it is running when this returns. `None` if there is none.
    ///
    /// # Errors
    /// `Database` if the change cannot be stored.
    pub fn claim_next_job(&self, at: Timestamp) -> Result<Option<JobRecord>, CatalogError> {
        let next = self.write("claim a job", |transaction| {
            let next: Option<i64> = transaction
                .prepare_cached("SELECT id FROM jobs WHERE state = ?1 ORDER BY id LIMIT 1")?
                .query_row([JobState::Queued], |row| row.get(0))
                .optional()?;
            if let Some(id) = next {
                change_state(transaction, JobId(id), JobState::Running, None, at)?;
            }
            Ok(next)
        })?;
        next.map(|id| self.job(JobId(id))).transpose()
    }

    /// Moves a job to another state; `error` is what a failed or incomplete one says.
    ///
    /// # Errors
    /// `Transition` if its state machine does not have that step, `NotFound` if there is no such job.
    pub fn set_job_state(
        &self,
        id: JobId,
        next: JobState,
        error: Option<&Value>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        let error = error.map(|value| encode_json("a job's error", value)).transpose()?;
        self.write("change the state of a job", |transaction| {
            change_state(transaction, id, next, error.as_deref(), at)
        })
    }

    /// Puts every job that was at work when the last engine ended back into the queue, with its
    /// checkpoint. Called once, before any job is claimed. Returns those jobs.
    ///
    /// # Errors
    /// `Database` if the change cannot be stored.
    pub fn requeue_interrupted_jobs(&self, at: Timestamp) -> Result<Vec<JobId>, CatalogError> {
        self.write("take up interrupted jobs", |transaction| {
            let ids = transaction
                .prepare_cached(
                    "SELECT id FROM jobs WHERE state IN ('running', 'waiting') ORDER BY id",
                )?
                .query_map([], |row| row.get(0).map(JobId))?
                .collect::<Result<Vec<_>, _>>()?;
            for id in &ids {
                change_state(transaction, *id, JobState::Queued, None, at)?;
            }
            Ok(ids)
        })
    }

    /// Notes what a person wants of a job; `None` once it has obeyed.
    ///
    /// # Errors
    /// `Transition` if the job has ended, `NotFound` if there is no such job.
    pub fn set_job_request(
        &self,
        id: JobId,
        request: Option<JobRequest>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("note a request to a job", |transaction| {
            let state = state_of(transaction, id)?;
            if let Some(request) = request
                && state.is_final()
            {
                return Err(CatalogError::Transition {
                    subject: Subject::Job(id),
                    from: state.as_str(),
                    to: request.as_str(),
                });
            }
            transaction
                .prepare_cached("UPDATE jobs SET request = ?2, updated = ?3 WHERE id = ?1")?
                .execute(params![id.0, request, sql_time(at)])?;
            Ok(())
        })
    }

    /// Says when a job has its turn, whatever was said before.
    ///
    /// # Errors
    /// `Transition` if the job has ended, `NotFound` if there is no such job.
    pub fn set_job_priority(
        &self,
        id: JobId,
        priority: Priority,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("change the priority of a job", |transaction| {
            let state = state_of(transaction, id)?;
            if state.is_final() {
                let (from, to) = (state.as_str(), JobState::Queued.as_str());
                return Err(CatalogError::Transition { subject: Subject::Job(id), from, to });
            }
            transaction
                .prepare_cached("UPDATE jobs SET priority = ?2, updated = ?3 WHERE id = ?1")?
                .execute(params![id.0, priority, sql_time(at)])?;
            Ok(())
        })
    }

    /// Records an event; returns its number.
    ///
    /// # Errors
    /// `NotFound` if there is no such job.
    pub fn add_job_event(
        &self,
        job: JobId,
        event: &JobEvent,
        at: Timestamp,
    ) -> Result<i64, CatalogError> {
        let content = event.content.as_ref();
        let content = content.map(|value| encode_json("an event", value)).transpose()?;
        let id = self.write("record an event", |transaction| {
            state_of(transaction, job)?;
            transaction
                .prepare_cached(
                    "INSERT INTO job_events (job_id, at, level, code, message, content)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    job.0,
                    sql_time(at),
                    event.level,
                    event.code,
                    event.message,
                    content
                ])?;
            Ok(transaction.last_insert_rowid())
        })?;
        self.inner.events.announce(id);
        Ok(id)
    }

    /// The number of the newest event; 0 if there is none.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn newest_event(&self) -> Result<i64, CatalogError> {
        self.read("look for the newest event", |reader| {
            let mut statement =
                reader.prepare_cached("SELECT coalesce(max(id), 0) FROM job_events")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
    }

    /// Events after the number `after`, oldest first, of one job or of all.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn events_after(
        &self,
        after: i64,
        job: Option<JobId>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, CatalogError> {
        self.read("list events", |reader| {
            let columns = "SELECT id, job_id, at, level, code, message, content FROM job_events";
            let sql = match job {
                Some(_) => {
                    format!("{columns} WHERE id > ?1 AND job_id = ?3 ORDER BY id LIMIT ?2")
                }
                None => format!("{columns} WHERE id > ?1 AND ?3 IS NULL ORDER BY id LIMIT ?2"),
            };
            let mut statement = reader.prepare_cached(&sql)?;
            let mut rows = statement.query(params![after, limit, job.map(|job| job.0)])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(event_from(row)?);
            }
            Ok(events)
        })
    }

    /// Waits until there is an event after `after`, made by this process since it opened the catalog;
    /// false if `limit` passed first. Look with [`Catalog::events_after`] before and after.
    #[must_use]
    pub fn wait_for_event(&self, after: i64, limit: Duration) -> bool {
        self.inner.events.wait(after, limit)
    }

    fn select_jobs(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<JobRecord>, CatalogError> {
        self.read("list jobs", |reader| {
            let mut statement = reader.prepare_cached(&format!("SELECT {COLUMNS} {condition}"))?;
            let mut rows = statement.query(values)?;
            let mut jobs = Vec::new();
            while let Some(row) = rows.next()? {
                jobs.push(job_from(row)?);
            }
            Ok(jobs)
        })
    }
}

fn state_of(connection: &Connection, id: JobId) -> Result<JobState, CatalogError> {
    connection
        .prepare_cached("SELECT state FROM jobs WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?
        .ok_or(CatalogError::NotFound(Subject::Job(id)))
}

fn change_state(
    connection: &Connection,
    id: JobId,
    next: JobState,
    error: Option<&str>,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let current = state_of(connection, id)?;
    if current != next && !current.may_become(next) {
        return Err(CatalogError::Transition {
            subject: Subject::Job(id),
            from: current.as_str(),
            to: next.as_str(),
        });
    }
    let at = sql_time(at);
    let started = (next == JobState::Running).then_some(at);
    let ended = next.is_final().then_some(at);
    connection
        .prepare_cached(
            "UPDATE jobs SET state = ?2, error = ?3, started = coalesce(started, ?4), ended = ?5,
                updated = ?6, request = CASE WHEN ?5 IS NULL THEN request END
             WHERE id = ?1",
        )?
        .execute(params![id.0, next, error, started, ended, at])?;
    Ok(())
}

fn job_from(row: &Row<'_>) -> Result<JobRecord, CatalogError> {
    let json = |column: usize, what: &'static str| -> Result<Option<Value>, CatalogError> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| decode_json(what, &text)).transpose()
    };
    let time = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(time_from_sql))
    };
    Ok(JobRecord {
        id: JobId(row.get(0)?),
        kind: row.get(1)?,
        state: row.get(2)?,
        request: row.get(3)?,
        spec: json(4, "a job's specification")?.unwrap_or_default(),
        progress: json(5, "a job's progress")?.unwrap_or_default(),
        checkpoint: json(6, "a job's checkpoint")?,
        error: json(7, "a job's error")?,
        created: time_from_sql(row.get(8)?),
        started: time(9)?,
        updated: time_from_sql(row.get(10)?),
        ended: time(11)?,
        priority: row.get(12)?,
    })
}

fn event_from(row: &Row<'_>) -> Result<RecordedEvent, CatalogError> {
    let content: Option<String> = row.get(6)?;
    Ok(RecordedEvent {
        id: row.get(0)?,
        job: JobId(row.get(1)?),
        at: time_from_sql(row.get(2)?),
        event: JobEvent {
            level: row.get(3)?,
            code: row.get(4)?,
            message: row.get(5)?,
            content: content.map(|text| decode_json("an event", &text)).transpose()?,
        },
    })
}

#[cfg(test)]
mod tests;
