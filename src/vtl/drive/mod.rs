//! A virtual drive: one logical unit that answers the commands of SPC and SSC.
//!
//! What the host sees as one device is here in parts: the cartridge in its [`seat`], the position,
//! the settings of [`mode`] pages, the keys of [`encryption`], the recommended order of [`rao`], the ends
//! of [`wraps`].
//! Each file implements some commands on [`DriveUnit`]; this one decides which is called and what
//! comes before: readiness, unit attentions, reservations.
//!
//! One lock stands around a drive (in `library`); commands of several initiators come one by one.

mod attributes;
mod blocks;
mod encryption;
mod logs;
mod medium;
mod mode;
mod positions;
mod rao;
mod seat;
mod wraps;
mod writing;

use std::sync::Arc;

use self::encryption::Encryption;
use self::mode::Settings;
use self::rao::AccessOrder;
use self::seat::{Allowed, Seat};
use super::bytes::{be16, be24, be32, byte, size};
use super::environment::Environment;
use super::log::{Device, InitiatorId, LoadedCartridge};
use super::pages::{density, inquiry, opcodes};
use super::senses::{self, Attention};
use super::timing::{Motion, MotionCounters};
use super::unit::{Answer, Refusal, UnitState, done, parameters, send};
use crate::domain::LtoGeneration;
use crate::scsi::{Data, opcode};

pub(super) use self::seat::Ejection;

/// Largest block: what LTO drives report.
const BLOCK_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// A drive.
#[derive(Debug)]
pub(super) struct DriveUnit {
    environment: Arc<Environment>,
    device: Device,
    pub(super) generation: LtoGeneration,
    pub(super) serial: String,
    pub(super) state: UnitState,
    seat: Option<Seat>,
    /// The partition and the number of the object before which the head stands.
    position: (u8, u64),
    settings: Settings,
    encryption: Encryption,
    order: AccessOrder,
    motion: Motion,
    totals: Totals,
    /// TapeAlert flags that are up, flag 1 as the highest bit.
    alerts: u64,
    needs_cleaning: bool,
}

/// Commands that move the tape or write: what was allowed to be replaced is not any more.
fn ends_permission(code: u8) -> bool {
    opcode::is_write_class(code) && code != opcode::WRITE_ATTRIBUTE
        || matches!(
            code,
            opcode::REWIND
                | opcode::READ_6
                | opcode::SPACE_6
                | opcode::SPACE_16
                | opcode::VERIFY_6
                | opcode::LOAD_UNLOAD
                | opcode::LOCATE_10_OR_POSITION_TO_ELEMENT
                | opcode::LOCATE_16
        )
}

/// What a drive has done since it was powered on.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    bytes_written: u64,
    bytes_read: u64,
    write_errors: u64,
    read_errors: u64,
}

/// A command as a unit gets it.
#[derive(Debug)]
pub(super) struct Request<'a, 'b> {
    pub(super) initiator: InitiatorId,
    pub(super) cdb: &'a [u8],
    pub(super) data: &'a mut Data<'b>,
}

impl DriveUnit {
    pub(super) fn new(
        environment: Arc<Environment>,
        index: usize,
        generation: LtoGeneration,
        serial: String,
    ) -> Self {
        let motion = Motion::new(Arc::clone(&environment.clock), environment.timing);
        Self {
            environment,
            device: Device::Drive(index),
            generation,
            serial,
            state: UnitState::default(),
            seat: None,
            position: (0, 0),
            settings: Settings::default(),
            encryption: Encryption::default(),
            order: AccessOrder::default(),
            motion,
            totals: Totals::default(),
            alerts: 0,
            needs_cleaning: false,
        }
    }

    /// The cartridge in the drive, loaded or not.
    pub(super) fn cartridge(&self) -> Option<Arc<LoadedCartridge>> {
        self.seat.as_ref().map(|seat| Arc::clone(&seat.label))
    }

    pub(super) fn counters(&self) -> MotionCounters {
        self.motion.counters()
    }

    pub(super) fn motion_mut(&mut self) -> &mut Motion {
        &mut self.motion
    }

    /// Executes one command.
    pub(super) fn execute(&mut self, mut request: Request<'_, '_>) -> Answer {
        self.state.meet(request.initiator);
        self.finish_loading();
        let code = byte(request.cdb, 0);
        if !matches!(code, opcode::INQUIRY | opcode::REPORT_LUNS | opcode::REQUEST_SENSE) {
            if let Some(sense) = self.seat.as_mut().and_then(|seat| seat.deferred.take()) {
                return Err(sense.into());
            }
            if let Some(attention) = self.state.next_attention(request.initiator) {
                return Err(attention.sense().into());
            }
        }
        self.state.reservations.ensure_allowed(request.initiator, code)?;
        let answer = self.dispatch(code, &mut request);
        if ends_permission(code)
            && let Some(seat) = &mut self.seat
        {
            seat.allowed = Allowed::Nothing;
        }
        answer
    }

    /// One line a command; SSC's order of opcodes.
    fn dispatch(&mut self, code: u8, request: &mut Request<'_, '_>) -> Answer {
        match code {
            opcode::TEST_UNIT_READY => self.ready().map(|_| ()).and_then(|()| done()),
            opcode::REWIND => self.rewind(),
            opcode::REQUEST_SENSE => self.request_sense(request),
            opcode::FORMAT_MEDIUM => self.format_medium(request.cdb),
            opcode::READ_BLOCK_LIMITS => self.read_block_limits(request),
            opcode::READ_6 => self.read(request),
            opcode::WRITE_6 => self.write(request),
            opcode::SET_CAPACITY => self.set_capacity(request.cdb),
            opcode::WRITE_FILEMARKS_6 => self.write_filemarks(request.cdb),
            opcode::SPACE_6 | opcode::SPACE_16 => self.space(request.cdb),
            opcode::INQUIRY => self.inquiry(request),
            opcode::VERIFY_6 => self.verify(request.cdb),
            opcode::MODE_SELECT_6 | opcode::MODE_SELECT_10 => self.mode_select(request),
            opcode::RESERVE_6 | opcode::RELEASE_6 => self.reserve_or_release(code, request),
            opcode::ERASE_6 => self.erase(request.cdb),
            opcode::MODE_SENSE_6 | opcode::MODE_SENSE_10 => self.mode_sense(request),
            opcode::LOAD_UNLOAD => self.load_unload(request.cdb),
            opcode::SEND_DIAGNOSTIC => self.send_diagnostic(request.cdb),
            opcode::PREVENT_ALLOW_MEDIUM_REMOVAL => {
                self.state.set_prevent(request.initiator, byte(request.cdb, 4) & 1 != 0);
                done()
            }
            opcode::LOCATE_10_OR_POSITION_TO_ELEMENT | opcode::LOCATE_16 => {
                self.locate(request.cdb)
            }
            opcode::READ_POSITION => self.read_position(request),
            opcode::REPORT_DENSITY_SUPPORT => self.report_density(request),
            opcode::LOG_SENSE => self.log_sense(request),
            opcode::PERSISTENT_RESERVE_IN => {
                let page = self.state.reservations.read(request.cdb)?;
                send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 7)))
            }
            opcode::PERSISTENT_RESERVE_OUT => self.persistent_reserve(request),
            opcode::ALLOW_OVERWRITE => self.allow_overwrite(request.cdb),
            opcode::READ_ATTRIBUTE => self.read_attribute(request),
            opcode::WRITE_ATTRIBUTE => self.write_attribute(request),
            opcode::REPORT_LUNS => {
                send(request.data, &inquiry::report_luns(), size(be32(request.cdb, 6)))
            }
            opcode::SECURITY_PROTOCOL_IN => self.security_in(request),
            opcode::SECURITY_PROTOCOL_OUT => self.security_out(request),
            opcode::MAINTENANCE_IN => self.maintenance_in(request),
            opcode::MAINTENANCE_OUT => self.maintenance_out(request),
            opcode::READ_MEDIA_SERIAL_NUMBER => self.read_media_serial_number(request),
            _ => Err(senses::invalid_opcode().into()),
        }
    }

    fn inquiry(&self, request: &mut Request<'_, '_>) -> Answer {
        let subject = inquiry::Subject::Drive { generation: self.generation, serial: &self.serial };
        let page = inquiry::answer(&subject, request.cdb)?;
        send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 3)))
    }

    /// Pending attentions are delivered as data; otherwise what a drive would say when asked how
    /// it is.
    fn request_sense(&mut self, request: &mut Request<'_, '_>) -> Answer {
        let deferred = self.seat.as_mut().and_then(|seat| seat.deferred.take());
        let attention = || self.state.next_attention(request.initiator).map(Attention::sense);
        let sense = match deferred.or_else(attention) {
            Some(sense) => sense,
            None => match self.ready() {
                Ok(_) => senses::nothing(),
                Err(Refusal::Check(sense)) => sense,
                Err(Refusal::Conflict) => return Err(Refusal::Conflict),
            },
        };
        send(request.data, &sense.encode_fixed(), usize::from(byte(request.cdb, 4)))
    }

    fn read_block_limits(&self, request: &mut Request<'_, '_>) -> Answer {
        // GRANULARITY 0; MAXIMUM BLOCK LENGTH LIMIT; MINIMUM BLOCK LENGTH LIMIT of 1.
        let [_, high, middle, low] = BLOCK_BYTES_MAX.to_be_bytes();
        send(request.data, &[0, high, middle, low, 0, 1], usize::MAX)
    }

    fn report_density(&mut self, request: &mut Request<'_, '_>) -> Answer {
        const MEDIA: u8 = 1;
        const MEDIUM_TYPE: u8 = 2;
        let flags = byte(request.cdb, 1);
        if flags & MEDIUM_TYPE != 0 {
            return Err(senses::invalid_field().into());
        }
        let medium = if flags & MEDIA != 0 {
            Some(self.ready()?.cartridge.identity.generation)
        } else {
            None
        };
        let page = density::report(self.generation, medium);
        send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 7)))
    }

    fn reserve_or_release(&mut self, code: u8, request: &Request<'_, '_>) -> Answer {
        if code == opcode::RESERVE_6 {
            self.state.reservations.reserve(request.initiator);
        } else {
            self.state.reservations.release(request.initiator);
        }
        done()
    }

    fn persistent_reserve(&mut self, request: &mut Request<'_, '_>) -> Answer {
        let list = parameters(request.data, size(be32(request.cdb, 5)));
        let told = self.state.reservations.change(request.initiator, request.cdb, list)?;
        if let Some((initiators, attention)) = told {
            self.state.raise_for(&initiators, attention);
        }
        done()
    }

    fn send_diagnostic(&self, cdb: &[u8]) -> Answer {
        const SELF_TEST: u8 = 0x04;
        let has_list = be16(cdb, 3) != 0;
        if byte(cdb, 1) & SELF_TEST == 0 && has_list {
            return Err(senses::invalid_field().into());
        }
        done()
    }

    fn maintenance_in(&mut self, request: &mut Request<'_, '_>) -> Answer {
        match byte(request.cdb, 1) & 0x1F {
            opcode::SA_REPORT_SUPPORTED_OPERATION_CODES => {
                let page = opcodes::answer(&opcodes::drive(self.generation), request.cdb)?;
                send(request.data, page.as_bytes(), size(be32(request.cdb, 6)))
            }
            opcode::SA_RECEIVE_RECOMMENDED_ACCESS_ORDER => self.receive_access_order(request),
            opcode::SA_VENDOR_MAINTENANCE_IN => self.read_end_of_wrap_positions(request),
            _ => Err(senses::invalid_field().into()),
        }
    }

    fn maintenance_out(&mut self, request: &mut Request<'_, '_>) -> Answer {
        match byte(request.cdb, 1) & 0x1F {
            opcode::SA_GENERATE_RECOMMENDED_ACCESS_ORDER => self.generate_access_order(request),
            _ => Err(senses::invalid_field().into()),
        }
    }

    fn read_media_serial_number(&mut self, request: &mut Request<'_, '_>) -> Answer {
        let mut page = super::bytes::Page::new();
        let serial = &self.ready()?.cartridge.identity.serial;
        page.u32(0_u32).text(serial, serial.len().next_multiple_of(4)).close_u32(0);
        send(request.data, page.as_bytes(), size(be32(request.cdb, 6)))
    }

    /// A reset, or power that comes back: the buffer, the position and the settings are gone.
    pub(super) fn reset(&mut self, is_told: bool, power_was_lost: bool) {
        self.drop_buffer();
        self.position = (0, 0);
        self.settings = Settings::default();
        self.encryption = Encryption::default();
        self.order = AccessOrder::default();
        self.motion.forget();
        self.state.reset(is_told, power_was_lost);
    }

    /// The host is gone: what was buffered goes to the tape, the counters to the chip.
    pub(super) fn settle(&mut self) {
        if self.flush().is_ok()
            && let Some(seat) = &self.seat
            && let Err(error) = seat.cartridge.write_memory()
        {
            tracing::error!(%error, cartridge = %seat.label.barcode, "memory chip not written");
        }
    }

    /// The tape is wound back to its beginning and nobody is told.
    pub(super) fn rewind_silently(&mut self) {
        // What was buffered goes to the tape where it belonged, as a drive does before it winds.
        if self.flush().is_ok() {
            self.position = (0, 0);
        }
    }
}

/// The 24-bit TRANSFER LENGTH of READ, WRITE and WRITE FILEMARKS.
fn transfer_length(cdb: &[u8]) -> u32 {
    be24(cdb, 2)
}
