//! The Unix socket that an engine answers on: made, and taken away with who made it.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// Who may open the socket: the engine's user, and the group that the gateway is in.
const SOCKET_MODE: u32 = 0o660;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another engine answers there.
    #[error("another engine answers at {}", .0.display())]
    InUse(PathBuf),
    /// The system refuses the socket.
    #[error("cannot listen at {}", socket.display())]
    Listen {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A metric is defined wrongly.
    #[error("cannot set up the metrics")]
    Metrics(#[source] prometheus::Error),
}

/// The name of a socket; taken away when it is dropped.
#[derive(Debug)]
pub(super) struct Socket(PathBuf);

impl Drop for Socket {
    fn drop(&mut self) {
        // If it cannot be removed, the next start finds that nobody answers there and replaces it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Makes the socket; one that a killed engine left is replaced.
pub(super) async fn listen(socket: &Path) -> Result<(UnixListener, Socket), ServerError> {
    let listening = |source| ServerError::Listen { socket: socket.to_owned(), source };
    if UnixStream::connect(socket).await.is_ok() {
        return Err(ServerError::InUse(socket.to_owned()));
    }
    // Anything but a socket is somebody's file: the system refuses then, and it stays.
    if std::fs::symlink_metadata(socket).is_ok_and(|it| it.file_type().is_socket()) {
        std::fs::remove_file(socket).map_err(listening)?;
    }
    let listener = UnixListener::bind(socket).map_err(listening)?;
    let name = Socket(socket.to_owned());
    let permissions = std::fs::Permissions::from_mode(SOCKET_MODE);
    std::fs::set_permissions(socket, permissions).map_err(listening)?;
    Ok((listener, name))
}
