//! READ POSITION, short and long form.

use crate::vtl::bytes::Page;

const AT_BEGINNING: u8 = 0x80;
const PAST_EARLY_WARNING: u8 = 0x40;
const PAST_PROGRAMMABLE_WARNING: u8 = 0x01;

/// Where a drive is.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) struct PositionReport {
    pub(in crate::vtl) partition: u8,
    pub(in crate::vtl) number: u64,
    /// Filemarks between the beginning of the partition and here.
    pub(in crate::vtl) filemarks: u64,
    pub(in crate::vtl) is_at_beginning: bool,
    pub(in crate::vtl) is_past_early_warning: bool,
    pub(in crate::vtl) is_past_programmable_warning: bool,
    pub(in crate::vtl) buffered_objects: u64,
    pub(in crate::vtl) buffered_bytes: u64,
}

impl PositionReport {
    fn flags(&self) -> u8 {
        (if self.is_at_beginning { AT_BEGINNING } else { 0 })
            | (if self.is_past_early_warning { PAST_EARLY_WARNING } else { 0 })
            | (if self.is_past_programmable_warning { PAST_PROGRAMMABLE_WARNING } else { 0 })
    }
}

/// Short form, 20 bytes.
pub(in crate::vtl) fn short(report: &PositionReport) -> Page {
    const LOCATION_OVERFLOW: u8 = 0x04;
    let mut page = Page::new();
    let does_fit = u32::try_from(report.number).is_ok();
    page.u8(report.flags() | if does_fit { 0 } else { LOCATION_OVERFLOW });
    page.u8(report.partition).u16(0_u16);
    // FIRST is where the host goes on; LAST what the next object on the medium will be.
    page.u32(report.number).u32(report.number.saturating_sub(report.buffered_objects));
    page.u8(0).u24(report.buffered_objects).u32(report.buffered_bytes);
    page
}

/// Long form, 32 bytes.
pub(in crate::vtl) fn long(report: &PositionReport) -> Page {
    let mut page = Page::new();
    page.u8(report.flags()).zeros(3).u32(report.partition);
    page.u64(report.number).u64(report.filemarks).u64(0);
    page
}
