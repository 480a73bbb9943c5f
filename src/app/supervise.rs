//! Runs engine and API until a signal, then stops them in the order that loses nothing.
//!
//! The API goes first, so nobody starts work that is about to end; then the engine lets its jobs
//! reach a safe point. systemd is told READY only when requests are answered, and STOPPING at once. A
//! second signal ends the process where it stands, which jobs survive by design.

use std::path::Path;
use std::sync::Arc;

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::engine::{self, CatalogStart};
use super::error::AppError;
use super::settings::Settings;
use crate::api::Server;
use crate::domain::{Clock, SystemClock};

/// Runs until SIGTERM or SIGINT. `on_ready` gets the address once requests are answered.
pub(super) async fn run(
    data: &Path,
    settings: &Settings,
    catalog: CatalogStart,
    on_ready: impl FnOnce(std::net::SocketAddr),
) -> Result<(), AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let mut signals = Signals::listen()?;
    notify(&[NotifyState::Status("opening catalog and library")]);
    let (folder, wanted, engine_clock) = (data.to_owned(), settings.clone(), Arc::clone(&clock));
    let starting =
        tokio::task::spawn_blocking(move || engine::start(&folder, &wanted, catalog, engine_clock));
    let running = starting.await.map_err(|panic| AppError::Start {
        message: "the engine failed while starting".to_owned(),
        next_step: "Look at the log, and report it with what it says.".to_owned(),
        source: Some(Box::new(panic)),
    })??;
    let served = match Server::bind(settings.listen, Arc::clone(&running.engine), clock).await {
        Ok(server) => {
            let address = server.address();
            let status = format!("answering on http://{address}");
            tracing::info!(%address, "ready");
            notify(&[NotifyState::Ready, NotifyState::Status(&status)]);
            on_ready(address);
            server
                .serve(async {
                    let name = signals.next().await;
                    tracing::info!(signal = name, "stopping");
                    notify(&[NotifyState::Stopping]);
                })
                .await;
            Ok(())
        }
        Err(error) => Err(AppError::from(error)),
    };
    notify(&[NotifyState::Status("waiting for jobs to reach a safe point")]);
    let stopping = tokio::task::spawn_blocking(running.stop);
    tokio::select! {
        stopped = stopping => {
            if let Err(panic) = stopped {
                tracing::error!(%panic, "the engine failed while stopping");
            }
        }
        name = signals.next() => tracing::warn!(signal = name, "ending at once"),
    }
    served
}

/// Tells systemd, if it asked to be told.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(false, states) {
        tracing::debug!(%error, "cannot tell systemd");
    }
}

/// The signals that mean stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, AppError> {
        let listen = |kind| {
            let what = || "cannot listen to signals".to_owned();
            signal(kind).map_err(|source| AppError::Io { what: what(), source })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
