//! Sense data: what a device says about a command that did not simply succeed.
//!
//! Kept whole: key, code, qualifier, the FILEMARK, EOM and ILI bits, the INFORMATION field and whether
//! it is deferred. Conditions have one name each ([`Condition`]); no other file compares triples of
//! numbers. Both formats are understood: fixed (70h, 71h) and descriptor (72h, 73h).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The sense key: the kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SenseKey {
    /// 0: nothing wrong; the bits may say more (filemark, early warning).
    NoSense,
    /// 1: succeeded after recovery by the device.
    RecoveredError,
    /// 2: not ready.
    NotReady,
    /// 3: the medium could not be read or written.
    MediumError,
    /// 4: the device is broken.
    HardwareError,
    /// 5: the command was wrong.
    IllegalRequest,
    /// 6: something happened to the device: reset, medium changed.
    UnitAttention,
    /// 7: write protected, or the key for reading is missing.
    DataProtect,
    /// 8: blank medium or end of data.
    BlankCheck,
    /// 9: the vendor's own.
    VendorSpecific,
    /// Ah: a copy was aborted.
    CopyAborted,
    /// Bh: the device aborted the command.
    AbortedCommand,
    /// Dh: end of medium; buffered data may be lost.
    VolumeOverflow,
    /// Eh: data did not compare.
    Miscompare,
    /// Fh: completed.
    Completed,
    /// Ch: reserved by the standards.
    Reserved,
}

const KEYS: [SenseKey; 16] = [
    SenseKey::NoSense,
    SenseKey::RecoveredError,
    SenseKey::NotReady,
    SenseKey::MediumError,
    SenseKey::HardwareError,
    SenseKey::IllegalRequest,
    SenseKey::UnitAttention,
    SenseKey::DataProtect,
    SenseKey::BlankCheck,
    SenseKey::VendorSpecific,
    SenseKey::CopyAborted,
    SenseKey::AbortedCommand,
    SenseKey::Reserved,
    SenseKey::VolumeOverflow,
    SenseKey::Miscompare,
    SenseKey::Completed,
];

impl SenseKey {
    /// The key of the low four bits of `code`.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        KEYS[usize::from(code & 0x0F)]
    }

    /// The key as a number.
    #[must_use]
    pub fn code(self) -> u8 {
        let at = KEYS.iter().position(|key| *key == self).unwrap_or_default();
        u8::try_from(at).unwrap_or_default()
    }
}

/// Sense data, parsed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sense {
    /// SENSE KEY.
    pub key: SenseKey,
    /// ADDITIONAL SENSE CODE.
    pub code: u8,
    /// ADDITIONAL SENSE CODE QUALIFIER.
    pub qualifier: u8,
    /// True if it is about an earlier command that had already been answered GOOD.
    pub is_deferred: bool,
    /// FILEMARK: a filemark was met.
    pub filemark: bool,
    /// EOM: at or beyond early warning, or at the beginning of the partition when spacing back.
    pub end_of_medium: bool,
    /// ILI: the block's length was not the one asked for.
    pub incorrect_length: bool,
    /// INFORMATION, if valid: for tapes the requested length minus the real one (may be negative).
    pub information: Option<i64>,
    /// PROGRESS INDICATION in 1/65536, if the device says how far it is.
    pub progress: Option<u16>,
}

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
    (0x3B, 0x0D, Condition::DestinationElementFull),
    (0x3B, 0x0E, Condition::SourceElementEmpty),
    (0x53, 0x00, Condition::MechanicalError),
    (0x53, 0x02, Condition::RemovalPrevented),
    (0x74, 0x00, Condition::DecryptionFailed),
    (0x74, 0x01, Condition::DecryptionFailed),
    (0x74, 0x02, Condition::DecryptionFailed),
    (0x74, 0x03, Condition::DecryptionFailed),
];

const RESPONSE_FIXED_CURRENT: u8 = 0x70;
const RESPONSE_FIXED_DEFERRED: u8 = 0x71;
const RESPONSE_DESCRIPTOR_CURRENT: u8 = 0x72;
const RESPONSE_DESCRIPTOR_DEFERRED: u8 = 0x73;
/// Byte 0 of fixed sense: INFORMATION is valid.
const VALID: u8 = 0x80;
const FILEMARK: u8 = 0x80;
const END_OF_MEDIUM: u8 = 0x40;
const INCORRECT_LENGTH: u8 = 0x20;
/// SENSE KEY SPECIFIC valid.
const SKSV: u8 = 0x80;
/// Length of the fixed form that we build: 8 + ADDITIONAL SENSE LENGTH of 10.
const FIXED_BYTES: usize = 18;

impl Sense {
    /// Sense with those numbers and no bit set.
    #[must_use]
    pub fn new(key: SenseKey, code: u8, qualifier: u8) -> Self {
        Self {
            key,
            code,
            qualifier,
            is_deferred: false,
            filemark: false,
            end_of_medium: false,
            incorrect_length: false,
            information: None,
            progress: None,
        }
    }

    /// Reads sense in either format. `None` if the bytes are no sense data.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? & 0x7F {
            RESPONSE_FIXED_CURRENT => Self::parse_fixed(bytes, false),
            RESPONSE_FIXED_DEFERRED => Self::parse_fixed(bytes, true),
            RESPONSE_DESCRIPTOR_CURRENT => Self::parse_descriptor(bytes, false),
            RESPONSE_DESCRIPTOR_DEFERRED => Self::parse_descriptor(bytes, true),
            _ => None,
        }
    }

    fn parse_fixed(bytes: &[u8], is_deferred: bool) -> Option<Self> {
        let flags = *bytes.get(2)?;
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        let mut sense = Self::new(SenseKey::from_code(flags), byte(12), byte(13));
        sense.is_deferred = is_deferred;
        sense.filemark = flags & FILEMARK != 0;
        sense.end_of_medium = flags & END_OF_MEDIUM != 0;
        sense.incorrect_length = flags & INCORRECT_LENGTH != 0;
        if bytes[0] & VALID != 0 && bytes.len() >= 7 {
            let field = i32::from_be_bytes([bytes[3], bytes[4], bytes[5], bytes[6]]);
            sense.information = Some(i64::from(field));
        }
        sense.progress = progress_of(sense.key, bytes.get(15..18));
        Some(sense)
    }

    fn parse_descriptor(bytes: &[u8], is_deferred: bool) -> Option<Self> {
        let header = bytes.get(..8)?;
        let mut sense = Self::new(SenseKey::from_code(header[1]), header[2], header[3]);
        sense.is_deferred = is_deferred;
        let end = bytes.len().min(8 + usize::from(header[7]));
        let mut rest = &bytes[8..end];
        while let [kind, len, ..] = *rest {
            let size = 2 + usize::from(len);
            let Some(descriptor) = rest.get(..size) else { break };
            sense.take_descriptor(kind, descriptor);
            rest = &rest[size..];
        }
        Some(sense)
    }

    fn take_descriptor(&mut self, kind: u8, descriptor: &[u8]) {
        const INFORMATION: u8 = 0x00;
        const SENSE_KEY_SPECIFIC: u8 = 0x02;
        const STREAM_COMMANDS: u8 = 0x04;
        match (kind, descriptor.len()) {
            (INFORMATION, 12..) if descriptor[2] & VALID != 0 => {
                let mut field = [0; 8];
                field.copy_from_slice(&descriptor[4..12]);
                self.information = Some(i64::from_be_bytes(field));
            }
            (SENSE_KEY_SPECIFIC, 7..) => {
                self.progress = progress_of(self.key, descriptor.get(4..7))
            }
            (STREAM_COMMANDS, 4..) => {
                self.filemark = descriptor[3] & FILEMARK != 0;
                self.end_of_medium = descriptor[3] & END_OF_MEDIUM != 0;
                self.incorrect_length = descriptor[3] & INCORRECT_LENGTH != 0;
            }
            _ => {}
        }
    }

    /// The fixed form, as a tape drive sends it. INFORMATION is cut to 32 bits.
    #[must_use]
    pub fn encode_fixed(&self) -> [u8; FIXED_BYTES] {
        let mut bytes = [0; FIXED_BYTES];
        bytes[0] = if self.is_deferred { RESPONSE_FIXED_DEFERRED } else { RESPONSE_FIXED_CURRENT };
        bytes[2] = self.key.code();
        bytes[2] |= if self.filemark { FILEMARK } else { 0 };
        bytes[2] |= if self.end_of_medium { END_OF_MEDIUM } else { 0 };
        bytes[2] |= if self.incorrect_length { INCORRECT_LENGTH } else { 0 };
        if let Some(information) = self.information {
            bytes[0] |= VALID;
            let [.., a, b, c, d] = information.to_be_bytes();
            bytes[3..7].copy_from_slice(&[a, b, c, d]);
        }
        bytes[7] = 10;
        bytes[12] = self.code;
        bytes[13] = self.qualifier;
        if let Some(progress) = self.progress {
            bytes[15] = SKSV;
            bytes[16..18].copy_from_slice(&progress.to_be_bytes());
        }
        bytes
    }

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
            (Key::BlankCheck, ..) => Condition::EndOfData,
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

/// PROGRESS INDICATION of the SENSE KEY SPECIFIC field, where that field means progress.
fn progress_of(key: SenseKey, field: Option<&[u8]>) -> Option<u16> {
    let field = field?;
    let means_progress = matches!(key, SenseKey::NoSense | SenseKey::NotReady);
    (means_progress && field[0] & SKSV != 0).then(|| u16::from_be_bytes([field[1], field[2]]))
}

impl fmt::Display for Sense {
    /// `not ready 04/07 (becoming ready)`: the numbers as support people search for them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:02X}/{:02X}", self.key.code(), self.code, self.qualifier)?;
        write!(f, " {:?}", self.condition())?;
        if self.is_deferred {
            f.write_str(", deferred")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        for (set, name) in [
            (self.filemark, " FILEMARK"),
            (self.end_of_medium, " EOM"),
            (self.incorrect_length, " ILI"),
        ] {
            if set {
                f.write_str(name)?;
            }
        }
        if let Some(information) = self.information {
            write!(f, " information={information}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
