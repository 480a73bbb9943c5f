//! READ ELEMENT STATUS: what is in each element of a library.
//!
//! The descriptor grew over time: volume tags only if asked for, the drive's identifier only where a
//! changer has it. [`parse_element_status`] goes by the lengths and flags of each page, never by what
//! was asked.

use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::cdb::changer::ElementType;
use super::error::{AnswerError, prefix};
use super::inquiry::{Designator, parse_designator, text};

const ANSWER: &str = "READ ELEMENT STATUS";
/// Length of a volume tag field: 32 characters, 2 reserved bytes, a sequence number.
const VOLUME_TAG_BYTES: usize = 36;

/// Bytes of the header of the whole answer.
pub const HEADER_BYTES: usize = 8;

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    /// Bytes 0..2: FIRST ELEMENT ADDRESS REPORTED.
    first: U16,
    /// Bytes 2..4: NUMBER OF ELEMENTS AVAILABLE.
    count: U16,
    /// Bytes 4..8: a reserved byte, then BYTE COUNT OF REPORT AVAILABLE, of what follows.
    bytes: U32,
}
const _: () = assert!(size_of::<RawHeader>() == HEADER_BYTES);

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPage {
    /// Byte 0: ELEMENT TYPE CODE.
    kind: u8,
    /// Byte 1: bit 7 PVOLTAG, bit 6 AVOLTAG.
    flags: u8,
    /// Bytes 2..4: ELEMENT DESCRIPTOR LENGTH.
    descriptor_length: U16,
    /// Bytes 4..8: a reserved byte, then BYTE COUNT OF DESCRIPTOR DATA AVAILABLE.
    bytes: U32,
}
const _: () = assert!(size_of::<RawPage>() == 8);

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawDescriptor {
    /// Bytes 0..2: ELEMENT ADDRESS.
    address: U16,
    /// Byte 2: bit 3 ACCESS, bit 2 EXCEPT, bit 1 IMPEXP, bit 0 FULL.
    flags: u8,
    reserved_3: u8,
    /// Byte 4: ADDITIONAL SENSE CODE, while EXCEPT is set.
    code: u8,
    /// Byte 5: ADDITIONAL SENSE CODE QUALIFIER, while EXCEPT is set.
    qualifier: u8,
    reserved_6: [u8; 3],
    /// Byte 9: bit 7 SVALID, bit 6 INVERT, bit 3 ED.
    source_flags: u8,
    /// Bytes 10..12: SOURCE STORAGE ELEMENT ADDRESS, while SVALID is set.
    source: U16,
}
const _: () = assert!(size_of::<RawDescriptor>() == 12);

/// One element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementStatus {
    /// Its address.
    pub address: u16,
    /// Its kind.
    pub kind: ElementType,
    /// FULL: it holds a cartridge.
    pub is_full: bool,
    /// IMPEXP: a person put the cartridge there, not the robot. Mail slots only.
    pub is_by_operator: bool,
    /// ACCESS: the robot can reach it.
    pub is_accessible: bool,
    /// EXCEPT: something is wrong with it; code and qualifier.
    pub exception: Option<(u8, u8)>,
    /// Where the cartridge came from, if the changer knows.
    pub source: Option<u16>,
    /// PRIMARY VOLUME TAG, trimmed: the barcode. Empty if there is none or it cannot be read.
    pub volume_tag: String,
    /// ALTERNATE VOLUME TAG, trimmed.
    pub alternate_volume_tag: String,
    /// The drive's identifier. Drives only.
    pub designator: Option<Designator>,
}

/// A READ ELEMENT STATUS answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementReport {
    /// How many elements fit what was asked, whether or not they fit the buffer.
    pub available: u16,
    /// Bytes that the whole answer has, header included.
    pub bytes: usize,
    /// The elements received.
    pub elements: Vec<ElementStatus>,
}

/// Reads an answer. Elements that are cut off, and pages of an unknown kind, are left out.
///
/// # Errors
/// If there is no header, or a page's descriptors are shorter than their fixed part.
pub fn parse_element_status(bytes: &[u8]) -> Result<ElementReport, AnswerError> {
    const LOW_24: u32 = 0x00FF_FFFF;
    let usize_of = |n: U32| usize::try_from(n.get() & LOW_24).unwrap_or(usize::MAX);
    let (header, rest) = prefix::<RawHeader>(bytes, ANSWER)?;
    let mut rest = &rest[..rest.len().min(usize_of(header.bytes))];
    let mut elements = Vec::new();
    while let Ok((page, tail)) = prefix::<RawPage>(rest, ANSWER) {
        let (content, tail) = tail.split_at(tail.len().min(usize_of(page.bytes)));
        rest = tail;
        let length = usize::from(page.descriptor_length.get());
        if content.is_empty() {
            continue;
        }
        if length < size_of::<RawDescriptor>() {
            return Err(AnswerError::Wrong { answer: ANSWER, problem: "descriptors too short" });
        }
        let Some(kind) = ElementType::from_code(page.kind) else { continue };
        for descriptor in content.chunks_exact(length) {
            elements.push(parse_descriptor(descriptor, kind, page.flags)?);
        }
    }
    Ok(ElementReport {
        available: header.count.get(),
        bytes: HEADER_BYTES.saturating_add(usize_of(header.bytes)),
        elements,
    })
}

fn parse_descriptor(
    bytes: &[u8],
    kind: ElementType,
    page_flags: u8,
) -> Result<ElementStatus, AnswerError> {
    const PRIMARY_TAG: u8 = 1 << 7;
    const ALTERNATE_TAG: u8 = 1 << 6;
    const FULL: u8 = 1;
    const BY_OPERATOR: u8 = 1 << 1;
    const EXCEPTION: u8 = 1 << 2;
    const ACCESS: u8 = 1 << 3;
    const SOURCE_VALID: u8 = 1 << 7;
    let (raw, mut rest) = prefix::<RawDescriptor>(bytes, ANSWER)?;
    let mut tag = |present: u8| {
        if page_flags & present == 0 {
            return String::new();
        }
        let (field, tail) = rest.split_at(rest.len().min(VOLUME_TAG_BYTES));
        rest = tail;
        text(&field[..field.len().min(32)])
    };
    let volume_tag = tag(PRIMARY_TAG);
    let alternate_volume_tag = tag(ALTERNATE_TAG);
    // Without DVCID four reserved bytes may follow; they read as a designator of length 0.
    let designator = match kind {
        ElementType::DataTransfer => parse_designator(rest)
            .map(|(designator, _)| designator)
            .filter(|designator| !designator.is_empty()),
        _ => None,
    };
    // A robot has no ACCESS bit: it always reaches itself.
    let is_accessible = kind == ElementType::Transport || raw.flags & ACCESS != 0;
    Ok(ElementStatus {
        address: raw.address.get(),
        kind,
        is_full: raw.flags & FULL != 0,
        is_by_operator: kind == ElementType::ImportExport && raw.flags & BY_OPERATOR != 0,
        is_accessible,
        exception: (raw.flags & EXCEPTION != 0).then_some((raw.code, raw.qualifier)),
        source: (raw.source_flags & SOURCE_VALID != 0).then(|| raw.source.get()),
        volume_tag,
        alternate_volume_tag,
        designator,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;
    use crate::scsi::inquiry::Identifier;

    fn tag(text: &str) -> Vec<u8> {
        let mut field = format!("{text:<32}").into_bytes();
        field.extend_from_slice(&[0; 4]);
        field
    }

    fn page(kind: u8, flags: u8, descriptors: &[Vec<u8>]) -> Vec<u8> {
        let length = u16::try_from(descriptors[0].len()).unwrap();
        let all = descriptors.concat();
        let mut bytes = vec![kind, flags];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(all.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&all);
        bytes
    }

    fn answer(pages: &[Vec<u8>], count: u16) -> Vec<u8> {
        let all = pages.concat();
        let mut bytes = vec![0, 1];
        bytes.extend_from_slice(&count.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(all.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(&all);
        bytes
    }

    /// Two slots (one full), a mail slot filled by a person, a full drive with tags and its serial.
    fn library() -> Vec<u8> {
        let slot = |address: u8, flags, label: &str| {
            [vec![4, address, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0], tag(label)].concat()
        };
        let mut drive = vec![1, 1, 0x0D, 0, 0x83, 0x01, 0, 0, 0, 0x80, 4, 1];
        drive.extend_from_slice(&tag("FSP002L9"));
        drive.extend_from_slice(&tag("ALT"));
        drive.extend_from_slice(&[0x02, 0x01, 0, 10]);
        drive.extend_from_slice(b"1097012345");
        let mail = vec![0, 16, 0x3B, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        answer(
            &[
                page(2, 0x80, &[slot(0, 0x09, "FSP001L9"), slot(1, 0x08, "")]),
                page(3, 0x00, &[mail]),
                page(4, 0xC0, &[drive]),
            ],
            4,
        )
    }

    #[test]
    fn elements_are_read_with_tags_sources_and_identifiers() {
        let bytes = library();
        let report = parse_element_status(&bytes).unwrap();
        assert_eq!((report.available, report.bytes), (4, bytes.len()));
        let [first, second, mail, drive] = report.elements.as_slice() else { panic!("{report:?}") };
        assert_eq!((first.address, &*first.volume_tag), (0x0400, "FSP001L9"));
        assert!(first.is_full && first.is_accessible && !second.is_full);
        assert_eq!(mail.kind, ElementType::ImportExport);
        assert!(mail.is_full && mail.is_by_operator);
        assert_eq!(drive.source, Some(0x0401));
        assert_eq!(drive.exception, Some((0x83, 0x01)));
        assert_eq!((&*drive.volume_tag, &*drive.alternate_volume_tag), ("FSP002L9", "ALT"));
        assert_eq!(
            drive.designator.as_ref().unwrap().identifier,
            Identifier::T10Vendor("1097012345".to_owned())
        );
    }

    #[test]
    fn a_drive_without_identifier_has_four_reserved_bytes() {
        let drive = [vec![1, 1, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0], vec![0; 4]].concat();
        let report = parse_element_status(&answer(&[page(4, 0, &[drive])], 1)).unwrap();
        assert_eq!(report.elements[0].designator, None);
    }

    #[test]
    fn descriptors_shorter_than_their_fixed_part_are_refused() {
        let bytes = answer(&[page(2, 0, &[vec![0; 11]])], 1);
        assert!(parse_element_status(&bytes).is_err());
        let bytes = [0, 0, 0, 1, 0, 0, 0, 9, 2, 0, 0, 0, 0, 0, 0, 1, 0];
        assert!(parse_element_status(&bytes).is_err());
    }

    #[test]
    fn damaged_answers_never_panic() {
        torture(&library(), parse_element_status);
    }
}
