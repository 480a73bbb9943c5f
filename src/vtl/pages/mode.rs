//! MODE SENSE: headers, the block descriptor, and the pages of drives.

use crate::vtl::bytes::Page;

/// Page codes that the virtual devices know.
pub(in crate::vtl) mod code {
    pub(in crate::vtl) const READ_WRITE_RECOVERY: u8 = 0x01;
    pub(in crate::vtl) const DISCONNECT: u8 = 0x02;
    pub(in crate::vtl) const CONTROL: u8 = 0x0A;
    pub(in crate::vtl) const DATA_COMPRESSION: u8 = 0x0F;
    pub(in crate::vtl) const DEVICE_CONFIGURATION: u8 = 0x10;
    /// Subpage of `DEVICE_CONFIGURATION`.
    pub(in crate::vtl) const DEVICE_CONFIGURATION_EXTENSION: u8 = 0x01;
    pub(in crate::vtl) const MEDIUM_PARTITION: u8 = 0x11;
    pub(in crate::vtl) const POWER: u8 = 0x1A;
    pub(in crate::vtl) const INFORMATIONAL_EXCEPTIONS: u8 = 0x1C;
    /// Of drives; of changers it is the element address assignment.
    pub(in crate::vtl) const MEDIUM_CONFIGURATION: u8 = 0x1D;
    pub(in crate::vtl) const ELEMENT_ADDRESSES: u8 = 0x1D;
    pub(in crate::vtl) const DEVICE_CAPABILITIES: u8 = 0x1F;
    pub(in crate::vtl) const ALL: u8 = 0x3F;
    pub(in crate::vtl) const ALL_SUBPAGES: u8 = 0xFF;
}

/// PAGE CONTROL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vtl) enum PageControl {
    Current,
    /// Ones where MODE SELECT can change something.
    Changeable,
    Default,
}

impl PageControl {
    /// The control of two bits; saved values are not kept.
    pub(in crate::vtl) fn from_code(code: u8) -> Option<Self> {
        [Self::Current, Self::Changeable, Self::Default].get(usize::from(code)).copied()
    }
}

/// What the pages of a drive say.
#[derive(Clone, Debug)]
pub(in crate::vtl) struct ModeView {
    pub(in crate::vtl) control: PageControl,
    pub(in crate::vtl) density: u8,
    pub(in crate::vtl) is_write_protected: bool,
    pub(in crate::vtl) is_worm: bool,
    pub(in crate::vtl) is_compressing: bool,
    pub(in crate::vtl) programmable_warning_megabytes: u16,
    pub(in crate::vtl) is_append_only: bool,
    pub(in crate::vtl) additional_partitions_max: u8,
    /// Bytes of the partitions on the medium.
    pub(in crate::vtl) partitions: Vec<u64>,
}

/// What stands before the pages.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) struct ModeHeader {
    pub(in crate::vtl) is_short: bool,
    pub(in crate::vtl) is_write_protected: bool,
    pub(in crate::vtl) is_buffered: bool,
    pub(in crate::vtl) density: u8,
    pub(in crate::vtl) block_length: u32,
    pub(in crate::vtl) has_descriptor: bool,
}

/// The whole answer: header, descriptor, pages.
pub(in crate::vtl) fn answer(header: &ModeHeader, pages: &Page) -> Page {
    const WRITE_PROTECTED: u8 = 0x80;
    const BUFFERED: u8 = 0x10;
    let mut specific = if header.is_write_protected { WRITE_PROTECTED } else { 0 };
    specific |= if header.is_buffered { BUFFERED } else { 0 };
    let descriptor_bytes: u8 = if header.has_descriptor { 8 } else { 0 };
    let mut page = Page::new();
    if header.is_short {
        page.u8(0).u8(0).u8(specific).u8(descriptor_bytes);
    } else {
        page.u16(0_u16).u8(0).u8(specific).u16(0_u16).u16(descriptor_bytes);
    }
    if header.has_descriptor {
        page.u8(header.density).u24(0_u32).u8(0).u24(header.block_length);
    }
    page.bytes(pages.as_bytes());
    if header.is_short {
        page.close_u8(0)
    } else {
        page.close_u16(0)
    };
    page
}

/// The pages of a drive that are asked for; `None` if there is no such page.
pub(in crate::vtl) fn drive_pages(view: &ModeView, wanted: u8, subpage: u8) -> Option<Page> {
    let mut pages = Page::new();
    let all = [
        (code::READ_WRITE_RECOVERY, 0),
        (code::DISCONNECT, 0),
        (code::CONTROL, 0),
        (code::DATA_COMPRESSION, 0),
        (code::DEVICE_CONFIGURATION, 0),
        (code::DEVICE_CONFIGURATION, code::DEVICE_CONFIGURATION_EXTENSION),
        (code::MEDIUM_PARTITION, 0),
        (code::POWER, 0),
        (code::INFORMATIONAL_EXCEPTIONS, 0),
        (code::MEDIUM_CONFIGURATION, 0),
    ];
    for (code, sub) in all {
        let is_code = wanted == code || wanted == code::ALL;
        if is_code && (subpage == sub || subpage == code::ALL_SUBPAGES) {
            drive_page(&mut pages, view, code, sub);
        }
    }
    (pages.len() > 0).then_some(pages)
}

fn drive_page(page: &mut Page, view: &ModeView, code: u8, subpage: u8) {
    const SUBPAGE_FORMAT: u8 = 0x40;
    let is_mask = view.control == PageControl::Changeable;
    let at = page.len();
    // A value where a value is asked for, ones where the mask of what can change is.
    let pick = |value: u8, mask: u8| if is_mask { mask } else { value };
    if subpage == code::DEVICE_CONFIGURATION_EXTENSION {
        let warning = if is_mask { u16::MAX } else { view.programmable_warning_megabytes };
        page.u8(code | SUBPAGE_FORMAT).u8(subpage).u16(0_u16);
        let write_mode = if view.is_append_only { 0x10 } else { 0 };
        page.u8(0).u8(pick(write_mode, 0xF0)).u16(warning).zeros(24).close_u16(at + 2);
        return;
    }
    page.u8(code).u8(0);
    match code {
        // Retries as the drive likes.
        code::READ_WRITE_RECOVERY => {
            page.zeros(10);
        }
        code::DISCONNECT => {
            page.zeros(14);
        }
        code::CONTROL => {
            page.zeros(10);
        }
        code::DATA_COMPRESSION => {
            // DCE, DCC; DDE; the algorithm of LTO (SLDC) both ways.
            let enabled = if view.is_compressing { 0x80 } else { 0 };
            page.u8(pick(enabled | 0x40, 0x80)).u8(pick(0x80, 0));
            page.u32(if is_mask { 0_u32 } else { 1 }).u32(if is_mask { 0_u32 } else { 1 }).zeros(4);
        }
        code::DEVICE_CONFIGURATION => {
            // WRITE DELAY TIME 50 x 100 ms; BIS; SELECT DATA COMPRESSION ALGORITHM.
            page.zeros(5).u8(pick(50, 0)).u8(pick(0x40, 0)).zeros(5);
            page.u8(pick(u8::from(view.is_compressing), 0)).u8(0);
        }
        code::MEDIUM_PARTITION => partitions(page, view, is_mask),
        code::POWER => {
            page.zeros(10);
        }
        // PERF and MRIE 0: TapeAlert by LOG SENSE only.
        code::INFORMATIONAL_EXCEPTIONS => {
            page.zeros(10);
        }
        // WORMM; label and filemark restrictions of WORM: none.
        _ => {
            page.u8(pick(u8::from(view.is_worm), 0)).zeros(29);
        }
    }
    page.close_u8(at + 1);
}

fn partitions(page: &mut Page, view: &ModeView, is_mask: bool) {
    const UNIT_BY_EXPONENT: u8 = 0x18;
    const RECOGNISES_FORMAT_AND_PARTITIONS: u8 = 0x03;
    // Gigabytes for real tapes, megabytes for practice cartridges.
    const GIGABYTES_FROM: u64 = 100_000_000_000;
    if is_mask {
        // Additional partitions, FDP, SDP, IDP, PSUM, units and sizes can be set.
        page.u8(0).u8(0xFF).u8(0xF8).u8(0).u8(0x0F).u8(0).u32(u32::MAX);
        return;
    }
    let defined = view.partitions.len().saturating_sub(1);
    let total: u64 = view.partitions.iter().sum();
    let exponent: u8 = if total >= GIGABYTES_FROM { 9 } else { 6 };
    let unit = 10_u64.pow(u32::from(exponent));
    page.u8(view.additional_partitions_max).u8(u8::try_from(defined).unwrap_or(u8::MAX));
    page.u8(UNIT_BY_EXPONENT).u8(RECOGNISES_FORMAT_AND_PARTITIONS).u8(exponent).u8(0);
    for number in 0..view.partitions.len().max(2) {
        page.u16(view.partitions.get(number).map_or(0, |bytes| bytes / unit));
    }
}

/// Element counts of a library, first address and number each.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) struct ElementAddresses {
    pub(in crate::vtl) robots: (u16, u16),
    pub(in crate::vtl) slots: (u16, u16),
    pub(in crate::vtl) mail_slots: (u16, u16),
    pub(in crate::vtl) drives: (u16, u16),
}

/// The pages of a changer that are asked for.
pub(in crate::vtl) fn changer_pages(
    elements: &ElementAddresses,
    control: PageControl,
    wanted: u8,
) -> Option<Page> {
    let mut pages = Page::new();
    if wanted == code::ELEMENT_ADDRESSES || wanted == code::ALL {
        let at = pages.len();
        pages.u8(code::ELEMENT_ADDRESSES).u8(0);
        for (first, count) in
            [elements.robots, elements.slots, elements.mail_slots, elements.drives]
        {
            pages.u16(first).u16(count);
        }
        pages.u16(0_u16).close_u8(at + 1);
    }
    if wanted == code::DEVICE_CAPABILITIES || wanted == code::ALL {
        const ALL_BUT_ROBOT: u8 = 0x0E;
        // Everything but the robot stores cartridges; moves and exchanges between all those.
        let at = pages.len();
        pages.u8(code::DEVICE_CAPABILITIES).u8(0).u8(ALL_BUT_ROBOT).u8(0).u8(0x01);
        pages.bytes(&[ALL_BUT_ROBOT; 3]).zeros(4).u8(0x01);
        pages.bytes(&[ALL_BUT_ROBOT; 3]).zeros(4).close_u8(at + 1);
    }
    if control == PageControl::Changeable {
        // Nothing of a library can be changed by MODE SELECT.
        let mut masks = Page::new();
        let mut rest = pages.as_bytes();
        while let [code, len, ..] = *rest {
            masks.u8(code).u8(len).zeros(usize::from(len));
            rest = rest.get(2 + usize::from(len)..).unwrap_or_default();
        }
        pages = masks;
    }
    (pages.len() > 0).then_some(pages)
}
