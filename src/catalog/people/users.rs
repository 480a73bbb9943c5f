//! Users, their second factors and where they have signed in from.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::{PeopleStore, Role, decode};
use crate::catalog::ids::{sql_time, time_from_sql};
use crate::catalog::side_file::StoreError;
use crate::domain::Timestamp;

/// Addresses that are remembered of a user; the least recently used goes first.
const KNOWN_ADDRESSES_MAX: u32 = 50;

/// A user, numbered in the order in which users were made; no number is ever used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

/// A user as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRecord {
    /// The number.
    pub id: UserId,
    /// The name, as it was written when the user was made.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// May not sign in.
    pub is_disabled: bool,
    /// argon2id, with costs and salt.
    pub password_hash: String,
    /// Somebody else has set the password.
    pub is_password_interim: bool,
    /// The secret of the second factor, also one that was not confirmed yet.
    pub totp_secret: Option<Vec<u8>>,
    /// The second factor is asked for.
    pub is_totp_on: bool,
    /// Whom an identity provider calls so; nobody else has no password.
    pub subject: Option<String>,
    /// When the user was made.
    pub created: Timestamp,
    /// When the password was set.
    pub password_changed: Timestamp,
    /// When the user last signed in.
    pub last_sign_in: Option<Timestamp>,
}

impl UserRecord {
    /// The identity provider that vouches for the user: its address stands before its name for them.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        Some(self.subject.as_deref()?.split_once(' ')?.0)
    }
}

impl std::fmt::Debug for UserRecord {
    /// Without what could help to sign in.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("UserRecord");
        out.field("id", &self.id).field("name", &self.name).field("role", &self.role);
        out.field("is_disabled", &self.is_disabled).finish_non_exhaustive()
    }
}

/// What a new user needs.
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    /// The name.
    pub name: &'a str,
    /// What the user may do.
    pub role: Role,
    /// argon2id.
    pub password_hash: &'a str,
    /// Somebody else has chosen the password.
    pub is_password_interim: bool,
    /// Now.
    pub at: Timestamp,
}

impl std::fmt::Debug for NewUser<'_> {
    /// Without the hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewUser({}, {})", self.name, self.role)
    }
}

pub(super) const COLUMNS: &str =
    "id, name, role, is_disabled, password_hash, is_password_interim, totp_secret,
    is_totp_on, created, password_changed, last_sign_in, subject";

impl PeopleStore {
    /// Makes a user.
    ///
    /// # Errors
    /// `Exists` if the name is taken, whatever its case.
    pub fn create_user(&self, new: &NewUser<'_>) -> Result<UserId, StoreError> {
        self.file.write("make a user", |file| insert(file, new))
    }

    /// Makes the first admin; none if there is one already.
    ///
    /// # Errors
    /// `Exists` if the name is taken.
    pub fn create_first_admin(&self, new: &NewUser<'_>) -> Result<Option<UserId>, StoreError> {
        self.file.write("make the first admin", |file| {
            if admins_but(file, UserId(0))? > 0 {
                return Ok(None);
            }
            insert(file, new).map(Some)
        })
    }

    /// True if an admin can sign in.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has_admin(&self) -> Result<bool, StoreError> {
        self.file.read("look for an admin", |file| Ok(admins_but(file, UserId(0))? > 0))
    }

    /// The user of that name, whatever its case.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError> {
        self.file.read("find a user", |file| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
            Ok(file.prepare_cached(&sql)?.query_row([name], record).optional()?)
        })
    }

    /// The user of that number.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub fn user(&self, id: UserId) -> Result<UserRecord, StoreError> {
        self.file.read("find a user", |file| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
            let found = file.prepare_cached(&sql)?.query_row([id.0], record).optional()?;
            found.ok_or_else(|| StoreError::NotFound(format!("user number {}", id.0)))
        })
    }

    /// All users, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn users(&self) -> Result<Vec<UserRecord>, StoreError> {
        self.file.read("list the users", |file| {
            let sql = format!("SELECT {COLUMNS} FROM users ORDER BY name");
            let mut statement = file.prepare_cached(&sql)?;
            Ok(statement.query_map([], record)?.collect::<Result<_, _>>()?)
        })
    }

    /// Changes what a user may do.
    ///
    /// # Errors
    /// `NotFound`; `LastAdmin` if nobody could administer any more.
    pub fn set_role(&self, id: UserId, role: Role) -> Result<(), StoreError> {
        self.file.write("change a role", |file| {
            if role != Role::Admin {
                ensure_not_last_admin(file, id)?;
            }
            let sql = "UPDATE users SET role = ?2 WHERE id = ?1";
            ensure_one(file.prepare_cached(sql)?.execute(params![id.0, role])?, id)
        })
    }

    /// Lets a user sign in, or not any more; then the user's sessions end as well.
    ///
    /// # Errors
    /// `NotFound`; `LastAdmin` if nobody could administer any more.
    pub fn set_disabled(&self, id: UserId, is_disabled: bool) -> Result<(), StoreError> {
        self.file.write("disable or enable a user", |file| {
            if is_disabled {
                ensure_not_last_admin(file, id)?;
                file.prepare_cached("DELETE FROM sessions WHERE user_id = ?1")?.execute([id.0])?;
            }
            let sql = "UPDATE users SET is_disabled = ?2 WHERE id = ?1";
            ensure_one(file.prepare_cached(sql)?.execute(params![id.0, is_disabled])?, id)
        })
    }

    /// Removes a user with sessions and keys.
    ///
    /// # Errors
    /// `NotFound`; `LastAdmin` if nobody could administer any more.
    pub fn remove_user(&self, id: UserId) -> Result<(), StoreError> {
        self.file.write("remove a user", |file| {
            ensure_not_last_admin(file, id)?;
            let sql = "DELETE FROM users WHERE id = ?1";
            ensure_one(file.prepare_cached(sql)?.execute([id.0])?, id)
        })
    }

    /// Sets a password and ends every session of the user.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_password(
        &self,
        id: UserId,
        hash: &str,
        is_interim: bool,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("set a password", |file| {
            file.prepare_cached("DELETE FROM sessions WHERE user_id = ?1")?.execute([id.0])?;
            let sql = "UPDATE users
                SET password_hash = ?2, is_password_interim = ?3, password_changed = ?4
                WHERE id = ?1";
            let values = params![id.0, hash, is_interim, sql_time(at)];
            ensure_one(file.prepare_cached(sql)?.execute(values)?, id)
        })
    }

    /// Keeps the same password under another hash: its costs were raised.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn rehash_password(&self, id: UserId, hash: &str) -> Result<(), StoreError> {
        self.file.write("renew a password's hash", |file| {
            let sql = "UPDATE users SET password_hash = ?2 WHERE id = ?1";
            ensure_one(file.prepare_cached(sql)?.execute(params![id.0, hash])?, id)
        })
    }

    /// Notes that somebody has signed in, and from where.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn note_sign_in(&self, id: UserId, address: &str, at: Timestamp) -> Result<(), StoreError> {
        self.file.write("note a sign-in", |file| {
            let sql = "UPDATE users SET last_sign_in = ?2 WHERE id = ?1";
            let changed = file.prepare_cached(sql)?.execute(params![id.0, sql_time(at)])?;
            ensure_one(changed, id)?;
            file.prepare_cached(
                "INSERT INTO known_addresses (user_id, address, last_used) VALUES (?1, ?2, ?3)
                 ON CONFLICT (user_id, address) DO UPDATE SET last_used = excluded.last_used",
            )?
            .execute(params![id.0, address, sql_time(at)])?;
            file.prepare_cached(
                "DELETE FROM known_addresses WHERE user_id = ?1 AND address NOT IN (
                   SELECT address FROM known_addresses WHERE user_id = ?1
                   ORDER BY last_used DESC, address LIMIT ?2)",
            )?
            .execute(params![id.0, KNOWN_ADDRESSES_MAX])?;
            Ok(())
        })
    }

    /// True if that user has signed in from there before.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn is_known_address(&self, name: &str, address: &str) -> Result<bool, StoreError> {
        self.file.read("look up an address", |file| {
            let sql = "SELECT 1 FROM known_addresses JOIN users ON users.id = user_id
                WHERE users.name = ?1 AND address = ?2";
            Ok(file.prepare_cached(sql)?.exists([name, address])?)
        })
    }

    /// Keeps the secret of a second factor that was not confirmed yet.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn propose_totp(&self, id: UserId, secret: &[u8]) -> Result<(), StoreError> {
        self.file.write("keep a second factor", |file| {
            let sql = "UPDATE users SET totp_secret = ?2, is_totp_on = 0 WHERE id = ?1";
            ensure_one(file.prepare_cached(sql)?.execute(params![id.0, secret])?, id)
        })
    }

    /// Asks for the second factor from now on, with these recovery codes beside it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn start_totp(&self, id: UserId, codes: &[[u8; 32]]) -> Result<(), StoreError> {
        self.file.write("start a second factor", |file| {
            replace_codes(file, id, codes)?;
            let sql = "UPDATE users SET is_totp_on = 1 WHERE id = ?1 AND totp_secret IS NOT NULL";
            ensure_one(file.prepare_cached(sql)?.execute([id.0])?, id)
        })
    }

    /// Gives a user other recovery codes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_recovery_codes(&self, id: UserId, codes: &[[u8; 32]]) -> Result<(), StoreError> {
        self.file.write("give recovery codes", |file| replace_codes(file, id, codes))
    }

    /// Asks for no code any more. Recovery codes stay for whoever has passkeys.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn stop_totp(&self, id: UserId) -> Result<(), StoreError> {
        self.file.write("stop a second factor", |file| {
            let sql = "DELETE FROM recovery_codes WHERE user_id = ?1
                AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = ?1)";
            file.prepare_cached(sql)?.execute([id.0])?;
            let sql = "UPDATE users SET totp_secret = NULL, is_totp_on = 0 WHERE id = ?1";
            ensure_one(file.prepare_cached(sql)?.execute([id.0])?, id)
        })
    }

    /// Takes the code of a time step; false if that or a later one was taken before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn take_totp_step(&self, id: UserId, step: u64) -> Result<bool, StoreError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.file.write("take a code", |file| {
            let sql = "UPDATE users SET totp_step = ?2 WHERE id = ?1 AND totp_step < ?2";
            Ok(file.prepare_cached(sql)?.execute(params![id.0, step])? == 1)
        })
    }

    /// Takes a recovery code; false if it is none of this user's, or was taken before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn take_recovery_code(
        &self,
        id: UserId,
        code: &[u8; 32],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.file.write("take a recovery code", |file| {
            let sql = "UPDATE recovery_codes SET used = ?3
                WHERE user_id = ?1 AND code_hash = ?2 AND used IS NULL";
            let values = params![id.0, code, sql_time(at)];
            Ok(file.prepare_cached(sql)?.execute(values)? == 1)
        })
    }

    /// Recovery codes that are left.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn recovery_codes_left(&self, id: UserId) -> Result<u64, StoreError> {
        self.file.read("count recovery codes", |file| {
            let sql = "SELECT count(*) FROM recovery_codes WHERE user_id = ?1 AND used IS NULL";
            Ok(file.prepare_cached(sql)?.query_row([id.0], |row| row.get(0))?)
        })
    }

    /// What the console keeps for a user.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn preferences(&self, id: UserId) -> Result<serde_json::Value, StoreError> {
        let text: Option<String> = self.file.read("read preferences", |file| {
            let sql = "SELECT preferences FROM users WHERE id = ?1";
            Ok(file.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?)
        })?;
        let missing = || StoreError::NotFound(format!("user number {}", id.0));
        decode("preferences", &text.ok_or_else(missing)?)
    }

    /// Replaces what the console keeps for a user.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_preferences(&self, id: UserId, value: &serde_json::Value) -> Result<(), StoreError> {
        self.file.write("keep preferences", |file| {
            let sql = "UPDATE users SET preferences = ?2 WHERE id = ?1";
            let values = params![id.0, value.to_string()];
            ensure_one(file.prepare_cached(sql)?.execute(values)?, id)
        })
    }
}

pub(super) fn insert(file: &Connection, new: &NewUser<'_>) -> Result<UserId, StoreError> {
    let sql = "SELECT 1 FROM users WHERE name = ?1";
    if file.prepare_cached(sql)?.exists([new.name])? {
        return Err(StoreError::Exists(format!("a user \"{}\"", new.name)));
    }
    file.prepare_cached(
        "INSERT INTO users (name, role, password_hash, is_password_interim, created,
           password_changed) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    )?
    .execute(params![
        new.name,
        new.role,
        new.password_hash,
        new.is_password_interim,
        sql_time(new.at)
    ])?;
    Ok(UserId(file.last_insert_rowid()))
}

/// Admins that can sign in, without that one.
fn admins_but(file: &Connection, id: UserId) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM users WHERE role = 'admin' AND NOT is_disabled AND id <> ?1";
    Ok(file.prepare_cached(sql)?.query_row([id.0], |row| row.get(0))?)
}

fn ensure_not_last_admin(file: &Connection, id: UserId) -> Result<(), StoreError> {
    let sql = "SELECT name FROM users WHERE id = ?1 AND role = 'admin' AND NOT is_disabled";
    let admin: Option<String> =
        file.prepare_cached(sql)?.query_row([id.0], |row| row.get(0)).optional()?;
    match admin {
        Some(name) if admins_but(file, id)? == 0 => Err(StoreError::LastAdmin(name)),
        _ => Ok(()),
    }
}

fn replace_codes(file: &Connection, id: UserId, codes: &[[u8; 32]]) -> Result<(), StoreError> {
    file.prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?1")?.execute([id.0])?;
    let sql = "INSERT INTO recovery_codes (user_id, code_hash) VALUES (?1, ?2)";
    for code in codes {
        file.prepare_cached(sql)?.execute(params![id.0, code])?;
    }
    Ok(())
}

fn ensure_one(changed: usize, id: UserId) -> Result<(), StoreError> {
    if changed == 1 {
        return Ok(());
    }
    Err(StoreError::NotFound(format!("user number {}", id.0)))
}

pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<UserRecord> {
    Ok(UserRecord {
        id: UserId(row.get(0)?),
        name: row.get(1)?,
        role: row.get(2)?,
        is_disabled: row.get(3)?,
        password_hash: row.get(4)?,
        is_password_interim: row.get(5)?,
        totp_secret: row.get(6)?,
        is_totp_on: row.get(7)?,
        created: time_from_sql(row.get(8)?),
        password_changed: time_from_sql(row.get(9)?),
        last_sign_in: row.get::<_, Option<i64>>(10)?.map(time_from_sql),
        subject: row.get(11)?,
    })
}
