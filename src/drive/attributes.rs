//! Attributes of the cartridge's memory, and the lock of the door.

use super::command::{Ended, is_refusal};
use super::{Attribute, AttributeId, Belief, Drive, DriveError, Operation};
use crate::domain::Partition;
use crate::scsi::Data;
use crate::scsi::cdb::primary::{self, MediumRemoval, ReadAttribute};
use crate::scsi::mam;

/// Whether a person or the changer can take the cartridge out of the drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Cannot.
    Locked,
    /// Can.
    Unlocked,
}

/// Longest attribute that we read, with headers: the longest we know of has 160 bytes.
const ATTRIBUTE_BYTES_MAX: usize = 2048;

impl Drive {
    /// Reads one attribute of a partition. `None` if the cartridge or the drive does not have it.
    ///
    /// # Errors
    /// If the drive does not answer or there is no cartridge.
    pub fn read_attribute(
        &mut self,
        partition: Partition,
        id: AttributeId,
    ) -> Result<Option<Attribute>, DriveError> {
        const OPERATION: Operation = Operation::Named("read an attribute of the cartridge");
        let bytes = u32::try_from(ATTRIBUTE_BYTES_MAX).unwrap_or(u32::MAX);
        let attributes = match self.ask::<_, ATTRIBUTE_BYTES_MAX>(
            OPERATION,
            primary::read_attribute(ReadAttribute::Values, partition, id.0, bytes),
            mam::parse_attributes,
        ) {
            Ok(attributes) => attributes,
            Err(error) if is_refusal(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A drive that does not have it answers with the next one that it has. One without a value
        // is one that was never written.
        Ok(attributes.into_iter().find(|a| a.id == id && !a.value.is_empty()))
    }

    /// Writes attributes of a partition, all in one command, through to the cartridge's memory.
    ///
    /// # Errors
    /// Nothing is sent without a permit or with the position lost: attributes speak for the tape.
    pub fn write_attributes(
        &mut self,
        partition: Partition,
        attributes: &[Attribute],
    ) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("write attributes of the cartridge");
        self.ensure_writable(OPERATION)?;
        let list = mam::encode_attributes(attributes)
            .and_then(|list| Some((u32::try_from(list.len()).ok()?, list)));
        let Some((length, list)) = list else {
            return Err(self.bad_request(OPERATION, "an attribute is too long"));
        };
        let cdb = primary::write_attribute(partition, length);
        match self.send(OPERATION, cdb, Data::Out(&list))? {
            Ended::Good { .. } => Ok(()),
            Ended::Check { sense, .. } => Err(self.failed(OPERATION, sense)),
        }
    }

    /// Locks the cartridge into the drive.
    ///
    /// # Errors
    /// If the drive does not answer or refuses.
    pub fn lock_medium(&mut self) -> Result<Lock, DriveError> {
        const OPERATION: Operation = Operation::Named("lock the cartridge");
        let cdb = primary::prevent_allow_medium_removal(MediumRemoval::Prevent);
        self.query(OPERATION, cdb, None)?;
        Ok(if self.quirks.ignores_medium_lock { Lock::Unlocked } else { Lock::Locked })
    }

    /// Lets the cartridge go.
    ///
    /// # Errors
    /// If the drive does not answer or refuses.
    pub fn unlock_medium(&mut self) -> Result<(), DriveError> {
        const OPERATION: Operation = Operation::Named("unlock the cartridge");
        let cdb = primary::prevent_allow_medium_removal(MediumRemoval::Allow);
        self.query(OPERATION, cdb, None)?;
        Ok(())
    }

    /// True while the position is lost and only a locate finds it again.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.belief, Belief::Lost(_))
    }
}
