//! What can go wrong with a volume, each with what was being done and where.

use std::path::PathBuf;

use super::index::IndexLocation;
use super::label::LabelError;
use super::merge::TreeError;
use crate::domain::{BlockNumber, ByteCount, Partition, VolumeUuid};
use crate::drive::{DriveError, DriveErrorKind};

/// A failure at a volume.
#[derive(Debug, thiserror::Error)]
pub enum LtfsError {
    /// The drive failed.
    #[error("cannot {doing}")]
    Drive {
        /// Completes "cannot".
        doing: &'static str,
        /// What the drive says.
        #[source]
        source: Box<DriveError>,
    },
    /// No cartridge is in the drive.
    #[error("there is no cartridge in the drive")]
    NoCartridge,
    /// The cartridge holds no LTFS volume.
    #[error("the cartridge holds no LTFS volume: {0}")]
    NotLtfs(NotLtfs),
    /// The labels contradict each other; which volume this is cannot be said.
    #[error("the labels of the cartridge make no volume")]
    Labels(#[from] LabelError),
    /// Another volume than the one that was expected.
    #[error("the cartridge holds volume {found}, not {expected}")]
    WrongVolume {
        /// Which was expected.
        expected: VolumeUuid,
        /// Which it is.
        found: VolumeUuid,
    },
    /// The labels are good and no index can be read.
    #[error(
        "volume {volume} has no index that can be read ({tried} looked at); its files can be extracted without one"
    )]
    NoIndex {
        /// The volume.
        volume: VolumeUuid,
        /// How many were found and could not be used.
        tried: usize,
    },
    /// A tree could not be read or an index not be made.
    #[error("the index cannot be made")]
    Tree(#[from] TreeError),
    /// A file of ours failed.
    #[error("cannot {doing} {}", path.display())]
    File {
        /// Completes "cannot".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The volume is locked against writing.
    #[error("volume {volume} is locked against writing: {reason}")]
    Locked {
        /// The volume.
        volume: VolumeUuid,
        /// By what.
        reason: String,
    },
    /// The cartridge cannot be written.
    #[error("the cartridge cannot be written: {0}")]
    WriteProtected(&'static str),
    /// The volume must be repaired before it is written.
    #[error("volume {volume} must be repaired before it is written: {reason}")]
    NeedsRepair {
        /// The volume.
        volume: VolumeUuid,
        /// The first finding that demands it.
        reason: String,
    },
    /// No room for what was to be written; it is not on the tape.
    #[error("there is no room for {what} on partition {partition}")]
    Full {
        /// What did not fit.
        what: &'static str,
        /// Where.
        partition: Partition,
    },
    /// An index is larger than the index partition can hold.
    #[error("the index needs {needed}, the index partition has {room}")]
    IndexTooLarge {
        /// Size of the index.
        needed: ByteCount,
        /// Room for it.
        room: ByteCount,
    },
    /// The tape is not as it was when it was mounted or written last.
    #[error(
        "partition {partition} ends at block {found}, not at {expected}: the tape was changed, or lost what was written"
    )]
    Changed {
        /// Which partition.
        partition: Partition,
        /// Where it should end.
        expected: BlockNumber,
        /// Where it ends.
        found: BlockNumber,
    },
    /// After an unclear failure nothing is written until [`crate::ltfs::writer::OpenVolume::recover`] succeeded.
    #[error("the writer stopped after a failure; the volume must be checked first")]
    WriterStopped,
    /// Something was asked in the wrong order or with impossible values.
    #[error("{0}")]
    Misuse(&'static str),
    /// The volume's blocks are longer than the drive or we can take.
    #[error("the volume has blocks of {block_size} bytes, the drive takes {limit}")]
    BlockSize {
        /// By the label.
        block_size: u32,
        /// By the drive.
        limit: usize,
    },
    /// A generation that the volume does not have (any more).
    #[error("the volume has no readable index of generation {0}")]
    NoGeneration(u64),
    /// What repair cannot do without losing something.
    #[error("this cannot be repaired: {0}")]
    NotRepairable(&'static str),
    /// An index that was just written reads back differently.
    #[error("the index at {0} cannot be read back as it was written")]
    NotAsWritten(IndexLocation),
}

/// What a cartridge without a volume holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLtfs {
    /// Nothing was ever written, or it was erased.
    #[error("it is blank")]
    Blank,
    /// One partition with something else.
    #[error("it has one partition and begins with {0}")]
    OnePartition(String),
    /// Two partitions, neither with a label.
    #[error("neither partition begins with an LTFS label ({0})")]
    NoLabel(String),
    /// A cleaning cartridge.
    #[error("it is a cleaning cartridge")]
    Cleaning,
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LtfsErrorKind {
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
    /// The tape or a file of ours does not hold what it should.
    Corrupt,
    /// Mount again before going on.
    PositionLost,
    /// This drive cannot do it.
    Unsupported,
    /// We asked for something that cannot be right.
    Bug,
}

impl LtfsError {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> LtfsErrorKind {
        use LtfsErrorKind as Kind;
        match self {
            Self::Drive { source, .. } => source.kind().into(),
            Self::NoCartridge
            | Self::NotLtfs(_)
            | Self::WrongVolume { .. }
            | Self::Locked { .. }
            | Self::WriteProtected(_)
            | Self::NeedsRepair { .. }
            | Self::NoGeneration(_)
            | Self::File { .. } => Kind::OperatorNeeded,
            Self::NotRepairable(_) => Kind::CartridgeBad,
            Self::Labels(_)
            | Self::NoIndex { .. }
            | Self::Tree(_)
            | Self::Changed { .. }
            | Self::NotAsWritten(_) => Kind::Corrupt,
            Self::Full { .. } | Self::IndexTooLarge { .. } => Kind::Full,
            Self::WriterStopped => Kind::PositionLost,
            Self::Misuse(_) => Kind::Bug,
            Self::BlockSize { .. } => Kind::Unsupported,
        }
    }

    /// True if something happened to the drive (reset, cartridge changed) and nothing else is wrong.
    pub(super) fn is_unit_attention(&self) -> bool {
        matches!(self, Self::Drive { source, .. }
            if matches!(**source, DriveError::UnitAttention { .. }))
    }

    /// True if a write has failed that was answered before: whoever made it must hear of it, and a mount
    /// looks at what is on tape now.
    pub(super) fn is_deferred(&self) -> bool {
        matches!(self, Self::Drive { source, .. }
            if matches!(**source, DriveError::Deferred { .. }))
    }

    pub(super) fn drive(doing: &'static str) -> impl FnOnce(DriveError) -> Self {
        move |source| Self::Drive { doing, source: Box::new(source) }
    }
}

impl From<DriveErrorKind> for LtfsErrorKind {
    fn from(kind: DriveErrorKind) -> Self {
        match kind {
            DriveErrorKind::Retry => Self::Retry,
            DriveErrorKind::WaitReady => Self::WaitReady,
            DriveErrorKind::Clean => Self::Clean,
            DriveErrorKind::CartridgeBad => Self::CartridgeBad,
            DriveErrorKind::DriveBad => Self::DriveBad,
            DriveErrorKind::Full => Self::Full,
            DriveErrorKind::OperatorNeeded => Self::OperatorNeeded,
            DriveErrorKind::Corrupt => Self::Corrupt,
            DriveErrorKind::PositionLost => Self::PositionLost,
            DriveErrorKind::Unsupported => Self::Unsupported,
            DriveErrorKind::Bug => Self::Bug,
        }
    }
}

/// True for a failure that lies in the medium at that place: what is elsewhere may still be read. A
/// deferred error is about what was written before, and says nothing of the place.
pub(super) fn is_damage(error: &DriveError) -> bool {
    !matches!(error, DriveError::Deferred { .. })
        && matches!(error.kind(), DriveErrorKind::CartridgeBad | DriveErrorKind::Corrupt)
}
