//! What can go wrong with a changer, each with the library, the elements and what was found there.

use std::fmt;

use super::inventory::ElementAddress;
use crate::domain::{Barcode, LibrarySerial};
use crate::scsi::{AnswerError, Condition, Sense, SenseKey, TransportError};

/// Where a fresh look found a cartridge whose move failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It never left.
    AtSource,
    /// It arrived although the changer reported an error.
    AtDestination,
    /// The robot holds it.
    InRobot(ElementAddress),
    /// It is in another element.
    Elsewhere(ElementAddress),
    /// In no element that the changer reports.
    Nowhere,
    /// The changer could not be asked, or does not show which cartridge is which.
    Unknown,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtSource => f.write_str("it is still where it was"),
            Self::AtDestination => f.write_str("it has arrived all the same"),
            Self::InRobot(address) => write!(f, "the robot (element {address}) holds it"),
            Self::Elsewhere(address) => write!(f, "it is in element {address}"),
            Self::Nowhere => f.write_str("it is in no element"),
            Self::Unknown => f.write_str("where it is cannot be told"),
        }
    }
}

/// A failure of a changer.
#[derive(Debug, thiserror::Error)]
pub enum ChangerError {
    /// No answer came back.
    #[error("library {library}: cannot {operation}")]
    Transport {
        /// Which library.
        library: LibrarySerial,
        /// What was being done.
        operation: &'static str,
        /// How the way to it failed.
        #[source]
        source: TransportError,
    },
    /// The changer answered with an error.
    #[error("library {library}: cannot {operation}: {sense}")]
    Command {
        /// Which library.
        library: LibrarySerial,
        /// What was being done.
        operation: &'static str,
        /// What it says.
        sense: Sense,
    },
    /// The changer cannot take commands now.
    #[error("library {library}: cannot {operation}: it is busy")]
    Busy {
        /// Which library.
        library: LibrarySerial,
        /// What was being done.
        operation: &'static str,
    },
    /// Another host has reserved the changer.
    #[error("library {library}: cannot {operation}: another host has reserved it")]
    ReservationConflict {
        /// Which library.
        library: LibrarySerial,
        /// What was being done.
        operation: &'static str,
    },
    /// The answer cannot be understood, or the device is no changer.
    #[error("library {library}: cannot {operation}")]
    Answer {
        /// Which library.
        library: LibrarySerial,
        /// What was being done.
        operation: &'static str,
        /// What is wrong with the answer.
        #[source]
        source: AnswerError,
    },
    /// Refused by us, nothing was sent: the move cannot be right.
    #[error("library {library}: will not move from element {from} to {to}: {problem}")]
    BadMove {
        /// Which library.
        library: LibrarySerial,
        /// The source.
        from: ElementAddress,
        /// The destination.
        to: ElementAddress,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A move failed; the library was looked at again afterwards.
    #[error(
        "library {library}: moving {} from element {from} to {to} failed: {found}",
        Named(.barcode.as_ref())
    )]
    MoveFailed {
        /// Which library.
        library: LibrarySerial,
        /// The cartridge, if it has a barcode.
        barcode: Option<Barcode>,
        /// The source.
        from: ElementAddress,
        /// The destination.
        to: ElementAddress,
        /// Where the cartridge is now.
        found: Found,
        /// What the changer said to the move itself; `None` if it said that all was well.
        #[source]
        source: Option<Box<ChangerError>>,
    },
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangerErrorKind {
    /// The same again may succeed.
    Retry,
    /// Wait until the changer is ready.
    WaitReady,
    /// The changer or the way to it is broken.
    ChangerBad,
    /// A person must do something.
    OperatorNeeded,
    /// The library is not as we thought: take the inventory again and plan again.
    Replan,
    /// The changer cannot do it.
    Unsupported,
    /// We asked for something that cannot be right.
    Bug,
}

impl ChangerError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ChangerErrorKind {
        use ChangerErrorKind as Kind;
        match self {
            Self::Transport { .. } | Self::Answer { .. } => Kind::ChangerBad,
            Self::Command { sense, .. } => kind_of(sense),
            Self::Busy { .. } => Kind::Retry,
            Self::ReservationConflict { .. } => Kind::OperatorNeeded,
            Self::BadMove { .. } => Kind::Replan,
            Self::MoveFailed { found, source, .. } => match found {
                Found::AtSource => source.as_ref().map_or(Kind::ChangerBad, |e| e.kind()),
                Found::AtDestination | Found::Elsewhere(_) | Found::InRobot(_) => Kind::Replan,
                Found::Nowhere | Found::Unknown => Kind::OperatorNeeded,
            },
        }
    }

    /// The sense that the changer sent, if it sent any.
    #[must_use]
    pub fn sense(&self) -> Option<&Sense> {
        match self {
            Self::Command { sense, .. } => Some(sense),
            Self::MoveFailed { source: Some(source), .. } => source.sense(),
            _ => None,
        }
    }
}

fn kind_of(sense: &Sense) -> ChangerErrorKind {
    use ChangerErrorKind as Kind;
    match sense.condition() {
        Condition::BecomingReady | Condition::Initializing => Kind::WaitReady,
        Condition::SourceElementEmpty
        | Condition::DestinationElementFull
        | Condition::ImportExportAccessed
        | Condition::MediumMayHaveChanged => Kind::Replan,
        Condition::RemovalPrevented | Condition::NotReady | Condition::IncompatibleMedium => {
            Kind::OperatorNeeded
        }
        Condition::UnsupportedCommand => Kind::Unsupported,
        _ => match sense.key {
            SenseKey::UnitAttention => Kind::Replan,
            SenseKey::AbortedCommand => Kind::Retry,
            SenseKey::IllegalRequest => Kind::Unsupported,
            _ => Kind::ChangerBad,
        },
    }
}

/// "cartridge FSP001L9", or "a cartridge without a barcode".
struct Named<'a>(Option<&'a Barcode>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(barcode) => write!(f, "cartridge {barcode}"),
            None => f.write_str("a cartridge without a barcode"),
        }
    }
}
