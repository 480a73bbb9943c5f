//! The socket of a service that does for the engine what the engine may not: a line in, a line out.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::app::error::AppError;
use crate::system::LINE_BYTES_MAX;

/// Longest time for the line of an order.
const LINE_TIME: Duration = Duration::from_secs(5);
/// A pause before the next connection when none can be taken.
const FULL_PAUSE: Duration = Duration::from_secs(1);
/// The socket is for its owner and for its group, which is the engine's.
const SOCKET_MODE: u32 = 0o660;

/// Makes the socket; one that a killed service left is replaced.
pub(super) fn bind(socket: &Path) -> Result<UnixListener, AppError> {
    let bound = || {
        match std::fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(socket)?;
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(SOCKET_MODE))?;
        Ok(listener)
    };
    let what = || format!("cannot answer at {}", socket.display());
    bound().map_err(|source| AppError::Io { what: what(), source })
}

/// Answers orders for ever. `answer` may block; an error of it means that a line was no order.
pub(super) async fn accept<A>(listener: UnixListener, answer: A) -> std::convert::Infallible
where
    A: Fn(&[u8]) -> Result<Vec<u8>, serde_json::Error> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    if let Err(error) = one_order(stream, answer).await {
                        tracing::warn!(%error, "an order was not answered");
                    }
                });
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(FULL_PAUSE).await;
            }
        }
    }
}

async fn one_order<A>(mut stream: UnixStream, answer: Arc<A>) -> io::Result<()>
where
    A: Fn(&[u8]) -> Result<Vec<u8>, serde_json::Error> + Send + Sync + 'static,
{
    let (reading, mut writing) = stream.split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(reading.take(LINE_BYTES_MAX));
    tokio::time::timeout(LINE_TIME, reader.read_until(b'\n', &mut line)).await??;
    let answered = tokio::task::spawn_blocking(move || answer(&line)).await;
    let bytes = answered.map_err(io::Error::other)??;
    writing.write_all(&bytes).await
}
