//! A SQLite file beside the catalog that has a life of its own.
//!
//! The catalog can be lost and rebuilt from the tapes; who may sign in and who did what cannot. So they
//! are files of their own: setting a damaged catalog aside leaves them where they are, and putting
//! back an older copy of the people does not put back an older log. They are small: one connection
//! behind a mutex does for both reading and writing, and the whole file is checked when it is opened.
//!
//! The engine that has the catalog's lock has these files too, so they need none.

use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::error::CatalogError;
use super::open::connect;

/// Only the engine's user may read what is in these files.
const FILE_MODE: u32 = 0o600;

/// What tells one kind of file from another, and how it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct SideFormat {
    /// Marks the file as ours.
    pub(super) application_id: i64,
    /// What it is called in messages: "the people's file".
    pub(super) name: &'static str,
    /// In order; the nth leads to schema n.
    pub(super) migrations: &'static [&'static str],
}

/// Why a file beside the catalog cannot be used, or refuses.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is damaged. It has not been touched.
    #[error("{}: damaged ({detail}); it has not been touched: put back a copy of it", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It is another kind of file, or a newer version has written it.
    #[error("{}: {why}", path.display())]
    NotUsable {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        why: String,
    },
    /// SQLite refused something.
    #[error("{}: cannot {doing}", path.display())]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The file; empty while the error is on its way up.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// The system refused the file.
    #[error("{}: cannot {doing}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A stored value that cannot be decoded.
    #[error("{what} cannot be decoded: {detail}")]
    Decode {
        /// What the value is.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// There is one already.
    #[error("there is {0} already")]
    Exists(String),
    /// Nobody could administer the appliance any more.
    #[error("\"{0}\" is the last admin that can sign in")]
    LastAdmin(String),
}

impl StoreError {
    fn while_doing(self, doing: &'static str, path: &Path) -> Self {
        match self {
            Self::Database { path: known, source, .. } if known.as_os_str().is_empty() => {
                Self::Database { doing, path: path.to_owned(), source }
            }
            other => other,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database { doing: "use the database", path: PathBuf::new(), source }
    }
}

/// The open file.
#[derive(Debug)]
pub(super) struct SideFile {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SideFile {
    /// Opens the file at `path`, or makes it if there is none; its folder must exist.
    pub(super) fn open(path: &Path, format: &SideFormat) -> Result<Self, StoreError> {
        let is_new = make_private(path)?;
        let as_ours = |error: CatalogError| match error {
            CatalogError::Corrupt { path, detail } => StoreError::Corrupt { path, detail },
            CatalogError::Database { source, .. } => StoreError::from(source),
            other => StoreError::NotUsable { path: path.to_owned(), why: other.to_string() },
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let opened = || {
            let mut connection = connect(path, flags, is_new).map_err(as_ours)?;
            ensure_kind(&connection, path, format)?;
            ensure_sound(&connection, path)?;
            migrate(&mut connection, format)?;
            Ok(connection)
        };
        let connection =
            opened().map_err(|error: StoreError| error.while_doing("open it", path))?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// Runs `work` in one transaction, which is committed if it succeeds and undone if not.
    pub(super) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        let in_transaction = || {
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        let result: Result<T, StoreError> = in_transaction();
        result.map_err(|error| error.while_doing(doing, &self.path))
    }

    /// Runs `work` on the file as it is now.
    pub(super) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        work(&self.connection.lock()).map_err(|error| error.while_doing(doing, &self.path))
    }
}

/// Makes an empty file that only its owner may read, unless there is one; true if it is empty.
fn make_private(path: &Path) -> Result<bool, StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let io = |source| StoreError::Io { doing: "open it", path: path.to_owned(), source };
    let mut options = std::fs::File::options();
    // SQLite gives its -wal and -shm the permissions of the main file.
    let file = options.create(true).truncate(false).append(true).mode(FILE_MODE).open(path);
    Ok(file.map_err(io)?.metadata().map_err(io)?.len() == 0)
}

fn ensure_kind(
    connection: &Connection,
    path: &Path,
    format: &SideFormat,
) -> Result<(), StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let known = i64::try_from(format.migrations.len()).unwrap_or(i64::MAX);
    let why = if application != format.application_id && (application != 0 || version != 0) {
        format!("this is not {}", format.name)
    } else if version > known {
        format!("a newer version wrote it (schema {version}, this one knows {known})")
    } else {
        return Ok(());
    };
    Err(StoreError::NotUsable { path: path.to_owned(), why })
}

fn ensure_sound(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let mut statement = connection.prepare("PRAGMA quick_check(5)")?;
    let findings: Vec<String> =
        statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if findings.iter().all(|finding| finding == "ok") {
        return Ok(());
    }
    Err(StoreError::Corrupt { path: path.to_owned(), detail: findings.join("; ") })
}

fn migrate(connection: &mut Connection, format: &SideFormat) -> Result<(), StoreError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for (number, migration) in format.migrations.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "application_id", format.application_id)?;
        transaction.pragma_update(None, "user_version", i64::try_from(number + 1).unwrap_or(0))?;
        transaction.commit()?;
    }
    Ok(())
}
