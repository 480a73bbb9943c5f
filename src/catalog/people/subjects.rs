//! Users whom an identity provider vouches for.

use rusqlite::{OptionalExtension as _, params};

use super::users::{COLUMNS, NewUser, insert, record};
use super::{PeopleStore, UserId, UserRecord};
use crate::catalog::side_file::StoreError;

impl PeopleStore {
    /// The user whom a provider calls so.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn user_by_subject(&self, subject: &str) -> Result<Option<UserRecord>, StoreError> {
        self.file.read("find a user", |file| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE subject = ?1");
            Ok(file.prepare_cached(&sql)?.query_row([subject], record).optional()?)
        })
    }

    /// Makes a user whom a provider calls so.
    ///
    /// # Errors
    /// `Exists` if the name is taken.
    pub fn create_subject(&self, new: &NewUser<'_>, subject: &str) -> Result<UserId, StoreError> {
        self.file.write("make a user", |file| {
            let id = insert(file, new)?;
            file.prepare_cached("UPDATE users SET subject = ?2 WHERE id = ?1")?
                .execute(params![id.0, subject])?;
            Ok(id)
        })
    }
}
