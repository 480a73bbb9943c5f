//! Command blocks of SSC: what a tape drive answers.
//!
//! READ(6) and WRITE(6) are always in variable-block mode (FIXED is 0), and READ never sets SILI: with
//! it a block longer than asked for would be cut without a word.

use super::be24;
use crate::domain::{BlockNumber, Partition};
use crate::scsi::opcode;

/// Largest transfer of READ(6), WRITE(6) and largest count of WRITE FILEMARKS(6): a 24 bit field.
pub const TRANSFER_BYTES_MAX: u32 = 0x00FF_FFFF;

/// When a command is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// When it has ended.
    AtEnd,
    /// When the drive has accepted it (IMMED); its failure comes later, deferred.
    AtOnce,
}

impl Reply {
    /// IMMED, bit 0.
    fn immed(self) -> u8 {
        match self {
            Self::AtEnd => 0,
            Self::AtOnce => 1,
        }
    }
}

/// REWIND, opcode 01h: to the beginning of the partition that the tape is in.
#[must_use]
pub fn rewind(reply: Reply) -> [u8; 6] {
    [opcode::REWIND, reply.immed(), 0, 0, 0, 0]
}

/// READ BLOCK LIMITS, opcode 05h.
#[must_use]
pub fn read_block_limits() -> [u8; 6] {
    [opcode::READ_BLOCK_LIMITS, 0, 0, 0, 0, 0]
}

/// READ(6), opcode 08h: one block of up to `bytes`, variable-block mode, lengths reported (SILI is 0).
///
/// # Panics
/// If `bytes` exceeds [`TRANSFER_BYTES_MAX`].
#[must_use]
pub fn read6(bytes: u32) -> [u8; 6] {
    let [a, b, c] = be24(bytes);
    [opcode::READ_6, 0, a, b, c, 0]
}

/// WRITE(6), opcode 0Ah: one block of `bytes`, variable-block mode.
///
/// # Panics
/// If `bytes` exceeds [`TRANSFER_BYTES_MAX`].
#[must_use]
pub fn write6(bytes: u32) -> [u8; 6] {
    let [a, b, c] = be24(bytes);
    [opcode::WRITE_6, 0, a, b, c, 0]
}

/// WRITE FILEMARKS(6), opcode 10h. A count of 0 that is answered at the end flushes the drive's buffer.
///
/// # Panics
/// If `count` exceeds [`TRANSFER_BYTES_MAX`].
#[must_use]
pub fn write_filemarks6(count: u32, reply: Reply) -> [u8; 6] {
    let [a, b, c] = be24(count);
    [opcode::WRITE_FILEMARKS_6, reply.immed(), a, b, c, 0]
}

/// What SPACE counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Blocks; forward if positive.
    Blocks(i64),
    /// Filemarks; forward if positive.
    Filemarks(i64),
    /// To the end of data.
    EndOfData,
}

impl Space {
    /// CODE and COUNT.
    fn code_and_count(self) -> (u8, i64) {
        match self {
            Self::Blocks(count) => (0, count),
            Self::Filemarks(count) => (1, count),
            Self::EndOfData => (3, 0),
        }
    }
}

/// SPACE(16), opcode 91h.
#[must_use]
pub fn space16(what: Space) -> [u8; 16] {
    let (code, count) = what.code_and_count();
    let mut cdb = [0; 16];
    cdb[0] = opcode::SPACE_16;
    cdb[1] = code;
    cdb[4..12].copy_from_slice(&count.to_be_bytes());
    cdb
}

/// SPACE(6), opcode 11h, for drives without the long form. `None` if the count does not fit 24 bits.
#[must_use]
pub fn space6(what: Space) -> Option<[u8; 6]> {
    const LARGEST: i64 = 0x7F_FFFF;
    let (code, count) = what.code_and_count();
    if !(-LARGEST - 1..=LARGEST).contains(&count) {
        return None;
    }
    let [.., a, b, c] = count.to_be_bytes();
    Some([opcode::SPACE_6, code, a, b, c, 0])
}

/// LOCATE(16), opcode 92h: go to a logical block of a partition (CP is set).
#[must_use]
pub fn locate16(partition: Partition, block: BlockNumber) -> [u8; 16] {
    const CHANGE_PARTITION: u8 = 1 << 1; // byte 1, CP
    let mut cdb = [0; 16];
    cdb[0] = opcode::LOCATE_16;
    cdb[1] = CHANGE_PARTITION;
    cdb[3] = partition.0;
    cdb[4..12].copy_from_slice(&block.0.to_be_bytes());
    cdb
}

/// ALLOW OVERWRITE(16), opcode 82h: the next write may begin at this position, which must be the
/// present one, though it is not the end of data and the drive is in append-only mode.
#[must_use]
pub fn allow_overwrite(partition: Partition, block: BlockNumber) -> [u8; 16] {
    const CURRENT_POSITION: u8 = 1; // byte 2, ALLOW OVERWRITE
    let mut cdb = [0; 16];
    cdb[0] = opcode::ALLOW_OVERWRITE;
    cdb[2] = CURRENT_POSITION;
    cdb[3] = partition.0;
    cdb[4..12].copy_from_slice(&block.0.to_be_bytes());
    cdb
}

/// ALLOW OVERWRITE(16), opcode 82h: the next command that lays the cartridge out anew may do so though
/// the drive is in append-only mode.
#[must_use]
pub fn allow_layout() -> [u8; 16] {
    const FORMAT: u8 = 2; // byte 2, ALLOW OVERWRITE
    let mut cdb = [0; 16];
    cdb[0] = opcode::ALLOW_OVERWRITE;
    cdb[2] = FORMAT;
    cdb
}

/// LOCATE(16), opcode 92h: go to the end of data of a partition (DEST_TYPE 3).
#[must_use]
pub fn locate16_end_of_data(partition: Partition) -> [u8; 16] {
    const END_OF_DATA: u8 = 3 << 3; // byte 1, DEST_TYPE
    let mut cdb = locate16(partition, BlockNumber(0));
    cdb[1] |= END_OF_DATA;
    cdb
}

/// LOCATE(10), opcode 2Bh, for drives without the long form. `None` if the block needs 33 bits.
#[must_use]
pub fn locate10(partition: Partition, block: BlockNumber) -> Option<[u8; 10]> {
    const CHANGE_PARTITION: u8 = 1 << 1; // byte 1, CP
    let block = u32::try_from(block.0).ok()?;
    let mut cdb = [0; 10];
    cdb[0] = opcode::LOCATE_10_OR_POSITION_TO_ELEMENT;
    cdb[1] = CHANGE_PARTITION;
    cdb[3..7].copy_from_slice(&block.to_be_bytes());
    cdb[8] = partition.0;
    Some(cdb)
}

/// READ POSITION, opcode 34h, short form (20 bytes, with what is buffered).
#[must_use]
pub fn read_position_short() -> [u8; 10] {
    [opcode::READ_POSITION, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// READ POSITION, opcode 34h, long form (32 bytes, with the filemarks before).
#[must_use]
pub fn read_position_long() -> [u8; 10] {
    [opcode::READ_POSITION, 0x06, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// What ERASE does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseMethod {
    /// An end of data mark at the position: seconds.
    Short,
    /// Everything from the position to the end of the partition: hours.
    Long,
}

/// ERASE(6), opcode 19h, from the position on.
#[must_use]
pub fn erase6(method: EraseMethod, reply: Reply) -> [u8; 6] {
    let long = match method {
        EraseMethod::Short => 0,
        EraseMethod::Long => 1,
    };
    [opcode::ERASE_6, reply.immed() << 1 | long, 0, 0, 0, 0]
}

/// What FORMAT MEDIUM shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumFormat {
    /// FORMAT 0: one partition, whatever the mode page says.
    Default,
    /// FORMAT 1: partition by the medium partition mode page.
    Partition,
    /// FORMAT 2: default format, then partition. Repeats LTO-9's initialisation: never by default.
    DefaultThenPartition,
}

/// FORMAT MEDIUM, opcode 04h, without verification.
#[must_use]
pub fn format_medium(format: MediumFormat, reply: Reply) -> [u8; 6] {
    let code = match format {
        MediumFormat::Default => 0,
        MediumFormat::Partition => 1,
        MediumFormat::DefaultThenPartition => 2,
    };
    [opcode::FORMAT_MEDIUM, reply.immed(), code, 0, 0, 0]
}

/// SET CAPACITY, opcode 0Bh: how many 65536ths of the medium are used; FFFFh is all of it.
#[must_use]
pub fn set_capacity(proportion: u16, reply: Reply) -> [u8; 6] {
    let [high, low] = proportion.to_be_bytes();
    [opcode::SET_CAPACITY, reply.immed(), 0, high, low, 0]
}

/// Load or unload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadUnload {
    /// Thread the tape and go to the beginning of partition 0.
    Load,
    /// Rewind, unthread and push the cartridge out as far as the drive does.
    Unload,
}

/// LOAD UNLOAD, opcode 1Bh.
#[must_use]
pub fn load_unload(what: LoadUnload, reply: Reply) -> [u8; 6] {
    let load = match what {
        LoadUnload::Load => 1,
        LoadUnload::Unload => 0,
    };
    [opcode::LOAD_UNLOAD, reply.immed(), 0, 0, load, 0]
}

/// Whose densities REPORT DENSITY SUPPORT shall list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DensityOf {
    /// All that the drive supports.
    Drive,
    /// That of the cartridge which is loaded.
    Medium,
}

/// REPORT DENSITY SUPPORT, opcode 44h.
#[must_use]
pub fn report_density_support(of: DensityOf, allocation_bytes: u16) -> [u8; 10] {
    let mut cdb = [0; 10];
    cdb[0] = opcode::REPORT_DENSITY_SUPPORT;
    cdb[1] = match of {
        DensityOf::Drive => 0,
        DensityOf::Medium => 1,
    };
    cdb[7..9].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// GENERATE RECOMMENDED ACCESS ORDER, opcode A4h/1Dh: reorder the list that is sent (PROCESS 2).
#[must_use]
pub fn generate_recommended_access_order(parameter_bytes: u32) -> [u8; 12] {
    const REORDER: u8 = 0x02; // byte 2, PROCESS
    let mut cdb = [0; 12];
    cdb[0] = opcode::MAINTENANCE_OUT;
    cdb[1] = opcode::SA_GENERATE_RECOMMENDED_ACCESS_ORDER;
    cdb[2] = REORDER;
    cdb[6..10].copy_from_slice(&parameter_bytes.to_be_bytes());
    cdb
}

/// RECEIVE RECOMMENDED ACCESS ORDER, opcode A3h/1Dh: the list that was generated, from its start.
#[must_use]
pub fn receive_recommended_access_order(allocation_bytes: u32) -> [u8; 12] {
    let mut cdb = [0; 12];
    cdb[0] = opcode::MAINTENANCE_IN;
    cdb[1] = opcode::SA_RECEIVE_RECOMMENDED_ACCESS_ORDER;
    cdb[6..10].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

/// READ END OF WRAP POSITION, opcode A3h/1Fh/45h, for all wraps (REPORT ALL).
#[must_use]
pub fn read_end_of_wrap_positions(allocation_bytes: u32) -> [u8; 12] {
    const REPORT_ALL: u8 = 0x02; // byte 3
    let mut cdb = [0; 12];
    cdb[0] = opcode::MAINTENANCE_IN;
    cdb[1] = opcode::SA_VENDOR_MAINTENANCE_IN;
    cdb[2] = opcode::SAQ_READ_END_OF_WRAP_POSITION;
    cdb[3] = REPORT_ALL;
    cdb[6..10].copy_from_slice(&allocation_bytes.to_be_bytes());
    cdb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_and_written_in_variable_block_mode_without_sili() {
        assert_eq!(read6(0x08_0000), [0x08, 0, 0x08, 0, 0, 0]);
        assert_eq!(write6(1_048_576), [0x0A, 0, 0x10, 0, 0, 0]);
        assert_eq!(write_filemarks6(2, Reply::AtEnd), [0x10, 0, 0, 0, 2, 0]);
        assert_eq!(write_filemarks6(1, Reply::AtOnce), [0x10, 1, 0, 0, 1, 0]);
        assert_eq!(read_block_limits(), [0x05, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn space_counts_are_signed_in_their_own_width() {
        assert_eq!(
            space16(Space::Filemarks(-2)),
            [0x91, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 254, 0, 0, 0, 0]
        );
        assert_eq!(space16(Space::EndOfData)[..2], [0x91, 3]);
        assert_eq!(space16(Space::Blocks(0x0102))[4..12], [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(space6(Space::Filemarks(-1)), Some([0x11, 1, 0xFF, 0xFF, 0xFF, 0]));
        assert_eq!(space6(Space::Blocks(-0x80_0000)), Some([0x11, 0, 0x80, 0, 0, 0]));
        assert_eq!(space6(Space::Blocks(0x80_0000)), None);
    }

    #[test]
    fn locate_names_partition_and_block() {
        assert_eq!(
            locate16(Partition(1), BlockNumber(0x0102_0304_0506_0708)),
            [0x92, 2, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]
        );
        assert_eq!(
            locate16_end_of_data(Partition(1)),
            [0x92, 0x1A, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            locate10(Partition(1), BlockNumber(0x0102_0304)),
            Some([0x2B, 2, 0, 1, 2, 3, 4, 0, 1, 0])
        );
        assert_eq!(locate10(Partition(1), BlockNumber(1 << 32)), None);
    }

    #[test]
    fn positions_are_asked_for_in_both_forms() {
        assert_eq!(read_position_short(), [0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(read_position_long(), [0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn tape_motion_and_layout_commands_have_their_literal_bytes() {
        assert_eq!(rewind(Reply::AtOnce), [0x01, 1, 0, 0, 0, 0]);
        assert_eq!(erase6(EraseMethod::Long, Reply::AtOnce), [0x19, 3, 0, 0, 0, 0]);
        assert_eq!(erase6(EraseMethod::Short, Reply::AtEnd), [0x19, 0, 0, 0, 0, 0]);
        assert_eq!(format_medium(MediumFormat::Partition, Reply::AtEnd), [4, 0, 1, 0, 0, 0]);
        assert_eq!(
            format_medium(MediumFormat::DefaultThenPartition, Reply::AtOnce),
            [4, 1, 2, 0, 0, 0]
        );
        assert_eq!(format_medium(MediumFormat::Default, Reply::AtEnd), [4, 0, 0, 0, 0, 0]);
        assert_eq!(set_capacity(0xFFFE, Reply::AtEnd), [0x0B, 0, 0, 0xFF, 0xFE, 0]);
        assert_eq!(load_unload(LoadUnload::Load, Reply::AtEnd), [0x1B, 0, 0, 0, 1, 0]);
        assert_eq!(load_unload(LoadUnload::Unload, Reply::AtOnce), [0x1B, 1, 0, 0, 0, 0]);
        assert_eq!(
            report_density_support(DensityOf::Medium, 0x0400),
            [0x44, 1, 0, 0, 0, 0, 0, 4, 0, 0]
        );
        assert_eq!(report_density_support(DensityOf::Drive, 1)[1], 0);
    }

    #[test]
    fn the_recommended_order_is_sent_and_fetched_by_service_action() {
        assert_eq!(
            generate_recommended_access_order(0x48),
            [0xA4, 0x1D, 2, 0, 0, 0, 0, 0, 0, 0x48, 0, 0]
        );
        assert_eq!(
            receive_recommended_access_order(0x0100),
            [0xA3, 0x1D, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
        );
        assert_eq!(
            read_end_of_wrap_positions(0x3004),
            [0xA3, 0x1F, 0x45, 2, 0, 0, 0, 0, 0x30, 4, 0, 0]
        );
    }
}
