//! LOG SENSE: the pages of drives and of the changer.

use crate::domain::MIB;
use crate::vtl::bytes::Page;

const SUPPORTED: u8 = 0x00;
const WRITE_ERRORS: u8 = 0x02;
const READ_ERRORS: u8 = 0x03;
const SEQUENTIAL_ACCESS: u8 = 0x0C;
const VOLUME_STATISTICS: u8 = 0x17;
/// TapeAlert; reading it clears the flags.
pub(in crate::vtl) const TAPE_ALERT: u8 = 0x2E;
const TAPE_USAGE: u8 = 0x30;
const TAPE_CAPACITY: u8 = 0x31;
const DATA_COMPRESSION: u8 = 0x32;

/// A counter that is told as a number of so many bytes.
const COUNTER: u8 = 0x60;
/// A parameter that is a list, in binary.
const BINARY_LIST: u8 = 0x03;
const ASCII_LIST: u8 = 0x01;
const MEGABYTE: u64 = 1_000_000;

/// What the pages of a drive say.
#[derive(Clone, Debug, Default)]
pub(in crate::vtl) struct LogView {
    pub(in crate::vtl) bytes_written: u64,
    pub(in crate::vtl) bytes_read: u64,
    pub(in crate::vtl) write_errors: u64,
    pub(in crate::vtl) read_errors: u64,
    /// Flag 1 as the highest bit.
    pub(in crate::vtl) alerts: u64,
    pub(in crate::vtl) needs_cleaning: bool,
    pub(in crate::vtl) volume_loads: u64,
    pub(in crate::vtl) volume_bytes_written: u64,
    pub(in crate::vtl) volume_bytes_read: u64,
    pub(in crate::vtl) volume_bytes_written_last_load: u64,
    pub(in crate::vtl) volume_bytes_read_last_load: u64,
    pub(in crate::vtl) volume_serial: Option<String>,
    pub(in crate::vtl) barcode: Option<String>,
    pub(in crate::vtl) is_worm: bool,
    pub(in crate::vtl) partitions: Vec<PartitionFigures>,
}

/// Bytes of one partition.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) struct PartitionFigures {
    /// To early warning.
    pub(in crate::vtl) capacity: u64,
    pub(in crate::vtl) used: u64,
    /// To the physical end.
    pub(in crate::vtl) to_end: u64,
}

impl PartitionFigures {
    fn remaining(&self) -> u64 {
        self.capacity.saturating_sub(self.used)
    }
}

/// A page of a drive, its parameters from `first` on; `None` if there is no such page.
pub(in crate::vtl) fn drive_page(view: &LogView, code: u8, first: u16) -> Option<Page> {
    let mut page = Parameters::new(code, first);
    match code {
        SUPPORTED => {
            page.page.bytes(&[
                SUPPORTED,
                WRITE_ERRORS,
                READ_ERRORS,
                SEQUENTIAL_ACCESS,
                VOLUME_STATISTICS,
                TAPE_ALERT,
                TAPE_USAGE,
                TAPE_CAPACITY,
                DATA_COMPRESSION,
            ]);
        }
        WRITE_ERRORS => page.error_counters(view.bytes_written, view.write_errors),
        READ_ERRORS => page.error_counters(view.bytes_read, view.read_errors),
        SEQUENTIAL_ACCESS => sequential_access(&mut page, view),
        VOLUME_STATISTICS => volume_statistics(&mut page, view),
        TAPE_ALERT => {
            for flag in 1..=64_u16 {
                let is_up = view.alerts >> (64 - flag) & 1 != 0;
                page.number(flag, u64::from(is_up), 1);
            }
        }
        TAPE_USAGE => {
            page.number(0x01, view.volume_loads, 4);
            // DATA SETS of about 5 MB.
            page.number(0x02, view.volume_bytes_written / (5 * MEGABYTE), 8);
            page.number(0x03, 0, 4);
            page.number(0x04, view.write_errors, 2);
            page.number(0x05, 0, 2);
            page.number(0x06, 0, 2);
            page.number(0x07, view.volume_bytes_read / (5 * MEGABYTE), 8);
            page.number(0x08, 0, 4);
            page.number(0x09, view.read_errors, 2);
            page.number(0x0A, 0, 2);
            page.number(0x0B, 0, 2);
        }
        TAPE_CAPACITY => {
            let of = |n: usize, f: fn(&PartitionFigures) -> u64| {
                view.partitions.get(n).map_or(0, f) / MIB
            };
            page.number(0x01, of(0, PartitionFigures::remaining), 4);
            page.number(0x02, of(1, PartitionFigures::remaining), 4);
            page.number(0x03, of(0, |p| p.capacity), 4);
            page.number(0x04, of(1, |p| p.capacity), 4);
        }
        DATA_COMPRESSION => data_compression(&mut page, view),
        _ => return None,
    }
    Some(page.close())
}

/// A page of the changer: the list of pages and TapeAlert.
pub(in crate::vtl) fn changer_page(code: u8, first: u16) -> Option<Page> {
    let mut page = Parameters::new(code, first);
    match code {
        SUPPORTED => {
            page.page.bytes(&[SUPPORTED, TAPE_ALERT]);
        }
        TAPE_ALERT => (1..=64).for_each(|flag| page.number(flag, 0, 1)),
        _ => return None,
    }
    Some(page.close())
}

fn sequential_access(page: &mut Parameters, view: &LogView) {
    page.number(0x00, view.bytes_written, 8);
    page.number(0x01, view.bytes_written, 8);
    page.number(0x02, view.bytes_read, 8);
    page.number(0x03, view.bytes_read, 8);
    let total = |f: fn(&PartitionFigures) -> u64| view.partitions.iter().map(f).sum::<u64>();
    // Native capacities in megabytes: to end of data, to early warning, from there to the end.
    page.number(0x04, total(|p| p.used) / MEGABYTE, 4);
    page.number(0x05, total(|p| p.capacity) / MEGABYTE, 4);
    page.number(0x06, total(|p| p.to_end.saturating_sub(p.capacity)) / MEGABYTE, 4);
    // CLEANING REQUIRED.
    page.number(0x0100, u64::from(view.needs_cleaning), 8);
}

fn volume_statistics(page: &mut Parameters, view: &LogView) {
    page.number(0x0000, u64::from(view.volume_serial.is_some()), 1);
    page.number(0x0001, view.volume_loads, 4);
    page.number(0x0002, view.volume_bytes_written / (5 * MEGABYTE), 8);
    page.number(0x0003, 0, 4);
    page.number(0x0004, view.write_errors, 4);
    page.number(0x0007, view.volume_bytes_read / (5 * MEGABYTE), 8);
    page.number(0x0008, 0, 4);
    page.number(0x0009, view.read_errors, 4);
    page.number(0x000E, view.volume_bytes_written_last_load / MEGABYTE, 4);
    page.number(0x000F, view.volume_bytes_read_last_load / MEGABYTE, 4);
    page.number(0x0010, view.volume_bytes_written / MEGABYTE, 8);
    page.number(0x0011, view.volume_bytes_read / MEGABYTE, 8);
    let total = |f: fn(&PartitionFigures) -> u64| view.partitions.iter().map(f).sum::<u64>();
    page.number(0x0016, total(|p| p.capacity) / MEGABYTE, 4);
    page.number(0x0017, total(|p| p.used) / MEGABYTE, 4);
    page.text(0x0040, view.volume_serial.as_deref().unwrap_or_default(), 32);
    page.text(0x0042, view.barcode.as_deref().unwrap_or_default(), 32);
    page.number(0x0081, u64::from(view.is_worm), 1);
    page.partitions(0x0202, view, |p| p.capacity);
    page.partitions(0x0203, view, |p| p.used);
    page.partitions(0x0204, view, PartitionFigures::remaining);
}

fn data_compression(page: &mut Parameters, view: &LogView) {
    // Ratios times 100: the virtual drive stores what it gets.
    page.number(0x00, 100, 2);
    page.number(0x01, 100, 2);
    for (first, bytes) in [(0x02, view.bytes_read), (0x04, view.bytes_read)] {
        page.number(first, bytes / MIB, 4);
        page.number(first + 1, bytes % MIB, 4);
    }
    for (first, bytes) in [(0x06, view.bytes_written), (0x08, view.bytes_written)] {
        page.number(first, bytes / MIB, 4);
        page.number(first + 1, bytes % MIB, 4);
    }
}

/// A log page under construction.
struct Parameters {
    page: Page,
    first: u16,
}

impl Parameters {
    fn new(code: u8, first: u16) -> Self {
        let mut page = Page::new();
        page.u8(code).u8(0).u16(0_u16);
        Self { page, first }
    }

    /// A number of 1, 2, 4 or 8 bytes; too large ones are clamped.
    fn number(&mut self, parameter: u16, value: u64, bytes: usize) {
        let limit = if bytes == 8 { u64::MAX } else { (1 << (bytes * 8)) - 1 };
        let field = value.min(limit).to_be_bytes();
        self.parameter(parameter, COUNTER, &field[8 - bytes..]);
    }

    fn text(&mut self, parameter: u16, text: &str, width: usize) {
        let mut field = Page::new();
        field.text(text, width);
        self.parameter(parameter, ASCII_LIST, field.as_bytes());
    }

    /// Partition records: length of what follows, zero, partition, megabytes.
    fn partitions(&mut self, parameter: u16, view: &LogView, of: fn(&PartitionFigures) -> u64) {
        let mut records = Page::new();
        for (number, figures) in view.partitions.iter().enumerate() {
            records.u8(7).u8(0).u16(number).u32(of(figures) / MEGABYTE);
        }
        self.parameter(parameter, BINARY_LIST, records.as_bytes());
    }

    fn parameter(&mut self, parameter: u16, control: u8, value: &[u8]) {
        if parameter >= self.first {
            let len = u8::try_from(value.len()).unwrap_or(u8::MAX);
            self.page.u16(parameter).u8(control).u8(len).bytes(value);
        }
    }

    fn error_counters(&mut self, bytes: u64, uncorrected: u64) {
        for parameter in 0x00..=0x04 {
            self.number(parameter, 0, 4);
        }
        self.number(0x05, bytes, 8);
        self.number(0x06, uncorrected, 4);
    }

    fn close(mut self) -> Page {
        self.page.close_u16(2);
        self.page
    }
}
