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
use crate::app::engine::disk_trouble;
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
    let rescue = Rescue::bind(socket, reason(error, &start.data)).await?;
    tell(&[NotifyState::Ready, NotifyState::Status("cannot open its data: it says why")]);
    let opening = async {
        loop {
            tokio::time::sleep(RETRY_TIME).await;
            match Started::new(start.clone()).await {
                Ok(started) => return started,
                Err(error) => rescue.say(reason(&error, &start.data)),
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

/// What is told; the log has it too. A disk that is full or has failed makes errors that do not name it; what came
/// of no other error names its own reason.
fn reason(error: &AppError, data: &Path) -> RescueReason {
    let chain = error.chain();
    let unknown = "Look at the journal of fossilsafe-engine.";
    let trouble = std::error::Error::source(error).and_then(|_| disk_trouble(data));
    let (sentence, next_step) = match trouble {
        Some((trouble, next_step)) => {
            (format!("The engine does not work: {trouble} ({chain})."), next_step)
        }
        None => {
            let next_step = error.next_step().unwrap_or(unknown);
            (format!("The engine does not work: {chain}."), next_step)
        }
    };
    tracing::error!("{sentence}");
    RescueReason { sentence, next_step: next_step.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_cannot_be_used_is_named_before_the_error_that_came_of_it() {
        let error = || AppError::Io {
            what: "cannot open it".to_owned(),
            source: std::io::ErrorKind::Other.into(),
        };
        // What the kernel mounts without any room on every machine.
        let told = reason(&error(), Path::new("/proc"));
        assert!(told.sentence.contains("is full: 0 MiB are free (cannot open it"), "{told:?}");
        assert!(told.next_step.contains("larger disk"), "{told:?}");
        let (message, next_step) = ("the partition is missing".to_owned(), "Look.".to_owned());
        let own = AppError::Start { message, next_step, source: None };
        let told = reason(&own, Path::new("/proc"));
        assert_eq!(told.sentence, "The engine does not work: the partition is missing.");
        let folder = tempfile::tempdir().unwrap();
        let told = reason(&error(), folder.path());
        assert!(told.sentence.starts_with("The engine does not work: cannot open it"), "{told:?}");
    }
}
