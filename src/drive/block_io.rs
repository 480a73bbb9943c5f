//! Blocks and filemarks: what READ(6), WRITE(6) and WRITE FILEMARKS(6) did, told apart.
//!
//! Every outcome leaves the belief exactly where the drive is. Where the sense leaves room for doubt
//! (early warning with a residual, volume overflow) the drive is asked where it is before an outcome
//! is given.

use super::command::Ended;
use super::{Belief, Drive, DriveError, LostBecause, Operation};
use crate::domain::{BlockCount, Position};
use crate::scsi::cdb::stream::{self, Reply};
use crate::scsi::{Condition, Data, Sense, SenseKey};

/// What a read met.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// A block; its bytes are the first `len` of the buffer. The tape stands behind it.
    Block {
        /// Its length in bytes.
        len: usize,
    },
    /// A filemark; the tape stands behind it.
    Filemark,
    /// Nothing was written here; the tape has not moved.
    EndOfData,
}

/// What a write did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is written (or in the drive's buffer).
    Written,
    /// It is written, and programmable early warning has been passed.
    NearEnd,
    /// It is written, and early warning has been passed.
    EarlyWarning,
    /// It is NOT written: no room. The tape stands before it.
    Full,
}

impl WriteOutcome {
    /// True in all cases but [`WriteOutcome::Full`].
    #[must_use]
    pub fn is_on_tape(self) -> bool {
        self != Self::Full
    }
}

/// When WRITE FILEMARKS is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// When everything before it is on tape. Success is what *flushed* means.
    Synchronous,
    /// At once; everything may still be in the drive's buffer.
    Immediate,
}

impl Drive {
    /// Reads the next block into `buffer`. If it does not open, the key that it names is looked for
    /// ([`Drive::find_keys_in`]) and it is read once more.
    ///
    /// # Errors
    /// [`DriveError::BlockTooLong`] if the block does not fit; the tape then stands behind it.
    /// [`DriveError::KeyMissing`] if its key is not at hand; the tape then stands before it. With any
    /// other error but a refusal by us the position is lost.
    pub fn read_block(&mut self, buffer: &mut [u8]) -> Result<ReadOutcome, DriveError> {
        let at = self.ensure_known(Operation::Read)?;
        match self.read_block_at(at, buffer) {
            Err(refused) if refused.condition() == Some(Condition::DecryptionFailed) => {
                self.fetch_key(at, refused)?;
                self.read_block_at(at, buffer)
            }
            other => other,
        }
    }

    fn read_block_at(
        &mut self,
        at: Position,
        buffer: &mut [u8],
    ) -> Result<ReadOutcome, DriveError> {
        let operation = Operation::Read;
        let wanted = self.capabilities.block_bytes_max.min(buffer.len());
        let Some(length) = u32::try_from(wanted).ok().filter(|n| *n > 0) else {
            return Err(self.bad_request(operation, "the buffer is empty"));
        };
        let buffer = &mut buffer[..wanted];
        match self.send(operation, stream::read6(length), Data::In(buffer))? {
            Ended::Good { transferred } if transferred == wanted => {
                self.advance(at, 1);
                Ok(ReadOutcome::Block { len: wanted })
            }
            Ended::Good { .. } => {
                Err(self.contradicts(operation, "fewer bytes came than the block has"))
            }
            Ended::Check { sense, transferred } => self.read_ended(at, wanted, sense, transferred),
        }
    }

    fn read_ended(
        &mut self,
        at: Position,
        wanted: usize,
        sense: Sense,
        transferred: usize,
    ) -> Result<ReadOutcome, DriveError> {
        let operation = Operation::Read;
        match sense.condition() {
            Condition::EndOfData => return Ok(ReadOutcome::EndOfData),
            _ if !is_informational(&sense) => return Err(self.failed(operation, sense)),
            Condition::Filemark => {
                self.advance(at, 1);
                return Ok(ReadOutcome::Filemark);
            }
            _ if sense.filemark => {
                self.advance(at, 1);
                return Ok(ReadOutcome::Filemark);
            }
            _ => {}
        }
        // INFORMATION is the requested length minus the block's; without ILI the lengths agree.
        let shorter = if sense.incorrect_length { sense.information } else { Some(0) };
        let requested = i64::try_from(wanted).unwrap_or(i64::MAX);
        let Some(len) = shorter.and_then(|n| u64::try_from(requested.checked_sub(n)?).ok()) else {
            return Err(self.contradicts(operation, "a block of another length, but not which"));
        };
        match usize::try_from(len) {
            Ok(len) if len <= wanted => {
                if transferred < len {
                    return Err(self.contradicts(operation, "fewer bytes came than the block has"));
                }
                self.advance(at, 1);
                Ok(ReadOutcome::Block { len })
            }
            _ => {
                self.advance(at, 1);
                let drive = self.identity.serial.clone();
                Err(DriveError::BlockTooLong { drive, at, len, limit: wanted })
            }
        }
    }

    /// Writes one block. Except for [`WriteOutcome::Full`] it is on tape or in the drive's buffer.
    ///
    /// # Errors
    /// Nothing is sent without a permit or with the position lost. With [`DriveError::Protected`] and
    /// refusals the tape has not moved; with any other error the position is lost.
    pub fn write_block(&mut self, block: &[u8]) -> Result<WriteOutcome, DriveError> {
        let operation = Operation::Write;
        let at = self.ensure_writable(operation)?;
        let length = match u32::try_from(block.len()) {
            Ok(length) if length > 0 && block.len() <= self.capabilities.block_bytes_max => length,
            _ => return Err(self.bad_request(operation, "the drive takes no block of that length")),
        };
        match self.send(operation, stream::write6(length), Data::Out(block))? {
            Ended::Good { transferred } if transferred == block.len() => {
                self.advance(at, 1);
                Ok(WriteOutcome::Written)
            }
            Ended::Good { .. } => {
                Err(self.contradicts(operation, "fewer bytes went than the block has"))
            }
            Ended::Check { sense, .. } => self.write_ended(operation, at, 1, sense),
        }
    }

    /// Writes filemarks. `count` 0 with [`Flush::Synchronous`] only flushes the drive's buffer.
    ///
    /// # Errors
    /// As [`Self::write_block`]. A [`DriveError::Deferred`] says that blocks since the last synchronous
    /// filemark are lost.
    pub fn write_filemarks(
        &mut self,
        count: u32,
        flush: Flush,
    ) -> Result<WriteOutcome, DriveError> {
        let operation = Operation::WriteFilemarks(count);
        let at = self.ensure_writable(operation)?;
        if count > stream::TRANSFER_BYTES_MAX {
            return Err(self.bad_request(operation, "too many filemarks for one command"));
        }
        let reply = match flush {
            Flush::Synchronous => Reply::AtEnd,
            Flush::Immediate => Reply::AtOnce,
        };
        match self.send(operation, stream::write_filemarks6(count, reply), Data::None)? {
            Ended::Good { .. } => {
                self.advance(at, u64::from(count));
                Ok(WriteOutcome::Written)
            }
            Ended::Check { sense, .. } => self.write_ended(operation, at, u64::from(count), sense),
        }
    }

    fn write_ended(
        &mut self,
        operation: Operation,
        at: Position,
        count: u64,
        sense: Sense,
    ) -> Result<WriteOutcome, DriveError> {
        let outcome = match sense.condition() {
            Condition::VolumeOverflow => return self.confirm_full(operation, at, count),
            _ if !is_informational(&sense) => return Err(self.failed(operation, sense)),
            Condition::ProgrammableEarlyWarning => WriteOutcome::NearEnd,
            Condition::EarlyWarning => WriteOutcome::EarlyWarning,
            _ if sense.end_of_medium => WriteOutcome::EarlyWarning,
            _ => return Err(self.failed(operation, sense)),
        };
        if sense.information.unwrap_or(0) == 0 {
            self.advance(at, count);
            return Ok(outcome);
        }
        // A warning with a residual: some drives mean "not written" by it, others report nonsense.
        let found = self.read_position()?.position;
        if found == after(at, count) {
            return Ok(outcome);
        }
        self.confirm_full(operation, at, count)
    }

    /// After "no room": the tape must stand before the object that did not fit, else buffered blocks
    /// were lost too.
    fn confirm_full(
        &mut self,
        operation: Operation,
        at: Position,
        count: u64,
    ) -> Result<WriteOutcome, DriveError> {
        let found = self.read_position()?.position;
        // Of several filemarks the first may have been written.
        let written = found.block.0.checked_sub(at.block.0);
        let stands_before =
            found.partition == at.partition && written.is_some_and(|n| n < count.max(1));
        if stands_before {
            return Ok(WriteOutcome::Full);
        }
        let because = LostBecause::Disagreement { expected: at, found: Some(found) };
        self.lose(because.clone());
        Err(self.position_lost(operation, because))
    }

    fn advance(&mut self, from: Position, objects: u64) {
        self.belief = Belief::At(after(from, objects));
    }
}

fn after(from: Position, objects: u64) -> Position {
    Position { partition: from.partition, block: from.block.after(BlockCount(objects)) }
}

/// The command was executed; the sense only adds something to it.
fn is_informational(sense: &Sense) -> bool {
    matches!(sense.key, SenseKey::NoSense | SenseKey::RecoveredError | SenseKey::Completed)
}
