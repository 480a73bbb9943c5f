//! The end of a partition: its last good index, and what stands behind it.
//!
//! The reference looks at the very last thing of a partition and refuses the volume if that is no
//! index. Here the search goes on backwards from filemark to filemark until an index is found that
//! is whole, belongs to the volume and stands where it says it does.

use crate::domain::{BlockNumber, Partition, Position};
use crate::drive::{Drive, DriveError, SpaceOutcome};
use crate::ltfs::error::{LtfsError, is_damage};
use crate::ltfs::tape::{
    FIRST_BLOCK_BEHIND_LABEL, IndexFound, IndexOnTape, IndexPlace, look_twice, read_index,
};

/// Where the data of a partition ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOfData {
    /// There.
    At(BlockNumber),
    /// The drive does not know: a write was cut off by power loss or reset.
    Missing,
    /// Nobody looked: the cartridge's memory was trusted.
    NotChecked,
}

/// What stands behind the last good index of a partition (or behind its label, if it has none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Nothing: the partition is complete.
    Clean,
    /// Nobody looked.
    NotChecked,
    /// The filemark behind the index is missing.
    NoTrailingFilemark,
    /// More filemarks than belong there.
    ExtraFilemarks {
        /// How many.
        count: u64,
    },
    /// Blocks that no index lists.
    Data {
        /// The first object behind what is complete.
        from: BlockNumber,
        /// End of data, if known.
        to: Option<BlockNumber>,
    },
    /// Something that begins like an index and cannot be used.
    DamagedIndex {
        /// Its first block; the newest, if there are several.
        at: BlockNumber,
        /// Why it cannot be used.
        why: String,
    },
}

/// One partition's end.
#[derive(Clone, Debug)]
pub(super) struct PartitionEnd {
    pub(super) end_of_data: EndOfData,
    pub(super) index: Option<IndexOnTape>,
    pub(super) tail: Tail,
    /// Indexes that were found and cannot be used, the newest first.
    pub(super) damaged: Vec<BlockNumber>,
}

impl PartitionEnd {
    /// True if an index may be on the partition that the search did not come to.
    pub(super) fn may_hold_more(&self) -> bool {
        self.end_of_data == EndOfData::Missing || self.index.is_none()
    }

    /// Takes an index that was found by a pointer to it. Returns the one it replaces.
    pub(super) fn found_by_pointer(&mut self, index: IndexOnTape) -> Option<IndexOnTape> {
        if let EndOfData::At(end) = self.end_of_data
            && !matches!(self.tail, Tail::DamagedIndex { .. })
        {
            self.tail = match (index.end(), index.has_trailing_filemark) {
                (complete, true) if complete >= end => Tail::Clean,
                (complete, false) if complete >= end => Tail::NoTrailingFilemark,
                (from, _) => Tail::Data { from, to: Some(end) },
            };
        }
        self.index.replace(index)
    }
}

/// Searches a partition backwards from its end.
pub(super) fn search(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    partition: Partition,
) -> Result<PartitionEnd, LtfsError> {
    const DOING: &str = "find the end of a partition";
    let known = drive.end_of_data_known(partition).map_err(LtfsError::drive(DOING))?;
    let missing = PartitionEnd {
        end_of_data: EndOfData::Missing,
        index: None,
        tail: Tail::NotChecked,
        damaged: Vec::new(),
    };
    if !known {
        return Ok(missing);
    }
    let locate = || match drive.locate_end_of_data(partition) {
        Ok(position) => Ok(Some(position.block)),
        Err(error) if is_damage(&error) => Ok(None),
        Err(error) => Err(LtfsError::drive(DOING)(error)),
    };
    let Some(end) = look_twice(locate, Option::is_some)? else { return Ok(missing) };
    let mut seen = Seen::default();
    let index = search_back(drive, place, partition, end, &mut seen)?;
    let tail = seen.tail(index.as_ref(), end);
    let end_of_data = EndOfData::At(end);
    let damaged = seen.damaged.into_iter().map(|(at, _)| at).collect();
    Ok(PartitionEnd { end_of_data, index, tail, damaged })
}

/// What was met on the way back.
#[derive(Debug, Default)]
struct Seen {
    has_data: bool,
    damaged: Vec<(BlockNumber, String)>,
}

impl Seen {
    fn tail(&mut self, index: Option<&IndexOnTape>, end: BlockNumber) -> Tail {
        let complete = index.map_or(FIRST_BLOCK_BEHIND_LABEL, IndexOnTape::end);
        if let Some((at, why)) = self.damaged.first().cloned() {
            return Tail::DamagedIndex { at, why };
        }
        let has_filemark = index.is_none_or(|index| index.has_trailing_filemark);
        if end <= complete {
            return if has_filemark { Tail::Clean } else { Tail::NoTrailingFilemark };
        }
        if self.has_data || !has_filemark {
            Tail::Data { from: complete, to: Some(end) }
        } else {
            Tail::ExtraFilemarks { count: end.0 - complete.0 }
        }
    }
}

fn search_back(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    partition: Partition,
    end: BlockNumber,
    seen: &mut Seen,
) -> Result<Option<IndexOnTape>, LtfsError> {
    let mut behind = end;
    while behind > FIRST_BLOCK_BEHIND_LABEL {
        let Some(filemark) = filemark_before(drive, partition, behind)? else {
            // The label ends in a filemark: the way to it is damaged, and who knows what is there.
            seen.has_data = true;
            break;
        };
        let first = BlockNumber(filemark.0 + 1);
        if first < behind {
            match read_index(drive, place, partition, first)? {
                IndexFound::Good(index) => return Ok(Some(*index)),
                IndexFound::Damaged(why) => seen.damaged.push((first, why)),
                IndexFound::NotAnIndex => seen.has_data = true,
            }
        }
        behind = filemark;
    }
    Ok(None)
}

/// The nearest filemark before `behind`. `None` at the beginning, or where the tape cannot be
/// spaced.
pub(in crate::ltfs) fn filemark_before(
    drive: &mut Drive,
    partition: Partition,
    behind: BlockNumber,
) -> Result<Option<BlockNumber>, LtfsError> {
    const DOING: &str = "search a partition backwards";
    let from = Position { partition, block: behind };
    let space = || {
        let is_there = drive.position() == Some(from);
        let spaced = if is_there { Ok(()) } else { drive.locate(from) }
            .and_then(|()| drive.space_filemarks(-1));
        match spaced {
            Ok(SpaceOutcome::Done) => Ok(drive.position().map(|position| position.block)),
            Ok(SpaceOutcome::BeginningOfPartition | SpaceOutcome::EndOfData) => Ok(None),
            Err(DriveError::BeyondEndOfData { .. }) => Ok(None),
            Err(error) if is_damage(&error) => Ok(None),
            Err(error) => Err(LtfsError::drive(DOING)(error)),
        }
    };
    look_twice(space, Option::is_some)
}
