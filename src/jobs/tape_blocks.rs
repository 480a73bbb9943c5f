//! The blocks of a mounted volume as the data path reads them, for verifying and restoring.
//!
//! A block that cannot be read costs what lies in it; only a failure of the drive, or of the way to
//! it, ends the reading. Nothing is moved or written here beyond what reading needs.

use crate::domain::BlockNumber;
use crate::drive::Drive;
use crate::ltfs::extent::PartitionId;
use crate::ltfs::mount::MountedVolume;
use crate::ltfs::reader::VolumeReader;
use crate::stream::{BlockFault, BlockReader, EdgeError};

use super::error::JobError;

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
