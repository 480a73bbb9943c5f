//! Why an update cannot be done.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::system::SystemError;
use crate::system::channel::ChannelError;
use crate::system::line::whole_message;

/// Why an update cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdatesError {
    /// This machine was not started from an image with slots.
    #[error("this machine was not started from an image with slots")]
    NoSlots,
    /// Another installation runs.
    #[error("an installation is running")]
    Busy,
    /// Nothing was uploaded, and no channel has published anything.
    #[error("there is no bundle to install")]
    NoBundle,
    /// For another kind of machine.
    #[error("the bundle is for {found}, and this machine is {wanted}")]
    OtherMachine {
        /// What it says.
        found: String,
        /// What this is.
        wanted: &'static str,
    },
    /// Not newer than what runs.
    #[error("the bundle brings {offered}, and {running} runs")]
    NotNewer {
        /// What it brings.
        offered: String,
        /// What runs.
        running: String,
    },
    /// The update client does not take it.
    #[error("the bundle is not taken: {0}")]
    BundleRefused(String),
    /// There is nothing in the other slot that could be gone back to.
    #[error("the other slot has no version that has worked")]
    NothingBefore,
    /// No address is set.
    #[error("no address is set where newer versions are looked for")]
    ChannelNotSet,
    /// What was set cannot be an address or a key.
    #[error("the {field} cannot be used: {why}")]
    ChannelMalformed {
        /// What of it.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The channel does not answer.
    #[error("{address} does not answer as it should: {why}")]
    Unreachable {
        /// What was asked.
        address: String,
        /// What happened.
        why: String,
    },
    /// It answered what must not be believed.
    #[error("what the channel says is not believed")]
    NotBelieved(#[source] ChannelError),
    /// What was fetched is not what the channel has signed.
    #[error("the bundle that was fetched is not the one that the channel names")]
    OtherContent,
    /// No room for a bundle.
    #[error("there is no room for a bundle of this size on the data partition")]
    NoRoom,
    /// Something of the machine.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The service does not answer.
    #[error("the service for updates does not answer at {}", socket.display())]
    Service {
        /// Its socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What the service said.
    #[error("{message}")]
    Told {
        /// What kind of no.
        kind: UpdatesErrorKind,
        /// What it said.
        message: String,
    },
}

/// What kind of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdatesErrorKind {
    /// No image with slots.
    NoSlots,
    /// An installation runs.
    Busy,
    /// Nothing to install.
    NoBundle,
    /// The bundle is not trusted, damaged, or for another machine.
    Refused,
    /// Not newer.
    NotNewer,
    /// Nothing to go back to.
    NothingBefore,
    /// The channel is not set.
    ChannelNotSet,
    /// The channel's settings cannot be right.
    Malformed,
    /// The channel does not answer, or says what is not believed.
    Channel,
    /// No room.
    NoRoom,
    /// Something of this machine.
    Machine,
}

impl UpdatesError {
    /// What kind of no.
    #[must_use]
    pub fn kind(&self) -> UpdatesErrorKind {
        match self {
            Self::NoSlots | Self::System(SystemError::NoSlots) => UpdatesErrorKind::NoSlots,
            Self::Busy => UpdatesErrorKind::Busy,
            Self::NoBundle => UpdatesErrorKind::NoBundle,
            Self::OtherMachine { .. } | Self::BundleRefused(_) | Self::OtherContent => {
                UpdatesErrorKind::Refused
            }
            Self::NotNewer { .. } => UpdatesErrorKind::NotNewer,
            Self::NothingBefore => UpdatesErrorKind::NothingBefore,
            Self::ChannelNotSet => UpdatesErrorKind::ChannelNotSet,
            Self::ChannelMalformed { .. } => UpdatesErrorKind::Malformed,
            Self::Unreachable { .. } | Self::NotBelieved(_) => UpdatesErrorKind::Channel,
            Self::NoRoom => UpdatesErrorKind::NoRoom,
            Self::System(_) | Self::Service { .. } => UpdatesErrorKind::Machine,
            Self::Told { kind, .. } => *kind,
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self.kind() {
            UpdatesErrorKind::NoSlots => {
                "Update the package or the program of this machine instead."
            }
            UpdatesErrorKind::Busy => "Wait until it has ended: fossilsafe update status.",
            UpdatesErrorKind::NoBundle => "Upload a bundle, or ask the channel first.",
            UpdatesErrorKind::Refused => {
                "Fetch the bundle for this kind of machine again from where it is published."
            }
            UpdatesErrorKind::NotNewer => "To go back on purpose, allow an older version.",
            UpdatesErrorKind::NothingBefore => "Install a bundle of the version that is wanted.",
            UpdatesErrorKind::ChannelNotSet => "Set the address and the key of a channel.",
            UpdatesErrorKind::Malformed => "Correct it and try again.",
            UpdatesErrorKind::Channel => {
                "Look at the address, this machine's network and its clock; or upload the bundle."
            }
            UpdatesErrorKind::NoRoom => "Make room on the data partition.",
            UpdatesErrorKind::Machine => {
                "Look whether fossilsafe-update.service runs and the data partition is not full."
            }
        }
    }

    /// The error with its causes.
    pub(super) fn whole(&self) -> String {
        whole_message(self)
    }
}
