//! Attributes of the cartridge's memory (MAM): READ ATTRIBUTE answers and WRITE ATTRIBUTE lists.
//!
//! On the wire: id (2 bytes), read-only flag and format (1), length (2), value; all big-endian, after a
//! list length of 4 bytes. What the values mean stands where they are used.

use std::fmt;

use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};

const ANSWER: &str = "READ ATTRIBUTE";

/// An attribute's identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId(pub u16);

impl AttributeId {
    /// Remaining capacity of the partition in MiB, 8 bytes.
    pub const REMAINING_CAPACITY: Self = Self(0x0000);
    /// Maximum capacity of the partition in MiB, 8 bytes.
    pub const MAXIMUM_CAPACITY: Self = Self(0x0001);
    /// Times the cartridge was loaded, 8 bytes.
    pub const LOAD_COUNT: Self = Self(0x0003);
    /// Volume change reference (VCR): changes whenever the content does, 4 bytes.
    pub const VOLUME_CHANGE_REFERENCE: Self = Self(0x0009);
    /// Who made the cartridge, 8 characters.
    pub const MEDIUM_MANUFACTURER: Self = Self(0x0400);
    /// The cartridge's own serial number, 32 characters. Never changes.
    pub const MEDIUM_SERIAL: Self = Self(0x0401);
    /// Density code of the cartridge, 1 byte.
    pub const MEDIUM_DENSITY: Self = Self(0x0405);
    /// Medium type, 1 byte: 00h data, 01h cleaning, 80h WORM.
    pub const MEDIUM_TYPE: Self = Self(0x0408);
    /// Application vendor, 8 characters.
    pub const APPLICATION_VENDOR: Self = Self(0x0800);
    /// Application name, 32 characters.
    pub const APPLICATION_NAME: Self = Self(0x0801);
    /// Application version, 8 characters.
    pub const APPLICATION_VERSION: Self = Self(0x0802);
    /// User medium text label, 160 bytes of text.
    pub const USER_MEDIUM_LABEL: Self = Self(0x0803);
    /// Text localization identifier, 1 byte: 81h is UTF-8.
    pub const TEXT_LOCALIZATION: Self = Self(0x0805);
    /// Barcode, 32 characters.
    pub const BARCODE: Self = Self(0x0806);
    /// Media pool, 160 bytes of text.
    pub const MEDIA_POOL: Self = Self(0x0808);
    /// Application format version, 16 characters.
    pub const FORMAT_VERSION: Self = Self(0x080B);
    /// Volume coherency information, one a partition.
    pub const VOLUME_COHERENCY: Self = Self(0x080C);
    /// Volume lock of LTFS, 1 byte, vendor-specific.
    pub const VOLUME_LOCK: Self = Self(0x1623);
}

impl fmt::Debug for AttributeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}h", self.0)
    }
}

impl fmt::Display for AttributeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// How an attribute's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeFormat {
    /// 0: bytes.
    Binary,
    /// 1: ASCII, padded with spaces.
    Ascii,
    /// 2: text in the character set of attribute 0805h, padded with NULs.
    Text,
    /// 3: reserved.
    Reserved,
}

impl AttributeFormat {
    fn code(self) -> u8 {
        match self {
            Self::Binary => 0,
            Self::Ascii => 1,
            Self::Text => 2,
            Self::Reserved => 3,
        }
    }

    fn from_bits(flags: u8) -> Self {
        match flags & 0b11 {
            0 => Self::Binary,
            1 => Self::Ascii,
            2 => Self::Text,
            _ => Self::Reserved,
        }
    }
}

/// One attribute. An empty value in a WRITE ATTRIBUTE list deletes the attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its identifier.
    pub id: AttributeId,
    /// How its value is written.
    pub format: AttributeFormat,
    /// The value, at most 65,535 bytes.
    pub value: Vec<u8>,
}

impl Attribute {
    /// The value as text, without the padding of spaces and NULs. Invalid UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.value).trim_end_matches([' ', '\0']).to_owned()
    }

    /// The value as a number, if it has 1 to 8 bytes.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        let len = self.value.len();
        if !(1..=8).contains(&len) {
            return None;
        }
        let mut bytes = [0; 8];
        bytes[8 - len..].copy_from_slice(&self.value);
        Some(u64::from_be_bytes(bytes))
    }
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawAttributeHeader {
    /// Bytes 0..2: ATTRIBUTE IDENTIFIER.
    id: U16,
    /// Byte 2: bit 7 READ ONLY, bits 1..0 FORMAT.
    flags: u8,
    /// Bytes 3..5: ATTRIBUTE LENGTH, of the value.
    length: U16,
}
const _: () = assert!(size_of::<RawAttributeHeader>() == 5);

/// Bytes before the first attribute of a list: AVAILABLE DATA or PARAMETER DATA LENGTH.
const LIST_HEADER_BYTES: usize = 4;

/// Reads the values that READ ATTRIBUTE returned. A value that is cut off ends the list.
///
/// # Errors
/// If there is no list header.
pub fn parse_attributes(bytes: &[u8]) -> Result<Vec<Attribute>, AnswerError> {
    let (available, rest) = prefix::<U32>(bytes, ANSWER)?;
    let available = usize::try_from(available.get()).unwrap_or(usize::MAX);
    let mut rest = &rest[..rest.len().min(available)];
    let mut attributes = Vec::new();
    while let Ok((header, tail)) = prefix::<RawAttributeHeader>(rest, ANSWER) {
        let Some((value, tail)) = tail.split_at_checked(usize::from(header.length.get())) else {
            break;
        };
        attributes.push(Attribute {
            id: AttributeId(header.id.get()),
            format: AttributeFormat::from_bits(header.flags),
            value: value.to_vec(),
        });
        rest = tail;
    }
    Ok(attributes)
}

/// Reads the identifiers that READ ATTRIBUTE's attribute list returned.
///
/// # Errors
/// If there is no list header.
pub fn parse_attribute_list(bytes: &[u8]) -> Result<Vec<AttributeId>, AnswerError> {
    let (available, rest) = prefix::<U32>(bytes, ANSWER)?;
    let available = usize::try_from(available.get()).unwrap_or(usize::MAX);
    let rest = &rest[..rest.len().min(available)];
    Ok(rest
        .chunks_exact(2)
        .map(|pair| AttributeId(u16::from_be_bytes([pair[0], pair[1]])))
        .collect())
}

/// The list of WRITE ATTRIBUTE. `None` if a value is longer than 65,535 bytes.
#[must_use]
pub fn encode_attributes(attributes: &[Attribute]) -> Option<Vec<u8>> {
    let mut list = vec![0; LIST_HEADER_BYTES];
    for attribute in attributes {
        let length = u16::try_from(attribute.value.len()).ok()?;
        list.extend_from_slice(&attribute.id.0.to_be_bytes());
        list.push(attribute.format.code());
        list.extend_from_slice(&length.to_be_bytes());
        list.extend_from_slice(&attribute.value);
    }
    let length = u32::try_from(list.len() - LIST_HEADER_BYTES).ok()?;
    list[..LIST_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    fn list() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 22];
        bytes.extend_from_slice(&[0x00, 0x09, 0x80, 0, 4, 0, 0, 1, 2]);
        bytes.extend_from_slice(&[0x08, 0x00, 0x01, 0, 8]);
        bytes.extend_from_slice(b"IBM     ");
        bytes
    }

    #[test]
    fn attributes_are_read_with_their_format() {
        let attributes = parse_attributes(&list()).unwrap();
        assert_eq!(attributes.len(), 2);
        assert_eq!(attributes[0].id, AttributeId::VOLUME_CHANGE_REFERENCE);
        assert_eq!(attributes[0].format, AttributeFormat::Binary);
        assert_eq!(attributes[0].number(), Some(0x0102));
        assert_eq!(attributes[1].format, AttributeFormat::Ascii);
        assert_eq!(attributes[1].text(), "IBM");
    }

    #[test]
    fn a_list_that_was_written_reads_the_same() {
        let attributes = vec![
            Attribute {
                id: AttributeId::VOLUME_COHERENCY,
                format: AttributeFormat::Binary,
                value: vec![8; 70],
            },
            Attribute {
                id: AttributeId::USER_MEDIUM_LABEL,
                format: AttributeFormat::Text,
                value: b"Fotos\0\0".to_vec(),
            },
        ];
        let bytes = encode_attributes(&attributes).unwrap();
        assert_eq!(bytes[..9], [0, 0, 0, 87, 0x08, 0x0C, 0, 0, 70]);
        assert_eq!(parse_attributes(&bytes).unwrap(), attributes);
    }

    #[test]
    fn a_value_that_is_cut_off_is_left_out() {
        let bytes = list();
        assert_eq!(parse_attributes(&bytes[..bytes.len() - 1]).unwrap().len(), 1);
        let too_long = Attribute {
            id: AttributeId(0x0900),
            format: AttributeFormat::Binary,
            value: vec![0; 0x1_0000],
        };
        assert_eq!(encode_attributes(&[too_long]), None);
    }

    #[test]
    fn identifiers_alone_are_a_list_of_pairs() {
        let ids = parse_attribute_list(&[0, 0, 0, 4, 0, 9, 8, 0x0C, 0xFF]).unwrap();
        assert_eq!(ids, [AttributeId(9), AttributeId::VOLUME_COHERENCY]);
    }

    #[test]
    fn damaged_answers_never_panic() {
        torture(&list(), parse_attributes);
        torture(&list(), parse_attribute_list);
    }
}
