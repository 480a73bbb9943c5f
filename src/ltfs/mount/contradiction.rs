//! Labels that contradict each other: the indexes say which of them is right.
//!
//! The reference refuses such a volume. Its files are all there, so each label is tried: the right one
//! leads to indexes that carry its UUID and stand where they say. What is mounted so can be read and
//! is never written.

use super::labels::Labelled;
use super::{MountOptions, MountedVolume, mount_as};
use crate::drive::{Drive, Medium};
use crate::ltfs::error::LtfsError;
use crate::ltfs::extent::Extent;
use crate::ltfs::index::IndexEvent;
use crate::ltfs::label::LabelError;
use crate::ltfs::merge::TreeError;
use crate::ltfs::reader::VolumeReader;

/// Mounts by whichever label the indexes prove.
///
/// # Errors
/// With what contradicts if they prove neither, or two volumes; when the drive fails.
pub(super) fn mount(
    drive: &mut Drive,
    options: &MountOptions,
    medium: &Medium,
    labels: [Labelled; 2],
    contradiction: LabelError,
) -> Result<MountedVolume, LtfsError> {
    let mut proven = Vec::new();
    let mut wrong_volumes = Vec::new();
    for labelled in labels {
        match mount_as(drive, options, medium, labelled) {
            Ok(volume) => proven.push(volume),
            Err(LtfsError::NoIndex { .. } | LtfsError::BlockSize { .. }) => {}
            Err(error @ LtfsError::WrongVolume { .. }) => wrong_volumes.push(error),
            Err(other) => return Err(other),
        }
    }
    match (proven.pop(), proven.pop()) {
        (Some(second), Some(first)) => {
            let (by_first, by_second) = (first.label.uuid, second.label.uuid);
            if by_first != by_second {
                return Err(contradiction.into());
            }
            let takes_second = match first.generation().cmp(&second.generation()) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Greater => false,
                std::cmp::Ordering::Equal => {
                    first.label.block_size != second.label.block_size
                        && !proves_block_size(drive, &first)?
                        && proves_block_size(drive, &second)?
                }
            };
            Ok(if takes_second { second } else { first })
        }
        (Some(only), None) | (None, Some(only)) => Ok(only),
        (None, None) => Err(match wrong_volumes.pop() {
            // Both labels are other volumes': that is worth more than how they differ.
            Some(wrong) if wrong_volumes.len() == 1 => wrong,
            _ => contradiction.into(),
        }),
    }
}

/// True if a block that must be full is as long as the label says.
fn proves_block_size(drive: &mut Drive, volume: &MountedVolume) -> Result<bool, LtfsError> {
    let block_size = volume.label.block_size;
    let Some(extent) = first_long_extent(volume)? else { return Ok(false) };
    let mut block = vec![0; usize::try_from(block_size).unwrap_or(usize::MAX)];
    let mut reader = VolumeReader::new(drive, volume);
    let first = extent.first_block(block_size);
    let read = reader.read_block(extent.partition, first, &mut block)?;
    Ok(read.is_ok_and(|length| length == block.len()))
}

/// The first extent of more than one block.
fn first_long_extent(volume: &MountedVolume) -> Result<Option<Extent>, LtfsError> {
    let block_size = volume.label.block_size;
    let mut found = None;
    let replayed = volume.index.file.replay(&mut |event| {
        let IndexEvent::File(file) = event else { return Ok(()) };
        let is_long = |extent: &&Extent| {
            extent.end_block(block_size).0 > extent.first_block(block_size).0.saturating_add(1)
        };
        found = file.extents.iter().find(is_long).copied();
        // Any refusal ends the walk; this one is told apart by what was found.
        if found.is_some() { Err(TreeError::NoDirectory(String::new())) } else { Ok(()) }
    });
    match (replayed, found) {
        (_, Some(extent)) => Ok(Some(extent)),
        (Ok(()), None) => Ok(None),
        (Err(error), None) => Err(error.into()),
    }
}
