//! The service that sets network and time: answers the engine, and ends a trial that nobody confirms.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::notify::{feed, tell};
use super::orders;
use super::signals::Signals;
use crate::app::error::AppError;
use crate::system::network::{Keepers, answer_network};

/// So often is looked whether a trial is over.
const LOOK_TIME: Duration = Duration::from_secs(1);

/// Runs the service until SIGTERM or SIGINT. What is on trial then goes back at the next start.
pub(in crate::app) async fn network(keepers: Arc<Keepers>, socket: &Path) -> Result<(), AppError> {
    let mut signals = Signals::listen()?;
    let listener = orders::bind(socket)?;
    if let Err(error) = keepers.ports.end_old_trials() {
        tracing::error!(%error, "an old trial of a network setting could not be ended");
    }
    tracing::info!(socket = %socket.display(), "ready");
    tell(&[NotifyState::Ready]);
    let ending = Arc::clone(&keepers);
    let answering = Arc::clone(&keepers);
    let answers = orders::accept(listener, move |line| answer_network(&answering, line));
    tokio::select! {
        name = signals.next() => tracing::info!(signal = name, "stopping"),
        never = answers => match never {},
        never = end_trials(ending) => match never {},
        never = feed(|| status(Arc::clone(&keepers))) => match never {},
    }
    tell(&[NotifyState::Stopping]);
    Ok(())
}

async fn end_trials(keepers: Arc<Keepers>) -> std::convert::Infallible {
    loop {
        let keepers = Arc::clone(&keepers);
        match tokio::task::spawn_blocking(move || keepers.ports.go_back_if_due()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a network setting did not go back"),
            Err(error) => tracing::error!(%error, "the trial of a network setting is not watched"),
        }
        tokio::time::sleep(LOOK_TIME).await;
    }
}

/// Asked of a thread of its own, as orders are.
async fn status(keepers: Arc<Keepers>) -> Result<String, String> {
    let state = tokio::task::spawn_blocking(move || keepers.ports.state()).await;
    // A network that cannot be read is told, and no reason to start anew.
    let state = state.map_err(|error| error.to_string())?;
    Ok(state.map_or_else(
        |error| error.to_string(),
        |state| format!("{} ports, {}", state.ports.len(), trial_word(state.trial.is_some())),
    ))
}

fn trial_word(is_on_trial: bool) -> &'static str {
    if is_on_trial { "a setting is on trial" } else { "nothing on trial" }
}
