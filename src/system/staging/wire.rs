//! What the engine asks the service for the staging disk, and how that is answered.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StagingDiskError, StagingDiskErrorKind, StagingDiskKeeper, StagingDisks};
use crate::system::line::{exchange, line_of, whole_message};

/// A file system on a large disk of spinning platters takes a minute.
const ANSWER_TIME: Duration = Duration::from_secs(300);

/// What the service is asked to do. Each is answered with the disks after it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum StagingDiskOrder {
    /// List the disks.
    List,
    /// Erase one and make it the staging disk.
    Format {
        /// Its name.
        disk: String,
        /// What a person has typed for it.
        typed: String,
    },
}

/// What the service answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Disks(StagingDisks),
    /// It cannot be done.
    Problem {
        kind: StagingDiskErrorKind,
        message: String,
    },
}

/// The answer to a line that was received; ends with a line feed.
///
/// # Errors
/// When the line is no order: then nobody is answered.
pub fn answer_staging_disk(
    keeper: &StagingDiskKeeper,
    line: &[u8],
) -> Result<Vec<u8>, serde_json::Error> {
    let done = match serde_json::from_slice(line)? {
        StagingDiskOrder::List => Ok(()),
        StagingDiskOrder::Format { disk, typed } => keeper.format(&disk, &typed),
    };
    let reply = match done {
        Ok(()) => Reply::Disks(keeper.disks()),
        Err(error) => Reply::Problem { kind: error.kind(), message: whole_message(&error) },
    };
    line_of(&reply)
}

/// Asks the service at `socket`. Blocks until it has done it.
///
/// # Errors
/// When it does not answer, or what it says.
pub fn ask_staging_disk(
    socket: &Path,
    order: &StagingDiskOrder,
) -> Result<StagingDisks, StagingDiskError> {
    match exchange(socket, order, ANSWER_TIME) {
        Ok(Reply::Disks(disks)) => Ok(disks),
        Ok(Reply::Problem { kind, message }) => Err(StagingDiskError::Told { kind, message }),
        Err(source) => Err(StagingDiskError::Service { socket: socket.to_owned(), source }),
    }
}
