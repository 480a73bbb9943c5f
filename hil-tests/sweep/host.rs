//! One life of the appliance: catalog, keys, equipment and runner of the product on a wire to the library.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fossilsafe::catalog::{Catalog, OpenCheck};
use fossilsafe::changer::Changer;
use fossilsafe::domain::{Clock, JobId, MIB, VirtualClock};
use fossilsafe::drive::ReservationKey;
use fossilsafe::jobs::equipment::{DriveBay, Equipment};
use fossilsafe::jobs::{Folders, JobEnd, JobSpec, JobState, Parts, Runner, Streaming, TakeUp};
use fossilsafe::keys::KeyStore;
use fossilsafe::stream::StreamConfig;
use fossilsafe::vtl::{Device, VirtualLibrary};
use parking_lot::{Condvar, Mutex};

use crate::wire::Wire;

/// A job that works longer than this hangs. The clock is virtual: nothing waits.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// An hour: no two jobs begin at the same moment.
const BETWEEN_JOBS: Duration = Duration::from_secs(3600);

/// Why a step of the sweep could not be done: a finding.
pub(crate) type Failed = Box<dyn std::error::Error>;

/// An appliance that runs.
pub(crate) struct Host {
    pub(crate) parts: Arc<Parts>,
    pub(crate) wire: Arc<Wire>,
    clock: Arc<VirtualClock>,
    runner: Option<Arc<Runner>>,
    changes: Arc<Changes>,
}

#[derive(Default)]
struct Changes {
    count: Mutex<u64>,
    changed: Condvar,
}

/// How a job ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) state: JobState,
    pub(crate) end: JobEnd,
}

impl Host {
    /// Opens everything, and takes no job up yet.
    pub(crate) fn open(
        folder: &Path,
        library: &VirtualLibrary,
        wire: Arc<Wire>,
        clock: &Arc<VirtualClock>,
    ) -> Result<Self, Failed> {
        let data = folder.join("data");
        std::fs::create_dir_all(&data)?;
        crate::storage::watch(&data, &wire);
        let time: Arc<dyn Clock> = clock.clone();
        let bays = (0..library.drive_count()).map(|index| {
            let wire = Arc::clone(&wire);
            let connect = Box::new(move || Ok(wire.lead_to(Device::Drive(index))));
            DriveBay::discover(connect, &time)
        });
        let bays = bays.collect::<Result<Vec<_>, _>>()?;
        let changer = Changer::open(wire.lead_to(Device::Changer))?;
        let stream = StreamConfig {
            ram_bytes: 16 * MIB,
            worker_count: 1,
            clock: time.clone(),
            ..StreamConfig::default()
        };
        let keys = KeyStore::open_or_create(&data.join("keys"), time.as_ref())?;
        let key = ReservationKey(keys.key_id().number());
        let parts = Arc::new(Parts {
            catalog: Catalog::open(&data.join("catalog.db"), OpenCheck::WhenDue)?,
            equipment: Equipment::new(Some(changer), bays, key, time.clone()),
            keys: Arc::new(keys),
            clock: time,
            folders: Folders::below(&data),
            machine: std::sync::OnceLock::new(),
            streaming: Streaming::new(stream, BTreeMap::new()),
            host: "sweep".to_owned(),
            elsewhere: Vec::new(),
        });
        Ok(Self { parts, wire, clock: clock.clone(), runner: None, changes: Arc::default() })
    }

    /// Takes up what the last life left.
    pub(crate) fn start(&mut self) -> Result<(), Failed> {
        let changes = Arc::clone(&self.changes);
        let changed = Arc::new(move || {
            *changes.count.lock() += 1;
            changes.changed.notify_all();
        });
        self.runner = Some(Runner::start(Arc::clone(&self.parts), changed, TakeUp::Going)?);
        Ok(())
    }

    /// Ends every thread of it.
    pub(crate) fn stop(&mut self) {
        if let Some(runner) = self.runner.take() {
            runner.stop();
        }
    }

    fn runner(&self) -> Result<&Arc<Runner>, Failed> {
        self.runner.as_ref().ok_or_else(|| "the host was not started".into())
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.parts.catalog
    }

    pub(crate) fn submit(&self, spec: &JobSpec) -> Result<JobId, Failed> {
        self.clock.advance(BETWEEN_JOBS);
        Ok(self.runner()?.submit(spec)?)
    }

    pub(crate) fn resume(&self, job: JobId) -> Result<(), Failed> {
        Ok(self.runner()?.resume(job)?)
    }

    pub(crate) fn cancel(&self, job: JobId) -> Result<(), Failed> {
        Ok(self.runner()?.cancel(job)?)
    }

    /// Waits until a job has ended, waits itself for a person, or the host is dead.
    pub(crate) fn wait(&self, job: JobId) -> Result<Option<Ended>, Failed> {
        let begun = Instant::now();
        loop {
            let seen = *self.changes.count.lock();
            if self.wire.is_dead() {
                return Ok(None);
            }
            // A host that dies while it is asked has no answer.
            let record = match self.catalog().job(job) {
                Err(_) if self.wire.is_dead() => return Ok(None),
                record => record?,
            };
            let is_at_rest = record.state.is_final() || record.state == JobState::Waiting;
            if is_at_rest && self.runner()?.progress(job).is_none() {
                let end = record.error.map(serde_json::from_value).transpose()?;
                return Ok(Some(Ended { state: record.state, end: end.unwrap_or_default() }));
            }
            if begun.elapsed() > WAIT_MAX {
                return Err(format!("job {job} hangs in state {:?}", record.state).into());
            }
            let mut count = self.changes.count.lock();
            if *count == seen {
                self.changes.changed.wait_for(&mut count, Duration::from_millis(200));
            }
        }
    }

    /// What a job told, a line each.
    pub(crate) fn told(&self, job: JobId) -> String {
        let events = self.catalog().events_after(0, Some(job), 1000).unwrap_or_default();
        let lines = events.iter().map(|e| format!("    {} {}", e.event.code, e.event.message));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Adds the file to an error of the system.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Failed {
    let path = path.to_owned();
    move |error| format!("{}: {error}", path.display()).into()
}
