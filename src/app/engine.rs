//! The engine of `fossilsafe run`: jobs, catalog and devices behind the boundary of the API.

use std::path::Path;
use std::sync::Arc;

use super::error::AppError;
use super::settings::Settings;
use crate::api::Engine;
use crate::domain::Clock;

/// A running engine, and how it is stopped.
pub(super) struct RunningEngine {
    /// What the API asks.
    pub(super) engine: Arc<dyn Engine>,
    /// Lets jobs reach a safe point, closes catalog and devices; blocks until then.
    pub(super) stop: Box<dyn FnOnce() + Send>,
}

/// What the command line says about this start only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CatalogStart {
    /// Open it; a damaged one is refused.
    Open,
    /// Move a damaged one aside and begin an empty one.
    SetAsideIfDamaged,
}

/// Opens everything below `data` and takes up the jobs that were running. Blocks.
pub(super) fn start(
    _data: &Path,
    _settings: &Settings,
    _catalog: CatalogStart,
    _clock: Arc<dyn Clock>,
) -> Result<RunningEngine, AppError> {
    Err(AppError::Start {
        message: "this build has no engine".to_owned(),
        next_step: "Use a build that has one.".to_owned(),
        source: None,
    })
}
