//! Requests to the API: over a real connection, with an engine that refuses everything.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fossilsafe::api::engine::{
    CartridgeBook, KeyServer, LogBook, ManifestFile, ManifestPart, Upkeep,
};
use fossilsafe::api::types::{
    AlertFilter, AlertView, CalibrationView, CartridgeEventView, CartridgeFilter,
    CartridgeLossView, CartridgeView, CatalogBackupView, CatalogCheck, CertificateState,
    ChannelRequest, ChannelTest, ChannelView, CleanUpRequest, CleanUpResult, ContentEntry,
    CreatePoolRequest, DeliveryView, DiagnosticsBundle, DriveHealthView, EngineFigures,
    EventsRequest, EvidenceScope, EvidenceTable, ExpiredView, FileHit, FileVersion, FolderEntry,
    HealthStatus, HealthView, InstallUpdateRequest, JobAction, JobEvent, JobFilter, JobView,
    KitsView, KmsProof, KmsRewrapped, KmsState, LibraryView, LogLine, LogQuery, LogRetention,
    ManifestView, NetworkState, OpenedKeys, Page, PageRequest, PoolView, PrintedKit,
    ReservationView, RestartRequest, RestorePlan, RunFilter, RunView, ScheduleEventView,
    SchedulePlan, ScheduleView, SearchRequest, SelfTestView, SetView, SettingsDocument,
    SettingsImport, SourceRequest, SourceState, StagingDisks, StatusView, StreamingSettings,
    StreamingState, TakeDriveRequest, TimeState, UpdateChannelRequest, UpdatesState,
    VersionsRequest, WindowView,
};
use fossilsafe::api::{Engine, EngineError, EngineErrorKind, Server, Serving};
use fossilsafe::audit::AuditLog;
use fossilsafe::catalog::NoteChange;
use fossilsafe::domain::{
    Barcode, DriveSerial, JobId, PoolName, RunId, SetName, SourceName, Timestamp, VirtualClock,
};
use fossilsafe::jobs::JobSpec;
use fossilsafe::jobs::backup::BackupEstimate;
use fossilsafe::jobs::spec::{
    BackupMode, BackupSpec, CatalogBackupSpec, Compression, EraseConsent, Existing, FormatSpec,
    Hooks, MissingCartridge, MoveSpec, Place, Priority, RebuildSpec, RestoreSelection, RestoreSpec,
    VerifyScope, VerifySpec,
};
use fossilsafe::keys::{KeyId, KeyStore, VaultSettings};
use fossilsafe::people::People;
use fossilsafe::pools::Retention;
use fossilsafe::schedules::MaintenanceWindow;
use fossilsafe::system::certificate::CertificateOrder;
use fossilsafe::system::network::{NetworkOrder, TimeOrder};
use fossilsafe::system::staging::StagingDiskOrder;
use tokio::sync::watch;

use super::Seeds;

pub(crate) mod job_spec {
    use super::*;

    /// What is accepted has a title, and survives the catalog's way of keeping it.
    pub(crate) fn run(bytes: &[u8]) {
        let Ok(spec) = serde_json::from_slice::<JobSpec>(bytes) else { return };
        assert!(!spec.title().is_empty() && !spec.kind().is_empty());
        let kept = serde_json::to_vec(&spec).unwrap_or_default();
        let again = serde_json::from_slice::<JobSpec>(&kept);
        assert_eq!(again.ok().as_ref(), Some(&spec), "{}", String::from_utf8_lossy(&kept));
    }

    pub(crate) fn seeds() -> Seeds {
        let specs = specs()?;
        Ok(specs.iter().map(|(_, spec)| serde_json::to_vec(spec)).collect::<Result<_, _>>()?)
    }
}

/// One job of each kind, with the route that starts it.
fn specs() -> Result<Vec<(&'static str, JobSpec)>, Box<dyn Error>> {
    let barcode: Barcode = "FSP001L9".parse()?;
    let run = RunId("2026-11-23T04-54-18Z".to_owned());
    let everything = EraseConsent::Everything { typed_barcode: barcode.clone() };
    Ok(vec![
        (
            "/api/cartridges/FSP001L9/format",
            JobSpec::Format(FormatSpec {
                barcode: barcode.clone(),
                volume_name: Some("v".to_owned()),
                erase: everything,
            }),
        ),
        ("/api/library/inventory", JobSpec::Inventory),
        (
            "/api/library/moves",
            JobSpec::Move(MoveSpec { from: Place::Slot(1), to: Place::Drive(0) }),
        ),
        (
            "/api/backups",
            JobSpec::Backup(BackupSpec {
                set: "photos".parse()?,
                paths: vec!["/home/ann".into()],
                mode: BackupMode::Full,
                exclude: vec!["*.tmp".to_owned()],
                compression: Compression::Zstd { level: 3 },
                cartridges: vec![barcode.clone()],
                copies: Some(2),
                pool: None,
                index_interval: BackupSpec::default_index_interval(),
                hooks: Hooks { before: Some("dump.sh".to_owned()), ..Hooks::default() },
                priority: Priority::Low,
            }),
        ),
        ("/api/verify", JobSpec::Verify(VerifySpec::from(VerifyScope::Run(run.clone())))),
        (
            "/api/restore",
            JobSpec::Restore(RestoreSpec {
                selection: RestoreSelection { run, paths: vec!["home/ann".into()] },
                destination: "/tmp/back".into(),
                existing: Existing::Replace,
                missing: MissingCartridge::Skip,
                priority: Priority::High,
            }),
        ),
        (
            "/api/catalog/backups",
            JobSpec::CatalogBackup(CatalogBackupSpec { folder: "/srv/safe".into(), keep: 3 }),
        ),
        ("/api/catalog/rebuild", JobSpec::Rebuild(RebuildSpec { barcodes: vec![barcode] })),
    ])
}

pub(crate) mod api_request {
    use super::*;

    /// The bytes are what a client sends before it closes. The server answers or hangs up, within
    /// the time of a read, and goes on serving: the next request finds it.
    pub(crate) fn run(bytes: &[u8]) {
        let Some(socket) = SERVER.get_or_init(start) else { return };
        // A client that sends no more gets no events without end.
        let _ = exchange(socket, bytes, Then::Hangup);
        let health = b"GET /api/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = exchange(socket, health, Then::Listen);
        let answer = answer.unwrap_or_else(|error| panic!("{error}"));
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }

    /// What a client does after it has sent everything.
    #[derive(PartialEq)]
    enum Then {
        Listen,
        Hangup,
    }

    fn exchange(socket: &Path, bytes: &[u8], then: Then) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(bytes)?;
        if then == Then::Hangup {
            stream.shutdown(std::net::Shutdown::Write)?;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    pub(crate) fn seeds() -> Seeds {
        let head = "Host: localhost\r\nConnection: close\r\n";
        let mut seeds: Vec<Vec<u8>> = [
            "/api/jobs?state=failed&kind=backup&after=7&limit=10",
            "/api/files/search?q=a%20b&set=photos&extension=txt&size_bytes_min=1",
            "/api/files/versions?path=home%2Fann&set=photos",
            "/api/cartridges/FSP001L9",
            "/api/evidence?run=2026-11-23T04-54-18Z",
            "/api/jobs/1/history?limit=3",
            "/api/system/metrics/prometheus",
        ]
        .iter()
        .map(|path| format!("GET {path} HTTP/1.1\r\n{head}\r\n").into_bytes())
        .collect();
        for (route, spec) in specs()? {
            let mut body = serde_json::to_value(&spec)?;
            body.as_object_mut().and_then(|fields| fields.remove("kind"));
            let body = body.to_string();
            let length = body.len();
            let request = format!(
                "POST {route} HTTP/1.1\r\n{head}Content-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            seeds.push(request.into_bytes());
        }
        Ok(seeds)
    }
}

static SERVER: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Starts the one server of this process, on a thread that ends with it.
fn start() -> Option<PathBuf> {
    let (told, bound) = std::sync::mpsc::channel();
    let socket = std::env::temp_dir().join(format!("fossilsafe-fuzz-{}.sock", std::process::id()));
    let place = socket.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let engine = Arc::new(Refusing::new());
            let clock = Arc::new(VirtualClock::default());
            let Ok(folder) = tempfile::tempdir() else { return };
            let Ok(people) = People::open(folder.path(), Arc::<VirtualClock>::clone(&clock)) else {
                return;
            };
            let keys = KeyStore::open_or_create(&folder.path().join("keys"), &*clock);
            let audit = keys.ok().and_then(|keys| {
                let clock = Arc::<VirtualClock>::clone(&clock);
                AuditLog::open(folder.path(), Arc::new(keys), clock).ok()
            });
            let Some(audit) = audit else { return };
            let (people, audit) = (Arc::new(people), Arc::new(audit));
            let serving = Serving { engine, people, audit, clock };
            if let Ok(server) = Server::bind(&place, serving).await {
                let _ = told.send(());
                server.serve(std::future::pending()).await;
            }
        });
    });
    bound.recv().ok().map(|()| socket)
}

/// An engine that knows nothing: the API in front of it is what is tested.
#[derive(Debug)]
struct Refusing {
    changes: watch::Sender<u64>,
}

impl Refusing {
    fn new() -> Self {
        Self { changes: watch::Sender::new(0) }
    }
}

fn no<T>() -> Result<T, EngineError> {
    let (message, next_step) = ("There is nothing.", "Ask somebody else.");
    Err(EngineError::new(EngineErrorKind::NotFound, "nothing", message, next_step))
}

impl CartridgeBook for Refusing {
    fn cartridge_contents(
        &self,
        _: &Barcode,
        _: &[u8],
        _: &PageRequest,
    ) -> Result<Page<ContentEntry>, EngineError> {
        no()
    }

    fn cartridge_history(
        &self,
        _: &Barcode,
        _: &PageRequest,
    ) -> Result<Page<CartridgeEventView>, EngineError> {
        no()
    }

    fn cartridge_loss(&self, _: &Barcode, _: usize) -> Result<CartridgeLossView, EngineError> {
        no()
    }

    fn cartridge_manifests(&self, _: &Barcode) -> Result<Vec<ManifestView>, EngineError> {
        no()
    }

    fn cartridge_manifest(
        &self,
        _: &Barcode,
        _: &RunId,
        _: ManifestPart,
    ) -> Result<ManifestFile, EngineError> {
        no()
    }

    fn note_cartridge(
        &self,
        _: &Barcode,
        _: &NoteChange,
        _: &str,
    ) -> Result<CartridgeView, EngineError> {
        no()
    }
}

impl Upkeep for Refusing {
    fn network(&self, _: &NetworkOrder) -> Result<NetworkState, EngineError> {
        no()
    }

    fn time(&self, _: &TimeOrder) -> Result<TimeState, EngineError> {
        no()
    }

    fn self_tests(&self, _: &PageRequest) -> Result<Page<SelfTestView>, EngineError> {
        no()
    }

    fn self_test(&self, _: JobId) -> Result<SelfTestView, EngineError> {
        no()
    }

    fn calibrations(&self, _: &PageRequest) -> Result<Page<CalibrationView>, EngineError> {
        no()
    }

    fn streaming(&self) -> Result<StreamingState, EngineError> {
        no()
    }

    fn set_streaming(&self, _: &StreamingSettings) -> Result<StreamingState, EngineError> {
        no()
    }

    fn staging_disks(&self, _: &StagingDiskOrder) -> Result<StagingDisks, EngineError> {
        no()
    }

    fn certificate(&self, _: &CertificateOrder) -> Result<CertificateState, EngineError> {
        no()
    }
}

impl KeyServer for Refusing {
    fn kms(&self) -> Result<KmsState, EngineError> {
        no()
    }

    fn set_kms(&self, _: VaultSettings) -> Result<KmsState, EngineError> {
        no()
    }

    fn remove_kms(&self) -> Result<(), EngineError> {
        no()
    }

    fn prove_kms(&self) -> Result<KmsProof, EngineError> {
        no()
    }

    fn rewrap_kms(&self) -> Result<KmsRewrapped, EngineError> {
        no()
    }
}

impl LogBook for Refusing {
    fn log_lines(&self, _: &LogQuery, _: &PageRequest) -> Result<Page<LogLine>, EngineError> {
        no()
    }

    fn clean_logs(&self, _: &CleanUpRequest) -> Result<CleanUpResult, EngineError> {
        no()
    }

    fn log_retention(&self) -> Result<LogRetention, EngineError> {
        no()
    }

    fn set_log_retention(&self, _: &LogRetention) -> Result<LogRetention, EngineError> {
        no()
    }
}

impl Engine for Refusing {
    fn health(&self) -> HealthView {
        HealthView {
            status: HealthStatus::Ok,
            sentence: "It refuses.".to_owned(),
            jobs_active: 0,
            jobs_waiting: 0,
            findings: Vec::new(),
        }
    }

    fn figures(&self) -> Result<EngineFigures, EngineError> {
        Ok(EngineFigures::default())
    }

    fn library(&self) -> Result<LibraryView, EngineError> {
        no()
    }

    fn cartridges(
        &self,
        _: &CartridgeFilter,
        _: &PageRequest,
    ) -> Result<Page<CartridgeView>, EngineError> {
        no()
    }

    fn cartridge(&self, _: &Barcode) -> Result<CartridgeView, EngineError> {
        no()
    }

    fn sets(&self, _: &PageRequest) -> Result<Page<SetView>, EngineError> {
        no()
    }

    fn set(&self, _: &SetName) -> Result<SetView, EngineError> {
        no()
    }

    fn runs(&self, _: &RunFilter, _: &PageRequest) -> Result<Page<RunView>, EngineError> {
        no()
    }

    fn run(&self, _: &RunId) -> Result<RunView, EngineError> {
        no()
    }

    fn search(&self, _: &SearchRequest) -> Result<Page<FileHit>, EngineError> {
        no()
    }

    fn versions(&self, _: &VersionsRequest) -> Result<Page<FileVersion>, EngineError> {
        no()
    }

    fn plan_restore(&self, _: &RestoreSpec) -> Result<RestorePlan, EngineError> {
        no()
    }

    fn estimate_backup(&self, _: &BackupSpec) -> Result<BackupEstimate, EngineError> {
        no()
    }

    fn evidence(&self, _: &EvidenceScope) -> Result<EvidenceTable, EngineError> {
        no()
    }

    fn pools(&self) -> Result<Vec<PoolView>, EngineError> {
        no()
    }

    fn create_pool(&self, _: &CreatePoolRequest) -> Result<PoolView, EngineError> {
        no()
    }

    fn rotate_pool(&self, _: &PoolName) -> Result<PoolView, EngineError> {
        no()
    }

    fn kits(&self) -> Result<KitsView, EngineError> {
        no()
    }

    fn print_kit(&self) -> Result<PrintedKit, EngineError> {
        no()
    }

    fn confirm_kit(&self, _: &[String]) -> Result<KitsView, EngineError> {
        no()
    }

    fn drill_on_tape(&self, _: &str, _: Option<Barcode>) -> Result<JobView, EngineError> {
        no()
    }

    fn drill_kit(&self, _: &str) -> Result<OpenedKeys, EngineError> {
        no()
    }

    fn open_keys(&self, _: &str) -> Result<OpenedKeys, EngineError> {
        no()
    }

    fn retire_kit(&self, _: KeyId) -> Result<KitsView, EngineError> {
        no()
    }

    fn status(&self) -> Result<StatusView, EngineError> {
        no()
    }

    fn look_again(&self) -> Result<StatusView, EngineError> {
        no()
    }

    fn diagnostics(&self) -> Result<DiagnosticsBundle, EngineError> {
        no()
    }

    fn alerts(&self, _: AlertFilter, _: &PageRequest) -> Result<Page<AlertView>, EngineError> {
        no()
    }

    fn acknowledge(&self, _: i64, _: &str, _: Option<&str>) -> Result<AlertView, EngineError> {
        no()
    }

    fn channels(&self) -> Result<Vec<ChannelView>, EngineError> {
        no()
    }

    fn put_channel(&self, _: &str, _: &ChannelRequest) -> Result<ChannelView, EngineError> {
        no()
    }

    fn remove_channel(&self, _: &str) -> Result<(), EngineError> {
        no()
    }

    fn test_channel(&self, _: &str) -> Result<ChannelTest, EngineError> {
        no()
    }

    fn deliveries(
        &self,
        _: Option<&str>,
        _: &PageRequest,
    ) -> Result<Page<DeliveryView>, EngineError> {
        no()
    }

    fn set_retention(&self, _: &PoolName, _: Option<Retention>) -> Result<PoolView, EngineError> {
        no()
    }

    fn expired(&self, _: &PoolName) -> Result<ExpiredView, EngineError> {
        no()
    }

    fn settings(&self) -> Result<SettingsDocument, EngineError> {
        no()
    }

    fn import_settings(
        &self,
        _: &SettingsDocument,
        _: bool,
    ) -> Result<SettingsImport, EngineError> {
        no()
    }

    fn catalog_backups(&self, _: &Path) -> Result<Vec<CatalogBackupView>, EngineError> {
        no()
    }

    fn check_catalog(&self) -> Result<CatalogCheck, EngineError> {
        no()
    }

    fn start(&self, spec: JobSpec) -> Result<JobView, EngineError> {
        assert!(!spec.title().is_empty());
        no()
    }

    fn jobs(&self, _: &JobFilter, _: &PageRequest) -> Result<Page<JobView>, EngineError> {
        no()
    }

    fn job(&self, _: JobId) -> Result<JobView, EngineError> {
        no()
    }

    fn control(&self, _: JobId, _: JobAction) -> Result<JobView, EngineError> {
        no()
    }

    fn prioritise(&self, _: JobId, _: Priority) -> Result<JobView, EngineError> {
        no()
    }

    fn events(&self, _: &EventsRequest) -> Result<Vec<JobEvent>, EngineError> {
        no()
    }

    fn reservation(&self, _: &DriveSerial) -> Result<ReservationView, EngineError> {
        no()
    }

    fn drive_health(&self, _: &DriveSerial) -> Result<DriveHealthView, EngineError> {
        no()
    }

    fn take_drive(
        &self,
        _: &DriveSerial,
        _: &TakeDriveRequest,
    ) -> Result<ReservationView, EngineError> {
        no()
    }

    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn schedules(&self, _: &PageRequest) -> Result<Page<ScheduleView>, EngineError> {
        no()
    }

    fn schedule(&self, _: &str) -> Result<ScheduleView, EngineError> {
        no()
    }

    fn create_schedule(&self, _: &str, plan: &SchedulePlan) -> Result<ScheduleView, EngineError> {
        assert!(plan.rule.when.next(Timestamp::default(), 3).is_sorted());
        no()
    }

    fn change_schedule(&self, _: &str, _: &SchedulePlan) -> Result<ScheduleView, EngineError> {
        no()
    }

    fn enable_schedule(&self, _: &str, _: bool) -> Result<ScheduleView, EngineError> {
        no()
    }

    fn sources(&self) -> Result<Vec<SourceState>, EngineError> {
        no()
    }

    fn put_source(&self, _: &SourceName, _: SourceRequest) -> Result<SourceState, EngineError> {
        no()
    }

    fn remove_source(&self, _: &SourceName) -> Result<(), EngineError> {
        no()
    }

    fn mount_source(&self, _: &SourceName) -> Result<SourceState, EngineError> {
        no()
    }

    fn updates(&self) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn take_bundle(&self, _: &mut dyn Read) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn check_updates(&self) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn install_update(&self, _: &InstallUpdateRequest) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn restart_machine(&self, _: &RestartRequest) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn roll_back_update(&self) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn set_update_channel(
        &self,
        _: Option<&UpdateChannelRequest>,
    ) -> Result<UpdatesState, EngineError> {
        no()
    }

    fn folder(&self, _: &Path, _: &PageRequest) -> Result<Page<FolderEntry>, EngineError> {
        no()
    }

    fn remove_schedule(&self, _: &str) -> Result<(), EngineError> {
        no()
    }

    fn run_schedule(&self, _: &str) -> Result<JobView, EngineError> {
        no()
    }

    fn schedule_events(
        &self,
        _: &str,
        _: &PageRequest,
    ) -> Result<Page<ScheduleEventView>, EngineError> {
        no()
    }

    fn maintenance_windows(&self) -> Result<Page<WindowView>, EngineError> {
        no()
    }

    fn put_maintenance_window(
        &self,
        _: &str,
        _: Option<&MaintenanceWindow>,
    ) -> Result<Page<WindowView>, EngineError> {
        no()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
