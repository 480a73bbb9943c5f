//! Schedules as they are kept: rule and task as JSON, how far they were dealt with, what came of it.
//!
//! One scheduler deals with them; a moment and what became of it are written in one transaction, so
//! that a kill between the two neither repeats nor forgets one.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde_json::Value;

use crate::domain::{JobId, Timestamp};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::ids::{sql_time, time_from_sql};
use super::jobs::insert_job;
use super::settings::{decode_json, encode_json};
use super::text_enum::text_enum;

/// Events of one schedule that are kept: some months of a nightly one, a day of one a minute.
const EVENTS_KEPT: i64 = 1500;

text_enum! {
    /// What became of a moment.
    ScheduleEventKind {
        /// A job was started.
        Started = "started",
        /// The appliance was off or not allowed to start anything, and the rule is to skip.
        Missed = "missed",
        /// The job of an earlier moment was still at work.
        StillRunning = "still_running",
        /// The task cannot be done as things stand; the reason says why.
        Refused = "refused",
    }
}

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleRecord {
    /// Its name.
    pub name: String,
    /// When it comes.
    pub rule: Value,
    /// What it starts.
    pub task: Value,
    /// Whether it starts anything.
    pub is_enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// Moments up to this one were dealt with.
    pub handled: Timestamp,
    /// Another attempt of a failed job.
    pub retry: Option<Value>,
}

/// What became of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleEvent {
    /// Its number, growing.
    pub id: i64,
    /// The moment.
    pub due: Timestamp,
    /// When it was dealt with.
    pub at: Timestamp,
    /// What became of it.
    pub what: ScheduleEventKind,
    /// The attempt, counted from 1.
    pub attempt: u32,
    /// The job, if one was started.
    pub job: Option<JobId>,
    /// Why nothing was started, or how many moments were missed.
    pub reason: Option<String>,
}

/// How far a schedule was dealt with, and what is to be told of it.
#[derive(Clone, Debug)]
pub struct ScheduleProgress {
    /// Moments up to this one are dealt with.
    pub handled: Timestamp,
    /// Another attempt of a failed job.
    pub retry: Option<Value>,
    /// What became of the moment; its number is given by the catalog.
    pub event: Option<ScheduleEvent>,
}

/// The job of a moment, to be made together with what is told of the moment.
pub struct ScheduledStart<'a> {
    /// The schedule.
    pub schedule: &'a str,
    /// Moments up to this one are dealt with.
    pub handled: Timestamp,
    /// What is told; the job is filled in.
    pub event: ScheduleEvent,
    /// What the schedule waits for then, given the job.
    pub pending: &'a dyn Fn(JobId) -> Option<Value>,
}

impl std::fmt::Debug for ScheduledStart<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScheduledStart").field("schedule", &self.schedule).finish_non_exhaustive()
    }
}

impl Catalog {
    /// Makes the job of a moment, queued: either both are written down or none.
    ///
    /// # Errors
    /// `NotFound` if there is no such schedule.
    pub fn create_scheduled_job(
        &self,
        kind: &str,
        spec: &Value,
        at: Timestamp,
        start: &ScheduledStart<'_>,
    ) -> Result<JobId, CatalogError> {
        let spec = encode_json("a job's specification", spec)?;
        self.write("make a scheduled job", |transaction| {
            let id = schedule_id(transaction, start.schedule)?;
            let job = insert_job(transaction, kind, &spec, at)?;
            let pending = (start.pending)(job);
            let pending = pending.map(|pending| encode_json("an attempt", &pending)).transpose()?;
            note_handled(transaction, id, start.handled, pending.as_deref())?;
            note_event(transaction, id, &ScheduleEvent { job: Some(job), ..start.event.clone() })?;
            Ok(job)
        })
    }

    /// Makes a schedule. Moments before `at` are none of its business.
    ///
    /// # Errors
    /// `Exists` if there is one of that name.
    pub fn create_schedule(
        &self,
        name: &str,
        rule: &Value,
        task: &Value,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        let (rule, task) = (encode_json("a schedule", rule)?, encode_json("a schedule", task)?);
        self.write("make a schedule", |transaction| {
            let made = transaction
                .prepare_cached(
                    "INSERT INTO schedules (name, rule, task, is_enabled, created, handled) \
                     VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT (name) DO NOTHING",
                )?
                .execute(params![name, rule, task, sql_time(at)])?;
            if made == 0 {
                return Err(CatalogError::Exists(subject(name)));
            }
            Ok(())
        })
    }

    /// Gives a schedule another rule and task. Moments before `at` are dealt with.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn change_schedule(
        &self,
        name: &str,
        rule: &Value,
        task: &Value,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        let (rule, task) = (encode_json("a schedule", rule)?, encode_json("a schedule", task)?);
        self.update_schedule(
            name,
            "UPDATE schedules SET rule = ?2, task = ?3, handled = max(handled, ?4), retry = NULL \
             WHERE name = ?1",
            params![name, rule, task, sql_time(at)],
        )
    }

    /// Switches a schedule on or off. Moments while it was off are not made up for.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn enable_schedule(
        &self,
        name: &str,
        is_enabled: bool,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.update_schedule(
            name,
            "UPDATE schedules SET is_enabled = ?2, handled = max(handled, ?3), retry = NULL \
             WHERE name = ?1",
            params![name, is_enabled, sql_time(at)],
        )
    }

    /// Removes a schedule and what is told of it; its jobs stay.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn remove_schedule(&self, name: &str) -> Result<(), CatalogError> {
        self.write("remove a schedule", |transaction| {
            let id = schedule_id(transaction, name)?;
            transaction.execute("DELETE FROM schedule_events WHERE schedule_id = ?1", [id])?;
            transaction.execute("DELETE FROM schedules WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    /// Writes down how far a schedule was dealt with, and what became of a moment.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn note_schedule(
        &self,
        name: &str,
        progress: &ScheduleProgress,
    ) -> Result<(), CatalogError> {
        let retry = progress.retry.as_ref().map(|retry| encode_json("an attempt", retry));
        let retry = retry.transpose()?;
        self.write("note a schedule", |transaction| {
            let id = schedule_id(transaction, name)?;
            note_handled(transaction, id, progress.handled, retry.as_deref())?;
            match &progress.event {
                Some(event) => note_event(transaction, id, event),
                None => Ok(()),
            }
        })
    }

    /// One schedule.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn schedule(&self, name: &str) -> Result<ScheduleRecord, CatalogError> {
        let found = self.select_schedules("WHERE name = ?1", params![name])?.pop();
        found.ok_or_else(|| CatalogError::NotFound(subject(name)))
    }

    /// All schedules, by name.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn schedules(&self) -> Result<Vec<ScheduleRecord>, CatalogError> {
        self.select_schedules("ORDER BY name", params![])
    }

    /// What became of a schedule's moments, newest first, before event `before`.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn schedule_events(
        &self,
        name: &str,
        before: Option<i64>,
        count: usize,
    ) -> Result<Vec<ScheduleEvent>, CatalogError> {
        self.schedule(name)?;
        self.read("list what a schedule did", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT e.id, e.due, e.at, e.what, e.attempt, e.job_id, e.reason \
                 FROM schedule_events e JOIN schedules s ON s.id = e.schedule_id \
                 WHERE s.name = ?1 AND e.id < ?2 ORDER BY e.id DESC LIMIT ?3",
            )?;
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let rows =
                statement.query_map(params![name, before.unwrap_or(i64::MAX), count], event_of)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Sets a maintenance window, or takes it away.
    ///
    /// # Errors
    /// `NotFound` for taking away what is not there.
    pub fn put_window(&self, name: &str, spec: Option<&Value>) -> Result<(), CatalogError> {
        let text = spec.map(|spec| encode_json("a maintenance window", spec)).transpose()?;
        self.write("set a maintenance window", |transaction| {
            let changed = match &text {
                Some(text) => transaction.execute(
                    "INSERT INTO maintenance_windows (name, spec) VALUES (?1, ?2) \
                     ON CONFLICT (name) DO UPDATE SET spec = excluded.spec",
                    [name, text],
                )?,
                None => transaction
                    .execute("DELETE FROM maintenance_windows WHERE name = ?1", [name])?,
            };
            if changed == 0 {
                return Err(CatalogError::NotFound(Subject::MaintenanceWindow(name.to_owned())));
            }
            Ok(())
        })
    }

    /// All maintenance windows, by name.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn windows(&self) -> Result<Vec<(String, Value)>, CatalogError> {
        self.read("list maintenance windows", |reader| {
            let sql = "SELECT name, spec FROM maintenance_windows ORDER BY name";
            let mut statement = reader.prepare_cached(sql)?;
            let rows = statement
                .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (name, spec) = row?;
                Ok((name, decode_json("a maintenance window", &spec)?))
            })
            .collect()
        })
    }

    fn update_schedule(
        &self,
        name: &str,
        sql: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<(), CatalogError> {
        self.write("change a schedule", |transaction| {
            if transaction.prepare_cached(sql)?.execute(values)? == 0 {
                return Err(CatalogError::NotFound(subject(name)));
            }
            Ok(())
        })
    }

    fn select_schedules(
        &self,
        condition: &str,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<ScheduleRecord>, CatalogError> {
        self.read("list schedules", |reader| {
            let sql = format!(
                "SELECT name, rule, task, is_enabled, created, handled, retry \
                 FROM schedules {condition}"
            );
            let mut statement = reader.prepare_cached(&sql)?;
            let mut rows = statement.query(values)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(schedule_of(row)?);
            }
            Ok(found)
        })
    }
}

fn subject(name: &str) -> Subject {
    Subject::Schedule(name.to_owned())
}

fn schedule_id(transaction: &Transaction<'_>, name: &str) -> Result<i64, CatalogError> {
    let found = transaction
        .prepare_cached("SELECT id FROM schedules WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    found.ok_or_else(|| CatalogError::NotFound(subject(name)))
}

fn note_handled(
    transaction: &Transaction<'_>,
    schedule: i64,
    handled: Timestamp,
    retry: Option<&str>,
) -> Result<(), CatalogError> {
    transaction
        .prepare_cached(
            "UPDATE schedules SET handled = max(handled, ?2), retry = ?3 WHERE id = ?1",
        )?
        .execute(params![schedule, sql_time(handled), retry])?;
    Ok(())
}

fn note_event(
    transaction: &Transaction<'_>,
    schedule: i64,
    event: &ScheduleEvent,
) -> Result<(), CatalogError> {
    transaction
        .prepare_cached(
            "INSERT INTO schedule_events (schedule_id, due, at, what, attempt, job_id, reason) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            schedule,
            sql_time(event.due),
            sql_time(event.at),
            event.what,
            event.attempt,
            event.job.map(|job| job.0),
            event.reason,
        ])?;
    transaction
        .prepare_cached(
            "DELETE FROM schedule_events WHERE schedule_id = ?1 AND id <= (SELECT id FROM \
             schedule_events WHERE schedule_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![schedule, EVENTS_KEPT])?;
    Ok(())
}

fn schedule_of(row: &Row<'_>) -> Result<ScheduleRecord, CatalogError> {
    let text = |column: usize| row.get::<_, String>(column);
    let retry: Option<String> = row.get(6)?;
    Ok(ScheduleRecord {
        name: text(0)?,
        rule: decode_json("a schedule", &text(1)?)?,
        task: decode_json("a schedule", &text(2)?)?,
        is_enabled: row.get(3)?,
        created: time_from_sql(row.get(4)?),
        handled: time_from_sql(row.get(5)?),
        retry: retry.map(|retry| decode_json("an attempt", &retry)).transpose()?,
    })
}

fn event_of(row: &Row<'_>) -> rusqlite::Result<ScheduleEvent> {
    Ok(ScheduleEvent {
        id: row.get(0)?,
        due: time_from_sql(row.get(1)?),
        at: time_from_sql(row.get(2)?),
        what: row.get(3)?,
        attempt: row.get(4)?,
        job: row.get::<_, Option<i64>>(5)?.map(JobId),
        reason: row.get(6)?,
    })
}
