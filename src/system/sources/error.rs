//! Why a network source cannot be used.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::SourceName;
use crate::system::line::whole_message;

/// Why a network source cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourcesError {
    /// There is none of that name.
    #[error("there is no source {0}")]
    Unknown(SourceName),
    /// A field that no server can mean.
    #[error("the {field} \"{text}\" cannot be: write it as {like}")]
    Malformed {
        /// Its name.
        field: &'static str,
        /// What was given.
        text: String,
        /// An example.
        like: &'static str,
    },
    /// The file of the sources.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read`, `write`, `make`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The name of the host leads nowhere.
    #[error("the host {host} is not found")]
    HostUnknown {
        /// The host.
        host: String,
        /// What the resolver says.
        #[source]
        source: io::Error,
    },
    /// The kernel was built without it.
    #[error("this kernel has no {file_system}")]
    NotOfThisKernel {
        /// `smb3` or `nfs`.
        file_system: &'static str,
    },
    /// This process may not mount.
    #[error("this process may not mount")]
    NotAllowed,
    /// User or password are wrong, or the user may not use the share.
    #[error("{place} does not let this user in")]
    SignIn {
        /// Share or export.
        place: String,
    },
    /// The server answers, and has no such share.
    #[error("there is no {place}")]
    NoSuchShare {
        /// Share or export.
        place: String,
    },
    /// The server does not answer.
    #[error("{place} does not answer")]
    NoAnswer {
        /// Share or export.
        place: String,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// Any other refusal.
    #[error("{place} cannot be mounted: {said}")]
    Kernel {
        /// Share or export.
        place: String,
        /// The kernel's messages, if it had any.
        said: String,
        /// Its error.
        #[source]
        source: io::Error,
    },
    /// The service that mounts cannot be asked.
    #[error("the service that mounts sources does not answer at {}", socket.display())]
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
        kind: SourcesErrorKind,
        /// Its message.
        message: String,
    },
}

/// What callers need to know of a [`SourcesError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourcesErrorKind {
    /// There is none of that name.
    Unknown,
    /// It cannot be as it was described.
    Malformed,
    /// The server does not answer, or its name is not found.
    Away,
    /// The server refuses.
    Refused,
    /// This machine cannot do it.
    Machine,
}

impl SourcesError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> SourcesErrorKind {
        match self {
            Self::Unknown(_) => SourcesErrorKind::Unknown,
            Self::Malformed { .. } => SourcesErrorKind::Malformed,
            Self::HostUnknown { .. } | Self::NoAnswer { .. } => SourcesErrorKind::Away,
            Self::SignIn { .. } | Self::NoSuchShare { .. } | Self::Kernel { .. } => {
                SourcesErrorKind::Refused
            }
            Self::File { .. }
            | Self::NotOfThisKernel { .. }
            | Self::NotAllowed
            | Self::Service { .. } => SourcesErrorKind::Machine,
            Self::Told { kind, .. } => *kind,
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self.kind() {
            SourcesErrorKind::Unknown => "See `fossilsafe source list`.",
            SourcesErrorKind::Malformed => "Correct it and send it again.",
            SourcesErrorKind::Away => {
                "Switch the other machine on, and check the network, the name and the port."
            }
            SourcesErrorKind::Refused => {
                "Check the name of the share, user and password on the other machine."
            }
            SourcesErrorKind::Machine => {
                "Look at the journal of fossilsafe-sources; elsewhere than on the appliance, mount the \
                 share by other means and back up the folder."
            }
        }
    }

    /// The message with every cause.
    pub(super) fn whole(&self) -> String {
        whole_message(self)
    }
}
