//! The command log: every command of every device, in the order in which they were executed.
//!
//! Tests assert on it ("no write-class command while FSP002L9 was loaded") and print it when they
//! fail. It is bounded unless all is asked for; a library that runs for months keeps the last few.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::domain::Barcode;
use crate::scsi::{Cdb, Completion, Sense, SenseKey, Status, TransportError, opcode};

/// One device of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The changer.
    Changer,
    /// A drive, counted from 0 in element order.
    Drive(usize),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changer => f.write_str("changer"),
            Self::Drive(index) => write!(f, "drive {index}"),
        }
    }
}

/// Who sends commands: one host, or one process of a host.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct InitiatorId(pub u16);

/// The cartridge that was in the drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedCartridge {
    /// Its label.
    pub barcode: Barcode,
    /// Its medium serial number, which is unique where a barcode may not be.
    pub serial: String,
}

/// How much of the log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogMode {
    /// Nothing; commands are only counted.
    Off,
    /// The last so many commands.
    Last(usize),
    /// Every command.
    All,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The device answered.
    Answered {
        /// The status byte.
        status: Status,
        /// Sense, if there was any.
        sense: Option<Sense>,
        /// Bytes moved in the data phase.
        transferred: usize,
    },
    /// No answer came; the text says why.
    Failed(String),
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRecord {
    /// Its number since the library was opened, from 1, over all devices.
    pub number: u64,
    /// The device.
    pub device: Device,
    /// Who sent it.
    pub initiator: InitiatorId,
    /// The command block.
    pub cdb: Cdb,
    /// Bytes sent with it, or room for the answer.
    pub data_bytes: usize,
    /// The cartridge in the drive when it came.
    pub cartridge: Option<Arc<LoadedCartridge>>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended, on the library's clock.
    pub at: Duration,
}

impl CommandRecord {
    /// True if the device did what was asked, with or without a remark.
    #[must_use]
    pub fn is_good(&self) -> bool {
        let is_recovered = |sense: &Sense| sense.key == SenseKey::RecoveredError;
        match &self.outcome {
            Outcome::Answered { status: Status::Good, .. } => true,
            Outcome::Answered { sense, .. } => sense.as_ref().is_some_and(is_recovered),
            Outcome::Failed(_) => false,
        }
    }

    /// The sense of the answer.
    #[must_use]
    pub fn sense(&self) -> Option<&Sense> {
        match &self.outcome {
            Outcome::Answered { sense, .. } => sense.as_ref(),
            Outcome::Failed(_) => None,
        }
    }

    /// True for a command that changes what is on a medium.
    #[must_use]
    pub fn is_write_class(&self) -> bool {
        matches!(self.device, Device::Drive(_)) && opcode::is_write_class(self.cdb.opcode())
    }
}

impl fmt::Display for CommandRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} {} #{}", self.number, self.device, self.initiator.0)?;
        if let Some(cartridge) = &self.cartridge {
            write!(f, " {}", cartridge.barcode)?;
        }
        write!(f, " {:?} ({} bytes) -> ", self.cdb, self.data_bytes)?;
        match &self.outcome {
            Outcome::Answered { status, sense, transferred } => {
                write!(f, "{status}, {transferred} bytes")?;
                sense.as_ref().map_or(Ok(()), |sense| write!(f, ", {sense:?}"))
            }
            Outcome::Failed(why) => write!(f, "no answer: {why}"),
        }
    }
}

/// The log of a library. Cheap to clone; all clones are the same log.
#[derive(Clone, Debug)]
pub struct CommandLog {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    mode: LogMode,
    number: u64,
    records: VecDeque<CommandRecord>,
}

/// What is known of a command before it is executed.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) number: u64,
    pub(super) is_logged: bool,
}

impl CommandLog {
    pub(super) fn new(mode: LogMode) -> Self {
        let inner = Inner { mode, number: 0, records: VecDeque::new() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Numbers a command.
    pub(super) fn start(&self) -> Started {
        let mut inner = self.inner.lock();
        inner.number += 1;
        Started { number: inner.number, is_logged: inner.mode != LogMode::Off }
    }

    /// Puts an executed command into the log.
    pub(super) fn finish(&self, record: CommandRecord) {
        let mut inner = self.inner.lock();
        match inner.mode {
            LogMode::Off => {}
            LogMode::All => inner.records.push_back(record),
            LogMode::Last(count) => {
                while inner.records.len() >= count.max(1) {
                    inner.records.pop_front();
                }
                inner.records.push_back(record);
            }
        }
    }

    /// Changes how much is kept from now on.
    pub fn set_mode(&self, mode: LogMode) {
        self.inner.lock().mode = mode;
    }

    /// The number of the last command that was begun; 0 before the first.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.inner.lock().number
    }

    /// What is kept, oldest first. Commands of several devices are in the order of their ends.
    #[must_use]
    pub fn records(&self) -> Vec<CommandRecord> {
        self.matching(|_| true)
    }

    /// The kept commands that `wanted` picks, oldest first.
    pub fn matching(&self, mut wanted: impl FnMut(&CommandRecord) -> bool) -> Vec<CommandRecord> {
        self.inner.lock().records.iter().filter(|record| wanted(record)).cloned().collect()
    }

    /// The kept commands with a number above `number`.
    #[must_use]
    pub fn since(&self, number: u64) -> Vec<CommandRecord> {
        self.matching(|record| record.number > number)
    }

    /// The kept commands of one device.
    #[must_use]
    pub fn of_device(&self, device: Device) -> Vec<CommandRecord> {
        self.matching(|record| record.device == device)
    }

    /// The kept commands with that opcode.
    #[must_use]
    pub fn with_opcode(&self, opcode: u8) -> Vec<CommandRecord> {
        self.matching(|record| record.cdb.opcode() == opcode)
    }

    /// The kept commands of drives while a cartridge of that barcode was in them.
    #[must_use]
    pub fn with_cartridge(&self, barcode: &Barcode) -> Vec<CommandRecord> {
        self.matching(|r| r.cartridge.as_ref().is_some_and(|c| c.barcode == *barcode))
    }

    /// The kept commands that could have changed a cartridge of that barcode, also failed ones.
    #[must_use]
    pub fn writes_to(&self, barcode: &Barcode) -> Vec<CommandRecord> {
        self.matching(|r| {
            r.is_write_class() && r.cartridge.as_ref().is_some_and(|c| c.barcode == *barcode)
        })
    }

    /// Forgets what is kept; numbers go on.
    pub fn clear(&self) {
        self.inner.lock().records.clear();
    }

    /// The kept commands as text, a line each: for the message of a failed test.
    #[must_use]
    pub fn to_text(&self) -> String {
        let inner = self.inner.lock();
        inner.records.iter().fold(String::new(), |mut text, record| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{record}");
            text
        })
    }
}

/// What of an answer goes into the log.
pub(super) fn outcome_of(answer: &Result<Completion, TransportError>) -> Outcome {
    match answer {
        Ok(completion) => Outcome::Answered {
            status: completion.status,
            sense: completion.sense.clone(),
            transferred: completion.transferred,
        },
        Err(error) => Outcome::Failed(error.to_string()),
    }
}
