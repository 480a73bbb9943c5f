//! Alerts: one row for one thing as long as it lasts, also while it is seen again and again.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::deliveries::queue;
use super::{AlertSeverity, AlertStore};
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::domain::Timestamp;

/// Alerts that have ended and are kept: years of an ordinary appliance.
const ENDED_KEPT: i64 = 2000;

/// What was found. `kind` and `subject` together say which thing it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertReport {
    /// A stable word.
    pub kind: &'static str,
    /// What it is about: a set, a serial number, a barcode, a job.
    pub subject: String,
    /// How urgent.
    pub severity: AlertSeverity,
    /// What was found.
    pub sentence: String,
    /// What to do.
    pub next_step: String,
}

/// An alert that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRecord {
    /// Its number.
    pub id: i64,
    /// A stable word.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// How urgent.
    pub severity: AlertSeverity,
    /// What was found.
    pub sentence: String,
    /// What to do.
    pub next_step: String,
    /// When it was found first.
    pub raised: Timestamp,
    /// When it was found last.
    pub last_seen: Timestamp,
    /// How often it came; a standing condition counts once.
    pub times: u64,
    /// When it had gone.
    pub ended: Option<Timestamp>,
    /// When somebody took note of it.
    pub acknowledged: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// What they wrote.
    pub note: Option<String>,
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new, or more urgent than it was.
    Raised,
    /// It has gone.
    Ended,
}

/// Makes the notices of a change: the channel and what is sent.
type Notices<'a> = dyn Fn(&AlertRecord, Change) -> Vec<(i64, String)> + 'a;

const COLUMNS: &str = "id, kind, subject, severity, sentence, next_step, raised, last_seen, times,
    ended, acknowledged, acknowledged_by, note FROM alerts";

impl AlertStore {
    /// Takes what is so at `at`: of the kinds in `kinds`, what is not reported any more has ended.
    ///
    /// # Errors
    /// The file cannot be written; nothing has changed then.
    pub fn report_standing(
        &self,
        kinds: &[&str],
        reports: &[AlertReport],
        at: Timestamp,
        notices: &Notices<'_>,
    ) -> Result<(), StoreError> {
        self.file.write("note what is so", |file| {
            let mut seen = BTreeSet::new();
            for report in reports {
                let (record, is_raised) = put(file, report, at, Times::Same)?;
                seen.insert(record.id);
                if is_raised {
                    queue(file, notices(&record, Change::Raised), at)?;
                }
            }
            for record in select(file, "WHERE ended IS NULL ORDER BY id", params![])? {
                if seen.contains(&record.id) || !kinds.contains(&record.kind.as_str()) {
                    continue;
                }
                end(file, record.id, at)?;
                queue(file, notices(&record, Change::Ended), at)?;
            }
            prune(file)
        })
    }

    /// Takes something that happened once. It stays until somebody takes note of it. `seen` is kept in the
    /// same transaction: a place in a list of events up to which they were dealt with.
    ///
    /// # Errors
    /// The file cannot be written; nothing has changed then.
    pub fn report_happened(
        &self,
        report: &AlertReport,
        at: Timestamp,
        notices: &Notices<'_>,
    ) -> Result<(), StoreError> {
        self.file.write("note what happened", |file| {
            let (record, _) = put(file, report, at, Times::Again)?;
            queue(file, notices(&record, Change::Raised), at)?;
            prune(file)
        })
    }

    /// Sends notices of something that leaves no alert.
    ///
    /// # Errors
    /// The file cannot be written; nothing is sent then.
    pub fn queue_notices(
        &self,
        notices: Vec<(i64, String)>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("queue a notice", |file| queue(file, notices, at))
    }

    /// Alerts, newest first, before `before`; only those that last, if wanted.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn alerts(
        &self,
        is_open: bool,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AlertRecord>, StoreError> {
        let condition = if is_open { "AND ended IS NULL" } else { "" };
        let condition = format!("WHERE id < ?1 {condition} ORDER BY id DESC LIMIT ?2");
        self.file.read("list the alerts", |file| {
            select(file, &condition, params![before.unwrap_or(i64::MAX), limit])
        })
    }

    /// Notes that somebody has taken note. What happened once has then ended; what lasts goes on.
    ///
    /// # Errors
    /// `NotFound` if there is no such alert.
    pub fn acknowledge(
        &self,
        id: i64,
        standing: &[&str],
        by: &str,
        note: Option<&str>,
        at: Timestamp,
    ) -> Result<AlertRecord, StoreError> {
        self.file.write("acknowledge an alert", |file| {
            let sql = "UPDATE alerts SET acknowledged = ?2, acknowledged_by = ?3, note = ?4
                       WHERE id = ?1";
            file.prepare_cached(sql)?.execute(params![id, sql_time(at), by, note])?;
            let record = one(file, id)?;
            if record.ended.is_none() && !standing.contains(&record.kind.as_str()) {
                end(file, id, at)?;
            }
            one(file, id)
        })
    }
}

/// Whether a report of a thing that is known counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    Same,
    Again,
}

/// The row of a report, made or brought up to date; true if people are to be told.
fn put(
    file: &Transaction<'_>,
    report: &AlertReport,
    at: Timestamp,
    times: Times,
) -> Result<(AlertRecord, bool), StoreError> {
    let found = "WHERE kind = ?1 AND subject = ?2 AND ended IS NULL";
    let known = select(file, found, params![report.kind, report.subject])?.pop();
    let AlertReport { kind, subject, severity, sentence, next_step } = report;
    let Some(known) = known else {
        file.prepare_cached(
            "INSERT INTO alerts (kind, subject, severity, sentence, next_step, raised, last_seen,
               times) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)",
        )?
        .execute(params![kind, subject, severity, sentence, next_step, sql_time(at)])?;
        return Ok((one(file, file.last_insert_rowid())?, true));
    };
    let is_worse = *severity > known.severity;
    let more = i64::from(times == Times::Again);
    // Who took note of less than what it is now has to look again.
    file.prepare_cached(
        "UPDATE alerts SET severity = ?2, sentence = ?3, next_step = ?4, last_seen = ?5,
           times = times + ?6, acknowledged = CASE WHEN ?7 THEN NULL ELSE acknowledged END
         WHERE id = ?1",
    )?
    .execute(params![
        known.id,
        severity,
        sentence,
        next_step,
        sql_time(at),
        more,
        is_worse
    ])?;
    Ok((one(file, known.id)?, is_worse))
}

fn end(file: &Transaction<'_>, id: i64, at: Timestamp) -> Result<(), StoreError> {
    file.prepare_cached("UPDATE alerts SET ended = ?2 WHERE id = ?1")?
        .execute(params![id, sql_time(at)])?;
    Ok(())
}

fn prune(file: &Transaction<'_>) -> Result<(), StoreError> {
    file.prepare_cached(
        "DELETE FROM alerts WHERE ended IS NOT NULL AND id <= (
           SELECT id FROM alerts WHERE ended IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?1)",
    )?
    .execute([ENDED_KEPT])?;
    Ok(())
}

fn one(file: &Connection, id: i64) -> Result<AlertRecord, StoreError> {
    let sql = format!("SELECT {COLUMNS} WHERE id = ?1");
    let found = file.prepare_cached(&sql)?.query_row([id], record).optional()?;
    found.ok_or_else(|| StoreError::NotFound(format!("alert number {id}")))
}

fn select(
    file: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<AlertRecord>, StoreError> {
    let mut statement = file.prepare_cached(&format!("SELECT {COLUMNS} {condition}"))?;
    Ok(statement.query_map(values, record)?.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<AlertRecord> {
    let moment = |column| -> rusqlite::Result<_> {
        Ok(row.get::<_, Option<i64>>(column)?.map(time_from_sql))
    };
    Ok(AlertRecord {
        id: row.get(0)?,
        kind: row.get(1)?,
        subject: row.get(2)?,
        severity: row.get(3)?,
        sentence: row.get(4)?,
        next_step: row.get(5)?,
        raised: time_from_sql(row.get(6)?),
        last_seen: time_from_sql(row.get(7)?),
        times: row.get(8)?,
        ended: moment(9)?,
        acknowledged: moment(10)?,
        acknowledged_by: row.get(11)?,
        note: row.get(12)?,
    })
}
