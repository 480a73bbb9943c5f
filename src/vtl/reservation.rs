//! Reservations between initiators: RESERVE and RELEASE(6), and persistent ones by key.

use std::collections::BTreeMap;

use super::bytes::{Page, be64, byte};
use super::log::InitiatorId;
use super::senses::{self, Attention};
use super::unit::Refusal;
use crate::scsi::{Sense, opcode};

/// Service actions of PERSISTENT RESERVE IN.
mod read {
    pub(super) const KEYS: u8 = 0;
    pub(super) const RESERVATION: u8 = 1;
    pub(super) const CAPABILITIES: u8 = 2;
    pub(super) const FULL_STATUS: u8 = 3;
}

/// Service actions of PERSISTENT RESERVE OUT.
mod act {
    pub(super) const REGISTER: u8 = 0;
    pub(super) const RESERVE: u8 = 1;
    pub(super) const RELEASE: u8 = 2;
    pub(super) const CLEAR: u8 = 3;
    pub(super) const PREEMPT: u8 = 4;
    pub(super) const PREEMPT_AND_ABORT: u8 = 5;
    pub(super) const REGISTER_AND_IGNORE: u8 = 6;
}

/// TYPE codes that are known.
const WRITE_EXCLUSIVE: u8 = 1;
const EXCLUSIVE_ACCESS: u8 = 3;
const WRITE_EXCLUSIVE_REGISTRANTS: u8 = 5;
const EXCLUSIVE_ACCESS_REGISTRANTS: u8 = 6;
const WRITE_EXCLUSIVE_ALL: u8 = 7;
const EXCLUSIVE_ACCESS_ALL: u8 = 8;
/// Bytes of the parameter list of PERSISTENT RESERVE OUT.
const PARAMETER_BYTES: usize = 24;
/// Byte 20 of it: keep registrations over power loss.
const APTPL: u8 = 1;

/// Who has reserved a unit, and how.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    /// By RESERVE(6).
    simple: Option<InitiatorId>,
    keys: BTreeMap<InitiatorId, u64>,
    holder: Option<Holder>,
    generation: u32,
    survives_power_loss: bool,
}

#[derive(Clone, Copy, Debug)]
struct Holder {
    initiator: InitiatorId,
    kind: u8,
}

/// Whom to tell what after a change.
pub(super) type Told = Option<(Vec<InitiatorId>, Attention)>;

impl Reservations {
    /// RESERVATION CONFLICT, if `initiator` may not do `opcode` now.
    pub(super) fn ensure_allowed(&self, initiator: InitiatorId, code: u8) -> Result<(), Refusal> {
        let is_reserved_by_other = self.simple.is_some_and(|holder| holder != initiator);
        let always = matches!(
            code,
            opcode::INQUIRY
                | opcode::REPORT_LUNS
                | opcode::REQUEST_SENSE
                | opcode::PERSISTENT_RESERVE_IN
                | opcode::LOG_SENSE
                | opcode::READ_MEDIA_SERIAL_NUMBER
        );
        if always || (code == opcode::RELEASE_6 && is_reserved_by_other) {
            return Ok(());
        }
        if is_reserved_by_other {
            return Err(Refusal::Conflict);
        }
        if code == opcode::PERSISTENT_RESERVE_OUT {
            return Ok(());
        }
        if matches!(code, opcode::RESERVE_6 | opcode::RELEASE_6) && !self.keys.is_empty() {
            return Err(Refusal::Conflict);
        }
        let Some(holder) = self.holder else { return Ok(()) };
        let is_for_registrants = holder.kind >= WRITE_EXCLUSIVE_REGISTRANTS;
        let may_all = holder.initiator == initiator
            || (is_for_registrants && self.keys.contains_key(&initiator));
        let is_exclusive = matches!(
            holder.kind,
            EXCLUSIVE_ACCESS | EXCLUSIVE_ACCESS_REGISTRANTS | EXCLUSIVE_ACCESS_ALL
        );
        let looks_only = matches!(
            code,
            opcode::TEST_UNIT_READY
                | opcode::READ_BLOCK_LIMITS
                | opcode::MODE_SENSE_6
                | opcode::MODE_SENSE_10
                | opcode::READ_POSITION
                | opcode::REPORT_DENSITY_SUPPORT
                | opcode::MAINTENANCE_IN
                | opcode::READ_ATTRIBUTE
                | opcode::READ_ELEMENT_STATUS
                | opcode::SECURITY_PROTOCOL_IN
        );
        if may_all || (!is_exclusive && looks_only) { Ok(()) } else { Err(Refusal::Conflict) }
    }

    /// RESERVE(6). Conflicts were found before.
    pub(super) fn reserve(&mut self, initiator: InitiatorId) {
        self.simple = Some(initiator);
    }

    /// RELEASE(6). Releasing what another holds does nothing.
    pub(super) fn release(&mut self, initiator: InitiatorId) {
        self.simple = self.simple.filter(|holder| *holder != initiator);
    }

    pub(super) fn reset(&mut self, power_was_lost: bool) {
        self.simple = None;
        if power_was_lost && !self.survives_power_loss {
            self.keys.clear();
            self.holder = None;
            self.generation = 0;
        }
    }

    /// PERSISTENT RESERVE IN: its answer.
    pub(super) fn read(&self, cdb: &[u8]) -> Result<Page, Sense> {
        let mut page = Page::new();
        match byte(cdb, 1) & 0x1F {
            read::KEYS => {
                page.u32(self.generation).u32(0_u32);
                self.keys.values().for_each(|key| {
                    page.u64(*key);
                });
                page.close_u32(4);
            }
            read::RESERVATION => {
                page.u32(self.generation).u32(0_u32);
                if let Some(holder) = self.holder {
                    page.u64(self.key_of(holder)).zeros(5).u8(holder.kind).zeros(2);
                }
                page.close_u32(4);
            }
            // Length 8; PTPL_C, ATP_C clear; TMV and all six types; PTPL_A.
            read::CAPABILITIES => {
                let active = u8::from(self.survives_power_loss);
                page.u16(8_u16).u8(0x01).u8(0x80 | active).u8(0xEA).u8(0x01).zeros(2);
            }
            read::FULL_STATUS => {
                page.u32(self.generation).u32(0_u32);
                for (initiator, key) in &self.keys {
                    let holder = self.holder.filter(|holder| holder.initiator == *initiator);
                    page.u64(*key).zeros(4).u8(u8::from(holder.is_some()));
                    page.u8(holder.map_or(0, |h| h.kind)).zeros(4).u16(1_u16).u32(24_u32);
                    // TransportID of a SAS port; the initiator's number is its address.
                    page.u8(0x06).zeros(9).u16(initiator.0).zeros(12);
                }
                page.close_u32(4);
            }
            _ => return Err(senses::invalid_field()),
        }
        Ok(page)
    }

    fn key_of(&self, holder: Holder) -> u64 {
        match holder.kind {
            WRITE_EXCLUSIVE_ALL | EXCLUSIVE_ACCESS_ALL => 0,
            _ => self.keys.get(&holder.initiator).copied().unwrap_or_default(),
        }
    }

    /// PERSISTENT RESERVE OUT.
    pub(super) fn change(
        &mut self,
        initiator: InitiatorId,
        cdb: &[u8],
        list: &[u8],
    ) -> Result<Told, Refusal> {
        if list.len() != PARAMETER_BYTES {
            return Err(senses::parameter_list_length().into());
        }
        let (key, new_key) = (be64(list, 0), be64(list, 8));
        let (action, kind) = (byte(cdb, 1) & 0x1F, byte(cdb, 2) & 0x0F);
        let mine = self.keys.get(&initiator).copied();
        let may_act = match action {
            act::REGISTER => key == mine.unwrap_or_default(),
            act::REGISTER_AND_IGNORE => true,
            _ => mine == Some(key),
        };
        if !may_act {
            return Err(Refusal::Conflict);
        }
        match action {
            act::REGISTER | act::REGISTER_AND_IGNORE => {
                self.survives_power_loss = byte(list, 20) & APTPL != 0;
                self.generation = self.generation.wrapping_add(1);
                if new_key == 0 {
                    return Ok(self.unregister(initiator));
                }
                self.keys.insert(initiator, new_key);
                Ok(None)
            }
            act::RESERVE => self.take(initiator, kind).map(|()| None),
            act::RELEASE => self.give_up(initiator, kind),
            act::CLEAR => {
                let others = self.keys.keys().copied().filter(|id| *id != initiator).collect();
                self.keys.clear();
                self.holder = None;
                self.generation = self.generation.wrapping_add(1);
                Ok(Some((others, Attention::ReservationPreempted)))
            }
            act::PREEMPT | act::PREEMPT_AND_ABORT => self.preempt(initiator, kind, new_key),
            _ => Err(senses::invalid_field().into()),
        }
    }

    fn unregister(&mut self, initiator: InitiatorId) -> Told {
        self.keys.remove(&initiator);
        let held = self.holder.filter(|holder| holder.initiator == initiator)?;
        let is_for_all = matches!(held.kind, WRITE_EXCLUSIVE_ALL | EXCLUSIVE_ACCESS_ALL);
        if let (true, Some(next)) = (is_for_all, self.keys.keys().next()) {
            self.holder = Some(Holder { initiator: *next, kind: held.kind });
            return None;
        }
        self.holder = None;
        let is_told = held.kind >= WRITE_EXCLUSIVE_REGISTRANTS;
        is_told.then(|| (self.keys.keys().copied().collect(), Attention::ReservationReleased))
    }

    fn take(&mut self, initiator: InitiatorId, kind: u8) -> Result<(), Refusal> {
        let is_known =
            matches!(kind, WRITE_EXCLUSIVE | EXCLUSIVE_ACCESS | 5..=EXCLUSIVE_ACCESS_ALL);
        match self.holder {
            _ if !is_known => Err(senses::invalid_field().into()),
            Some(holder) if holder.initiator != initiator || holder.kind != kind => {
                Err(Refusal::Conflict)
            }
            _ => {
                self.holder = Some(Holder { initiator, kind });
                Ok(())
            }
        }
    }

    fn give_up(&mut self, initiator: InitiatorId, kind: u8) -> Result<Told, Refusal> {
        let Some(holder) = self.holder.filter(|holder| holder.initiator == initiator) else {
            return Ok(None);
        };
        if holder.kind != kind {
            return Err(senses::invalid_release().into());
        }
        self.holder = None;
        let others = self.keys.keys().copied().filter(|id| *id != initiator).collect();
        let is_told = kind >= WRITE_EXCLUSIVE_REGISTRANTS;
        Ok(is_told.then_some((others, Attention::ReservationReleased)))
    }

    fn preempt(&mut self, initiator: InitiatorId, kind: u8, key: u64) -> Result<Told, Refusal> {
        let victims: Vec<InitiatorId> = (self.keys.iter())
            .filter(|(id, theirs)| **theirs == key && **id != initiator)
            .map(|(id, _)| *id)
            .collect();
        let holds = self.holder.is_some_and(|holder| self.key_of(holder) == key);
        if victims.is_empty() && !holds {
            return Err(Refusal::Conflict);
        }
        self.keys.retain(|id, _| !victims.contains(id));
        self.generation = self.generation.wrapping_add(1);
        if holds {
            self.holder = Some(Holder { initiator, kind });
        }
        Ok(Some((victims, Attention::RegistrationsPreempted)))
    }
}
