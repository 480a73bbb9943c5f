//! The signals that mean stop, and the one that means read the certificate again.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::error::AppError;

/// The signals that mean stop.
pub(in crate::app) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// Begins to listen to one signal.
pub(super) fn listen(kind: SignalKind) -> Result<Signal, AppError> {
    let what = || "cannot listen to signals".to_owned();
    signal(kind).map_err(|source| AppError::Io { what: what(), source })
}

impl Signals {
    pub(in crate::app) fn listen() -> Result<Self, AppError> {
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    pub(in crate::app) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
