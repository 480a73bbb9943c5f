//! Extents: where on the tape the bytes of a file lie.
//!
//! An extent may begin in the middle of a block and many files may share a block: that is how small
//! files are packed. Extents of one file may stand in any order and leave holes, which read as zeros,
//! but never overlap in the file. All blocks of an extent but its last are full.

use std::fmt;

use smallvec::SmallVec;

use crate::domain::{BlockCount, BlockNumber};

/// The letter by which labels and indexes call a partition: `a` to `z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(u8);

impl PartitionId {
    /// What is written for the index partition.
    pub const INDEX: Self = Self(b'a');
    /// What is written for the data partition.
    pub const DATA: Self = Self(b'b');

    /// The partition of that letter, if it is one.
    #[must_use]
    pub fn from_letter(letter: u8) -> Option<Self> {
        letter.is_ascii_lowercase().then_some(Self(letter))
    }

    /// Reads the text of a `partition` element.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text {
            [letter] => Self::from_letter(*letter),
            _ => None,
        }
    }

    /// The letter.
    #[must_use]
    pub fn letter(self) -> u8 {
        self.0
    }
}

impl Default for PartitionId {
    fn default() -> Self {
        Self::DATA
    }
}
impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        char::from(self.0).fmt(f)
    }
}
impl fmt::Debug for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A run of bytes of a file in consecutive blocks of one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extent {
    /// Where in the file these bytes begin.
    pub file_offset: u64,
    /// The block that holds the first byte, if `byte_offset` is within one block.
    pub start_block: BlockNumber,
    /// How many bytes.
    pub byte_count: u64,
    /// How far into `start_block` the first byte lies. May exceed a block: other writers do that.
    pub byte_offset: u32,
    /// The partition, by its letter.
    pub partition: PartitionId,
}

/// The extents of one file. Nearly every file has one.
pub type Extents = SmallVec<[Extent; 1]>;

/// Why a list of extents makes no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtentError {
    /// Two extents claim the same bytes of the file.
    #[error("two extents overlap at byte {0} of the file")]
    Overlap(u64),
    /// The extents go further than the length says.
    #[error("the extents end at byte {end}, the file at {length}")]
    PastLength {
        /// End of the last extent.
        end: u64,
        /// The file's length.
        length: u64,
    },
    /// A number that no file can have.
    #[error("an extent ends beyond the largest possible file")]
    Overflow,
}

impl Extent {
    /// The first byte of the file after this extent.
    #[must_use]
    pub fn file_end(&self) -> u64 {
        self.file_offset.saturating_add(self.byte_count)
    }

    /// The block that really holds the first byte.
    #[must_use]
    pub fn first_block(&self, block_size: u32) -> BlockNumber {
        self.start_block.after(BlockCount(u64::from(self.byte_offset / block_size.max(1))))
    }

    /// The block after the last that this extent needs. Equal to the first when it has no bytes.
    #[must_use]
    pub fn end_block(&self, block_size: u32) -> BlockNumber {
        if self.byte_count == 0 {
            return self.start_block;
        }
        let bytes = u64::from(self.byte_offset).saturating_add(self.byte_count);
        self.start_block.after(BlockCount(bytes.div_ceil(u64::from(block_size.max(1)))))
    }
}

/// Sorts extents by their place in the file and checks that they make a file of `length` bytes.
///
/// # Errors
/// On what makes the reference refuse a whole index: overlap, or an end past the length.
pub fn order_extents(extents: &mut [Extent], length: u64) -> Result<(), ExtentError> {
    if extents.len() > 1 && !extents.is_sorted_by_key(|extent| extent.file_offset) {
        extents.sort_by_key(|extent| extent.file_offset);
    }
    let mut end = 0_u64;
    for extent in extents.iter() {
        if extent.file_offset < end && extent.byte_count > 0 {
            return Err(ExtentError::Overlap(extent.file_offset));
        }
        let extent_end =
            extent.file_offset.checked_add(extent.byte_count).ok_or(ExtentError::Overflow)?;
        end = end.max(extent_end);
    }
    if end > length { Err(ExtentError::PastLength { end, length }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(file_offset: u64, byte_count: u64) -> Extent {
        Extent { file_offset, byte_count, ..Extent::default() }
    }

    #[test]
    fn extents_are_sorted_and_holes_allowed() {
        let mut extents = [extent(20, 5), extent(0, 10)];
        assert_eq!(order_extents(&mut extents, 100), Ok(()));
        assert_eq!(extents[0].file_offset, 0);
    }

    #[test]
    fn overlap_and_overreach_are_refused() {
        let overlap = order_extents(&mut [extent(0, 10), extent(9, 1)], 10);
        assert_eq!(overlap, Err(ExtentError::Overlap(9)));
        let past = order_extents(&mut [extent(0, 10)], 9);
        assert_eq!(past, Err(ExtentError::PastLength { end: 10, length: 9 }));
        let overflow = order_extents(&mut [extent(u64::MAX, 2)], u64::MAX);
        assert_eq!(overflow, Err(ExtentError::Overflow));
    }

    #[test]
    fn the_blocks_an_extent_needs_are_counted_from_its_first_byte() {
        let shared = Extent {
            start_block: BlockNumber(7),
            byte_offset: 4000,
            byte_count: 200,
            ..Extent::default()
        };
        assert_eq!(shared.end_block(4096), BlockNumber(9));
        let beyond = Extent { byte_offset: 5000, ..shared };
        assert_eq!(beyond.first_block(4096), BlockNumber(8));
        assert_eq!(beyond.end_block(4096), BlockNumber(9));
        let empty = Extent { byte_count: 0, ..shared };
        assert_eq!(empty.end_block(4096), BlockNumber(7));
    }
}
