//! What the engine asks the service that sets the network, and how that is answered.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::keeper::NetworkKeeper;
use super::setting::PortSetting;
use super::state::NetworkState;
use super::{NetworkError, NetworkErrorKind};
use crate::system::line::{exchange, line_of, whole_message};

/// networkd answers at once; a port that is set anew takes seconds.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What the service is asked to do. Each is answered with the state after it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum NetworkOrder {
    /// Say how everything stands.
    State,
    /// Give a port a setting on trial.
    TryOut {
        /// The port.
        port: String,
        /// What it gets.
        setting: PortSetting,
    },
    /// Keep what is on trial.
    Confirm,
    /// End the trial.
    GoBack,
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    State(Box<NetworkState>),
    /// It cannot be done.
    Problem {
        kind: NetworkErrorKind,
        message: String,
    },
}

impl NetworkOrder {
    fn carry_out(self, keeper: &NetworkKeeper) -> Result<NetworkState, NetworkError> {
        match self {
            Self::State => Ok(()),
            Self::TryOut { port, setting } => keeper.try_out(&port, &setting),
            Self::Confirm => keeper.confirm(),
            Self::GoBack => keeper.go_back(),
        }?;
        keeper.state()
    }
}

/// The answer to a line that was received; ends with a line feed.
///
/// # Errors
/// When the line is no order: then nobody is answered.
pub fn answer_network(keeper: &NetworkKeeper, line: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let order: NetworkOrder = serde_json::from_slice(line)?;
    let reply = match order.carry_out(keeper) {
        Ok(state) => Reply::State(Box::new(state)),
        Err(error) => Reply::Problem { kind: error.kind(), message: whole_message(&error) },
    };
    line_of(&reply)
}

/// Asks the service at `socket`. Blocks until it has done it.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask_network(socket: &Path, order: &NetworkOrder) -> Result<NetworkState, NetworkError> {
    match exchange(socket, order, ANSWER_TIME) {
        Ok(Reply::State(state)) => Ok(*state),
        Ok(Reply::Problem { kind, message }) => Err(NetworkError::Told { kind, message }),
        Err(source) => Err(NetworkError::Service { socket: socket.to_owned(), source }),
    }
}
