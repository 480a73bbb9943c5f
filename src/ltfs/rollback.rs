//! Generations: which states of the volume the tape still holds, and going back to one.
//!
//! Every index ever written to the data partition stays there. Going back appends an older one as
//! the newest; nothing is lost by it, and one can go forward again the same way.

use std::path::Path;

use super::error::{LtfsError, is_damage};
use super::index::IndexLocation;
use super::merge::IndexFile;
use super::mount::ends::filemark_before;
use super::mount::{EndOfData, MountedVolume};
use super::reader::read_at;
use super::tape::{
    FIRST_BLOCK_BEHIND_LABEL, IndexFound, IndexPlace, header_problem, looks_like_index, read_head,
    read_index,
};
use super::writer::{IndexPlacement, IndexWritten, OpenVolume, Refused, WriteOptions};
use crate::domain::{BlockNumber, Position, Timestamp};
use crate::drive::Drive;

/// An index on the data partition, as far as its head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number. Damaged ones may share a number with the repair that followed.
    pub generation: u64,
    /// Where it stands.
    pub location: IndexLocation,
    /// Where it says that its predecessor stands.
    pub previous: Option<IndexLocation>,
    /// When it was written.
    pub update_time: Timestamp,
    /// By whom.
    pub creator: String,
}

/// What stands between two filemarks of the data partition and begins like an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IndexHead {
    /// An index of this volume, as far as its head says.
    Good(Generation),
    /// One whose head cannot be read, or is of another volume or place.
    Damaged(DamagedIndex),
}

/// An index that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedIndex {
    /// Where it stands.
    pub location: IndexLocation,
    /// What is wrong with its head.
    pub why: String,
}

impl IndexHead {
    pub(super) fn location(&self) -> IndexLocation {
        match self {
            Self::Good(index) => index.location,
            Self::Damaged(index) => index.location,
        }
    }
}

/// Lists the indexes of the data partition, newest first, by their heads.
///
/// Follows the filemarks and not the back pointers, so a broken chain hides nothing.
///
/// # Errors
/// When the drive fails. Places that cannot be read are passed over.
pub fn generations(
    drive: &mut Drive,
    mounted: &MountedVolume,
) -> Result<Vec<Generation>, LtfsError> {
    let heads = index_heads(drive, mounted)?.into_iter();
    Ok(heads
        .filter_map(|head| match head {
            IndexHead::Good(index) => Some(index),
            IndexHead::Damaged(_) => None,
        })
        .collect())
}

/// Everything on the data partition that is an index or begins like one, newest first.
pub(super) fn index_heads(
    drive: &mut Drive,
    mounted: &MountedVolume,
) -> Result<Vec<IndexHead>, LtfsError> {
    let (_, partition) = mounted.map.data;
    let mut behind = match mounted.data_partition.end_of_data {
        EndOfData::At(end) => end,
        EndOfData::Missing | EndOfData::NotChecked => match drive.locate_end_of_data(partition) {
            Ok(end) => end.block,
            Err(error) if is_damage(&error) => return Ok(Vec::new()),
            Err(error) => return Err(LtfsError::drive("find the end of the data")(error)),
        },
    };
    let mut found = Vec::new();
    // Where the one before it leads: there stands an index, whatever can be read of it.
    let mut expected = None;
    while behind > FIRST_BLOCK_BEHIND_LABEL {
        let Some(filemark) = filemark_before(drive, partition, behind)? else { break };
        let block = BlockNumber(filemark.0 + 1);
        if block < behind
            && let Some(head) = head_at(drive, mounted, Position { partition, block }, expected)?
        {
            if let IndexHead::Good(index) = &head {
                expected = index.previous;
            }
            found.push(head);
        }
        behind = filemark;
    }
    Ok(found)
}

/// What the block at a position says, if it begins like an index or one is expected there.
fn head_at(
    drive: &mut Drive,
    mounted: &MountedVolume,
    at: Position,
    expected: Option<IndexLocation>,
) -> Result<Option<IndexHead>, LtfsError> {
    let length = usize::try_from(mounted.label.block_size).unwrap_or(usize::MAX);
    let mut block = vec![0; length];
    let location = IndexLocation { partition: mounted.map.data.0, block: at.block };
    let damaged = |why| Some(IndexHead::Damaged(DamagedIndex { location, why }));
    let is_expected = expected == Some(location);
    let block = match read_at(drive, at, &mut block)? {
        Ok(found) => &block[..found],
        // A block of a file may be unreadable too, so this alone makes no index.
        Err(problem) => return Ok(damaged(problem.to_string()).filter(|_| is_expected)),
    };
    if !looks_like_index(block) {
        let why = "it does not begin like one".to_owned();
        return Ok(damaged(why).filter(|_| is_expected));
    }
    let header = match read_head(block) {
        Ok(header) => header,
        // A long comment: the head goes on in the next block, and what was read of it is sound.
        Err(error) if error.is_truncation() && block.len() == length => return Ok(None),
        Err(error) => return Ok(damaged(error.to_string())),
    };
    // The spool folder is not used: nothing is kept of a head.
    let place = IndexPlace { label: &mounted.label, map: &mounted.map, spool_dir: Path::new("") };
    Ok(match header_problem(place, location, &header) {
        Some(problem) => damaged(problem),
        None => Some(IndexHead::Good(Generation {
            generation: header.generation,
            location,
            previous: header.previous,
            update_time: header.update_time,
            creator: header.creator,
        })),
    })
}

/// Reads the tree of a generation that the data partition still holds, into a file of `spool_dir`.
///
/// # Errors
/// When the generation is not there or cannot be read, or the drive fails.
pub fn read_generation(
    drive: &mut Drive,
    mounted: &MountedVolume,
    spool_dir: &Path,
    wanted: u64,
) -> Result<IndexFile, LtfsError> {
    let place = IndexPlace { label: &mounted.label, map: &mounted.map, spool_dir };
    for found in generations(drive, mounted)?.iter().filter(|g| g.generation == wanted) {
        let (_, partition) = mounted.map.data;
        if let IndexFound::Good(index) = read_index(drive, place, partition, found.location.block)?
        {
            return Ok(index.file);
        }
    }
    Err(LtfsError::NoGeneration(wanted))
}

/// Makes a tree that [`read_generation`] has read the newest again. Its file is removed: the new
/// generation keeps its own.
///
/// # Errors
/// When the volume must not be written or must be repaired first, or the drive fails. The drive comes
/// back either way.
pub fn roll_back(
    drive: Drive,
    mounted: &MountedVolume,
    mut tree: IndexFile,
    options: WriteOptions,
) -> Result<(Drive, IndexWritten), Box<Refused>> {
    let mut volume = OpenVolume::begin(drive, mounted, options)?;
    let written = volume.write_index(&mut tree, IndexPlacement::Both);
    let drive = volume.into_drive();
    let _ = std::fs::remove_file(tree.path());
    match written {
        Ok(written) => Ok((drive, written)),
        Err(error) => Err(Box::new(Refused { drive, error })),
    }
}
