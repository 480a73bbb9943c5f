//! Going somewhere and knowing that it was reached.
//!
//! Each motion ends with READ POSITION: the position that a verb leaves behind is the drive's own word
//! and not our arithmetic.

use super::command::{Ended, is_refusal};
use super::{Belief, Drive, DriveError, LostBecause, Operation};
use crate::domain::{BlockNumber, Partition, Position};
use crate::scsi::cdb::stream::{self, Reply, Space};
use crate::scsi::position::{self, LongPosition};
use crate::scsi::{Cdb, Condition, Data, SenseKey};

/// Where the drive says that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapePosition {
    /// Partition and next object.
    pub position: Position,
    /// Filemarks between the beginning of the partition and here, if the drive knows.
    pub filemarks_before: Option<u64>,
    /// At the beginning of the partition.
    pub is_at_beginning: bool,
    /// Beyond early warning: little room is left.
    pub is_past_early_warning: bool,
    /// Beyond programmable early warning.
    pub is_past_programmable_early_warning: bool,
}

/// How spacing over filemarks ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceOutcome {
    /// Behind the last filemark asked for (forward) or before it (backward).
    Done,
    /// At the end of data; there were fewer filemarks.
    EndOfData,
    /// At the beginning of the partition; there were fewer filemarks.
    BeginningOfPartition,
}

impl Drive {
    /// Asks the drive where it is. Sets the belief, unless the position was lost: then only a motion to
    /// a known place finds it again.
    ///
    /// # Errors
    /// If the drive does not answer or does not know.
    pub fn read_position(&mut self) -> Result<TapePosition, DriveError> {
        let operation = Operation::Named("read the position");
        let answer = self.ask_position(operation)?;
        let Some(position) = answer.position else {
            let because = LostBecause::Contradiction("the drive does not know where it is");
            self.lose(because.clone());
            return Err(self.position_lost(operation, because));
        };
        if !matches!(self.belief, Belief::Lost(_)) {
            self.belief = Belief::At(position);
        }
        Ok(TapePosition {
            position,
            filemarks_before: answer.filemarks_before,
            is_at_beginning: answer.is_at_beginning,
            is_past_early_warning: answer.is_past_early_warning,
            is_past_programmable_early_warning: answer.is_past_programmable_early_warning,
        })
    }

    fn ask_position(&mut self, operation: Operation) -> Result<LongPosition, DriveError> {
        if self.capabilities.has_long_commands {
            let long = self.ask::<_, { position::LONG_BYTES }>(
                operation,
                stream::read_position_long(),
                position::parse_long,
            );
            match long {
                Err(error) if is_refusal(&error) => self.capabilities.has_long_commands = false,
                answer => return answer,
            }
        }
        let short = self.ask::<_, { position::SHORT_BYTES }>(
            operation,
            stream::read_position_short(),
            position::parse_short,
        )?;
        Ok(LongPosition {
            position: short.position,
            filemarks_before: None,
            is_at_beginning: short.is_at_beginning,
            is_past_early_warning: short.is_past_early_warning,
            is_past_programmable_early_warning: false,
        })
    }

    /// Asks the drive where it is and compares.
    ///
    /// # Errors
    /// [`DriveError::PositionLost`] if it is elsewhere, or if the position was lost before.
    pub fn ensure_position(&mut self, expected: Position) -> Result<(), DriveError> {
        let operation = Operation::Named("go on");
        self.deliver_attention(operation)?;
        let found = self.read_position()?.position;
        self.deliver_attention(operation)?;
        if let Belief::Lost(because) = &self.belief {
            return Err(self.position_lost(operation, because.clone()));
        }
        if found == expected {
            return Ok(());
        }
        let because = LostBecause::Disagreement { expected, found: Some(found) };
        self.lose(because.clone());
        Err(self.position_lost(operation, because))
    }

    /// Goes to a position and checks that it was reached. Finds a lost position again.
    ///
    /// # Errors
    /// [`DriveError::BeyondEndOfData`] if the data ends before; the tape then stands at its end. After
    /// any other error the position is lost.
    pub fn locate(&mut self, to: Position) -> Result<(), DriveError> {
        let operation = Operation::Locate(to);
        self.deliver_attention(operation)?;
        self.refuse_unknown_partition(operation, to.partition)?;
        let cdb = self.locate_cdb(operation, to)?;
        match self.send(operation, cdb, Data::None)? {
            Ended::Good { .. } => {}
            Ended::Check { sense, .. } if sense.condition() == Condition::EndOfData => {
                let end = self.arrive(operation)?;
                if end == to {
                    return Ok(());
                }
                let drive = self.identity.serial.clone();
                return Err(DriveError::BeyondEndOfData { drive, wanted: to, end });
            }
            Ended::Check { sense, .. } if is_unknown_command(sense.condition(), &cdb) => {
                self.capabilities.has_long_commands = false;
                let cdb = self.locate_cdb(operation, to)?;
                if let Ended::Check { sense, .. } = self.send(operation, cdb, Data::None)? {
                    return Err(self.failed(operation, sense));
                }
            }
            Ended::Check { sense, .. } => return Err(self.failed(operation, sense)),
        }
        let found = self.arrive(operation)?;
        if found == to {
            return Ok(());
        }
        let because = LostBecause::Disagreement { expected: to, found: Some(found) };
        self.lose(because.clone());
        Err(self.position_lost(operation, because))
    }

    fn locate_cdb(&self, operation: Operation, to: Position) -> Result<Cdb, DriveError> {
        if self.capabilities.has_long_commands {
            return Ok(stream::locate16(to.partition, to.block).into());
        }
        match stream::locate10(to.partition, to.block) {
            Some(cdb) => Ok(cdb.into()),
            None => Err(self.bad_request(operation, "the drive counts blocks in 32 bits")),
        }
    }

    /// Goes behind everything that was written in a partition. Finds a lost position again.
    ///
    /// # Errors
    /// After any the position is lost.
    pub fn locate_end_of_data(&mut self, partition: Partition) -> Result<Position, DriveError> {
        let operation = Operation::Named("locate to the end of data");
        self.deliver_attention(operation)?;
        self.refuse_unknown_partition(operation, partition)?;
        if self.position().is_none_or(|p| p.partition != partition) {
            if self.try_locate_end_of_data(operation, partition)? {
                return self.arrive_in(operation, partition);
            }
            self.locate(Position { partition, block: BlockNumber(0) })?;
        }
        self.space_end_of_data(operation)?;
        self.arrive_in(operation, partition)
    }

    /// LOCATE(16) with DEST_TYPE end of data. False if the drive does not have it; then nothing moved.
    fn try_locate_end_of_data(
        &mut self,
        operation: Operation,
        partition: Partition,
    ) -> Result<bool, DriveError> {
        if self.quirks.refuses_locate_to_end_of_data || !self.capabilities.has_long_commands {
            return Ok(false);
        }
        match self.send(operation, stream::locate16_end_of_data(partition), Data::None)? {
            Ended::Good { .. } => Ok(true),
            Ended::Check { sense, .. } if sense.condition() == Condition::EndOfData => Ok(true),
            Ended::Check { sense, .. } if sense.key == SenseKey::IllegalRequest => {
                self.quirks.refuses_locate_to_end_of_data = true;
                Ok(false)
            }
            Ended::Check { sense, .. } => Err(self.failed(operation, sense)),
        }
    }

    fn space_end_of_data(&mut self, operation: Operation) -> Result<(), DriveError> {
        match self.space(operation, Space::EndOfData)? {
            Ended::Good { .. } => Ok(()),
            Ended::Check { sense, .. } if sense.condition() == Condition::EndOfData => Ok(()),
            Ended::Check { sense, .. } => Err(self.failed(operation, sense)),
        }
    }

    /// Spaces over filemarks, backwards if `count` is negative, and reads the position reached.
    ///
    /// # Errors
    /// After any the position is lost.
    pub fn space_filemarks(&mut self, count: i64) -> Result<SpaceOutcome, DriveError> {
        let operation = Operation::SpaceFilemarks(count);
        let from = self.ensure_known(operation)?;
        if count == 0 {
            return Ok(SpaceOutcome::Done);
        }
        let outcome = match self.space(operation, Space::Filemarks(count))? {
            Ended::Good { .. } => SpaceOutcome::Done,
            Ended::Check { sense, .. } => match sense.condition() {
                Condition::EndOfData if count > 0 => SpaceOutcome::EndOfData,
                Condition::BeginningOfPartition => SpaceOutcome::BeginningOfPartition,
                // Backwards, EOM without an error is the beginning of the partition.
                _ if count < 0 && sense.end_of_medium && sense.key == SenseKey::NoSense => {
                    SpaceOutcome::BeginningOfPartition
                }
                // mhvtl runs to the end of data when it spaces back past the beginning.
                Condition::EndOfData => SpaceOutcome::BeginningOfPartition,
                _ => return Err(self.failed(operation, sense)),
            },
        };
        let found = self.arrive_in(operation, from.partition)?;
        if outcome == SpaceOutcome::BeginningOfPartition && found.block.0 != 0 {
            self.locate(Position { partition: from.partition, block: BlockNumber(0) })?;
        }
        let went_wrong_way = match count {
            1.. => found.block < from.block,
            _ => found.block > from.block && outcome == SpaceOutcome::Done,
        };
        if went_wrong_way {
            return Err(self.contradicts(operation, "the tape moved the wrong way"));
        }
        Ok(outcome)
    }

    fn space(&mut self, operation: Operation, what: Space) -> Result<Ended, DriveError> {
        if self.capabilities.has_long_commands {
            let cdb = Cdb::from(stream::space16(what));
            match self.send(operation, cdb, Data::None)? {
                Ended::Check { sense, .. } if is_unknown_command(sense.condition(), &cdb) => {
                    self.capabilities.has_long_commands = false;
                }
                ended => return Ok(ended),
            }
        }
        match stream::space6(what) {
            Some(cdb) => self.send(operation, cdb, Data::None),
            None => Err(self.bad_request(operation, "the drive counts filemarks in 24 bits")),
        }
    }

    /// Goes to the beginning of the partition that the tape is in, and checks it. Finds a lost position
    /// again.
    ///
    /// # Errors
    /// After any the position is lost.
    pub fn rewind(&mut self) -> Result<(), DriveError> {
        let operation = Operation::Named("rewind");
        self.deliver_attention(operation)?;
        if let Ended::Check { sense, .. } =
            self.send(operation, stream::rewind(Reply::AtEnd), Data::None)?
        {
            return Err(self.failed(operation, sense));
        }
        let found = self.arrive(operation)?;
        if found.block.0 == 0 {
            return Ok(());
        }
        Err(self.contradicts(operation, "the drive has rewound and is not at the beginning"))
    }

    /// After a motion that was answered as good: the drive's word where it ended.
    pub(super) fn arrive(&mut self, operation: Operation) -> Result<Position, DriveError> {
        self.belief = Belief::Unknown;
        let found = self.read_position()?;
        // A unit attention between the motion and the question: where it is now means nothing.
        self.deliver_attention(operation)?;
        Ok(found.position)
    }

    fn arrive_in(
        &mut self,
        operation: Operation,
        partition: Partition,
    ) -> Result<Position, DriveError> {
        let found = self.arrive(operation)?;
        if found.partition == partition {
            return Ok(found);
        }
        Err(self.contradicts(operation, "the drive is in another partition"))
    }

    /// A partition that the cartridge does not have is never asked for: mhvtl loses its state over it
    /// and the kernel's emulation crashes.
    fn refuse_unknown_partition(
        &self,
        operation: Operation,
        partition: Partition,
    ) -> Result<(), DriveError> {
        match self.partition_count {
            Some(count) if partition.0 >= count => {
                Err(self.bad_request(operation, "the cartridge has no such partition"))
            }
            _ => Ok(()),
        }
    }
}

/// A long form that the drive does not have.
fn is_unknown_command(condition: Condition, cdb: &Cdb) -> bool {
    condition == Condition::UnsupportedCommand && cdb.as_bytes().len() == 16
}
