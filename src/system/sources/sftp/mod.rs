//! A folder of another machine over SFTP: any Unix machine with SSH, and most NAS, with nothing to set up there.

mod client;
mod connection;
mod file;
mod host_key;
mod own_key;
mod packet;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::served::{Change, Kind, Named, Remote, RemoteFile, Room, Status};
use super::{SftpFolder, SourcesError};
use crate::domain::Secret;
use client::Client;
pub use client::PASSWORD_VARIABLE;
use connection::{ConnectError, Connection};
use file::File;
use host_key::HostKey;
use own_key::OwnKey;
pub(super) use own_key::{FILE as KEY_FILE, PUBLIC_FILE as PUBLIC_KEY_FILE};
use packet::{Answer, Attributes, Extension, Purpose, Question};

/// The folder, and the connection to it while there is one.
#[derive(Debug)]
pub(super) struct Sftp {
    client: Client,
    /// The folder as the server names it.
    top: Vec<u8>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Sftp {
    /// Signs in, if the server has the key that is confirmed. What is kept of servers is in `folder`.
    pub(super) fn connect(
        place: &SftpFolder,
        password: Option<&Secret>,
        folder: &Path,
    ) -> Result<Self, SourcesError> {
        let program = |source| SourcesError::NoClient { source };
        let keys = HostKey::shown_by(place).map_err(program)?;
        if keys.is_empty() {
            return Err(no_answer(place, io::ErrorKind::TimedOut.into()));
        }
        let confirmed = place.host_key.as_deref().map(str::trim);
        let key = keys.iter().find(|key| Some(key.fingerprint()) == confirmed);
        let Some(key) = key else {
            let shown = keys.iter().map(|key| key.fingerprint().to_owned()).collect();
            let place = place.to_string();
            return Err(match confirmed {
                None => SourcesError::HostKeyUnknown { place, shown },
                Some(_) => SourcesError::HostKeyChanged { place, shown },
            });
        };
        let client = Client::new(place.clone(), password.cloned(), key, folder).map_err(program)?;
        let connection = Connection::open(&client).map_err(|error| refusal(place, error))?;
        let top = top_of(&connection, place)?;
        Ok(Self { client, top, connection: Mutex::new(Some(Arc::new(connection))) })
    }

    /// The connection, made anew if it has ended.
    fn connection(&self) -> Result<Arc<Connection>, Errno> {
        let mut kept = self.connection.lock();
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.is_over()) {
            return Ok(Arc::clone(connection));
        }
        *kept = None;
        let opened = Connection::open(&self.client).map_err(|error| {
            tracing::warn!(?error, "an SFTP source does not answer");
            Errno::HOSTUNREACH
        })?;
        let opened = Arc::new(opened);
        *kept = Some(Arc::clone(&opened));
        Ok(opened)
    }

    fn full(&self, path: &[u8]) -> Vec<u8> {
        match (path.is_empty(), self.top.ends_with(b"/")) {
            (true, _) => self.top.clone(),
            (false, true) => [&self.top, path].concat(),
            (false, false) => [&self.top, &b"/"[..], path].concat(),
        }
    }

    /// Servers have one word for most failures. The usual one is that there is something already.
    fn why_not_made(&self, path: &[u8], errno: Errno) -> Errno {
        let is_there = || {
            let there = self.connection()?.ask(&Question::Status(path))?;
            Ok::<_, Errno>(matches!(there, Answer::Status(_)))
        };
        if errno == Errno::IO && is_there() == Ok(true) { Errno::EXIST } else { errno }
    }

    fn handle(&self, question: &Question<'_>) -> Result<(Arc<Connection>, Vec<u8>), Errno> {
        let connection = self.connection()?;
        match connection.ask(question)? {
            Answer::Handle(handle) => Ok((connection, handle)),
            _ => Err(Errno::PROTO),
        }
    }
}

impl Remote for Sftp {
    fn status(&self, path: &[u8]) -> Result<Status, Errno> {
        match self.connection()?.ask(&Question::Status(&self.full(path)))? {
            Answer::Status(status) => Ok(status),
            _ => Err(Errno::PROTO),
        }
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Named>, Errno> {
        let (connection, handle) = self.handle(&Question::OpenFolder(&self.full(path)))?;
        let mut all = Vec::new();
        let listed = loop {
            match connection.ask(&Question::ReadFolder(&handle)) {
                Ok(Answer::Names(names)) => all.extend(names),
                Ok(Answer::End) => break Ok(()),
                Ok(_) => break Err(Errno::PROTO),
                Err(errno) => break Err(errno),
            }
        };
        close(&connection, &handle);
        listed?;
        all.retain(|named| named.name != b"." && named.name != b"..");
        Ok(all)
    }

    fn link_target(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        match self.connection()?.ask(&Question::LinkTarget(&self.full(path)))? {
            Answer::Names(names) => {
                names.into_iter().next().map(|named| named.name).ok_or(Errno::PROTO)
            }
            _ => Err(Errno::PROTO),
        }
    }

    fn open(&self, path: &[u8], is_written: bool) -> Result<Box<dyn RemoteFile>, Errno> {
        let purpose = if is_written { Purpose::Write } else { Purpose::Read };
        let (connection, handle) = self.handle(&Question::Open(&self.full(path), purpose))?;
        Ok(Box::new(File::new(connection, handle)))
    }

    fn create(&self, path: &[u8], mode: u16) -> Result<Box<dyn RemoteFile>, Errno> {
        let path = self.full(path);
        let opened = self.handle(&Question::Open(&path, Purpose::Create(mode)));
        let (connection, handle) = opened.map_err(|errno| self.why_not_made(&path, errno))?;
        Ok(Box::new(File::new(connection, handle)))
    }

    fn make_folder(&self, path: &[u8], mode: u16) -> Result<(), Errno> {
        let path = self.full(path);
        let made = self.connection()?.tell(&Question::MakeFolder(&path, mode));
        made.map_err(|errno| self.why_not_made(&path, errno))
    }

    fn make_link(&self, path: &[u8], target: &[u8]) -> Result<(), Errno> {
        let path = self.full(path);
        let made = self.connection()?.tell(&Question::MakeLink(target, &path));
        made.map_err(|errno| self.why_not_made(&path, errno))
    }

    fn make_hard_link(&self, path: &[u8], name: &[u8]) -> Result<(), Errno> {
        let connection = self.connection()?;
        if !connection.can(Extension::HardLink) {
            return Err(Errno::OPNOTSUPP);
        }
        let (path, name) = (self.full(path), self.full(name));
        let made = connection.tell(&Question::Extended(Extension::HardLink, &path, Some(&name)));
        made.map_err(|errno| self.why_not_made(&name, errno))
    }

    fn remove(&self, path: &[u8]) -> Result<(), Errno> {
        self.connection()?.tell(&Question::Remove(&self.full(path)))
    }

    fn remove_folder(&self, path: &[u8]) -> Result<(), Errno> {
        let removed = self.connection()?.tell(&Question::RemoveFolder(&self.full(path)));
        match removed {
            // The server has one word for every failure.
            Err(Errno::IO) if !self.list(path)?.is_empty() => Err(Errno::NOTEMPTY),
            removed => removed,
        }
    }

    fn rename(&self, from: &[u8], to: &[u8], may_replace: bool) -> Result<(), Errno> {
        let connection = self.connection()?;
        let (from, to) = (self.full(from), self.full(to));
        if may_replace && connection.can(Extension::PosixRename) {
            let rename = Question::Extended(Extension::PosixRename, &from, Some(&to));
            return connection.tell(&rename);
        }
        match connection.tell(&Question::Rename(&from, &to)) {
            // Without the extension what is there goes first: between the two there is nothing.
            Err(Errno::IO) if may_replace => {
                connection.tell(&Question::Remove(&to))?;
                connection.tell(&Question::Rename(&from, &to))
            }
            renamed => renamed.map_err(|errno| self.why_not_made(&to, errno)),
        }
    }

    fn room(&self) -> Result<Room, Errno> {
        let connection = self.connection()?;
        if !connection.can(Extension::Statvfs) {
            return Ok(Room::UNKNOWN);
        }
        match connection.ask(&Question::Extended(Extension::Statvfs, &self.top, None))? {
            Answer::Room(room) => Ok(room),
            _ => Err(Errno::PROTO),
        }
    }

    fn change(&self, path: &[u8], change: &Change) -> Result<(), Errno> {
        let now = self.status(path)?;
        let connection = self.connection()?;
        let time = |time: u64| u32::try_from(time).map_err(|_| Errno::OVERFLOW);
        let owner = (change.user, change.group) != (None, None);
        let times = (change.accessed, change.modified) != (None, None);
        let attributes = Attributes {
            size_bytes: change.size_bytes,
            owner: owner
                .then(|| (change.user.unwrap_or(now.user), change.group.unwrap_or(now.group))),
            mode: change.mode,
            times: match times {
                true => Some((
                    time(change.accessed.unwrap_or(now.accessed))?,
                    time(change.modified.unwrap_or(now.modified))?,
                )),
                false => None,
            },
        };
        let path = self.full(path);
        match (now.kind == Kind::Link, connection.can(Extension::LinkSetStatus)) {
            (true, true) => connection.tell(&Question::ChangeLink(&path, &attributes)),
            (true, false) => Err(Errno::OPNOTSUPP),
            (false, _) => connection.tell(&Question::Change(&path, &attributes)),
        }
    }
}

/// Nobody waits for the answer; a connection that has ended has closed everything.
fn close(connection: &Connection, handle: &[u8]) {
    let _ = connection.send(&Question::Close(handle));
}

/// The folder by its whole path: a relative one begins where the server puts its users.
fn top_of(connection: &Connection, place: &SftpFolder) -> Result<Vec<u8>, SourcesError> {
    let refused = |errno: Errno| match errno {
        Errno::NOENT | Errno::NOTDIR => SourcesError::NoSuchShare { place: place.to_string() },
        Errno::ACCESS => SourcesError::SignIn { place: place.to_string() },
        other => no_answer(place, other.into()),
    };
    let top = match connection.ask(&Question::RealPath(place.folder.as_bytes())).map_err(refused)? {
        Answer::Names(names) => names.into_iter().next().map(|named| named.name),
        _ => None,
    };
    let top = top.ok_or_else(|| refused(Errno::PROTO))?;
    match connection.ask(&Question::OpenFolder(&top)).map_err(refused)? {
        Answer::Handle(handle) => close(connection, &handle),
        _ => return Err(refused(Errno::PROTO)),
    }
    Ok(top)
}

fn no_answer(place: &SftpFolder, source: io::Error) -> SourcesError {
    SourcesError::NoAnswer { place: place.to_string(), source }
}

/// What OpenSSH's client says is for people; only what asks for another step is told apart.
fn refusal(place: &SftpFolder, error: ConnectError) -> SourcesError {
    match error {
        ConnectError::Program(source) => SourcesError::NoClient { source },
        ConnectError::NoAnswer => no_answer(place, io::ErrorKind::TimedOut.into()),
        ConnectError::Version(version) => SourcesError::Protocol {
            place: place.to_string(),
            said: format!("its SFTP has version {version}, and 3 is spoken here"),
        },
        ConnectError::Said(said) if said.contains("Permission denied") => {
            SourcesError::SignIn { place: place.to_string() }
        }
        ConnectError::Said(said) => SourcesError::Protocol { place: place.to_string(), said },
    }
}

/// Whether a connection takes `packet` (without its length) for something that a server may say: an answer, or
/// the greeting before the first.
#[must_use]
pub fn is_sftp_answer(packet: &[u8]) -> bool {
    packet::answer(packet).is_some() || packet::version(packet).is_some()
}

/// The line that lets this appliance in, for `authorized_keys` over there.
pub(super) fn own_public_line(folder: &Path) -> Option<String> {
    OwnKey::in_folder(folder).and_then(|key| key.public_line()).ok()
}
