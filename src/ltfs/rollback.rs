//! Generations: which states of the volume the tape still holds, and going back to one.
//!
//! Every index ever written to the data partition stays there. Going back appends an older one as the
//! newest; nothing is lost by it, and one can go forward again the same way.

use std::path::Path;

use super::error::{LtfsError, is_damage};
use super::index::{IndexEvent, IndexHeader, IndexLocation, IndexReader};
use super::merge::IndexFile;
use super::mount::ends::filemark_before;
use super::mount::{EndOfData, MountedVolume};
use super::reader::read_at;
use super::tape::{FIRST_BLOCK_BEHIND_LABEL, IndexFound, IndexPlace, looks_like_index, read_index};
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
    let (id, partition) = mounted.map.data;
    let mut behind = match mounted.data_partition.end_of_data {
        EndOfData::At(end) => end,
        EndOfData::Missing | EndOfData::NotChecked => match drive.locate_end_of_data(partition) {
            Ok(end) => end.block,
            Err(error) if is_damage(&error) => return Ok(Vec::new()),
            Err(error) => return Err(LtfsError::drive("find the end of the data")(error)),
        },
    };
    let mut found = Vec::new();
    while behind > FIRST_BLOCK_BEHIND_LABEL {
        let Some(filemark) = filemark_before(drive, partition, behind)? else { break };
        let block = BlockNumber(filemark.0 + 1);
        if block < behind
            && let Some(header) = read_head(drive, mounted, Position { partition, block })?
            && header.volume_uuid == mounted.label.uuid
        {
            found.push(Generation {
                generation: header.generation,
                location: IndexLocation { partition: id, block },
                previous: header.previous,
                update_time: header.update_time,
                creator: header.creator,
            });
        }
        behind = filemark;
    }
    Ok(found)
}

/// The head of the index at a position, if there is one in the first block.
fn read_head(
    drive: &mut Drive,
    mounted: &MountedVolume,
    at: Position,
) -> Result<Option<IndexHeader>, LtfsError> {
    let length = usize::try_from(mounted.label.block_size).unwrap_or(usize::MAX);
    let mut block = vec![0; length];
    let Ok(length) = read_at(drive, at, &mut block)? else { return Ok(None) };
    let block = &block[..length];
    if !looks_like_index(block) {
        return Ok(None);
    }
    let Ok(mut reader) = IndexReader::open(block) else { return Ok(None) };
    match reader.next() {
        Ok(IndexEvent::Header(header)) => Ok(Some(header.clone())),
        _ => Ok(None),
    }
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
