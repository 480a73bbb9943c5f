//! The newest job of a kind: when it completed, and what it left behind. Plans, alerts and the first page ask it again
//! and again, so nothing is read but that one.

use rusqlite::params;

use super::{JobRecord, JobState};
use crate::catalog::ids::time_from_sql;
use crate::catalog::{Catalog, CatalogError};
use crate::domain::Timestamp;

impl Catalog {
    /// When the last job of a kind has completed.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn last_completed(&self, kind: &str) -> Result<Option<Timestamp>, CatalogError> {
        self.read("look for a job that has completed", |reader| {
            let mut statement = reader
                .prepare_cached("SELECT max(ended) FROM jobs WHERE kind = ?1 AND state = ?2")?;
            let last: Option<i64> =
                statement.query_row(params![kind, JobState::Completed], |row| row.get(0))?;
            Ok(last.map(time_from_sql))
        })
    }

    /// The newest job of a kind that came to its end, with or without something missing.
    ///
    /// # Errors
    /// `Database` if it cannot be read.
    pub fn newest_done(&self, kind: &str) -> Result<Option<JobRecord>, CatalogError> {
        let which = "WHERE kind = ?1 AND state IN (?2, ?3) ORDER BY id DESC LIMIT 1";
        let values = params![kind, JobState::Completed, JobState::Incomplete];
        Ok(self.select_jobs(which, values)?.pop())
    }
}
