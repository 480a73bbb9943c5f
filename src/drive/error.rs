//! What can go wrong with a drive, each with the drive, the operation and the place on the tape.
//!
//! What a tape normally does (filemark, end of data, early warning, full) is an outcome and not here.
//! Policy reads [`DriveError::kind`] only; the sense travels on for people and support.

use std::fmt;
use std::time::Duration;

use crate::domain::{DriveSerial, Position};
use crate::scsi::reservation::ReservationKey;
use crate::scsi::{AnswerError, Condition, Sense, SenseKey, TransportError};

/// What was being done, for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A phrase that completes "cannot".
    Named(&'static str),
    /// Going to a position.
    Locate(Position),
    /// Reading one block.
    Read,
    /// Writing one block.
    Write,
    /// Writing that many filemarks; 0 is a flush.
    WriteFilemarks(u32),
    /// Spacing over that many filemarks.
    SpaceFilemarks(i64),
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(phrase) => f.write_str(phrase),
            Self::Locate(to) => write!(f, "locate to {to}"),
            Self::Read => f.write_str("read a block"),
            Self::Write => f.write_str("write a block"),
            Self::WriteFilemarks(0) => f.write_str("flush its buffer"),
            Self::WriteFilemarks(count) => write!(f, "write {count} filemark(s)"),
            Self::SpaceFilemarks(count) => write!(f, "space over {count} filemark(s)"),
        }
    }
}

/// Why the position is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LostBecause {
    /// Nobody has asked or located since the drive was opened or the cartridge loaded.
    NotEstablished,
    /// A unit attention: reset, power cycle, medium changed, reservation taken.
    UnitAttention(Sense),
    /// An earlier write failed after it had been answered.
    Deferred(Sense),
    /// A command failed and where it left the tape is unclear.
    Failed(Sense),
    /// A command got no answer.
    NoAnswer,
    /// The drive is somewhere else than it should be.
    Disagreement {
        /// Where the drive should have been.
        expected: Position,
        /// Where it says it is; `None` if it does not know either.
        found: Option<Position>,
    },
    /// The bytes moved and what the drive says of them do not agree.
    Contradiction(&'static str),
}

impl fmt::Display for LostBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEstablished => f.write_str("no position has been established yet"),
            Self::UnitAttention(sense) => write!(f, "unit attention ({sense})"),
            Self::Deferred(sense) => write!(f, "an earlier write failed ({sense})"),
            Self::Failed(sense) => write!(f, "a command failed ({sense})"),
            Self::NoAnswer => f.write_str("a command was not answered"),
            Self::Disagreement { expected, found: Some(found) } => {
                write!(f, "the drive is at {found} and should be at {expected}")
            }
            Self::Disagreement { expected, found: None } => {
                write!(f, "the drive does not know where it is and should be at {expected}")
            }
            Self::Contradiction(what) => f.write_str(what),
        }
    }
}

/// A failure of a drive.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// No answer came back. The position is lost.
    #[error("drive {drive}: cannot {operation}")]
    Transport {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
        /// How the way to it failed.
        #[source]
        source: TransportError,
    },
    /// The drive answered with an error that belongs to this command.
    #[error("drive {drive}: cannot {operation}{}: {sense}", At(*.position))]
    Command {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
        /// Where the tape was before, if known.
        position: Option<Position>,
        /// What the drive says.
        sense: Sense,
    },
    /// An earlier command that had been answered as good has failed: nothing since the last
    /// synchronous filemark is certain. The position is lost.
    #[error("drive {drive}: cannot {operation}: an earlier write failed: {sense}")]
    Deferred {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done when it came out.
        operation: Operation,
        /// What the drive says.
        sense: Sense,
    },
    /// Something happened to the drive: reset, cartridge changed. The command was not executed and the
    /// position is lost.
    #[error("drive {drive}: cannot {operation}: unit attention: {sense}")]
    UnitAttention {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
        /// What the drive says.
        sense: Sense,
    },
    /// Refused by us, nothing was sent: the position is not known. Locate, check the volume, go on.
    #[error("drive {drive}: will not {operation}: the position is lost: {because}")]
    PositionLost {
        /// Which drive.
        drive: DriveSerial,
        /// What was asked.
        operation: Operation,
        /// Why it is not known.
        because: LostBecause,
    },
    /// Refused by us, nothing was sent: the cartridge was opened for reading only.
    #[error("drive {drive}: will not {operation}: the cartridge is open for reading only")]
    WriteNotPermitted {
        /// Which drive.
        drive: DriveSerial,
        /// What was asked.
        operation: Operation,
    },
    /// The block on tape is longer than the buffer. The tape stands behind it.
    #[error("drive {drive}: the block at {at} has {len} bytes, more than the {limit} asked for")]
    BlockTooLong {
        /// Which drive.
        drive: DriveSerial,
        /// The block.
        at: Position,
        /// Its length.
        len: u64,
        /// The buffer's.
        limit: usize,
    },
    /// Refused by us, nothing was sent: the arguments cannot be right.
    #[error("drive {drive}: will not {operation}: {problem}")]
    BadRequest {
        /// Which drive.
        drive: DriveSerial,
        /// What was asked.
        operation: Operation,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The tape ends before the position that was asked for. The tape stands at its end of data.
    #[error("drive {drive}: cannot locate to {wanted}: the data ends at {end}")]
    BeyondEndOfData {
        /// Which drive.
        drive: DriveSerial,
        /// Where to go.
        wanted: Position,
        /// Where the data ends.
        end: Position,
    },
    /// No cartridge is in the drive.
    #[error("drive {drive}: cannot {operation}: no cartridge is loaded")]
    NoMedium {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
    },
    /// The cartridge is write protected or the attempt would overwrite WORM data. Nothing was written.
    #[error("drive {drive}: cannot {operation}: the cartridge is protected: {sense}")]
    Protected {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
        /// What the drive says: write protected, or WORM overwrite.
        sense: Sense,
    },
    /// The drive did not become ready in time.
    #[error("drive {drive}: not ready after {} s: {sense}", waited.as_secs())]
    NotReadyInTime {
        /// Which drive.
        drive: DriveSerial,
        /// How long it was waited for.
        waited: Duration,
        /// What the drive said last.
        sense: Sense,
    },
    /// The drive cannot take commands now.
    #[error("drive {drive}: cannot {operation}: it is busy")]
    Busy {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
    },
    /// Another host holds the drive; nothing of ours was left on it.
    #[error("drive {drive}: another host has reserved it{}", WithKey(*.holder))]
    Reserved {
        /// Which drive.
        drive: DriveSerial,
        /// That host's key; `None` if it has reserved without one.
        holder: Option<ReservationKey>,
    },
    /// A command was refused because another host has reserved the drive.
    #[error("drive {drive}: cannot {operation}: another host has reserved it")]
    ReservationConflict {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
    },
    /// The drive's answer cannot be understood.
    #[error("drive {drive}: cannot {operation}")]
    Answer {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
        /// What is wrong with the answer.
        #[source]
        source: AnswerError,
    },
    /// The drive did something else than it was told and says it is well.
    #[error("drive {drive}: {operation} ended wrongly: {problem}")]
    Inconsistent {
        /// Which drive.
        drive: DriveSerial,
        /// What was being done.
        operation: Operation,
        /// What does not agree.
        problem: &'static str,
    },
    /// The drive was given a key and does something else with it than it was told.
    #[error("drive {drive}: it was to encrypt with key \"{key}\", and says that {said}")]
    NotEncrypting {
        /// Which drive.
        drive: DriveSerial,
        /// The key's name.
        key: String,
        /// What the drive says of itself.
        said: String,
    },
    /// The block is encrypted by a drive, with a key that is not at hand. The tape stands before it.
    #[error("drive {drive}: the block at {at} is encrypted, and its key \"{key}\" is not here")]
    KeyMissing {
        /// Which drive.
        drive: DriveSerial,
        /// The block.
        at: Position,
        /// The name of the key, as it stands with the block.
        key: String,
    },
    /// The drive cannot do this.
    #[error("drive {drive}: {feature} is not supported")]
    Unsupported {
        /// Which drive.
        drive: DriveSerial,
        /// What is not supported.
        feature: &'static str,
    },
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DriveErrorKind {
    /// The same again may succeed.
    Retry,
    /// Wait until the drive is ready.
    WaitReady,
    /// Clean the drive first.
    Clean,
    /// The cartridge is damaged or unsuitable.
    CartridgeBad,
    /// The drive or the way to it is broken.
    DriveBad,
    /// No more room.
    Full,
    /// A person must do something.
    OperatorNeeded,
    /// The tape does not hold what it should.
    Corrupt,
    /// Locate and check the volume before going on.
    PositionLost,
    /// This drive cannot do it.
    Unsupported,
    /// We asked for something that cannot be right.
    Bug,
}

impl DriveError {
    /// The drive.
    #[must_use]
    pub fn drive(&self) -> &DriveSerial {
        match self {
            Self::Transport { drive, .. }
            | Self::Command { drive, .. }
            | Self::Deferred { drive, .. }
            | Self::UnitAttention { drive, .. }
            | Self::PositionLost { drive, .. }
            | Self::WriteNotPermitted { drive, .. }
            | Self::BlockTooLong { drive, .. }
            | Self::BadRequest { drive, .. }
            | Self::BeyondEndOfData { drive, .. }
            | Self::NoMedium { drive, .. }
            | Self::Protected { drive, .. }
            | Self::NotReadyInTime { drive, .. }
            | Self::Busy { drive, .. }
            | Self::Reserved { drive, .. }
            | Self::ReservationConflict { drive, .. }
            | Self::Answer { drive, .. }
            | Self::Inconsistent { drive, .. }
            | Self::NotEncrypting { drive, .. }
            | Self::KeyMissing { drive, .. }
            | Self::Unsupported { drive, .. } => drive,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> DriveErrorKind {
        use DriveErrorKind as Kind;
        match self {
            Self::Transport { .. } | Self::Answer { .. } | Self::Inconsistent { .. } => {
                Kind::DriveBad
            }
            Self::Command { sense, .. } => kind_of(sense),
            // What failed was a write of this cartridge by this drive; a medium error blames the
            // cartridge, anything else the drive.
            Self::Deferred { sense, .. } => match sense.key {
                SenseKey::MediumError | SenseKey::BlankCheck => Kind::CartridgeBad,
                SenseKey::VolumeOverflow => Kind::Full,
                _ => Kind::DriveBad,
            },
            Self::UnitAttention { .. } | Self::PositionLost { .. } => Kind::PositionLost,
            Self::WriteNotPermitted { .. } | Self::BadRequest { .. } => Kind::Bug,
            Self::BlockTooLong { .. } | Self::BeyondEndOfData { .. } => Kind::Corrupt,
            Self::NoMedium { .. }
            | Self::Protected { .. }
            | Self::Reserved { .. }
            | Self::NotEncrypting { .. }
            | Self::KeyMissing { .. }
            | Self::ReservationConflict { .. } => Kind::OperatorNeeded,
            Self::NotReadyInTime { .. } => Kind::WaitReady,
            Self::Busy { .. } => Kind::Retry,
            Self::Unsupported { .. } => Kind::Unsupported,
        }
    }

    /// The sense that the drive sent, if it sent any.
    #[must_use]
    pub fn sense(&self) -> Option<&Sense> {
        match self {
            Self::Command { sense, .. }
            | Self::Deferred { sense, .. }
            | Self::UnitAttention { sense, .. }
            | Self::Protected { sense, .. }
            | Self::NotReadyInTime { sense, .. } => Some(sense),
            Self::PositionLost {
                because:
                    LostBecause::UnitAttention(sense)
                    | LostBecause::Deferred(sense)
                    | LostBecause::Failed(sense),
                ..
            } => Some(sense),
            _ => None,
        }
    }

    /// True for a block that is there and that no key at hand opens: it is not damaged.
    #[must_use]
    pub fn is_locked_content(&self) -> bool {
        matches!(self, Self::KeyMissing { .. })
            || self.condition() == Some(Condition::DecryptionFailed)
    }

    /// The condition that the sense names.
    #[must_use]
    pub fn condition(&self) -> Option<Condition> {
        self.sense().map(Sense::condition)
    }
}

/// What to do about a command's own sense.
fn kind_of(sense: &Sense) -> DriveErrorKind {
    use DriveErrorKind as Kind;
    match sense.condition() {
        Condition::BecomingReady | Condition::Initializing => Kind::WaitReady,
        Condition::CleaningRequired => Kind::Clean,
        Condition::VolumeOverflow | Condition::EarlyWarning => Kind::Full,
        Condition::EndOfData | Condition::EndOfDataMissing => Kind::Corrupt,
        Condition::UnsupportedCommand => Kind::Unsupported,
        Condition::NotReady
        | Condition::MediumNotPresent
        | Condition::WriteProtected
        | Condition::WormOverwrite
        | Condition::DecryptionFailed
        | Condition::CleaningCartridgeInstalled
        | Condition::RemovalPrevented => Kind::OperatorNeeded,
        Condition::IncompatibleMedium | Condition::ReadError | Condition::WriteError => {
            Kind::CartridgeBad
        }
        _ => match sense.key {
            SenseKey::MediumError => Kind::CartridgeBad,
            SenseKey::AbortedCommand => Kind::Retry,
            SenseKey::UnitAttention => Kind::PositionLost,
            SenseKey::IllegalRequest => Kind::Unsupported,
            _ => Kind::DriveBad,
        },
    }
}

/// " with key 00…ab", or nothing.
struct WithKey(Option<ReservationKey>);

impl fmt::Display for WithKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => write!(f, " with key {key}"),
            None => Ok(()),
        }
    }
}

/// " at block 3 of partition 1", or nothing.
struct At(Option<Position>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(position) => write!(f, " at {position}"),
            None => Ok(()),
        }
    }
}
