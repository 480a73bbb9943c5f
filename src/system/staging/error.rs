//! Why a disk cannot be made the staging disk.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Why a disk cannot be taken, or disks cannot be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StagingDiskError {
    /// There is no such disk.
    #[error("there is no disk {0}")]
    Unknown(String),
    /// It may not be erased.
    #[error("disk {name} cannot be taken: {why}")]
    InUse {
        /// The disk.
        name: String,
        /// Why not.
        why: String,
    },
    /// What had to be typed was not.
    #[error("\"erase {name}\" was not typed")]
    NotConfirmed {
        /// The disk.
        name: String,
    },
    /// The disk does not take it.
    #[error("cannot {verb} {}", path.display())]
    Device {
        /// `open`, `clear`.
        verb: &'static str,
        /// The device.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The program that makes file systems failed.
    #[error("mkfs.ext4 on {name} failed: {said}")]
    Format {
        /// The disk.
        name: String,
        /// What it said.
        said: String,
    },
    /// It was formatted, and is not mounted.
    #[error("disk {0} was formatted, and was not mounted within half a minute")]
    NotMounted(String),
    /// The service cannot be asked.
    #[error("the service for the staging disk does not answer at {}", socket.display())]
    Service {
        /// Its socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What the service answered to another process.
    #[error("{message}")]
    Told {
        /// The kind that it was there.
        kind: StagingDiskErrorKind,
        /// Its message.
        message: String,
    },
}

/// What callers need to know of a [`StagingDiskError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StagingDiskErrorKind {
    /// There is no such disk.
    Unknown,
    /// It is in use, or not fit.
    InUse,
    /// It was not confirmed.
    NotConfirmed,
    /// This machine cannot do it.
    Machine,
}

impl StagingDiskError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> StagingDiskErrorKind {
        match self {
            Self::Unknown(_) => StagingDiskErrorKind::Unknown,
            Self::InUse { .. } => StagingDiskErrorKind::InUse,
            Self::NotConfirmed { .. } => StagingDiskErrorKind::NotConfirmed,
            Self::Device { .. }
            | Self::Format { .. }
            | Self::NotMounted(_)
            | Self::Service { .. } => StagingDiskErrorKind::Machine,
            Self::Told { kind, .. } => *kind,
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self.kind() {
            StagingDiskErrorKind::Unknown => "Take a name from the list of disks.",
            StagingDiskErrorKind::InUse => "Choose another disk, or free this one first.",
            StagingDiskErrorKind::NotConfirmed => "Type it to the letter: everything on it goes.",
            StagingDiskErrorKind::Machine => {
                "Look at the journal of fossilsafe-staging and of srv-staging.mount."
            }
        }
    }
}
