//! What a sense means, with one name for each condition that code above acts upon.
//!
//! The only place where key, code and qualifier are compared.

use serde::{Deserialize, Serialize};

use super::sense::{Sense, SenseKey};

/// Conditions that code above acts upon, each with its one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Condition {
    /// A filemark was met while reading or spacing.
    Filemark,
    /// Past early warning; the command itself succeeded.
    EarlyWarning,
    /// Past programmable early warning; the command itself succeeded.
    ProgrammableEarlyWarning,
    /// No more room: the data was not written.
    VolumeOverflow,
    /// The end of what was written.
    EndOfData,
    /// The mark at the end of what was written is missing: the partition was not closed properly.
    EndOfDataMissing,
    /// Beginning of the partition met while spacing back.
    BeginningOfPartition,
    /// A block shorter or longer than asked for.
    IncorrectLength,
    /// Becoming ready; wait.
    BecomingReady,
    /// LTO-9 and later: the medium is being optimised for the first time; up to two hours.
    Initializing,
    /// Not ready and an operator or a load command is needed.
    NotReady,
    /// No cartridge.
    MediumNotPresent,
    /// A cartridge was loaded or may have changed.
    MediumMayHaveChanged,
    /// Power on, reset or bus device reset: position and settings are lost.
    Reset,
    /// Mode parameters were changed by another initiator.
    ModeParametersChanged,
    /// A reservation was pre-empted or released by another initiator.
    ReservationsPreempted,
    /// An import or export element was accessed.
    ImportExportAccessed,
    /// Another unit attention.
    OtherUnitAttention,
    /// The drive asks for a cleaning cartridge.
    CleaningRequired,
    /// A cleaning cartridge is in the drive.
    CleaningCartridgeInstalled,
    /// The medium is write protected (switch or state).
    WriteProtected,
    /// WORM: the attempt would overwrite.
    WormOverwrite,
    /// Encrypted data without the right key.
    DecryptionFailed,
    /// The medium's format does not suit this drive.
    IncompatibleMedium,
    /// A read failed on the medium.
    ReadError,
    /// A write failed on the medium.
    WriteError,
    /// The drive's position is not what it thinks it is.
    PositioningError,
    /// The tape does not stand where the command may be executed. Nothing was done.
    WrongPosition,
    /// The source element of a move holds nothing.
    SourceElementEmpty,
    /// The destination element of a move holds a cartridge.
    DestinationElementFull,
    /// A mechanical positioning or move failed.
    MechanicalError,
    /// Removal is prevented.
    RemovalPrevented,
    /// The command is not supported.
    UnsupportedCommand,
    /// A field of the command or its parameters is wrong.
    InvalidField,
    /// Another condition; its numbers are in the sense.
    Other,
}

/// The names of code and qualifier pairs that do not depend on the key.
const BY_CODE: &[(u8, u8, Condition)] = &[
    (0x04, 0x01, Condition::BecomingReady),
    (0x04, 0x04, Condition::BecomingReady),
    (0x04, 0x07, Condition::BecomingReady),
    (0x0C, 0x00, Condition::WriteError),
    (0x11, 0x00, Condition::ReadError),
    (0x11, 0x01, Condition::ReadError),
    (0x11, 0x02, Condition::ReadError),
    (0x14, 0x00, Condition::ReadError),
    (0x14, 0x03, Condition::EndOfDataMissing),
    (0x15, 0x01, Condition::MechanicalError),
    (0x15, 0x02, Condition::PositioningError),
    (0x20, 0x00, Condition::UnsupportedCommand),
    (0x24, 0x00, Condition::InvalidField),
    (0x26, 0x00, Condition::InvalidField),
    (0x27, 0x00, Condition::WriteProtected),
    (0x27, 0x01, Condition::WriteProtected),
    (0x27, 0x02, Condition::WriteProtected),
    (0x28, 0x00, Condition::MediumMayHaveChanged),
    (0x28, 0x01, Condition::ImportExportAccessed),
    (0x30, 0x00, Condition::IncompatibleMedium),
    (0x30, 0x01, Condition::IncompatibleMedium),
    (0x30, 0x02, Condition::IncompatibleMedium),
    (0x30, 0x03, Condition::CleaningCartridgeInstalled),
    (0x30, 0x05, Condition::IncompatibleMedium),
    (0x30, 0x07, Condition::CleaningCartridgeInstalled),
    (0x30, 0x0C, Condition::WormOverwrite),
    (0x30, 0x0D, Condition::WormOverwrite),
    (0x3A, 0x00, Condition::MediumNotPresent),
    (0x3A, 0x01, Condition::MediumNotPresent),
    (0x3A, 0x02, Condition::MediumNotPresent),
    (0x3A, 0x04, Condition::MediumNotPresent),
    (0x3B, 0x00, Condition::WrongPosition),
    (0x3B, 0x0D, Condition::DestinationElementFull),
    (0x3B, 0x0E, Condition::SourceElementEmpty),
    (0x53, 0x00, Condition::MechanicalError),
    (0x53, 0x02, Condition::RemovalPrevented),
    (0x74, 0x00, Condition::DecryptionFailed),
    (0x74, 0x01, Condition::DecryptionFailed),
    (0x74, 0x02, Condition::DecryptionFailed),
    (0x74, 0x03, Condition::DecryptionFailed),
    // The key is the right one, and what stands there is not what was written with it.
    (0x74, 0x04, Condition::ReadError),
    (0x74, 0x05, Condition::ReadError),
];

impl Sense {
    /// The one name of what this sense says.
    #[must_use]
    pub fn condition(&self) -> Condition {
        use SenseKey as Key;
        match (self.key, self.code, self.qualifier) {
            (Key::NoSense | Key::RecoveredError | Key::Completed, 0x00, 0x01) => {
                Condition::Filemark
            }
            (Key::NoSense | Key::RecoveredError | Key::Completed, 0x00, 0x02) => {
                Condition::EarlyWarning
            }
            (Key::NoSense | Key::RecoveredError | Key::Completed, 0x00, 0x07) => {
                Condition::ProgrammableEarlyWarning
            }
            (Key::NoSense, 0x00, 0x04) => Condition::BeginningOfPartition,
            (Key::VolumeOverflow, ..) => Condition::VolumeOverflow,
            (Key::BlankCheck, 0x14, 0x03) => Condition::EndOfDataMissing,
            (Key::BlankCheck, ..) | (Key::NoSense, 0x00, 0x05) => Condition::EndOfData,
            (Key::NoSense | Key::RecoveredError, 0x00, 0x17) => Condition::CleaningRequired,
            // LTO-9: LOGICAL UNIT NOT READY, FORMAT or OPERATION IN PROGRESS while it initialises.
            (Key::NotReady, 0x04, 0x07) if self.progress.is_some() => Condition::Initializing,
            (Key::UnitAttention, 0x29, _) => Condition::Reset,
            (Key::UnitAttention, 0x2A, 0x01) => Condition::ModeParametersChanged,
            (Key::UnitAttention, 0x2A, 0x03..=0x05) => Condition::ReservationsPreempted,
            (key, code, qualifier) => BY_CODE
                .iter()
                .find(|entry| (entry.0, entry.1) == (code, qualifier))
                .map_or_else(|| self.condition_by_key(key), |entry| entry.2),
        }
    }

    fn condition_by_key(&self, key: SenseKey) -> Condition {
        match key {
            SenseKey::NoSense if self.filemark => Condition::Filemark,
            SenseKey::NoSense if self.end_of_medium => Condition::EarlyWarning,
            SenseKey::NoSense if self.incorrect_length => Condition::IncorrectLength,
            SenseKey::NotReady => Condition::NotReady,
            SenseKey::UnitAttention => Condition::OtherUnitAttention,
            SenseKey::IllegalRequest => Condition::InvalidField,
            SenseKey::DataProtect => Condition::WriteProtected,
            _ => Condition::Other,
        }
    }
}
