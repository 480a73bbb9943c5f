//! Command blocks of SPC: what every device answers.

use crate::domain::Partition;
use crate::scsi::opcode;

/// TEST UNIT READY, opcode 00h.
#[must_use]
pub fn test_unit_ready() -> [u8; 6] {
    [opcode::TEST_UNIT_READY, 0, 0, 0, 0, 0]
}

/// REQUEST SENSE, opcode 03h: sense in the fixed format (DESC is 0).
#[must_use]
pub fn request_sense(allocation_bytes: u8) -> [u8; 6] {
    [opcode::REQUEST_SENSE, 0, 0, 0, allocation_bytes, 0]
}

/// INQUIRY, opcode 12h: the standard answer.
#[must_use]
pub fn inquiry(allocation_bytes: u16) -> [u8; 6] {
    let [high, low] = allocation_bytes.to_be_bytes();
    [opcode::INQUIRY, 0, 0, high, low, 0]
}

/// INQUIRY, opcode 12h: one page of vital product data.
#[must_use]
pub fn inquiry_page(page: u8, allocation_bytes: u16) -> [u8; 6] {
    const EVPD: u8 = 1; // byte 1
    let [high, low] = allocation_bytes.to_be_bytes();
    [opcode::INQUIRY, EVPD, page, high, low, 0]
}

/// Which values MODE SENSE and LOG SENSE shall report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageControl {
    /// What is in force (MODE SENSE).
    Current,
    /// A mask of what may be changed (MODE SENSE).
    Changeable,
    /// Cumulative values (LOG SENSE).
    Cumulative,
}

impl PageControl {
    /// PC, bits 7 and 6.
    fn bits(self) -> u8 {
        match self {
            Self::Current => 0b00 << 6,
            // MODE SENSE "changeable" and LOG SENSE "cumulative" share the code.
            Self::Changeable | Self::Cumulative => 0b01 << 6,
        }
    }
}

/// A mode page by its code and subpage code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModePageCode {
    /// PAGE CODE, 00h to 3Fh.
    pub page: u8,
    /// SUBPAGE CODE; 0 for pages without subpages.
    pub subpage: u8,
}

impl ModePageCode {
    /// A page without subpages.
    #[must_use]
    pub const fn page(page: u8) -> Self {
        Self { page, subpage: 0 }
    }
}

/// MODE SENSE(6), opcode 1Ah, with the block descriptor.
#[must_use]
pub fn mode_sense6(code: ModePageCode, control: PageControl, allocation_bytes: u8) -> [u8; 6] {
    let page = control.bits() | (code.page & 0x3F);
    [opcode::MODE_SENSE_6, 0, page, code.subpage, allocation_bytes, 0]
}

/// MODE SENSE(10), opcode 5Ah, with the block descriptor.
#[must_use]
pub fn mode_sense10(code: ModePageCode, control: PageControl, allocation_bytes: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode::MODE_SENSE_10;
    cdb[2] = control.bits() | (code.page & 0x3F);
    cdb[3] = code.subpage;
    cdb[7..9].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// Byte 1 of MODE SELECT: PF, the parameters are in page format.
const PAGE_FORMAT: u8 = 1 << 4;

/// MODE SELECT(6), opcode 15h: page format, not saved over power cycles.
#[must_use]
pub fn mode_select6(parameter_bytes: u8) -> [u8; 6] {
    [opcode::MODE_SELECT_6, PAGE_FORMAT, 0, 0, parameter_bytes, 0]
}

/// MODE SELECT(10), opcode 55h: page format, not saved over power cycles.
#[must_use]
pub fn mode_select10(parameter_bytes: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode::MODE_SELECT_10;
    cdb[1] = PAGE_FORMAT;
    cdb[7..9].copy_from_slice(&parameter_bytes.to_be_bytes());
    cdb
}

/// LOG SENSE, opcode 4Dh: the cumulative values of a page, from its first parameter.
#[must_use]
pub fn log_sense(page: u8, subpage: u8, allocation_bytes: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode::LOG_SENSE;
    cdb[2] = PageControl::Cumulative.bits() | (page & 0x3F);
    cdb[3] = subpage;
    cdb[7..9].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// What READ ATTRIBUTE shall return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAttribute {
    /// Service action 00h: the attributes with their values.
    Values,
    /// Service action 01h: the identifiers only.
    List,
}

/// READ ATTRIBUTE, opcode 8Ch: from attribute `first` of `partition` on.
#[must_use]
pub fn read_attribute(
    what: ReadAttribute,
    partition: Partition,
    first: u16,
    allocation_bytes: u32,
) -> [u8; 16] {
    let mut cdb = [0; 16];
    cdb[0] = opcode::READ_ATTRIBUTE;
    cdb[1] = match what {
        ReadAttribute::Values => 0x00,
        ReadAttribute::List => 0x01,
    };
    cdb[7] = partition.0;
    cdb[8..10].copy_from_slice(&first.to_be_bytes());
    cdb[10..14].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// WRITE ATTRIBUTE, opcode 8Dh: through to the cartridge's memory (WTC), not only to the drive's copy.
#[must_use]
pub fn write_attribute(partition: Partition, parameter_bytes: u32) -> [u8; 16] {
    const WRITE_THROUGH: u8 = 1; // byte 1, WTC
    let mut cdb = [0; 16];
    cdb[0] = opcode::WRITE_ATTRIBUTE;
    cdb[1] = WRITE_THROUGH;
    cdb[7] = partition.0;
    cdb[10..14].copy_from_slice(&parameter_bytes.to_be_bytes());
    cdb
}

/// REPORT SUPPORTED OPERATION CODES, opcode A3h/0Ch: all commands, with timeouts descriptors.
#[must_use]
pub fn report_supported_operation_codes(allocation_bytes: u32) -> [u8; 12] {
    const RETURN_TIMEOUTS: u8 = 1 << 7; // byte 2, RCTD
    let mut cdb = [0; 12];
    cdb[0] = opcode::MAINTENANCE_IN;
    cdb[1] = opcode::SA_REPORT_SUPPORTED_OPERATION_CODES;
    cdb[2] = RETURN_TIMEOUTS;
    cdb[6..10].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// Whether a person may take the medium out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumRemoval {
    /// Removal is allowed.
    Allow,
    /// Removal is prevented.
    Prevent,
}

/// PREVENT ALLOW MEDIUM REMOVAL, opcode 1Eh.
#[must_use]
pub fn prevent_allow_medium_removal(removal: MediumRemoval) -> [u8; 6] {
    let prevent = match removal {
        MediumRemoval::Allow => 0,
        MediumRemoval::Prevent => 1,
    };
    [opcode::PREVENT_ALLOW_MEDIUM_REMOVAL, 0, 0, 0, prevent, 0]
}

/// What PERSISTENT RESERVE IN shall return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReserveIn {
    /// Service action 00h: the registered keys.
    ReadKeys,
    /// Service action 01h: the reservation in force.
    ReadReservation,
}

/// PERSISTENT RESERVE IN, opcode 5Eh.
#[must_use]
pub fn persistent_reserve_in(what: ReserveIn, allocation_bytes: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode::PERSISTENT_RESERVE_IN;
    cdb[1] = match what {
        ReserveIn::ReadKeys => 0x00,
        ReserveIn::ReadReservation => 0x01,
    };
    cdb[7..9].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// What PERSISTENT RESERVE OUT shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReserveOut {
    /// Service action 01h: reserve.
    Reserve,
    /// Service action 02h: release.
    Release,
    /// Service action 04h: take the reservation of another initiator away.
    Preempt,
    /// Service action 06h: register a key whatever key was registered before.
    RegisterAndIgnore,
}

/// PERSISTENT RESERVE OUT, opcode 5Fh: exclusive access of the whole unit.
#[must_use]
pub fn persistent_reserve_out(what: ReserveOut, parameter_bytes: u32) -> [u8; 10] {
    const UNIT_EXCLUSIVE_ACCESS: u8 = 0x03; // byte 2: SCOPE 0, TYPE 3
    let (action, scope_and_type) = match what {
        ReserveOut::Reserve => (0x01, UNIT_EXCLUSIVE_ACCESS),
        ReserveOut::Release => (0x02, UNIT_EXCLUSIVE_ACCESS),
        ReserveOut::Preempt => (0x04, UNIT_EXCLUSIVE_ACCESS),
        ReserveOut::RegisterAndIgnore => (0x06, 0),
    };
    let mut cdb = [0; 10];
    cdb[0] = opcode::PERSISTENT_RESERVE_OUT;
    cdb[1] = action;
    cdb[2] = scope_and_type;
    cdb[5..9].copy_from_slice(&parameter_bytes.to_be_bytes());
    cdb
}

/// SECURITY PROTOCOL IN, opcode A2h.
#[must_use]
pub fn security_protocol_in(protocol: u8, page: u16, allocation_bytes: u32) -> [u8; 12] {
    security_protocol(opcode::SECURITY_PROTOCOL_IN, protocol, page, allocation_bytes)
}

/// SECURITY PROTOCOL OUT, opcode B5h.
#[must_use]
pub fn security_protocol_out(protocol: u8, page: u16, parameter_bytes: u32) -> [u8; 12] {
    security_protocol(opcode::SECURITY_PROTOCOL_OUT, protocol, page, parameter_bytes)
}

fn security_protocol(opcode: u8, protocol: u8, page: u16, bytes: u32) -> [u8; 12] {
    let mut cdb = [0; 12];
    cdb[0] = opcode;
    cdb[1] = protocol;
    cdb[2..4].copy_from_slice(&page.to_be_bytes());
    cdb[6..10].copy_from_slice(&bytes.to_be_bytes());
    cdb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_every_device_have_their_literal_bytes() {
        assert_eq!(test_unit_ready(), [0; 6]);
        assert_eq!(request_sense(252), [0x03, 0, 0, 0, 252, 0]);
        assert_eq!(inquiry(0x1234), [0x12, 0, 0, 0x12, 0x34, 0]);
        assert_eq!(inquiry_page(0x83, 255), [0x12, 1, 0x83, 0, 255, 0]);
        assert_eq!(prevent_allow_medium_removal(MediumRemoval::Prevent), [0x1E, 0, 0, 0, 1, 0]);
        assert_eq!(prevent_allow_medium_removal(MediumRemoval::Allow), [0x1E, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn mode_and_log_commands_have_their_literal_bytes() {
        let extension = ModePageCode { page: 0x10, subpage: 0x01 };
        assert_eq!(
            mode_sense6(extension, PageControl::Current, 0xFF),
            [0x1A, 0, 0x10, 0x01, 0xFF, 0]
        );
        assert_eq!(
            mode_sense10(ModePageCode::page(0x11), PageControl::Changeable, 0x0102),
            [0x5A, 0, 0x51, 0, 0, 0, 0, 0x01, 0x02, 0]
        );
        assert_eq!(mode_select6(0x1C), [0x15, 0x10, 0, 0, 0x1C, 0]);
        assert_eq!(mode_select10(0x011C), [0x55, 0x10, 0, 0, 0, 0, 0, 0x01, 0x1C, 0]);
        assert_eq!(log_sense(0x2E, 0, 0x1000), [0x4D, 0, 0x6E, 0, 0, 0, 0, 0x10, 0, 0]);
    }

    #[test]
    fn attribute_commands_name_partition_identifier_and_length() {
        assert_eq!(
            read_attribute(ReadAttribute::Values, Partition(1), 0x080C, 0x0001_0002),
            [0x8C, 0, 0, 0, 0, 0, 0, 1, 0x08, 0x0C, 0, 1, 0, 2, 0, 0]
        );
        assert_eq!(read_attribute(ReadAttribute::List, Partition(0), 0, 4)[..2], [0x8C, 0x01]);
        assert_eq!(
            write_attribute(Partition(1), 0x4F),
            [0x8D, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x4F, 0, 0]
        );
    }

    #[test]
    fn the_operation_codes_are_asked_for_with_timeouts() {
        assert_eq!(
            report_supported_operation_codes(0x4000),
            [0xA3, 0x0C, 0x80, 0, 0, 0, 0, 0, 0x40, 0, 0, 0]
        );
    }

    #[test]
    fn reservation_commands_are_for_exclusive_access() {
        assert_eq!(
            persistent_reserve_in(ReserveIn::ReadReservation, 0x0100),
            [0x5E, 1, 0, 0, 0, 0, 0, 1, 0, 0]
        );
        assert_eq!(
            persistent_reserve_out(ReserveOut::RegisterAndIgnore, 24),
            [0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0]
        );
        assert_eq!(
            persistent_reserve_out(ReserveOut::Reserve, 24),
            [0x5F, 1, 3, 0, 0, 0, 0, 0, 24, 0]
        );
        assert_eq!(persistent_reserve_out(ReserveOut::Release, 24)[1..3], [2, 3]);
        assert_eq!(persistent_reserve_out(ReserveOut::Preempt, 24)[1..3], [4, 3]);
        assert_eq!(persistent_reserve_in(ReserveIn::ReadKeys, 8)[1], 0);
    }

    #[test]
    fn security_commands_name_protocol_page_and_length() {
        assert_eq!(
            security_protocol_in(0x20, 0x0020, 0x0200),
            [0xA2, 0x20, 0, 0x20, 0, 0, 0, 0, 0x02, 0, 0, 0]
        );
        assert_eq!(
            security_protocol_out(0x20, 0x0010, 52),
            [0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0]
        );
    }
}
