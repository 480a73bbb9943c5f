//! An appliance as `fossilsafe run` starts it, but for the API: with a cartridge for each copy, and drives
//! that may discard what they are given.
//!
//! Nothing is simplified: the jobs run on the [`Runner`], with catalog, manifests, signatures and
//! indexes. A job counts only if it did every file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::tree::{TreePlan, failed};
use crate::app::engine::virtual_equipment;
use crate::app::error::AppError;
use crate::catalog::{Catalog, OpenCheck};
use crate::domain::{Barcode, ByteCount, Clock, GIB, KIB, PoolName, SetName, SystemClock};
use crate::drive::ReservationKey;
use crate::jobs::spec::{
    BackupMode, BackupSpec, Compression, EraseConsent, Existing, FormatSpec, Hooks,
    MissingCartridge, Priority, RestoreSelection, RestoreSpec, VerifyScope, VerifySpec,
};
use crate::jobs::{
    Folders, JobEnd, JobError, JobSpec, JobState, Parts, Runner, Streaming, TakeUp, inventory, pool,
};
use crate::keys::{KeyStore, asked_groups};
use crate::pools::{Encryption, KeyPlace};
use crate::stream::StreamConfig;
use crate::vtl::{LibraryPlan, OpenOptions, Storage, VirtualLibrary};

/// Nobody else is there to tell it from.
pub(super) const BENCH_KEY: ReservationKey = ReservationKey(1);

const LIBRARY: &str = "library";
const DATA: &str = "data";
const SET: &str = "bench";
/// How often a job is looked at: an error of this much, in cases that take a hundred times as long.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
const NEXT_STEP: &str = "Run it again; if it stays, report it with the line above.";

/// How a backup stores what it reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct BackupPlan {
    pub(super) compression: Compression,
    /// Into an encrypted pool, which must have been made.
    pub(super) is_sealed: bool,
    pub(super) copies: u8,
}

impl Default for BackupPlan {
    fn default() -> Self {
        Self { compression: Compression::None, is_sealed: false, copies: 1 }
    }
}

/// A running appliance; its jobs stop when it is dropped.
#[derive(Debug)]
pub(super) struct Appliance {
    parts: Arc<Parts>,
    runner: Arc<Runner>,
    clock: Arc<dyn Clock>,
}

impl Appliance {
    /// Makes one in `folder`, with formatted cartridges for so many copies, on each of which a tree fits.
    pub(super) fn make(
        folder: &Path,
        tree: TreePlan,
        storage: Storage,
        copies: u8,
    ) -> Result<Self, AppError> {
        fs::create_dir(folder).map_err(failed("make", folder))?;
        let data = folder.join(DATA);
        fs::create_dir(&data).map_err(failed("make", &data))?;
        let plan = LibraryPlan::practice(u16::from(copies), capacity(tree));
        VirtualLibrary::create(&folder.join(LIBRARY), &plan)
            .map_err(|error| AppError::offline("cannot make a library", &error, NEXT_STEP))?;
        let appliance = Self::open(folder, storage)?;
        for number in 1..=copies {
            let barcode = barcode(number)?;
            let format = FormatSpec { barcode, volume_name: None, erase: EraseConsent::BlankOnly };
            appliance.complete(&JobSpec::Format(format))?;
        }
        Ok(appliance)
    }

    /// Opens the one in `folder`.
    pub(super) fn open(folder: &Path, storage: Storage) -> Result<Self, AppError> {
        let starting = |error: &dyn std::error::Error| {
            AppError::offline("cannot start an appliance", error, NEXT_STEP)
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let options = OpenOptions { storage, clock: Arc::clone(&clock), ..OpenOptions::default() };
        let library =
            VirtualLibrary::open(&folder.join(LIBRARY), options).map_err(|e| starting(&e))?;
        let data = folder.join(DATA);
        let catalog = Catalog::open(&data.join("catalog.db"), OpenCheck::WhenDue);
        let keys = KeyStore::open_or_create(&data.join("keys"), clock.as_ref());
        let stream = StreamConfig { clock: Arc::clone(&clock), ..StreamConfig::default() };
        let parts = Arc::new(Parts {
            catalog: catalog.map_err(|error| starting(&error))?,
            equipment: virtual_equipment(&library, BENCH_KEY, &clock)?,
            keys: Arc::new(keys.map_err(|error| starting(&error))?),
            clock: Arc::clone(&clock),
            folders: Folders::below(&data),
            machine: std::sync::OnceLock::new(),
            streaming: Streaming::new(stream, BTreeMap::new()),
            host: SET.to_owned(),
            elsewhere: Vec::new(),
        });
        let seen = parts.equipment.inventory().map_err(|error| starting(&error))?;
        inventory::note(&parts, &seen).map_err(|error| starting(&error))?;
        let runner = Runner::start(Arc::clone(&parts), Arc::new(|| {}), TakeUp::Going);
        let runner = runner.map_err(|error| starting(&error))?;
        Ok(Self { parts, runner, clock })
    }

    /// Makes the encrypted pool, as a person would who has printed the kit and typed it back.
    pub(super) fn make_pool(&self) -> Result<(), AppError> {
        let failed = |error: &dyn std::error::Error| {
            AppError::offline("cannot make an encrypted pool", error, NEXT_STEP)
        };
        let (ring, now) = (self.parts.keys.ring(), self.clock.now());
        let kit = ring.kit_to_print(now).map_err(|error| failed(&error))?;
        let text = kit.text();
        let groups: Vec<&str> = text.split('-').collect();
        let asked = asked_groups(kit.public().id());
        let typed = asked.iter().filter_map(|number| groups.get(number - 1));
        let typed: Vec<String> = typed.map(|group| (*group).to_owned()).collect();
        ring.confirm_kit(&typed, now).map_err(|error| failed(&error))?;
        let made = pool::create(&self.parts, pool_name()?, Encryption::Sealed, KeyPlace::Appliance);
        made.map(|_| ()).map_err(|error| failed(&error))
    }

    /// Backs up everything below `source`.
    pub(super) fn backup(
        &self,
        tree: TreePlan,
        source: &Path,
        plan: &BackupPlan,
    ) -> Result<(), AppError> {
        let spec = BackupSpec {
            set: set()?,
            paths: vec![source.to_owned()],
            mode: BackupMode::Full,
            exclude: Vec::new(),
            compression: plan.compression,
            cartridges: Vec::new(),
            copies: Some(plan.copies),
            pool: if plan.is_sealed { Some(pool_name()?) } else { None },
            index_interval: BackupSpec::default_index_interval(),
            hooks: Hooks::default(),
            priority: Priority::default(),
        };
        self.complete_all(&JobSpec::Backup(spec), tree)
    }

    /// Reads the backup again.
    pub(super) fn verify(&self, tree: TreePlan) -> Result<(), AppError> {
        let scope = VerifyScope::Set(set()?);
        self.complete_all(&JobSpec::Verify(VerifySpec::from(scope)), tree)
    }

    /// Restores the backup to `destination`.
    pub(super) fn restore(&self, tree: TreePlan, destination: &Path) -> Result<(), AppError> {
        let last = self.parts.catalog.last_ended_run(&set()?);
        let last = last.map_err(|error| AppError::offline("cannot restore", &error, NEXT_STEP))?;
        let Some(last) = last else { return Err(refused("there is no backup to restore")) };
        let spec = RestoreSpec {
            selection: RestoreSelection { run: last.run.run, paths: Vec::new() },
            destination: destination.to_owned(),
            existing: Existing::Keep,
            missing: MissingCartridge::Skip,
            priority: Priority::default(),
        };
        self.complete_all(&JobSpec::Restore(spec), tree)
    }

    /// Runs a job that must do every file.
    fn complete_all(&self, spec: &JobSpec, tree: TreePlan) -> Result<(), AppError> {
        let end = self.complete(spec)?;
        let files = end.outcome.as_ref().map_or(0, |outcome| outcome.files);
        if files < tree.files {
            let what = format!("{}: only {files} of {} files were done", spec.title(), tree.files);
            return Err(refused(&what));
        }
        Ok(())
    }

    /// Runs a job that must complete.
    fn complete(&self, spec: &JobSpec) -> Result<JobEnd, AppError> {
        let failed = |error: JobError| AppError::offline(&spec.title(), &error, NEXT_STEP);
        let job = self.runner.submit(spec).map_err(failed)?;
        let record = loop {
            self.clock.wait(LOOK_INTERVAL);
            if self.runner.progress(job).is_some() {
                continue;
            }
            let record = self.parts.catalog.job(job).map_err(|error| failed(error.into()))?;
            if record.state.is_final() || record.state == JobState::Waiting {
                break record;
            }
        };
        let end: JobEnd = match record.error {
            Some(value) => serde_json::from_value(value)
                .map_err(|error| AppError::offline(&spec.title(), &error, NEXT_STEP))?,
            None => JobEnd::default(),
        };
        if record.state != JobState::Completed {
            let state = record.state.as_str();
            return Err(refused(&format!("{} is {state}: {}", spec.title(), end.sentence())));
        }
        Ok(end)
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        self.runner.stop();
    }
}

/// Twice the tree, with room for the indexes on both partitions. Cartridges are sparse files.
fn capacity(tree: TreePlan) -> ByteCount {
    const INDEX_BYTES_PER_FILE: u64 = 32 * KIB;
    ByteCount(2 * tree.bytes() + tree.files * INDEX_BYTES_PER_FILE + GIB)
}

fn barcode(number: u8) -> Result<Barcode, AppError> {
    format!("FSP{number:03}L9")
        .parse()
        .map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))
}

fn set() -> Result<SetName, AppError> {
    SET.parse().map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))
}

fn pool_name() -> Result<PoolName, AppError> {
    SET.parse().map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))
}

fn refused(message: &str) -> AppError {
    AppError::Offline { message: message.to_owned(), next_step: NEXT_STEP.to_owned() }
}
