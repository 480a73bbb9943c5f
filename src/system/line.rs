//! How the engine asks a service that has rights which it lacks: one line of JSON each way on a Unix
//! socket, then the connection ends.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest line that is read, either way.
pub const LINE_BYTES_MAX: u64 = 1 << 20;

/// Asks the service at `socket` and waits at most `limit` for its answer. Blocks.
pub(super) fn exchange<Order: Serialize, Reply: DeserializeOwned>(
    socket: &Path,
    order: &Order,
    limit: Duration,
) -> io::Result<Reply> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(&line_of(order)?)?;
    let mut said = Vec::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_until(b'\n', &mut said)?;
    serde_json::from_slice(&said).map_err(io::Error::from)
}

/// The message of an error with every cause: what a service says of it.
pub(super) fn whole_message(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// One line, with its line feed.
pub(super) fn line_of(document: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = serde_json::to_vec(document)?;
    line.push(b'\n');
    Ok(line)
}
