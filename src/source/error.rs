//! What can go wrong while a source is walked or read.
//!
//! A problem with one file is never a reason to stop: the walk reports it and goes on, and the job
//! lists it. Policy looks at [`SourceError::kind`] only.

use std::io;
use std::path::PathBuf;

use crate::domain::{SourceName, SourcePath};

/// A failure of a source, naming the operation and the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It was listed and is gone.
    #[error("\"{path}\" has vanished")]
    Vanished {
        /// What is gone.
        path: SourcePath,
    },
    /// The source refuses access.
    #[error("\"{path}\": no permission to {doing}")]
    PermissionDenied {
        /// What is refused.
        path: SourcePath,
        /// The verb: "read it", "list it"…
        doing: &'static str,
    },
    /// It is no regular file any more, or a link stands in its path.
    #[error("\"{path}\" is not a regular file any more")]
    NotAFile {
        /// What was to be opened.
        path: SourcePath,
    },
    /// Any other refusal by the system.
    #[error("\"{path}\": cannot {doing}")]
    Unreadable {
        /// What cannot be read.
        path: SourcePath,
        /// The verb: "read it", "list it"…
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A root that was asked for does not exist or cannot be reached.
    #[error("\"{}\" cannot be backed up: it cannot be reached", root.display())]
    RootUnreachable {
        /// The path as it was given.
        root: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A network source that is not mounted: its folder is empty and says nothing of its files.
    #[error("the source {name} is not mounted")]
    NotMounted {
        /// Its name.
        name: SourceName,
    },
    /// An exclude pattern that cannot be understood.
    #[error("exclude pattern \"{pattern}\": {reason}")]
    BadPattern {
        /// The pattern as it was given.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// What policy needs to know of a [`SourceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// The file is gone; it is listed as vanished.
    Vanished,
    /// Access is refused; it is listed as unreadable.
    PermissionDenied,
    /// Reading failed; it is listed as unreadable.
    Unreadable,
    /// What the operator asked for cannot be done as asked.
    OperatorNeeded,
}

impl SourceError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> SourceErrorKind {
        match self {
            Self::Vanished { .. } => SourceErrorKind::Vanished,
            Self::PermissionDenied { .. } => SourceErrorKind::PermissionDenied,
            Self::NotAFile { .. } | Self::Unreadable { .. } => SourceErrorKind::Unreadable,
            Self::RootUnreachable { .. } | Self::NotMounted { .. } | Self::BadPattern { .. } => {
                SourceErrorKind::OperatorNeeded
            }
        }
    }

    /// The error for a system call that failed with `source` while `doing` something at `path`.
    #[must_use]
    pub fn of_io(path: &SourcePath, doing: &'static str, source: io::Error) -> Self {
        let path = path.clone();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Vanished { path },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { path, doing },
            _ => Self::Unreadable { path, doing, source },
        }
    }
}
