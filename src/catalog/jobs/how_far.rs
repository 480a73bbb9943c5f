//! How far a job is: what it shows, and from where it goes on after an interruption.

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::domain::{JobId, Timestamp};

use super::super::Catalog;
use super::super::error::{CatalogError, Subject};
use super::super::ids::sql_time;
use super::super::settings::encode_json;

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct HowFar {
    /// The job.
    pub job: JobId,
    /// What it shows.
    pub progress: Value,
    /// From where it goes on after an interruption.
    pub checkpoint: Value,
    /// When that was.
    pub at: Timestamp,
}

impl Catalog {
    /// Stores what a running job shows of how far it is.
    ///
    /// # Errors
    /// `NotFound` if there is no such job.
    pub fn set_job_progress(
        &self,
        job: JobId,
        progress: &Value,
        at: Timestamp,
    ) -> Result<(), CatalogError> {
        self.write("store the progress of a job", |transaction| {
            store(transaction, job, progress, None, at)
        })
    }

    /// Stores how far a job is.
    ///
    /// # Errors
    /// `NotFound` if there is no such job.
    pub fn set_job_checkpoint(&self, how_far: &HowFar) -> Result<(), CatalogError> {
        self.write("store how far a job is", |transaction| store_how_far(transaction, how_far))
    }
}

/// Stores how far a job is, in a transaction with what brought it there.
pub(in crate::catalog) fn store_how_far(
    connection: &Connection,
    how_far: &HowFar,
) -> Result<(), CatalogError> {
    let HowFar { job, progress, checkpoint, at } = how_far;
    store(connection, *job, progress, Some(checkpoint), *at)
}

fn store(
    connection: &Connection,
    job: JobId,
    progress: &Value,
    checkpoint: Option<&Value>,
    at: Timestamp,
) -> Result<(), CatalogError> {
    let progress = encode_json("a job's progress", progress)?;
    let checkpoint = checkpoint.map(|it| encode_json("a job's checkpoint", it)).transpose()?;
    let changed = connection
        .prepare_cached(
            "UPDATE jobs SET progress = ?2, checkpoint = coalesce(?3, checkpoint), updated = ?4
             WHERE id = ?1",
        )?
        .execute(params![job.0, progress, checkpoint, sql_time(at)])?;
    if changed == 0 { Err(CatalogError::NotFound(Subject::Job(job))) } else { Ok(()) }
}
