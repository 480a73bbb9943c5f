//! What every job is given: the parts of the appliance, its own number, ways to stop and to tell.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::Streaming;
use super::equipment::{Claimant, Equipment, Turn};
use super::error::JobError;
use super::self_test::MachineChecks;
use super::spec::JobProgress;
use crate::catalog::{Catalog, EventLevel, HowFar, JobEvent, Priority};
use crate::catalog_backup::KeptElsewhere;
use crate::domain::{Barcode, Clock, DriveSerial, JobId, RunId, SetName, VolumeUuid};
use crate::drive::WaitState;
use crate::keys::KeyStore;
use crate::stream::{Control, Gauges, Request};

/// Progress is stored in the catalog no more often than this; live figures are read from memory.
const STORE_INTERVAL: Duration = Duration::from_secs(2);

/// The parts that jobs work with.
#[derive(Debug)]
pub struct Parts {
    /// What is on which volume.
    pub catalog: Catalog,
    /// Drives and changer.
    pub equipment: Arc<Equipment>,
    /// What we sign with.
    pub keys: Arc<KeyStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where work files and off-tape copies are.
    pub folders: Folders,
    /// Parts that only the program around the jobs knows, for self-tests; set once it runs.
    pub machine: OnceLock<Arc<dyn MachineChecks>>,
    /// Buffers, engine, staging and rates of every stream.
    pub streaming: Streaming,
    /// The machine's name, for manifests.
    pub host: String,
    /// Other services that keep files of the appliance.
    pub elsewhere: Vec<Arc<dyn KeptElsewhere>>,
}

/// The folders below the data folder that jobs use.
#[derive(Clone, Debug)]
pub struct Folders {
    data: PathBuf,
}

impl Folders {
    /// Below `data`.
    #[must_use]
    pub fn below(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// The data folder.
    #[must_use]
    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// Scripts that run before and after backups.
    #[must_use]
    pub fn hooks(&self) -> PathBuf {
        self.data.join("hooks")
    }

    /// Work files of one job; removed when it has ended.
    #[must_use]
    pub fn job(&self, job: JobId) -> PathBuf {
        self.data.join("jobs").join(job.to_string())
    }

    /// Off-tape copies of a volume's indexes.
    #[must_use]
    pub fn indexes(&self, volume: VolumeUuid) -> PathBuf {
        self.data.join("indexes").join(volume.to_string())
    }

    /// Off-tape copies of manifests.
    #[must_use]
    pub fn manifests(&self, set: &SetName) -> PathBuf {
        self.data.join("manifests").join(set.as_str())
    }

    /// Signed records of what was read back.
    #[must_use]
    pub fn receipts(&self, run: &RunId) -> PathBuf {
        self.data.join("receipts").join(&run.0)
    }
}

/// Makes a folder with everything above it.
///
/// # Errors
/// If the system refuses.
pub(crate) fn make_folder(path: &Path) -> Result<(), JobError> {
    std::fs::create_dir_all(path).map_err(JobError::io("make the folder", path))
}

/// What stands between a job and the rest of the world while it runs.
#[derive(Debug)]
pub struct Live {
    /// Pause, go on, end.
    pub control: Arc<Control>,
    /// Figures of the data path.
    pub gauges: Arc<Gauges>,
    /// True if the data goes to tape.
    pub(super) is_writing: bool,
    /// A person may change it while the job waits.
    pub(super) priority: Mutex<Priority>,
    progress: Mutex<JobProgress>,
    stored_at: Mutex<Duration>,
    is_stopping: Arc<AtomicBool>,
    /// Steps of the job's own loop.
    steps: AtomicU64,
    /// Steps and bytes at the last look, and since when they have been the same.
    watched: Mutex<Option<(u64, Duration)>>,
}

impl Live {
    pub(super) fn new(
        is_stopping: Arc<AtomicBool>,
        is_writing: bool,
        priority: Priority,
    ) -> Arc<Self> {
        Arc::new(Self {
            control: Arc::new(Control::new()),
            gauges: Arc::new(Gauges::new()),
            is_writing,
            priority: Mutex::new(priority),
            progress: Mutex::new(JobProgress::default()),
            stored_at: Mutex::new(Duration::ZERO),
            is_stopping,
            steps: AtomicU64::new(0),
            watched: Mutex::default(),
        })
    }

    /// For how long the job has neither taken a step nor moved a byte, as far as this was looked at. A
    /// paused job stands still by order.
    pub(super) fn silent_for(&self, now: Duration) -> Duration {
        let figures = self.gauges.snapshot(now);
        let moved: u64 = figures.drives.iter().map(|drive| drive.bytes).sum();
        let marks = [moved, figures.source_bytes, figures.source_files];
        let mark = marks
            .iter()
            .fold(self.steps.load(Ordering::Relaxed), |sum, mark| sum.wrapping_add(*mark));
        let mut watched = self.watched.lock();
        let is_paused = self.control.request() == Request::Pause;
        let same_since = watched.filter(|(last, _)| *last == mark && !is_paused);
        let since = same_since.map_or(now, |(_, since)| since);
        *watched = Some((mark, since));
        now.saturating_sub(since)
    }

    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// How far the job is now.
    #[must_use]
    pub fn progress(&self) -> JobProgress {
        self.progress.lock().clone()
    }
}

/// What an event is about; kept with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A cartridge.
    Cartridge(Barcode),
    /// A drive.
    Drive(DriveSerial),
}

/// A signature on a tape is not that of what it stands beside, or is of a key that nobody here trusts.
pub const SIGNATURE_BAD: &str = "signature_bad";
/// A drive, or the way to it, failed in the course of a job.
pub const DRIVE_FAILED: &str = "drive_failed";

/// One job at work.
#[derive(Clone)]
pub struct JobContext {
    /// The parts of the appliance.
    pub parts: Arc<Parts>,
    /// The job.
    pub id: JobId,
    /// What others see and steer.
    pub live: Arc<Live>,
    pub(super) changed: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "JobContext({})", self.id)
    }
}

impl JobContext {
    /// True once the job must come to its next safe point and end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.live.step();
        self.live.control.is_cancelled()
    }

    /// True if the appliance is being stopped, and not the job by a person.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.live.is_stopping.load(Ordering::SeqCst)
    }

    /// A safe point between two steps: waits while the job is paused.
    pub fn safe_point(&self) {
        self.live.step();
        let _goes_on = self.live.control.checkpoint();
    }

    /// Says what the job is doing now.
    pub fn stage(&self, stage: &str, cartridge: Option<&Barcode>) {
        self.update(|progress| {
            stage.clone_into(&mut progress.stage);
            progress.cartridge = cartridge.cloned();
        });
        self.store_progress();
    }

    /// Changes the job's progress, and stores it now and then.
    pub fn update(&self, change: impl FnOnce(&mut JobProgress)) {
        change(&mut self.live.progress.lock());
        self.live.step();
        (self.changed)();
        let now = self.parts.clock.elapsed();
        let is_due = now.saturating_sub(*self.live.stored_at.lock()) >= STORE_INTERVAL;
        if is_due {
            self.store_progress();
        }
    }

    /// Stores the job's progress. A failure here is logged and harms nothing.
    pub fn store_progress(&self) {
        *self.live.stored_at.lock() = self.parts.clock.elapsed();
        let progress = self.live.progress();
        let now = self.parts.clock.now();
        let stored =
            serde_json::to_value(&progress).map_err(|error| error.to_string()).and_then(|value| {
                let catalog = &self.parts.catalog;
                catalog.set_job_progress(self.id, &value, now).map_err(|e| e.to_string())
            });
        if let Err(error) = stored {
            tracing::warn!(job = self.id.0, error, "progress was not stored");
        }
    }

    /// Stores from where the job goes on after an interruption.
    ///
    /// # Errors
    /// If the catalog cannot be written.
    pub fn checkpoint(&self, checkpoint: &impl serde::Serialize) -> Result<(), JobError> {
        self.parts.catalog.set_job_checkpoint(&self.how_far(checkpoint)?)?;
        Ok(())
    }

    /// The same to be stored together with what was found up to there.
    pub(super) fn how_far(&self, checkpoint: &impl serde::Serialize) -> Result<HowFar, JobError> {
        let json = |source| JobError::Json { what: "checkpoint", source };
        let progress = serde_json::to_value(self.live.progress()).map_err(json)?;
        let checkpoint = serde_json::to_value(checkpoint).map_err(json)?;
        Ok(HowFar { job: self.id, progress, checkpoint, at: self.parts.clock.now() })
    }

    /// Tells what happened, for those who follow and for the record.
    pub fn tell(&self, level: EventLevel, code: &str, message: impl Into<String>) {
        self.tell_about(level, code, message.into(), None);
    }

    /// The same about a cartridge or a drive: whoever watches is to know which.
    pub(super) fn tell_about(
        &self,
        level: EventLevel,
        code: &str,
        message: String,
        about: Option<About>,
    ) {
        self.live.step();
        match level {
            EventLevel::Error => tracing::error!(job = self.id.0, code, "{message}"),
            EventLevel::Warning => tracing::warn!(job = self.id.0, code, "{message}"),
            EventLevel::Info | EventLevel::Debug => {
                tracing::info!(job = self.id.0, code, "{message}");
            }
        }
        let content = about.and_then(|about| serde_json::to_value(about).ok());
        let event = JobEvent { level, code: code.to_owned(), message, content };
        let kept = self.parts.catalog.add_job_event(self.id, &event, self.parts.clock.now());
        if let Err(error) = kept {
            tracing::warn!(job = self.id.0, %error, "an event was not kept");
        }
        (self.changed)();
    }

    /// Says how long a drive has still to get ready.
    pub fn tell_wait(&self, wait: &WaitState) {
        self.update(|progress| {
            progress.stage = format!("waiting for the drive ({:?})", wait.reason)
        });
    }
}

impl Claimant for JobContext {
    fn is_stopped(&self) -> bool {
        Self::is_stopped(self)
    }

    fn job(&self) -> Option<JobId> {
        Some(self.id)
    }

    fn priority(&self) -> Priority {
        *self.live.priority.lock()
    }

    fn tell(&self, turn: Turn) {
        let stage = match turn {
            Turn::Waits => "waiting for a drive",
            Turn::Has => "loading",
        };
        self.update(|progress| stage.clone_into(&mut progress.stage));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_silent_only_while_it_neither_steps_nor_moves_bytes_nor_is_paused() {
        let live = Live::new(Arc::default(), true, Priority::default());
        let at = |hours: u64| Duration::from_secs(hours * 3600);
        assert_eq!(live.silent_for(at(100)), Duration::ZERO, "not looked at before");
        assert_eq!(live.silent_for(at(103)), at(3));
        live.step();
        assert_eq!(live.silent_for(at(104)), Duration::ZERO);
        assert_eq!(live.silent_for(at(105)), at(1));
        live.control.pause();
        assert_eq!(live.silent_for(at(200)), Duration::ZERO);
        live.control.resume();
        assert_eq!(live.silent_for(at(201)), at(1));
    }
}
