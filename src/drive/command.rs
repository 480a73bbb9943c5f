//! How a command is sent and what of its end concerns every verb.
//!
//! Transport errors, deferred errors, unit attentions, reservation conflicts and BUSY are dealt with
//! here, once; a verb sees only GOOD or a sense that is about its own command.

use super::{Access, Belief, Drive, DriveError, LostBecause, Operation};
use crate::domain::Position;
use crate::scsi::cdb::primary;
use crate::scsi::{
    AnswerError, Cdb, Command, Completion, Condition, Data, Sense, SenseKey, Status,
};

/// How a command ended that was executed.
#[derive(Debug)]
pub(super) enum Ended {
    /// GOOD, or recovered without a word that matters.
    Good {
        /// Bytes moved, by the transport's residual.
        transferred: usize,
    },
    /// CHECK CONDITION about this very command.
    Check {
        /// What the drive says.
        sense: Sense,
        /// Bytes moved, by the transport's residual.
        transferred: usize,
    },
}

/// Unit attentions in a row after which a drive is not trusted: more than the standards can queue.
const ATTENTIONS_MAX: usize = 16;

impl Drive {
    /// Sends one command, once.
    pub(super) fn send(
        &mut self,
        operation: Operation,
        cdb: impl Into<Cdb>,
        data: Data<'_>,
    ) -> Result<Ended, DriveError> {
        let cdb = cdb.into();
        let timeout = self.timeouts.limit(cdb.opcode());
        match self.transport.execute(Command { cdb, data, timeout }) {
            Ok(completion) => self.sort_out(operation, completion),
            Err(source) => {
                self.lose(LostBecause::NoAnswer);
                let drive = self.identity.serial.clone();
                Err(DriveError::Transport { drive, operation, source })
            }
        }
    }

    fn sort_out(
        &mut self,
        operation: Operation,
        completion: Completion,
    ) -> Result<Ended, DriveError> {
        let drive = self.identity.serial.clone();
        let transferred = completion.transferred;
        match (completion.status, completion.sense) {
            (_, Some(sense)) if sense.is_deferred => {
                self.lose(LostBecause::Deferred(sense.clone()));
                Err(DriveError::Deferred { drive, operation, sense })
            }
            (Status::Good | Status::ConditionMet, _) => Ok(Ended::Good { transferred }),
            (Status::CheckCondition, Some(sense)) if sense.key == SenseKey::UnitAttention => {
                self.note_attention(&sense);
                Err(DriveError::UnitAttention { drive, operation, sense })
            }
            (Status::CheckCondition, Some(sense)) if is_plainly_recovered(&sense) => {
                Ok(Ended::Good { transferred })
            }
            (Status::CheckCondition, Some(sense)) => Ok(Ended::Check { sense, transferred }),
            (Status::Busy | Status::TaskSetFull, _) => Err(DriveError::Busy { drive, operation }),
            (Status::ReservationConflict, _) => {
                Err(DriveError::ReservationConflict { drive, operation })
            }
            (Status::CheckCondition, None) => {
                Err(self.contradicts(operation, "the drive reports an error without sense"))
            }
            (Status::AcaActive | Status::TaskAborted | Status::Other(_), _) => {
                Err(self.contradicts(operation, "the command was aborted or has an unknown status"))
            }
        }
    }

    /// Sends a command that moves nothing and changes nothing on the tape, over unit attentions, and
    /// returns the bytes moved. A unit attention is kept for the next verb that is not harmless.
    pub(super) fn query(
        &mut self,
        operation: Operation,
        cdb: impl Into<Cdb>,
        mut buffer: Option<&mut [u8]>,
    ) -> Result<usize, DriveError> {
        let cdb = cdb.into();
        for _ in 0..ATTENTIONS_MAX {
            let data = match &mut buffer {
                Some(buffer) => Data::In(buffer),
                None => Data::None,
            };
            match self.send(operation, cdb, data) {
                Ok(Ended::Good { transferred }) => {
                    return Ok(transferred.min(buffer.map_or(0, |b| b.len())));
                }
                Ok(Ended::Check { sense, .. }) => return Err(self.query_failed(operation, sense)),
                Err(DriveError::UnitAttention { sense, .. }) => {
                    self.pending_attention.get_or_insert(sense);
                }
                Err(error) => return Err(error),
            }
        }
        Err(self.inconsistent(operation, "one unit attention after another"))
    }

    /// Sends parameters that change settings and not the tape, over unit attentions as [`Self::query`].
    pub(super) fn tell(
        &mut self,
        operation: Operation,
        cdb: impl Into<Cdb>,
        bytes: &[u8],
    ) -> Result<(), DriveError> {
        let cdb = cdb.into();
        for _ in 0..ATTENTIONS_MAX {
            match self.send(operation, cdb, Data::Out(bytes)) {
                Ok(Ended::Good { .. }) => return Ok(()),
                Ok(Ended::Check { sense, .. }) => return Err(self.query_failed(operation, sense)),
                Err(DriveError::UnitAttention { sense, .. }) => {
                    self.pending_attention.get_or_insert(sense);
                }
                Err(error) => return Err(error),
            }
        }
        Err(self.inconsistent(operation, "one unit attention after another"))
    }

    /// Reads an answer of at most `N` bytes and parses what was received.
    pub(super) fn ask<T, const N: usize>(
        &mut self,
        operation: Operation,
        cdb: impl Into<Cdb>,
        parse: impl FnOnce(&[u8]) -> Result<T, AnswerError>,
    ) -> Result<T, DriveError> {
        let mut buffer = [0; N];
        let got = self.query(operation, cdb, Some(&mut buffer))?;
        parse(&buffer[..got]).map_err(|source| self.misunderstood(operation, source))
    }

    /// Takes unit attentions off the drive until it has none. What is kept of them stays kept.
    pub(super) fn drain_attentions(&mut self, operation: Operation) -> Result<(), DriveError> {
        for _ in 0..ATTENTIONS_MAX {
            match self.send(operation, primary::test_unit_ready(), Data::None) {
                Ok(_) | Err(DriveError::Busy { .. }) => return Ok(()),
                Err(DriveError::UnitAttention { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(self.inconsistent(operation, "one unit attention after another"))
    }

    /// Gives a unit attention that was met before to a verb that is not harmless.
    pub(super) fn deliver_attention(&mut self, operation: Operation) -> Result<(), DriveError> {
        match self.pending_attention.take() {
            Some(sense) => {
                let drive = self.identity.serial.clone();
                Err(DriveError::UnitAttention { drive, operation, sense })
            }
            None => Ok(()),
        }
    }

    /// The position from which a read or a relative motion starts; asks the drive if nobody has yet.
    pub(super) fn ensure_known(&mut self, operation: Operation) -> Result<Position, DriveError> {
        self.deliver_attention(operation)?;
        if self.belief == Belief::Unknown {
            self.read_position()?;
            self.deliver_attention(operation)?;
        }
        match &self.belief {
            Belief::At(position) => Ok(*position),
            Belief::Lost(because) => Err(self.position_lost(operation, because.clone())),
            Belief::Unknown => Err(self.position_lost(operation, LostBecause::NotEstablished)),
        }
    }

    /// The position at which a write would start, if writing is permitted and the position known.
    /// Sends nothing.
    pub(super) fn ensure_writable(&mut self, operation: Operation) -> Result<Position, DriveError> {
        self.deliver_attention(operation)?;
        match &self.belief {
            Belief::Lost(because) => Err(self.position_lost(operation, because.clone())),
            _ if self.access == Access::ReadOnly => Err(self.not_permitted(operation)),
            Belief::Unknown => Err(self.position_lost(operation, LostBecause::NotEstablished)),
            Belief::At(position) => Ok(*position),
        }
    }

    /// A unit attention: whatever was known of the tape is not known any more.
    fn note_attention(&mut self, sense: &Sense) {
        self.lose(LostBecause::UnitAttention(sense.clone()));
        if sense.condition() == Condition::MediumMayHaveChanged {
            self.forbid();
            self.partition_count = None;
        }
    }

    /// Drops the belief. The first reason is kept: later ones follow from it.
    pub(super) fn lose(&mut self, because: LostBecause) {
        if !matches!(self.belief, Belief::Lost(_)) {
            self.belief = Belief::Lost(because);
        }
    }

    /// The error of a verb that moves, reads or writes, from its sense; drops the belief unless the
    /// sense says that nothing was done.
    pub(super) fn failed(&mut self, operation: Operation, sense: Sense) -> DriveError {
        if self.is_elsewhere(&sense) {
            return self.found_elsewhere(operation, sense);
        }
        let error = self.command_error(operation, &sense);
        if sense.condition() == Condition::MediumNotPresent {
            self.end_session(sense);
        } else if !is_refused_in_place(&sense) {
            self.lose(LostBecause::Failed(sense));
        }
        error
    }

    /// The error of a harmless verb: the tape did not move, unless the drive itself is in trouble.
    fn query_failed(&mut self, operation: Operation, sense: Sense) -> DriveError {
        let error = self.command_error(operation, &sense);
        if sense.condition() == Condition::MediumNotPresent {
            self.end_session(sense);
        } else if matches!(sense.key, SenseKey::NotReady | SenseKey::HardwareError) {
            self.lose(LostBecause::Failed(sense));
        }
        error
    }

    /// The cartridge is gone, and with it the position and the permit to write it. Whoever was writing
    /// learns the reason with the next verb, also if a harmless question met it.
    fn end_session(&mut self, sense: Sense) {
        match self.access {
            Access::ReadOnly => self.belief = Belief::Unknown,
            _ => self.lose(LostBecause::Failed(sense)),
        }
        self.forbid();
        self.partition_count = None;
    }

    fn command_error(&self, operation: Operation, sense: &Sense) -> DriveError {
        let drive = self.identity.serial.clone();
        let sense = sense.clone();
        match sense.condition() {
            Condition::MediumNotPresent => DriveError::NoMedium { drive, operation },
            Condition::WriteProtected | Condition::WormOverwrite => {
                DriveError::Protected { drive, operation, sense }
            }
            _ => DriveError::Command { drive, operation, position: self.position(), sense },
        }
    }

    pub(super) fn position_lost(&self, operation: Operation, because: LostBecause) -> DriveError {
        DriveError::PositionLost { drive: self.identity.serial.clone(), operation, because }
    }

    pub(super) fn not_permitted(&self, operation: Operation) -> DriveError {
        DriveError::WriteNotPermitted { drive: self.identity.serial.clone(), operation }
    }

    pub(super) fn bad_request(&self, operation: Operation, problem: &'static str) -> DriveError {
        DriveError::BadRequest { drive: self.identity.serial.clone(), operation, problem }
    }

    pub(super) fn unsupported(&self, feature: &'static str) -> DriveError {
        DriveError::Unsupported { drive: self.identity.serial.clone(), feature }
    }

    pub(super) fn inconsistent(&self, operation: Operation, problem: &'static str) -> DriveError {
        DriveError::Inconsistent { drive: self.identity.serial.clone(), operation, problem }
    }

    pub(super) fn misunderstood(&self, operation: Operation, source: AnswerError) -> DriveError {
        DriveError::Answer { drive: self.identity.serial.clone(), operation, source }
    }

    /// What the drive says contradicts itself: nothing is known any more.
    pub(super) fn contradicts(
        &mut self,
        operation: Operation,
        problem: &'static str,
    ) -> DriveError {
        self.lose(LostBecause::Contradiction(problem));
        self.inconsistent(operation, problem)
    }
}

/// True if the tape has not moved. After a block that does not open, drives differ in where they stand.
fn is_refused_in_place(sense: &Sense) -> bool {
    match sense.condition() {
        Condition::DecryptionFailed | Condition::ReadError => false,
        _ => matches!(sense.key, SenseKey::IllegalRequest | SenseKey::DataProtect),
    }
}

/// Recovered by the drive and nothing else to say: no filemark, no end of medium, no wrong length.
fn is_plainly_recovered(sense: &Sense) -> bool {
    matches!(sense.key, SenseKey::RecoveredError | SenseKey::NoSense)
        && !(sense.filemark || sense.end_of_medium || sense.incorrect_length)
        && !matches!(
            sense.condition(),
            Condition::Filemark
                | Condition::EarlyWarning
                | Condition::ProgrammableEarlyWarning
                | Condition::BeginningOfPartition
                | Condition::EndOfData
        )
}

/// True if a drive says that it does not have a command, page or field.
pub(super) fn is_refusal(error: &DriveError) -> bool {
    matches!(error, DriveError::Command { sense, .. } if sense.key == SenseKey::IllegalRequest)
}

/// `None` in place of an answer that the drive does not have.
pub(super) fn optional<T>(answer: Result<T, DriveError>) -> Result<Option<T>, DriveError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_refusal(&error) => Ok(None),
        Err(DriveError::Answer { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
