//! The alerts' file: what needs a person, who is told of it, and what became of telling. `crate::health`
//! has the rules.
//!
//! A file of its own, since alerts about a lost catalog must outlive it. It is bounded: ended alerts and
//! ended deliveries are kept up to a number, and a channel that nobody answers at has its oldest
//! notices given up. Raising an alert and queueing its notices is one transaction, so that a kill
//! between the two neither forgets a notice nor sends it twice for one raise.

mod channels;
mod deliveries;
mod list;
#[cfg(test)]
mod tests;

use std::path::Path;

use rusqlite::OptionalExtension as _;

use super::side_file::{SideFile, SideFormat, StoreError};
use super::text_enum::text_enum;

pub use channels::{ChannelRecord, NewChannel};
pub use deliveries::{DeliveryRecord, DeliveryState};
pub use list::{AlertRecord, AlertReport, Change};

const FORMAT: SideFormat = SideFormat {
    // "FSLN".
    application_id: 0x4653_4C4E,
    name: "the file of alerts",
    migrations: &[include_str!("../migrations/alerts_0001_initial.sql")],
};

text_enum! {
    /// How urgent it is.
    AlertSeverity {
        /// Good to know.
        Info = "info",
        /// Do it soon.
        Warning = "warning",
        /// Data or work is at risk now.
        Critical = "critical",
    }
}

/// The open file.
#[derive(Debug)]
pub struct AlertStore {
    file: SideFile,
}

impl AlertStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// It is damaged, another kind of file, of a newer version, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: SideFile::open(path, &FORMAT)? })
    }

    /// The number kept under `key`; 0 if none was.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn number(&self, key: &str) -> Result<i64, StoreError> {
        self.file.read("read a number", |file| {
            let mut statement =
                file.prepare_cached("SELECT CAST(value AS INTEGER) FROM settings WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?.unwrap_or(0))
        })
    }

    /// Keeps a number under `key`.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn set_number(&self, key: &str, value: i64) -> Result<(), StoreError> {
        self.file.write("keep a number", |file| {
            file.prepare_cached(
                "INSERT INTO settings (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute([key, &value.to_string()])?;
            Ok(())
        })
    }
}
