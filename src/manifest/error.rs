//! What can go wrong with a manifest.

use std::io;

/// A failure to read or write a manifest. Line numbers count from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Reading failed.
    #[error("cannot read the manifest after line {line}")]
    Read {
        /// The last line that was read.
        line: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Writing failed.
    #[error("cannot write the manifest")]
    Write(#[source] io::Error),
    /// It does not begin like a manifest.
    #[error("this is no manifest: {reason}")]
    NotAManifest {
        /// What its first line lacks.
        reason: String,
    },
    /// It was written by a release that knows more than this one.
    #[error("the manifest has version {version}; this release reads up to version {known}")]
    Unsupported {
        /// What the file says.
        version: u32,
        /// What is known here.
        known: u32,
    },
    /// It ends too early.
    #[error("the manifest is cut after line {line}")]
    Truncated {
        /// The last whole line.
        line: u64,
    },
    /// It is not what was written.
    #[error("the manifest is damaged at line {line}: {reason}")]
    Damaged {
        /// The changed line; when lines are missing or moved, the one before them.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// What policy needs to know of a [`ManifestError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManifestErrorKind {
    /// The file system or tape refused.
    Io,
    /// It is damaged or cut; another copy may be whole.
    Corrupt,
    /// A newer release reads it.
    Unsupported,
}

impl ManifestError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> ManifestErrorKind {
        match self {
            Self::Read { .. } | Self::Write(_) => ManifestErrorKind::Io,
            Self::Unsupported { .. } => ManifestErrorKind::Unsupported,
            Self::NotAManifest { .. } | Self::Truncated { .. } | Self::Damaged { .. } => {
                ManifestErrorKind::Corrupt
            }
        }
    }
}
