//! Indexes and labels as they lie on tape: reading them from a block on, writing their construct.
//!
//! A label construct is `VOL1, filemark, XML, filemark`; an index construct is `filemark, index
//! blocks, filemark`. Both are flushed by their last filemark and by nothing else.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::elements::DocumentError;
use super::error::{LtfsError, NotLtfs, is_damage};
use super::index::{IndexEvent, IndexHeader, IndexLocation, IndexReader};
use super::index_blocks::{Begun, IndexBlocks};
use super::label::{LABEL_BYTES_MAX, LabelError, PartitionMap, UnverifiedLabel, VolumeLabel};
use super::merge::IndexFile;
use crate::domain::{BlockCount, BlockNumber, Partition, Position};
use crate::drive::{Drive, DriveError, Flush, ReadOutcome, WriteOutcome};
use crate::overlap::each_block;

/// The first block that can hold an index: behind the label and the index's leading filemark.
pub(super) const FIRST_INDEX_BLOCK: BlockNumber = BlockNumber(5);
/// The first block behind a label.
pub(super) const FIRST_BLOCK_BEHIND_LABEL: BlockNumber = BlockNumber(4);

/// What stands at the start of a partition.
#[derive(Debug)]
pub(super) enum LabelFound {
    /// A label that is well-formed by itself.
    Label(UnverifiedLabel),
    /// Nothing was ever written.
    Blank,
    /// Records that are no label; how they begin, and why they are none.
    Other(LabelError),
    /// The records are not laid out as a label.
    Layout(&'static str),
    /// The start of the partition cannot be read.
    Unreadable(DriveError),
}

/// Looks at a place, and once more if what was found there is not good.
///
/// A drive that fails to read once may read the next time, and what a mount passes over is in no index
/// that is written from then on: nothing is called damaged or absent that was looked at only once.
pub(super) fn look_twice<T>(
    mut look: impl FnMut() -> Result<T, LtfsError>,
    is_good: impl Fn(&T) -> bool,
) -> Result<T, LtfsError> {
    let found = look()?;
    if is_good(&found) { Ok(found) } else { look() }
}

/// Reads the label of one partition.
pub(super) fn read_label(drive: &mut Drive, partition: Partition) -> Result<LabelFound, LtfsError> {
    let is_label = |found: &LabelFound| matches!(found, LabelFound::Label(_));
    look_twice(|| read_label_once(drive, partition), is_label)
}

fn read_label_once(drive: &mut Drive, partition: Partition) -> Result<LabelFound, LtfsError> {
    const DOING: &str = "read the label";
    match drive.locate(Position { partition, block: BlockNumber(0) }) {
        Ok(()) => {}
        Err(DriveError::BeyondEndOfData { .. }) => return Ok(LabelFound::Blank),
        Err(error) if is_damage(&error) => return Ok(LabelFound::Unreadable(error)),
        Err(error) => return Err(LtfsError::drive(DOING)(error)),
    }
    let mut records = Vec::new();
    for wanted in ["VOL1 label", "filemark", "XML label", "filemark"] {
        let mut buffer = vec![0; LABEL_BYTES_MAX];
        match drive.read_block(&mut buffer) {
            Ok(ReadOutcome::Block { len }) if wanted != "filemark" => {
                buffer.truncate(len);
                records.push(buffer);
            }
            Ok(ReadOutcome::Filemark) if wanted == "filemark" => {}
            Ok(ReadOutcome::EndOfData) if records.is_empty() => return Ok(LabelFound::Blank),
            Ok(_) if records.is_empty() => {
                return Ok(LabelFound::Layout("it begins with a filemark"));
            }
            Ok(_) => return Ok(LabelFound::Layout("the label's records are not in their order")),
            Err(DriveError::BlockTooLong { .. }) => {
                return Ok(LabelFound::Layout("it begins with a long block"));
            }
            Err(error) if is_damage(&error) => return Ok(LabelFound::Unreadable(error)),
            Err(error) => return Err(LtfsError::drive(DOING)(error)),
        }
    }
    Ok(match UnverifiedLabel::parse(&records[0], &records[1]) {
        Ok(label) => LabelFound::Label(label),
        Err(error) => LabelFound::Other(error),
    })
}

/// What a cartridge without a label is.
pub(super) fn describe_unlabelled(found: [&LabelFound; 2]) -> NotLtfs {
    if found.iter().all(|found| matches!(found, LabelFound::Blank)) {
        return NotLtfs::Blank;
    }
    let described: Vec<String> = found.iter().map(|found| found.describe()).collect();
    NotLtfs::NoLabel(described.join("; "))
}

impl LabelFound {
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Label(_) => "a label".to_owned(),
            Self::Blank => "nothing is written".to_owned(),
            Self::Other(LabelError::Xml(error)) => format!("the XML label cannot be read: {error}"),
            Self::Other(error) => error.to_string(),
            Self::Layout(what) => (*what).to_owned(),
            Self::Unreadable(error) => error.to_string(),
        }
    }
}

/// Writes the label construct of one partition from its start.
pub(super) fn write_label(
    drive: &mut Drive,
    partition: Partition,
    label: &VolumeLabel,
    map: &PartitionMap,
) -> Result<(), LtfsError> {
    const DOING: &str = "write the label";
    let failed = || LtfsError::drive(DOING);
    let id = map.id(partition).ok_or(LtfsError::Misuse("a label for no partition"))?;
    drive.locate(Position { partition, block: BlockNumber(0) }).map_err(failed())?;
    let full = |outcome: WriteOutcome| match outcome {
        WriteOutcome::Full => Err(LtfsError::Full { what: "the label", partition }),
        _ => Ok(()),
    };
    full(drive.write_block(&label.encode_vol1()).map_err(failed())?)?;
    full(drive.write_filemarks(1, Flush::Immediate).map_err(failed())?)?;
    full(drive.write_block(&label.encode_xml(id)).map_err(failed())?)?;
    full(drive.write_filemarks(1, Flush::Synchronous).map_err(failed())?)
}

/// Writes an index construct at the current position, which must be `at` (its leading filemark).
/// Returns the position behind its trailing filemark, which the drive has confirmed.
pub(super) fn write_index(
    drive: &mut Drive,
    at: Position,
    block_size: u32,
    index: &mut (dyn Read + Send),
) -> Result<BlockNumber, LtfsError> {
    const DOING: &str = "write the index";
    let failed = || LtfsError::drive(DOING);
    let full = |outcome: WriteOutcome| match outcome {
        WriteOutcome::Full => Err(LtfsError::Full { what: "the index", partition: at.partition }),
        _ => Ok(()),
    };
    drive.ensure_position(at).map_err(failed())?;
    full(drive.write_filemarks(1, Flush::Immediate).map_err(failed())?)?;
    let block_bytes = usize::try_from(block_size).unwrap_or(usize::MAX);
    let mut blocks = 0;
    let read_failed = |source| LtfsError::File {
        doing: "read the index kept in",
        path: PathBuf::from("the spool folder"),
        source,
    };
    each_block(index, block_bytes, read_failed, |block| {
        blocks += 1;
        full(drive.write_block(block).map_err(failed())?)
    })?;
    full(drive.write_filemarks(1, Flush::Synchronous).map_err(failed())?)?;
    let end = at.block.after(BlockCount(blocks + 2));
    drive.ensure_position(Position { block: end, ..at }).map_err(failed())?;
    Ok(end)
}

/// A good index that was read from the tape.
#[derive(Clone, Debug)]
pub(super) struct IndexOnTape {
    pub(super) location: IndexLocation,
    pub(super) file: IndexFile,
    /// How many blocks it has.
    pub(super) blocks: BlockCount,
    /// Whether a filemark follows it.
    pub(super) has_trailing_filemark: bool,
    /// False if its file was kept before: an earlier mount may still use it.
    pub(super) is_new: bool,
}

impl IndexOnTape {
    /// The block behind the index and its trailing filemark.
    pub(super) fn end(&self) -> BlockNumber {
        let filemark = u64::from(self.has_trailing_filemark);
        self.location.block.after(BlockCount(self.blocks.0 + filemark))
    }
}

/// What stands at a place where an index may begin.
#[derive(Debug)]
pub(super) enum IndexFound {
    /// An index without fault.
    Good(Box<IndexOnTape>),
    /// Something that begins like an index and cannot be used; why.
    Damaged(String),
    /// Something else.
    NotAnIndex,
}

/// What is needed to read indexes of a volume.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexPlace<'a> {
    pub(super) label: &'a VolumeLabel,
    pub(super) map: &'a PartitionMap,
    pub(super) spool_dir: &'a Path,
}

/// Reads the index whose first block is `block`, if there is one, into a file of the spool folder.
///
/// Moves the tape; after damage the position may be lost. Fails only when the drive fails in a way
/// that has nothing to do with that place.
pub(super) fn read_index(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    partition: Partition,
    block: BlockNumber,
) -> Result<IndexFound, LtfsError> {
    let Some(id) = place.map.id(partition) else { return Ok(IndexFound::NotAnIndex) };
    if block < FIRST_INDEX_BLOCK {
        return Ok(IndexFound::NotAnIndex);
    }
    let location = IndexLocation { partition: id, block };
    let is_index = |found: &IndexFound| matches!(found, IndexFound::Good(_));
    look_twice(|| read_index_once(drive, place, partition, location), is_index)
}

fn read_index_once(
    drive: &mut Drive,
    place: IndexPlace<'_>,
    partition: Partition,
    location: IndexLocation,
) -> Result<IndexFound, LtfsError> {
    let IndexLocation { partition: id, block } = location;
    let name = format!("{}-{id}{block}", place.label.uuid);
    let path = place.spool_dir.join(format!("{name}.part"));
    let at = Position { partition, block };
    let mut blocks = match IndexBlocks::begin(drive, place, location, at, &path)? {
        Begun::Index(blocks) => blocks,
        Begun::NotAnIndex => return Ok(IndexFound::NotAnIndex),
        Begun::Unusable(why) => return Ok(IndexFound::Damaged(why)),
    };
    let read = IndexFile::read_from(&mut blocks, &path, place.label.block_size);
    let found = match (read, blocks.end()?) {
        (_, Err(why)) => Err(why),
        (Err(problem), Ok(_)) => Err(problem.to_string()),
        (Ok(file), Ok(end)) => match header_problem(place, location, file.header()) {
            Some(why) => Err(why),
            None => Ok((file, end)),
        },
    };
    match found {
        Ok((mut file, (blocks, has_trailing_filemark))) => {
            let generation = file.header().generation;
            let kept = place.spool_dir.join(format!("{name}-g{generation}.mounted.xml"));
            let is_new = !kept.exists();
            file.move_to(&kept)?;
            let index = IndexOnTape { location, file, blocks, has_trailing_filemark, is_new };
            Ok(IndexFound::Good(Box::new(index)))
        }
        Err(why) => {
            // What cannot be used is not kept; failing to remove it harms nobody.
            let _ = std::fs::remove_file(&path);
            Ok(IndexFound::Damaged(why))
        }
    }
}

/// What an index says of itself that cannot be, as the reference checks it at each read.
pub(super) fn header_problem(
    place: IndexPlace<'_>,
    location: IndexLocation,
    header: &IndexHeader,
) -> Option<String> {
    if header.volume_uuid.0.is_nil() {
        Some("it does not say to which volume it belongs".to_owned())
    } else if header.volume_uuid != place.label.uuid {
        Some(format!("it belongs to volume {}", header.volume_uuid))
    } else if header.location != location {
        Some(format!("it says that it stands at {}", header.location))
    } else {
        header.previous.and_then(|previous| back_pointer_problem(place.map, location, previous))
    }
}

fn back_pointer_problem(
    map: &PartitionMap,
    location: IndexLocation,
    previous: IndexLocation,
) -> Option<String> {
    // Between two indexes of a partition stand at least a filemark behind the one and before the
    // other.
    const DISTANCE: u64 = 2;
    let is_on_data = previous.partition == map.data.0 && previous.block >= FIRST_INDEX_BLOCK;
    let is_compared = location.partition == map.data.0
        && location.block != FIRST_INDEX_BLOCK
        && previous != location;
    let is_before = previous.block.0.saturating_add(DISTANCE) < location.block.0;
    (!is_on_data || (is_compared && !is_before))
        .then(|| format!("its predecessor cannot be at {previous}"))
}

/// What the first block of an index says of it.
pub(super) fn read_head(block: &[u8]) -> Result<IndexHeader, DocumentError> {
    let mut reader = IndexReader::open(block)?;
    match reader.next()? {
        IndexEvent::Header(header) => Ok(header.clone()),
        // A reader gives the header first.
        _ => Ok(super::index::empty_header()),
    }
}

/// An index begins with its declaration and, soon after, its root.
pub(super) fn looks_like_index(block: &[u8]) -> bool {
    const HEAD_BYTES: usize = 1024;
    let head = &block[..block.len().min(HEAD_BYTES)];
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    head.starts_with(b"<?xml") && memchr::memmem::find(head, b"<ltfsindex").is_some()
}
