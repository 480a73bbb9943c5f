//! Starting an engine: everything is opened, what was at work goes on, and what has to be stopped is known.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch as changing;

use super::certificate::{CertificateDoor, Certificates};
use super::elsewhere::HandoverDoor;
use super::network::{Network, NetworkDoor};
use super::self_checks::OwnChecks;
use super::sources::{Sources, SourcesDoor};
use super::streaming::{StagingDoor, Streaming};
use super::updates::{Updates, UpdatesDoor};
use super::watch::Watch;
use super::{Service, arrival, auto_update, key_server, logs, open, scheduler, watch};
use crate::api::Engine;
use crate::app::error::AppError;
use crate::app::settings::{LibraryChoice, Settings};
use crate::audit::AuditLog;
use crate::domain::worker::Worker;
use crate::domain::{Clock, JobId};
use crate::jobs::{Parts, Runner, TakeUp, inventory};
use crate::people::People;

/// A running engine, and how it is stopped.
pub(in crate::app) struct RunningEngine {
    /// What the API asks.
    pub(in crate::app) engine: Arc<dyn Engine>,
    /// Who may ask it.
    pub(in crate::app) people: Arc<People>,
    /// What they did.
    pub(in crate::app) audit: Arc<AuditLog>,
    /// Lets jobs reach a safe point, closes catalog and devices; blocks until then.
    pub(in crate::app) stop: Box<dyn FnOnce() + Send>,
    /// Whether a job hangs.
    pub(in crate::app) silent_job: Arc<SilentJob>,
}

/// Names a job that has shown no sign of life for longer than any command may take.
pub(in crate::app) type SilentJob = dyn Fn() -> Option<JobId> + Send + Sync;

/// Services that do for the engine what it may not, and what a start is to leave alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) struct Doors {
    /// Who mounts network sources.
    pub(in crate::app) sources: SourcesDoor,
    /// Who sets the network.
    pub(in crate::app) network: NetworkDoor,
    /// Who changes slots.
    pub(in crate::app) updates: UpdatesDoor,
    /// Who keeps files that belong in a catalog backup.
    pub(in crate::app) elsewhere: Vec<HandoverDoor>,
    /// Who makes a disk the staging disk.
    pub(in crate::app) staging: StagingDoor,
    /// Who serves HTTPS.
    pub(in crate::app) certificate: CertificateDoor,
    /// Whether jobs wait for a person.
    pub(in crate::app) hold: HoldJobs,
}

/// Whether jobs and schedules wait until a person lets them go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum HoldJobs {
    /// They wait.
    Yes,
    /// They go on by themselves.
    No,
}

/// What the command line says about this start only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum CatalogStart {
    /// Open it; a damaged one is refused.
    Open,
    /// Move a damaged one aside and begin an empty one.
    SetAsideIfDamaged,
}

/// Opens everything below `data` and takes up the jobs that were running. Blocks.
pub(in crate::app) fn start(
    data: &Path,
    settings: &Settings,
    catalog: CatalogStart,
    doors: &Doors,
    clock: Arc<dyn Clock>,
) -> Result<RunningEngine, AppError> {
    let parts = Arc::new(open::open(data, settings, catalog, doors, &clock)?);
    let people = Arc::new(open::people(data, &parts.keys, &clock)?);
    let sources = Sources::open(&doors.sources)?;
    let audit = Arc::new(open::audit(data, &parts.keys, &clock)?);
    let health = Arc::new(open::health(data, &parts, &clock)?);
    look(&parts);
    let changes = changing::Sender::new(0_u64);
    let arrived = changes.clone();
    let waiting = arrival::watch(&parts, move |parts| {
        look(parts);
        arrived.send_modify(|value| *value = value.wrapping_add(1));
    });
    waiting.map_err(|source| no_thread("for the devices", source))?;
    let bump = changes.clone();
    // Called for every file of a backup, so it does nothing more.
    let changed = Arc::new(move || bump.send_modify(|value| *value = value.wrapping_add(1)));
    let hold = doors.hold;
    let runner = take_up(&parts, changed, hold)?;
    let service = Arc::new(Service {
        parts,
        runner: Arc::clone(&runner),
        changes,
        is_practice: settings.library == LibraryChoice::Practice,
        settings: settings.clone(),
        health,
        watch: Watch::default(),
        scheduler: Worker::default(),
        auto_update: Worker::default(),
        key_server: Worker::default(),
        sources,
        updates: Updates::open(&doors.updates, data),
        network: Network::open(&doors.network),
        certificates: Certificates::open(&doors.certificate),
        streaming: Streaming::open(&doors.staging, &settings.stream),
        data: data.to_owned(),
        is_held: hold == HoldJobs::Yes,
        audit: Arc::clone(&audit),
        logs: open::logs(data)?,
    });
    // The parts are new: nobody has set it before.
    let _ = service.parts.machine.set(Arc::new(OwnChecks::of(&service)));
    let begun = if service.is_held { Ok(()) } else { start_by_itself(&service) };
    let begun = begun.and_then(|()| start_watching(&service));
    begun.map_err(|source| no_thread("for schedules and alerts", source))?;
    let working = Arc::clone(&service);
    let watched = Arc::clone(&runner);
    Ok(RunningEngine {
        engine: service,
        people,
        audit,
        stop: Box::new(move || stop(&working, &runner)),
        silent_job: Arc::new(move || watched.silent_job()),
    })
}

/// What nobody has to ask for.
fn start_by_itself(service: &Arc<Service>) -> std::io::Result<()> {
    scheduler::start(service)?;
    auto_update::start(service)?;
    key_server::start(service)
}

fn stop(service: &Service, runner: &Runner) {
    service.scheduler.stop();
    service.auto_update.stop();
    service.key_server.stop();
    runner.stop();
    service.watch.worker.stop();
    service.health.stop();
    service.stop_log();
}

/// Takes up the jobs that were at work.
fn take_up(
    parts: &Arc<Parts>,
    changed: Arc<dyn Fn() + Send + Sync>,
    hold: HoldJobs,
) -> Result<Arc<Runner>, AppError> {
    let take_up = if hold == HoldJobs::Yes { TakeUp::Held } else { TakeUp::Going };
    Runner::start(Arc::clone(parts), changed, take_up).map_err(|error| AppError::Start {
        message: "the jobs cannot be taken up".to_owned(),
        next_step: error.failure().next_step,
        source: Some(Box::new(error)),
    })
}

fn start_watching(service: &Arc<Service>) -> std::io::Result<()> {
    watch::start(service)?;
    logs::start(service)?;
    service.health.start()
}

fn no_thread(purpose: &str, source: std::io::Error) -> AppError {
    AppError::Start {
        message: format!("no thread can be started {purpose}"),
        next_step: "Free memory, or raise the limit of threads; then start it again.".to_owned(),
        source: Some(Box::new(source)),
    }
}

/// Looks at the library, and notes in the catalog what is where. A library that does not answer is
/// a finding and no reason not to start.
fn look(parts: &Parts) {
    let Ok(inventory) = parts.equipment.inventory() else { return };
    if let Err(error) = inventory::note(parts, &inventory) {
        tracing::error!(%error, "the inventory could not be noted");
    }
}
