//! Runs jobs: one thread each, one owner of each state, nothing lost when the process dies.
//!
//! A job is in the catalog before it runs. A thread that ends writes down how; a process that dies
//! does not, so whatever is *running* at the next start is taken up again from its checkpoint. A panic
//! in a job is that job's failure. Drives are leased, so more jobs than drives simply wait.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use super::context::{About, DRIVE_FAILED, JobContext, Live, Parts};
use super::equipment::EquipmentError;
use super::error::{JobError, reserved_advice};
use super::hook::HookError;
use super::outcome::{Ending, Failure, JobEnd, Outcome};
use super::spec::{JobProgress, JobSpec, Need};
use super::{
    backup, calibration, catalog_backup, cleaning, format, hook, inventory, kit_drill, movement,
    rebuild, restore, self_test, verify,
};
use crate::catalog::{
    CatalogError, EventLevel, JobRecord, JobRequest, JobState, Priority, ScheduledStart,
};
use crate::domain::{Barcode, JobId};
use crate::drive::DriveErrorKind;

/// The kind of job that writes to tape; all others that move data read.
const BACKUP: &str = "backup";

/// The longest commands that jobs send are limited to four hours (`scsi::timeouts`: load and format),
/// and a job takes a step after each.
const SILENCE_MAX: Duration = Duration::from_secs(6 * 3600);

/// Runs the jobs of one appliance.
pub struct Runner {
    parts: Arc<Parts>,
    live: Mutex<HashMap<JobId, Arc<Live>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    is_stopping: Arc<AtomicBool>,
    changed: Arc<dyn Fn() + Send + Sync>,
    moved: Mutex<MovedBytes>,
    /// Cartridges that jobs had when the last process died.
    left: Mutex<HashMap<JobId, Barcode>>,
}

/// Bytes that went through the drives since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MovedBytes {
    /// To tape.
    pub written: u64,
    /// From tape.
    pub read: u64,
}

/// What becomes of jobs that were at work when the last process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeUp {
    /// They go on.
    Going,
    /// They stay queued, until a person lets one go on or the next start does.
    Held,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner").field("live", &self.live.lock().len()).finish_non_exhaustive()
    }
}

impl Runner {
    /// Takes up what the last process left as `take_up` says, and is ready for more. `changed` is called whenever a
    /// job's state, progress or events have changed.
    ///
    /// # Errors
    /// If the catalog cannot be read or written.
    pub fn start(
        parts: Arc<Parts>,
        changed: Arc<dyn Fn() + Send + Sync>,
        take_up: TakeUp,
    ) -> Result<Arc<Self>, JobError> {
        let runner = Arc::new(Self {
            parts,
            live: Mutex::default(),
            threads: Mutex::default(),
            is_stopping: Arc::default(),
            changed,
            moved: Mutex::default(),
            left: Mutex::default(),
        });
        let now = runner.parts.clock.now();
        runner.parts.catalog.requeue_interrupted_jobs(now)?;
        for job in runner.parts.catalog.jobs_in_state(JobState::Queued)? {
            let progress = serde_json::from_value::<JobProgress>(job.progress).unwrap_or_default();
            runner.left.lock().extend(progress.cartridge.map(|cartridge| (job.id, cartridge)));
            if take_up == TakeUp::Held {
                continue;
            }
            runner.launch(job.id)?;
        }
        Ok(runner)
    }

    /// Writes a job down and starts it.
    ///
    /// # Errors
    /// If the catalog cannot be written.
    pub fn submit(self: &Arc<Self>, spec: &JobSpec) -> Result<JobId, JobError> {
        let value = serde_json::to_value(spec)
            .map_err(|source| JobError::Json { what: "specification", source })?;
        let id = self.parts.catalog.create_job(spec.kind(), &value, self.parts.clock.now())?;
        self.launch(id)?;
        Ok(id)
    }

    /// The same for the moment of a schedule: job and moment are written down together.
    ///
    /// # Errors
    /// If the catalog cannot be written.
    pub fn submit_scheduled(
        self: &Arc<Self>,
        spec: &JobSpec,
        start: &ScheduledStart<'_>,
    ) -> Result<JobId, JobError> {
        let value = serde_json::to_value(spec)
            .map_err(|source| JobError::Json { what: "specification", source })?;
        let now = self.parts.clock.now();
        let id = self.parts.catalog.create_scheduled_job(spec.kind(), &value, now, start)?;
        self.launch(id)?;
        Ok(id)
    }

    /// Asks a job to pause at its next safe point. A job that is not at work stays as it is.
    ///
    /// # Errors
    /// If the job does not exist, has ended, or the catalog cannot be written.
    pub fn pause(&self, id: JobId) -> Result<(), JobError> {
        self.note(id, Some(JobRequest::Pause))?;
        if let Some(live) = self.live.lock().get(&id) {
            live.control.pause();
            self.parts.catalog.set_job_state(id, JobState::Paused, None, self.parts.clock.now())?;
        }
        (self.changed)();
        Ok(())
    }

    /// Lets a job go on: after a pause, or when what it needed has been done.
    ///
    /// # Errors
    /// If the job does not exist, has ended, or the catalog cannot be written.
    pub fn resume(self: &Arc<Self>, id: JobId) -> Result<(), JobError> {
        self.note(id, None)?;
        let live_jobs = self.live.lock();
        if let Some(live) = live_jobs.get(&id) {
            let now = self.parts.clock.now();
            self.parts.catalog.set_job_state(id, JobState::Running, None, now)?;
            live.control.resume();
        } else {
            drop(live_jobs);
            self.launch(id)?;
        }
        (self.changed)();
        Ok(())
    }

    /// Lets the jobs go on that wait for a key which the key server gives again; which these are. It is asked once a
    /// key, and blocks for as long.
    ///
    /// # Errors
    /// If the catalog cannot be read or written.
    pub fn resume_with_keys(self: &Arc<Self>) -> Result<Vec<JobId>, JobError> {
        let mut given = HashMap::new();
        let mut resumed = Vec::new();
        for job in self.parts.catalog.jobs_in_state(JobState::Waiting)? {
            let end = job.error.and_then(|end| serde_json::from_value::<JobEnd>(end).ok());
            let Some(Need::KeyServer { key, .. }) = end.and_then(|end| end.need) else { continue };
            let ring = self.parts.keys.ring();
            let is_given = *given.entry(key).or_insert_with(|| ring.open_key(key).is_ok());
            // What a person has asked for meanwhile counts more.
            if is_given && job.request.is_none() {
                self.resume(job.id)?;
                resumed.push(job.id);
            }
        }
        Ok(resumed)
    }

    /// Ends a job at its next safe point.
    ///
    /// # Errors
    /// If the job does not exist, has ended, or the catalog cannot be written.
    pub fn cancel(self: &Arc<Self>, id: JobId) -> Result<(), JobError> {
        self.note(id, Some(JobRequest::Cancel))?;
        let live_jobs = self.live.lock();
        if let Some(live) = live_jobs.get(&id) {
            live.control.cancel();
        } else if hook::is_owed(&self.parts.catalog.job(id)?) {
            drop(live_jobs);
            self.launch(id)?;
        } else {
            let now = self.parts.clock.now();
            self.parts.catalog.set_job_state(id, JobState::Cancelled, None, now)?;
        }
        (self.changed)();
        Ok(())
    }

    /// Says when a job has its turn among those that wait for a drive.
    ///
    /// # Errors
    /// If the job does not exist, has ended, or the catalog cannot be written.
    pub fn prioritise(&self, id: JobId, priority: Priority) -> Result<(), JobError> {
        let live_jobs = self.live.lock();
        self.parts.catalog.set_job_priority(id, priority, self.parts.clock.now())?;
        if let Some(live) = live_jobs.get(&id) {
            *live.priority.lock() = priority;
        }
        drop(live_jobs);
        self.parts.equipment.prioritise(id, priority);
        (self.changed)();
        Ok(())
    }

    /// Live progress and figures of a job that is at work.
    #[must_use]
    pub fn progress(&self, id: JobId) -> Option<JobProgress> {
        let live = self.live(id)?;
        let mut progress = live.progress();
        let figures = live.gauges.snapshot(self.parts.clock.elapsed());
        progress.stream = serde_json::to_value(figures).ok();
        Some(progress)
    }

    /// A job that has not shown a sign of life for longer than any command of a drive may take. Asked
    /// again and again: what was not looked at counts as alive.
    #[must_use]
    pub fn silent_job(&self) -> Option<JobId> {
        let now = self.parts.clock.elapsed();
        let live_jobs = self.live.lock();
        let mut silent = live_jobs.iter().filter(|(_, live)| live.silent_for(now) > SILENCE_MAX);
        silent.next().map(|(id, _)| *id)
    }

    /// Brings every job to its next safe point and waits for it. Jobs go on at the next start.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        for live in self.live.lock().values() {
            live.control.cancel();
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A job's panic was caught and written down by its own thread.
            let _ = thread.join();
        }
    }

    /// Takes a job that has ended out of the live ones and `write`s its state, in one step for those who
    /// pause, resume or cancel it meanwhile.
    fn forget(&self, context: &JobContext, write: impl FnOnce() -> Result<(), CatalogError>) {
        let mut live_jobs = self.live.lock();
        if let Err(error) = write() {
            tracing::error!(job = context.id.0, %error, "the end of the job could not be written");
        }
        if let Some(live) = live_jobs.remove(&context.id) {
            self.moved.lock().add(&live, self.parts.clock.elapsed());
        }
    }

    fn live(&self, id: JobId) -> Option<Arc<Live>> {
        self.live.lock().get(&id).cloned()
    }

    fn note(&self, id: JobId, request: Option<JobRequest>) -> Result<(), JobError> {
        let record = self.parts.catalog.job(id)?;
        if record.state.is_final() {
            let to = match request {
                Some(JobRequest::Pause) => JobState::Paused,
                Some(JobRequest::Cancel) => JobState::Cancelled,
                Some(JobRequest::Resume) | None => JobState::Running,
            };
            let (from, to) = (record.state.as_str(), to.as_str());
            let subject = crate::catalog::Subject::Job(id);
            return Err(CatalogError::Transition { subject, from, to }.into());
        }
        self.parts.catalog.set_job_request(id, request, self.parts.clock.now())?;
        Ok(())
    }

    fn launch(self: &Arc<Self>, id: JobId) -> Result<(), JobError> {
        let mut live_jobs = self.live.lock();
        if live_jobs.contains_key(&id) || self.is_stopping.load(Ordering::SeqCst) {
            return Ok(());
        }
        let record = self.parts.catalog.job(id)?;
        let priority = priority_of(&record);
        let live = Live::new(Arc::clone(&self.is_stopping), record.kind == BACKUP, priority);
        // Asked for and not obeyed yet: it only comes to its end.
        if record.request == Some(JobRequest::Cancel) {
            live.control.cancel();
        }
        let now = self.parts.clock.now();
        self.parts.catalog.set_job_state(id, JobState::Running, None, now)?;
        let context = JobContext {
            parts: Arc::clone(&self.parts),
            id,
            live: Arc::clone(&live),
            changed: Arc::clone(&self.changed),
        };
        let runner = Arc::clone(self);
        let thread = std::thread::Builder::new().name(format!("job-{id}"));
        let spawned = thread.spawn(move || runner.work(&context));
        let handle =
            spawned.map_err(JobError::io("start a thread for", std::path::Path::new("the job")))?;
        live_jobs.insert(id, live);
        let mut threads = self.threads.lock();
        threads.retain(|thread| !thread.is_finished());
        threads.push(handle);
        Ok(())
    }

    fn work(&self, context: &JobContext) {
        context.tell(EventLevel::Info, "running", "the job is running");
        let ended = catch_unwind(AssertUnwindSafe(|| execute(context)));
        let ended = ended.unwrap_or_else(|panic| {
            let what = panic.downcast_ref::<String>().cloned();
            let what = what.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Err(JobError::Bug(what.unwrap_or_else(|| "a panic".to_owned())))
        });
        if !context.is_interrupted() {
            self.put_away_left(context);
        }
        let ended = of_others(stopped_while_waiting(context, ended));
        self.parts.keys.ring().close_unused();
        self.write_end(context, hook::after(context, ended));
        (self.changed)();
    }

    /// A job that had nothing more to do with its cartridge than to put it away does not load it again
    /// when it is taken up: it is put away here.
    fn put_away_left(&self, context: &JobContext) {
        let Some(barcode) = self.left.lock().remove(&context.id) else { return };
        if let Err(error) = context.parts.equipment.put_away_left(&barcode, context.id) {
            let message = format!("cartridge {barcode} could not be put away: {error}");
            context.tell(EventLevel::Warning, "put_away", message);
        }
    }

    /// Bytes that went through the drives since the start, jobs at work included.
    #[must_use]
    pub fn moved_bytes(&self) -> MovedBytes {
        let mut moved = *self.moved.lock();
        for live in self.live.lock().values() {
            moved.add(live, self.parts.clock.elapsed());
        }
        moved
    }

    fn write_end(&self, context: &JobContext, ended: Result<Ending, JobError>) {
        let (state, end, level, message) = match ended {
            Ok(Ending::Interrupted) => {
                context.tell(EventLevel::Info, "interrupted", "goes on at the next start");
                context.store_progress();
                self.forget(context, || Ok(()));
                return;
            }
            Ok(ending) => {
                let state = ending.state();
                let end = JobEnd::of(ending);
                let level = if state == JobState::Completed {
                    EventLevel::Info
                } else {
                    EventLevel::Warning
                };
                let message = end.sentence();
                (state, end, level, message)
            }
            Err(error) => {
                tell_of_drive(context, &error);
                let failure: Failure = error.failure();
                let message = format!("{} {}", failure.message, failure.next_step);
                let end = JobEnd { failure: Some(failure), ..JobEnd::default() };
                (JobState::Failed, end, EventLevel::Error, message)
            }
        };
        context.store_progress();
        // Told first: who sees the job ended has then seen all its events.
        context.tell(level, state.as_str(), message);
        let value = serde_json::to_value(&end).ok();
        let now = self.parts.clock.now();
        self.forget(context, || {
            self.parts.catalog.set_job_state(context.id, state, value.as_ref(), now)
        });
        if state.is_final() && state != JobState::Failed {
            let folder = self.parts.folders.job(context.id);
            if folder.exists()
                && let Err(error) = std::fs::remove_dir_all(&folder)
            {
                tracing::warn!(%error, "{} was not removed", folder.display());
            }
        }
    }
}

impl MovedBytes {
    fn add(&mut self, live: &Live, now: Duration) {
        let drives = live.gauges.snapshot(now).drives;
        let bytes: u64 = drives.iter().map(|drive| drive.bytes).sum();
        if live.is_writing { self.written += bytes } else { self.read += bytes }
    }
}

/// The specification of a job that the catalog keeps.
///
/// # Errors
/// If it was written by a release that knows more.
pub fn spec_of(record: &JobRecord) -> Result<JobSpec, JobError> {
    serde_json::from_value(record.spec.clone())
        .map_err(|source| JobError::Json { what: "specification", source })
}

/// Whose turn it is: as a person has said last, or as it was asked for.
#[must_use]
pub fn priority_of(record: &JobRecord) -> Priority {
    let asked = || spec_of(record).map(|spec| spec.priority()).unwrap_or_default();
    record.priority.unwrap_or_else(asked)
}

/// A job that was told to stop while it waited for a drive has not failed.
fn stopped_while_waiting(
    context: &JobContext,
    ended: Result<Ending, JobError>,
) -> Result<Ending, JobError> {
    match ended {
        Err(JobError::Equipment(EquipmentError::Stopped) | JobError::Hook(HookError::Stopped))
            if context.is_interrupted() =>
        {
            Ok(Ending::Interrupted)
        }
        Err(JobError::Hook(HookError::Stopped)) => {
            let sentence = "cancelled before anything was read".to_owned();
            Ok(Ending::Cancelled(Outcome { sentence, ..Outcome::default() }))
        }
        Err(JobError::Equipment(EquipmentError::Stopped)) => {
            let sentence = "cancelled before it had a drive".to_owned();
            Ok(Ending::Cancelled(Outcome { sentence, ..Outcome::default() }))
        }
        other => other,
    }
}

/// A drive that another host has reserved is no failure of the job: it waits for a person. Nor is a key that the key
/// server does not give: it waits for that.
fn of_others(ended: Result<Ending, JobError>) -> Result<Ending, JobError> {
    let Err(error) = ended else { return ended };
    if let Some((key, advice)) = error.key_server() {
        let message = format!("{error}. {advice}");
        return Ok(Ending::Waiting(Need::KeyServer { key, message }, Outcome::default()));
    }
    match error.drive().and_then(reserved_advice) {
        Some(advice) => {
            let message = format!("{error}. {advice}");
            Ok(Ending::Waiting(Need::Attention { message }, Outcome::default()))
        }
        None => Err(error),
    }
}

fn execute(context: &JobContext) -> Result<Ending, JobError> {
    let record = context.parts.catalog.job(context.id)?;
    let spec = spec_of(&record)?;
    let needs_drive = !matches!(spec, JobSpec::CatalogBackup(_) | JobSpec::SelfTest(_));
    if needs_drive && !context.parts.equipment.is_there() {
        context.stage("waiting for a tape drive to be connected", None);
        context.parts.equipment.wait_until_there(&|| context.is_stopped())?;
    }
    match spec {
        JobSpec::Format(spec) => format::run(context, &spec),
        JobSpec::Inventory => inventory::run(context),
        JobSpec::Move(spec) => movement::run(context, spec),
        JobSpec::Backup(spec) => {
            hook::before(context, &spec, record.checkpoint.as_ref())?;
            backup::run(context, &spec, record.checkpoint)
        }
        JobSpec::Verify(spec) => verify::run(context, &spec),
        JobSpec::Restore(spec) => restore::run(context, &spec),
        JobSpec::Rebuild(spec) => rebuild::run(context, &spec),
        JobSpec::CatalogBackup(spec) => catalog_backup::run(context, &spec),
        JobSpec::Clean(spec) => cleaning::run(context, &spec),
        JobSpec::KitDrill(spec) => kit_drill::run(context, &spec),
        JobSpec::SelfTest(spec) => self_test::run(context, &spec),
        JobSpec::Calibrate(spec) => calibration::run(context, &spec),
    }
}

/// A drive that has failed is named in an event of its own: one that fails again and again is told of.
fn tell_of_drive(context: &JobContext, error: &JobError) {
    let failed = error.drive().filter(|error| error.kind() == DriveErrorKind::DriveBad);
    if let Some(error) = failed {
        let about = Some(About::Drive(error.drive().clone()));
        context.tell_about(EventLevel::Error, DRIVE_FAILED, error.to_string(), about);
    }
}
