//! The engine as a service: opened, answered for on its socket, proven alive, stopped in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sd_notify::NotifyState;

use super::notify::{feed, tell};
use super::rescue;
use super::signals::Signals;
use crate::api::types::HealthView;
use crate::api::{Server, Serving};
use crate::app::client::Client;
use crate::app::door::Door;
use crate::app::engine::{self, CatalogStart, Doors, RunningEngine, SilentJob};
use crate::app::error::AppError;
use crate::app::settings::Settings;
use crate::domain::{Clock, SystemClock};

/// What an engine is started with.
#[derive(Clone, Debug)]
pub(in crate::app) struct EngineStart {
    /// The folder of catalog, keys and practice cartridges.
    pub(in crate::app) data: PathBuf,
    /// As the file and the command line say.
    pub(in crate::app) settings: Settings,
    /// What to do with a damaged catalog.
    pub(in crate::app) catalog: CatalogStart,
    /// Services that do for it what it may not.
    pub(in crate::app) doors: Doors,
}

/// An engine that answers on its socket.
pub(super) struct Opened {
    running: RunningEngine,
    server: Server,
    socket: PathBuf,
}

/// What an engine does that cannot open what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum IfBroken {
    /// It ends with the reason.
    End,
    /// It answers with the reason, and tries again.
    Stay,
}

/// Runs an engine by itself until SIGTERM or SIGINT. `on_ready` is called once requests are answered.
pub(in crate::app) async fn engine(
    start: EngineStart,
    socket: &Path,
    if_broken: IfBroken,
    on_ready: impl FnOnce(),
) -> Result<(), AppError> {
    let mut signals = Signals::listen()?;
    let opened = match Opened::open(start.clone(), socket).await {
        Err(error @ (AppError::Start { .. } | AppError::Io { .. }))
            if if_broken == IfBroken::Stay =>
        {
            match rescue::until_opened(start, socket, &error, &mut signals).await? {
                Some(opened) => opened,
                None => return Ok(()),
            }
        }
        opened => opened?,
    };
    on_ready();
    let stop = async {
        let name = signals.next().await;
        tracing::info!(signal = name, "stopping");
    };
    let stopped = opened.serve(stop).await;
    stopped.bring_to_rest(&mut signals).await;
    Ok(())
}

/// An engine that has opened everything, and is not asked yet.
pub(super) struct Started {
    running: RunningEngine,
    clock: Arc<dyn Clock>,
}

impl Started {
    /// Opens catalog and devices.
    pub(super) async fn new(start: EngineStart) -> Result<Self, AppError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        tell(&[NotifyState::Status("opening catalog and library")]);
        let engine_clock = Arc::clone(&clock);
        let starting = tokio::task::spawn_blocking(move || {
            let EngineStart { data, settings, catalog, doors } = &start;
            engine::start(data, settings, *catalog, doors, engine_clock)
        });
        let running = starting.await.map_err(|panic| AppError::Start {
            message: "the engine failed while starting".to_owned(),
            next_step: "Look at the log, and report it with what it says.".to_owned(),
            source: Some(Box::new(panic)),
        })??;
        Ok(Self { running, clock })
    }
}

impl Opened {
    /// Opens catalog and devices, then the socket.
    pub(super) async fn open(start: EngineStart, socket: &Path) -> Result<Self, AppError> {
        let started = Started::new(start).await?;
        Self::answering(started, socket).await
    }

    /// An engine that was started, behind its socket.
    pub(super) async fn answering(started: Started, socket: &Path) -> Result<Self, AppError> {
        let Started { running, clock } = started;
        let serving = Serving {
            engine: Arc::clone(&running.engine),
            people: Arc::clone(&running.people),
            audit: Arc::clone(&running.audit),
            clock,
        };
        let bound = Server::bind(socket, serving).await;
        let server = match bound {
            Ok(server) => server,
            Err(error) => {
                (running.stop)();
                return Err(AppError::from(error));
            }
        };
        Ok(Self { running, server, socket: socket.to_owned() })
    }

    /// Answers requests until `stop` is done.
    pub(super) async fn serve(self, stop: impl Future<Output = ()>) -> Stopped {
        let Self { running, server, socket } = self;
        tracing::info!(socket = %socket.display(), "ready");
        tell(&[NotifyState::Ready, NotifyState::Status("answering")]);
        let stop = async {
            stop.await;
            tell(&[NotifyState::Stopping]);
        };
        let is_alive = || prove(Door::Socket(socket.clone()), Arc::clone(&running.silent_job));
        tokio::select! {
            () = server.serve(stop) => {}
            never = feed(is_alive) => match never {},
        }
        Stopped(running)
    }
}

/// An engine that answers nobody any more, with jobs that still run.
pub(super) struct Stopped(RunningEngine);

impl Stopped {
    /// Lets the jobs reach a safe point; a second signal does not wait for them.
    pub(super) async fn bring_to_rest(self, signals: &mut Signals) {
        tell(&[NotifyState::Status("waiting for jobs to reach a safe point")]);
        let stopping = tokio::task::spawn_blocking(self.0.stop);
        tokio::select! {
            stopped = stopping => {
                if let Err(panic) = stopped {
                    tracing::error!(%panic, "the engine failed while stopping");
                }
            }
            name = signals.next() => tracing::warn!(signal = name, "ending at once"),
        }
    }
}

/// The engine lives if it answers a request as anybody's is answered, which takes the loop that accepts
/// connections, a thread for blocking work, the catalog and the locks of the jobs; and if no job has
/// gone silent. The answer is its status line.
pub(super) async fn prove(door: Door, silent_job: Arc<SilentJob>) -> Result<String, String> {
    let proof = tokio::task::spawn_blocking(move || {
        if let Some(job) = silent_job() {
            return Err(format!("job {job} has shown no sign of life for hours"));
        }
        let client = Client::new(door).map_err(|error| error.chain())?;
        let health: HealthView =
            client.get_any_status("/api/healthz").map_err(|error| error.chain())?;
        Ok(status_line(&health))
    });
    proof.await.unwrap_or_else(|panic| Err(panic.to_string()))
}

fn status_line(health: &HealthView) -> String {
    let HealthView { sentence, jobs_active, jobs_waiting, .. } = health;
    format!("{sentence}; {jobs_active} jobs at work, {jobs_waiting} waiting for a person")
}
