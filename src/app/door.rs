//! The doors to an engine: its own Unix socket, and the address of a gateway.
//!
//! Programs of root and of the engine's own user come in by the socket and need not sign in. `fossilsafe
//! run` leaves its socket in a folder of its user, under the name of the address that it answers on, so
//! that the command line finds it by that address. On an appliance the socket has a fixed place.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::error::AppError;

/// Where an appliance's engine has its socket.
pub(super) const SOCKET_SYSTEM: &str = "/run/fossilsafe/engine.sock";
/// Where `fossilsafe run` answers unless somebody says otherwise.
const ADDRESS_DEFAULT: &str = "127.0.0.1:8080";
/// Nobody else may put a socket there, or see which there are.
const FOLDER_MODE: u32 = 0o700;
/// Permissions of group and others to write.
const WRITE_BY_OTHERS: u32 = 0o022;

/// Where an engine is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Its own socket.
    Socket(PathBuf),
    /// A gateway, as `HOST:PORT`.
    Network(String),
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Network(address) => f.write_str(address),
        }
    }
}

impl Door {
    /// What `server` means: a path of a socket, or an address. An address whose engine runs here as the
    /// same user is asked by that engine's socket; without `server`, the default address first, then
    /// the appliance's socket.
    pub(super) fn find(server: Option<&str>) -> Self {
        let folder = own_folder().ok();
        let named = server.unwrap_or(ADDRESS_DEFAULT);
        if named.starts_with('/') {
            return Self::Socket(PathBuf::from(named));
        }
        let address = named.trim_start_matches("http://").trim_end_matches('/');
        let own = folder.map(|folder| folder.join(socket_name(address)));
        if let Some(own) = own.filter(|path| is_open(path)) {
            return Self::Socket(own);
        }
        if server.is_none() && is_open(Path::new(SOCKET_SYSTEM)) {
            return Self::Socket(PathBuf::from(SOCKET_SYSTEM));
        }
        Self::Network(address.to_owned())
    }
}

/// Where an engine that answers on `address` has its socket; makes the folder.
pub(super) fn socket_of(address: SocketAddr) -> Result<PathBuf, AppError> {
    let folder = folder_path();
    let what = || format!("cannot use {} for the engine's socket", folder.display());
    let io = |source| AppError::Io { what: what(), source };
    let builder = std::fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&folder);
    builder.map_err(io)?;
    Ok(own_folder().map_err(io)?.join(socket_name(&address.to_string())))
}

fn socket_name(address: &str) -> String {
    // Not a character of an address, and no name may leave the folder.
    format!("{}.sock", address.replace('/', "_"))
}

/// True if somebody listens there: what a killed engine left is no door.
fn is_open(path: &Path) -> bool {
    UnixStream::connect(path).is_ok()
}

/// The folder of this user's sockets, if it is there and nobody else can have put one in it.
fn own_folder() -> io::Result<PathBuf> {
    let folder = folder_path();
    let metadata = std::fs::symlink_metadata(&folder)?;
    let is_ours = metadata.is_dir()
        && metadata.uid() == nix::unistd::geteuid().as_raw()
        && metadata.mode() & WRITE_BY_OTHERS == 0;
    if is_ours {
        return Ok(folder);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "somebody else could put files there"))
}

fn folder_path() -> PathBuf {
    let user = nix::unistd::geteuid();
    let of_session = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    // A session's variable can outlive a change of the user, as with sudo.
    let of_session = of_session.filter(|folder| {
        folder.is_absolute()
            && folder.metadata().is_ok_and(|metadata| metadata.uid() == user.as_raw())
    });
    match of_session {
        Some(folder) => folder.join("fossilsafe"),
        None if user.is_root() => PathBuf::from("/run/fossilsafe"),
        None => PathBuf::from(format!("/tmp/fossilsafe-{user}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_socket_and_the_rest_an_address() {
        let socket = Door::find(Some("/run/x.sock"));
        assert_eq!(socket, Door::Socket(PathBuf::from("/run/x.sock")));
        let network = Door::Network("tape.example:8080".to_owned());
        assert_eq!(Door::find(Some("http://tape.example:8080/")), network);
    }

    #[test]
    fn an_engine_of_this_user_is_found_by_its_address_and_what_a_killed_one_left_is_not() {
        let socket = socket_of("127.0.0.2:1".parse().unwrap()).unwrap();
        let _ = std::fs::remove_file(&socket);
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(Door::find(Some("127.0.0.2:1")), Door::Socket(socket.clone()));
        drop(listener);
        assert_eq!(Door::find(Some("127.0.0.2:1")), Door::Network("127.0.0.2:1".to_owned()));
        std::fs::remove_file(&socket).unwrap();
    }
}
