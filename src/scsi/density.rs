//! READ BLOCK LIMITS and REPORT DENSITY SUPPORT: what a drive can read and write.

use zerocopy::byteorder::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};
use super::inquiry::text;

/// Length of the READ BLOCK LIMITS answer.
pub const BLOCK_LIMITS_BYTES: usize = 6;

/// What block lengths the drive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimits {
    /// Shortest block in bytes.
    pub bytes_min: u16,
    /// Longest block in bytes; `None` if the drive sets no limit.
    pub bytes_max: Option<u32>,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawBlockLimits {
    /// Bytes 0..4: bits 4..0 of byte 0 GRANULARITY, then MAXIMUM BLOCK LENGTH LIMIT.
    granularity_and_max: U32,
    /// Bytes 4..6: MINIMUM BLOCK LENGTH LIMIT.
    min: U16,
}
const _: () = assert!(size_of::<RawBlockLimits>() == BLOCK_LIMITS_BYTES);

/// Reads a READ BLOCK LIMITS answer.
///
/// # Errors
/// If it is shorter than 6 bytes.
pub fn parse_block_limits(bytes: &[u8]) -> Result<BlockLimits, AnswerError> {
    let (raw, _) = prefix::<RawBlockLimits>(bytes, "READ BLOCK LIMITS")?;
    let max = raw.granularity_and_max.get() & 0x00FF_FFFF;
    Ok(BlockLimits { bytes_min: raw.min.get(), bytes_max: (max != 0).then_some(max) })
}

/// One density.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Density {
    /// PRIMARY DENSITY CODE.
    pub code: u8,
    /// WRTOK: the drive can write it.
    pub is_writable: bool,
    /// DEFLT: what the drive writes if not told otherwise.
    pub is_default: bool,
    /// CAPACITY in megabytes (10^6 bytes).
    pub capacity_megabytes: u32,
    /// DENSITY NAME, trimmed: `U-9`, say.
    pub name: String,
    /// DESCRIPTION, trimmed.
    pub description: String,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawDensity {
    primary: u8,
    secondary: u8,
    /// Byte 2: bit 7 WRTOK, bit 6 DUP, bit 5 DEFLT, bit 0 DLV.
    flags: u8,
    /// Bytes 3..5: DESCRIPTOR LENGTH.
    length: U16,
    bits_per_millimetre: [u8; 3],
    width: U16,
    tracks: U16,
    /// Bytes 12..16: CAPACITY in megabytes.
    capacity: U32,
    organisation: [u8; 8],
    /// Bytes 24..32: DENSITY NAME.
    name: [u8; 8],
    /// Bytes 32..52: DESCRIPTION.
    description: [u8; 20],
}
const _: () = assert!(size_of::<RawDensity>() == 52);

/// Reads a REPORT DENSITY SUPPORT answer. A descriptor that is cut off ends the list.
///
/// # Errors
/// If there is no header.
pub fn parse_densities(bytes: &[u8]) -> Result<Vec<Density>, AnswerError> {
    const ANSWER: &str = "REPORT DENSITY SUPPORT";
    let (header, rest) = prefix::<[U16; 2]>(bytes, ANSWER)?;
    // AVAILABLE DENSITY SUPPORT LENGTH counts the two reserved bytes of the header too.
    let available = usize::from(header[0].get()).saturating_sub(2);
    let mut rest = &rest[..rest.len().min(available)];
    let mut densities = Vec::new();
    while let Ok((raw, tail)) = prefix::<RawDensity>(rest, ANSWER) {
        densities.push(Density {
            code: raw.primary,
            is_writable: raw.flags & 0x80 != 0,
            is_default: raw.flags & 0x20 != 0,
            capacity_megabytes: raw.capacity.get(),
            name: text(&raw.name),
            description: text(&raw.description),
        });
        rest = tail;
    }
    Ok(densities)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    fn two_densities() -> Vec<u8> {
        let mut bytes = vec![0, 106, 0, 0];
        for (code, flags, name) in [(0x5E, 0x80, "U-8     "), (0x60, 0xA0, "U-9     ")] {
            bytes.extend_from_slice(&[code, code, flags, 0, 0, 0, 0, 0, 0, 127, 0, 64]);
            bytes.extend_from_slice(&18_000_000_u32.to_be_bytes());
            bytes.extend_from_slice(b"LTO-CVE ");
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b"Ultrium 9/16T       ");
        }
        bytes
    }

    #[test]
    fn block_limits_are_a_minimum_and_a_maximum() {
        let limits = parse_block_limits(&[0x00, 0x80, 0, 0, 0, 1]).unwrap();
        assert_eq!(limits, BlockLimits { bytes_min: 1, bytes_max: Some(8_388_608) });
        assert_eq!(parse_block_limits(&[0x1F, 0, 0, 0, 0, 4]).unwrap().bytes_max, None);
        torture(&[0, 0x80, 0, 0, 0, 1], parse_block_limits);
    }

    #[test]
    fn densities_say_what_can_be_written() {
        let densities = parse_densities(&two_densities()).unwrap();
        assert_eq!(densities.len(), 2);
        assert_eq!((densities[1].code, &*densities[1].name), (0x60, "U-9"));
        assert!(densities[1].is_default && densities[1].is_writable && !densities[0].is_default);
        assert_eq!(densities[0].capacity_megabytes, 18_000_000);
        torture(&two_densities(), parse_densities);
    }
}
