//! Append-only mode: the drive itself refuses to write anywhere but at the end of data.
//!
//! We ask where the tape is before each commit, and a drive that was reset or moved by somebody else
//! between that question and the write would still write where it then stands. In this mode it does
//! not (LTO-5 and later): what is to be written over, which is an index on the index partition and
//! nothing else, is named to the drive block by block first. The mode lasts until the cartridge is
//! unloaded or the drive is reset.

use super::command::Ended;
use super::{Drive, DriveError, LostBecause, Operation};
use crate::domain::Position;
use crate::scsi::cdb::stream;
use crate::scsi::{Condition, Data, Sense, SenseKey, mode};

/// Who guards what is on the tape against a write in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The drive, and we by asking for the position.
    Drive,
    /// We alone: this drive has no append-only mode.
    PositionOnly,
}

const OPERATION: Operation = Operation::Named("switch append-only mode on");
const LAYING_OUT: Operation = Operation::Named("allow the cartridge to be laid out anew");
const ALLOWING: Operation = Operation::Named("allow an index to be written over");

impl Drive {
    /// Lets the drive refuse whatever is not appended. A drive without this mode is used as it is.
    ///
    /// # Errors
    /// If the drive does not answer, or with a unit attention that nobody has looked at.
    pub fn append_only(&mut self) -> Result<Guard, DriveError> {
        let code = mode::PAGE_DEVICE_CONFIGURATION_EXTENSION;
        self.guard = match self.change_page(OPERATION, code, mode::set_append_only) {
            Ok(()) => Guard::Drive,
            Err(error) if has_no_such_mode(&error) => Guard::PositionOnly,
            Err(error) => return Err(error),
        };
        Ok(self.guard)
    }

    /// Permits the next write to replace what stands from `at` on, where the tape must be.
    ///
    /// # Errors
    /// If the tape is somewhere else: the position is lost then.
    pub fn allow_overwrite(&mut self, at: Position) -> Result<(), DriveError> {
        let believed = self.ensure_writable(ALLOWING)?;
        if believed != at {
            return Err(self.bad_request(ALLOWING, "the tape is not there"));
        }
        if self.guard == Guard::PositionOnly {
            return Ok(());
        }
        let cdb = stream::allow_overwrite(at.partition, at.block);
        match self.send(ALLOWING, cdb, Data::None)? {
            Ended::Good { .. } => Ok(()),
            Ended::Check { sense, .. } => Err(self.failed(ALLOWING, sense)),
        }
    }

    /// Permits the next command that lays the cartridge out anew, where somebody has left it guarded.
    pub(super) fn allow_layout(&mut self) -> Result<(), DriveError> {
        let code = mode::PAGE_DEVICE_CONFIGURATION_EXTENSION;
        let is_guarded = match self.mode_page(LAYING_OUT, code) {
            Ok((_, page)) => mode::is_append_only(&page)
                .map_err(|source| self.misunderstood(LAYING_OUT, source))?,
            Err(error) if has_no_such_mode(&error) => false,
            Err(error) => return Err(error),
        };
        if !is_guarded {
            return Ok(());
        }
        self.deliver_attention(LAYING_OUT)?;
        match self.send(LAYING_OUT, stream::allow_layout(), Data::None)? {
            Ended::Good { .. } => Ok(()),
            Ended::Check { sense, .. } => Err(self.failed(LAYING_OUT, sense)),
        }
    }

    /// Whether the drive has refused because the tape does not stand where we believe.
    pub(super) fn is_elsewhere(&self, sense: &Sense) -> bool {
        match sense.condition() {
            Condition::WrongPosition => true,
            // Some firmware has one answer for WORM and append-only.
            Condition::WormOverwrite => self.guard == Guard::Drive,
            _ => false,
        }
    }

    /// The error of such a refusal.
    pub(super) fn found_elsewhere(&mut self, operation: Operation, sense: Sense) -> DriveError {
        let because = LostBecause::Failed(sense);
        self.lose(because.clone());
        self.position_lost(operation, because)
    }
}

fn has_no_such_mode(error: &DriveError) -> bool {
    match error {
        DriveError::Unsupported { .. } => true,
        DriveError::Command { sense, .. } => sense.key == SenseKey::IllegalRequest,
        _ => false,
    }
}
