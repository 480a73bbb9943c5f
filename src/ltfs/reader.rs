//! Reading files back: blocks by number, extents in the order in which they lie on tape, whole files.
//!
//! Shared blocks are read once: the last block stays in memory and serves every extent that has bytes in
//! it. Damage is told for the extent that it hits and for nothing else; the next extent is read all
//! the same. Only a failure that has nothing to do with the place (the drive, the way to it) ends a
//! reading.

use std::ops::ControlFlow;

use super::error::{LtfsError, is_damage};
use super::extent::{Extent, PartitionId};
use super::index::FileEntry;
use super::label::{PartitionMap, VolumeLabel};
use super::mount::MountedVolume;
use crate::domain::{BlockNumber, Partition, Position};
use crate::drive::{Drive, DriveError, ReadOutcome};

/// Why a block or an extent cannot be read. What lies elsewhere may be sound.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// The volume has no such partition.
    #[error("the volume has no partition {0}")]
    NoPartition(PartitionId),
    /// The data ends before.
    #[error("{0} is behind the end of the data")]
    BehindEnd(Position),
    /// There is a filemark where a block should be.
    #[error("{0} is a filemark")]
    Filemark(Position),
    /// The block is shorter than the extent needs.
    #[error("{at} has {found} bytes, {needed} are needed")]
    ShortBlock {
        /// Which block.
        at: Position,
        /// Its length.
        found: usize,
        /// How far into it the extent reaches.
        needed: usize,
    },
    /// The block is longer than the volume's blocks.
    #[error("{at} has {found} bytes, more than the volume's blocks")]
    LongBlock {
        /// Which block.
        at: Position,
        /// Its length.
        found: u64,
    },
    /// The drive cannot read it.
    #[error("{at} cannot be read")]
    Unreadable {
        /// Which block.
        at: Position,
        /// What the drive says; `None` if it was said before, for another extent.
        #[source]
        source: Option<Box<DriveError>>,
    },
}

/// An extent to read, and what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadItem {
    /// The caller's own number for it.
    pub id: u64,
    /// The extent.
    pub extent: Extent,
}

/// A step of reading extents.
#[derive(Debug)]
pub enum ReadEvent<'a> {
    /// Bytes of an extent, in their order.
    Bytes {
        /// Whose.
        id: u64,
        /// Where in the file they belong.
        file_offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The rest of an extent cannot be read.
    Failed {
        /// Whose.
        id: u64,
        /// From here on nothing of the extent follows.
        file_offset: u64,
        /// Why.
        problem: ReadProblem,
    },
    /// The extent is complete.
    Done {
        /// Whose.
        id: u64,
    },
}

/// A piece of a file, in the order of the file.
#[derive(Debug)]
pub enum FilePiece<'a> {
    /// Bytes.
    Bytes {
        /// Where they belong.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Nothing was stored: it reads as zeros.
    Hole {
        /// Where it begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// The rest of an extent cannot be read.
    Failed {
        /// Where it begins.
        offset: u64,
        /// How many bytes are missing.
        length: u64,
        /// Why.
        problem: ReadProblem,
    },
}

/// Reads a volume. Borrows the drive; moves the tape only where it must.
#[derive(Debug)]
pub struct VolumeReader<'d> {
    drive: &'d mut Drive,
    map: PartitionMap,
    block_size: u32,
    block: Vec<u8>,
    /// What `block` holds, or the place that cannot be read.
    cached: Option<(Position, Cached)>,
}

#[derive(Clone, Copy, Debug)]
enum Cached {
    Block { len: usize },
    Unreadable,
}

impl<'d> VolumeReader<'d> {
    /// A reader of a mounted volume.
    pub fn new(drive: &'d mut Drive, mounted: &MountedVolume) -> Self {
        Self::with_label(drive, &mounted.label, mounted.map)
    }

    /// A reader of a volume of which only the label is known.
    pub fn with_label(drive: &'d mut Drive, label: &VolumeLabel, map: PartitionMap) -> Self {
        Self::with_block_size(drive, label.block_size, map)
    }

    /// A reader of a volume of which not even the label can be read.
    pub fn with_block_size(drive: &'d mut Drive, block_size: u32, map: PartitionMap) -> Self {
        let length = usize::try_from(block_size).unwrap_or(usize::MAX);
        Self { drive, map, block_size, block: vec![0; length], cached: None }
    }

    /// The order in which extents lie on the tape.
    #[must_use]
    pub fn tape_order(&self, extent: &Extent) -> (Partition, BlockNumber, u32) {
        let partition = self.map.physical(extent.partition).unwrap_or(Partition(u8::MAX));
        (partition, extent.start_block, extent.byte_offset)
    }

    /// Reads one block into `buffer`, which takes at least the volume's block size.
    ///
    /// # Errors
    /// The outer error ends all reading; the inner one concerns this block only.
    pub fn read_block(
        &mut self,
        partition: PartitionId,
        block: BlockNumber,
        buffer: &mut [u8],
    ) -> Result<Result<usize, ReadProblem>, LtfsError> {
        let Some(partition) = self.map.physical(partition) else {
            return Ok(Err(ReadProblem::NoPartition(partition)));
        };
        read_at(self.drive, Position { partition, block }, buffer)
    }

    /// Reads extents one after the other; they should be in tape order ([`VolumeReader::tape_order`]).
    ///
    /// # Errors
    /// When the drive fails. What the sink was told before stays true.
    pub fn read_extents(
        &mut self,
        items: impl IntoIterator<Item = ReadItem>,
        sink: &mut dyn FnMut(ReadEvent<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LtfsError> {
        for ReadItem { id, extent } in items {
            let mut offset = extent.file_offset;
            let mut forward = |at: u64, bytes: &[u8]| {
                offset = at + length(bytes.len());
                sink(ReadEvent::Bytes { id, file_offset: at, bytes })
            };
            let flow = match self.read_extent(&extent, &mut forward)? {
                Ok(ControlFlow::Continue(())) => sink(ReadEvent::Done { id }),
                Ok(stop) => stop,
                Err(problem) => sink(ReadEvent::Failed { id, file_offset: offset, problem }),
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads a file from beginning to end. Symbolic links have no bytes.
    ///
    /// # Errors
    /// When the drive fails. Damage is a [`FilePiece::Failed`], and the rest follows.
    pub fn read_file(
        &mut self,
        entry: &FileEntry,
        sink: &mut dyn FnMut(FilePiece<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, LtfsError> {
        let mut offset = 0_u64;
        for extent in entry.extents.iter().filter(|extent| extent.byte_count > 0) {
            if extent.file_offset > offset {
                let hole = FilePiece::Hole { offset, length: extent.file_offset - offset };
                if sink(hole).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let mut reached = extent.file_offset;
            let mut forward = |at: u64, bytes: &[u8]| {
                reached = at + length(bytes.len());
                sink(FilePiece::Bytes { offset: at, bytes })
            };
            let flow = match self.read_extent(extent, &mut forward)? {
                Ok(flow) => flow,
                Err(problem) => {
                    let missing = extent.file_end() - reached;
                    sink(FilePiece::Failed { offset: reached, length: missing, problem })
                }
            };
            if flow.is_break() {
                return Ok(flow);
            }
            offset = extent.file_end();
        }
        if entry.symlink.is_none() && entry.length > offset {
            return Ok(sink(FilePiece::Hole { offset, length: entry.length - offset }));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Gives the bytes of one extent with their place in the file.
    fn read_extent(
        &mut self,
        extent: &Extent,
        sink: &mut dyn FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<Result<ControlFlow<()>, ReadProblem>, LtfsError> {
        let Some(partition) = self.map.physical(extent.partition) else {
            return Ok(Err(ReadProblem::NoPartition(extent.partition)));
        };
        let block_size = self.block.len();
        let mut block = extent.first_block(self.block_size);
        let mut within = usize::try_from(extent.byte_offset % self.block_size).unwrap_or(0);
        let mut left = extent.byte_count;
        let mut offset = extent.file_offset;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(block_size - within);
            let at = Position { partition, block };
            let found = match self.load(at)? {
                Ok(found) => found,
                Err(problem) => return Ok(Err(problem)),
            };
            if found < within + wanted {
                // Nothing of it is given: which bytes are missing cannot be said.
                let needed = within + wanted;
                return Ok(Err(ReadProblem::ShortBlock { at, found, needed }));
            }
            if sink(offset, &self.block[within..within + wanted]).is_break() {
                return Ok(Ok(ControlFlow::Break(())));
            }
            offset += length(wanted);
            left -= length(wanted);
            within = 0;
            block = BlockNumber(block.0 + 1);
        }
        Ok(Ok(ControlFlow::Continue(())))
    }

    /// Brings a block into memory and says how long it is.
    fn load(&mut self, at: Position) -> Result<Result<usize, ReadProblem>, LtfsError> {
        match self.cached {
            Some((position, Cached::Block { len })) if position == at => return Ok(Ok(len)),
            Some((position, Cached::Unreadable)) if position == at => {
                return Ok(Err(ReadProblem::Unreadable { at, source: None }));
            }
            _ => {}
        }
        self.cached = None;
        let read = read_at(self.drive, at, &mut self.block)?;
        match &read {
            Ok(len) => self.cached = Some((at, Cached::Block { len: *len })),
            Err(ReadProblem::Unreadable { .. }) => self.cached = Some((at, Cached::Unreadable)),
            Err(_) => {}
        }
        Ok(read)
    }
}

/// Reads the block at a position, going there first if the tape is elsewhere.
pub(super) fn read_at(
    drive: &mut Drive,
    at: Position,
    buffer: &mut [u8],
) -> Result<Result<usize, ReadProblem>, LtfsError> {
    const DOING: &str = "read a block";
    if drive.position() != Some(at) {
        match drive.locate(at) {
            Ok(()) => {}
            Err(DriveError::BeyondEndOfData { .. }) => {
                return Ok(Err(ReadProblem::BehindEnd(at)));
            }
            Err(error) if is_damage(&error) => {
                return Ok(Err(ReadProblem::Unreadable { at, source: Some(Box::new(error)) }));
            }
            Err(error) => return Err(LtfsError::drive(DOING)(error)),
        }
    }
    Ok(match drive.read_block(buffer) {
        Ok(ReadOutcome::Block { len }) => Ok(len),
        Ok(ReadOutcome::Filemark) => Err(ReadProblem::Filemark(at)),
        Ok(ReadOutcome::EndOfData) => Err(ReadProblem::BehindEnd(at)),
        Err(DriveError::BlockTooLong { len, .. }) => Err(ReadProblem::LongBlock { at, found: len }),
        Err(error) if is_damage(&error) => {
            Err(ReadProblem::Unreadable { at, source: Some(Box::new(error)) })
        }
        Err(error) => return Err(LtfsError::drive(DOING)(error)),
    })
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
