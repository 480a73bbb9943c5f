//! Commands that put objects on the tape: WRITE, WRITE FILEMARKS, and the buffer between.
//!
//! A write is answered when the drive has taken it. It is on the tape when the buffer has been
//! drained: by a synchronous filemark, by any command that moves or reads, or because the buffer is
//! full. An error found while draining belongs to commands that were answered GOOD, so it is told as
//! a deferred error, and everything behind it in the buffer is lost.

use super::seat::{Allowed, alert};
use super::{BLOCK_BYTES_MAX, DriveUnit, Request, transfer_length};
use crate::scsi::{Completion, Sense};
use crate::vtl::VtlError;
use crate::vtl::bytes::{be64, byte, size};
use crate::vtl::faults::{BlockAccess, Effect};
use crate::vtl::log::InitiatorId;
use crate::vtl::plan::CartridgeKind;
use crate::vtl::senses;
use crate::vtl::store::Payload;
use crate::vtl::unit::{Answer, Refusal, done, parameters};

/// Object number that stands for the layout of the whole cartridge.
pub(super) const LAYOUT: u64 = u64::MAX;

/// Bytes in the unit of programmable early warning.
const MEGABYTE: u64 = 1_000_000;

/// A buffered object that will not reach the tape.
#[derive(Clone, Debug)]
pub(super) struct BadObject {
    number: u64,
    sense: Sense,
}

/// What is said about an object that was taken.
enum Taken {
    Silently,
    PastProgrammableWarning,
    PastEarlyWarning,
}

impl DriveUnit {
    /// WRITE(6).
    pub(super) fn write(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const FIXED: u8 = 1;
        let length = transfer_length(request.cdb);
        let is_fixed = byte(request.cdb, 1) & FIXED != 0;
        let block = if is_fixed { self.settings.block_length } else { length };
        self.ensure_writable(self.position.1)?;
        if length == 0 {
            return done();
        }
        if block == 0 || block > BLOCK_BYTES_MAX {
            return Err(senses::invalid_field().into());
        }
        let total = if is_fixed { size(length) * size(block) } else { size(block) };
        let bytes = parameters(request.data, total);
        if bytes.len() < total {
            return Err(senses::data_phase_error().into());
        }
        let count = total / size(block);
        let mut remark = None;
        for (done_before, bytes) in bytes.chunks_exact(size(block)).enumerate() {
            let rest = if is_fixed { count - done_before } else { size(block) };
            if self.is_full(request.initiator, bytes.len())? {
                self.flush()?;
                let residual = i64::try_from(rest).unwrap_or(i64::MAX);
                let moved = done_before * size(block);
                return Ok(Completion::check(senses::volume_overflow(residual), moved));
            }
            match self.take_block(request.initiator, bytes)? {
                Taken::Silently => {}
                Taken::PastProgrammableWarning => {
                    remark = Some(senses::programmable_early_warning());
                }
                Taken::PastEarlyWarning => remark = Some(senses::early_warning()),
            }
        }
        if !self.settings.is_buffered {
            self.drain(0).map_err(current)?;
        }
        Ok(remark.map_or(Completion::good(total), |sense| Completion::check(sense, total)))
    }

    /// WRITE FILEMARKS(6).
    pub(super) fn write_filemarks(&mut self, cdb: &[u8]) -> Answer {
        const IMMEDIATE: u8 = 1;
        const SETMARKS: u8 = 2;
        if byte(cdb, 1) & SETMARKS != 0 {
            return Err(senses::invalid_field().into());
        }
        let count = transfer_length(cdb);
        self.ready()?;
        if count > 0 {
            self.ensure_writable(self.position.1)?;
        }
        let mut remark = None;
        for _ in 0..count {
            let number = self.position.1;
            self.put(number, Payload::Filemark)?;
            let medium = self.ready()?.cartridge.identity.generation;
            self.motion.write(None, medium);
            match self.warn() {
                Taken::Silently => {}
                Taken::PastProgrammableWarning => {
                    remark = Some(senses::programmable_early_warning());
                }
                Taken::PastEarlyWarning => remark = Some(senses::early_warning()),
            }
        }
        if byte(cdb, 1) & IMMEDIATE == 0 {
            self.flush()?;
        }
        remark.map_or_else(done, |sense| Ok(Completion::check(sense, 0)))
    }

    /// Refuses what must not change this cartridge at object `number`.
    pub(super) fn ensure_writable(&mut self, number: u64) -> Result<(), Refusal> {
        let drive = self.generation;
        let partition = usize::from(self.position.0);
        let cartridge = &self.ready()?.cartridge;
        let identity = &cartridge.identity;
        let is_worm = identity.kind == CartridgeKind::Worm;
        if identity.write_protected {
            self.raise_alert(alert::WRITE_PROTECT);
            return Err(senses::write_protected().into());
        }
        if !drive.can_write(identity.generation) {
            return Err(senses::cannot_write_format().into());
        }
        let end = cartridge.partitions[partition].end_of_data();
        let here = (self.position.0, number);
        if self.settings.is_append_only && !self.may_replace(here, end) {
            return Err(senses::wrong_position().into());
        }
        if is_worm && number < end {
            return Err(senses::worm_overwrite().into());
        }
        Ok(())
    }

    /// ALLOW OVERWRITE(16): names the position from which the next write may replace what is there.
    pub(super) fn allow_overwrite(&mut self, cdb: &[u8]) -> Answer {
        let named = (byte(cdb, 3), be64(cdb, 4));
        let allowed = match byte(cdb, 2) & 0x0F {
            0 => Allowed::Nothing,
            1 if named == self.position => Allowed::From(named.0, named.1),
            1 => return Err(senses::wrong_position().into()),
            2 => Allowed::Layout,
            _ => return Err(senses::invalid_field().into()),
        };
        self.ready()?.allowed = allowed;
        done()
    }

    fn may_replace(&self, (partition, number): (u8, u64), end: u64) -> bool {
        let allowed = self.seat.as_ref().map(|seat| seat.allowed).unwrap_or_default();
        match allowed {
            _ if number == LAYOUT => allowed == Allowed::Layout,
            Allowed::From(at, from) if (at, from) == (partition, number) => true,
            _ => number >= end,
        }
    }

    fn is_full(&mut self, initiator: InitiatorId, block: usize) -> Result<bool, Refusal> {
        let (partition, number) = self.position;
        let stored = block + self.encryption.overhead(initiator);
        let store = &self.ready()?.cartridge.partitions[usize::from(partition)];
        Ok(store.is_full(number, crate::vtl::bytes::wide(stored)))
    }

    fn take_block(&mut self, initiator: InitiatorId, bytes: &[u8]) -> Result<Taken, Refusal> {
        let number = self.position.1;
        let flipped = self.meet_write_fault(number, bytes);
        let bytes = flipped.as_deref().unwrap_or(bytes);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        match self.encryption.encrypt(initiator, bytes) {
            Some(stored) => self.put(number, Payload::Encrypted { len, stored: &stored })?,
            None => self.put(number, Payload::Block(bytes))?,
        }
        self.totals.bytes_written += u64::from(len);
        let limit = self.environment.buffer.0;
        let seat = self.ready()?;
        seat.cartridge.memory.bytes_written += u64::from(len);
        seat.cartridge.memory.bytes_written_last_load += u64::from(len);
        let medium = seat.cartridge.identity.generation;
        let partition = usize::from(self.position.0);
        let buffered = self.ready()?.cartridge.partitions[partition].buffered_bytes();
        self.motion.write(Some(u64::from(len)), medium);
        if buffered > limit
            && let Err(sense) = self.drain(limit / 2)
            && let Some(seat) = self.seat.as_mut()
        {
            // This command was answered before the tape was tried: the next one is told.
            seat.deferred = Some(sense);
        }
        Ok(self.warn())
    }

    /// Puts an object into the buffer at the position and moves on.
    fn put(&mut self, number: u64, payload: Payload<'_>) -> Result<(), Refusal> {
        let partition = usize::from(self.position.0);
        let seat = self.ready()?;
        if seat.bad_object.as_ref().is_some_and(|bad| bad.number > number) {
            seat.bad_object = None;
        }
        seat.cartridge.partitions[partition].put(number, payload).map_err(|e| internal(&e))?;
        self.position.1 = number + 1;
        Ok(())
    }

    /// A fault at this block: a flipped bit now, an error when the block reaches the tape.
    fn meet_write_fault(&mut self, number: u64, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.environment.faults.has_block_faults() {
            return None;
        }
        let position = (self.position.0, number);
        let seat = self.seat.as_mut()?;
        let faults = &self.environment.faults;
        match faults.at_block(self.device, BlockAccess::Write, &seat.label, position)? {
            Effect::FlippedBit { bit } => {
                let mut flipped = bytes.to_vec();
                faults.flip(bit, &mut flipped);
                return Some(flipped);
            }
            Effect::MediumError => {
                seat.bad_object = Some(BadObject { number, sense: senses::write_error() });
            }
            Effect::Sense { sense, .. } | Effect::DeferredError { sense, .. } => {
                seat.bad_object = Some(BadObject { number, sense: sense.sense() });
            }
            _ => {}
        }
        None
    }

    /// What there is to say about the room behind the object just taken.
    fn warn(&mut self) -> Taken {
        let warning = self.warning_bytes();
        let partition = usize::from(self.position.0);
        let Some(seat) = self.seat.as_mut() else { return Taken::Silently };
        let store = &seat.cartridge.partitions[partition];
        let used = store.used_before(store.end_of_data());
        let early = store.capacity_to_early_warning().0;
        if used > early {
            return Taken::PastEarlyWarning;
        }
        let is_past = warning > 0 && used > early.saturating_sub(warning);
        let was_past = std::mem::replace(&mut seat.is_past_warning[partition], is_past);
        if is_past && !was_past { Taken::PastProgrammableWarning } else { Taken::Silently }
    }

    /// Bytes before early warning where the programmable one is.
    pub(super) fn warning_bytes(&self) -> u64 {
        u64::from(self.settings.programmable_warning_megabytes) * MEGABYTE
    }

    /// Drains the buffer, and the tape stops. What fails is told at once, as deferred.
    pub(super) fn flush(&mut self) -> Result<(), Refusal> {
        self.drain(0).map_err(Refusal::from)?;
        if let Some(seat) = &self.seat {
            self.motion.stop_writing(seat.cartridge.identity.generation);
        }
        Ok(())
    }

    /// Moves objects from the buffer to the tape, until `rest` bytes are left in it.
    pub(super) fn drain(&mut self, rest: u64) -> Result<(), Sense> {
        let partition = usize::from(self.position.0);
        let Some(seat) = self.seat.as_mut() else { return Ok(()) };
        let Some(store) = seat.cartridge.partitions.get(partition) else { return Ok(()) };
        if !store.is_dirty() {
            return Ok(());
        }
        self.note_change().map_err(|error| internal_sense(&error))?;
        let Some(seat) = self.seat.as_mut() else { return Ok(()) };
        let store = &mut seat.cartridge.partitions[partition];
        let bad = seat.bad_object.take();
        let rest = if bad.is_some() { 0 } else { rest };
        if let Some(bad) = &bad {
            store.truncate(bad.number);
        }
        store.commit(rest).map_err(|error| internal_sense(&error))?;
        let Some(bad) = bad else { return Ok(()) };
        self.position.1 = bad.number;
        self.totals.write_errors += 1;
        self.raise_alert(alert::WRITE_FAILURE);
        self.raise_alert(alert::HARD_ERROR);
        Err(Sense { is_deferred: true, ..bad.sense })
    }

    /// The content is about to change: the first time after a load, or after somebody has looked at
    /// the reference, it counts up. In the file before any block is.
    pub(super) fn note_change(&mut self) -> Result<(), VtlError> {
        let Some(seat) = self.seat.as_mut() else { return Ok(()) };
        if std::mem::take(&mut seat.will_change) {
            let memory = &mut seat.cartridge.memory;
            // 0 and all ones mean "unusable" to those who read it.
            memory.change_reference = match memory.change_reference {
                0xFFFF_FFFE.. => 1,
                reference => reference + 1,
            };
            seat.cartridge.write_memory()?;
        }
        Ok(())
    }

    /// Of the buffer `kept` objects reach the tape; the rest is lost, and `sense` says so.
    pub(in crate::vtl) fn lose_buffer(&mut self, kept: u64, sense: Sense) -> Sense {
        let partition = usize::from(self.position.0);
        if let Some(seat) = self.seat.as_mut()
            && let Some(store) = seat.cartridge.partitions.get(partition)
            && store.is_dirty()
        {
            let number = store.committed().saturating_add(kept).min(store.end_of_data());
            seat.bad_object = Some(BadObject { number, sense: sense.clone() });
            // The outcome is the sense that was planned, whatever the files say.
            drop(self.drain(0));
        }
        Sense { is_deferred: true, ..sense }
    }
}

/// The error of a command that waited for the tape itself.
fn current(sense: Sense) -> Refusal {
    Refusal::Check(Sense { is_deferred: false, ..sense })
}

/// The files cannot be written: to the host a broken drive, to the log what is wrong.
fn internal_sense(error: &VtlError) -> Sense {
    tracing::error!(%error, "virtual drive: files cannot be written");
    senses::internal_failure()
}

pub(super) fn internal(error: &VtlError) -> Refusal {
    internal_sense(error).into()
}
