//! Which block of the tape each slab of the stream became.
//!
//! The stream counts its blocks from 0 and knows nothing of indexes; the tape has an index here and
//! there in between. Blocks between two indexes are consecutive, so a handful of runs describes a
//! whole volume, and a file that was being written while an index was written gets one extent more.

use crate::domain::BlockNumber;
use crate::ltfs::extent::{Extent, Extents, PartitionId};
use crate::stream::Place;

/// Slabs that became consecutive blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BlockRun {
    first_slab: u64,
    first_block: BlockNumber,
}

/// The runs of one stream on one volume, in order.
#[derive(Clone, Debug)]
pub(crate) struct BlockRuns {
    runs: Vec<BlockRun>,
    next_slab: u64,
    block_bytes: u32,
    partition: PartitionId,
}

impl BlockRuns {
    /// For blocks of `block_bytes` on the partition with that letter.
    #[must_use]
    pub(crate) fn new(block_bytes: u32, partition: PartitionId) -> Self {
        Self { runs: Vec::new(), next_slab: 0, block_bytes, partition }
    }

    /// Notes that `slab` became `block`. Slabs come in order, without gaps.
    pub(crate) fn note(&mut self, slab: u64, block: BlockNumber) {
        debug_assert_eq!(slab, self.next_slab, "slabs come in order");
        let continues = self
            .runs
            .last()
            .is_some_and(|run| slab - run.first_slab == block.0.wrapping_sub(run.first_block.0));
        if !continues {
            self.runs.push(BlockRun { first_slab: slab, first_block: block });
        }
        self.next_slab = slab + 1;
    }

    /// The extents of a file that lies at `place`, all of whose slabs were noted.
    ///
    /// `None` if one was not: nothing is claimed about blocks that were not written.
    #[must_use]
    pub(crate) fn extents(&self, place: Option<Place>) -> Option<Extents> {
        let mut extents = Extents::new();
        let Some(place) = place else { return Some(extents) };
        if place.last_slab(self.block_bytes) >= self.next_slab {
            return None;
        }
        let block_bytes = u64::from(self.block_bytes);
        let mut at =
            self.runs.partition_point(|run| run.first_slab <= place.slab).checked_sub(1)?;
        let (mut slab, mut byte_offset, mut left) = (place.slab, place.offset, place.length);
        let mut file_offset = 0;
        while left > 0 {
            let run = self.runs.get(at)?;
            let run_end = self.runs.get(at + 1).map_or(self.next_slab, |next| next.first_slab);
            let in_run = (run_end - slab) * block_bytes - u64::from(byte_offset);
            let byte_count = left.min(in_run);
            let start_block = BlockNumber(run.first_block.0 + (slab - run.first_slab));
            let partition = self.partition;
            extents.push(Extent { file_offset, start_block, byte_count, byte_offset, partition });
            (file_offset, left) = (file_offset + byte_count, left - byte_count);
            (slab, byte_offset, at) = (run_end, 0, at + 1);
        }
        Some(extents)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: u32 = 4096;

    fn runs(blocks: &[u64]) -> BlockRuns {
        let mut runs = BlockRuns::new(BLOCK, PartitionId::DATA);
        for (slab, block) in blocks.iter().enumerate() {
            runs.note(slab as u64, BlockNumber(*block));
        }
        runs
    }

    fn parts(runs: &BlockRuns, slab: u64, offset: u32, length: u64) -> Vec<(u64, u32, u64, u64)> {
        let extents = runs.extents(Some(Place { slab, offset, length })).unwrap();
        extents
            .iter()
            .map(|e| (e.start_block.0, e.byte_offset, e.byte_count, e.file_offset))
            .collect()
    }

    #[test]
    fn a_packed_file_has_one_extent_inside_its_block() {
        assert_eq!(parts(&runs(&[10, 11]), 1, 100, 50), [(11, 100, 50, 0)]);
    }

    #[test]
    fn a_file_over_an_index_has_an_extent_on_each_side() {
        let runs = runs(&[10, 11, 15, 16, 20]);
        let block = u64::from(BLOCK);
        assert_eq!(
            parts(&runs, 1, 96, 3 * block),
            [(11, 96, block - 96, 0), (15, 0, 2 * block, block - 96), (20, 0, 96, 3 * block - 96)]
        );
    }

    #[test]
    fn nothing_is_claimed_of_blocks_that_were_not_written() {
        let runs = runs(&[10, 11]);
        assert_eq!(runs.extents(Some(Place { slab: 1, offset: 0, length: 4097 })), None);
        assert_eq!(runs.extents(Some(Place { slab: 2, offset: 0, length: 1 })), None);
        assert_eq!(runs.extents(None), Some(Extents::new()));
    }

    proptest::proptest! {
        /// Byte by byte: the extents name the block that each slab became.
        #[test]
        fn extents_lead_to_the_blocks_that_the_slabs_became(
            gaps in proptest::collection::vec(1_u64..4, 1..20), offset in 0..BLOCK, length in 1_u64..20_000
        ) {
            let blocks: Vec<u64> = gaps.iter().scan(4, |block, gap| { *block += gap; Some(*block) }).collect();
            let runs = runs(&blocks);
            let place = Place { slab: 0, offset, length };
            if let Some(extents) = runs.extents(Some(place)) {
                let size = u64::from(BLOCK);
                for extent in &extents {
                    for byte in [0, extent.byte_count - 1] {
                        let on_tape = u64::from(extent.byte_offset) + byte;
                        let in_stream = u64::from(offset) + extent.file_offset + byte;
                        let slab = usize::try_from(in_stream / size).unwrap();
                        proptest::prop_assert_eq!(extent.start_block.0 + on_tape / size, blocks[slab]);
                        proptest::prop_assert_eq!(on_tape % size, in_stream % size);
                    }
                }
                let total: u64 = extents.iter().map(|e| e.byte_count).sum();
                proptest::prop_assert_eq!(total, length);
            } else {
                proptest::prop_assert!(place.last_slab(BLOCK) >= blocks.len() as u64);
            }
        }
    }
}
