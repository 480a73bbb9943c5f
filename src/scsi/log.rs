//! LOG SENSE: pages of parameters, and the typed meaning of those that we use.
//!
//! A page is a list of (code, value); values are kept as bytes and read as numbers where they are
//! counters. Which page means what stands here; what a number means for a cartridge's health does not.

use zerocopy::byteorder::big_endian::U16;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::error::{AnswerError, prefix};
use crate::domain::{ByteCount, MIB, Partition};

/// Write error counters.
pub const PAGE_WRITE_ERRORS: u8 = 0x02;
/// Read error counters.
pub const PAGE_READ_ERRORS: u8 = 0x03;
/// Sequential-access device: bytes before and after compression, cleaning.
pub const PAGE_SEQUENTIAL_ACCESS: u8 = 0x0C;
/// Volume statistics: the life of the loaded cartridge.
pub const PAGE_VOLUME_STATISTICS: u8 = 0x17;
/// TapeAlert flags. Reading it clears them in many drives.
pub const PAGE_TAPE_ALERT: u8 = 0x2E;
/// Tape usage.
pub const PAGE_TAPE_USAGE: u8 = 0x30;
/// Tape capacity.
pub const PAGE_TAPE_CAPACITY: u8 = 0x31;
/// Data compression.
pub const PAGE_DATA_COMPRESSION: u8 = 0x32;

const ANSWER: &str = "LOG SENSE";

/// One parameter of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogParameter {
    /// PARAMETER CODE.
    pub code: u16,
    /// Its value.
    pub value: Vec<u8>,
}

/// A log page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// PAGE CODE.
    pub page: u8,
    /// SUBPAGE CODE.
    pub subpage: u8,
    /// The parameters in the order sent.
    pub parameters: Vec<LogParameter>,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawPageHeader {
    /// Byte 0: bit 7 DS, bit 6 SPF, bits 5..0 PAGE CODE.
    page: u8,
    subpage: u8,
    /// Bytes 2..4: PAGE LENGTH, of what follows.
    length: U16,
}
const _: () = assert!(size_of::<RawPageHeader>() == 4);

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawParameterHeader {
    /// Bytes 0..2: PARAMETER CODE.
    code: U16,
    control: u8,
    /// Byte 3: PARAMETER LENGTH, of the value.
    length: u8,
}
const _: () = assert!(size_of::<RawParameterHeader>() == 4);

impl LogPage {
    /// Reads a LOG SENSE answer for `page`. A parameter that is cut off ends the list.
    ///
    /// # Errors
    /// If there is no header or another page was sent.
    pub fn parse(bytes: &[u8], page: u8) -> Result<Self, AnswerError> {
        let (header, rest) = prefix::<RawPageHeader>(bytes, ANSWER)?;
        if header.page & 0x3F != page {
            return Err(AnswerError::Wrong { answer: ANSWER, problem: "another page was sent" });
        }
        let mut rest = &rest[..rest.len().min(usize::from(header.length.get()))];
        let mut parameters = Vec::new();
        while let Ok((parameter, tail)) = prefix::<RawParameterHeader>(rest, ANSWER) {
            let Some((value, tail)) = tail.split_at_checked(usize::from(parameter.length)) else {
                break;
            };
            parameters.push(LogParameter { code: parameter.code.get(), value: value.to_vec() });
            rest = tail;
        }
        Ok(Self { page, subpage: header.subpage, parameters })
    }

    /// The value of a parameter.
    #[must_use]
    pub fn value(&self, code: u16) -> Option<&[u8]> {
        self.parameters.iter().find(|p| p.code == code).map(|p| p.value.as_slice())
    }

    /// The value of a counter of 1 to 8 bytes. All bits set means unknown and gives `None`.
    #[must_use]
    pub fn counter(&self, code: u16) -> Option<u64> {
        let value = self.value(code)?;
        if value.iter().all(|b| *b == 0xFF) { None } else { number(value) }
    }

    /// The partition records of a volume statistics parameter.
    #[must_use]
    pub fn partition_records(&self, code: u16) -> Vec<PartitionRecord> {
        let mut rest = self.value(code).unwrap_or_default();
        let mut records = Vec::new();
        // Each record: length of what follows, a reserved byte, PARTITION NUMBER (2), the counter.
        while let Some((&length, tail)) = rest.split_first() {
            let Some((record, tail)) = tail.split_at_checked(usize::from(length)) else { break };
            if let [_, 0, partition, counter @ ..] = record {
                let unknown = counter.iter().all(|b| *b == 0xFF);
                records.push(PartitionRecord {
                    partition: Partition(*partition),
                    counter: if unknown { None } else { number(counter) },
                });
            }
            if length == 0 {
                break;
            }
            rest = tail;
        }
        records
    }
}

/// One partition's counter in a volume statistics parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRecord {
    /// Which partition.
    pub partition: Partition,
    /// The counter; `None` if all its bits are set, which says "no such thing".
    pub counter: Option<u64>,
}

/// A big-endian number of 1 to 8 bytes.
fn number(value: &[u8]) -> Option<u64> {
    if !(1..=8).contains(&value.len()) {
        return None;
    }
    Some(value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// Page 2Eh: the numbers (1 to 64) of the TapeAlert flags that are set.
#[must_use]
pub fn tape_alert_flags(page: &LogPage) -> Vec<u8> {
    let set = |p: &&LogParameter| p.value.first().is_some_and(|value| value & 1 != 0);
    page.parameters.iter().filter(set).filter_map(|p| u8::try_from(p.code).ok()).collect()
}

/// Pages 02h and 03h: how hard writing or reading was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounters {
    /// Errors corrected without and with delay: parameters 0 and 1.
    pub corrected: Option<u64>,
    /// Rewrites or rereads: parameter 2.
    pub repeats: Option<u64>,
    /// Bytes processed: parameter 5.
    pub bytes_processed: Option<u64>,
    /// Errors that stayed: parameter 6.
    pub uncorrected: Option<u64>,
}

/// Reads page 02h or 03h.
#[must_use]
pub fn error_counters(page: &LogPage) -> ErrorCounters {
    let corrected = match (page.counter(0), page.counter(1)) {
        (None, None) => page.counter(3),
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    ErrorCounters {
        corrected,
        repeats: page.counter(2),
        bytes_processed: page.counter(5),
        uncorrected: page.counter(6),
    }
}

/// Page 0Ch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequentialAccess {
    /// Bytes from hosts since the cartridge was loaded, before compression: parameter 0.
    pub bytes_from_host: Option<u64>,
    /// Bytes put on tape, after compression: parameter 1.
    pub bytes_to_tape: Option<u64>,
    /// Bytes read from tape, before decompression: parameter 2.
    pub bytes_from_tape: Option<u64>,
    /// Bytes sent to hosts: parameter 3.
    pub bytes_to_host: Option<u64>,
    /// The drive asks to be cleaned: parameter 100h.
    pub cleaning_required: bool,
}

/// Reads page 0Ch.
#[must_use]
pub fn sequential_access(page: &LogPage) -> SequentialAccess {
    SequentialAccess {
        bytes_from_host: page.counter(0),
        bytes_to_tape: page.counter(1),
        bytes_from_tape: page.counter(2),
        bytes_to_host: page.counter(3),
        cleaning_required: page.value(0x0100).is_some_and(|value| {
            value.iter().any(|b| *b != 0) && !value.iter().all(|b| *b == 0xFF)
        }),
    }
}

/// Page 17h: the life of the loaded cartridge. `None` where the drive does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VolumeStatistics {
    /// Times it was threaded: parameter 1.
    pub mounts: Option<u64>,
    /// Data sets written in its life: parameter 2.
    pub data_sets_written: Option<u64>,
    /// Write errors that were recovered: parameter 3.
    pub write_retries: Option<u64>,
    /// Write errors that stayed: parameter 4.
    pub unrecovered_write_errors: Option<u64>,
    /// Data sets read in its life: parameter 7.
    pub data_sets_read: Option<u64>,
    /// Read errors that were recovered: parameter 8.
    pub read_retries: Option<u64>,
    /// Read errors that stayed: parameter 9.
    pub unrecovered_read_errors: Option<u64>,
    /// Megabytes written in its life: parameter 10h.
    pub lifetime_megabytes_written: Option<u64>,
    /// Megabytes read in its life: parameter 11h.
    pub lifetime_megabytes_read: Option<u64>,
    /// Passes of the beginning of the tape: parameter 101h.
    pub beginning_passes: Option<u64>,
    /// Passes of the middle of the tape: parameter 102h.
    pub middle_passes: Option<u64>,
}

/// Reads the counters of page 17h.
#[must_use]
pub fn volume_statistics(page: &LogPage) -> VolumeStatistics {
    VolumeStatistics {
        mounts: page.counter(0x0001),
        data_sets_written: page.counter(0x0002),
        write_retries: page.counter(0x0003),
        unrecovered_write_errors: page.counter(0x0004),
        data_sets_read: page.counter(0x0007),
        read_retries: page.counter(0x0008),
        unrecovered_read_errors: page.counter(0x0009),
        lifetime_megabytes_written: page.counter(0x0010),
        lifetime_megabytes_read: page.counter(0x0011),
        beginning_passes: page.counter(0x0101),
        middle_passes: page.counter(0x0102),
    }
}

/// Page 17h, parameter 203h: how much of each partition is used. A record without a counter says that
/// the end of data of that partition is missing.
pub const VOLUME_USED_CAPACITY: u16 = 0x0203;
/// Page 17h, parameter 202h: native capacity of each partition, in megabytes (10^6 bytes).
pub const VOLUME_PARTITION_CAPACITY: u16 = 0x0202;
/// Page 17h, parameter 204h: native capacity left in each partition, in megabytes.
pub const VOLUME_REMAINING_CAPACITY: u16 = 0x0204;

/// Page 31h: capacity of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TapeCapacity {
    /// Which partition.
    pub partition: Partition,
    /// Native capacity up to early warning.
    pub maximum: ByteCount,
    /// What is left of it.
    pub remaining: ByteCount,
}

/// Reads page 31h: partitions 0 and 1, in MiB on the wire. Partitions without capacity are left out.
#[must_use]
pub fn tape_capacity(page: &LogPage) -> Vec<TapeCapacity> {
    let capacity = |partition: u8, remaining: u16, maximum: u16| {
        let maximum = page.counter(maximum).filter(|mib| *mib > 0)?;
        let remaining = page.counter(remaining)?;
        Some(TapeCapacity {
            partition: Partition(partition),
            maximum: ByteCount(maximum.saturating_mul(MIB)),
            remaining: ByteCount(remaining.saturating_mul(MIB)),
        })
    };
    [capacity(0, 1, 3), capacity(1, 2, 4)].into_iter().flatten().collect()
}

/// Page 30h: the use of the loaded cartridge as older drives report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapeUsage {
    /// Times it was threaded: parameter 1.
    pub mounts: Option<u64>,
    /// Write errors that stayed: parameter 4.
    pub unrecovered_write_errors: Option<u64>,
    /// Read errors that stayed: parameter 8.
    pub unrecovered_read_errors: Option<u64>,
}

/// Reads page 30h.
#[must_use]
pub fn tape_usage(page: &LogPage) -> TapeUsage {
    TapeUsage {
        mounts: page.counter(1),
        unrecovered_write_errors: page.counter(4),
        unrecovered_read_errors: page.counter(8),
    }
}

/// Page 32h: compression ratios, in hundredths (200 is 2:1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompressionRatios {
    /// Of what was read: parameter 0.
    pub read_percent: Option<u64>,
    /// Of what was written: parameter 1.
    pub write_percent: Option<u64>,
}

/// Reads page 32h.
#[must_use]
pub fn compression_ratios(page: &LogPage) -> CompressionRatios {
    CompressionRatios { read_percent: page.counter(0), write_percent: page.counter(1) }
}

#[cfg(test)]
mod tests;
