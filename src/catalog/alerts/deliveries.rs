//! Deliveries: what is to be sent, when it is tried next, and what came of it.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::AlertStore;
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::catalog::text_enum::text_enum;
use crate::domain::Timestamp;

/// Deliveries that have ended and are kept, over all channels.
const ENDED_KEPT: i64 = 1000;
/// Notices that wait for one channel: a receiver that was away for so many wants the newest.
const WAITING_MAX: i64 = 500;

text_enum! {
    /// What became of a delivery.
    DeliveryState {
        /// It is tried, or will be again.
        Waiting = "waiting",
        /// The receiver took it.
        Delivered = "delivered",
        /// It was tried often enough, or newer ones took its place.
        GivenUp = "given_up",
    }
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its number.
    pub id: i64,
    /// The channel's name.
    pub channel: String,
    /// What is sent, as JSON.
    pub notice: String,
    /// What became of it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created: Timestamp,
    /// When it is tried next.
    pub due: Timestamp,
    /// When it was taken or given up.
    pub ended: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

const JOINED: &str =
    "SELECT deliveries.id, name, notice, state, attempts, created, due, ended, error
    FROM deliveries JOIN channels ON channels.id = channel_id";

/// Queues notices, and gives the oldest up where too many wait.
pub(super) fn queue(
    file: &Transaction<'_>,
    notices: Vec<(i64, String)>,
    at: Timestamp,
) -> Result<(), StoreError> {
    for (channel, notice) in notices {
        file.prepare_cached(
            "INSERT INTO deliveries (channel_id, notice, state, created, due)
             VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .execute(params![channel, notice, DeliveryState::Waiting, sql_time(at)])?;
        file.prepare_cached(
            "UPDATE deliveries SET state = ?2, ended = ?3, error = 'newer notices took its place'
             WHERE channel_id = ?1 AND state = ?4 AND id <= (
               SELECT id FROM deliveries WHERE channel_id = ?1 AND state = ?4
               ORDER BY id DESC LIMIT 1 OFFSET ?5)",
        )?
        .execute(params![
            channel,
            DeliveryState::GivenUp,
            sql_time(at),
            DeliveryState::Waiting,
            WAITING_MAX
        ])?;
    }
    file.prepare_cached(
        "DELETE FROM deliveries WHERE state <> ?1 AND id <= (
           SELECT id FROM deliveries WHERE state <> ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![DeliveryState::Waiting, ENDED_KEPT])?;
    Ok(())
}

impl AlertStore {
    /// The delivery that is due first, of a channel that is switched on; also if it is not due yet.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_delivery(&self) -> Result<Option<DeliveryRecord>, StoreError> {
        self.file.read("look for a delivery", |file| {
            let sql = format!(
                "{JOINED} WHERE state = ?1 AND is_enabled ORDER BY due, deliveries.id LIMIT 1"
            );
            let waiting = params![DeliveryState::Waiting];
            Ok(file.prepare_cached(&sql)?.query_row(waiting, record).optional()?)
        })
    }

    /// Notes an attempt: taken, to be tried again at `again`, or given up.
    ///
    /// # Errors
    /// The file cannot be written; the delivery is then tried again.
    pub fn note_attempt(
        &self,
        id: i64,
        failure: Option<&str>,
        again: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let state = match (failure, again) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Waiting,
            (Some(_), None) => DeliveryState::GivenUp,
        };
        let ended = (state != DeliveryState::Waiting).then(|| sql_time(at));
        self.file.write("note an attempt", |file| {
            file.prepare_cached(
                "UPDATE deliveries SET state = ?2, attempts = attempts + 1, due = coalesce(?3, due),
                   ended = ?4, error = ?5 WHERE id = ?1",
            )?
            .execute(params![id, state, again.map(sql_time), ended, failure])?;
            Ok(())
        })
    }

    /// Deliveries, newest first, before `before`; of one channel, if it is named.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn deliveries(
        &self,
        channel: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.file.read("list deliveries", |file| {
            let sql = format!(
                "{JOINED} WHERE deliveries.id < ?1 AND (?2 IS NULL OR name = ?2)
                 ORDER BY deliveries.id DESC LIMIT ?3"
            );
            let values = params![before.unwrap_or(i64::MAX), channel, limit];
            let mut statement = file.prepare_cached(&sql)?;
            Ok(statement.query_map(values, record)?.collect::<Result<_, _>>()?)
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<DeliveryRecord> {
    Ok(DeliveryRecord {
        id: row.get(0)?,
        channel: row.get(1)?,
        notice: row.get(2)?,
        state: row.get(3)?,
        attempts: row.get(4)?,
        created: time_from_sql(row.get(5)?),
        due: time_from_sql(row.get(6)?),
        ended: row.get::<_, Option<i64>>(7)?.map(time_from_sql),
        error: row.get(8)?,
    })
}
