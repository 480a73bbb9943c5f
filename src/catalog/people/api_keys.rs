//! API keys: what programs sign in with.

use rusqlite::{OptionalExtension as _, Row, params};

use super::users::UserId;
use super::{PeopleStore, Role, decode, encode};
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::domain::Timestamp;

/// A key, without what it opens with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The number by which it is listed and revoked.
    pub id: i64,
    /// Whose rights it has at most; none for one of the machine's owner.
    pub user: Option<UserId>,
    /// That user's name.
    pub user_name: Option<String>,
    /// That user's role now.
    pub user_role: Option<Role>,
    /// True if that user may not sign in.
    pub is_user_disabled: bool,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub shown: String,
    /// What it may do at most.
    pub role: Role,
    /// The parts of the API that it opens; all if empty.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute or so.
    pub last_used: Option<Timestamp>,
    /// From where.
    pub last_address: Option<String>,
}

/// A new key.
#[derive(Clone, Debug)]
pub struct NewApiKey<'a> {
    /// Whose.
    pub user: Option<UserId>,
    /// What it is for.
    pub name: &'a str,
    /// Its first characters.
    pub shown: &'a str,
    /// SHA-256 of all of it.
    pub secret_hash: &'a [u8; 32],
    /// What it may do at most.
    pub role: Role,
    /// The parts of the API that it opens.
    pub scopes: &'a [String],
    /// Now.
    pub at: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

const JOINED: &str = "SELECT api_keys.id, user_id, users.name, users.role, users.is_disabled,
    api_keys.name, shown, api_keys.role, scopes, api_keys.created, expires, last_used, last_address
    FROM api_keys LEFT JOIN users ON users.id = user_id";

impl PeopleStore {
    /// Keeps a new key.
    ///
    /// # Errors
    /// `Exists` if that user has a key of that name.
    pub fn create_key(&self, new: &NewApiKey<'_>) -> Result<i64, StoreError> {
        let scopes = encode("scopes", new.scopes)?;
        let user = new.user.map(|user| user.0);
        self.file.write("make a key", |file| {
            let sql = "SELECT 1 FROM api_keys WHERE name = ?1 AND user_id IS ?2";
            if file.prepare_cached(sql)?.exists(params![new.name, user])? {
                return Err(StoreError::Exists(format!("a key \"{}\"", new.name)));
            }
            file.prepare_cached(
                "INSERT INTO api_keys (user_id, name, shown, secret_hash, role, scopes, created,
                   expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                user,
                new.name,
                new.shown,
                new.secret_hash,
                new.role,
                scopes,
                sql_time(new.at),
                new.expires.map(sql_time)
            ])?;
            Ok(file.last_insert_rowid())
        })
    }

    /// The key with that hash.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn key_by_secret(&self, hash: &[u8; 32]) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.file.read("look for a key", |file| {
            let sql = format!("{JOINED} WHERE secret_hash = ?1");
            let found = file.prepare_cached(&sql)?.query_row([hash], record).optional()?;
            found.map(with_scopes).transpose()
        })
    }

    /// Keys of one user or all keys, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn keys(&self, user: Option<UserId>) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.file.read("list the keys", |file| {
            let sql = format!(
                "{JOINED} WHERE ?1 IS NULL OR user_id = ?1 ORDER BY api_keys.name, api_keys.id"
            );
            let mut statement = file.prepare_cached(&sql)?;
            let rows = statement.query_map([user.map(|user| user.0)], record)?;
            rows.map(|row| with_scopes(row?)).collect()
        })
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn touch_key(&self, id: i64, address: &str, at: Timestamp) -> Result<(), StoreError> {
        self.file.write("note the use of a key", |file| {
            let sql = "UPDATE api_keys SET last_used = ?2, last_address = ?3 WHERE id = ?1";
            file.prepare_cached(sql)?.execute(params![id, sql_time(at), address])?;
            Ok(())
        })
    }

    /// Takes a key away, if it is that user's or if no user is named.
    ///
    /// # Errors
    /// `NotFound` if there is no such key.
    pub fn revoke_key(&self, id: i64, of: Option<UserId>) -> Result<(), StoreError> {
        self.file.write("revoke a key", |file| {
            let sql = "DELETE FROM api_keys WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2)";
            match file.prepare_cached(sql)?.execute(params![id, of.map(|user| user.0)])? {
                0 => Err(StoreError::NotFound(format!("key number {id}"))),
                _ => Ok(()),
            }
        })
    }
}

/// The record, and its scopes as stored.
type Stored = (ApiKeyRecord, String);

fn with_scopes((mut record, scopes): Stored) -> Result<ApiKeyRecord, StoreError> {
    record.scopes = decode("scopes", &scopes)?;
    Ok(record)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let moment = |column| -> rusqlite::Result<_> {
        Ok(row.get::<_, Option<i64>>(column)?.map(time_from_sql))
    };
    let record = ApiKeyRecord {
        id: row.get(0)?,
        user: row.get::<_, Option<i64>>(1)?.map(UserId),
        user_name: row.get(2)?,
        user_role: row.get(3)?,
        is_user_disabled: row.get::<_, Option<bool>>(4)?.unwrap_or(false),
        name: row.get(5)?,
        shown: row.get(6)?,
        role: row.get(7)?,
        scopes: Vec::new(),
        created: time_from_sql(row.get(9)?),
        expires: moment(10)?,
        last_used: moment(11)?,
        last_address: row.get(12)?,
    };
    Ok((record, row.get(8)?))
}
