//! Opening a changer, and how a command is sent to it.
//!
//! Unit attentions of a changer (reset, mail slot opened, door closed) say that the inventory may have
//! changed. Since no inventory is kept, they are passed over and the command is sent again, except a
//! move; a command that was refused with a unit attention was not executed.

use super::look::Asks;
use super::{Changer, ChangerError, ChangerIdentity};
use crate::domain::LibrarySerial;
use crate::scsi::cdb::primary;
use crate::scsi::inquiry::{self, DeviceType};
use crate::scsi::timeouts::{self, Timeouts};
use crate::scsi::{AnswerError, Cdb, Command, Data, Sense, SenseKey, Status, Transport};

/// Unit attentions in a row after which a changer is not trusted.
const ATTENTIONS_MAX: usize = 16;

impl Changer {
    /// Takes over the way to a changer and reads who it is. Nothing moves.
    ///
    /// # Errors
    /// If it does not answer or is no changer.
    pub fn open(transport: Box<dyn Transport>) -> Result<Self, ChangerError> {
        const OPERATION: &str = "be identified";
        // Until the serial number is read, messages call the library by its node.
        let node = LibrarySerial(transport.name().to_owned());
        let mut changer = Self {
            transport,
            identity: ChangerIdentity {
                vendor: String::new(),
                product: String::new(),
                revision: String::new(),
                serial: node,
            },
            timeouts: Timeouts::default(),
            asks: Asks::default(),
        };
        let mut buffer = [0; 255];
        let answer = changer.read(OPERATION, primary::inquiry(96), &mut buffer[..96])?;
        let inquiry = inquiry::parse_standard(answer);
        let inquiry = inquiry.map_err(|source| changer.misunderstood(OPERATION, source))?;
        if inquiry.device_type != DeviceType::MediumChanger || !inquiry.is_connected {
            let problem = "it is no changer";
            let source = AnswerError::Wrong { answer: "INQUIRY", problem };
            return Err(changer.misunderstood(OPERATION, source));
        }
        let page = primary::inquiry_page(inquiry::PAGE_SERIAL, 255);
        let serial = inquiry::parse_serial(changer.read(OPERATION, page, &mut buffer)?)
            .map_err(|source| changer.misunderstood(OPERATION, source))?;
        changer.identity = ChangerIdentity {
            vendor: inquiry.vendor,
            product: inquiry.product,
            revision: inquiry.revision,
            serial: LibrarySerial(serial),
        };
        changer.read_timeouts()?;
        Ok(changer)
    }

    /// Time limits from the changer, if it gives any.
    fn read_timeouts(&mut self) -> Result<(), ChangerError> {
        const ALLOCATION: u16 = 0x4000;
        let mut buffer = vec![0; usize::from(ALLOCATION)];
        let cdb = primary::report_supported_operation_codes(u32::from(ALLOCATION));
        match self.read("read its time limits", cdb, &mut buffer) {
            Ok(answer) => {
                if let Ok(commands) = timeouts::parse_supported_commands(answer) {
                    self.timeouts = Timeouts::from_supported(&commands);
                }
                Ok(())
            }
            Err(error) if is_refusal(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sends a command that carries no data.
    pub(super) fn send(
        &mut self,
        operation: &'static str,
        cdb: impl Into<Cdb>,
    ) -> Result<(), ChangerError> {
        self.execute(operation, cdb.into(), &mut [], ATTENTIONS_MAX).map(|_| ())
    }

    /// Sends a command that relies on what was seen before: a unit attention ends it, for it may say
    /// that somebody has changed the library since.
    pub(super) fn send_once(
        &mut self,
        operation: &'static str,
        cdb: impl Into<Cdb>,
    ) -> Result<(), ChangerError> {
        self.execute(operation, cdb.into(), &mut [], 1).map(|_| ())
    }

    /// Sends a command and returns what came of its answer.
    pub(super) fn read<'b>(
        &mut self,
        operation: &'static str,
        cdb: impl Into<Cdb>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], ChangerError> {
        let got = self.execute(operation, cdb.into(), buffer, ATTENTIONS_MAX)?;
        Ok(&buffer[..got])
    }

    fn execute(
        &mut self,
        operation: &'static str,
        cdb: Cdb,
        buffer: &mut [u8],
        tries: usize,
    ) -> Result<usize, ChangerError> {
        let timeout = self.timeouts.limit(cdb.opcode());
        let library = self.identity.serial.clone();
        let mut attention = None;
        for _ in 0..tries {
            let data = if buffer.is_empty() { Data::None } else { Data::In(buffer) };
            let completion =
                self.transport.execute(Command { cdb, data, timeout }).map_err(|source| {
                    let library = library.clone();
                    ChangerError::Transport { library, operation, source }
                })?;
            return match (completion.status, completion.sense) {
                (Status::Good | Status::ConditionMet, _) => {
                    Ok(completion.transferred.min(buffer.len()))
                }
                (Status::CheckCondition, Some(sense)) => match sense.key {
                    SenseKey::UnitAttention => {
                        attention = Some(sense);
                        continue;
                    }
                    SenseKey::NoSense | SenseKey::RecoveredError => {
                        Ok(completion.transferred.min(buffer.len()))
                    }
                    _ => Err(ChangerError::Command { library, operation, sense }),
                },
                (Status::Busy | Status::TaskSetFull, _) => {
                    Err(ChangerError::Busy { library, operation })
                }
                (Status::ReservationConflict, _) => {
                    Err(ChangerError::ReservationConflict { library, operation })
                }
                _ => {
                    let problem = "an error without sense, or an unknown status";
                    let source = AnswerError::Wrong { answer: "the command's end", problem };
                    Err(ChangerError::Answer { library, operation, source })
                }
            };
        }
        let sense = attention.unwrap_or_else(|| Sense::new(SenseKey::UnitAttention, 0, 0));
        Err(ChangerError::Command { library, operation, sense })
    }

    pub(super) fn misunderstood(
        &self,
        operation: &'static str,
        source: AnswerError,
    ) -> ChangerError {
        ChangerError::Answer { library: self.identity.serial.clone(), operation, source }
    }
}

/// True if the changer does not have that command or option.
pub(super) fn is_refusal(error: &ChangerError) -> bool {
    matches!(error, ChangerError::Command { sense, .. } if sense.key == SenseKey::IllegalRequest)
}
