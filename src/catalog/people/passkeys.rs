//! Passkeys: public keys of users' devices.

use rusqlite::{OptionalExtension as _, Row, params};

use super::PeopleStore;
use super::users::UserId;
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::domain::Timestamp;

/// A passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyRecord {
    /// The number by which it is listed and removed.
    pub id: i64,
    /// Whose.
    pub user: UserId,
    /// That user's name.
    pub user_name: String,
    /// What the user calls it.
    pub name: String,
    /// By which the device knows it.
    pub credential: Vec<u8>,
    /// COSE's number of its algorithm.
    pub algorithm: i64,
    /// The key that its signatures are checked with.
    pub public_key: Vec<u8>,
    /// The name of the appliance for which it is good.
    pub site: String,
    /// When it was made.
    pub created: Timestamp,
    /// When somebody last signed in with it.
    pub last_used: Option<Timestamp>,
}

/// A new passkey.
#[derive(Clone, Copy, Debug)]
pub struct NewPasskeyRow<'a> {
    /// Whose.
    pub user: UserId,
    /// What the user calls it.
    pub name: &'a str,
    /// By which the device knows it.
    pub credential: &'a [u8],
    /// COSE's number of its algorithm.
    pub algorithm: i64,
    /// The key.
    pub public_key: &'a [u8],
    /// The name of the appliance for which it is good.
    pub site: &'a str,
    /// What the device has counted.
    pub counter: u32,
    /// Now.
    pub at: Timestamp,
}

const JOINED: &str =
    "SELECT passkeys.id, user_id, users.name, passkeys.name, credential, algorithm,
    public_key, site, passkeys.created, last_used
    FROM passkeys JOIN users ON users.id = user_id";

impl PeopleStore {
    /// Keeps a new one.
    ///
    /// # Errors
    /// `Exists` if it is here already.
    pub fn create_passkey(&self, new: &NewPasskeyRow<'_>) -> Result<i64, StoreError> {
        self.file.write("keep a passkey", |file| {
            let sql = "SELECT 1 FROM passkeys WHERE credential = ?1";
            if file.prepare_cached(sql)?.exists([new.credential])? {
                return Err(StoreError::Exists("this passkey".to_owned()));
            }
            file.prepare_cached(
                "INSERT INTO passkeys (user_id, name, credential, algorithm, public_key, site,
                   counter, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                new.user.0,
                new.name,
                new.credential,
                new.algorithm,
                new.public_key,
                new.site,
                new.counter,
                sql_time(new.at)
            ])?;
            Ok(file.last_insert_rowid())
        })
    }

    /// The one that a device knows by that.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn passkey_by_credential(
        &self,
        credential: &[u8],
    ) -> Result<Option<PasskeyRecord>, StoreError> {
        self.file.read("look for a passkey", |file| {
            let sql = format!("{JOINED} WHERE credential = ?1");
            Ok(file.prepare_cached(&sql)?.query_row([credential], record).optional()?)
        })
    }

    /// One, if it is that user's or if no user is named.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn passkey(&self, id: i64, of: Option<UserId>) -> Result<PasskeyRecord, StoreError> {
        self.file.read("look for a passkey", |file| {
            let sql = format!("{JOINED} WHERE passkeys.id = ?1 AND (?2 IS NULL OR user_id = ?2)");
            let of = of.map(|user| user.0);
            let found = file.prepare_cached(&sql)?.query_row(params![id, of], record).optional()?;
            found.ok_or_else(|| missing(id))
        })
    }

    /// Those of one user or all, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn passkeys(&self, user: Option<UserId>) -> Result<Vec<PasskeyRecord>, StoreError> {
        self.file.read("list the passkeys", |file| {
            let sql = format!(
                "{JOINED} WHERE ?1 IS NULL OR user_id = ?1
                 ORDER BY users.name, passkeys.name, passkeys.id"
            );
            let mut statement = file.prepare_cached(&sql)?;
            let rows = statement.query_map([user.map(|user| user.0)], record)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Notes that one was used; false if it has counted as far before, which only a copy of it can.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn use_passkey(&self, id: i64, counter: u32, at: Timestamp) -> Result<bool, StoreError> {
        self.file.write("note the use of a passkey", |file| {
            let sql = "UPDATE passkeys SET counter = ?2, last_used = ?3
                WHERE id = ?1 AND (counter < ?2 OR (counter = 0 AND ?2 = 0))";
            Ok(file.prepare_cached(sql)?.execute(params![id, counter, sql_time(at)])? == 1)
        })
    }

    /// Gives one another name.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn rename_passkey(
        &self,
        id: i64,
        of: Option<UserId>,
        name: &str,
    ) -> Result<(), StoreError> {
        self.change_passkey(
            "UPDATE passkeys SET name = ?3 WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)",
            id,
            params![id, of.map(|user| user.0), name],
        )
    }

    /// Removes one.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn remove_passkey(&self, id: i64, of: Option<UserId>) -> Result<(), StoreError> {
        self.change_passkey(
            "DELETE FROM passkeys WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)",
            id,
            params![id, of.map(|user| user.0)],
        )
    }

    fn change_passkey(
        &self,
        sql: &str,
        id: i64,
        values: &[&dyn rusqlite::ToSql],
    ) -> Result<(), StoreError> {
        self.file.write("change a passkey", |file| {
            match file.prepare_cached(sql)?.execute(values)? {
                0 => Err(missing(id)),
                _ => Ok(()),
            }
        })
    }
}

fn missing(id: i64) -> StoreError {
    StoreError::NotFound(format!("passkey number {id}"))
}

fn record(row: &Row<'_>) -> rusqlite::Result<PasskeyRecord> {
    Ok(PasskeyRecord {
        id: row.get(0)?,
        user: UserId(row.get(1)?),
        user_name: row.get(2)?,
        name: row.get(3)?,
        credential: row.get(4)?,
        algorithm: row.get(5)?,
        public_key: row.get(6)?,
        site: row.get(7)?,
        created: time_from_sql(row.get(8)?),
        last_used: row.get::<_, Option<i64>>(9)?.map(time_from_sql),
    })
}
