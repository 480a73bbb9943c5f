//! One tape drive: load, position, blocks, filemarks, attributes, health.
//!
//! A [`Drive`] owns the way to one drive and is the only one that commands it. It turns verbs into
//! commands and answers into outcomes; it decides nothing about volumes or jobs.
//!
//! # Position is never assumed
//!
//! The drive keeps a belief of where the tape is. It is set by READ POSITION, moved by each verb that
//! succeeded, and dropped by everything that leaves it unclear: a deferred error, any unit attention, a
//! transport error, a failed motion, read or write, bytes and sense that contradict each other. While
//! the position is *lost*, each verb that reads, writes or spaces answers
//! [`DriveError::PositionLost`] without sending anything. Only [`Drive::locate`],
//! [`Drive::locate_end_of_data`], [`Drive::rewind`] and [`Drive::load`] find it again; READ POSITION
//! alone does not, because after a reset the drive knows where it is and it is the wrong place.
//!
//! A unit attention that a harmless verb meets (reading a page, say) is kept and given to the next verb
//! that moves, reads or writes: it is never swallowed.
//!
//! # Writing needs a permit
//!
//! Each load and each sign of a new cartridge puts the drive back to [`Access::ReadOnly`]: then no
//! write-class command leaves this module. Who has checked the cartridge calls [`Drive::permit`], and
//! [`Drive::append_only`] where the drive is to refuse everything that is not appended.
//!
//! # Blocks
//!
//! Always variable-block mode, READ without SILI: with it, a block longer than asked for would be cut
//! without a word. A short block comes with ILI, and its length is the requested length minus the
//! INFORMATION field; the transport's residual is only compared, since devices have lied about it.
//!
//! Locks, threads: none; a `Drive` is `Send` and belongs to one thread at a time.

mod access_order;
mod alerts;
mod append_only;
mod attached;
mod attributes;
mod block_io;
mod capabilities;
mod capacity;
mod command;
mod encryption;
mod error;
mod medium;
mod partitions;
mod positioning;
mod quirks;
mod readiness;
mod reservation;
mod settings;
mod statistics;
mod wraps;

use std::fmt;
use std::sync::Arc;

pub use access_order::Segment;
pub use alerts::{AlertSeverity, AlertSubject, TapeAlert};
pub use append_only::Guard;
pub use attributes::Lock;
pub use block_io::{Flush, ReadOutcome, WriteOutcome};
pub use capabilities::{Capabilities, DriveIdentity};
pub use capacity::PartitionCapacity;
pub use encryption::{
    BLOCK_KEY_BYTES, BlockEncryption, BlockKey, BlockKeys, EncryptionSettings, NextBlock,
};
pub use error::{DriveError, DriveErrorKind, LostBecause, Operation};
pub use medium::Medium;
pub use partitions::{PartitionMethod, PartitionPlan};
pub use positioning::{SpaceOutcome, TapePosition};
pub use quirks::Quirks;
pub use readiness::{WaitReason, WaitState};
pub use reservation::{Claim, ReservationKey};
pub use settings::{Compression, Erase};
pub use statistics::{CartridgeStatistics, DriveStatistics, ErrorStatistics};

pub use crate::scsi::mam::{Attribute, AttributeFormat, AttributeId};
pub use crate::scsi::reservation::Reservation;
pub use crate::scsi::{Condition, Sense, SenseKey, Transport, TransportError};

use crate::domain::{Clock, Position};
use crate::scsi::timeouts::Timeouts;

/// What may be done to the cartridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing that changes it.
    ReadOnly,
    /// Everything.
    Write,
}

/// Where the tape is, as far as we can know.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Belief {
    /// Nobody asked yet.
    Unknown,
    /// There.
    At(Position),
    /// Something happened; only a locate finds it again.
    Lost(LostBecause),
}

/// One drive.
pub struct Drive {
    transport: Box<dyn Transport>,
    clock: Arc<dyn Clock>,
    identity: DriveIdentity,
    capabilities: Capabilities,
    quirks: Quirks,
    timeouts: Timeouts,
    belief: Belief,
    access: Access,
    /// A unit attention that a harmless verb met, for the next verb that is not.
    pending_attention: Option<Sense>,
    /// Partitions of the loaded cartridge, once read.
    partition_count: Option<u8>,
    guard: Guard,
    keys: encryption::Keys,
}

impl Drive {
    /// Who the drive is.
    #[must_use]
    pub fn identity(&self) -> &DriveIdentity {
        &self.identity
    }

    /// What it supports, as read when it was opened.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// In what it differs from the standards.
    #[must_use]
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    /// Where we believe the tape to be. `None`: not established, or lost.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self.belief {
            Belief::At(position) => Some(position),
            Belief::Unknown | Belief::Lost(_) => None,
        }
    }

    /// What may be done to the cartridge at present.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// Permits or forbids write-class commands. Falls back to reading only with each load, unload and
    /// sign of a new cartridge.
    pub fn permit(&mut self, access: Access) {
        self.access = access;
    }

    /// Another cartridge, or the same one loaded again: nothing of what was permitted or switched on
    /// for it holds.
    fn forbid(&mut self) {
        self.access = Access::ReadOnly;
        self.guard = Guard::PositionOnly;
    }
}

impl fmt::Debug for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive")
            .field("transport", &self.transport.name())
            .field("identity", &self.identity)
            .field("belief", &self.belief)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
