//! The life of a cartridge: what happened to it, from wherever that was written down, the newest first.
//!
//! Loads, changes of state and what people said are written here. The rest is told by what is kept
//! anyway: moves, volumes, and the evidence of what was written and read. Evidence is said again and again
//! in the course of a run, so that of one job about one segment is one line.

use rusqlite::{Connection, Row, params};

use crate::domain::{Barcode, DriveSerial, JobId, Timestamp};

use super::Catalog;
use super::error::{CatalogError, Subject};
use super::ids::{CartridgeId, sql_time, time_from_sql};

/// Something that happened to a cartridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CartridgeEvent {
    /// Where it stands in the history.
    pub place: HistoryPlace,
    /// When.
    pub at: Timestamp,
    /// A stable word: `loaded`, `moved`, `formatted`, `written`, `verified`, …
    pub code: String,
    /// In words.
    pub message: String,
    /// The job that did it.
    pub job: Option<JobId>,
    /// From and to which element, if it was moved.
    pub elements: Option<(u16, u16)>,
}

/// A place in a history: the next page goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPlace {
    /// Nanoseconds.
    pub at: i64,
    /// Which of the sources.
    pub source: i64,
    /// The row there.
    pub id: i64,
}

impl HistoryPlace {
    /// Before everything.
    pub const NEWEST: Self = Self { at: i64::MAX, source: i64::MAX, id: i64::MAX };
}

/// ?1 is the cartridge, ?2 and ?3 its label with and without the media suffix.
const STORY: &str = "WITH story (at, source, id, code, message, job, from_element, to_element) AS (
    SELECT e.at, 1, e.id, e.code, e.message, e.job_id, NULL, NULL
    FROM cartridge_events e WHERE e.cartridge_id = ?1
  UNION ALL
    SELECT m.started, 2, m.id, 'moved', coalesce(m.outcome, 'nobody has seen how it ended'),
        m.job_id, m.from_element, m.to_element
    FROM moves m WHERE m.barcode IN (?2, ?3)
  UNION ALL
    SELECT v.formatted, 3, v.id, 'formatted', 'formatted as volume \"' || v.name || '\"',
        NULL, NULL, NULL
    FROM volumes v WHERE v.cartridge_id = ?1
  UNION ALL
    SELECT max(e.at), 4, max(e.id),
        CASE WHEN e.act = 'fail' THEN 'copy_failed'
             WHEN e.act = 'revoke' THEN 'evidence_revoked'
             WHEN e.state = 'read_back' THEN 'verified'
             WHEN e.state = 'proven' THEN 'proven'
             WHEN e.state = 'indexed' THEN 'indexed'
             ELSE 'written' END AS code,
        'run ' || r.run || ': ' || sum(e.to_sequence - e.from_sequence) || ' copies'
            || coalesce(' (' || max(e.reason) || ')', ''),
        e.job_id, NULL, NULL
    FROM volumes v JOIN segments g ON g.volume_id = v.id JOIN runs r ON r.id = g.run_id
        JOIN evidence e ON e.segment_id = g.id
    WHERE v.cartridge_id = ?1
    GROUP BY g.id, e.job_id, code
  UNION ALL
    SELECT c.first_seen, 0, c.id, 'first_seen', 'seen for the first time', NULL, NULL, NULL
    FROM cartridges c WHERE c.id = ?1
 )
 SELECT at, source, id, code, message, job, from_element, to_element FROM story
 WHERE (at, source, id) < (?4, ?5, ?6) ORDER BY at DESC, source DESC, id DESC LIMIT ?7";

impl Catalog {
    /// Notes that a cartridge was met in a drive by a job.
    ///
    /// # Errors
    /// `NotFound` if there is no such cartridge.
    pub fn cartridge_loaded(
        &self,
        id: CartridgeId,
        drive: &DriveSerial,
        job: JobId,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("note a load", |transaction| {
            let changed = transaction
                .prepare_cached(
                    "UPDATE cartridges SET load_count = load_count + 1, last_seen = ?2 WHERE id = ?1",
                )?
                .execute(params![id.0, sql_time(at)])?;
            if changed == 0 {
                return Err(CatalogError::NotFound(Subject::Cartridge(id.to_string())));
            }
            let message = format!("loaded into drive {drive}");
            insert_event(transaction, id, "loaded", &message, Some(job), at)
        })
    }

    /// Writes something into the history of a cartridge.
    ///
    /// # Errors
    /// `Database` if it cannot be stored, or there is no such cartridge.
    pub fn note_cartridge_event(
        &self,
        id: CartridgeId,
        code: &str,
        message: &str,
        job: Option<JobId>,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("note what happened to a cartridge", |transaction| {
            insert_event(transaction, id, code, message, job, at)
        })
    }

    /// What happened to a cartridge before `before`, the newest first, at most `limit`.
    ///
    /// # Errors
    /// `Database` if it cannot be read; of an unknown cartridge nothing is known.
    pub fn cartridge_history(
        &self,
        id: CartridgeId,
        barcode: Option<&Barcode>,
        before: HistoryPlace,
        limit: usize,
    ) -> Result<Vec<CartridgeEvent>, CatalogError> {
        self.read("read the history of a cartridge", |reader| {
            let mut statement = reader.prepare_cached(STORY)?;
            let rows = statement.query_map(
                params![
                    id.0,
                    barcode.map(Barcode::as_str),
                    barcode.map(Barcode::serial),
                    before.at,
                    before.source,
                    before.id,
                    limit
                ],
                event_from,
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The same within a transaction that changes more.
pub(super) fn insert_event(
    connection: &Connection,
    id: CartridgeId,
    code: &str,
    message: &str,
    job: Option<JobId>,
    at: Timestamp,
) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO cartridge_events (cartridge_id, at, code, message, job_id)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![id.0, sql_time(at), code, message, job.map(|job| job.0)])?;
    Ok(())
}

fn event_from(row: &Row<'_>) -> rusqlite::Result<CartridgeEvent> {
    let place = HistoryPlace { at: row.get(0)?, source: row.get(1)?, id: row.get(2)? };
    let (from, to): (Option<u16>, Option<u16>) = (row.get(6)?, row.get(7)?);
    Ok(CartridgeEvent {
        place,
        at: time_from_sql(place.at),
        code: row.get(3)?,
        message: row.get(4)?,
        job: row.get::<_, Option<i64>>(5)?.map(JobId),
        elements: from.zip(to),
    })
}
