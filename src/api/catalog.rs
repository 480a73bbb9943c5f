//! The catalog as a whole: check it, back it up, fill it from tapes.

use std::path::PathBuf;

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::Page;
use crate::jobs::JobSpec;

/// Reads cartridges into the catalog.
pub(super) fn rebuild(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::Rebuild(call.json_or_default()?))?)
}

/// The backups in a folder.
pub(super) fn backups(call: &Call) -> Result<Answer, ApiError> {
    let folder = PathBuf::from(call.query.text("folder")?.unwrap_or_default());
    Answer::json(&Page::whole(call.engine.catalog_backups(&folder)?))
}

/// Makes a backup.
pub(super) fn back_up(call: &Call) -> Result<Answer, ApiError> {
    Answer::accepted(&call.engine.start(JobSpec::CatalogBackup(call.json()?))?)
}

/// Checks the catalog's file and its sums.
pub(super) fn check(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.check_catalog()?)
}
