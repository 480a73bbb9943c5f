//! What the engine asks the service that mounts, and how that is answered.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::definition::SourceSpec;
use super::keeper::{Keeper, SourceState};
use super::{SourcesError, SourcesErrorKind};
use crate::domain::{Secret, SourceName};
use crate::system::line::{exchange, line_of};
use crate::system::{answer_handover, is_handover};

/// An unreachable server is given up by the kernel before.
const ANSWER_TIME: Duration = Duration::from_secs(180);

/// What the service is asked to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Say how every source stands.
    List,
    /// Make or change one.
    Put {
        /// Its name.
        name: SourceName,
        /// What it is.
        spec: SourceSpec,
        /// Its password; the one that is kept stays if absent.
        password: Option<Secret>,
    },
    /// Unmount and forget one.
    Remove {
        /// Its name.
        name: SourceName,
    },
    /// Mount one now.
    Mount {
        /// Its name.
        name: SourceName,
    },
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    /// The sources asked for; none after one was removed.
    Sources(Vec<SourceState>),
    /// It cannot be done.
    Problem { kind: SourcesErrorKind, message: String },
}

impl Order {
    /// Does it.
    ///
    /// # Errors
    /// As [`Keeper`]'s.
    pub fn carry_out(self, keeper: &Keeper) -> Result<Vec<SourceState>, SourcesError> {
        match self {
            Self::List => Ok(keeper.states()),
            Self::Put { name, spec, password } => Ok(vec![keeper.put(&name, spec, password)?]),
            Self::Remove { name } => keeper.remove(&name).map(|()| Vec::new()),
            Self::Mount { name } => Ok(vec![keeper.mount(&name)?]),
        }
    }
}

/// The answer to a line that was received; ends with a line feed.
///
/// # Errors
/// When the line is no order: then nobody is answered.
pub fn answer(keeper: &Keeper, line: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    if is_handover(line) {
        return answer_handover(keeper.handed_over().map_err(|error| error.whole()));
    }
    let order: Order = serde_json::from_slice(line)?;
    let reply = match order.carry_out(keeper) {
        Ok(states) => Reply::Sources(states),
        Err(error) => Reply::Problem { kind: error.kind(), message: error.whole() },
    };
    line_of(&reply)
}

/// Asks the service at `socket`. Blocks until it has done it.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask(socket: &Path, order: &Order) -> Result<Vec<SourceState>, SourcesError> {
    match exchange(socket, order, ANSWER_TIME) {
        Ok(Reply::Sources(states)) => Ok(states),
        Ok(Reply::Problem { kind, message }) => Err(SourcesError::Told { kind, message }),
        Err(source) => Err(SourcesError::Service { socket: socket.to_owned(), source }),
    }
}
