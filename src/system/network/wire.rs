//! What the engine asks the service that sets network and time, and how that is answered.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::host_name::HostNameSetting;
use super::keeper::NetworkKeeper;
use super::machine::MachineKeeper;
use super::setting::PortSetting;
use super::state::NetworkState;
use super::time::{TimeSetting, TimeState};
use super::{NetworkError, NetworkErrorKind};
use crate::system::line::{exchange, line_of, whole_message};

/// networkd answers at once; a port that is set anew takes seconds.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What the service is asked to do with the network. Each is answered with the state after it.
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
    /// Give the machine another name.
    Name(HostNameSetting),
}

/// What it is asked to do with the time. Each is answered with the state after it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum TimeOrder {
    /// Say how it stands.
    State,
    /// Set time zone and time servers.
    Set(TimeSetting),
}

/// One of both, on the line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order<N, T> {
    Network(N),
    Time(T),
}

/// Who carries them out.
#[derive(Debug)]
pub struct Keepers {
    /// The ports.
    pub ports: NetworkKeeper,
    /// What belongs to no port.
    pub machine: MachineKeeper,
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Network(Box<NetworkState>),
    Time(Box<TimeState>),
    /// It cannot be done.
    Problem {
        kind: NetworkErrorKind,
        message: String,
    },
}

impl NetworkOrder {
    fn carry_out(self, keepers: &Keepers) -> Result<NetworkState, NetworkError> {
        let Keepers { ports, machine } = keepers;
        match self {
            Self::State => Ok(()),
            Self::TryOut { port, setting } => ports.try_out(&port, &setting),
            Self::Confirm => ports.confirm(),
            Self::GoBack => ports.go_back(),
            Self::Name(setting) => machine.set_host_name(&setting),
        }?;
        ports.state()
    }
}

impl TimeOrder {
    fn carry_out(self, machine: &MachineKeeper) -> Result<TimeState, NetworkError> {
        match self {
            Self::State => Ok(()),
            Self::Set(setting) => machine.set_time(&setting),
        }?;
        machine.time_state()
    }
}

/// The answer to a line that was received; ends with a line feed.
///
/// # Errors
/// When the line is no order: then nobody is answered.
pub fn answer_network(keepers: &Keepers, line: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let order: Order<NetworkOrder, TimeOrder> = serde_json::from_slice(line)?;
    let done = match order {
        Order::Network(order) => {
            order.carry_out(keepers).map(|state| Reply::Network(Box::new(state)))
        }
        Order::Time(order) => {
            order.carry_out(&keepers.machine).map(|state| Reply::Time(Box::new(state)))
        }
    };
    let told =
        |error: NetworkError| Reply::Problem { kind: error.kind(), message: whole_message(&error) };
    line_of(&done.unwrap_or_else(told))
}

/// Asks the service at `socket` for the network. Blocks until it has done it.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask_network(socket: &Path, order: &NetworkOrder) -> Result<NetworkState, NetworkError> {
    match ask(socket, &Order::<_, &TimeOrder>::Network(order))? {
        Reply::Network(state) => Ok(*state),
        _ => Err(not_asked_for(socket)),
    }
}

/// Asks it for the time, likewise.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask_time(socket: &Path, order: &TimeOrder) -> Result<TimeState, NetworkError> {
    match ask(socket, &Order::<&NetworkOrder, _>::Time(order))? {
        Reply::Time(state) => Ok(*state),
        _ => Err(not_asked_for(socket)),
    }
}

fn ask(socket: &Path, order: &impl Serialize) -> Result<Reply, NetworkError> {
    match exchange(socket, order, ANSWER_TIME) {
        Ok(Reply::Problem { kind, message }) => Err(NetworkError::Told { kind, message }),
        Ok(reply) => Ok(reply),
        Err(source) => Err(NetworkError::Service { socket: socket.to_owned(), source }),
    }
}

/// Only a service of another release would do so.
fn not_asked_for(socket: &Path) -> NetworkError {
    let source = std::io::Error::from(std::io::ErrorKind::InvalidData);
    NetworkError::Service { socket: socket.to_owned(), source }
}
