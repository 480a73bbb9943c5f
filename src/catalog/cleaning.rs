//! Uses of cleaning cartridges, as far as they happened here: lines of their history.

use rusqlite::params;

use super::Catalog;
use super::cartridge_history::insert_event;
use super::error::CatalogError;
use super::ids::CartridgeId;
use crate::domain::{DriveSerial, JobId, Timestamp};

/// How a use ended, in a history.
const CLEANED: &str = "cleaned";
const USED_UP: &str = "used_up";

/// What is known of the uses of a cleaning cartridge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleaningUse {
    /// Uses that were counted.
    pub count: u64,
    /// A drive has said that there are none left.
    pub is_used_up: bool,
}

impl Catalog {
    /// Counts a use.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn cleaned_with(
        &self,
        id: CartridgeId,
        drive: &DriveSerial,
        job: JobId,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("count a use of a cleaning cartridge", |transaction| {
            let message = format!("cleaned drive {drive}");
            insert_event(transaction, id, CLEANED, &message, Some(job), at)
        })
    }

    /// Notes that a drive calls it used up.
    ///
    /// # Errors
    /// `Database` if it cannot be stored.
    pub fn cleaning_used_up(
        &self,
        id: CartridgeId,
        drive: &DriveSerial,
        job: JobId,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("note that a cleaning cartridge is used up", |transaction| {
            let message = format!("drive {drive} calls it used up");
            insert_event(transaction, id, USED_UP, &message, Some(job), at)
        })
    }

    /// The uses of a cleaning cartridge.
    ///
    /// # Errors
    /// `Database` if they cannot be read.
    pub fn cleaning_use(&self, id: CartridgeId) -> Result<CleaningUse, CatalogError> {
        self.read("count the uses of a cleaning cartridge", |reader| {
            let mut statement = reader.prepare_cached(
                "SELECT count(*) FILTER (WHERE code = ?2), count(*) FILTER (WHERE code = ?3)
                 FROM cartridge_events WHERE cartridge_id = ?1",
            )?;
            Ok(statement.query_row(params![id.0, CLEANED, USED_UP], |row| {
                Ok(CleaningUse { count: row.get(0)?, is_used_up: row.get::<_, u64>(1)? > 0 })
            })?)
        })
    }
}
