//! An engine of a few lines of memory, for tests of HTTP and of the command line.
//!
//! It keeps jobs and events, and refuses or invents everything else: each kind of refusal is answered
//! by one of its calls. Nothing moves by itself; tests move jobs with [`Memory::enter`].

mod cartridge_book;
mod key_server;
mod log_book;
mod upkeep;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::engine::{Engine, EngineError, EngineErrorKind};
use super::server::Serving;
use super::types::{
    AlertFilter, AlertView, CartridgeFilter, CartridgeView, CatalogBackupView, CatalogCheck,
    ChannelRequest, ChannelTest, ChannelView, CreatePoolRequest, DeliveryView, DiagnosticsBundle,
    DriveHealthView, EngineFigures, EventLevel, EventsRequest, EvidenceScope, EvidenceTable,
    ExpiredView, FileHit, FileVersion, FolderEntry, HealthStatus, HealthView, InstallUpdateRequest,
    JobAction, JobEvent, JobFilter, JobView, KitsView, LibraryView, OpenedKeys, Page, PageRequest,
    PoolView, PrintedKit, ProgressView, ReservationView, RestartRequest, RestorePlan, RunFilter,
    RunView, ScheduleEventView, SchedulePlan, ScheduleView, SearchRequest, SetView,
    SettingsDocument, SettingsImport, SourceRequest, SourceState, StatusView, TakeDriveRequest,
    UpdateChannelRequest, UpdatesState, VersionsRequest, WindowView,
};
use crate::audit::AuditLog;
use crate::domain::{
    Barcode, DriveSerial, JobId, PoolName, RunId, SetName, SourceName, Timestamp, VirtualClock,
};
use crate::jobs::backup::BackupEstimate;
use crate::jobs::spec::{BackupSpec, Priority, RestoreSpec};
use crate::jobs::{JobSpec, JobState};
use crate::keys::{KeyId, KeyStore};
use crate::people::People;
use crate::pools::Retention;
use crate::schedules::MaintenanceWindow;

/// Jobs and events in memory; everything else is unknown.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) jobs: Mutex<Vec<JobView>>,
    events: Mutex<Vec<JobEvent>>,
    pub(crate) searched: Mutex<Option<SearchRequest>>,
    changes: watch::Sender<u64>,
}

fn unknown<T>(what: &str) -> Result<T, EngineError> {
    Err(EngineError::new(EngineErrorKind::NotFound, "unknown", what, "Look at the list."))
}

/// What a server answers from, with people of its own in `folder`.
pub(crate) fn serving(engine: &Arc<Memory>, folder: &Path, clock: &Arc<VirtualClock>) -> Serving {
    let people = People::open(folder, Arc::<VirtualClock>::clone(clock)).unwrap();
    let keys = KeyStore::open_or_create(&folder.join("keys"), &**clock).unwrap();
    let audit = AuditLog::open(folder, Arc::new(keys), Arc::<VirtualClock>::clone(clock)).unwrap();
    Serving {
        audit: Arc::new(audit),
        engine: Arc::<Memory>::clone(engine),
        people: Arc::new(people),
        clock: Arc::<VirtualClock>::clone(clock),
    }
}

impl Memory {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            jobs: Mutex::default(),
            events: Mutex::default(),
            searched: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Moves a job and keeps an event of it.
    pub(crate) fn enter(&self, id: JobId, state: JobState) {
        if let Some(job) = self.jobs.lock().iter_mut().find(|job| job.id == id) {
            job.state = state;
            job.allowed_actions = JobAction::allowed_in(state);
        }
        let mut events = self.events.lock();
        let number = i64::try_from(events.len()).unwrap() + 1;
        events.push(JobEvent {
            id: number,
            job: id,
            at: Timestamp::default(),
            level: EventLevel::Info,
            state: Some(state),
            message: format!("job {id} is {state}"),
        });
        drop(events);
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Engine for Memory {
    fn health(&self) -> HealthView {
        HealthView {
            status: HealthStatus::Failed,
            sentence: "no library".to_owned(),
            jobs_active: 0,
            jobs_waiting: 0,
            findings: Vec::new(),
        }
    }

    fn figures(&self) -> Result<EngineFigures, EngineError> {
        let mut figures = EngineFigures { written_bytes_total: 7, ..EngineFigures::default() };
        figures.jobs.insert("running".to_owned(), 2);
        Ok(figures)
    }

    fn library(&self) -> Result<LibraryView, EngineError> {
        panic!("the library fell over");
    }

    fn reservation(&self, drive: &DriveSerial) -> Result<ReservationView, EngineError> {
        unknown(&format!("There is no drive {drive}."))
    }

    fn drive_health(&self, drive: &DriveSerial) -> Result<DriveHealthView, EngineError> {
        unknown(&format!("There is no drive {drive}."))
    }

    fn take_drive(
        &self,
        drive: &DriveSerial,
        request: &TakeDriveRequest,
    ) -> Result<ReservationView, EngineError> {
        unknown(&format!("{} does not hold drive {drive}.", request.take_from))
    }

    fn cartridges(
        &self,
        _: &CartridgeFilter,
        page: &PageRequest,
    ) -> Result<Page<CartridgeView>, EngineError> {
        Ok(Page { items: Vec::new(), next: Some(format!("{}+", page.limit)) })
    }

    fn cartridge(&self, barcode: &Barcode) -> Result<CartridgeView, EngineError> {
        unknown(&format!("There is no cartridge {barcode}."))
    }

    fn sets(&self, _: &PageRequest) -> Result<Page<SetView>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn set(&self, name: &SetName) -> Result<SetView, EngineError> {
        unknown(&format!("There is no set {name}."))
    }

    fn runs(&self, _: &RunFilter, _: &PageRequest) -> Result<Page<RunView>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn run(&self, run: &RunId) -> Result<RunView, EngineError> {
        unknown(&format!("There is no run {run}."))
    }

    fn search(&self, request: &SearchRequest) -> Result<Page<FileHit>, EngineError> {
        *self.searched.lock() = Some(request.clone());
        Ok(Page::whole(Vec::new()))
    }

    fn versions(&self, _: &VersionsRequest) -> Result<Page<FileVersion>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn plan_restore(&self, spec: &RestoreSpec) -> Result<RestorePlan, EngineError> {
        self.run(&spec.selection.run).map(|_| unreachable!("no run is known"))
    }

    fn estimate_backup(&self, spec: &BackupSpec) -> Result<BackupEstimate, EngineError> {
        unknown(&format!("There is no source for set {}.", spec.set))
    }

    fn evidence(&self, _: &EvidenceScope) -> Result<EvidenceTable, EngineError> {
        let step = "Put cartridge FSP001L9 in.";
        Err(EngineError::new(EngineErrorKind::NeedsOperator, "cartridge_absent", "Absent.", step))
    }

    fn pools(&self) -> Result<Vec<PoolView>, EngineError> {
        Ok(Vec::new())
    }

    fn create_pool(&self, request: &CreatePoolRequest) -> Result<PoolView, EngineError> {
        unknown(&format!("There is no room for pool {}.", request.name))
    }

    fn rotate_pool(&self, name: &PoolName) -> Result<PoolView, EngineError> {
        unknown(&format!("There is no pool {name}."))
    }

    fn kits(&self) -> Result<KitsView, EngineError> {
        Ok(KitsView { kits: Vec::new(), keys: Vec::new(), keys_waiting: Vec::new() })
    }

    fn print_kit(&self) -> Result<PrintedKit, EngineError> {
        unknown("There is no printer.")
    }

    fn confirm_kit(&self, _: &[String]) -> Result<KitsView, EngineError> {
        self.kits()
    }

    fn drill_kit(&self, _: &str) -> Result<OpenedKeys, EngineError> {
        unknown("There is no kit.")
    }

    fn drill_on_tape(&self, _: &str, _: Option<Barcode>) -> Result<JobView, EngineError> {
        unknown("There is no kit.")
    }

    fn open_keys(&self, _: &str) -> Result<OpenedKeys, EngineError> {
        unknown("There is no kit.")
    }

    fn retire_kit(&self, _: KeyId) -> Result<KitsView, EngineError> {
        self.kits()
    }

    fn set_retention(&self, _: &PoolName, _: Option<Retention>) -> Result<PoolView, EngineError> {
        unknown("that")
    }

    fn expired(&self, _: &PoolName) -> Result<ExpiredView, EngineError> {
        unknown("that")
    }

    fn settings(&self) -> Result<SettingsDocument, EngineError> {
        unknown("that")
    }

    fn import_settings(
        &self,
        _: &SettingsDocument,
        _: bool,
    ) -> Result<SettingsImport, EngineError> {
        unknown("that")
    }

    fn catalog_backups(&self, _: &Path) -> Result<Vec<CatalogBackupView>, EngineError> {
        Ok(Vec::new())
    }

    fn check_catalog(&self) -> Result<CatalogCheck, EngineError> {
        let step = "Rebuild it.";
        Err(EngineError::new(EngineErrorKind::Corrupt, "catalog_corrupt", "Damaged.", step))
    }

    fn start(&self, spec: JobSpec) -> Result<JobView, EngineError> {
        let id = JobId(i64::try_from(self.jobs.lock().len()).unwrap() + 1);
        let view = JobView {
            id,
            kind: spec.kind().to_owned(),
            state: JobState::Queued,
            title: spec.title(),
            priority: spec.priority(),
            spec,
            created: Timestamp::default(),
            started: None,
            ended: None,
            progress: ProgressView::default(),
            need: None,
            outcome: None,
            error: None,
            allowed_actions: JobAction::allowed_in(JobState::Queued),
        };
        self.jobs.lock().push(view.clone());
        Ok(view)
    }

    fn jobs(&self, filter: &JobFilter, _: &PageRequest) -> Result<Page<JobView>, EngineError> {
        let jobs = self.jobs.lock();
        let wanted = jobs.iter().filter(|job| !filter.is_active || !job.state.is_final());
        Ok(Page::whole(wanted.cloned().collect()))
    }

    fn job(&self, id: JobId) -> Result<JobView, EngineError> {
        let found = self.jobs.lock().iter().find(|job| job.id == id).cloned();
        found.map_or_else(|| unknown(&format!("There is no job {id}.")), Ok)
    }

    fn control(&self, id: JobId, action: JobAction) -> Result<JobView, EngineError> {
        let job = self.job(id)?;
        if job.allowed_actions.contains(&action) {
            self.enter(id, JobState::Cancelled);
            return self.job(id);
        }
        let message = format!("Job {id} is {} and cannot {}.", job.state, action.name());
        Err(EngineError::new(EngineErrorKind::Conflict, "job_state", message, "Wait."))
    }

    fn prioritise(&self, id: JobId, priority: Priority) -> Result<JobView, EngineError> {
        let mut jobs = self.jobs.lock();
        match jobs.iter_mut().find(|job| job.id == id) {
            Some(job) => {
                job.priority = priority;
                Ok(job.clone())
            }
            None => unknown(&format!("There is no job {id}.")),
        }
    }

    fn events(&self, request: &EventsRequest) -> Result<Vec<JobEvent>, EngineError> {
        let events = self.events.lock();
        let is_wanted = |event: &&JobEvent| {
            event.id > request.after && request.job.is_none_or(|job| job == event.job)
        };
        Ok(events.iter().filter(is_wanted).take(request.limit).cloned().collect())
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn schedules(&self, _page: &PageRequest) -> Result<Page<ScheduleView>, EngineError> {
        unknown("no schedules")
    }

    fn schedule(&self, name: &str) -> Result<ScheduleView, EngineError> {
        unknown(name)
    }

    fn create_schedule(&self, name: &str, _: &SchedulePlan) -> Result<ScheduleView, EngineError> {
        unknown(name)
    }

    fn change_schedule(&self, name: &str, _: &SchedulePlan) -> Result<ScheduleView, EngineError> {
        unknown(name)
    }

    fn enable_schedule(&self, name: &str, _: bool) -> Result<ScheduleView, EngineError> {
        unknown(name)
    }

    fn sources(&self) -> Result<Vec<SourceState>, EngineError> {
        Ok(Vec::new())
    }

    fn put_source(&self, name: &SourceName, _: SourceRequest) -> Result<SourceState, EngineError> {
        unknown(name.as_str())
    }

    fn remove_source(&self, name: &SourceName) -> Result<(), EngineError> {
        unknown(name.as_str())
    }

    fn mount_source(&self, name: &SourceName) -> Result<SourceState, EngineError> {
        unknown(name.as_str())
    }

    fn updates(&self) -> Result<UpdatesState, EngineError> {
        let instead = "Nothing is updated here.".to_owned();
        Ok(UpdatesState::without_slots(crate::system::Version::of_program(), instead))
    }

    fn take_bundle(&self, from: &mut dyn Read) -> Result<UpdatesState, EngineError> {
        // What came is told, so that a test of the API sees that all of it did.
        let count = std::io::copy(from, &mut std::io::sink());
        let count = count.map_or_else(|error| error.to_string(), |count| count.to_string());
        unknown(&format!("bundle of {count} bytes"))
    }

    fn check_updates(&self) -> Result<UpdatesState, EngineError> {
        unknown("channel")
    }

    fn install_update(&self, _: &InstallUpdateRequest) -> Result<UpdatesState, EngineError> {
        unknown("bundle")
    }

    fn restart_machine(&self, _: &RestartRequest) -> Result<UpdatesState, EngineError> {
        unknown("machine")
    }

    fn roll_back_update(&self) -> Result<UpdatesState, EngineError> {
        unknown("slot")
    }

    fn set_update_channel(
        &self,
        _: Option<&UpdateChannelRequest>,
    ) -> Result<UpdatesState, EngineError> {
        unknown("channel")
    }

    fn folder(&self, _: &Path, _: &PageRequest) -> Result<Page<FolderEntry>, EngineError> {
        unknown("folder")
    }

    fn remove_schedule(&self, name: &str) -> Result<(), EngineError> {
        unknown(name)
    }

    fn run_schedule(&self, name: &str) -> Result<JobView, EngineError> {
        unknown(name)
    }

    fn schedule_events(
        &self,
        name: &str,
        _: &PageRequest,
    ) -> Result<Page<ScheduleEventView>, EngineError> {
        unknown(name)
    }

    fn maintenance_windows(&self) -> Result<Page<WindowView>, EngineError> {
        unknown("no windows")
    }

    fn put_maintenance_window(
        &self,
        name: &str,
        _: Option<&MaintenanceWindow>,
    ) -> Result<Page<WindowView>, EngineError> {
        unknown(name)
    }

    fn status(&self) -> Result<StatusView, EngineError> {
        unknown("no status")
    }

    fn look_again(&self) -> Result<StatusView, EngineError> {
        unknown("no status")
    }

    fn diagnostics(&self) -> Result<DiagnosticsBundle, EngineError> {
        unknown("no diagnostics")
    }

    fn alerts(&self, _: AlertFilter, _: &PageRequest) -> Result<Page<AlertView>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn acknowledge(&self, id: i64, _: &str, _: Option<&str>) -> Result<AlertView, EngineError> {
        unknown(&format!("There is no alert {id}."))
    }

    fn channels(&self) -> Result<Vec<ChannelView>, EngineError> {
        Ok(Vec::new())
    }

    fn put_channel(&self, name: &str, _: &ChannelRequest) -> Result<ChannelView, EngineError> {
        unknown(name)
    }

    fn remove_channel(&self, name: &str) -> Result<(), EngineError> {
        unknown(name)
    }

    fn test_channel(&self, name: &str) -> Result<ChannelTest, EngineError> {
        unknown(name)
    }

    fn deliveries(
        &self,
        _: Option<&str>,
        _: &PageRequest,
    ) -> Result<Page<DeliveryView>, EngineError> {
        Ok(Page::whole(Vec::new()))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
