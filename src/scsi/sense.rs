//! Sense data: what a device says about a command that did not simply succeed.
//!
//! Kept whole: key, code, qualifier, the FILEMARK, EOM and ILI bits, the INFORMATION field and whether
//! it is deferred. Conditions have one name each ([`Condition`]); no other file compares triples of
//! numbers. Both formats are understood: fixed (70h, 71h) and descriptor (72h, 73h).

use std::fmt;

use serde::{Deserialize, Serialize};

pub use super::condition::Condition;

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
