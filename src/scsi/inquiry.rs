//! INQUIRY: who a device is. The standard answer and the pages of vital product data that we use.
//!
//! Text fields are trimmed of spaces and NULs; what is no printable ASCII becomes `?`. Serial numbers
//! come from page 80h; page 83h tells drives of one library apart when a changer reports them.

use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};

/// Unit serial number page.
pub const PAGE_SERIAL: u8 = 0x80;
/// Device identification page.
pub const PAGE_IDENTIFICATION: u8 = 0x83;
/// Sequential-access device capabilities page.
pub const PAGE_SEQUENTIAL_CAPABILITIES: u8 = 0xB0;
/// Supported pages.
pub const PAGE_SUPPORTED: u8 = 0x00;

/// What kind of device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceType {
    /// 01h: a tape drive.
    SequentialAccess,
    /// 08h: a changer.
    MediumChanger,
    /// Any other type.
    Other(u8),
}

/// The standard INQUIRY answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inquiry {
    /// PERIPHERAL DEVICE TYPE.
    pub device_type: DeviceType,
    /// False if the PERIPHERAL QUALIFIER says that no device is connected here.
    pub is_connected: bool,
    /// T10 VENDOR IDENTIFICATION, trimmed.
    pub vendor: String,
    /// PRODUCT IDENTIFICATION, trimmed.
    pub product: String,
    /// PRODUCT REVISION LEVEL, trimmed: the firmware.
    pub revision: String,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawInquiry {
    /// Byte 0: bits 7..5 PERIPHERAL QUALIFIER, bits 4..0 PERIPHERAL DEVICE TYPE.
    peripheral: u8,
    flags_1: u8,
    version: u8,
    format: u8,
    additional_length: u8,
    flags_5: [u8; 3],
    /// Bytes 8..16: T10 VENDOR IDENTIFICATION.
    vendor: [u8; 8],
    /// Bytes 16..32: PRODUCT IDENTIFICATION.
    product: [u8; 16],
    /// Bytes 32..36: PRODUCT REVISION LEVEL.
    revision: [u8; 4],
}
const _: () = assert!(size_of::<RawInquiry>() == 36);

/// Reads the standard answer.
///
/// # Errors
/// If there are fewer than its 36 fixed bytes.
pub fn parse_standard(bytes: &[u8]) -> Result<Inquiry, AnswerError> {
    let (raw, _) = prefix::<RawInquiry>(bytes, "INQUIRY")?;
    Ok(Inquiry {
        device_type: match raw.peripheral & 0x1F {
            0x01 => DeviceType::SequentialAccess,
            0x08 => DeviceType::MediumChanger,
            other => DeviceType::Other(other),
        },
        is_connected: raw.peripheral >> 5 == 0,
        vendor: text(&raw.vendor),
        product: text(&raw.product),
        revision: text(&raw.revision),
    })
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPageHeader {
    peripheral: u8,
    /// Byte 1: PAGE CODE.
    page: u8,
    /// Bytes 2..4: PAGE LENGTH, of what follows.
    length: U16,
}
const _: () = assert!(size_of::<RawPageHeader>() == 4);

/// The content of page `page`, never more than was received.
fn page_content(bytes: &[u8], page: u8) -> Result<&[u8], AnswerError> {
    const ANSWER: &str = "INQUIRY page";
    let (header, rest) = prefix::<RawPageHeader>(bytes, ANSWER)?;
    if header.page != page {
        return Err(AnswerError::Wrong { answer: ANSWER, problem: "another page was sent" });
    }
    Ok(&rest[..rest.len().min(usize::from(header.length.get()))])
}

/// Reads page 80h: the unit serial number, trimmed.
///
/// # Errors
/// If it is another page or has no header.
pub fn parse_serial(bytes: &[u8]) -> Result<String, AnswerError> {
    Ok(text(page_content(bytes, PAGE_SERIAL)?))
}

/// Reads page 00h: the codes of the pages that the device has.
///
/// # Errors
/// If it is another page or has no header.
pub fn parse_supported_pages(bytes: &[u8]) -> Result<Vec<u8>, AnswerError> {
    Ok(page_content(bytes, PAGE_SUPPORTED)?.to_vec())
}

/// Reads page B0h: whether the drive can write WORM media.
///
/// # Errors
/// If it is another page or has no content.
pub fn parse_supports_worm(bytes: &[u8]) -> Result<bool, AnswerError> {
    const WORM: u8 = 1; // byte 4
    let content = page_content(bytes, PAGE_SEQUENTIAL_CAPABILITIES)?;
    let flags = content.first().ok_or(AnswerError::TooShort {
        answer: "INQUIRY page B0h",
        got: bytes.len(),
        needed: 5,
    })?;
    Ok(flags & WORM != 0)
}

/// What a designator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Association {
    /// The device itself.
    LogicalUnit,
    /// One port of it.
    TargetPort,
    /// The box it is in.
    TargetDevice,
    /// Reserved.
    Other(u8),
}

/// How a designator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identifier {
    /// Type 1: vendor, product and serial number as text.
    T10Vendor(String),
    /// Type 3: a world wide name in hex.
    Naa(String),
    /// Another type, kept as it is.
    Other {
        /// DESIGNATOR TYPE.
        kind: u8,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

/// One designator of page 83h, or the identification descriptor of a changer's drive element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Designator {
    /// ASSOCIATION.
    pub association: Association,
    /// The name itself.
    pub identifier: Identifier,
}

impl Designator {
    /// True if it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.identifier {
            Identifier::T10Vendor(name) | Identifier::Naa(name) => name.is_empty(),
            Identifier::Other { bytes, .. } => bytes.iter().all(|b| matches!(b, 0 | b' ')),
        }
    }

    /// The last word of a textual name: in T10 vendor identification the serial number. `None` for
    /// names that are no text.
    #[must_use]
    pub fn serial(&self) -> Option<String> {
        let name = match &self.identifier {
            Identifier::T10Vendor(name) => name.clone(),
            // Type 0, vendor-specific: some changers put the bare serial number there.
            Identifier::Other { kind: 0, bytes } => text(bytes),
            _ => return None,
        };
        name.split_whitespace().last().map(str::to_owned)
    }
}

/// Reads page 83h. A descriptor that is cut off ends the list.
///
/// # Errors
/// If it is another page or has no header.
pub fn parse_identification(bytes: &[u8]) -> Result<Vec<Designator>, AnswerError> {
    let mut rest = page_content(bytes, PAGE_IDENTIFICATION)?;
    let mut designators = Vec::new();
    while let Some((designator, tail)) = parse_designator(rest) {
        designators.push(designator);
        rest = tail;
    }
    Ok(designators)
}

/// Reads one designator and returns what follows it. `None` if it is cut off.
pub(in crate::scsi) fn parse_designator(bytes: &[u8]) -> Option<(Designator, &[u8])> {
    const T10_VENDOR: u8 = 1;
    const NAA: u8 = 3;
    let (&[_code_set, flags, _reserved, length], rest) = bytes.split_first_chunk::<4>()?;
    let (name, tail) = rest.split_at_checked(usize::from(length))?;
    let association = match (flags >> 4) & 0b11 {
        0 => Association::LogicalUnit,
        1 => Association::TargetPort,
        2 => Association::TargetDevice,
        other => Association::Other(other),
    };
    let identifier = match flags & 0x0F {
        T10_VENDOR => Identifier::T10Vendor(text(name)),
        NAA => Identifier::Naa(hex::encode(name)),
        kind => Identifier::Other { kind, bytes: name.to_vec() },
    };
    Some((Designator { association, identifier }, tail))
}

/// A text field: without spaces and NULs around it, unprintable characters as `?`.
pub(in crate::scsi) fn text(field: &[u8]) -> String {
    let shown: String = field
        .iter()
        .map(|&b| if b == b' ' || b.is_ascii_graphic() || b == 0 { char::from(b) } else { '?' })
        .collect();
    shown.trim_matches([' ', '\0']).replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    fn standard() -> Vec<u8> {
        let mut bytes = vec![0x01, 0x80, 0x06, 0x02, 31, 0, 0, 2];
        bytes.extend_from_slice(b"IBM     ULTRIUM-HH9     Q3F5");
        bytes
    }

    fn identification() -> Vec<u8> {
        let mut bytes = vec![0x01, 0x83, 0, 0];
        bytes.extend_from_slice(&[0x02, 0x01, 0, 34]);
        bytes.extend_from_slice(b"IBM     ULTRIUM-HH9     1097012345");
        bytes.extend_from_slice(&[0x01, 0x03, 0, 8, 0x50, 0x05, 0x07, 0x63, 0x12, 0, 0, 1]);
        bytes.extend_from_slice(&[0x01, 0x94, 0, 4, 0, 0, 0, 1]);
        bytes[3] = u8::try_from(bytes.len() - 4).unwrap();
        bytes
    }

    #[test]
    fn a_drive_is_known_by_type_vendor_product_and_firmware() {
        let inquiry = parse_standard(&standard()).unwrap();
        assert_eq!(inquiry.device_type, DeviceType::SequentialAccess);
        assert!(inquiry.is_connected);
        assert_eq!(
            (&*inquiry.vendor, &*inquiry.product, &*inquiry.revision),
            ("IBM", "ULTRIUM-HH9", "Q3F5")
        );
    }

    #[test]
    fn an_absent_unit_is_not_connected() {
        let mut bytes = standard();
        bytes[0] = 0x7F;
        let inquiry = parse_standard(&bytes).unwrap();
        assert!(!inquiry.is_connected);
        assert_eq!(inquiry.device_type, DeviceType::Other(0x1F));
    }

    #[test]
    fn the_serial_number_is_trimmed_and_never_longer_than_its_length_says() {
        let mut bytes = vec![0x01, 0x80, 0, 12];
        bytes.extend_from_slice(b"  1097012345garbage");
        assert_eq!(parse_serial(&bytes).unwrap(), "1097012345");
        assert!(parse_serial(&[0x01, 0x83, 0, 0]).is_err());
    }

    #[test]
    fn designators_are_told_apart() {
        let designators = parse_identification(&identification()).unwrap();
        assert_eq!(designators.len(), 3);
        assert_eq!(
            designators[0].identifier,
            Identifier::T10Vendor("IBM     ULTRIUM-HH9     1097012345".to_owned())
        );
        assert_eq!(designators[1].identifier, Identifier::Naa("5005076312000001".to_owned()));
        assert_eq!(designators[2].association, Association::TargetPort);
    }

    #[test]
    fn worm_support_is_a_bit_of_the_capabilities_page() {
        assert!(parse_supports_worm(&[1, 0xB0, 0, 2, 1, 0]).unwrap());
        assert!(!parse_supports_worm(&[1, 0xB0, 0, 2, 0, 0]).unwrap());
        assert!(parse_supports_worm(&[1, 0xB0, 0, 0]).is_err());
    }

    #[test]
    fn damaged_answers_never_panic() {
        torture(&standard(), parse_standard);
        torture(&identification(), parse_identification);
        torture(&[1, 0x80, 0, 3, b'a', b'b', b'c'], parse_serial);
        torture(&[1, 0xB0, 0, 2, 1, 0], parse_supports_worm);
        torture(&[1, 0x00, 0, 2, 0, 0x80], parse_supported_pages);
    }
}
