//! READ END OF WRAP POSITION: where the tape turns round, as numbers of blocks.
//!
//! ```text
//! 0..2 bytes that follow | 2..4 reserved | descriptors
//! descriptor:  0..2 wrap | 2..4 partition | 4..6 reserved | 6..12 object at the end of the wrap
//! ```
//!
//! Of the wrap that was written last it is the last object, wherever on the wrap that lies.

use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};
use crate::domain::{BlockNumber, Partition};

const ANSWER: &str = "READ END OF WRAP POSITION";

/// Most wraps that are asked for: LTO-9 has 280.
pub const WRAPS_MAX: usize = 1024;

/// The end of one wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapEnd {
    /// Its number on the tape: even ones lead away from the beginning of the tape, odd ones back.
    pub wrap: u16,
    /// The partition that it belongs to.
    pub partition: Partition,
    /// The object at its end.
    pub last: BlockNumber,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    /// Bytes 0..2: RESPONSE DATA LENGTH, of what follows.
    length: U16,
    reserved_2: [u8; 2],
}
const _: () = assert!(size_of::<RawHeader>() == 4);

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawWrap {
    /// Bytes 0..2: WRAP NUMBER.
    wrap: U16,
    /// Bytes 2..4: PARTITION.
    partition: U16,
    reserved_4: [u8; 2],
    /// Bytes 6..12: LOGICAL OBJECT IDENTIFIER.
    last: [u8; 6],
}
const _: () = assert!(size_of::<RawWrap>() == 12);

/// Room for the ends of all wraps.
#[must_use]
pub fn answer_bytes() -> usize {
    size_of::<RawHeader>() + WRAPS_MAX * size_of::<RawWrap>()
}

/// Reads the long form. A descriptor that is cut off ends the list.
///
/// # Errors
/// If there is no header.
pub fn parse_wrap_ends(bytes: &[u8]) -> Result<Vec<WrapEnd>, AnswerError> {
    let (header, rest) = prefix::<RawHeader>(bytes, ANSWER)?;
    let length = usize::from(header.length.get()).saturating_sub(size_of::<[u8; 2]>());
    let mut rest = &rest[..rest.len().min(length)];
    let mut ends = Vec::new();
    while let Ok((raw, behind)) = prefix::<RawWrap>(rest, ANSWER) {
        let [a, b, c, d, e, f] = raw.last;
        // A partition beyond all that a drive can have is none of ours.
        if let Ok(partition) = u8::try_from(raw.partition.get()) {
            ends.push(WrapEnd {
                wrap: raw.wrap.get(),
                partition: Partition(partition),
                last: BlockNumber(u64::from_be_bytes([0, 0, a, b, c, d, e, f])),
            });
        }
        rest = behind;
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    #[test]
    fn each_wrap_has_a_number_a_partition_and_the_object_at_its_end() {
        let bytes = [
            0, 26, 0, 0, // 2 reserved bytes and two descriptors
            0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, //
            1, 4, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0,
        ];
        let ends = parse_wrap_ends(&bytes).unwrap();
        let end = |wrap, partition, last| WrapEnd {
            wrap,
            partition: Partition(partition),
            last: BlockNumber(last),
        };
        assert_eq!(ends, [end(3, 0, 0x102), end(0x104, 1, 1 << 32)]);
        torture(&bytes, parse_wrap_ends);
    }
}
