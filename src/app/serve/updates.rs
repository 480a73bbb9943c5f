//! The service that changes slots: answers the engine, which may touch none itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sd_notify::NotifyState;

use super::notify::{feed, tell};
use super::orders;
use super::signals::Signals;
use crate::app::error::AppError;
use crate::system::updates::{Updater, answer_update};

/// What the service is started with.
#[derive(Debug)]
pub(in crate::app) struct UpdateStart {
    /// Knows the slots.
    pub(in crate::app) updater: Arc<Updater>,
    /// Where the engine leaves a bundle that was uploaded.
    pub(in crate::app) inbox: PathBuf,
}

/// Runs the service until SIGTERM or SIGINT.
pub(in crate::app) async fn updates(start: UpdateStart, socket: &Path) -> Result<(), AppError> {
    let mut signals = Signals::listen()?;
    let UpdateStart { updater, inbox } = start;
    let listener = orders::bind(socket)?;
    tracing::info!(socket = %socket.display(), "ready");
    tell(&[NotifyState::Ready]);
    let answering = Arc::clone(&updater);
    let answers = orders::accept(listener, move |line| answer_update(&answering, &inbox, line));
    tokio::select! {
        name = signals.next() => tracing::info!(signal = name, "stopping"),
        never = answers => match never {},
        never = feed(|| status(Arc::clone(&updater))) => match never {},
    }
    tell(&[NotifyState::Stopping]);
    Ok(())
}

/// Asked of a thread of its own, as orders are.
async fn status(updater: Arc<Updater>) -> Result<String, String> {
    let state = tokio::task::spawn_blocking(move || updater.state()).await;
    // A boot state that cannot be read is told, and no reason to start anew.
    let state = state.map_err(|error| error.to_string())?;
    Ok(state.map_or_else(|error| error.to_string(), |state| format!("{} runs", state.version)))
}
