//! What can go wrong with keys. No variant ever carries key material.

use std::io;
use std::path::PathBuf;

use super::vault::{VaultError, VaultErrorKind};
use super::{KeyFileError, KeyId};

/// A failure of the key store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The system refused a file.
    #[error("cannot {doing} \"{}\"", path.display())]
    Io {
        /// The verb: "read", "write"…
        doing: &'static str,
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A key file is not what was written. It is never replaced by itself: without the old key
    /// nothing that it signed could be continued.
    #[error(
        "key file \"{}\" is damaged: {reason}; put back a copy of it, or move it away to start with a new key",
        path.display()
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// Others than the owner may read a private key.
    #[error(
        "key file \"{}\" can be read by others (mode {mode:o}); set it to 600, and rotate the key if somebody may have read it",
        path.display()
    )]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A text that was to be a public key.
    #[error("this is no Ed25519 public key in PEM form")]
    NotAPublicKey,
    /// The appliance's own keys cannot be taken off the list.
    #[error("key {0} belongs to this appliance and stays trusted")]
    OwnKey(KeyId),
    /// A kit was to be confirmed and none waits for it.
    #[error("no recovery kit waits to be confirmed; print one with `fossilsafe kit print`")]
    NoKit,
    /// What was typed is not on the paper.
    #[error("these are not groups {} of kit {kit}", numbers(asked))]
    KitNotConfirmed {
        /// The kit.
        kit: KeyId,
        /// The groups that are asked for, counted from 1.
        asked: Vec<usize>,
    },
    /// A kit cannot be taken off the list.
    #[error("kit {0} is not on the list, or the only one that is confirmed")]
    LastKit(KeyId),
    /// A kit that nobody here printed, or that was retired.
    #[error("kit {0} is none of the kits of this appliance")]
    UnknownKit(KeyId),
    /// A kit does not open a data key.
    #[error("kit {kit} does not open a data key of this appliance")]
    NotOpened {
        /// The kit.
        kit: KeyId,
        /// Why not.
        #[source]
        source: KeyFileError,
    },
    /// A kit was typed for a drill, and is not in memory any more.
    #[error("kit {0} has to be typed again: it is never kept")]
    KitForgotten(KeyId),
    /// A kit has opened the keys of a tape, and not the file.
    #[error("kit {kit} does not open \"{path}\": {why}")]
    SampleNotOpened {
        /// The kit.
        kit: KeyId,
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// A data key is needed and not here.
    #[error("data key {0} is not here")]
    NoDataKey(KeyId),
    /// The key server that keeps a data key does not give it.
    #[error("data key {key} is not given: {refusal}")]
    KeyServer {
        /// The key.
        key: KeyId,
        /// Why not.
        refusal: VaultError,
    },
    /// The key server cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

fn numbers(asked: &[usize]) -> String {
    asked.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What policy needs to know of a [`KeysError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeysErrorKind {
    /// A file is damaged.
    Corrupt,
    /// A person has to decide or repair.
    OperatorNeeded,
    /// The file system refused.
    Io,
    /// The key server does not answer, or not as it should.
    Away,
    /// What was asked for makes no sense.
    Invalid,
}

impl KeysError {
    /// What the key server has to do with it.
    #[must_use]
    pub fn vault(&self) -> Option<&VaultError> {
        match self {
            Self::KeyServer { refusal, .. } | Self::Vault(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> KeysErrorKind {
        match self {
            Self::Io { .. } => KeysErrorKind::Io,
            Self::KeyServer { refusal, .. } | Self::Vault(refusal)
                if refusal.kind() == VaultErrorKind::Away =>
            {
                KeysErrorKind::Away
            }
            Self::Vault(refusal) if refusal.kind() == VaultErrorKind::Invalid => {
                KeysErrorKind::Invalid
            }
            Self::Corrupt { .. } => KeysErrorKind::Corrupt,
            Self::TooOpen { .. }
            | Self::NotAPublicKey
            | Self::OwnKey(_)
            | Self::NoKit
            | Self::KitNotConfirmed { .. }
            | Self::LastKit(_)
            | Self::UnknownKit(_)
            | Self::NotOpened { .. }
            | Self::KitForgotten(_)
            | Self::SampleNotOpened { .. }
            | Self::KeyServer { .. }
            | Self::Vault(_)
            | Self::NoDataKey(_) => KeysErrorKind::OperatorNeeded,
        }
    }
}
