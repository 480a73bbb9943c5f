//! The one way to a device: a command block with data in or out and a time limit, answered by a
//! status, sense and the number of bytes that really moved.
//!
//! Implementations: `/dev/sgN` (`scsi::sg`), the virtual library (`vtl`), and recorders around
//! either. A transport knows nothing of tapes: it never retries and never interprets sense.

use std::fmt;
use std::io;
use std::time::Duration;

use super::opcode;
use super::sense::Sense;
use super::status::Status;

/// Longest command block that a transport carries.
const CDB_BYTES_MAX: usize = 16;

/// A command block of 6, 10, 12 or 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cdb {
    bytes: [u8; CDB_BYTES_MAX],
    len: usize,
}

impl Cdb {
    /// The bytes as they go over the wire.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The operation code, byte 0.
    #[must_use]
    pub fn opcode(&self) -> u8 {
        self.bytes[0]
    }
}

macro_rules! cdb_from_arrays {
    ($($len:literal),*) => {
        $(impl From<[u8; $len]> for Cdb {
            fn from(block: [u8; $len]) -> Self {
                let mut bytes = [0; CDB_BYTES_MAX];
                bytes[..$len].copy_from_slice(&block);
                Self { bytes, len: $len }
            }
        })*
    };
}
cdb_from_arrays!(6, 10, 12, 16);

impl fmt::Debug for Cdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", opcode::name(self.opcode()), hex::encode(self.as_bytes()))
    }
}

/// What a command carries besides its block.
#[derive(Debug)]
pub enum Data<'a> {
    /// Nothing.
    None,
    /// Room for what the device sends; it may send less.
    In(&'a mut [u8]),
    /// What the device is sent.
    Out(&'a [u8]),
}

/// One command to a device.
#[derive(Debug)]
pub struct Command<'a> {
    /// The command block.
    pub cdb: Cdb,
    /// Its data phase.
    pub data: Data<'a>,
    /// How long it may take before the transport gives up. Taken from the drive where it says so.
    pub timeout: Duration,
}

impl<'a> Command<'a> {
    /// A command without data.
    #[must_use]
    pub fn without_data(cdb: impl Into<Cdb>, timeout: Duration) -> Self {
        Self { cdb: cdb.into(), data: Data::None, timeout }
    }

    /// A command that reads into `buffer`.
    #[must_use]
    pub fn reading(cdb: impl Into<Cdb>, buffer: &'a mut [u8], timeout: Duration) -> Self {
        Self { cdb: cdb.into(), data: Data::In(buffer), timeout }
    }

    /// A command that sends `bytes`.
    #[must_use]
    pub fn writing(cdb: impl Into<Cdb>, bytes: &'a [u8], timeout: Duration) -> Self {
        Self { cdb: cdb.into(), data: Data::Out(bytes), timeout }
    }
}

/// What the device answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The status byte.
    pub status: Status,
    /// Sense, where the device sent any. It may come with [`Status::Good`] too.
    pub sense: Option<Sense>,
    /// Bytes that moved in the data phase, by the transport's residual. A hint: devices have lied
    /// about it, so readers compare it with what the sense says.
    pub transferred: usize,
}

impl Completion {
    /// GOOD, with that many bytes moved.
    #[must_use]
    pub fn good(transferred: usize) -> Self {
        Self { status: Status::Good, sense: None, transferred }
    }

    /// CHECK CONDITION with `sense`.
    #[must_use]
    pub fn check(sense: Sense, transferred: usize) -> Self {
        Self { status: Status::CheckCondition, sense: Some(sense), transferred }
    }
}

/// The command got no answer from the device: the way to it failed.
///
/// What the device did with the command is unknown; its position is lost.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The device is no longer there (unplugged, powered off, node gone).
    #[error("{device} is gone")]
    Gone {
        /// The transport's name.
        device: String,
        /// What the system said, if it said anything.
        #[source]
        source: Option<io::Error>,
    },
    /// No answer within the time limit.
    #[error("{device} did not answer {command} within {} s", after.as_secs())]
    TimedOut {
        /// The transport's name.
        device: String,
        /// The standard's name of the command.
        command: &'static str,
        /// The time limit.
        after: Duration,
    },
    /// The host adapter or driver failed.
    #[error(
        "{device}: the host adapter failed {command} (host {host_status:#06x}, driver {driver_status:#06x})"
    )]
    Host {
        /// The transport's name.
        device: String,
        /// The standard's name of the command.
        command: &'static str,
        /// SG_IO's host status.
        host_status: u16,
        /// SG_IO's driver status.
        driver_status: u16,
    },
    /// The system refused the request itself.
    #[error("{device}: the system refused {command}")]
    System {
        /// The transport's name.
        device: String,
        /// The standard's name of the command.
        command: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A device that executes commands, one at a time.
pub trait Transport: Send {
    /// Executes one command and waits for its end.
    ///
    /// # Errors
    /// Only when no status came back; a CHECK CONDITION is an answer, not an error here.
    fn execute(&mut self, command: Command<'_>) -> Result<Completion, TransportError>;

    /// How messages call this way to the device: `/dev/sg3`, `virtual drive 1`. Never a key.
    fn name(&self) -> &str;
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn execute(&mut self, command: Command<'_>) -> Result<Completion, TransportError> {
        (**self).execute(command)
    }

    fn name(&self) -> &str {
        (**self).name()
    }
}
