//! The blocks of a mounted volume as the data path reads them, for verifying and restoring.
//!
//! A block that cannot be read costs what lies in it; only a failure of the drive, or of the way to
//! it, ends the reading. Nothing is moved or written here beyond what reading needs.

use crate::catalog::{CopyExtent, LocatedCopy};
use crate::domain::BlockNumber;
use crate::drive::Drive;
use crate::ltfs::extent::{Extent, Extents, PartitionId};
use crate::ltfs::label::{PartitionMap, VolumeLabel};
use crate::ltfs::mount::MountedVolume;
use crate::ltfs::reader::VolumeReader;
use crate::stream::{BlockFault, BlockReader, Codec, EdgeError, ReadItem, Target};

use super::error::JobError;
use super::stored_form::ContentForm;

/// What a codec's level is when only decoding matters.
const ANY_LEVEL: i32 = 1;

/// Reads a mounted volume for [`crate::stream::restore`].
#[derive(Debug)]
pub(crate) struct TapeBlocks<'d> {
    reader: VolumeReader<'d>,
}

impl<'d> TapeBlocks<'d> {
    /// The blocks of the volume that is mounted in `drive`.
    pub(crate) fn new(drive: &'d mut Drive, mounted: &MountedVolume) -> Self {
        Self { reader: VolumeReader::new(drive, mounted) }
    }

    /// The blocks of a volume of which only the labels were read.
    pub(crate) fn identified(drive: &'d mut Drive, label: &VolumeLabel, map: PartitionMap) -> Self {
        Self { reader: VolumeReader::with_label(drive, label, map) }
    }
}

impl BlockReader for TapeBlocks<'_> {
    fn read_block(
        &mut self,
        partition: PartitionId,
        block: BlockNumber,
        buffer: &mut [u8],
    ) -> Result<usize, BlockFault> {
        match self.reader.read_block(partition, block, buffer) {
            Ok(Ok(length)) => Ok(length),
            Ok(Err(problem)) => Err(BlockFault::Block(Box::new(problem))),
            Err(error) => Err(BlockFault::Volume(Box::new(JobError::from(error)))),
        }
    }
}

/// The failure of the volume that ended a reading.
pub(crate) fn volume_lost(error: EdgeError) -> JobError {
    match error.downcast::<JobError>() {
        Ok(error) => *error,
        Err(other) => JobError::Bug(other.to_string()),
    }
}

/// How the bytes of a copy became those on tape; nothing if a later release did it.
pub(crate) fn form_of(located: &LocatedCopy) -> Option<ContentForm> {
    match &located.copy.codec {
        None => Some(ContentForm::default()),
        Some(codec) => ContentForm::parse(&codec.name),
    }
}

/// What the data path reads for a copy.
pub(crate) fn read_item(
    located: &LocatedCopy,
    map: &PartitionMap,
    target: Target,
) -> Option<ReadItem> {
    let (version, copy) = (&located.version, &located.copy);
    let (size_bytes, sha256) = match &copy.part {
        Some(part) => (part.size.0, part.sha256),
        None => (version.size.0, version.sha256),
    };
    let codec = copy.codec.as_ref();
    let form = form_of(located)?;
    Some(ReadItem {
        id: copy.id.sequence(),
        extents: extents_of(located, map)?,
        stored_bytes: codec.map_or(size_bytes, |codec| codec.stored_size.0),
        codec: if form.is_zstd { Codec::Zstd { level: ANY_LEVEL } } else { Codec::None },
        sealed_by: form.sealed_by,
        size_bytes,
        sha256,
        stored_sha256: codec.map(|codec| codec.stored_sha256),
        target,
        folder: None,
    })
}

/// The extents of a copy as LTFS says them; none if the volume has no such partition.
pub(crate) fn extents_of(copy: &LocatedCopy, map: &PartitionMap) -> Option<Extents> {
    let extent = |place: &CopyExtent| {
        Some(Extent {
            file_offset: place.file_offset,
            start_block: place.start.block,
            byte_count: place.byte_count.0,
            byte_offset: u32::try_from(place.byte_offset).ok()?,
            partition: map.id(place.start.partition)?,
        })
    };
    copy.copy.extents.iter().map(extent).collect()
}
