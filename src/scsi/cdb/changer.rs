//! Command blocks of SMC: what a changer answers.

use super::be24;
use crate::scsi::opcode;

/// INITIALIZE ELEMENT STATUS, opcode 07h: look into every element again. May take minutes.
#[must_use]
pub fn initialize_element_status() -> [u8; 6] {
    [opcode::INITIALIZE_ELEMENT_STATUS, 0, 0, 0, 0, 0]
}

/// INITIALIZE ELEMENT STATUS WITH RANGE, opcode 37h: look into `count` elements from `first` on.
#[must_use]
pub fn initialize_element_status_with_range(first: u16, count: u16) -> [u8; 10] {
    const RANGE: u8 = 1; // byte 1
    let mut cdb = [0; 10];
    cdb[0] = opcode::INITIALIZE_ELEMENT_STATUS_WITH_RANGE;
    cdb[1] = RANGE;
    cdb[2..4].copy_from_slice(&first.to_be_bytes());
    cdb[6..8].copy_from_slice(&count.to_be_bytes());
    cdb
}

/// Kinds of elements, as READ ELEMENT STATUS asks for and reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ElementType {
    /// 1: medium transport, the robot.
    Transport,
    /// 2: storage, a slot.
    Storage,
    /// 3: import or export, a mail slot.
    ImportExport,
    /// 4: data transfer, a drive.
    DataTransfer,
}

impl ElementType {
    /// ELEMENT TYPE CODE.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Transport => 1,
            Self::Storage => 2,
            Self::ImportExport => 3,
            Self::DataTransfer => 4,
        }
    }

    /// The type of a code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::Transport, Self::Storage, Self::ImportExport, Self::DataTransfer]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// What a READ ELEMENT STATUS asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementStatusRequest {
    /// Elements of one kind, or of all.
    pub kind: Option<ElementType>,
    /// The lowest address wanted.
    pub first: u16,
    /// How many at most.
    pub count: u16,
    /// VOLTAG: with barcodes.
    pub with_volume_tags: bool,
    /// DVCID: with the identifiers of the drives.
    pub with_device_ids: bool,
}

/// READ ELEMENT STATUS, opcode B8h. CURDATA is 1: answered from what the changer knows, without motion.
///
/// # Panics
/// If `allocation_bytes` needs more than 24 bits.
#[must_use]
pub fn read_element_status(request: ElementStatusRequest, allocation_bytes: u32) -> [u8; 12] {
    const VOLTAG: u8 = 1 << 4; // byte 1
    const CURDATA: u8 = 1 << 1; // byte 6
    const DVCID: u8 = 1; // byte 6
    let mut cdb = [0; 12];
    cdb[0] = opcode::READ_ELEMENT_STATUS;
    cdb[1] = request.kind.map_or(0, ElementType::code);
    cdb[1] |= if request.with_volume_tags { VOLTAG } else { 0 };
    cdb[2..4].copy_from_slice(&request.first.to_be_bytes());
    cdb[4..6].copy_from_slice(&request.count.to_be_bytes());
    cdb[6] = if request.with_device_ids { CURDATA | DVCID } else { CURDATA };
    cdb[7..10].copy_from_slice(&be24(allocation_bytes));
    cdb
}

/// The three elements of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// MEDIUM TRANSPORT ADDRESS: the robot; 0 leaves the choice to the changer.
    pub robot: u16,
    /// SOURCE ADDRESS.
    pub from: u16,
    /// DESTINATION ADDRESS.
    pub to: u16,
}

/// MOVE MEDIUM, opcode A5h, without turning the medium.
#[must_use]
pub fn move_medium(elements: Move) -> [u8; 12] {
    let mut cdb = [0; 12];
    cdb[0] = opcode::MOVE_MEDIUM;
    cdb[2..4].copy_from_slice(&elements.robot.to_be_bytes());
    cdb[4..6].copy_from_slice(&elements.from.to_be_bytes());
    cdb[6..8].copy_from_slice(&elements.to.to_be_bytes());
    cdb
}

/// EXCHANGE MEDIUM, opcode A6h: the one in `to` goes to `second`, the one in `from` goes to `to`.
#[must_use]
pub fn exchange_medium(elements: Move, second: u16) -> [u8; 12] {
    let mut cdb = move_medium(elements);
    cdb[0] = opcode::EXCHANGE_MEDIUM;
    cdb[8..10].copy_from_slice(&second.to_be_bytes());
    cdb
}

/// POSITION TO ELEMENT, opcode 2Bh: the robot waits before an element.
#[must_use]
pub fn position_to_element(robot: u16, element: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode::LOCATE_10_OR_POSITION_TO_ELEMENT;
    cdb[2..4].copy_from_slice(&robot.to_be_bytes());
    cdb[4..6].copy_from_slice(&element.to_be_bytes());
    cdb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_status_is_asked_for_with_tags_and_device_ids() {
        let request = ElementStatusRequest {
            kind: Some(ElementType::DataTransfer),
            first: 0x0100,
            count: 0x0203,
            with_volume_tags: true,
            with_device_ids: true,
        };
        assert_eq!(
            read_element_status(request, 0x01_0000),
            [0xB8, 0x14, 1, 0, 2, 3, 0x03, 1, 0, 0, 0, 0]
        );
        let plain = ElementStatusRequest {
            kind: None,
            with_volume_tags: false,
            with_device_ids: false,
            ..request
        };
        assert_eq!(read_element_status(plain, 8), [0xB8, 0, 1, 0, 2, 3, 0x02, 0, 0, 8, 0, 0]);
    }

    #[test]
    fn moves_name_robot_source_and_destination() {
        let elements = Move { robot: 1, from: 0x03E9, to: 0x0101 };
        assert_eq!(move_medium(elements), [0xA5, 0, 0, 1, 3, 0xE9, 1, 1, 0, 0, 0, 0]);
        assert_eq!(
            exchange_medium(elements, 0x03EA),
            [0xA6, 0, 0, 1, 3, 0xE9, 1, 1, 3, 0xEA, 0, 0]
        );
        assert_eq!(position_to_element(1, 0x0102), [0x2B, 0, 0, 1, 1, 2, 0, 0, 0, 0]);
    }

    #[test]
    fn elements_are_initialised_all_or_in_a_range() {
        assert_eq!(initialize_element_status(), [7, 0, 0, 0, 0, 0]);
        assert_eq!(
            initialize_element_status_with_range(0x0400, 4),
            [0x37, 1, 4, 0, 0, 0, 0, 4, 0, 0]
        );
    }

    #[test]
    fn element_types_lead_back_to_their_code() {
        for code in 0..=u8::MAX {
            let kind = ElementType::from_code(code);
            assert_eq!(kind.map(ElementType::code), (1..=4).contains(&code).then_some(code));
        }
    }
}
