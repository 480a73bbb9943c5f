//! Sessions: who is signed in, from where, since when.

use rusqlite::{OptionalExtension as _, Row, params};

use super::users::UserId;
use super::{PeopleStore, Role};
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::domain::Timestamp;

/// A session, with what is needed of its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// The number by which it is listed and ended.
    pub id: i64,
    /// Whose it is.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// The user's role now.
    pub role: Role,
    /// The user has to choose a password first.
    pub is_password_interim: bool,
    /// It has shown a second factor, or what counts for one.
    pub is_two_factor: bool,
    /// Where it was begun.
    pub address: String,
    /// The program that began it, as it calls itself.
    pub agent: String,
    /// When it was begun.
    pub created: Timestamp,
    /// When it was last used, to the minute or so.
    pub last_seen: Timestamp,
}

/// A session that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// Whose.
    pub user: UserId,
    /// SHA-256 of the token.
    pub token_hash: &'a [u8; 32],
    /// Where.
    pub address: &'a str,
    /// The program, as it calls itself.
    pub agent: &'a str,
    /// A second factor was shown.
    pub is_two_factor: bool,
    /// Now.
    pub at: Timestamp,
}

const JOINED: &str = "SELECT sessions.id, user_id, name, role, is_password_interim, address, agent,
    sessions.created, last_seen, is_two_factor FROM sessions JOIN users ON users.id = user_id";

impl PeopleStore {
    /// Begins a session.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin_session(&self, new: &NewSession<'_>) -> Result<i64, StoreError> {
        self.file.write("begin a session", |file| {
            file.prepare_cached(
                "INSERT INTO sessions
                   (user_id, token_hash, address, agent, created, last_seen, is_two_factor)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
            )?
            .execute(params![
                new.user.0,
                new.token_hash,
                new.address,
                new.agent,
                sql_time(new.at),
                new.is_two_factor
            ])?;
            Ok(file.last_insert_rowid())
        })
    }

    /// The session of a token, if its user may sign in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn session_by_token(&self, hash: &[u8; 32]) -> Result<Option<SessionRecord>, StoreError> {
        self.file.read("look for a session", |file| {
            let sql = format!("{JOINED} WHERE token_hash = ?1 AND NOT is_disabled");
            Ok(file.prepare_cached(&sql)?.query_row([hash], record).optional()?)
        })
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn touch_session(&self, id: i64, at: Timestamp) -> Result<(), StoreError> {
        self.file.write("note the use of a session", |file| {
            let sql = "UPDATE sessions SET last_seen = ?2 WHERE id = ?1";
            file.prepare_cached(sql)?.execute(params![id, sql_time(at)])?;
            Ok(())
        })
    }

    /// Gives a session another token: the one before is worth nothing any more.
    ///
    /// # Errors
    /// `NotFound` if it has ended.
    pub fn renew_token(&self, id: i64, hash: &[u8; 32]) -> Result<(), StoreError> {
        self.file.write("renew a session's token", |file| {
            let sql = "UPDATE sessions SET token_hash = ?2 WHERE id = ?1";
            match file.prepare_cached(sql)?.execute(params![id, hash])? {
                0 => Err(StoreError::NotFound(format!("session {id}"))),
                _ => Ok(()),
            }
        })
    }

    /// Notes that a session has shown a second factor.
    ///
    /// # Errors
    /// `NotFound` if it has ended.
    pub fn note_two_factor(&self, id: i64) -> Result<(), StoreError> {
        self.file.write("note a second factor", |file| {
            let sql = "UPDATE sessions SET is_two_factor = 1 WHERE id = ?1";
            match file.prepare_cached(sql)?.execute([id])? {
                0 => Err(StoreError::NotFound(format!("session {id}"))),
                _ => Ok(()),
            }
        })
    }

    /// Sessions of one user or of all, the latest used first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn sessions(&self, user: Option<UserId>) -> Result<Vec<SessionRecord>, StoreError> {
        self.file.read("list the sessions", |file| {
            let sql = format!(
                "{JOINED} WHERE ?1 IS NULL OR user_id = ?1
                 ORDER BY last_seen DESC, sessions.id DESC"
            );
            let mut statement = file.prepare_cached(&sql)?;
            let rows = statement.query_map([user.map(|user| user.0)], record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Ends a session, if it is that user's or if no user is named.
    ///
    /// # Errors
    /// `NotFound` if there is no such session.
    pub fn end_session(&self, id: i64, of: Option<UserId>) -> Result<(), StoreError> {
        self.file.write("end a session", |file| {
            let sql = "DELETE FROM sessions WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)";
            match file.prepare_cached(sql)?.execute(params![id, of.map(|user| user.0)])? {
                0 => Err(StoreError::NotFound(format!("session {id}"))),
                _ => Ok(()),
            }
        })
    }

    /// Ends every session of a user but one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end_sessions_but(&self, user: UserId, kept: i64) -> Result<(), StoreError> {
        self.file.write("end sessions", |file| {
            let sql = "DELETE FROM sessions WHERE user_id = ?1 AND id <> ?2";
            file.prepare_cached(sql)?.execute(params![user.0, kept])?;
            Ok(())
        })
    }

    /// Forgets sessions that began at `begun` or before, or were not used since `used`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn forget_sessions(&self, begun: Timestamp, used: Timestamp) -> Result<(), StoreError> {
        self.file.write("forget old sessions", |file| {
            let sql = "DELETE FROM sessions WHERE created <= ?1 OR last_seen <= ?2";
            file.prepare_cached(sql)?.execute(params![sql_time(begun), sql_time(used)])?;
            Ok(())
        })
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        id: row.get(0)?,
        user: UserId(row.get(1)?),
        name: row.get(2)?,
        role: row.get(3)?,
        is_password_interim: row.get(4)?,
        address: row.get(5)?,
        agent: row.get(6)?,
        created: time_from_sql(row.get(7)?),
        last_seen: time_from_sql(row.get(8)?),
        is_two_factor: row.get(9)?,
    })
}
