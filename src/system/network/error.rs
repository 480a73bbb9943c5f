//! Why network or time cannot be set.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Why network or time cannot be set or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// There is no such port, or none with a cable.
    #[error("there is no network port {0}")]
    PortUnknown(String),
    /// A setting that cannot work.
    #[error("{field} cannot be {given}: {reason}")]
    Malformed {
        /// Which part.
        field: &'static str,
        /// What was given.
        given: String,
        /// Why not.
        reason: &'static str,
    },
    /// Another setting is on trial.
    #[error("the new setting of {0} is on trial")]
    TrialRunning(String),
    /// Nothing is on trial.
    #[error("no setting is on trial")]
    NoTrial,
    /// A file of the settings.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read`, `write`, `remove`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A service of the system does not do it.
    #[error("`{command}` failed: {said}")]
    System {
        /// What it was told.
        command: String,
        /// What it said.
        said: String,
    },
    /// The service that sets network and time cannot be asked.
    #[error("the service for the network does not answer at {}", socket.display())]
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
        kind: NetworkErrorKind,
        /// Its message.
        message: String,
    },
}

/// What callers need to know of a [`NetworkError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkErrorKind {
    /// There is no such port.
    PortUnknown,
    /// The setting cannot work.
    Malformed,
    /// Another setting is on trial.
    TrialRunning,
    /// Nothing is on trial.
    NoTrial,
    /// This machine cannot do it.
    Machine,
}

impl NetworkError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> NetworkErrorKind {
        match self {
            Self::PortUnknown(_) => NetworkErrorKind::PortUnknown,
            Self::Malformed { .. } => NetworkErrorKind::Malformed,
            Self::TrialRunning(_) => NetworkErrorKind::TrialRunning,
            Self::NoTrial => NetworkErrorKind::NoTrial,
            Self::File { .. } | Self::System { .. } | Self::Service { .. } => {
                NetworkErrorKind::Machine
            }
            Self::Told { kind, .. } => *kind,
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self.kind() {
            NetworkErrorKind::PortUnknown => "See `fossilsafe network show` for the ports.",
            NetworkErrorKind::Malformed => "Correct it and send it again.",
            NetworkErrorKind::TrialRunning => "Confirm it or go back first.",
            NetworkErrorKind::NoTrial => {
                "Set the port anew if it went back; see `fossilsafe network show` for what it has."
            }
            NetworkErrorKind::Machine => {
                "Look at the journal of fossilsafe-network, systemd-networkd and systemd-timesyncd."
            }
        }
    }
}
