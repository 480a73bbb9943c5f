//! Carving: getting at files when no index can be read.
//!
//! Two sources say where files lie: the journal kept off the tape (a spool, read with
//! [`super::spool::SpoolSnapshot::replay`]), and the manifests that each run leaves on the tape itself.
//! Manifests are found by going through every record: [`find_streams`] asks a [`Recogniser`] whether a
//! block begins one and feeds it on. What a manifest looks like is not known here. With the extents from
//! either source [`super::reader::VolumeReader::with_label`] reads the files.

use std::ops::ControlFlow;

use super::error::{LtfsError, is_damage};
use super::label::LABEL_BYTES_MAX;
use super::tape::{FIRST_BLOCK_BEHIND_LABEL, looks_like_index};
use crate::domain::{BlockNumber, Partition, Position};
use crate::drive::{Drive, DriveError, ReadOutcome};

/// Blocks in a row that cannot be read before the scan jumps; then it jumps twice as far each time.
const DAMAGE_BEFORE_JUMP: u64 = 4;
/// The farthest jump over damage, in blocks: half a gigabyte of usual blocks.
const JUMP_BLOCKS_MAX: u64 = 1024;

/// A record of a partition, as a scan meets it.
#[derive(Debug)]
pub enum ScanItem<'a> {
    /// A block.
    Block {
        /// Where.
        at: Position,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// A filemark.
    Filemark {
        /// Where.
        at: Position,
    },
    /// Blocks that cannot be read; the scan goes on behind them.
    Damaged {
        /// The first.
        at: Position,
        /// How many were passed over.
        blocks: u64,
        /// What the drive said.
        source: DriveError,
    },
}

/// Recognises a stream of bytes that lies somewhere in a partition.
pub trait Recogniser {
    /// Where in this block such a stream may begin. Asked again behind a false start.
    fn begins(&mut self, block: &[u8], from: usize) -> Option<usize>;

    /// The next bytes of a stream that began.
    fn feed(&mut self, bytes: &[u8]) -> Fed;
}

/// What a recogniser says of the bytes that it was fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It wants the following bytes.
    More,
    /// The stream is complete after that many of these bytes.
    Complete {
        /// Bytes used.
        used: usize,
    },
    /// It is no such stream, or a damaged one.
    Rejected,
}

/// Where a stream was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamFound {
    /// The block in which it begins.
    pub start: Position,
    /// How far into that block.
    pub byte_offset: usize,
}

/// Goes through every record of a partition from `from` to the end of its data.
///
/// `block_bytes_max` is the longest block that can be there: the volume's block size if it is known.
///
/// # Errors
/// When the drive fails in a way that has nothing to do with one place.
pub fn scan(
    drive: &mut Drive,
    partition: Partition,
    from: BlockNumber,
    block_bytes_max: usize,
    visit: &mut dyn FnMut(ScanItem<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, LtfsError> {
    const DOING: &str = "go through the records of a partition";
    let mut buffer = vec![0; block_bytes_max.max(LABEL_BYTES_MAX)];
    let mut at = Position { partition, block: from };
    let mut damaged_in_a_row = 0_u64;
    loop {
        let read = if drive.position() == Some(at) { Ok(()) } else { drive.locate(at) }
            .and_then(|()| drive.read_block(&mut buffer));
        let flow = match read {
            Ok(ReadOutcome::Block { len }) => {
                damaged_in_a_row = 0;
                visit(ScanItem::Block { at, bytes: &buffer[..len] })
            }
            Ok(ReadOutcome::Filemark) => {
                damaged_in_a_row = 0;
                visit(ScanItem::Filemark { at })
            }
            Ok(ReadOutcome::EndOfData) | Err(DriveError::BeyondEndOfData { .. }) => {
                return Ok(ControlFlow::Continue(()));
            }
            Err(error) if is_damage(&error) => {
                damaged_in_a_row += 1;
                let exponent = damaged_in_a_row.saturating_sub(DAMAGE_BEFORE_JUMP).min(32);
                let blocks = (1_u64 << exponent).min(JUMP_BLOCKS_MAX);
                let flow = visit(ScanItem::Damaged { at, blocks, source: error });
                at.block = BlockNumber(at.block.0.saturating_add(blocks - 1));
                flow
            }
            Err(error) => return Err(LtfsError::drive(DOING)(error)),
        };
        if flow.is_break() {
            return Ok(flow);
        }
        at.block = BlockNumber(at.block.0.saturating_add(1));
    }
}

/// Finds streams that a recogniser knows, behind the label of a partition. Index constructs between two
/// blocks of a stream are passed over, because an index may be written in the middle of one.
///
/// # Errors
/// As [`scan`].
pub fn find_streams(
    drive: &mut Drive,
    partition: Partition,
    block_bytes_max: usize,
    recogniser: &mut dyn Recogniser,
    found: &mut dyn FnMut(StreamFound) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, LtfsError> {
    let mut search = Search { recogniser, current: None, index: InIndex::No };
    scan(drive, partition, FIRST_BLOCK_BEHIND_LABEL, block_bytes_max, &mut |item| {
        search.item(item, found)
    })
}

/// Whether the records at hand belong to an index construct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InIndex {
    No,
    /// A filemark was met: an index may follow.
    Perhaps,
    Yes,
}

struct Search<'r> {
    recogniser: &'r mut dyn Recogniser,
    current: Option<StreamFound>,
    index: InIndex,
}

impl Search<'_> {
    fn item(
        &mut self,
        item: ScanItem<'_>,
        found: &mut dyn FnMut(StreamFound) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match item {
            ScanItem::Filemark { .. } => {
                self.index = match self.index {
                    InIndex::Yes => InIndex::No,
                    InIndex::No | InIndex::Perhaps => InIndex::Perhaps,
                };
                ControlFlow::Continue(())
            }
            ScanItem::Damaged { .. } => {
                self.current = None;
                ControlFlow::Continue(())
            }
            ScanItem::Block { at, bytes } => {
                if self.index == InIndex::Perhaps {
                    let is_index = looks_like_index(bytes);
                    self.index = if is_index { InIndex::Yes } else { InIndex::No };
                }
                if self.index == InIndex::Yes {
                    return ControlFlow::Continue(());
                }
                self.block(at, bytes, found)
            }
        }
    }

    fn block(
        &mut self,
        at: Position,
        bytes: &[u8],
        found: &mut dyn FnMut(StreamFound) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut from = 0;
        loop {
            let (stream, start) = match self.current.take() {
                Some(stream) => (stream, 0),
                None => {
                    let Some(start) = self.recogniser.begins(bytes, from) else { break };
                    (StreamFound { start: at, byte_offset: start }, start)
                }
            };
            match self.recogniser.feed(bytes.get(start..).unwrap_or_default()) {
                Fed::More => {
                    self.current = Some(stream);
                    break;
                }
                Fed::Complete { used } => {
                    if found(stream).is_break() {
                        return ControlFlow::Break(());
                    }
                    from = start + used.max(1);
                }
                // A stream that came from an earlier block may hide one that begins here.
                Fed::Rejected if stream.start != at => from = 0,
                Fed::Rejected => from = start + 1,
            }
            if from >= bytes.len() {
                break;
            }
        }
        ControlFlow::Continue(())
    }
}
