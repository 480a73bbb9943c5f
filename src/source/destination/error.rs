//! What can go wrong while things are put back.

use std::io;

use rustix::io::Errno;

use crate::domain::SourcePath;

/// A failure to put something back. Nothing stands under its name then, unless it stood there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DestinationError {
    /// Something stands there and may not be replaced.
    #[error("\"{path}\" exists already and was left as it is")]
    Occupied {
        /// Where.
        path: SourcePath,
    },
    /// No room, or the quota is used up.
    #[error("\"{path}\": no space left")]
    Full {
        /// What did not fit.
        path: SourcePath,
    },
    /// It belongs into a folder of the appliance's own.
    #[error("\"{path}\": nothing is restored into the appliance's own folder")]
    Own {
        /// What was to be written.
        path: SourcePath,
    },
    /// A link or a file stands where a folder of the path should be.
    #[error("\"{path}\": something in its path is no folder; nothing was written through it")]
    LedAway {
        /// What was to be written.
        path: SourcePath,
    },
    /// This file system or this user cannot have such a thing.
    #[error("\"{path}\": a {noun} cannot be made here")]
    Unsupported {
        /// What was to be made.
        path: SourcePath,
        /// Its kind.
        noun: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Any other refusal by the system.
    #[error("\"{path}\": cannot {doing}")]
    Io {
        /// What it is about.
        path: SourcePath,
        /// The verb: "write it", "rename it"…
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What policy needs to know of a [`DestinationError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DestinationErrorKind {
    /// Something is in the way; the operator may choose another policy.
    Occupied,
    /// Nothing more fits; the restore pauses.
    Full,
    /// This thing cannot be had here; the rest can.
    Unsupported,
    /// The system refused this thing.
    Io,
}

impl DestinationError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> DestinationErrorKind {
        match self {
            Self::Occupied { .. } | Self::LedAway { .. } => DestinationErrorKind::Occupied,
            Self::Full { .. } => DestinationErrorKind::Full,
            Self::Unsupported { .. } | Self::Own { .. } => DestinationErrorKind::Unsupported,
            Self::Io { .. } => DestinationErrorKind::Io,
        }
    }

    /// The error for a system call that failed while `doing` something with `path`.
    pub(super) fn of_io(
        path: &SourcePath,
        doing: &'static str,
        source: impl Into<io::Error>,
    ) -> Self {
        let (path, source) = (path.clone(), source.into());
        match Errno::from_io_error(&source) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::Full { path },
            Some(Errno::LOOP | Errno::NOTDIR | Errno::XDEV) => Self::LedAway { path },
            Some(Errno::EXIST) => Self::Occupied { path },
            _ => Self::Io { path, doing, source },
        }
    }
}
