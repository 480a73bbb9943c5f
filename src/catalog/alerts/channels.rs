//! Channels: where notices go. What one is (an address, which notices) is JSON that `health` understands.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::AlertStore;
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::domain::Timestamp;

/// A channel that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelRecord {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is.
    pub spec: String,
    /// Its secret, sealed.
    pub secret: Option<String>,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// When it was set.
    pub changed: Timestamp,
}

/// A channel that is set.
#[derive(Clone, Copy)]
pub struct NewChannel<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub spec: &'a str,
    /// Its secret, sealed; none keeps the one that there is.
    pub secret: Option<&'a str>,
    /// Whether anything is sent.
    pub is_enabled: bool,
}

// Also what is sealed is not for logs.
impl std::fmt::Debug for ChannelRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelRecord").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NewChannel<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewChannel").field("name", &self.name).finish_non_exhaustive()
    }
}

const COLUMNS: &str = "id, name, spec, secret, is_enabled, changed FROM channels";

impl AlertStore {
    /// Every channel, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn channels(&self) -> Result<Vec<ChannelRecord>, StoreError> {
        self.file.read("list the channels", |file| {
            let mut statement = file.prepare_cached(&format!("SELECT {COLUMNS} ORDER BY name"))?;
            Ok(statement.query_map([], record)?.collect::<Result<_, _>>()?)
        })
    }

    /// One channel.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn channel(&self, name: &str) -> Result<ChannelRecord, StoreError> {
        self.file.read("look for a channel", |file| named(file, name))
    }

    /// Makes a channel or changes the one of that name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put_channel(
        &self,
        new: &NewChannel<'_>,
        at: Timestamp,
    ) -> Result<ChannelRecord, StoreError> {
        self.file.write("set a channel", |file| {
            file.prepare_cached(
                "INSERT INTO channels (name, spec, secret, is_enabled, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO UPDATE SET spec = excluded.spec,
                   secret = coalesce(excluded.secret, secret), is_enabled = excluded.is_enabled,
                   changed = excluded.changed",
            )?
            .execute(params![
                new.name,
                new.spec,
                new.secret,
                new.is_enabled,
                sql_time(at)
            ])?;
            named(file, new.name)
        })
    }

    /// Takes a channel away, with what was to be sent there.
    ///
    /// # Errors
    /// `NotFound` if there is none of that name.
    pub fn remove_channel(&self, name: &str) -> Result<(), StoreError> {
        self.file.write("remove a channel", |file| {
            match file.prepare_cached("DELETE FROM channels WHERE name = ?1")?.execute([name])? {
                0 => Err(unknown(name)),
                _ => Ok(()),
            }
        })
    }
}

fn unknown(name: &str) -> StoreError {
    StoreError::NotFound(format!("channel \"{name}\""))
}

fn named(file: &Connection, name: &str) -> Result<ChannelRecord, StoreError> {
    let sql = format!("SELECT {COLUMNS} WHERE name = ?1");
    let found = file.prepare_cached(&sql)?.query_row([name], record).optional()?;
    found.ok_or_else(|| unknown(name))
}

fn record(row: &Row<'_>) -> rusqlite::Result<ChannelRecord> {
    Ok(ChannelRecord {
        id: row.get(0)?,
        name: row.get(1)?,
        spec: row.get(2)?,
        secret: row.get(3)?,
        is_enabled: row.get(4)?,
        changed: time_from_sql(row.get(5)?),
    })
}
