//! Approvals: a destructive request that waits for a second person.

use rusqlite::{OptionalExtension as _, Row, params};

use super::PeopleStore;
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::catalog::text_enum::text_enum;
use crate::domain::Timestamp;

text_enum! {
    /// Where an approval is.
    ApprovalState {
        /// It waits for a second person.
        Pending = "pending",
        /// A second person said yes; the request may be made once.
        Approved = "approved",
        /// A second person said no.
        Refused = "refused",
        /// The request was made.
        Used = "used",
    }
}

/// An approval as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRecord {
    /// The number.
    pub id: i64,
    /// The request's method.
    pub method: String,
    /// The request's path.
    pub path: String,
    /// What it would do, for people.
    pub summary: String,
    /// Who wants it.
    pub asked_by: String,
    /// Since when.
    pub asked: Timestamp,
    /// After that it is worth nothing.
    pub expires: Timestamp,
    /// Who said yes or no.
    pub decided_by: Option<String>,
    /// When.
    pub decided: Option<Timestamp>,
    /// Where it is.
    pub state: ApprovalState,
}

/// A request that needs a second person.
#[derive(Clone, Copy, Debug)]
pub struct NewApproval<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// SHA-256 of its body.
    pub body_hash: &'a [u8; 32],
    /// What it would do.
    pub summary: &'a str,
    /// Who wants it.
    pub asked_by: &'a str,
    /// Now.
    pub at: Timestamp,
    /// After that it is worth nothing.
    pub expires: Timestamp,
}

const COLUMNS: &str =
    "id, method, path, summary, asked_by, asked, expires, decided_by, decided, state";

impl PeopleStore {
    /// Uses up an approval of exactly this request of this person. If there is none, the request waits
    /// for one from now on, and that is returned.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn use_or_ask(&self, new: &NewApproval<'_>) -> Result<Option<ApprovalRecord>, StoreError> {
        self.file.write("look for an approval", |file| {
            let sql = format!(
                "SELECT {COLUMNS} FROM approvals WHERE method = ?1 AND path = ?2 AND body_hash = ?3
                 AND asked_by = ?4 AND expires > ?5 AND state IN ('approved', 'pending')
                 ORDER BY state, id LIMIT 1"
            );
            let (now, request) = (sql_time(new.at), (new.method, new.path));
            let values = params![request.0, request.1, new.body_hash, new.asked_by, now];
            let found = file.prepare_cached(&sql)?.query_row(values, record).optional()?;
            match found {
                Some(found) if found.state == ApprovalState::Approved => {
                    let sql = "UPDATE approvals SET state = 'used' WHERE id = ?1";
                    file.prepare_cached(sql)?.execute([found.id])?;
                    Ok(None)
                }
                Some(pending) => Ok(Some(pending)),
                None => {
                    file.prepare_cached(
                        "INSERT INTO approvals (method, path, body_hash, summary, asked_by, asked,
                           expires, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending')",
                    )?
                    .execute(params![
                        new.method,
                        new.path,
                        new.body_hash,
                        new.summary,
                        new.asked_by,
                        now,
                        sql_time(new.expires)
                    ])?;
                    let sql = format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1");
                    let id = file.last_insert_rowid();
                    Ok(Some(file.prepare_cached(&sql)?.query_row([id], record)?))
                }
            }
        })
    }

    /// Approvals, the newest first, at most `limit`, older than number `before`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn approvals(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ApprovalRecord>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.file.read("list the approvals", |file| {
            let sql = format!(
                "SELECT {COLUMNS} FROM approvals WHERE ?1 IS NULL OR id < ?1
                 ORDER BY id DESC LIMIT ?2"
            );
            let mut statement = file.prepare_cached(&sql)?;
            let rows = statement.query_map(params![before, limit], record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One approval.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn approval(&self, id: i64) -> Result<ApprovalRecord, StoreError> {
        self.file.read("find an approval", |file| {
            let sql = format!("SELECT {COLUMNS} FROM approvals WHERE id = ?1");
            let found = file.prepare_cached(&sql)?.query_row([id], record).optional()?;
            found.ok_or_else(|| StoreError::NotFound(format!("approval {id}")))
        })
    }

    /// Notes a second person's answer; false if it was answered before or is too old.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn decide_approval(
        &self,
        id: i64,
        state: ApprovalState,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.file.write("note an answer", |file| {
            let sql = "UPDATE approvals SET state = ?2, decided_by = ?3, decided = ?4
                WHERE id = ?1 AND state = 'pending' AND expires > ?4";
            let values = params![id, state, by, sql_time(at)];
            Ok(file.prepare_cached(sql)?.execute(values)? == 1)
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<ApprovalRecord> {
    Ok(ApprovalRecord {
        id: row.get(0)?,
        method: row.get(1)?,
        path: row.get(2)?,
        summary: row.get(3)?,
        asked_by: row.get(4)?,
        asked: time_from_sql(row.get(5)?),
        expires: time_from_sql(row.get(6)?),
        decided_by: row.get(7)?,
        decided: row.get::<_, Option<i64>>(8)?.map(time_from_sql),
        state: row.get(9)?,
    })
}
