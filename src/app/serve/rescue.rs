//! An engine that cannot open what it keeps: it answers with the reason, and tries again until it can.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::engine::{EngineStart, Opened, Started, prove};
use super::notify::{feed, tell};
use super::signals::Signals;
use crate::api::{Rescue, RescueReason};
use crate::app::door::Door;
use crate::app::error::AppError;

/// Between two tries: what a person repairs works again within it.
const RETRY_TIME: Duration = Duration::from_secs(20);

/// Answers with the reason until the engine opens; none if a signal ends it before.
pub(super) async fn until_opened(
    start: EngineStart,
    socket: &Path,
    error: &AppError,
    signals: &mut Signals,
) -> Result<Option<Opened>, AppError> {
    let rescue = Rescue::bind(socket, reason(error)).await?;
    tell(&[NotifyState::Ready, NotifyState::Status("cannot open its data: it says why")]);
    let opening = async {
        loop {
            tokio::time::sleep(RETRY_TIME).await;
            match Started::new(start.clone()).await {
                Ok(started) => return started,
                Err(error) => rescue.say(reason(&error)),
            }
        }
    };
    let no_job = Arc::new(|| None);
    let is_alive = || prove(Door::Socket(socket.to_owned()), no_job.clone());
    let started = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping");
            return Ok(None);
        }
        started = opening => started,
        never = rescue.serve() => match never {},
        never = feed(is_alive) => match never {},
    };
    // Its socket goes with it, and the engine makes its own.
    drop(rescue);
    Opened::answering(started, socket).await.map(Some)
}

/// What is told; the log has it too.
fn reason(error: &AppError) -> RescueReason {
    let sentence = format!("The engine does not work: {}.", error.chain());
    tracing::error!("{sentence}");
    let unknown = "Look at the journal of fossilsafe-engine.";
    RescueReason { sentence, next_step: error.next_step().unwrap_or(unknown).to_owned() }
}
