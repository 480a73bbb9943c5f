//! Mode parameters: headers of the 6 and 10 byte forms, and the pages that we use.
//!
//! A page is changed by reading it, changing our bits and sending the rest back as it was: drives
//! refuse a page whose other fields differ from theirs. [`ModeParameters::select10`] does the sending
//! back. Page numbers and offsets stand here only.

use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::cdb::primary::ModePageCode;
use super::error::{AnswerError, prefix};

/// Data compression, 0Fh.
pub const PAGE_COMPRESSION: ModePageCode = ModePageCode::page(0x0F);
/// Device configuration, 10h.
pub const PAGE_DEVICE_CONFIGURATION: ModePageCode = ModePageCode::page(0x10);
/// Device configuration extension, 10h/01h: programmable early warning, append-only mode.
pub const PAGE_DEVICE_CONFIGURATION_EXTENSION: ModePageCode =
    ModePageCode { page: 0x10, subpage: 0x01 };
/// Medium partition, 11h.
pub const PAGE_MEDIUM_PARTITION: ModePageCode = ModePageCode::page(0x11);
/// Medium configuration (SSC) or element address assignment (SMC), 1Dh.
pub const PAGE_MEDIUM_CONFIGURATION: ModePageCode = ModePageCode::page(0x1D);
/// Element address assignment of a changer, 1Dh.
pub const PAGE_ELEMENT_ADDRESSES: ModePageCode = ModePageCode::page(0x1D);

const ANSWER: &str = "MODE SENSE";
/// Length of a block descriptor.
const DESCRIPTOR_BYTES: usize = 8;

/// MODE SENSE(6) header.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader6 {
    /// Byte 0: MODE DATA LENGTH, of what follows.
    length: u8,
    medium_type: u8,
    /// Byte 2: DEVICE-SPECIFIC PARAMETER: bit 7 WP, bits 6..4 BUFFERED MODE, bits 3..0 SPEED.
    device_specific: u8,
    /// Byte 3: BLOCK DESCRIPTOR LENGTH.
    descriptor_length: u8,
}
const _: () = assert!(size_of::<RawHeader6>() == 4);

/// MODE SENSE(10) header.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader10 {
    /// Bytes 0..2: MODE DATA LENGTH, of what follows.
    length: U16,
    medium_type: u8,
    /// Byte 3: DEVICE-SPECIFIC PARAMETER, as in the short form.
    device_specific: u8,
    reserved_4: [u8; 2],
    /// Bytes 6..8: BLOCK DESCRIPTOR LENGTH.
    descriptor_length: U16,
}
const _: () = assert!(size_of::<RawHeader10>() == 8);

/// The block descriptor of a tape drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockDescriptor {
    /// DENSITY CODE of the loaded cartridge.
    pub density: u8,
    /// BLOCK LENGTH; 0 is variable-block mode.
    pub block_bytes: u32,
}

/// A whole MODE SENSE answer: header, block descriptor and pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeParameters {
    /// MEDIUM TYPE, the vendor's code.
    pub medium_type: u8,
    /// DEVICE-SPECIFIC PARAMETER.
    device_specific: u8,
    /// The block descriptor, if one was sent.
    pub descriptor: Option<BlockDescriptor>,
    /// What follows it: one or more pages.
    pages: Vec<u8>,
}

/// Bit 7 of DEVICE-SPECIFIC PARAMETER.
const WRITE_PROTECTED: u8 = 1 << 7;

impl ModeParameters {
    /// Reads a MODE SENSE(6) answer.
    ///
    /// # Errors
    /// If there is no header.
    pub fn parse6(bytes: &[u8]) -> Result<Self, AnswerError> {
        let (raw, rest) = prefix::<RawHeader6>(bytes, ANSWER)?;
        let end = rest.len().min((usize::from(raw.length) + 1).saturating_sub(4));
        let length = usize::from(raw.descriptor_length);
        Ok(Self::of(raw.medium_type, raw.device_specific, length, &rest[..end]))
    }

    /// Reads a MODE SENSE(10) answer.
    ///
    /// # Errors
    /// If there is no header.
    pub fn parse10(bytes: &[u8]) -> Result<Self, AnswerError> {
        let (raw, rest) = prefix::<RawHeader10>(bytes, ANSWER)?;
        let end = rest.len().min((usize::from(raw.length.get()) + 2).saturating_sub(8));
        let length = usize::from(raw.descriptor_length.get());
        Ok(Self::of(raw.medium_type, raw.device_specific, length, &rest[..end]))
    }

    fn of(medium_type: u8, device_specific: u8, descriptor_length: usize, rest: &[u8]) -> Self {
        let (descriptor, pages) = rest.split_at(rest.len().min(descriptor_length));
        let descriptor =
            descriptor.first_chunk::<DESCRIPTOR_BYTES>().map(|bytes| BlockDescriptor {
                density: bytes[0],
                block_bytes: u32::from_be_bytes([0, bytes[5], bytes[6], bytes[7]]),
            });
        Self { medium_type, device_specific, descriptor, pages: pages.to_vec() }
    }

    /// WP: the cartridge cannot be written.
    #[must_use]
    pub fn is_write_protected(&self) -> bool {
        self.device_specific & WRITE_PROTECTED != 0
    }

    /// True if the drive answers writes before they are on tape. LTO does by default.
    #[must_use]
    pub fn is_buffered(&self) -> bool {
        (self.device_specific >> 4) & 0b111 != 0
    }

    /// The bytes of a page with its own header, never more than were received.
    #[must_use]
    pub fn page(&self, wanted: ModePageCode) -> Option<&[u8]> {
        const SUBPAGE_FORMAT: u8 = 1 << 6;
        let mut rest = self.pages.as_slice();
        loop {
            let (code, size) = match *rest {
                [first, subpage, high, low, ..] if first & SUBPAGE_FORMAT != 0 => {
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    (ModePageCode { page: first & 0x3F, subpage }, length + 4)
                }
                [first, length, ..] => (ModePageCode::page(first & 0x3F), usize::from(length) + 2),
                _ => return None,
            };
            let page = &rest[..rest.len().min(size)];
            if code == wanted {
                return Some(page);
            }
            rest = &rest[page.len()..];
        }
    }

    /// The parameter list of MODE SELECT(10) that sends `page` back, with the block descriptor for
    /// variable-block mode. Fields that are reserved in MODE SELECT are zero.
    #[must_use]
    pub fn select10(&self, page: &[u8]) -> Vec<u8> {
        const PARAMETERS_SAVEABLE: u8 = 1 << 7;
        let mut list = vec![0; 8];
        list[2] = self.medium_type;
        list[3] = self.device_specific & !WRITE_PROTECTED;
        if let Some(descriptor) = self.descriptor {
            list[7] = 8;
            list.extend_from_slice(&[descriptor.density, 0, 0, 0, 0, 0, 0, 0]);
        }
        let at = list.len();
        list.extend_from_slice(page);
        if let Some(first) = list.get_mut(at) {
            *first &= !PARAMETERS_SAVEABLE;
        }
        list
    }
}

/// The byte `at` of a page, or that the page is too short.
fn byte(page: &[u8], at: usize) -> Result<u8, AnswerError> {
    page.get(at).copied().ok_or(AnswerError::TooShort {
        answer: "mode page",
        got: page.len(),
        needed: at + 1,
    })
}

/// Changes bits of the byte `at` of a page.
fn set(page: &mut [u8], at: usize, mask: u8, value: u8) -> Result<(), AnswerError> {
    byte(page, at)?;
    page[at] = page[at] & !mask | value & mask;
    Ok(())
}

/// Page 0Fh, byte 2: DCE, compress what is written.
const DATA_COMPRESSION_ENABLED: u8 = 1 << 7;

/// Page 0Fh: whether what is written is compressed.
///
/// # Errors
/// If the page is too short.
pub fn is_compressing(page: &[u8]) -> Result<bool, AnswerError> {
    Ok(byte(page, 2)? & DATA_COMPRESSION_ENABLED != 0)
}

/// Page 0Fh: switches compression of what is written. What was compressed is always decompressed.
///
/// # Errors
/// If the page is too short.
pub fn set_compressing(page: &mut [u8], on: bool) -> Result<(), AnswerError> {
    const DATA_DECOMPRESSION_ENABLED: u8 = 1 << 7; // byte 3, DDE
    set(page, 2, DATA_COMPRESSION_ENABLED, if on { DATA_COMPRESSION_ENABLED } else { 0 })?;
    set(page, 3, DATA_DECOMPRESSION_ENABLED, DATA_DECOMPRESSION_ENABLED)
}

/// Page 10h: ACTIVE PARTITION.
///
/// # Errors
/// If the page is too short.
pub fn active_partition(page: &[u8]) -> Result<u8, AnswerError> {
    byte(page, 3)
}

/// Page 10h/01h: PEWS, how far before early warning the drive warns, in megabytes.
///
/// # Errors
/// If the page is too short.
pub fn programmable_early_warning_mb(page: &[u8]) -> Result<u16, AnswerError> {
    Ok(u16::from_be_bytes([byte(page, 6)?, byte(page, 7)?]))
}

/// Page 10h/01h: sets PEWS in megabytes; 0 switches it off.
///
/// # Errors
/// If the page is too short.
pub fn set_programmable_early_warning_mb(page: &mut [u8], mb: u16) -> Result<(), AnswerError> {
    let [high, low] = mb.to_be_bytes();
    set(page, 6, 0xFF, high)?;
    set(page, 7, 0xFF, low)
}

/// Page 10h/01h, byte 5: WRITE MODE in bits 7..4.
const WRITE_MODE: u8 = 0xF0;
/// WRITE MODE 1.
const APPEND_ONLY: u8 = 0x10;

/// Page 10h/01h: whether WRITE MODE is append-only.
///
/// # Errors
/// If the page is too short.
pub fn is_append_only(page: &[u8]) -> Result<bool, AnswerError> {
    Ok(byte(page, 5)? & WRITE_MODE == APPEND_ONLY)
}

/// Page 10h/01h: sets WRITE MODE to append-only. Only the end of the session with the cartridge
/// takes it back.
///
/// # Errors
/// If the page is too short.
pub fn set_append_only(page: &mut [u8]) -> Result<(), AnswerError> {
    set(page, 5, WRITE_MODE, APPEND_ONLY)
}

/// Page 1Dh of a drive: WORMM, a WORM cartridge is loaded.
///
/// # Errors
/// If the page is too short.
pub fn is_worm_medium(page: &[u8]) -> Result<bool, AnswerError> {
    const WORM_MODE: u8 = 1; // byte 2
    Ok(byte(page, 2)? & WORM_MODE != 0)
}

/// Page 11h: how many partitions there may be and are, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionLayout {
    /// MAXIMUM ADDITIONAL PARTITIONS plus one.
    pub partitions_max: u8,
    /// ADDITIONAL PARTITIONS DEFINED plus one.
    pub partitions: u8,
}

/// Reads page 11h.
///
/// # Errors
/// If the page is too short.
pub fn parse_partition_layout(page: &[u8]) -> Result<PartitionLayout, AnswerError> {
    Ok(PartitionLayout {
        partitions_max: byte(page, 2)?.saturating_add(1),
        partitions: byte(page, 3)?.saturating_add(1),
    })
}

/// Page 11h for the two partitions of LTFS: partition 0 gets `first_gb` units of 10^9 bytes, rounded up
/// by the drive to what it can make; partition 1 gets the rest.
///
/// # Errors
/// If the page has no room for two partition sizes.
pub fn set_two_partitions(page: &[u8], first_gb: u16) -> Result<Vec<u8>, AnswerError> {
    const INITIATOR_DEFINED: u8 = 1 << 5; // byte 4, IDP
    const FIXED_OR_SELECTED: u8 = 0b11 << 6; // byte 4, FDP and SDP
    const UNITS_OF_TEN: u8 = 0b11 << 3; // byte 4, PSUM: 10 to the power of PARTITION UNITS
    const GIGABYTE_EXPONENT: u8 = 9; // byte 6, PARTITION UNITS
    const REST: [u8; 2] = [0xFF; 2];
    const PAGE_BYTES: usize = 12;
    byte(page, 7)?;
    let mut new = page.to_vec();
    new.resize(PAGE_BYTES, 0);
    new[1] = 10;
    new[3] = 1;
    set(
        &mut new,
        4,
        INITIATOR_DEFINED | FIXED_OR_SELECTED | UNITS_OF_TEN,
        INITIATOR_DEFINED | UNITS_OF_TEN,
    )?;
    set(&mut new, 6, 0x0F, GIGABYTE_EXPONENT)?;
    new[8..10].copy_from_slice(&first_gb.to_be_bytes());
    new[10..12].copy_from_slice(&REST);
    Ok(new)
}

/// Page 1Dh of a changer: where its elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementAddresses {
    /// Robots: first address and number.
    pub robots: (u16, u16),
    /// Slots: first address and number.
    pub slots: (u16, u16),
    /// Mail slots: first address and number.
    pub mail_slots: (u16, u16),
    /// Drives: first address and number.
    pub drives: (u16, u16),
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawElementAddresses {
    page: u8,
    length: u8,
    /// Bytes 2..18: first address and number of elements, by type 1 to 4.
    ranges: [[U16; 2]; 4],
}
const _: () = assert!(size_of::<RawElementAddresses>() == 18);

/// Reads page 1Dh of a changer.
///
/// # Errors
/// If the page is too short.
pub fn parse_element_addresses(page: &[u8]) -> Result<ElementAddresses, AnswerError> {
    let (raw, _) = prefix::<RawElementAddresses>(page, "element address assignment page")?;
    let range = |at: usize| (raw.ranges[at][0].get(), raw.ranges[at][1].get());
    Ok(ElementAddresses {
        robots: range(0),
        slots: range(1),
        mail_slots: range(2),
        drives: range(3),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    /// Header with WP and buffered mode, an LTO-9 block descriptor, page 11h of an LTFS cartridge.
    fn partition_answer() -> Vec<u8> {
        let mut bytes = vec![0, 0, 0x98, 0x90, 0, 0, 0, 8];
        bytes.extend_from_slice(&[0x60, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[0x91, 10, 3, 1, 0x3C, 3, 9, 0, 0, 0x30, 0x45, 0x12]);
        bytes[1] = u8::try_from(bytes.len() - 2).unwrap();
        bytes
    }

    #[test]
    fn the_long_header_gives_protection_density_and_pages() {
        let parameters = ModeParameters::parse10(&partition_answer()).unwrap();
        assert!(parameters.is_write_protected() && parameters.is_buffered());
        assert_eq!(parameters.descriptor, Some(BlockDescriptor { density: 0x60, block_bytes: 0 }));
        let page = parameters.page(PAGE_MEDIUM_PARTITION).unwrap();
        let layout = parse_partition_layout(page).unwrap();
        assert_eq!(layout, PartitionLayout { partitions_max: 4, partitions: 2 });
        assert_eq!(parameters.page(PAGE_COMPRESSION), None);
    }

    #[test]
    fn the_short_header_gives_the_same() {
        let bytes = [0x0B, 0x18, 0x10, 8, 0x5E, 0, 0, 0, 0, 0, 2, 0];
        let parameters = ModeParameters::parse6(&bytes).unwrap();
        assert!(!parameters.is_write_protected());
        assert_eq!(
            parameters.descriptor,
            Some(BlockDescriptor { density: 0x5E, block_bytes: 512 })
        );
        torture(&bytes, ModeParameters::parse6);
    }

    #[test]
    fn a_page_goes_back_with_reserved_fields_zero() {
        let parameters = ModeParameters::parse10(&partition_answer()).unwrap();
        let page = parameters.page(PAGE_MEDIUM_PARTITION).unwrap();
        let list = parameters.select10(&set_two_partitions(page, 1).unwrap());
        assert_eq!(
            list,
            [
                0, 0, 0x98, 0x10, 0, 0, 0, 8, 0x60, 0, 0, 0, 0, 0, 0, 0, // header, descriptor
                0x11, 10, 3, 1, 0x3C, 3, 9, 0, 0, 1, 0xFF, 0xFF
            ]
        );
    }

    #[test]
    fn a_subpage_is_found_behind_another_page() {
        let mut bytes = vec![0, 0, 0, 0x10, 0, 0, 0, 0];
        bytes.extend_from_slice(&[0x0F, 14, 0xC0, 0x80, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
        let mut extension = vec![0; 32];
        extension[..4].copy_from_slice(&[0x50, 0x01, 0, 28]);
        extension[6..8].copy_from_slice(&[0x12, 0x34]);
        bytes.extend_from_slice(&extension);
        bytes[1] = u8::try_from(bytes.len() - 2).unwrap();
        let parameters = ModeParameters::parse10(&bytes).unwrap();
        let page = parameters.page(PAGE_DEVICE_CONFIGURATION_EXTENSION).unwrap();
        assert_eq!(programmable_early_warning_mb(page).unwrap(), 0x1234);
        let mut page = page.to_vec();
        set_programmable_early_warning_mb(&mut page, 500).unwrap();
        assert_eq!(programmable_early_warning_mb(&page).unwrap(), 500);
        assert!(is_compressing(parameters.page(PAGE_COMPRESSION).unwrap()).unwrap());
        torture(&bytes, |damaged| {
            ModeParameters::parse10(damaged)
                .map(|p| p.page(PAGE_DEVICE_CONFIGURATION_EXTENSION).map(<[u8]>::to_vec))
        });
    }

    #[test]
    fn compression_changes_only_its_bits() {
        let mut page = vec![0x0F, 14, 0x40, 0x00, 0, 0, 0, 1];
        set_compressing(&mut page, true).unwrap();
        assert_eq!(page[2..4], [0xC0, 0x80]);
        set_compressing(&mut page, false).unwrap();
        assert_eq!(page[2..4], [0x40, 0x80]);
        assert!(set_compressing(&mut [0x0F, 0], true).is_err());
    }

    #[test]
    fn the_elements_of_a_changer_have_a_first_address_and_a_number() {
        let page = [0x1D, 18, 0, 1, 0, 1, 3, 0xE9, 0, 24, 0, 101, 0, 2, 1, 1, 0, 2, 0, 0];
        let addresses = parse_element_addresses(&page).unwrap();
        assert_eq!(addresses.robots, (1, 1));
        assert_eq!(addresses.slots, (1001, 24));
        assert_eq!(addresses.mail_slots, (101, 2));
        assert_eq!(addresses.drives, (257, 2));
        torture(&page, parse_element_addresses);
    }

    #[test]
    fn short_pages_are_refused() {
        for len in 0..8 {
            assert!(set_two_partitions(&[0x11, 6, 1, 1, 0x3C, 3, 9, 0][..len], 1).is_err());
        }
        assert!(parse_partition_layout(&[0x11, 0]).is_err());
        assert!(is_worm_medium(&[0x1D, 0]).is_err());
        assert!(is_worm_medium(&[0x1D, 0x1E, 1]).unwrap());
        assert_eq!(active_partition(&[0x10, 14, 0, 1]).unwrap(), 1);
        torture(&partition_answer(), ModeParameters::parse10);
    }
}
