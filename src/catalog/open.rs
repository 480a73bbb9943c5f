//! Opening the catalog: lock, checks, migrations; one writer and a pool of readers.
//!
//! SQLite in WAL mode lets readers go on while the one writer commits, and what was committed
//! survives a kill or a power cut (synchronous FULL: a commit is on the disk before it is seen). The
//! writer stands behind a mutex and a transaction holds it only for its own duration; a bulk insert
//! collects its rows first and takes the writer for one batch at a time. A reader never waits for
//! the writer.
//!
//! A lock file beside the catalog keeps a second engine out. A damaged file is named and left as it
//! is: [`Catalog::set_aside`] moves it away when a person asks for that.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::domain::{Timestamp, lock_alone};

use super::cartridge_notes::CartridgeNotes;
use super::error::CatalogError;
use super::events::EventSignal;
use super::ids::SegmentId;
use super::run_writer::{Firsts, Turns};
use super::search::SearchIndex;
use super::volume_folders::VolumeFolders;

/// Marks the file as ours: "FSLC".
const APPLICATION_ID: i64 = 0x4653_4C43;
/// The schema this version writes; one more for each migration.
const SCHEMA_VERSION: i64 = 3;
/// The migrations, in order; the nth leads to schema n.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_schedules.sql"),
    include_str!("migrations/0003_cartridge_history.sql"),
    include_str!("migrations/0004_job_priority.sql"),
];
/// The setting that says which schema a reader must know at least; older ones refuse the file.
const SETTING_READABLE_SINCE: &str = "schema.readable_since";
/// The setting that names this catalog, so that a search index of another is not taken for its own.
const SETTING_CATALOG_UUID: &str = "catalog.uuid";

/// Rows of files are 50 to 150 bytes; at 8 KiB a page less of it stays empty than at 4 (measured).
const PAGE_BYTES: i64 = 8192;
/// The writer's page cache: the right edges of the big tables and a large folder fit.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// A reader's page cache.
pub(super) const READER_CACHE_KIB: i64 = 16 * 1024;
/// Pages in the WAL before it is copied back: 64 MiB, so a batch does not pay for a checkpoint.
const CHECKPOINT_PAGES: i64 = 8192;
/// How long a connection waits for another's lock before it reports busy.
const BUSY_WAIT: Duration = Duration::from_secs(10);
/// Prepared statements kept by a connection; there are about 150 different ones.
const STATEMENTS_KEPT: usize = 200;
/// Idle readers kept open; more are opened when more threads read at once.
const IDLE_READERS_MAX: usize = 8;
/// Up to this size the whole file is checked at every opening: under a second on a slow disk.
const CHECK_ALWAYS_BYTES: u64 = 256 * 1024 * 1024;
/// Every SQLite file begins with this.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How much of the file is checked when it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenCheck {
    /// All of it, if it is small or the last engine did not close it; otherwise header and schema.
    #[default]
    WhenDue,
    /// All of it.
    Whole,
}

/// The catalog. Cheap to clone; all clones share one writer.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    /// Segments that a run writer is on; a second one would break the numbering.
    pub(super) writing: Mutex<BTreeSet<SegmentId>>,
    /// What they stored last. Locked after `writer` only.
    pub(super) firsts: Mutex<Firsts>,
    /// How far they have come with it.
    pub(super) turns: Mutex<Turns>,
    pub(super) events: EventSignal,
    pub(super) search: SearchIndex,
    pub(super) notes: CartridgeNotes,
    pub(super) folders: VolumeFolders,
    /// Held while this lives; the operating system frees it when the process ends.
    _lock: File,
}

impl Catalog {
    /// Opens the catalog at `path`, or makes it if there is none; its folder must exist.
    ///
    /// # Errors
    /// `InUse` if another engine has it, `Corrupt`, `NotACatalog` or `TooNew` if the file is not one
    /// that this version can use (it is left untouched), `Io` or `Database` for the rest.
    pub fn open(path: &Path, check: OpenCheck) -> Result<Self, CatalogError> {
        let lock = lock_catalog(path)?;
        let is_new = examine_file(path)?;
        let was_closed = is_empty_or_missing(&beside(path, "-wal"));
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, is_new)?;
        if !is_new {
            ensure_ours(&writer, path)?;
            let is_small = fs::metadata(path).is_ok_and(|file| file.len() <= CHECK_ALWAYS_BYTES);
            if check == OpenCheck::Whole || is_small || !was_closed {
                quick_check(&writer, path)?;
            }
        }
        migrate(&mut writer).map_err(|error| as_corrupt(error, path))?;
        let uuid = read_setting(&writer, SETTING_CATALOG_UUID)?.unwrap_or_default();
        let search = SearchIndex::open(&beside(path, ".search"), path, &uuid)?;
        let notes = CartridgeNotes::open(path)?;
        let inner = Inner {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
            writing: Mutex::new(BTreeSet::new()),
            firsts: Mutex::new(Firsts::default()),
            turns: Mutex::new(Turns::default()),
            events: EventSignal::default(),
            search,
            notes,
            folders: VolumeFolders::default(),
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The catalog's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Checks the whole file, as [`OpenCheck::Whole`] does, while the catalog is in use.
    ///
    /// # Errors
    /// `Corrupt` with the first findings.
    pub fn check(&self) -> Result<(), CatalogError> {
        self.read("check the catalog", |reader| quick_check(reader, &self.inner.path))
    }

    /// Moves the catalog's files aside, under names with `now`, so that a new one can be made.
    /// Nothing is deleted. Returns the new name of the main file.
    ///
    /// # Errors
    /// `InUse` if an engine has it open, `Io` if a file cannot be renamed.
    pub fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, CatalogError> {
        let _lock = lock_catalog(path)?;
        let suffix = format!(".damaged-{}", now.seconds);
        let target = beside(path, &suffix);
        for part in ["-wal", "-shm", ".search", ".search-wal", ".search-shm", ""] {
            let from = beside(path, part);
            if from.exists() {
                fs::rename(&from, beside(&target, part)).map_err(|source| CatalogError::Io {
                    doing: "move the damaged file aside",
                    path: from,
                    source,
                })?;
            }
        }
        Ok(target)
    }

    /// Runs `work` in one write transaction. It is committed if `work` succeeds, else undone.
    pub(super) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        self.write_then(doing, work, |_| ())
    }

    /// As [`Catalog::write`]. Before anybody else can write, `then` is given how many changes the connection
    /// has made by now, or nothing if the transaction was undone.
    pub(super) fn write_then<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, CatalogError>,
        then: impl FnOnce(Option<u64>),
    ) -> Result<T, CatalogError> {
        let mut writer = self.inner.writer.lock();
        let in_transaction = || {
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        let result: Result<T, CatalogError> = in_transaction();
        then(result.is_ok().then(|| writer.total_changes()));
        result.map_err(|error| error.while_doing(doing, &self.inner.path))
    }

    /// Runs `work` on a reader, within one consistent view of the catalog.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, CatalogError>,
    ) -> Result<T, CatalogError> {
        let reader = self.reader()?;
        let in_view = || {
            let view = reader.unchecked_transaction()?;
            work(&view)
        };
        let result: Result<T, CatalogError> = in_view();
        self.give_back(reader);
        result.map_err(|error| error.while_doing(doing, &self.inner.path))
    }

    fn reader(&self) -> Result<Connection, CatalogError> {
        if let Some(reader) = self.inner.readers.lock().pop() {
            return Ok(reader);
        }
        let reader = connect(&self.inner.path, OpenFlags::SQLITE_OPEN_READ_WRITE, false)?;
        reader.pragma_update(None, "query_only", true)?;
        reader.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(reader)
    }

    fn give_back(&self, reader: Connection) {
        let mut readers = self.inner.readers.lock();
        if readers.len() < IDLE_READERS_MAX && reader.is_autocommit() {
            readers.push(reader);
        }
    }
}

/// `path` with `suffix` appended to its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn lock_catalog(path: &Path) -> Result<File, CatalogError> {
    let lock_path = beside(path, ".lock");
    let io = |source| CatalogError::Io { doing: "lock it", path: lock_path.clone(), source };
    let file =
        File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(io)?;
    match lock_alone(&file).map_err(io)? {
        true => Ok(file),
        false => Err(CatalogError::InUse { path: path.to_owned() }),
    }
}

/// True if a catalog has to be made; an error if what is there cannot be a catalog.
fn examine_file(path: &Path) -> Result<bool, CatalogError> {
    let io = |source| CatalogError::Io { doing: "read it", path: path.to_owned(), source };
    let corrupt =
        |detail: &str| CatalogError::Corrupt { path: path.to_owned(), detail: detail.to_owned() };
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => {
            file.take(16).read_to_end(&mut start).map_err(io)?;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
    }
    let has_wal = !is_empty_or_missing(&beside(path, "-wal"));
    match (start.as_slice(), has_wal) {
        // SQLite writes the first page of a new file last, so a kill in the middle leaves this.
        ([], false) => Ok(true),
        ([], true) => Err(corrupt("the main file is missing or empty, but its -wal is there")),
        (magic, _) if magic == SQLITE_MAGIC => Ok(false),
        _ => Err(corrupt("it does not begin like an SQLite file")),
    }
}

fn is_empty_or_missing(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |file| file.len() == 0)
}

/// Opens one connection with the settings that all of ours have.
pub(super) fn connect(
    path: &Path,
    flags: OpenFlags,
    is_new: bool,
) -> Result<Connection, CatalogError> {
    let create = if is_new { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = flags | create | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        if is_new {
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        }
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        Ok(connection)
    };
    open().map_err(|error| as_corrupt(CatalogError::from(error), path))
}

/// Gives an error that says "damaged" its own form; others keep theirs, with the path.
fn as_corrupt(error: CatalogError, path: &Path) -> CatalogError {
    match error {
        CatalogError::Database { source, .. }
            if matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ) =>
        {
            CatalogError::Corrupt { path: path.to_owned(), detail: source.to_string() }
        }
        other => other.while_doing("open it", path),
    }
}

fn ensure_ours(connection: &Connection, path: &Path) -> Result<(), CatalogError> {
    let pragma = |name: &str| -> Result<i64, CatalogError> {
        connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(|error| as_corrupt(error.into(), path))
    };
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| as_corrupt(error.into(), path))?;
    let application = pragma("application_id")?;
    if application != APPLICATION_ID && (application != 0 || tables != 0) {
        let detail = format!("its application id is {application:#x}");
        return Err(CatalogError::NotACatalog { path: path.to_owned(), detail });
    }
    let found = pragma("user_version")?;
    if found > SCHEMA_VERSION {
        let since = read_setting(connection, SETTING_READABLE_SINCE)?;
        let is_readable = since
            .and_then(|since| since.parse::<i64>().ok())
            .is_some_and(|since| since <= SCHEMA_VERSION);
        if !is_readable {
            let path = path.to_owned();
            return Err(CatalogError::TooNew { path, found, known: SCHEMA_VERSION });
        }
    }
    Ok(())
}

fn quick_check(connection: &Connection, path: &Path) -> Result<(), CatalogError> {
    let findings = || -> Result<Vec<String>, rusqlite::Error> {
        let mut statement = connection.prepare("PRAGMA quick_check(5)")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    let findings = findings().map_err(|error| as_corrupt(error.into(), path))?;
    if findings.iter().all(|finding| finding == "ok") {
        return Ok(());
    }
    Err(CatalogError::Corrupt { path: path.to_owned(), detail: findings.join("; ") })
}

fn migrate(connection: &mut Connection) -> Result<(), CatalogError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        if number == 0 {
            let uuid = uuid::Uuid::new_v4().to_string();
            write_setting(&transaction, SETTING_CATALOG_UUID, &uuid)?;
            write_setting(&transaction, SETTING_READABLE_SINCE, "1")?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", i64::try_from(number + 1).unwrap_or(0))?;
        transaction.commit()?;
    }
    Ok(())
}

/// Reads one setting.
pub(super) fn read_setting(
    connection: &Connection,
    key: &str,
) -> Result<Option<String>, CatalogError> {
    use rusqlite::OptionalExtension as _;
    let mut statement = connection.prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Writes one setting.
pub(super) fn write_setting(
    connection: &Connection,
    key: &str,
    value: &str,
) -> Result<(), CatalogError> {
    connection
        .prepare_cached(
            "INSERT INTO settings (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute([key, value])?;
    Ok(())
}
