//! REPORT SUPPORTED OPERATION CODES, with how long each command may take.

use crate::domain::LtoGeneration;
use crate::scsi::{Sense, opcode};
use crate::vtl::bytes::{Page, be16, byte};
use crate::vtl::senses;

/// One command that a device supports.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) struct Supported {
    opcode: u8,
    service_action: Option<u8>,
    cdb_bytes: u16,
    /// RECOMMENDED COMMAND TIMEOUT in seconds.
    timeout_seconds: u32,
}

/// Most commands are answered from memory.
const QUICK: u32 = 60;
/// Recommended by LTO-9 drives, as seen in logs of the LTFS reference: motion, reading, loading.
const LOCATING: u32 = 2940;
const READING: u32 = 2340;
const LOADING: u32 = 7920;
/// The memory chip may have to wait for the buffer (ltfs issue 505).
const ATTRIBUTE: u32 = 1740;
const FORMATTING: u32 = 3000;
const ERASING: u32 = 50_000;
const MOVING: u32 = 600;

const fn command(opcode: u8, cdb_bytes: u16, timeout_seconds: u32) -> Supported {
    Supported { opcode, service_action: None, cdb_bytes, timeout_seconds }
}

const fn action(opcode: u8, service_action: u8, cdb_bytes: u16, timeout: u32) -> Supported {
    Supported { opcode, service_action: Some(service_action), cdb_bytes, timeout_seconds: timeout }
}

const DRIVE: &[Supported] = &[
    command(opcode::TEST_UNIT_READY, 6, QUICK),
    command(opcode::REWIND, 6, LOCATING),
    command(opcode::REQUEST_SENSE, 6, QUICK),
    command(opcode::FORMAT_MEDIUM, 6, FORMATTING),
    command(opcode::READ_BLOCK_LIMITS, 6, QUICK),
    command(opcode::READ_6, 6, READING),
    command(opcode::WRITE_6, 6, READING),
    command(opcode::SET_CAPACITY, 6, LOCATING),
    command(opcode::WRITE_FILEMARKS_6, 6, READING),
    command(opcode::SPACE_6, 6, LOCATING),
    command(opcode::INQUIRY, 6, QUICK),
    command(opcode::VERIFY_6, 6, ERASING),
    command(opcode::MODE_SELECT_6, 6, QUICK),
    command(opcode::RESERVE_6, 6, QUICK),
    command(opcode::RELEASE_6, 6, QUICK),
    command(opcode::ERASE_6, 6, ERASING),
    command(opcode::MODE_SENSE_6, 6, QUICK),
    command(opcode::LOAD_UNLOAD, 6, LOADING),
    command(opcode::SEND_DIAGNOSTIC, 6, READING),
    command(opcode::PREVENT_ALLOW_MEDIUM_REMOVAL, 6, QUICK),
    command(opcode::LOCATE_10_OR_POSITION_TO_ELEMENT, 10, LOCATING),
    command(opcode::READ_POSITION, 10, QUICK),
    command(opcode::REPORT_DENSITY_SUPPORT, 10, QUICK),
    command(opcode::LOG_SENSE, 10, QUICK),
    command(opcode::MODE_SELECT_10, 10, QUICK),
    command(opcode::MODE_SENSE_10, 10, QUICK),
    command(opcode::PERSISTENT_RESERVE_IN, 10, QUICK),
    command(opcode::PERSISTENT_RESERVE_OUT, 10, QUICK),
    command(opcode::ALLOW_OVERWRITE, 16, QUICK),
    command(opcode::READ_ATTRIBUTE, 16, ATTRIBUTE),
    command(opcode::WRITE_ATTRIBUTE, 16, ATTRIBUTE),
    command(opcode::SPACE_16, 16, LOCATING),
    command(opcode::LOCATE_16, 16, LOCATING),
    command(opcode::REPORT_LUNS, 12, QUICK),
    command(opcode::SECURITY_PROTOCOL_IN, 12, QUICK),
    action(opcode::MAINTENANCE_IN, opcode::SA_REPORT_SUPPORTED_OPERATION_CODES, 12, QUICK),
    command(opcode::READ_MEDIA_SERIAL_NUMBER, 12, QUICK),
    command(opcode::SECURITY_PROTOCOL_OUT, 12, QUICK),
];

/// Commands of LTO-7 and later.
const WRAP_ENDS: &[Supported] =
    &[action(opcode::MAINTENANCE_IN, opcode::SA_VENDOR_MAINTENANCE_IN, 12, QUICK)];

/// Commands of LTO-9 and later.
const ACCESS_ORDER: &[Supported] = &[
    action(opcode::MAINTENANCE_IN, opcode::SA_RECEIVE_RECOMMENDED_ACCESS_ORDER, 12, QUICK),
    action(opcode::MAINTENANCE_OUT, opcode::SA_GENERATE_RECOMMENDED_ACCESS_ORDER, 12, LOCATING),
];

/// Commands of the changer.
pub(in crate::vtl) const CHANGER: &[Supported] = &[
    command(opcode::TEST_UNIT_READY, 6, QUICK),
    command(opcode::REQUEST_SENSE, 6, QUICK),
    command(opcode::INITIALIZE_ELEMENT_STATUS, 6, MOVING),
    command(opcode::INQUIRY, 6, QUICK),
    command(opcode::RESERVE_6, 6, QUICK),
    command(opcode::RELEASE_6, 6, QUICK),
    command(opcode::MODE_SENSE_6, 6, QUICK),
    command(opcode::SEND_DIAGNOSTIC, 6, MOVING),
    command(opcode::PREVENT_ALLOW_MEDIUM_REMOVAL, 6, QUICK),
    command(opcode::LOCATE_10_OR_POSITION_TO_ELEMENT, 10, MOVING),
    command(opcode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE, 10, MOVING),
    command(opcode::LOG_SENSE, 10, QUICK),
    command(opcode::MODE_SENSE_10, 10, QUICK),
    command(opcode::PERSISTENT_RESERVE_IN, 10, QUICK),
    command(opcode::PERSISTENT_RESERVE_OUT, 10, QUICK),
    command(opcode::REPORT_LUNS, 12, QUICK),
    action(opcode::MAINTENANCE_IN, opcode::SA_REPORT_SUPPORTED_OPERATION_CODES, 12, QUICK),
    command(opcode::MOVE_MEDIUM, 12, MOVING),
    command(opcode::EXCHANGE_MEDIUM, 12, MOVING),
    command(opcode::READ_ELEMENT_STATUS, 12, QUICK),
];

/// Commands of a drive of that generation.
pub(in crate::vtl) fn drive(generation: LtoGeneration) -> Vec<Supported> {
    let wraps = if generation >= LtoGeneration::Lto7 { WRAP_ENDS } else { &[] };
    let later = if generation >= LtoGeneration::Lto9 { ACCESS_ORDER } else { &[] };
    DRIVE.iter().chain(wraps).chain(later).copied().collect()
}

/// The answer to REPORT SUPPORTED OPERATION CODES.
pub(in crate::vtl) fn answer(supported: &[Supported], cdb: &[u8]) -> Result<Page, Sense> {
    const RETURN_TIMEOUTS: u8 = 0x80;
    const ALL: u8 = 0;
    const BY_OPCODE: u8 = 1;
    const BY_SERVICE_ACTION: u8 = 2;
    let with_timeouts = byte(cdb, 2) & RETURN_TIMEOUTS != 0;
    let (wanted, wanted_action) = (byte(cdb, 3), be16(cdb, 4));
    let of_opcode = || supported.iter().find(|command| command.opcode == wanted);
    let of_action = || {
        supported.iter().find(|command| {
            command.opcode == wanted && command.service_action.map(u16::from) == Some(wanted_action)
        })
    };
    match byte(cdb, 2) & 0x07 {
        ALL => Ok(all(supported, with_timeouts)),
        BY_OPCODE if of_opcode().is_some_and(|c| c.service_action.is_some()) => {
            Err(senses::invalid_field())
        }
        BY_OPCODE => Ok(one(of_opcode(), with_timeouts)),
        BY_SERVICE_ACTION if of_opcode().is_some_and(|c| c.service_action.is_none()) => {
            Err(senses::invalid_field())
        }
        BY_SERVICE_ACTION => Ok(one(of_action(), with_timeouts)),
        _ => Err(senses::invalid_field()),
    }
}

fn all(supported: &[Supported], with_timeouts: bool) -> Page {
    const HAS_SERVICE_ACTION: u8 = 0x01;
    const HAS_TIMEOUTS: u8 = 0x02;
    let mut page = Page::new();
    page.u32(0_u32);
    for command in supported {
        let mut flags = if command.service_action.is_some() { HAS_SERVICE_ACTION } else { 0 };
        flags |= if with_timeouts { HAS_TIMEOUTS } else { 0 };
        page.u8(command.opcode).u8(0).u16(command.service_action.unwrap_or_default()).u8(0);
        page.u8(flags).u16(command.cdb_bytes);
        if with_timeouts {
            timeouts(&mut page, command);
        }
    }
    page.close_u32(0);
    page
}

fn one(command: Option<&Supported>, with_timeouts: bool) -> Page {
    const NOT_SUPPORTED: u8 = 0x01;
    const AS_THE_STANDARD_SAYS: u8 = 0x03;
    const HAS_TIMEOUTS: u8 = 0x80;
    let mut page = Page::new();
    let Some(command) = command else {
        page.u8(0).u8(NOT_SUPPORTED).u16(0_u16);
        return page;
    };
    let flags = if with_timeouts { HAS_TIMEOUTS } else { 0 };
    page.u8(0).u8(flags | AS_THE_STANDARD_SAYS).u16(command.cdb_bytes);
    // CDB USAGE DATA: the opcode, the service action, and every further bit may be set.
    page.u8(command.opcode).u8(command.service_action.unwrap_or(0xFF));
    (2..command.cdb_bytes).for_each(|_| {
        page.u8(0xFF);
    });
    if with_timeouts {
        timeouts(&mut page, command);
    }
    page
}

/// Command timeouts descriptor, 12 bytes: NOMINAL and RECOMMENDED.
fn timeouts(page: &mut Page, command: &Supported) {
    page.u16(10_u16).u16(0_u16).u32(1_u32).u32(command.timeout_seconds);
}
