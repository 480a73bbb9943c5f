//! The engine of `fossilsafe run`: jobs, catalog and devices behind the boundary of the API.
//!
//! Answers come from the catalog and from what was last seen of the library; but for whose a drive is,
//! nothing here touches a device, so a question never waits for a robot. Work is handed to the [`Runner`] as jobs, after what
//! can be seen to be impossible was refused.

mod alerts;
mod answers;
mod arrival;
mod auto_update;
mod cartridge_book;
mod cartridges;
mod catalog_backups;
mod certificate;
mod diagnostics;
mod disk;
mod drives;
mod elsewhere;
mod evidence;
mod folder;
mod files;
mod jobs;
mod key_server;
mod keys;
mod library;
mod logs;
mod monitor;
mod network;
mod open;
mod preflight;
mod reservation;
mod scheduler;
mod self_checks;
mod self_tests;
mod schedules;
mod retention;
mod sets;
mod settings_document;
mod standing;
mod start;
mod status;
mod streaming;
mod sources;
#[cfg(test)]
mod tests;
mod update_alert;
mod updates;
mod upkeep;
mod watch;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch as changing;

pub(super) use self::certificate::CertificateDoor;
use self::certificate::Certificates;
use self::logs::Logs;
use self::network::Network;
pub(super) use self::network::NetworkDoor;
use self::settings_document::Import;
use self::sources::Sources;
pub(super) use self::sources::SourcesDoor;
pub(super) use self::streaming::StagingDoor;
use self::streaming::Streaming;
use self::updates::Updates;
pub(super) use self::updates::UpdatesDoor;
use self::watch::Watch;
pub(super) use disk::trouble as disk_trouble;
pub(super) use elsewhere::{HandoverDoor, Keeping};
pub(super) use open::{PRACTICE_FOLDER, virtual_equipment};
pub(super) use start::{CatalogStart, Doors, HoldJobs, RunningEngine, SilentJob, start};

use super::settings::Settings;
use crate::api::Engine;
use crate::api::engine::EngineError;
use crate::api::types::{
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
use crate::audit::AuditLog;
use crate::domain::worker::Worker;
use crate::domain::{Barcode, DriveSerial, JobId, PoolName, RunId, SetName, SourceName, Timestamp};
use crate::health::Health;
use crate::jobs::backup::{self, BackupEstimate};
use crate::jobs::spec::{BackupSpec, Priority, RestoreSpec};
use crate::jobs::{JobSpec, Parts, Runner};
use crate::keys::KeyId;
use crate::pools::Retention;
use crate::schedules::MaintenanceWindow;
use crate::system::updates::UpdateOrder;

/// The implementation of the API's boundary.
struct Service {
    parts: Arc<Parts>,
    runner: Arc<Runner>,
    changes: changing::Sender<u64>,
    is_practice: bool,
    /// As the engine was started.
    settings: Settings,
    /// What needs a person, and those who are told.
    health: Arc<Health>,
    /// Sums that take long, for those who ask every few seconds, and alerts.
    watch: Watch,
    scheduler: Worker,
    auto_update: Worker,
    key_server: Worker,
    sources: Sources,
    updates: Updates,
    network: Network,
    certificates: Certificates,
    streaming: Streaming,
    /// The folder of everything that is kept.
    data: PathBuf,
    /// Whether nothing is started by itself: a person has asked for that.
    is_held: bool,
    audit: Arc<AuditLog>,
    logs: Logs,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("is_practice", &self.is_practice).finish_non_exhaustive()
    }
}

impl Engine for Service {
    fn health(&self) -> HealthView {
        self.health_view()
    }

    fn figures(&self) -> Result<EngineFigures, EngineError> {
        self.all_figures()
    }

    fn library(&self) -> Result<LibraryView, EngineError> {
        self.library_view()
    }

    fn reservation(&self, drive: &DriveSerial) -> Result<ReservationView, EngineError> {
        self.reservation_view(drive)
    }

    fn drive_health(&self, drive: &DriveSerial) -> Result<DriveHealthView, EngineError> {
        self.asked_drive(drive)
    }

    fn take_drive(
        &self,
        drive: &DriveSerial,
        request: &TakeDriveRequest,
    ) -> Result<ReservationView, EngineError> {
        self.take_drive_from(drive, &request.take_from)
    }

    fn cartridges(
        &self,
        filter: &CartridgeFilter,
        page: &PageRequest,
    ) -> Result<Page<CartridgeView>, EngineError> {
        self.cartridge_views(filter, page)
    }

    fn cartridge(&self, barcode: &Barcode) -> Result<CartridgeView, EngineError> {
        self.one_cartridge(barcode)
    }

    fn sets(&self, page: &PageRequest) -> Result<Page<SetView>, EngineError> {
        self.set_views(page)
    }

    fn set(&self, name: &SetName) -> Result<SetView, EngineError> {
        let record = self.parts.catalog.set(name).map_err(answers::catalog)?;
        self.set_view(&record)
    }

    fn runs(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<RunView>, EngineError> {
        self.run_views(filter, page)
    }

    fn run(&self, run: &RunId) -> Result<RunView, EngineError> {
        let record = self.parts.catalog.run(run).map_err(answers::catalog)?;
        self.run_view(&record)
    }

    fn search(&self, request: &SearchRequest) -> Result<Page<FileHit>, EngineError> {
        self.find_files(request)
    }

    fn versions(&self, request: &VersionsRequest) -> Result<Page<FileVersion>, EngineError> {
        self.file_versions(request)
    }

    fn plan_restore(&self, spec: &RestoreSpec) -> Result<RestorePlan, EngineError> {
        self.restore_plan(spec)
    }

    fn estimate_backup(&self, spec: &BackupSpec) -> Result<BackupEstimate, EngineError> {
        self.can_be_backed_up(spec)?;
        backup::estimate(&self.parts, spec).map_err(answers::job)
    }

    fn evidence(&self, scope: &EvidenceScope) -> Result<EvidenceTable, EngineError> {
        self.evidence_table(scope)
    }

    fn start(&self, spec: JobSpec) -> Result<JobView, EngineError> {
        self.ensure_possible(&spec)?;
        let id = self.runner.submit(&spec).map_err(answers::job)?;
        self.job_view(id)
    }

    fn jobs(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<JobView>, EngineError> {
        self.job_views(filter, page)
    }

    fn job(&self, id: JobId) -> Result<JobView, EngineError> {
        self.job_view(id)
    }

    fn control(&self, id: JobId, action: JobAction) -> Result<JobView, EngineError> {
        match action {
            JobAction::Pause => self.runner.pause(id),
            JobAction::Resume => self.runner.resume(id),
            JobAction::Cancel => self.runner.cancel(id),
        }
        .map_err(answers::job)?;
        self.job_view(id)
    }

    fn prioritise(&self, id: JobId, priority: Priority) -> Result<JobView, EngineError> {
        self.runner.prioritise(id, priority).map_err(answers::job)?;
        self.job_view(id)
    }

    fn events(&self, request: &EventsRequest) -> Result<Vec<JobEvent>, EngineError> {
        self.job_events(request)
    }

    fn pools(&self) -> Result<Vec<PoolView>, EngineError> {
        self.pool_views()
    }

    fn create_pool(&self, request: &CreatePoolRequest) -> Result<PoolView, EngineError> {
        self.make_pool(request)
    }

    fn rotate_pool(&self, name: &PoolName) -> Result<PoolView, EngineError> {
        self.new_key(name)
    }

    fn set_retention(
        &self,
        name: &PoolName,
        retention: Option<Retention>,
    ) -> Result<PoolView, EngineError> {
        self.kept_for(name, retention)
    }

    fn expired(&self, name: &PoolName) -> Result<ExpiredView, EngineError> {
        self.expired_of(name)
    }

    fn kits(&self) -> Result<KitsView, EngineError> {
        Ok(self.kit_views())
    }

    fn print_kit(&self) -> Result<PrintedKit, EngineError> {
        self.kit_to_print()
    }

    fn confirm_kit(&self, groups: &[String]) -> Result<KitsView, EngineError> {
        self.take_groups(groups)
    }

    fn drill_kit(&self, kit: &str) -> Result<OpenedKeys, EngineError> {
        self.drilled(kit)
    }

    fn drill_on_tape(&self, kit: &str, cartridge: Option<Barcode>) -> Result<JobView, EngineError> {
        self.drilled_on_tape(kit, cartridge)
    }

    fn open_keys(&self, kit: &str) -> Result<OpenedKeys, EngineError> {
        self.opened(kit)
    }

    fn retire_kit(&self, kit: KeyId) -> Result<KitsView, EngineError> {
        self.without_kit(kit)
    }

    fn check_catalog(&self) -> Result<CatalogCheck, EngineError> {
        Ok(self.checked_catalog())
    }

    fn settings(&self) -> Result<SettingsDocument, EngineError> {
        self.settings_document()
    }

    fn import_settings(
        &self,
        document: &SettingsDocument,
        is_dry_run: bool,
    ) -> Result<SettingsImport, EngineError> {
        self.merge_settings(document, if is_dry_run { Import::Look } else { Import::Apply })
    }

    fn catalog_backups(&self, folder: &Path) -> Result<Vec<CatalogBackupView>, EngineError> {
        self.found_backups(folder)
    }

    fn now(&self) -> Timestamp {
        self.present()
    }

    fn schedules(&self, page: &PageRequest) -> Result<Page<ScheduleView>, EngineError> {
        self.schedule_views(page)
    }

    fn schedule(&self, name: &str) -> Result<ScheduleView, EngineError> {
        self.one_schedule(name)
    }

    fn create_schedule(
        &self,
        name: &str,
        plan: &SchedulePlan,
    ) -> Result<ScheduleView, EngineError> {
        self.made_schedule(name, plan)
    }

    fn change_schedule(
        &self,
        name: &str,
        plan: &SchedulePlan,
    ) -> Result<ScheduleView, EngineError> {
        self.changed_schedule(name, plan)
    }

    fn enable_schedule(&self, name: &str, is_enabled: bool) -> Result<ScheduleView, EngineError> {
        self.switched_schedule(name, is_enabled)
    }

    fn remove_schedule(&self, name: &str) -> Result<(), EngineError> {
        self.parts.catalog.remove_schedule(name).map_err(answers::catalog)
    }

    fn run_schedule(&self, name: &str) -> Result<JobView, EngineError> {
        self.run_schedule_now(name)
    }

    fn schedule_events(
        &self,
        name: &str,
        page: &PageRequest,
    ) -> Result<Page<ScheduleEventView>, EngineError> {
        self.event_views(name, page)
    }

    fn maintenance_windows(&self) -> Result<Page<WindowView>, EngineError> {
        self.window_views()
    }

    fn put_maintenance_window(
        &self,
        name: &str,
        window: Option<&MaintenanceWindow>,
    ) -> Result<Page<WindowView>, EngineError> {
        self.set_window(name, window)
    }

    fn status(&self) -> Result<StatusView, EngineError> {
        self.status_view()
    }

    fn look_again(&self) -> Result<StatusView, EngineError> {
        self.look()?;
        self.status_view()
    }

    fn diagnostics(&self) -> Result<DiagnosticsBundle, EngineError> {
        self.bundle()
    }

    fn alerts(
        &self,
        filter: AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<AlertView>, EngineError> {
        self.alert_views(filter, page)
    }

    fn acknowledge(&self, id: i64, by: &str, note: Option<&str>) -> Result<AlertView, EngineError> {
        self.noted(id, by, note)
    }

    fn channels(&self) -> Result<Vec<ChannelView>, EngineError> {
        self.channel_views()
    }

    fn put_channel(
        &self,
        name: &str,
        request: &ChannelRequest,
    ) -> Result<ChannelView, EngineError> {
        self.set_channel(name, request)
    }

    fn remove_channel(&self, name: &str) -> Result<(), EngineError> {
        self.health.remove_channel(name).map_err(answers::health)
    }

    fn test_channel(&self, name: &str) -> Result<ChannelTest, EngineError> {
        self.tried_channel(name)
    }

    fn deliveries(
        &self,
        channel: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<DeliveryView>, EngineError> {
        self.delivery_views(channel, page)
    }

    fn sources(&self) -> Result<Vec<SourceState>, EngineError> {
        self.sources.states()
    }

    fn put_source(
        &self,
        name: &SourceName,
        request: SourceRequest,
    ) -> Result<SourceState, EngineError> {
        self.sources.put(name, request)
    }

    fn remove_source(&self, name: &SourceName) -> Result<(), EngineError> {
        self.is_source_free(name)?;
        self.sources.remove(name)
    }

    fn mount_source(&self, name: &SourceName) -> Result<SourceState, EngineError> {
        self.sources.mount(name)
    }

    fn folder(&self, path: &Path, page: &PageRequest) -> Result<Page<FolderEntry>, EngineError> {
        folder::entries(path, page)
    }

    fn updates(&self) -> Result<UpdatesState, EngineError> {
        self.updates_state()
    }

    fn take_bundle(&self, from: &mut dyn Read) -> Result<UpdatesState, EngineError> {
        self.taken_bundle(from)
    }

    fn check_updates(&self) -> Result<UpdatesState, EngineError> {
        self.order_update(&UpdateOrder::Check)
    }

    fn install_update(&self, request: &InstallUpdateRequest) -> Result<UpdatesState, EngineError> {
        self.begin_update(*request)
    }

    fn restart_machine(&self, request: &RestartRequest) -> Result<UpdatesState, EngineError> {
        self.ensure_idle(request.during_jobs)?;
        self.order_update(&UpdateOrder::Restart)
    }

    fn roll_back_update(&self) -> Result<UpdatesState, EngineError> {
        self.order_update(&UpdateOrder::RollBack)
    }

    fn set_update_channel(
        &self,
        request: Option<&UpdateChannelRequest>,
    ) -> Result<UpdatesState, EngineError> {
        self.order_update(&updates::set_channel(request))
    }

    fn changes(&self) -> changing::Receiver<u64> {
        self.changes.subscribe()
    }
}
