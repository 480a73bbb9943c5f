//! The boundary to the engine: what the API asks, and how it is refused.
//!
//! The API knows no job runner, catalog or device; `app` implements this trait over them, and the
//! tests of the API over a few lines. All calls block and may take as long as a query takes; nothing
//! that moves a cartridge happens inside a call: such work is a job, and the call returns its view.
//! Calls come from many threads at once.

mod cartridge_book;
mod key_server;
mod log_book;
mod upkeep;

use std::fmt;
use std::io::Read;
use std::path::Path;

use tokio::sync::watch;

use super::types::{
    AlertFilter, AlertView, CartridgeFilter, CartridgeView, CatalogBackupView, CatalogCheck,
    ChannelRequest, ChannelTest, ChannelView, CreatePoolRequest, DeliveryView, DiagnosticsBundle,
    DriveHealthView, EngineFigures, EventsRequest, EvidenceScope, EvidenceTable, ExpiredView,
    FileHit, FileVersion, FolderEntry, HealthView, InstallUpdateRequest, JobAction, JobEvent,
    JobFilter, JobView, KitsView, LibraryView, OpenedKeys, Page, PageRequest, PoolView, PrintedKit,
    ReservationView, RestartRequest, RestorePlan, RunFilter, RunView, ScheduleEventView,
    SchedulePlan, ScheduleView, SearchRequest, SetView, SettingsDocument, SettingsImport,
    SourceRequest, SourceState, StatusView, TakeDriveRequest, UpdateChannelRequest, UpdatesState,
    VersionsRequest, WindowView,
};
pub use cartridge_book::{CartridgeBook, ManifestFile, ManifestPart};
pub use key_server::KeyServer;
pub use log_book::LogBook;
pub use upkeep::Upkeep;

use crate::domain::{Barcode, DriveSerial, JobId, PoolName, RunId, SetName, SourceName, Timestamp};
use crate::jobs::JobSpec;
use crate::jobs::backup::BackupEstimate;
use crate::jobs::spec::{BackupSpec, Priority, RestoreSpec};
use crate::keys::KeyId;
use crate::pools::Retention;
use crate::schedules::MaintenanceWindow;

/// Everything that the API can be asked. See the module for the contract.
pub trait Engine: CartridgeBook + KeyServer + LogBook + Upkeep + Send + Sync + fmt::Debug {
    /// Whether it works. Answers at once, also when the catalog or the library does not.
    fn health(&self) -> HealthView;

    /// Figures for monitoring.
    fn figures(&self) -> Result<EngineFigures, EngineError>;

    /// The library as it was last seen, without touching a device.
    fn library(&self) -> Result<LibraryView, EngineError>;

    /// Who has reserved a drive. Asks the drive.
    fn reservation(&self, drive: &DriveSerial) -> Result<ReservationView, EngineError>;

    /// How a drive is. Asks the drive, unless a job has it: then as it last said.
    fn drive_health(&self, drive: &DriveSerial) -> Result<DriveHealthView, EngineError>;

    /// Ends the reservation of another host, whose key a person has typed. What that host is doing with
    /// the drive fails.
    fn take_drive(
        &self,
        drive: &DriveSerial,
        request: &TakeDriveRequest,
    ) -> Result<ReservationView, EngineError>;

    /// A page of cartridges.
    fn cartridges(
        &self,
        filter: &CartridgeFilter,
        page: &PageRequest,
    ) -> Result<Page<CartridgeView>, EngineError>;

    /// One cartridge.
    fn cartridge(&self, barcode: &Barcode) -> Result<CartridgeView, EngineError>;

    /// A page of sets, by name.
    fn sets(&self, page: &PageRequest) -> Result<Page<SetView>, EngineError>;

    /// One set.
    fn set(&self, name: &SetName) -> Result<SetView, EngineError>;

    /// A page of runs, newest first.
    fn runs(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<RunView>, EngineError>;

    /// One run.
    fn run(&self, run: &RunId) -> Result<RunView, EngineError>;

    /// A page of files.
    fn search(&self, request: &SearchRequest) -> Result<Page<FileHit>, EngineError>;

    /// A page of one file's versions, newest first.
    fn versions(&self, request: &VersionsRequest) -> Result<Page<FileVersion>, EngineError>;

    /// What a restore would read and what it cannot bring back. Changes nothing.
    fn plan_restore(&self, spec: &RestoreSpec) -> Result<RestorePlan, EngineError>;

    /// What a backup would write and to which cartridges. Walks the sources, which takes as long as that
    /// takes; changes nothing.
    fn estimate_backup(&self, spec: &BackupSpec) -> Result<BackupEstimate, EngineError>;

    /// What is proven.
    fn evidence(&self, scope: &EvidenceScope) -> Result<EvidenceTable, EngineError>;

    /// All pools, by name.
    fn pools(&self) -> Result<Vec<PoolView>, EngineError>;

    /// Makes a pool.
    fn create_pool(&self, request: &CreatePoolRequest) -> Result<PoolView, EngineError>;

    /// Gives an encrypted pool a new data key for the runs that begin from now on.
    fn rotate_pool(&self, name: &PoolName) -> Result<PoolView, EngineError>;

    /// Says how long the runs of a pool are kept; for ever if nothing is given.
    fn set_retention(
        &self,
        name: &PoolName,
        retention: Option<Retention>,
    ) -> Result<PoolView, EngineError>;

    /// The runs of a pool that nobody needs any more, and the cartridges that hold nothing else.
    fn expired(&self, name: &PoolName) -> Result<ExpiredView, EngineError>;

    /// The recovery kits.
    fn kits(&self) -> Result<KitsView, EngineError>;

    /// A kit to be printed: the one that waits to be confirmed, or a new one.
    fn print_kit(&self) -> Result<PrintedKit, EngineError>;

    /// Takes groups that were typed back from the paper.
    fn confirm_kit(&self, groups: &[String]) -> Result<KitsView, EngineError>;

    /// Proves that a kit that was typed opens every data key, and notes that.
    fn drill_kit(&self, kit: &str) -> Result<OpenedKeys, EngineError>;

    /// Starts a job that opens a file of a tape with that kit alone.
    ///
    /// # Errors
    /// It is no kit, none of the confirmed ones, or the job cannot be done.
    fn drill_on_tape(&self, kit: &str, cartridge: Option<Barcode>) -> Result<JobView, EngineError>;

    /// Opens the data keys that were found on tapes and keeps them.
    fn open_keys(&self, kit: &str) -> Result<OpenedKeys, EngineError>;

    /// Wraps data keys for a kit no more.
    fn retire_kit(&self, kit: KeyId) -> Result<KitsView, EngineError>;

    /// Checks the catalog's file and its sums. Takes as long as reading it.
    fn check_catalog(&self) -> Result<CatalogCheck, EngineError>;

    /// The catalog backups in a folder of this machine, newest first.
    fn catalog_backups(&self, folder: &Path) -> Result<Vec<CatalogBackupView>, EngineError>;

    /// Everything that an admin has set, but for users and secrets.
    fn settings(&self) -> Result<SettingsDocument, EngineError>;

    /// Merges a document into what is set, or only says what that would do.
    fn import_settings(
        &self,
        document: &SettingsDocument,
        is_dry_run: bool,
    ) -> Result<SettingsImport, EngineError>;

    /// Writes a job down and queues it. Refuses at once what can be seen to be impossible: a path
    /// that does not exist, a barcode that nobody knows, an empty slot.
    fn start(&self, spec: JobSpec) -> Result<JobView, EngineError>;

    /// A page of jobs, newest first.
    fn jobs(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobView>, EngineError>;

    /// One job, with its live progress.
    fn job(&self, id: JobId) -> Result<JobView, EngineError>;

    /// Asks a job to pause, go on or end; it does so at its next safe point.
    fn control(&self, id: JobId, action: JobAction) -> Result<JobView, EngineError>;

    /// Says when a job that has not ended has its turn among those that wait for a drive.
    fn prioritise(&self, id: JobId, priority: Priority) -> Result<JobView, EngineError>;

    /// Kept events in the order of their numbers.
    fn events(&self, request: &EventsRequest) -> Result<Vec<JobEvent>, EngineError>;

    /// The present, by the engine's clock.
    fn now(&self) -> Timestamp;

    /// A page of schedules, by name.
    fn schedules(&self, page: &PageRequest) -> Result<Page<ScheduleView>, EngineError>;

    /// One schedule.
    fn schedule(&self, name: &str) -> Result<ScheduleView, EngineError>;

    /// Makes a schedule of a task that can be done by itself.
    fn create_schedule(&self, name: &str, plan: &SchedulePlan)
    -> Result<ScheduleView, EngineError>;

    /// Gives a schedule another plan.
    fn change_schedule(&self, name: &str, plan: &SchedulePlan)
    -> Result<ScheduleView, EngineError>;

    /// Switches a schedule on or off.
    fn enable_schedule(&self, name: &str, is_enabled: bool) -> Result<ScheduleView, EngineError>;

    /// Removes a schedule; its jobs stay.
    fn remove_schedule(&self, name: &str) -> Result<(), EngineError>;

    /// Starts a schedule's task now.
    fn run_schedule(&self, name: &str) -> Result<JobView, EngineError>;

    /// What became of a schedule's moments, newest first.
    fn schedule_events(
        &self,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<ScheduleEventView>, EngineError>;

    /// Times at which no scheduled job begins.
    fn maintenance_windows(&self) -> Result<Page<WindowView>, EngineError>;

    /// Sets one of them, or takes it away; those that there are then.
    fn put_maintenance_window(
        &self,
        name: &str,
        window: Option<&MaintenanceWindow>,
    ) -> Result<Page<WindowView>, EngineError>;

    /// Everything that the first page shows. Cheap, however much there is.
    fn status(&self) -> Result<StatusView, EngineError>;

    /// Looks again at everything that alerts are about, which takes as long as summing up takes.
    fn look_again(&self) -> Result<StatusView, EngineError>;

    /// What somebody who helps has to know, without secrets. Checks the catalog, which takes as long as
    /// reading it.
    fn diagnostics(&self) -> Result<DiagnosticsBundle, EngineError>;

    /// A page of alerts, newest first.
    fn alerts(
        &self,
        filter: AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<AlertView>, EngineError>;

    /// Takes note of an alert: what happened once is then over.
    fn acknowledge(&self, id: i64, by: &str, note: Option<&str>) -> Result<AlertView, EngineError>;

    /// Where notices go, by name.
    fn channels(&self) -> Result<Vec<ChannelView>, EngineError>;

    /// Makes a channel or changes the one of that name.
    fn put_channel(&self, name: &str, request: &ChannelRequest)
    -> Result<ChannelView, EngineError>;

    /// Removes a channel, with what was to be sent there.
    fn remove_channel(&self, name: &str) -> Result<(), EngineError>;

    /// Sends a test to a channel and waits for what its receiver says.
    fn test_channel(&self, name: &str) -> Result<ChannelTest, EngineError>;

    /// A page of deliveries, newest first; of one channel, if it is named.
    fn deliveries(
        &self,
        channel: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<DeliveryView>, EngineError>;

    /// Every network source and how it stands, by name.
    fn sources(&self) -> Result<Vec<SourceState>, EngineError>;

    /// Makes or changes a network source, and mounts it. One whose server is away is kept all the same.
    fn put_source(
        &self,
        name: &SourceName,
        request: SourceRequest,
    ) -> Result<SourceState, EngineError>;

    /// Unmounts and forgets a network source that no job reads.
    fn remove_source(&self, name: &SourceName) -> Result<(), EngineError>;

    /// Mounts a network source now.
    fn mount_source(&self, name: &SourceName) -> Result<SourceState, EngineError>;

    /// A page of what is in a folder of this machine, by name.
    fn folder(&self, path: &Path, page: &PageRequest) -> Result<Page<FolderEntry>, EngineError>;

    /// How updates of the appliance stand; where there are none, what to do instead.
    fn updates(&self) -> Result<UpdatesState, EngineError>;

    /// Takes a bundle for an update, in pieces. It is kept if its signature is right.
    fn take_bundle(&self, from: &mut dyn Read) -> Result<UpdatesState, EngineError>;

    /// Asks the channel what is published.
    fn check_updates(&self) -> Result<UpdatesState, EngineError>;

    /// Begins to install; how far it is, is in the state.
    fn install_update(&self, request: &InstallUpdateRequest) -> Result<UpdatesState, EngineError>;

    /// Restarts the machine.
    fn restart_machine(&self, request: &RestartRequest) -> Result<UpdatesState, EngineError>;

    /// Makes the other slot the next to start.
    fn roll_back_update(&self) -> Result<UpdatesState, EngineError>;

    /// Says where newer versions are looked for, or that they are looked for nowhere.
    fn set_update_channel(
        &self,
        request: Option<&UpdateChannelRequest>,
    ) -> Result<UpdatesState, EngineError>;

    /// Changes its value whenever an event is kept or a job's progress has moved. The value itself
    /// means nothing. Followers read at their own pace, so it may change at any rate.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// Why the engine refuses or cannot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What kind of no.
    pub kind: EngineErrorKind,
    /// A stable name for programs: `cartridge_unknown`.
    pub code: &'static str,
    /// A sentence that names the thing.
    pub message: String,
    /// A sentence that says what to do.
    pub next_step: String,
}

/// Kinds of refusal; the API has one status for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// The thing named does not exist.
    NotFound,
    /// The request cannot be right, whatever the state of things.
    Invalid,
    /// The request is right and not possible in the present state.
    Conflict,
    /// A person has to do something at the library first.
    NeedsOperator,
    /// Stopping, starting, or a device does not answer: try again later.
    Unavailable,
    /// What is stored is damaged: the catalog, a key file.
    Corrupt,
    /// Our mistake.
    Bug,
}

impl EngineError {
    /// An error of `kind`. `message` and `next_step` are sentences.
    #[must_use]
    pub fn new(
        kind: EngineErrorKind,
        code: &'static str,
        message: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self { kind, code, message: message.into(), next_step: next_step.into() }
    }
}
