//! The service that makes a disk the staging disk: answers the engine.

use std::path::Path;
use std::sync::Arc;

use sd_notify::NotifyState;

use super::notify::{feed, tell};
use super::orders;
use super::signals::Signals;
use crate::app::error::AppError;
use crate::domain::SystemClock;
use crate::system::staging::{StagingDiskKeeper, answer_staging_disk};

/// Runs the service until SIGTERM or SIGINT.
pub(in crate::app) async fn staging(socket: &Path) -> Result<(), AppError> {
    let mut signals = Signals::listen()?;
    let listener = orders::bind(socket)?;
    let keeper = Arc::new(StagingDiskKeeper::new(Arc::new(SystemClock::new())));
    tracing::info!(socket = %socket.display(), "ready");
    tell(&[NotifyState::Ready]);
    let answering = Arc::clone(&keeper);
    let answers = orders::accept(listener, move |line| answer_staging_disk(&answering, line));
    tokio::select! {
        name = signals.next() => tracing::info!(signal = name, "stopping"),
        never = answers => match never {},
        never = feed(|| status(Arc::clone(&keeper))) => match never {},
    }
    tell(&[NotifyState::Stopping]);
    Ok(())
}

/// Asked of a thread of its own, as orders are.
async fn status(keeper: Arc<StagingDiskKeeper>) -> Result<String, String> {
    let disks = tokio::task::spawn_blocking(move || keeper.disks()).await;
    let disks = disks.map_err(|error| error.to_string())?;
    let staging = disks.disks.iter().find(|disk| disk.is_staging);
    Ok(staging.map_or_else(
        || "no staging disk".to_owned(),
        |disk| format!("{} is the staging disk", disk.name),
    ))
}
