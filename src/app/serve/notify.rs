//! What systemd is told: ready, a line of status, and that the work goes on.
//!
//! The watchdog is fed with proofs only: something that cannot be shown unless the loops that do the
//! work run. A proof that fails or does not come in time is not followed by a feed, so systemd ends a
//! service that hangs and starts it anew; jobs are taken up again by design. Outside systemd nothing
//! here does anything.

use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;

/// The status line is brought up to date so often when no watchdog asks for more.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);
/// Proofs in the time that systemd waits: one that comes late once ends nothing.
const PROOFS_PER_LIMIT: u32 = 3;

/// Tells systemd, if it asked to be told.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::debug!(%error, "cannot tell systemd");
    }
}

/// Shows the status that each proof brings, and feeds the watchdog with it, until dropped. An error of
/// `prove` says what hangs.
pub(super) async fn feed<P, F>(prove: P) -> Infallible
where
    P: Fn() -> F,
    F: Future<Output = Result<String, String>>,
{
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return std::future::pending().await;
    }
    let mut limit_microseconds = 0;
    let is_watched = sd_notify::watchdog_enabled(false, &mut limit_microseconds);
    let interval = if is_watched {
        Duration::from_micros(limit_microseconds) / PROOFS_PER_LIMIT
    } else {
        STATUS_INTERVAL
    };
    let mut shown = String::new();
    loop {
        tokio::time::sleep(interval).await;
        match tokio::time::timeout(interval, prove()).await {
            Ok(Ok(status)) => {
                tell(&[NotifyState::Watchdog]);
                if status != shown {
                    tell(&[NotifyState::Status(&status)]);
                    shown = status;
                }
            }
            Ok(Err(why)) => tracing::error!(why, "the watchdog is not fed"),
            Err(_) => tracing::error!("no sign of life in {interval:?}: the watchdog is not fed"),
        }
    }
}
