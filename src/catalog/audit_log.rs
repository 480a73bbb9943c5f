//! The audit log's file: entries that are only ever added, and the seals over them.
//!
//! What an entry says, how it is hashed and when it is sealed is `crate::audit`'s; here each addition is
//! one transaction with its seal, so that the newest entry always has one.

use std::path::Path;

use rusqlite::{OptionalExtension as _, Row, params};

use super::ids::sql_time;
use super::side_file::{SideFile, SideFormat, StoreError};
use crate::domain::Timestamp;

const FORMAT: SideFormat = SideFormat {
    // "FSLA".
    application_id: 0x4653_4C41,
    name: "an audit log",
    migrations: &[include_str!("migrations/audit_0001_initial.sql")],
};

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// 1, 2, 3 …
    pub number: i64,
    /// The exact text that was hashed.
    pub content: String,
    /// SHA-256 over the hash before and the content.
    pub hash: [u8; 32],
}

/// What is looked up by.
#[derive(Clone, Debug)]
pub struct EntryKeys<'a> {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: &'a str,
    /// What.
    pub action: &'a str,
    /// What came of it.
    pub outcome: &'a str,
}

/// Which entries; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// By whom.
    pub actor: Option<String>,
    /// What.
    pub action: Option<String>,
    /// What came of it.
    pub outcome: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// The open file.
#[derive(Debug)]
pub struct AuditStore {
    file: SideFile,
}

impl AuditStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// It is damaged, another kind of file, of a newer version, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: SideFile::open(path, &FORMAT)? })
    }

    /// Adds an entry. `make` gets the newest one and returns the next with its seal; the seal before is
    /// taken away unless it stands at a number that `is_kept`.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn add(
        &self,
        keys: &EntryKeys<'_>,
        make: impl FnOnce(Option<&StoredEntry>) -> (StoredEntry, String),
        is_kept: impl Fn(i64) -> bool,
    ) -> Result<i64, StoreError> {
        self.file.write("add to the audit log", |file| {
            let sql = "SELECT number, content, hash FROM entries ORDER BY number DESC LIMIT 1";
            let last = file.prepare_cached(sql)?.query_row([], entry).optional()?;
            let (next, seal) = make(last.as_ref());
            file.prepare_cached(
                "INSERT INTO entries (number, content, hash, at, actor, action, outcome)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                next.number,
                next.content,
                next.hash,
                sql_time(keys.at),
                keys.actor,
                keys.action,
                keys.outcome
            ])?;
            if let Some(last) = last.filter(|last| !is_kept(last.number)) {
                let sql = "DELETE FROM seals WHERE number = ?1";
                file.prepare_cached(sql)?.execute([last.number])?;
            }
            let sql = "INSERT INTO seals (number, signature) VALUES (?1, ?2)";
            file.prepare_cached(sql)?.execute(params![next.number, seal])?;
            Ok(next.number)
        })
    }

    /// Entries with numbers above `after`, in their order, at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn entries(&self, after: i64, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.file.read("read the audit log", |file| {
            let sql = "SELECT number, content, hash FROM entries WHERE number > ?1
                ORDER BY number LIMIT ?2";
            let mut statement = file.prepare_cached(sql)?;
            let rows = statement.query_map(params![after, sql_limit(limit)], entry)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Entries that `filter` wants, the newest first, below `before`, at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(
        &self,
        filter: &EntryFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.file.read("search the audit log", |file| {
            let sql = "SELECT number, content, hash FROM entries
                WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR actor = ?2)
                  AND (?3 IS NULL OR action = ?3) AND (?4 IS NULL OR outcome = ?4)
                  AND (?5 IS NULL OR at >= ?5) AND (?6 IS NULL OR at < ?6)
                ORDER BY number DESC LIMIT ?7";
            let mut statement = file.prepare_cached(sql)?;
            let values = params![
                before,
                filter.actor,
                filter.action,
                filter.outcome,
                filter.since.map(sql_time),
                filter.until.map(sql_time),
                sql_limit(limit)
            ];
            Ok(statement.query_map(values, entry)?.collect::<Result<_, _>>()?)
        })
    }

    /// All seals, by number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn seals(&self) -> Result<Vec<(i64, String)>, StoreError> {
        self.file.read("read the seals of the audit log", |file| {
            let sql = "SELECT number, signature FROM seals ORDER BY number";
            let mut statement = file.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    Ok(StoredEntry { number: row.get(0)?, content: row.get(1)?, hash: row.get(2)? })
}
