//! The virtual changer: one logical unit that answers the commands of SPC and SMC, and the elements
//! of the library with what is in them.
//!
//! Addresses: the robot 0001h, mail slots from 0010h, drives from 0100h, slots from 0400h. Which
//! cartridge is where stands in `library.json`, replaced after every move. When a move touches a
//! drive its lock is taken inside the changer's; never the other way round.

mod elements;
mod moves;
mod status;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

pub(super) use self::elements::{Card, Element, Elements};

use super::VtlError;
use super::bytes::{be16, be32, byte, size};
use super::drive::{DriveUnit, Request};
use super::environment::Environment;
use super::faults::MoveEnd;
use super::pages::mode::{self, ElementAddresses, ModeHeader, PageControl};
use super::pages::{inquiry, log, opcodes};
use super::senses::{self, Attention};
use super::store::replace_json;
use super::timing::ROBOT_MOVE;
use super::unit::{Answer, UnitState, done, parameters, send};
use crate::scsi::{Sense, opcode};

/// The changer and what it knows of the library.
#[derive(Debug)]
pub(super) struct ChangerUnit {
    environment: Arc<Environment>,
    pub(super) serial: String,
    pub(super) state: UnitState,
    pub(super) elements: Elements,
    drives: Arc<Vec<Mutex<DriveUnit>>>,
    /// `library.json`; its folder holds `cartridges/`.
    file: PathBuf,
    pub(super) record: super::library::LibraryRecord,
    /// How the next move ends, if it is to go wrong.
    planned_end: Option<(MoveEnd, Option<Sense>)>,
    /// Time that the command at work has cost.
    owed: std::time::Duration,
}

impl ChangerUnit {
    pub(super) fn new(
        environment: Arc<Environment>,
        drives: Arc<Vec<Mutex<DriveUnit>>>,
        file: PathBuf,
        record: super::library::LibraryRecord,
        elements: Elements,
    ) -> Self {
        Self {
            environment,
            serial: record.serial(),
            state: UnitState::default(),
            elements,
            drives,
            file,
            record,
            planned_end: None,
            owed: std::time::Duration::ZERO,
        }
    }

    /// Executes one command.
    pub(super) fn execute(&mut self, mut request: Request<'_, '_>) -> Answer {
        self.state.meet(request.initiator);
        let code = byte(request.cdb, 0);
        if !matches!(code, opcode::INQUIRY | opcode::REPORT_LUNS | opcode::REQUEST_SENSE)
            && let Some(attention) = self.state.next_attention(request.initiator)
        {
            return Err(attention.sense().into());
        }
        self.state.reservations.ensure_allowed(request.initiator, code)?;
        self.dispatch(code, &mut request)
    }

    /// How the next move ends.
    pub(super) fn plan_end(&mut self, ends: MoveEnd, sense: Option<Sense>) {
        self.planned_end = Some((ends, sense));
    }

    /// What the command at work has cost; the next one begins at nothing.
    pub(super) fn take_owed(&mut self) -> std::time::Duration {
        self.planned_end = None;
        std::mem::take(&mut self.owed)
    }

    fn spend_move(&mut self) {
        if self.environment.timing == super::plan::Timing::Model {
            self.owed += ROBOT_MOVE;
        }
    }

    fn dispatch(&mut self, code: u8, request: &mut Request<'_, '_>) -> Answer {
        match code {
            opcode::TEST_UNIT_READY | opcode::SEND_DIAGNOSTIC => done(),
            opcode::REQUEST_SENSE => {
                let attention = self.state.next_attention(request.initiator);
                let sense = attention.map_or_else(senses::nothing, Attention::sense);
                send(request.data, &sense.encode_fixed(), usize::from(byte(request.cdb, 4)))
            }
            opcode::INITIALIZE_ELEMENT_STATUS | opcode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE => {
                self.initialize(code, request.cdb)
            }
            opcode::INQUIRY => {
                let subject = inquiry::Subject::Changer { serial: &self.serial };
                let page = inquiry::answer(&subject, request.cdb)?;
                send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 3)))
            }
            opcode::RESERVE_6 => {
                self.state.reservations.reserve(request.initiator);
                done()
            }
            opcode::RELEASE_6 => {
                self.state.reservations.release(request.initiator);
                done()
            }
            opcode::MODE_SENSE_6 | opcode::MODE_SENSE_10 => self.mode_sense(request),
            opcode::PREVENT_ALLOW_MEDIUM_REMOVAL => {
                self.state.set_prevent(request.initiator, byte(request.cdb, 4) & 1 != 0);
                done()
            }
            opcode::LOCATE_10_OR_POSITION_TO_ELEMENT => self.position_to_element(request.cdb),
            opcode::LOG_SENSE => {
                let code = byte(request.cdb, 2) & 0x3F;
                let page = log::changer_page(code, be16(request.cdb, 5))
                    .ok_or_else(senses::invalid_field)?;
                send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 7)))
            }
            opcode::PERSISTENT_RESERVE_IN => {
                let page = self.state.reservations.read(request.cdb)?;
                send(request.data, page.as_bytes(), usize::from(be16(request.cdb, 7)))
            }
            opcode::PERSISTENT_RESERVE_OUT => {
                let list = parameters(request.data, size(be32(request.cdb, 5)));
                let reservations = &mut self.state.reservations;
                let told = reservations.change(request.initiator, request.cdb, list)?;
                if let Some((initiators, attention)) = told {
                    self.state.raise_for(&initiators, attention);
                }
                done()
            }
            opcode::REPORT_LUNS => {
                send(request.data, &inquiry::report_luns(), size(be32(request.cdb, 6)))
            }
            opcode::MAINTENANCE_IN => {
                let page = opcodes::answer(opcodes::CHANGER, request.cdb)?;
                send(request.data, page.as_bytes(), size(be32(request.cdb, 6)))
            }
            opcode::MOVE_MEDIUM => self.move_medium(request.cdb),
            opcode::EXCHANGE_MEDIUM => self.exchange_medium(request.cdb),
            opcode::READ_ELEMENT_STATUS => self.read_element_status(request),
            _ => Err(senses::invalid_opcode().into()),
        }
    }

    fn mode_sense(&mut self, request: &mut Request<'_, '_>) -> Answer {
        let cdb = request.cdb;
        let is_short = byte(cdb, 0) == opcode::MODE_SENSE_6;
        let control =
            PageControl::from_code(byte(cdb, 2) >> 6).ok_or_else(senses::invalid_field)?;
        let addresses: ElementAddresses = self.elements.addresses();
        let pages = mode::changer_pages(&addresses, control, byte(cdb, 2) & 0x3F)
            .ok_or_else(senses::invalid_field)?;
        let header = ModeHeader {
            is_short,
            is_write_protected: false,
            is_buffered: false,
            density: 0,
            block_length: 0,
            has_descriptor: false,
        };
        let allocation = if is_short { u16::from(byte(cdb, 4)) } else { be16(cdb, 7) };
        send(request.data, mode::answer(&header, &pages).as_bytes(), usize::from(allocation))
    }

    /// The folder of a cartridge.
    pub(super) fn folder_of(&self, serial: &str) -> PathBuf {
        self.file.with_file_name("cartridges").join(serial)
    }

    /// Puts what is where into the library's file.
    pub(super) fn save(&mut self) -> Result<(), VtlError> {
        self.record.places = self.elements.places();
        replace_json(&self.file, &self.record)
    }

    /// A person opened a mail slot or the door.
    pub(super) fn tell_of_access(&mut self, is_mail_slot: bool) {
        self.state.raise(if is_mail_slot {
            Attention::MailSlotAccessed
        } else {
            Attention::MediumChanged
        });
    }
}
