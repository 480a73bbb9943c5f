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
    /// Another process has the file of the sources.
    #[error("the sources in {} are in use by another process", .0.display())]
    InUse(PathBuf),
    /// The name of the host leads nowhere.
    #[error("the host {host} is not found")]
    HostUnknown {
        /// The host.
        host: String,
        /// What the resolver says.
        #[source]
        source: io::Error,
    },
    /// Nobody has confirmed the server's key yet.
    #[error("{place}: nobody has confirmed the server's key yet; it shows {}", shown.join(", "))]
    HostKeyUnknown {
        /// The folder.
        place: String,
        /// The fingerprints that it shows.
        shown: Vec<String>,
    },
    /// It has other keys than the one that was confirmed.
    #[error(
        "{place}: the server does not have the key that was confirmed; it shows {}: another machine may \
         answer in its place", shown.join(", ")
    )]
    HostKeyChanged {
        /// The folder.
        place: String,
        /// The fingerprints that it shows.
        shown: Vec<String>,
    },
    /// OpenSSH's client cannot be run here.
    #[error("OpenSSH's client cannot be run")]
    NoClient {
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The other side says something else than was expected.
    #[error("{place} cannot be used: {said}")]
    Protocol {
        /// The folder or bucket.
        place: String,
        /// What it, or the client here, said.
        said: String,
    },
    /// The kernel was built without it.
    #[error("this kernel has no {file_system}")]
    NotOfThisKernel {
        /// `smb3`, `nfs`, `fuse`.
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
    /// The server refuses, or is not who it was.
    Refused,
    /// The server's key has to be compared and confirmed.
    HostKey,
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
            Self::SignIn { .. }
            | Self::NoSuchShare { .. }
            | Self::Kernel { .. }
            | Self::Protocol { .. } => SourcesErrorKind::Refused,
            Self::HostKeyUnknown { .. } | Self::HostKeyChanged { .. } => SourcesErrorKind::HostKey,
            Self::File { .. }
            | Self::InUse(_)
            | Self::NotOfThisKernel { .. }
            | Self::NotAllowed
            | Self::NoClient { .. }
            | Self::Service { .. } => SourcesErrorKind::Machine,
            Self::Told { kind, .. } => *kind,
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        if let Self::InUse(_) = self {
            return "Stop the other one: `systemctl stop fossilsafe-sources`, or `fossilsafe run`.";
        }
        match self.kind() {
            SourcesErrorKind::Unknown => "See `fossilsafe source list`.",
            SourcesErrorKind::Malformed => "Correct it and send it again.",
            SourcesErrorKind::Away => {
                "Switch the other machine on, and check the network, the name and the port."
            }
            SourcesErrorKind::Refused => {
                "Check the name of the share or folder, user and password on the other machine."
            }
            SourcesErrorKind::HostKey => {
                "Compare the fingerprint with what `ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub` says on the \
                 other machine, and send it as host_key if it is the same."
            }
            SourcesErrorKind::Machine => {
                "Look at the journal of fossilsafe-sources; elsewhere than on the appliance, mount the \
                 share by other means and back up the folder."
            }
        }
    }

    /// The keys that the server shows, where one has to be confirmed.
    pub(super) fn shown_host_keys(&self) -> &[String] {
        match self {
            Self::HostKeyUnknown { shown, .. } | Self::HostKeyChanged { shown, .. } => shown,
            _ => &[],
        }
    }

    /// The message with every cause.
    pub(super) fn whole(&self) -> String {
        whole_message(self)
    }
}
