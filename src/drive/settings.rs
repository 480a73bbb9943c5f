//! Settings that last until the next reset or load, and erasing.
//!
//! A reset puts settings back to the drive's defaults without a word besides its unit attention, so
//! whoever finds a lost position again sets them again.

use super::command::Ended;
use super::{Drive, DriveError, Operation};
use crate::domain::ByteCount;
use crate::scsi::cdb::primary::{self, ModePageCode};
use crate::scsi::cdb::stream::{self, EraseMethod, Reply};
use crate::scsi::{AnswerError, Data, mode};

/// Whether the drive compresses what is written. Reading never depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// It does not.
    Off,
    /// It does.
    On,
}

/// How much is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erase {
    /// An end of data mark is written at the position: seconds.
    Quick,
    /// Everything from the position to the end of the partition is overwritten: hours.
    Thorough,
}

/// Bytes in the megabyte of the programmable early warning size.
const MEGABYTE: u64 = 1_000_000;

impl Drive {
    /// Switches compression of what is written from now on.
    ///
    /// # Errors
    /// If the drive refuses or does not answer.
    pub fn set_compression(&mut self, compression: Compression) -> Result<(), DriveError> {
        let on = compression == Compression::On;
        let operation = Operation::Named("set compression");
        self.change_page(operation, mode::PAGE_COMPRESSION, |page| mode::set_compressing(page, on))
    }

    /// Sets how far before early warning a write is answered with
    /// [`super::WriteOutcome::NearEnd`]. Rounded up to megabytes, at most 65,535 of them; 0 is off.
    ///
    /// # Errors
    /// If the drive refuses or does not answer.
    pub fn set_programmable_early_warning(&mut self, before: ByteCount) -> Result<(), DriveError> {
        let megabytes = u16::try_from(before.0.div_ceil(MEGABYTE)).unwrap_or(u16::MAX);
        let operation = Operation::Named("set programmable early warning");
        self.change_page(operation, mode::PAGE_DEVICE_CONFIGURATION_EXTENSION, |page| {
            mode::set_programmable_early_warning_mb(page, megabytes)
        })
    }

    pub(super) fn change_page(
        &mut self,
        operation: Operation,
        code: ModePageCode,
        change: impl FnOnce(&mut [u8]) -> Result<(), AnswerError>,
    ) -> Result<(), DriveError> {
        let (parameters, mut page) = self.mode_page(operation, code)?;
        let before = page.clone();
        change(&mut page).map_err(|source| self.misunderstood(operation, source))?;
        if page == before {
            return Ok(());
        }
        let list = parameters.select10(&page);
        let length = u16::try_from(list.len()).unwrap_or(u16::MAX);
        self.tell(operation, primary::mode_select10(length), &list)
    }

    /// Erases from the position on and reads where the tape is then.
    ///
    /// # Errors
    /// Nothing is sent without a permit or with the position lost. After a failure it is lost.
    pub fn erase(&mut self, erase: Erase) -> Result<(), DriveError> {
        let operation = Operation::Named("erase");
        self.ensure_writable(operation)?;
        let method = match erase {
            Erase::Quick => EraseMethod::Short,
            Erase::Thorough => EraseMethod::Long,
        };
        let cdb = stream::erase6(method, Reply::AtEnd);
        match self.send(operation, cdb, Data::None)? {
            Ended::Good { .. } => {
                self.arrive(operation)?;
                Ok(())
            }
            Ended::Check { sense, .. } => Err(self.failed(operation, sense)),
        }
    }
}
