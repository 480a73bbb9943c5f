//! A folder of another machine over SFTP: any Unix machine with SSH, and most NAS, with nothing to set up there.

mod client;
mod connection;
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

use super::served::{Named, Remote, RemoteFile, Status};
use super::{SftpFolder, SourcesError};
use crate::domain::Secret;
use client::Client;
pub use client::PASSWORD_VARIABLE;
use connection::{ConnectError, Connection};
use host_key::HostKey;
use own_key::OwnKey;
pub(super) use own_key::{FILE as KEY_FILE, PUBLIC_FILE as PUBLIC_KEY_FILE};
use packet::{Answer, Question};

/// Bytes that are asked for at once. Every server gives that many; more questions are under way.
const READ_BYTES: usize = 32 * 1024;

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

    fn open(&self, path: &[u8]) -> Result<Box<dyn RemoteFile>, Errno> {
        let (connection, handle) = self.handle(&Question::Open(&self.full(path)))?;
        Ok(Box::new(File { connection, handle }))
    }
}

/// A file of the folder, open over there. It ends with its connection.
#[derive(Debug)]
struct File {
    connection: Arc<Connection>,
    handle: Vec<u8>,
}

impl File {
    /// Exactly `length` bytes, fewer only where the file ends: a server may give less than it was asked for.
    fn read_rest(&self, mut offset: u64, length: usize, got: Vec<u8>) -> Result<Vec<u8>, Errno> {
        let mut bytes = got;
        offset += bytes.len() as u64;
        while bytes.len() < length {
            match self.connection.ask(&self.question(offset, length - bytes.len()))? {
                Answer::Data(more) if !more.is_empty() => {
                    offset += more.len() as u64;
                    bytes.extend(more);
                }
                Answer::Data(_) | Answer::End => break,
                _ => return Err(Errno::PROTO),
            }
        }
        Ok(bytes)
    }

    fn question(&self, offset: u64, length: usize) -> Question<'_> {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        Question::Read { handle: &self.handle, offset, length }
    }
}

impl RemoteFile for File {
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let pieces: Vec<_> = (0..length)
            .step_by(READ_BYTES)
            .map(|at| (offset + at as u64, READ_BYTES.min(length - at)))
            .collect();
        let asked: Vec<_> = pieces
            .iter()
            .map(|&(at, length)| self.connection.send(&self.question(at, length)))
            .collect::<Result<_, _>>()?;
        let mut bytes = Vec::with_capacity(length);
        for (&(at, length), pending) in pieces.iter().zip(asked) {
            let got = match self.connection.wait(pending)? {
                Answer::Data(got) => self.read_rest(at, length, got)?,
                Answer::End => Vec::new(),
                _ => return Err(Errno::PROTO),
            };
            let is_end = got.len() < length;
            bytes.extend(got);
            if is_end {
                break;
            }
        }
        Ok(bytes)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        close(&self.connection, &self.handle);
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

/// The line that lets this appliance in, for `authorized_keys` over there.
pub(super) fn own_public_line(folder: &Path) -> Option<String> {
    OwnKey::in_folder(folder).and_then(|key| key.public_line()).ok()
}
