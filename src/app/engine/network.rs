//! Network and time behind the API: asked of the service that sets them; said where the machine's own tools do.

use std::path::{Path, PathBuf};

use crate::api::engine::{EngineError, EngineErrorKind as Kind};
use crate::api::types::{NetworkState, TimeState};
use crate::app::error::AppError;
use crate::domain::Timestamp;
use crate::system::network::{
    NetworkError, NetworkErrorKind, NetworkOrder, TimeOrder, ask_network, ask_time,
};
use crate::system::{Boot, SystemError};

const INSTEAD: &str = "Set network and clock with this machine's own tools, as `nmtui`, `networkctl` or \
                       `timedatectl`.";

/// Who sets the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::app) enum NetworkDoor {
    /// The service that answers at this socket, if this machine was started from an image.
    Service(PathBuf),
    /// The machine's own tools: this is a program that a person has started.
    Nowhere,
}

/// The network of an engine.
#[derive(Debug)]
pub(super) struct Network {
    service: Option<PathBuf>,
}

impl Network {
    pub(super) fn open(door: &NetworkDoor) -> Self {
        let is_image = || !matches!(Boot::read(Path::new("/")), Err(SystemError::NoSlots));
        let service = match door {
            NetworkDoor::Service(socket) if is_image() => Some(socket.clone()),
            _ => None,
        };
        Self { service }
    }

    pub(super) fn ask(&self, order: &NetworkOrder) -> Result<NetworkState, EngineError> {
        match (&self.service, order) {
            (Some(socket), _) => ask_network(socket, order).map_err(|error| refusal(&error)),
            (None, NetworkOrder::State) => Ok(NetworkState::elsewhere(INSTEAD.to_owned())),
            (None, _) => Err(not_here()),
        }
    }

    pub(super) fn ask_time(
        &self,
        order: &TimeOrder,
        now: Timestamp,
    ) -> Result<TimeState, EngineError> {
        match (&self.service, order) {
            (Some(socket), _) => ask_time(socket, order).map_err(|error| refusal(&error)),
            (None, TimeOrder::State) => Ok(TimeState::elsewhere(INSTEAD.to_owned(), now)),
            (None, TimeOrder::Set(_)) => Err(not_here()),
        }
    }
}

fn not_here() -> EngineError {
    EngineError::new(
        Kind::Conflict,
        "network_not_set_here",
        "This machine was not started from an image, so network and time are not FossilSafe's.",
        INSTEAD,
    )
}

fn refusal(error: &NetworkError) -> EngineError {
    let (kind, code) = match error.kind() {
        NetworkErrorKind::PortUnknown => (Kind::NotFound, "network_port_unknown"),
        NetworkErrorKind::Malformed => (Kind::Invalid, "network_malformed"),
        NetworkErrorKind::TrialRunning => (Kind::Conflict, "network_trial_running"),
        NetworkErrorKind::NoTrial => (Kind::Conflict, "network_no_trial"),
        NetworkErrorKind::Machine => (Kind::Unavailable, "network_unavailable"),
    };
    EngineError::new(kind, code, AppError::chain_of(error), error.next_step())
}
