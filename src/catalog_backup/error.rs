//! Why a catalog backup cannot be made, read or believed.

use std::io;
use std::path::{Path, PathBuf};

use crate::keys::sealed::SealedError;
use crate::keys::{KeyFileError, KeyId};

/// A failure of a catalog backup.
#[derive(Debug, thiserror::Error)]
pub enum CatalogBackupError {
    /// The system refused a file.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// The verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nobody could open it.
    #[error("no recovery kit is confirmed, and only a kit opens a catalog backup")]
    NoKit,
    /// It was told to stop.
    #[error("stopped before the catalog backup was whole")]
    Stopped,
    /// What is there is no backup.
    #[error("{} is no catalog backup: {why}", path.display())]
    NotABackup {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        why: String,
    },
    /// Another key than the named one has signed it.
    #[error("{} is signed by key {signed_by}, and not by the key that was named", path.display())]
    OtherKey {
        /// The folder.
        path: PathBuf,
        /// The key that it names.
        signed_by: KeyId,
    },
    /// It names the right key, and that key did not sign this.
    #[error("the signature of {} is wrong: it was changed after key {key} had signed it", path.display())]
    BadSignature {
        /// The folder.
        path: PathBuf,
        /// The key.
        key: KeyId,
    },
    /// A part of it is not as it was signed.
    #[error("{what} is damaged: {why}")]
    Damaged {
        /// Which part.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The kit does not open it.
    #[error("the data key of the backup cannot be opened")]
    Kit(#[from] KeyFileError),
    /// What is sealed does not open.
    #[error("the sealed state cannot be opened")]
    Sealed(#[from] SealedError),
}

impl CatalogBackupError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Io { .. } => "Check that the folder is there, can be written and has room.",
            Self::NoKit => {
                "Run `fossilsafe kit print`, print what it writes, and `fossilsafe kit confirm`."
            }
            Self::Stopped => "Start it again.",
            Self::NotABackup { .. } => {
                "Name the folder of one backup: its name begins with fossilsafe-."
            }
            Self::OtherKey { .. } => {
                "Compare the key with the paper of the kit. If it stands there, name it with --signing-key; \
                 if not, this is another appliance's, or a forgery."
            }
            Self::BadSignature { .. } | Self::Damaged { .. } | Self::Sealed(_) => {
                "Take another backup, or another copy of this one."
            }
            Self::Kit(KeyFileError::WrongKit { .. }) => {
                "Take the paper of one of the kits that it names."
            }
            Self::Kit(_) => "Take another copy of this backup.",
        }
    }
}
