//! The service that mounts network sources: answers the engine, and mounts again what has gone away.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::notify::{feed, tell};
use super::orders;
use super::signals::Signals;
use crate::app::error::AppError;
use crate::system::sources::{Keeper, answer};

/// How long a server that comes back waits to be mounted again.
const RETRY_TIME: Duration = Duration::from_secs(60);

/// Runs the service until SIGTERM or SIGINT. What the kernel has mounted stays when it ends.
pub(in crate::app) async fn sources(
    data: &Path,
    socket: &Path,
    on_ready: impl FnOnce(),
) -> Result<(), AppError> {
    let mut signals = Signals::listen()?;
    let keeper = Keeper::open(data).map_err(|error| AppError::Start {
        message: "the network sources cannot be read".to_owned(),
        next_step: error.next_step().to_owned(),
        source: Some(Box::new(error)),
    })?;
    let keeper = Arc::new(keeper);
    let listener = orders::bind(socket)?;
    tracing::info!(socket = %socket.display(), "ready");
    tell(&[NotifyState::Ready]);
    on_ready();
    let mounting = Arc::clone(&keeper);
    let answering = Arc::clone(&keeper);
    let ending = Arc::clone(&keeper);
    let answers = orders::accept(listener, move |line| answer(&answering, line));
    tokio::select! {
        name = signals.next() => tracing::info!(signal = name, "stopping"),
        never = answers => match never {},
        never = keep_mounted(mounting) => match never {},
        never = feed(|| status(Arc::clone(&keeper))) => match never {},
    }
    tell(&[NotifyState::Stopping]);
    ending.end_served();
    Ok(())
}

async fn keep_mounted(keeper: Arc<Keeper>) -> std::convert::Infallible {
    loop {
        let keeper = Arc::clone(&keeper);
        if let Err(error) = tokio::task::spawn_blocking(move || keeper.mount_all()).await {
            tracing::error!(%error, "mounting failed");
        }
        tokio::time::sleep(RETRY_TIME).await;
    }
}

/// Asked of a thread of its own, as orders are.
async fn status(keeper: Arc<Keeper>) -> Result<String, String> {
    let states = tokio::task::spawn_blocking(move || keeper.states()).await;
    let states = states.map_err(|error| error.to_string())?;
    let away = states.iter().filter(|state| state.reason.is_some()).count();
    Ok(format!("{} sources, {away} away", states.len()))
}
