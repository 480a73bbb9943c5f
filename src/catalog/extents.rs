//! Where a copy's bytes lie, packed into a few bytes.
//!
//! ```text
//!  blob   := head extent*                       head = count << 2 | explicit offsets << 1 | explicit partitions
//!  extent := [partition] block byte_offset byte_count [file_offset]
//! ```
//!
//! All numbers are varints (7 bits a byte, low first). `block` is the signed distance (zigzag) from the
//! block after the previous extent's first, and absolute for the first extent. File offsets are left
//! out when the extents follow one another from 0, partitions when all are the data partition's usual
//! number 1. A small file costs about ten bytes.

use crate::domain::{BlockNumber, ByteCount, Partition, Position};

use super::error::CatalogError;

/// A run of bytes of a file on the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CopyExtent {
    /// The block that holds the first byte.
    pub start: Position,
    /// Where in that block the first byte is.
    pub byte_offset: u64,
    /// How many bytes.
    pub byte_count: ByteCount,
    /// Where in the file they belong.
    pub file_offset: u64,
}

/// What LTFS implementations number the data partition; others are written out.
const USUAL_PARTITION: Partition = Partition(1);
/// An upper bound that no file reaches: a torn count must not reserve memory.
const EXTENTS_RESERVED_MAX: u64 = 1024;

/// Appends the packed form of `extents` to `out`.
pub(super) fn encode_extents(extents: &[CopyExtent], out: &mut Vec<u8>) {
    let mut expected = 0;
    let mut has_gaps = false;
    for extent in extents {
        has_gaps |= extent.file_offset != expected;
        expected = extent.file_offset.saturating_add(extent.byte_count.0);
    }
    let has_partitions = extents.iter().any(|extent| extent.start.partition != USUAL_PARTITION);
    let count = u64::try_from(extents.len()).unwrap_or(u64::MAX);
    put_varint(out, (count << 2) | (u64::from(has_gaps) << 1) | u64::from(has_partitions));
    let mut next_block = 0_u64;
    for extent in extents {
        if has_partitions {
            out.push(extent.start.partition.0);
        }
        let distance = extent.start.block.0.wrapping_sub(next_block).cast_signed();
        put_varint(out, ((distance << 1) ^ (distance >> 63)).cast_unsigned());
        put_varint(out, extent.byte_offset);
        put_varint(out, extent.byte_count.0);
        if has_gaps {
            put_varint(out, extent.file_offset);
        }
        next_block = extent.start.block.0.wrapping_add(1);
    }
}

/// The extents in a packed form.
pub(super) fn decode_extents(blob: &[u8]) -> Result<Vec<CopyExtent>, CatalogError> {
    let mut rest = blob;
    let extents = decode_all(&mut rest).ok_or_else(|| damaged(blob, "it is torn"))?;
    if rest.is_empty() { Ok(extents) } else { Err(damaged(blob, "bytes follow its end")) }
}

fn damaged(blob: &[u8], what: &str) -> CatalogError {
    let detail = format!("{what}: {}", hex::encode(&blob[..blob.len().min(64)]));
    CatalogError::Decode { what: "a list of extents", detail }
}

fn decode_all(rest: &mut &[u8]) -> Option<Vec<CopyExtent>> {
    let head = take_varint(rest)?;
    let (count, has_gaps, has_partitions) = (head >> 2, head & 2 != 0, head & 1 != 0);
    let mut extents =
        Vec::with_capacity(usize::try_from(count.min(EXTENTS_RESERVED_MAX)).unwrap_or(0));
    let (mut next_block, mut next_offset) = (0_u64, 0_u64);
    for _ in 0..count {
        let partition = if has_partitions { Partition(take_byte(rest)?) } else { USUAL_PARTITION };
        let folded = take_varint(rest)?;
        let distance = (folded >> 1) ^ (folded & 1).wrapping_neg();
        let block = next_block.wrapping_add(distance);
        let byte_offset = take_varint(rest)?;
        let byte_count = take_varint(rest)?;
        let file_offset = if has_gaps { take_varint(rest)? } else { next_offset };
        extents.push(CopyExtent {
            start: Position { partition, block: BlockNumber(block) },
            byte_offset,
            byte_count: ByteCount(byte_count),
            file_offset,
        });
        next_block = block.wrapping_add(1);
        next_offset = file_offset.saturating_add(byte_count);
    }
    Some(extents)
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    loop {
        let low = u8::try_from(rest & 0x7F).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    Some(*first)
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        let bits = u64::from(byte & 0x7F);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

    use super::*;

    fn extent() -> impl Strategy<Value = CopyExtent> {
        (0_u8..3, any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
            |(partition, block, byte_offset, byte_count, file_offset)| CopyExtent {
                start: Position::new(partition, block),
                byte_offset,
                byte_count: ByteCount(byte_count),
                file_offset,
            },
        )
    }

    fn encoded(extents: &[CopyExtent]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_extents(extents, &mut out);
        out
    }

    #[test]
    fn a_small_file_costs_about_ten_bytes() {
        let small = CopyExtent {
            start: Position::new(1, 1_500_000),
            byte_offset: 300_000,
            byte_count: ByteCount(4096),
            file_offset: 0,
        };
        assert_eq!(encoded(&[small]).len(), 10);
        assert_eq!(encoded(&[]), [0]);
    }

    proptest! {
        #[test]
        fn packed_extents_lead_back(extents in proptest::collection::vec(extent(), 0..6)) {
            prop_assert_eq!(decode_extents(&encoded(&extents)).unwrap(), extents);
        }

        #[test]
        fn contiguous_extents_lead_back(
            counts in proptest::collection::vec(1_u64..1 << 40, 0..6), first in 0_u64..1 << 40
        ) {
            let mut file_offset = 0;
            let mut extents = Vec::new();
            for (block, count) in (first..).step_by(1000).zip(counts) {
                extents.push(CopyExtent {
                    start: Position::new(1, block),
                    byte_offset: 0,
                    byte_count: ByteCount(count),
                    file_offset,
                });
                file_offset += count;
            }
            prop_assert_eq!(decode_extents(&encoded(&extents)).unwrap(), extents);
        }

        #[test]
        fn a_torn_list_is_refused(extents in proptest::collection::vec(extent(), 1..4)) {
            let blob = encoded(&extents);
            for length in 0..blob.len() {
                assert!(decode_extents(&blob[..length]).is_err());
            }
        }

        #[test]
        fn any_bytes_are_refused_or_read(blob in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = decode_extents(&blob);
        }
    }
}
