//! OpenSSH's client as this program runs it: nothing of a user's own settings, and no question to anybody.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use super::host_key::HostKey;
use super::own_key::OwnKey;
use crate::domain::Secret;
use crate::system::sources::SftpFolder;

/// Set where this program is run by the SSH client to say a password; it says it and ends.
pub const PASSWORD_VARIABLE: &str = "FOSSILSAFE_SSH_PASSWORD";
/// Before the number in the name of the file with the key that the server must have.
const KNOWN_HOST_PREFIX: &str = "known_host";
/// Numbers the clients of this process: two may believe the same key at two addresses.
static CLIENTS: AtomicU64 = AtomicU64::new(0);
/// Seconds between signs of life of the server; after two without an answer the connection ends.
const ALIVE_SECONDS: u32 = 15;

/// Everything that a connection to one server needs.
#[derive(Debug)]
pub(super) struct Client {
    place: SftpFolder,
    password: Option<Secret>,
    known_host: PathBuf,
    own_key: PathBuf,
}

impl Client {
    /// A client that believes `key` and no other; what it needs to know is in `folder`.
    pub(super) fn new(
        place: SftpFolder,
        password: Option<Secret>,
        key: &HostKey,
        folder: &Path,
    ) -> io::Result<Self> {
        let own_key = OwnKey::in_folder(folder)?.path().to_owned();
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        let known_host = folder.join(format!("{KNOWN_HOST_PREFIX}.{number}"));
        std::fs::write(&known_host, key.known_host(&place))?;
        Ok(Self { place, password, known_host, own_key })
    }

    /// Runs the client, its input and output being those of the server's SFTP subsystem.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        let mut option = |name: &str, value: &str| {
            command.arg("-o").arg(format!("{name}={value}"));
        };
        option("StrictHostKeyChecking", "yes");
        option("GlobalKnownHostsFile", "none");
        option("UpdateHostKeys", "no");
        option("ServerAliveInterval", &ALIVE_SECONDS.to_string());
        option("ServerAliveCountMax", "2");
        option("ConnectTimeout", "30");
        option("ForwardAgent", "no");
        option("ForwardX11", "no");
        option("PermitLocalCommand", "no");
        option("ClearAllForwardings", "yes");
        option("IdentitiesOnly", "yes");
        option("IdentityAgent", "none");
        option("NumberOfPasswordPrompts", "1");
        match self.password {
            Some(_) => {
                option("PubkeyAuthentication", "no");
                option("PreferredAuthentications", "password,keyboard-interactive");
            }
            None => option("PreferredAuthentications", "publickey"),
        }
        option("Port", &self.place.port().to_string());
        command.arg("-o").arg(quoted("UserKnownHostsFile", &self.known_host));
        command.arg("-o").arg(quoted("IdentityFile", &self.own_key));
        command.args(["-F", "none", "-T", "-l", &self.place.user]);
        command.args(["-s", "--", &self.place.host, "sftp"]);
        if let Some(password) = &self.password {
            // The client has no terminal to ask at; it asks the program that is named here.
            command.env("SSH_ASKPASS_REQUIRE", "force");
            if let Ok(this) = std::env::current_exe() {
                command.env("SSH_ASKPASS", this);
            }
            command.env(PASSWORD_VARIABLE, password.reveal());
        }
        command
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // One that stays is written over by the next client of that number.
        let _ = std::fs::remove_file(&self.known_host);
    }
}

/// A setting whose value is a path, which may have spaces.
fn quoted(name: &str, path: &Path) -> OsString {
    let mut setting = OsString::from(name);
    setting.push("=\"");
    setting.push(path);
    setting.push("\"");
    setting
}
