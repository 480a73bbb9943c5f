//! READ POSITION: where the drive says it is.

use zerocopy::byteorder::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};
use crate::domain::{BlockCount, BlockNumber, ByteCount, Partition, Position};

const ANSWER: &str = "READ POSITION";

/// Length of the short form.
pub const SHORT_BYTES: usize = 20;
/// Length of the long form.
pub const LONG_BYTES: usize = 32;

/// Byte 0: at the beginning of the partition.
const BOP: u8 = 1 << 7;
/// Byte 0: beyond early warning.
const EOP: u8 = 1 << 6;
/// Byte 0, long form: the file identifier is unknown.
const MPU: u8 = 1 << 3;
/// Byte 0: the object number is unknown (LONU in the long form, LOLU in the short).
const LONU: u8 = 1 << 2;
/// Byte 0: beyond programmable early warning.
const BPEW: u8 = 1;

/// READ POSITION, long form, as the drive sends it (SSC; 32 bytes, big-endian).
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPositionLong {
    /// Byte 0: bit 7 BOP, bit 6 EOP, bit 3 MPU, bit 2 LONU, bit 0 BPEW.
    flags: u8,
    reserved_1: [u8; 3],
    /// Bytes 4..8: PARTITION NUMBER.
    partition_number: U32,
    /// Bytes 8..16: LOGICAL OBJECT NUMBER. Meaningless while LONU is set.
    logical_object_number: U64,
    /// Bytes 16..24: LOGICAL FILE IDENTIFIER: filemarks before this position.
    logical_file_identifier: U64,
    obsolete_24: [u8; 8],
}
const _: () = assert!(size_of::<RawPositionLong>() == LONG_BYTES);

/// What the long form says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongPosition {
    /// Partition and next object; `None` while the drive does not know.
    pub position: Option<Position>,
    /// Filemarks between the beginning of the partition and here, if the drive knows.
    pub filemarks_before: Option<u64>,
    /// At the beginning of the partition.
    pub is_at_beginning: bool,
    /// Beyond early warning.
    pub is_past_early_warning: bool,
    /// Beyond programmable early warning.
    pub is_past_programmable_early_warning: bool,
}

/// Reads the long form.
///
/// # Errors
/// If it is shorter than 32 bytes or names a partition that no tape has.
pub fn parse_long(bytes: &[u8]) -> Result<LongPosition, AnswerError> {
    let (raw, _) = prefix::<RawPositionLong>(bytes, ANSWER)?;
    let partition = u8::try_from(raw.partition_number.get())
        .map_err(|_| AnswerError::Wrong { answer: ANSWER, problem: "partition above 255" })?;
    let position = Position {
        partition: Partition(partition),
        block: BlockNumber(raw.logical_object_number.get()),
    };
    Ok(LongPosition {
        position: (raw.flags & LONU == 0).then_some(position),
        filemarks_before: (raw.flags & MPU == 0).then(|| raw.logical_file_identifier.get()),
        is_at_beginning: raw.flags & BOP != 0,
        is_past_early_warning: raw.flags & EOP != 0,
        is_past_programmable_early_warning: raw.flags & BPEW != 0,
    })
}

/// READ POSITION, short form, as the drive sends it (SSC; 20 bytes, big-endian).
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPositionShort {
    /// Byte 0: bit 7 BOP, 6 EOP, 5 LOCU, 4 BYCU, 2 LOLU, 1 PERR, 0 BPEW.
    flags: u8,
    /// Byte 1: PARTITION NUMBER.
    partition_number: u8,
    reserved_2: [u8; 2],
    /// Bytes 4..8: FIRST LOGICAL OBJECT LOCATION: the next between host and drive.
    first: U32,
    /// Bytes 8..12: LAST LOGICAL OBJECT LOCATION: the next between buffer and tape.
    last: U32,
    /// Bytes 12..16: a reserved byte, then NUMBER OF LOGICAL OBJECTS IN OBJECT BUFFER.
    buffered_objects: U32,
    /// Bytes 16..20: NUMBER OF BYTES IN OBJECT BUFFER.
    buffered_bytes: U32,
}
const _: () = assert!(size_of::<RawPositionShort>() == SHORT_BYTES);

/// What the short form says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShortPosition {
    /// Partition and next object; `None` if unknown or beyond 32 bits.
    pub position: Option<Position>,
    /// The next object between the drive's buffer and the tape.
    pub next_on_tape: Option<BlockNumber>,
    /// Blocks and filemarks that the drive has taken and not yet put on tape.
    pub buffered: Option<BlockCount>,
    /// Their bytes.
    pub buffered_bytes: Option<ByteCount>,
    /// At the beginning of the partition.
    pub is_at_beginning: bool,
    /// Beyond early warning.
    pub is_past_early_warning: bool,
}

/// Reads the short form.
///
/// # Errors
/// If it is shorter than 20 bytes.
pub fn parse_short(bytes: &[u8]) -> Result<ShortPosition, AnswerError> {
    const LOCU: u8 = 1 << 5;
    const BYCU: u8 = 1 << 4;
    const PERR: u8 = 1 << 1;
    let (raw, _) = prefix::<RawPositionShort>(bytes, ANSWER)?;
    let is_known = raw.flags & (LONU | PERR) == 0;
    let at = |block: U32| BlockNumber(u64::from(block.get()));
    Ok(ShortPosition {
        position: is_known
            .then(|| Position { partition: Partition(raw.partition_number), block: at(raw.first) }),
        next_on_tape: is_known.then(|| at(raw.last)),
        buffered: (raw.flags & LOCU == 0)
            .then(|| BlockCount(u64::from(raw.buffered_objects.get() & 0x00FF_FFFF))),
        buffered_bytes: (raw.flags & BYCU == 0)
            .then(|| ByteCount(u64::from(raw.buffered_bytes.get()))),
        is_at_beginning: raw.flags & BOP != 0,
        is_past_early_warning: raw.flags & EOP != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scsi::error::torture;

    fn long() -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0] = EOP | BPEW;
        bytes[7] = 1;
        bytes[8..16].copy_from_slice(&0x1_0000_0005_u64.to_be_bytes());
        bytes[16..24].copy_from_slice(&3_u64.to_be_bytes());
        bytes
    }

    #[test]
    fn the_long_form_gives_partition_block_and_filemarks() {
        let parsed = parse_long(&long()).unwrap();
        assert_eq!(parsed.position, Some(Position::new(1, 0x1_0000_0005)));
        assert_eq!(parsed.filemarks_before, Some(3));
        assert!(parsed.is_past_early_warning && parsed.is_past_programmable_early_warning);
        assert!(!parsed.is_at_beginning);
    }

    #[test]
    fn a_position_that_the_drive_does_not_know_is_none() {
        let mut bytes = long();
        bytes[0] = LONU | MPU;
        let parsed = parse_long(&bytes).unwrap();
        assert_eq!((parsed.position, parsed.filemarks_before), (None, None));
    }

    #[test]
    fn the_short_form_gives_what_is_buffered() {
        let bytes = [0x80, 1, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0x10, 0, 0];
        let parsed = parse_short(&bytes).unwrap();
        assert_eq!(parsed.position, Some(Position::new(1, 9)));
        assert_eq!(parsed.next_on_tape, Some(BlockNumber(7)));
        assert_eq!(parsed.buffered, Some(BlockCount(2)));
        assert_eq!(parsed.buffered_bytes, Some(ByteCount(1 << 20)));
        assert!(parsed.is_at_beginning);
        torture(&bytes, parse_short);
    }

    #[test]
    fn damaged_answers_never_panic() {
        torture(&long(), parse_long);
    }
}
