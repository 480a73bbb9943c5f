//! READ(6): one block of any length, or several of the fixed length, and what to say when the tape
//! holds something else.

use super::seat::alert;
use super::{DriveUnit, Request, transfer_length};
use crate::scsi::{Completion, Data, Sense};
use crate::vtl::bytes::{byte, size};
use crate::vtl::faults::{BlockAccess, Effect};
use crate::vtl::log::InitiatorId;
use crate::vtl::senses;
use crate::vtl::store::{Object, ObjectKind};
use crate::vtl::unit::{Answer, Refusal, done};

/// What stood at the position.
enum Found {
    /// A block of that length; as much of it as there was room for is in the buffer.
    Block(u32),
    Filemark,
    EndOfData,
    /// A block that cannot be read.
    Bad(Sense),
}

impl DriveUnit {
    /// READ(6).
    pub(super) fn read(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const FIXED: u8 = 1;
        const SUPPRESS_INCORRECT_LENGTH: u8 = 2;
        self.ready()?;
        self.flush()?;
        let is_suppressed = byte(request.cdb, 1) & SUPPRESS_INCORRECT_LENGTH != 0;
        let length = transfer_length(request.cdb);
        if byte(request.cdb, 1) & FIXED == 0 {
            return self.read_variable(request, length, is_suppressed);
        }
        if is_suppressed || self.settings.block_length == 0 {
            return Err(senses::invalid_field().into());
        }
        self.read_fixed(request, length)
    }

    fn read_variable(
        &mut self,
        request: &mut Request<'_, '_>,
        asked: u32,
        is_suppressed: bool,
    ) -> Answer {
        if asked == 0 {
            return done();
        }
        let Data::In(buffer) = &mut *request.data else {
            return Err(senses::data_phase_error().into());
        };
        let room = buffer.len().min(size(asked));
        let found = self.read_one(request.initiator, &mut buffer[..room])?;
        let asked = i64::from(asked);
        let (sense, moved) = match found {
            Found::Filemark => (senses::filemark(asked), 0),
            Found::EndOfData => (senses::end_of_data(asked), 0),
            Found::Bad(sense) => (Sense { information: Some(asked), ..sense }, 0),
            Found::Block(len) => {
                let moved = size(len).min(room);
                let difference = asked - i64::from(len);
                // SSC: with SILI an overlength block is told only while a block length is set.
                let is_told = match difference {
                    0 => false,
                    1.. => !is_suppressed,
                    _ => !is_suppressed || self.settings.block_length != 0,
                };
                if !is_told {
                    return Ok(Completion::good(moved));
                }
                (senses::incorrect_length(difference), moved)
            }
        };
        Ok(Completion::check(sense, moved))
    }

    fn read_fixed(&mut self, request: &mut Request<'_, '_>, count: u32) -> Answer {
        let block = self.settings.block_length;
        let Data::In(buffer) = &mut *request.data else {
            return if count == 0 { done() } else { Err(senses::data_phase_error().into()) };
        };
        let mut moved = 0;
        for done_before in 0..count {
            let rest = i64::from(count - done_before);
            let from = moved.min(buffer.len());
            let room = (buffer.len() - from).min(size(block));
            let sense = match self.read_one(request.initiator, &mut buffer[from..from + room])? {
                Found::Block(len) if len == block => {
                    moved += room;
                    continue;
                }
                Found::Block(len) => {
                    moved += room.min(size(len));
                    senses::incorrect_length(rest)
                }
                Found::Filemark => senses::filemark(rest),
                Found::EndOfData => senses::end_of_data(rest),
                Found::Bad(sense) => Sense { information: Some(rest), ..sense },
            };
            return Ok(Completion::check(sense, moved));
        }
        Ok(Completion::good(moved))
    }

    /// Reads the object at the position into `room` and goes behind it.
    fn read_one(&mut self, initiator: InitiatorId, room: &mut [u8]) -> Result<Found, Refusal> {
        let (partition, number) = self.position;
        let seat = self.ready()?;
        let store = &seat.cartridge.partitions[usize::from(partition)];
        let Some(object) = store.object(number).copied() else { return Ok(Found::EndOfData) };
        let medium = seat.cartridge.identity.generation;
        if object.kind == ObjectKind::Filemark {
            self.position.1 += 1;
            return Ok(Found::Filemark);
        }
        let effect = self.read_fault();
        if let Some(Effect::MediumError) = effect {
            return Ok(self.unreadable(senses::read_error(0)));
        }
        if let Some(Effect::Sense { sense, .. }) = effect {
            return Ok(self.unreadable(sense.sense()));
        }
        if !self.fetch(initiator, &object, room)? {
            return Ok(self.unreadable(senses::read_error(0)));
        }
        let count = room.len().min(size(object.len));
        if let Some(Effect::FlippedBit { bit }) = effect {
            self.environment.faults.flip(bit, &mut room[..count]);
        }
        self.position.1 += 1;
        let len = u64::from(object.len);
        self.motion.read(len, medium);
        self.totals.bytes_read += len;
        let memory = &mut self.ready()?.cartridge.memory;
        memory.bytes_read += len;
        memory.bytes_read_last_load += len;
        Ok(Found::Block(object.len))
    }

    /// Brings a block's bytes; false if the medium does not give them.
    fn fetch(
        &mut self,
        initiator: InitiatorId,
        object: &Object,
        room: &mut [u8],
    ) -> Result<bool, Refusal> {
        let partition = usize::from(self.position.0);
        if object.kind != ObjectKind::EncryptedBlock {
            if self.encryption.refuses_plain(initiator) {
                return Err(senses::unencrypted_data().into());
            }
            return Ok(self.ready()?.cartridge.partitions[partition].read(object, room).is_ok());
        }
        let Ok(stored) = self.ready()?.cartridge.partitions[partition].read_whole(object) else {
            return Ok(false);
        };
        let plain = self.encryption.decrypt(initiator, stored)?;
        let count = room.len().min(plain.len());
        room[..count].copy_from_slice(&plain[..count]);
        Ok(true)
    }

    fn read_fault(&self) -> Option<Effect> {
        if !self.environment.faults.has_block_faults() {
            return None;
        }
        let label = &self.seat.as_ref()?.label;
        self.environment.faults.at_block(self.device, BlockAccess::Read, label, self.position)
    }

    /// The head has passed a block that it could not read.
    fn unreadable(&mut self, sense: Sense) -> Found {
        self.position.1 += 1;
        self.totals.read_errors += 1;
        self.raise_alert(alert::READ_FAILURE);
        self.raise_alert(alert::HARD_ERROR);
        Found::Bad(sense)
    }
}
