//! An appliance out of a catalog backup: taken out beside the data folder's files, looked at, put into place.
//!
//! Everything is taken out into a hidden folder and opened there once, so that a backup that no engine could
//! use is found before anything is moved. What the backup could not know is settled there too: jobs that had
//! not ended are cancelled, for tapes may have moved on since, and sessions end. The files are then renamed,
//! the catalog last. A restore that was cut off is simply done again.
//!
//! Only what a backup brings is ever moved aside: a practice library and whatever else lies in the folder stay
//! where they are. Nothing is deleted. What other services keep goes into their folders: [`beside`].

mod beside;

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

pub(super) use self::beside::ServiceFolders;
use super::error::AppError;
use crate::audit::{AuditLog, Event};
use crate::catalog::people::PeopleStore;
use crate::catalog::snapshot::{
    ALERTS_FILE, AUDIT_FILE, CARTRIDGES_FILE, CATALOG_FILE, PEOPLE_FILE,
};
use crate::catalog::{Catalog, OpenCheck, RunState};
use crate::catalog_backup::{Description, OpenedBackup};
use crate::domain::{Clock, SystemClock, Timestamp, lock_alone};
use crate::durable;
use crate::jobs::{JobEnd, JobState, Outcome};
use crate::keys::KeyStore;

/// Where a backup is taken out, in the data folder: on the same disk, so that it can be renamed.
const STAGE: &str = ".restoring";
const FOLDER_MODE: u32 = 0o700;
/// What an engine holds while it runs.
const LOCK_FILE: &str = "catalog.db.lock";
const KEYS_FOLDER: &str = "keys";
/// What stands in the way of a backup, in the order in which it is put into place.
const STATE: [&str; 11] = [
    KEYS_FOLDER,
    "receipts",
    "jobs",
    "setup-code",
    "settings.json",
    PEOPLE_FILE,
    ALERTS_FILE,
    AUDIT_FILE,
    CARTRIDGES_FILE,
    "catalog.db.search",
    CATALOG_FILE,
];
/// What SQLite may have left beside its files.
const SQLITE_ENDINGS: [&str; 2] = ["-wal", "-shm"];
const LOOK: &str = "Check that the data folder can be written and has room.";
const DONE_BEFORE: &str =
    "restored from a backup of the catalog: the job was at work when that was made";

/// What happens to an appliance that is in the folder already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupied {
    /// Nothing is done.
    Refuse,
    /// Its files go into a folder beside.
    MoveAside,
}

/// A data folder whose engine does not run.
#[derive(Debug)]
pub(super) struct Data {
    path: PathBuf,
    entries: Vec<String>,
    _lock: Option<File>,
}

/// What was done.
#[derive(Debug, Serialize)]
pub(super) struct Restored {
    /// The machine that the backup is of.
    pub(super) host: String,
    /// When it was made.
    pub(super) made: Timestamp,
    /// Files that it had.
    pub(super) files: usize,
    /// Jobs that had not ended then.
    pub(super) jobs_ended: usize,
    /// Where the files are that stood in the folder.
    pub(super) moved_to: Option<PathBuf>,
    /// Files that were put back for other services.
    pub(super) beside: Vec<PathBuf>,
}

impl Data {
    /// Looks at the folder and makes it if there is none.
    pub(super) fn examine(path: &Path) -> Result<Self, AppError> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(path)
            .map_err(io("make", path))?;
        let lock_path = path.join(LOCK_FILE);
        let lock = match File::options().write(true).open(&lock_path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(io("read", &lock_path)(error)),
        };
        if let Some(file) = &lock
            && !lock_alone(file).map_err(io("lock", &lock_path))?
        {
            return Err(AppError::Offline {
                message: format!("an engine runs in {}", path.display()),
                next_step: "Stop it first.".to_owned(),
            });
        }
        let names = STATE.iter().flat_map(|name| {
            let beside = SQLITE_ENDINGS.iter().map(move |ending| format!("{name}{ending}"));
            beside.chain(std::iter::once((*name).to_owned()))
        });
        let entries = names.filter(|name| path.join(name).exists()).collect();
        Ok(Self { path: path.to_owned(), entries, _lock: lock })
    }

    /// No appliance has begun here. Settings alone are none: each start of the program writes them.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry == "settings.json")
    }

    /// What of an appliance is there.
    pub(super) fn entries(&self) -> &[String] {
        &self.entries
    }
}

/// Puts a backup into a data folder.
pub(super) fn restore(
    backup: OpenedBackup,
    data: &Data,
    folders: &ServiceFolders,
    occupied: Occupied,
) -> Result<Restored, AppError> {
    if !data.is_empty() && occupied == Occupied::Refuse {
        return Err(AppError::Offline {
            message: format!("{} holds an appliance, and nothing was changed", data.path.display()),
            next_step: "Name an empty folder, or type the word that is asked for.".to_owned(),
        });
    }
    let stage = data.path.join(STAGE);
    if stage.exists() {
        fs::remove_dir_all(&stage).map_err(io("remove", &stage))?;
    }
    DirBuilder::new().mode(FOLDER_MODE).create(&stage).map_err(io("make", &stage))?;
    let description = backup.take_out(&stage).map_err(|error| {
        AppError::offline("the backup cannot be taken out", &error, error.next_step())
    })?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let jobs_ended = settle(&stage, &description, &clock)?;
    give_to_owner(&data.path, &stage)?;
    let beside = beside::put(&stage, folders, clock.now())?;
    let moved_to = move_aside(data, clock.now())?;
    for name in with_rest(&stage)? {
        let (from, to) = (stage.join(&name), data.path.join(&name));
        fs::rename(&from, &to).map_err(io("put into place", &to))?;
    }
    fs::remove_dir_all(&stage).map_err(io("remove", &stage))?;
    durable::sync(&data.path).map_err(io("sync", &data.path))?;
    Ok(Restored {
        host: description.host,
        made: description.made,
        files: description.files.len(),
        jobs_ended,
        moved_to,
        beside,
    })
}

/// Opens every part as an engine would, and settles what the backup could not know.
fn settle(
    stage: &Path,
    description: &Description,
    clock: &Arc<dyn Clock>,
) -> Result<usize, AppError> {
    let now = clock.now();
    let keys = KeyStore::open_or_create(&stage.join(KEYS_FOLDER), clock.as_ref());
    let keys = Arc::new(keys.map_err(unusable("keys"))?);
    let catalog = Catalog::open(&stage.join(CATALOG_FILE), OpenCheck::Whole);
    let catalog = catalog.map_err(unusable("catalog"))?;
    let jobs_ended = end_jobs(&catalog, now).map_err(unusable("catalog"))?;
    drop(catalog);
    let people = PeopleStore::open(&stage.join(PEOPLE_FILE)).map_err(unusable("users"))?;
    people.forget_sessions(now, now).map_err(unusable("users"))?;
    let audit = AuditLog::open(stage, keys, Arc::clone(clock)).map_err(unusable("audit log"))?;
    beside::ensure_usable(stage, clock)?;
    let event = Event {
        actor: "local".to_owned(),
        address: "local".to_owned(),
        request_id: String::new(),
        action: "catalog restore".to_owned(),
        object: format!("backup of {} made {}", description.host, description.made),
        outcome: "ok".to_owned(),
        status: 0,
    };
    audit.add(&event).map_err(unusable("audit log"))?;
    Ok(jobs_ended)
}

/// Cancels the jobs that had not ended, and ends their runs: the tapes may hold more than they knew.
fn end_jobs(catalog: &Catalog, now: Timestamp) -> Result<usize, crate::catalog::CatalogError> {
    let outcome = Outcome { sentence: DONE_BEFORE.to_owned(), ..Outcome::default() };
    let end = serde_json::to_value(JobEnd { outcome: Some(outcome), ..JobEnd::default() }).ok();
    let states = [JobState::Queued, JobState::Running, JobState::Paused, JobState::Waiting];
    let mut ended = 0;
    for state in states {
        for job in catalog.jobs_in_state(state)? {
            catalog.set_job_state(job.id, JobState::Cancelled, end.as_ref(), now)?;
            ended += 1;
        }
    }
    for run in catalog.running_runs()? {
        catalog.set_run_state(&run.run.run, RunState::Failed, Some(DONE_BEFORE), now)?;
    }
    Ok(ended)
}

fn unusable<E: std::error::Error>(part: &'static str) -> impl Fn(E) -> AppError {
    move |error| {
        let doing = format!("the {part} of the backup cannot be used");
        AppError::offline(
            &doing,
            &error,
            "Take another backup, or a newer release of this program.",
        )
    }
}

/// Gives what was taken out to whom the data folder belongs: root restores, the engine is another user.
fn give_to_owner(data: &Path, stage: &Path) -> Result<(), AppError> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    let owner = data.metadata().map_err(io("read", data))?;
    give(stage, owner.uid(), owner.gid())
}

fn give(path: &Path, user: u32, group: u32) -> Result<(), AppError> {
    std::os::unix::fs::lchown(path, Some(user), Some(group)).map_err(io("give away", path))?;
    if path.is_dir() {
        for entry in path.read_dir().map_err(io("read", path))? {
            give(&entry.map_err(io("read", path))?.path(), user, group)?;
        }
    }
    Ok(())
}

fn move_aside(data: &Data, now: Timestamp) -> Result<Option<PathBuf>, AppError> {
    if data.entries.is_empty() {
        return Ok(None);
    }
    let aside = data.path.join(format!("replaced-{}", now.seconds));
    DirBuilder::new().mode(FOLDER_MODE).create(&aside).map_err(io("make", &aside))?;
    for entry in &data.entries {
        let from = data.path.join(entry);
        fs::rename(&from, aside.join(entry)).map_err(io("move aside", &from))?;
    }
    Ok(Some(aside))
}

/// The names in the stage in the order of [`STATE`]; its lock stays behind.
fn with_rest(stage: &Path) -> Result<Vec<String>, AppError> {
    let entries = stage.read_dir().map_err(io("read", stage))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> =
        names.collect::<std::io::Result<_>>().map_err(io("read", stage))?;
    names.retain(|name| name != LOCK_FILE);
    names.sort_by_key(|name| STATE.iter().position(|known| known == name).unwrap_or(0));
    Ok(names)
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> AppError {
    let path = path.to_owned();
    move |error| AppError::offline(&format!("cannot {doing} {}", path.display()), &error, LOOK)
}
