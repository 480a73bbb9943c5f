//! The people's file: users, sessions, API keys, approvals. `crate::people` has the rules.
//!
//! Only rows and what must hold between them within one transaction: names are unique, an admin who
//! can sign in is always left, a code is taken once. What a password is worth, how long a session lasts
//! and who may do what is decided above. Tokens and keys come here as hashes.

mod api_keys;
mod approvals;
mod passkeys;
mod sessions;
mod subjects;
mod users;

use std::path::Path;

use rusqlite::OptionalExtension as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::side_file::{SideFile, SideFormat, StoreError};
use super::text_enum::text_enum;

pub use api_keys::{ApiKeyRecord, NewApiKey};
pub use approvals::{ApprovalRecord, ApprovalState, NewApproval};
pub use passkeys::{NewPasskeyRow, PasskeyRecord};
pub use sessions::{NewSession, SessionRecord};
pub use users::{NewUser, UserId, UserRecord};

const FORMAT: SideFormat = SideFormat {
    // "FSLP".
    application_id: 0x4653_4C50,
    name: "the file of users and keys",
    migrations: &[
        include_str!("../migrations/people_0001_initial.sql"),
        include_str!("../migrations/people_0002_subject.sql"),
        include_str!("../migrations/people_0003_passkeys.sql"),
        include_str!("../migrations/people_0004_two_factor.sql"),
    ],
};

text_enum! {
    /// What somebody may do. Each role may do what those before it may.
    Role {
        /// May look.
        Viewer = "viewer",
        /// May start work that loses nothing.
        Operator = "operator",
        /// May destroy, and say who may do what.
        Admin = "admin",
    }
}

/// The open file.
#[derive(Debug)]
pub struct PeopleStore {
    file: SideFile,
}

impl PeopleStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// It is damaged, another kind of file, of a newer version, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: SideFile::open(path, &FORMAT)? })
    }

    /// The value under `key`, if one was set.
    ///
    /// # Errors
    /// It cannot be read or decoded.
    pub fn setting<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.file.read("read a setting", |file| {
            let mut statement = file.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })?;
        text.map(|text| decode("a setting", &text)).transpose()
    }

    /// Keeps `value` under `key`.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn set_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<(), StoreError> {
        let text = encode("a setting", value)?;
        self.file.write("store a setting", |file| {
            file.prepare_cached(
                "INSERT INTO settings (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute([key, &text])?;
            Ok(())
        })
    }
}

/// A value as JSON text.
fn encode<T: Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Decode { what, detail: error.to_string() })
}

/// The value in a JSON text.
fn decode<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text)
        .map_err(|error| StoreError::Decode { what, detail: error.to_string() })
}
