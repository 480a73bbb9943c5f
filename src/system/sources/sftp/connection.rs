//! One SSH connection with its SFTP subsystem: OpenSSH's client speaks SSH, and is a child of this process.
//!
//! Questions are sent as they come and answered in any order, so that a line with a long way is kept full. A
//! connection that ends takes its questions with it; the next question makes a new one.

use std::collections::HashMap;
use std::io::{self, Read, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::io::Errno;

use super::client::Client;
use super::packet::{
    Answer, Extension, PACKET_BYTES_MAX, Question, VERSION, answer, hello, version,
};

/// How long a server may take to let somebody in.
const HELLO_TIME: Duration = Duration::from_secs(60);
/// How long it may take for an answer. A connection that is dead ends before (`ServerAliveInterval`).
const ANSWER_TIME: Duration = Duration::from_secs(120);
/// Most of what the client says about a refusal.
const SAID_BYTES_MAX: u64 = 4096;

/// A connection, signed in.
#[derive(Debug)]
pub(super) struct Connection {
    to_server: Mutex<ChildStdin>,
    waiting: Arc<Waiting>,
    next_id: AtomicU32,
    child: Mutex<Child>,
    extensions: Vec<Extension>,
}

/// Who waits for which answer.
#[derive(Debug, Default)]
struct Waiting(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    questions: HashMap<u32, SyncSender<Answer>>,
    is_over: bool,
}

/// An answer to come.
#[derive(Debug)]
pub(super) struct Pending(Receiver<Answer>);

impl Connection {
    /// Signs in. The failure is what the client said, which may be nothing.
    pub(super) fn open(client: &Client) -> Result<Self, ConnectError> {
        let mut command = client.command();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(ConnectError::Program)?;
        let (Some(to_server), Some(from_server), Some(said)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(ConnectError::Program(io::Error::other("it has no pipes")));
        };
        let waiting = Arc::new(Waiting::default());
        let (ready, is_ready) = sync_channel(1);
        let answers = Arc::clone(&waiting);
        let listener = move || listen(from_server, &ready, &answers);
        let mut connection = Self {
            to_server: Mutex::new(to_server),
            waiting,
            next_id: AtomicU32::new(1),
            child: Mutex::new(child),
            extensions: Vec::new(),
        };
        let started = thread::Builder::new().name("sftp".to_owned()).spawn(listener);
        started.map_err(ConnectError::Program)?;
        // An ended client does not take it; then what it said tells why.
        let _ = connection.to_server.lock().write_all(&hello());
        match is_ready.recv_timeout(HELLO_TIME) {
            Ok((VERSION, extensions)) => {
                drain(said);
                connection.extensions = extensions;
                Ok(connection)
            }
            Ok((other, _)) => Err(ConnectError::Version(other)),
            Err(RecvTimeoutError::Timeout) => Err(ConnectError::NoAnswer),
            Err(RecvTimeoutError::Disconnected) => {
                connection.end();
                let mut text = Vec::new();
                let _ = said.take(SAID_BYTES_MAX).read_to_end(&mut text);
                Err(ConnectError::Said(String::from_utf8_lossy(&text).trim().to_owned()))
            }
        }
    }

    /// Sends a question.
    pub(super) fn send(&self, question: &Question<'_>) -> Result<Pending, Errno> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answered, pending) = sync_channel(1);
        {
            let mut open = self.waiting.0.lock();
            if open.is_over {
                return Err(Errno::NOTCONN);
            }
            open.questions.insert(id, answered);
        }
        let sent = self.to_server.lock().write_all(&question.packet(id));
        sent.map_err(|_| Errno::NOTCONN)?;
        Ok(Pending(pending))
    }

    /// Sends a question and waits for its answer.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Answer, Errno> {
        self.wait(self.send(question)?)
    }

    /// The answer, if it is no refusal. A server that leaves one out has its connection ended: what comes later
    /// belongs to nobody.
    pub(super) fn wait(&self, pending: Pending) -> Result<Answer, Errno> {
        match pending.0.recv_timeout(ANSWER_TIME) {
            Ok(Answer::Refused(errno)) => Err(errno),
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Disconnected) => Err(Errno::NOTCONN),
            Err(RecvTimeoutError::Timeout) => {
                self.end();
                Err(Errno::TIMEDOUT)
            }
        }
    }

    /// Whether the server can do that.
    pub(super) fn can(&self, extension: Extension) -> bool {
        self.extensions.contains(&extension)
    }

    /// Sends a question to which the answer is that it is done.
    pub(super) fn tell(&self, question: &Question<'_>) -> Result<(), Errno> {
        match self.ask(question)? {
            Answer::Done => Ok(()),
            _ => Err(Errno::PROTO),
        }
    }

    /// True if nothing more can be asked of it.
    pub(super) fn is_over(&self) -> bool {
        self.waiting.0.lock().is_over
    }

    fn end(&self) {
        let mut child = self.child.lock();
        // It may have ended by itself; either way it is waited for.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.end();
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The client cannot be run.
    Program(io::Error),
    /// Nobody answers in time.
    NoAnswer,
    /// A server of another kind.
    Version(u32),
    /// What the client said before it ended.
    Said(String),
}

/// Hands each answer to who waits for it, until the connection ends.
fn listen(
    mut from_server: ChildStdout,
    ready: &SyncSender<(u32, Vec<Extension>)>,
    waiting: &Waiting,
) {
    if let Some(version) = packet(&mut from_server).as_deref().and_then(version) {
        let _ = ready.send(version);
        while let Some((id, answer)) = packet(&mut from_server).as_deref().and_then(answer) {
            let asked = waiting.0.lock().questions.remove(&id);
            if let Some(asked) = asked {
                // Whoever has given up does not want it.
                let _ = asked.send(answer);
            }
        }
    }
    let mut open = waiting.0.lock();
    open.is_over = true;
    open.questions.clear();
}

/// The next packet without its length; nothing at the end, or if no server sends such a one.
fn packet(from_server: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    from_server.read_exact(&mut length).ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if length > PACKET_BYTES_MAX {
        return None;
    }
    let mut packet = vec![0; length];
    from_server.read_exact(&mut packet).ok()?;
    Some(packet)
}

/// Takes what the client says later, so that its pipe is never full.
fn drain(mut said: ChildStderr) {
    let log = move || {
        let mut text = [0; 512];
        while let Ok(count @ 1..) = said.read(&mut text) {
            tracing::info!(said = %String::from_utf8_lossy(&text[..count]).trim(), "ssh");
        }
    };
    // Without a thread nothing is logged, and a client that says more than a pipe takes would wait.
    let _ = thread::Builder::new().name("ssh-log".to_owned()).spawn(log);
}
