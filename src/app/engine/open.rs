//! Opening the parts of an engine: devices, keys, catalog, data path.
//!
//! Each failure names the file or device and the next step; nothing here replaces or repairs anything
//! without having been told to.

use std::collections::BTreeMap;
use std::error::Error;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;

use super::logs::Logs;
use super::{CatalogStart, Doors, arrival};
use crate::app::error::AppError;
use crate::app::kept_log::OWNER_ONLY;
use crate::app::settings::{
    LibraryChoice, PracticeTime, RateSettings, Settings, StreamEngine, StreamSettings,
};
use crate::audit::AuditLog;
use crate::catalog::snapshot::CATALOG_FILE;
use crate::catalog::{Catalog, CatalogError, CatalogErrorKind, OpenCheck};
use crate::changer::Changer;
use crate::domain::{Clock, LtoGeneration};
use crate::drive::ReservationKey;
use crate::health::Health;
use crate::jobs::equipment::{DriveBay, Equipment};
use crate::jobs::{Folders, Parts, Streaming};
use crate::keys::KeyStore;
use crate::people::{People, PeopleError};
use crate::scsi::{Transport, TransportError};
use crate::source::network::is_mounted;
use crate::stream::{EngineChoice, RateLimits, StagingConfig, StreamConfig};
use crate::system::Boot;
use crate::vtl::{LibraryPlan, OpenOptions, Timing, VirtualLibrary, VtlErrorKind};

/// The keys' folder in the data folder.
const KEYS_FOLDER: &str = "keys";
/// The practice library's folder in the data folder.
pub(in crate::app) const PRACTICE_FOLDER: &str = "practice-library";
/// The data partition of an image, if it is an encrypted one.
const DATA_ENCRYPTED: &str = "/dev/fossilsafe/data-encrypted";
/// Only the engine reads what is in the data folder.
const DATA_MODE: u32 = 0o700;

/// Opens everything below `data`.
pub(super) fn open(
    data: &Path,
    settings: &Settings,
    start: CatalogStart,
    doors: &Doors,
    clock: &Arc<dyn Clock>,
) -> Result<Parts, AppError> {
    ensure_data_partition(data)?;
    let made = std::fs::DirBuilder::new().recursive(true).mode(DATA_MODE).create(data);
    made.map_err(|source| AppError::Io {
        what: format!("cannot make {}", data.display()),
        source,
    })?;
    let catalog = open_catalog(&data.join(CATALOG_FILE), start, clock)?;
    let keys = KeyStore::open_or_create(&data.join(KEYS_FOLDER), clock.as_ref());
    let keys = keys.map_err(|error| {
        failed(
            "the keys cannot be used",
            error,
            "Put the keys back from a copy; never delete the folder: old tapes need it.",
        )
    })?;
    let key = ReservationKey(keys.key_id().number());
    let equipment = match settings.library {
        LibraryChoice::Practice => practice(&data.join(PRACTICE_FOLDER), settings, key, clock)?,
        LibraryChoice::Devices => devices(key, clock),
    };
    let elsewhere = doors.elsewhere.iter().cloned().map(|door| Arc::new(door) as _);
    Ok(Parts {
        catalog,
        equipment,
        keys: Arc::new(keys),
        clock: Arc::clone(clock),
        folders: Folders::below(data),
        machine: std::sync::OnceLock::new(),
        streaming: Streaming::new(
            stream_config(&settings.stream, clock),
            rate_limits(&settings.stream),
        ),
        host: host_name(),
        elsewhere: elsewhere.collect(),
    })
}

/// On a machine with slots everything is kept on a partition of its own. If that is missing, the folder is one
/// in memory: nothing may begin there as if the machine were new.
fn ensure_data_partition(data: &Path) -> Result<(), AppError> {
    let Ok(boot) = Boot::read(Path::new("/")) else { return Ok(()) };
    let folder = data.parent().unwrap_or(data);
    if is_mounted(folder).unwrap_or(false) {
        return Ok(());
    }
    let (state, next_step) = if Path::new(DATA_ENCRYPTED).exists() {
        (
            "is encrypted and is not open",
            "Point 17 of the recovery console opens it with its recovery passphrase. Nothing was \
             changed on it.",
        )
    } else {
        (
            "is missing",
            "Look whether its disk is connected and healthy, then restart. Nothing was changed \
             on it.",
        )
    };
    Err(AppError::Start {
        message: format!("the data partition of this machine (slot {}) {state}", boot.slot),
        next_step: next_step.to_owned(),
        source: None,
    })
}

/// Opens the users and keys. While there is no admin, the code that makes the first one is logged: only the
/// owner of the machine reads the terminal and the journal.
pub(super) fn people(
    data: &Path,
    keys: &KeyStore,
    clock: &Arc<dyn Clock>,
) -> Result<People, AppError> {
    const NEXT_STEP: &str = "Put a copy of people.db back, or move it away: then the first admin \
        has to be made again.";
    let opened = || {
        let people = People::open(data, Arc::clone(clock))?.sealing_with(Arc::clone(keys.ring()));
        let code = people.setup_code()?;
        Ok((people, code))
    };
    let opened: Result<_, PeopleError> = opened();
    let no_people = |error| failed("the users and keys cannot be opened", error, NEXT_STEP);
    let (people, code) = opened.map_err(no_people)?;
    if let Some(code) = code {
        let code = code.reveal();
        tracing::info!(target: OWNER_ONLY, "there is no admin yet: make one in the console with the code {code}");
    }
    Ok(people)
}

/// Opens the audit log.
pub(super) fn audit(
    data: &Path,
    keys: &Arc<KeyStore>,
    clock: &Arc<dyn Clock>,
) -> Result<AuditLog, AppError> {
    const NEXT_STEP: &str = "Put a copy of audit.db back, or move it away and keep it: what is in it \
        can still be read.";
    AuditLog::open(data, Arc::clone(keys), Arc::clone(clock))
        .map_err(|error| failed("the audit log cannot be opened", error, NEXT_STEP))
}

/// Opens the file of log lines.
pub(super) fn logs(data: &Path) -> Result<Logs, AppError> {
    const NEXT_STEP: &str = "Move logs.db away: it is begun anew.";
    Logs::open(data).map_err(|error| failed("the log lines cannot be opened", error, NEXT_STEP))
}

/// Opens the alerts and the channels that they are told by.
pub(super) fn health(
    data: &Path,
    parts: &Parts,
    clock: &Arc<dyn Clock>,
) -> Result<Health, AppError> {
    const NEXT_STEP: &str = "Put a copy of alerts.db back, or move it away: channels have to be set anew \
        then.";
    let ring = Arc::clone(parts.keys.ring());
    Health::open(data, ring, Arc::clone(clock), &parts.host)
        .map_err(|error| failed("the alerts cannot be opened", error, NEXT_STEP))
}

/// Something cannot start; `error` says why.
fn failed(what: &str, error: impl Error + Send + Sync + 'static, next_step: &str) -> AppError {
    AppError::Start {
        message: what.to_owned(),
        next_step: next_step.to_owned(),
        source: Some(Box::new(error)),
    }
}

fn open_catalog(
    path: &Path,
    start: CatalogStart,
    clock: &Arc<dyn Clock>,
) -> Result<Catalog, AppError> {
    match Catalog::open(path, OpenCheck::WhenDue) {
        Ok(catalog) => Ok(catalog),
        Err(error)
            if error.kind() == CatalogErrorKind::Corrupt
                && start == CatalogStart::SetAsideIfDamaged =>
        {
            let aside = Catalog::set_aside(path, clock.now()).map_err(no_catalog)?;
            tracing::warn!(%error, "the damaged catalog is now {}", aside.display());
            Catalog::open(path, OpenCheck::WhenDue).map_err(no_catalog)
        }
        Err(error) => Err(no_catalog(error)),
    }
}

fn no_catalog(error: CatalogError) -> AppError {
    let next_step = match error.kind() {
        CatalogErrorKind::Corrupt => {
            "Put a copy of the catalog back, or start with --set-aside-catalog and run `fossilsafe \
             catalog rebuild`: the tapes know what is on them."
        }
        CatalogErrorKind::Full => "Make room on the disk of the data folder, then start again.",
        _ if matches!(error, CatalogError::TooNew { .. }) => {
            "Start or install the newer version; on the appliance it may be in the other slot. Nothing \
             was changed."
        }
        _ if matches!(error, CatalogError::InUse { .. }) => {
            "Stop the other engine, or name another folder with --data."
        }
        _ => "Check the data folder's disk and permissions, or name another with --data.",
    };
    failed("the catalog cannot be opened", error, next_step)
}

fn practice(
    folder: &Path,
    settings: &Settings,
    key: ReservationKey,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Equipment>, AppError> {
    const WHAT: &str = "the practice library cannot be opened";
    if !folder.exists() {
        make_practice(folder, settings)?;
    }
    let timing = match settings.practice.takes_time {
        PracticeTime::None => Timing::Off,
        PracticeTime::Data => Timing::Streaming,
        PracticeTime::All => Timing::Model,
    };
    let options = OpenOptions { clock: Arc::clone(clock), timing, ..OpenOptions::default() };
    let library = VirtualLibrary::open(folder, options).map_err(|error| {
        let next_step = match error.kind() {
            VtlErrorKind::InUse => "Stop what uses it, or name another folder with --data.",
            VtlErrorKind::Corrupt => {
                "Put the file back from a copy, or move the folder of that cartridge away: the \
                     others are then used."
            }
            VtlErrorKind::Files | VtlErrorKind::Request => {
                "Check the data folder, or name another with --data."
            }
        };
        failed(WHAT, error, next_step)
    })?;
    virtual_equipment(&library, key, clock)
}

/// The drives and the changer of a virtual library.
pub(in crate::app) fn virtual_equipment(
    library: &VirtualLibrary,
    key: ReservationKey,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<Equipment>, AppError> {
    const WHAT: &str = "the practice library cannot be used";
    const NEXT_STEP: &str = "Look at the practice library's folder, or name another with --data.";
    let changer = Changer::open(Box::new(library.changer()))
        .map_err(|error| failed(WHAT, error, NEXT_STEP))?;
    let has_motion = library.timing() != Timing::Off;
    let mut bays = Vec::new();
    for index in 0..library.drive_count() {
        let library = library.clone();
        let connect = Box::new(move || -> Result<Box<dyn Transport>, TransportError> {
            Ok(Box::new(library.open_drive(index)?))
        });
        let bay =
            DriveBay::discover(connect, clock).map_err(|error| failed(WHAT, error, NEXT_STEP))?;
        bays.push(if has_motion { bay } else { bay.without_motion() });
    }
    Ok(Equipment::new(Some(changer), bays, key, Arc::clone(clock)))
}

/// Makes the practice library beside its place first: a start that is cut off leaves none.
fn make_practice(folder: &Path, settings: &Settings) -> Result<(), AppError> {
    const WHAT: &str = "the practice library cannot be made";
    const NEXT_STEP: &str = "Check that the data folder has room and may be written.";
    let practice = &settings.practice;
    let plan = LibraryPlan::practice(practice.cartridges, practice.capacity_bytes);
    let new = folder.with_extension("new");
    let io = |what: &str| {
        let what = format!("cannot {what} {}", new.display());
        move |source| AppError::Io { what, source }
    };
    if new.exists() {
        std::fs::remove_dir_all(&new).map_err(io("remove"))?;
    }
    VirtualLibrary::create(&new, &plan).map_err(|error| failed(WHAT, error, NEXT_STEP))?;
    std::fs::rename(&new, folder).map_err(io("put into place"))
}

fn devices(key: ReservationKey, clock: &Arc<dyn Clock>) -> Arc<Equipment> {
    let equipment = Equipment::awaited(key, Arc::clone(clock));
    arrival::look(&equipment, clock);
    equipment
}

/// What streams begin with.
pub(super) fn stream_config(wanted: &StreamSettings, clock: &Arc<dyn Clock>) -> StreamConfig {
    StreamConfig {
        ram_bytes: wanted.memory_bytes.0,
        engine: match wanted.engine {
            StreamEngine::Auto => EngineChoice::Auto,
            StreamEngine::Ring => EngineChoice::Ring,
            StreamEngine::Plain => EngineChoice::Plain,
        },
        staging: wanted.staging_folder.as_ref().map(|folder| StagingConfig {
            folder: folder.clone(),
            bytes_max: wanted.staging_bytes.0,
            needs_mount: wanted.staging_needs_mount,
        }),
        clock: Arc::clone(clock),
        ..StreamConfig::default()
    }
}

/// The rates that a person has set for some generations.
pub(super) fn rate_limits(wanted: &StreamSettings) -> BTreeMap<LtoGeneration, RateLimits> {
    let limits = |rates: &RateSettings| RateLimits {
        slowest: rates.slowest_bytes_per_second,
        fastest: rates.fastest_bytes_per_second,
    };
    wanted.rates.iter().map(|(generation, rates)| (*generation, limits(rates))).collect()
}

/// The machine's name; manifests say where a run came from.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
}
