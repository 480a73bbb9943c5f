//! Recommended access order: a list of user data segments, sent to the drive and fetched reordered.
//!
//! ```text
//! list:        0..4 zero (process, status) | 4..8 bytes that follow | descriptors
//! descriptor:  0..2 bytes that follow (30) | 2..5 zero | 5..15 name | 15 partition
//!              | 16..24 first object | 24..32 last object | (fetched: additional information)
//! ```

use zerocopy::byteorder::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};
use crate::domain::{BlockNumber, Partition};

const ANSWER: &str = "RECEIVE RECOMMENDED ACCESS ORDER";

/// Most segments that an LTO drive takes in one list.
pub const SEGMENTS_MAX: usize = 2730;

/// A run of blocks that is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its partition.
    pub partition: Partition,
    /// Its first block.
    pub first: BlockNumber,
    /// Its last block.
    pub last: BlockNumber,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    process_and_status: [u8; 4],
    /// Bytes 4..8: length of the descriptors.
    length: U32,
}
const _: () = assert!(size_of::<RawHeader>() == 8);

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawSegment {
    /// Bytes 0..2: DESCRIPTOR LENGTH, of what follows.
    length: U16,
    reserved_2: [u8; 3],
    /// Bytes 5..15: UDS NAME, ours; handed back as it was sent.
    name: [u8; 10],
    /// Byte 15: PARTITION NUMBER.
    partition: u8,
    /// Bytes 16..24: BEGINNING LOGICAL OBJECT IDENTIFIER.
    first: U64,
    /// Bytes 24..32: ENDING LOGICAL OBJECT IDENTIFIER.
    last: U64,
}
const _: () = assert!(size_of::<RawSegment>() == DESCRIPTOR_BYTES);

/// Length of a descriptor as it is sent.
const DESCRIPTOR_BYTES: usize = 32;
/// Longest descriptor as it is fetched: with room for additional information.
const FETCHED_BYTES: usize = 64;

/// Room for a fetched list of `segments`.
#[must_use]
pub fn list_bytes(segments: usize) -> usize {
    size_of::<RawHeader>() + segments * FETCHED_BYTES
}

/// The list to send. A segment's name is its index, in the last four bytes.
#[must_use]
pub fn encode_segments(segments: &[Segment]) -> Vec<u8> {
    let mut list = vec![0; size_of::<RawHeader>()];
    for (index, segment) in (0_u32..).zip(segments) {
        list.extend_from_slice(&[0, 30, 0, 0, 0]);
        list.extend_from_slice(&[0; 6]);
        list.extend_from_slice(&index.to_be_bytes());
        list.push(segment.partition.0);
        list.extend_from_slice(&segment.first.0.to_be_bytes());
        list.extend_from_slice(&segment.last.0.to_be_bytes());
    }
    let length = u32::try_from(list.len() - size_of::<RawHeader>()).unwrap_or(u32::MAX);
    list[4..8].copy_from_slice(&length.to_be_bytes());
    list
}

/// Reads the fetched list: the indexes of the segments in the order to read them. A descriptor that is
/// cut off ends the list.
///
/// # Errors
/// If there is no header.
pub fn parse_order(bytes: &[u8]) -> Result<Vec<u32>, AnswerError> {
    let (header, rest) = prefix::<RawHeader>(bytes, ANSWER)?;
    let length = usize::try_from(header.length.get()).unwrap_or(usize::MAX);
    let mut rest = &rest[..rest.len().min(length)];
    let mut order = Vec::new();
    while let Ok((raw, _)) = prefix::<RawSegment>(rest, ANSWER) {
        let [.., a, b, c, d] = raw.name;
        order.push(u32::from_be_bytes([a, b, c, d]));
        let size = usize::from(raw.length.get()).saturating_add(2).max(DESCRIPTOR_BYTES);
        rest = rest.get(size..).unwrap_or_default();
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    fn segment(first: u64) -> Segment {
        Segment { partition: Partition(1), first: BlockNumber(first), last: BlockNumber(first + 9) }
    }

    #[test]
    fn a_list_names_each_segment_by_its_index() {
        let list = encode_segments(&[segment(0x100), segment(5)]);
        assert_eq!(list.len(), 8 + 64);
        assert_eq!(list[..8], [0, 0, 0, 0, 0, 0, 0, 64]);
        assert_eq!(
            list[8..40],
            [
                0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                1, // length, name 0, partition 1
                0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9
            ]
        );
        assert_eq!(list[40 + 14], 1);
        assert_eq!(parse_order(&list).unwrap(), [0, 1]);
        torture(&list, parse_order);
    }

    #[test]
    fn additional_information_of_a_fetched_segment_is_passed_over() {
        let mut list = encode_segments(&[segment(7), segment(3)]);
        let tail = list.split_off(40);
        list.extend_from_slice(&[0xEE; 8]);
        list[9] = 38;
        list.extend_from_slice(&tail);
        list[7] = 72;
        assert_eq!(parse_order(&list).unwrap(), [0, 1]);
    }
}
