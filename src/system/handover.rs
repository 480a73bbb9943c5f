//! What a service of its own keeps and a catalog backup has to have: handed over on its socket.
//!
//! The socket is in a folder that only the service, the engine and root may enter. The engine asks with one line and
//! gets the files in one; it seals them and keeps nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::line::{exchange, line_of};
use crate::domain::Secret;

/// Small files, read at once.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// A file that is handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its path below the service's folder.
    pub name: String,
    /// What is in it.
    pub content: Secret,
}

/// The one order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
enum Order {
    HandOver,
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Files(Vec<KeptFile>),
    Problem { message: String },
}

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The service cannot be asked.
    #[error("nobody answers at {}: {source}", socket.display())]
    Service {
        /// Its socket.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What the service said.
    #[error("{0}")]
    Told(String),
}

/// Whether a line asks for what is kept.
#[must_use]
pub fn is_handover(line: &[u8]) -> bool {
    serde_json::from_slice::<Order>(line).is_ok()
}

/// The answer to such a line: the files, or why there are none. Ends with a line feed.
///
/// # Errors
/// Never: what is answered always has a JSON form.
pub fn answer_handover(files: Result<Vec<KeptFile>, String>) -> Result<Vec<u8>, serde_json::Error> {
    line_of(&files.map_or_else(|message| Reply::Problem { message }, Reply::Files))
}

/// Asks the service at `socket`. Blocks.
///
/// # Errors
/// It does not answer, or what it says.
pub fn ask_handover(socket: &Path) -> Result<Vec<KeptFile>, HandoverError> {
    match exchange(socket, &Order::HandOver, ANSWER_TIME) {
        Ok(Reply::Files(files)) => Ok(files),
        Ok(Reply::Problem { message }) => Err(HandoverError::Told(message)),
        Err(source) => Err(HandoverError::Service { socket: socket.to_owned(), source }),
    }
}
