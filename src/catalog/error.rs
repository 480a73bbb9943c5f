//! What can go wrong with the catalog, and what policy is told about it.

use std::path::{Path, PathBuf};

use crate::domain::{JobId, RunId, SetName, VolumeUuid};

use super::ids::SegmentId;
use super::side_file::StoreError;

/// A failure of the catalog. Display says what and where; [`CatalogError::kind`] is for policy.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Another engine has this catalog open.
    #[error(
        "catalog {}: another engine has it open (its lock is held); stop that engine first",
        path.display()
    )]
    InUse {
        /// The catalog's file.
        path: PathBuf,
    },
    /// The file is damaged. It has not been touched.
    #[error(
        "catalog {}: damaged ({detail}); it has not been touched: move it aside and rebuild from the tapes, or put back a copy",
        path.display()
    )]
    Corrupt {
        /// The catalog's file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is a database of something else.
    #[error("catalog {}: this is not a FossilSafe catalog ({detail}); give another path", path.display())]
    NotACatalog {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// A newer version has written the catalog in a way that this one cannot read.
    #[error(
        "catalog {}: written by a newer version (schema {found}, this one reads up to {known}); start the newer version",
        path.display()
    )]
    TooNew {
        /// The catalog's file.
        path: PathBuf,
        /// The schema's version in the file.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// A file or folder of the catalog cannot be used.
    #[error("catalog {}: cannot {doing}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// SQLite refused something.
    #[error("catalog {}: cannot {doing}", path.display())]
    Database {
        /// What was being done.
        doing: &'static str,
        /// The catalog's file; empty while the error is on its way up.
        path: PathBuf,
        /// The cause.
        #[source]
        source: rusqlite::Error,
    },
    /// The file of what was said of cartridges refuses.
    #[error(transparent)]
    Notes(#[from] StoreError),
    /// A thing that the catalog does not know.
    #[error("the catalog knows no {0}")]
    NotFound(Subject),
    /// A thing that exists already.
    #[error("{0} exists already")]
    Exists(Subject),
    /// A change of state that its state machine does not have.
    #[error("{subject} cannot become {to}: it is {from}")]
    Transition {
        /// Whose state.
        subject: Subject,
        /// The state it has.
        from: &'static str,
        /// The state that was asked for.
        to: &'static str,
    },
    /// A path that cannot stand in the catalog.
    #[error("path \"{path}\" cannot be kept: {reason}")]
    BadPath {
        /// The path, shown lossily.
        path: String,
        /// Why not.
        reason: &'static str,
    },
    /// A search that cannot be made; the text says what is wrong with it.
    #[error("this search cannot be made: {0}")]
    BadQuery(String),
    /// A caller broke the contract of a verb.
    #[error("catalog: {0}")]
    Misuse(String),
    /// A stored value that cannot be decoded.
    #[error("catalog: {what} cannot be decoded: {detail}")]
    Decode {
        /// What the value is.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
}

/// What an error is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A volume.
    Volume(VolumeUuid),
    /// A cartridge, by barcode or number.
    Cartridge(String),
    /// A library, by serial.
    Library(String),
    /// A set.
    Set(SetName),
    /// A run.
    Run(RunId),
    /// A segment.
    Segment(SegmentId),
    /// A job.
    Job(JobId),
    /// A path, shown lossily.
    Path(String),
    /// A move of a cartridge, by number.
    Move(i64),
    /// A schedule.
    Schedule(String),
    /// A maintenance window.
    MaintenanceWindow(String),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Volume(uuid) => write!(f, "volume {uuid}"),
            Self::Cartridge(name) => write!(f, "cartridge {name}"),
            Self::Library(serial) => write!(f, "library {serial}"),
            Self::Set(name) => write!(f, "set {name}"),
            Self::Run(run) => write!(f, "run {run}"),
            Self::Segment(segment) => write!(f, "segment {segment}"),
            Self::Job(job) => write!(f, "job {job}"),
            Self::Path(path) => write!(f, "path {path}"),
            Self::Move(number) => write!(f, "move {number}"),
            Self::Schedule(name) => write!(f, "schedule {name}"),
            Self::MaintenanceWindow(name) => write!(f, "maintenance window {name}"),
        }
    }
}

/// What policy may do about a [`CatalogError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CatalogErrorKind {
    /// The database was busy for longer than we wait. Trying again is right.
    Retry,
    /// The disk is full. Nothing was lost; nothing more can be kept.
    Full,
    /// A person must act: another engine, another version, permissions, a failing disk.
    OperatorNeeded,
    /// The file is damaged: rebuild from tapes.
    Corrupt,
    /// The thing asked for is not there.
    NotFound,
    /// The request contradicts the state of the thing.
    Refused,
    /// An error of ours.
    Bug,
}

impl CatalogError {
    /// What policy may do about it.
    #[must_use]
    pub fn kind(&self) -> CatalogErrorKind {
        use rusqlite::ErrorCode as Code;
        match self {
            Self::InUse { .. } | Self::TooNew { .. } | Self::NotACatalog { .. } => {
                CatalogErrorKind::OperatorNeeded
            }
            Self::Corrupt { .. } | Self::Decode { .. } => CatalogErrorKind::Corrupt,
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                CatalogErrorKind::Full
            }
            Self::Io { .. } | Self::Notes(_) => CatalogErrorKind::OperatorNeeded,
            Self::Database { source, .. } => match source.sqlite_error_code() {
                Some(Code::DatabaseBusy | Code::DatabaseLocked) => CatalogErrorKind::Retry,
                Some(Code::DiskFull) => CatalogErrorKind::Full,
                Some(Code::DatabaseCorrupt | Code::NotADatabase) => CatalogErrorKind::Corrupt,
                Some(
                    Code::SystemIoFailure
                    | Code::CannotOpen
                    | Code::ReadOnly
                    | Code::PermissionDenied
                    | Code::OutOfMemory,
                ) => CatalogErrorKind::OperatorNeeded,
                _ => CatalogErrorKind::Bug,
            },
            Self::NotFound(_) => CatalogErrorKind::NotFound,
            Self::Exists(_)
            | Self::Transition { .. }
            | Self::BadPath { .. }
            | Self::BadQuery(_) => CatalogErrorKind::Refused,
            Self::Misuse(_) => CatalogErrorKind::Bug,
        }
    }

    /// Adds what was being done and to which file, where the error does not say it yet.
    pub(super) fn while_doing(self, doing: &'static str, path: &Path) -> Self {
        match self {
            Self::Database { path: known, source, .. } if known.as_os_str().is_empty() => {
                Self::Database { doing, path: path.to_owned(), source }
            }
            other => other,
        }
    }
}

impl From<rusqlite::Error> for CatalogError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database { doing: "use the database", path: PathBuf::new(), source }
    }
}
