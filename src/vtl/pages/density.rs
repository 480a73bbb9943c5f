//! REPORT DENSITY SUPPORT: what the drive can write, or what the medium is.

use crate::domain::LtoGeneration;
use crate::vtl::bytes::Page;

/// The report of a drive; of the medium in it, if one is given.
pub(in crate::vtl) fn report(drive: LtoGeneration, medium: Option<LtoGeneration>) -> Page {
    let mut page = Page::new();
    page.u16(0_u16).u16(0_u16);
    for generation in LtoGeneration::ALL {
        let is_reported = match medium {
            Some(medium) => generation == medium,
            None => drive.can_read(generation),
        };
        if is_reported {
            descriptor(&mut page, drive, generation);
        }
    }
    page.close_u16(0);
    page
}

/// One density support data block descriptor, 52 bytes.
fn descriptor(page: &mut Page, drive: LtoGeneration, generation: LtoGeneration) {
    const WRITABLE: u8 = 0x80;
    const DEFAULT: u8 = 0x20;
    const MEGABYTE: u64 = 1_000_000;
    // Bits a millimetre, tracks, from the LTO format descriptions.
    let (bits_per_mm, tracks): (u32, u16) = match generation {
        LtoGeneration::Lto5 => (15_142, 1280),
        LtoGeneration::Lto6 => (15_143, 2176),
        LtoGeneration::Lto7 => (19_094, 3584),
        LtoGeneration::Lto8 => (20_668, 6656),
        LtoGeneration::Lto9 => (21_450, 8960),
        LtoGeneration::Lto10 => (24_000, 15_104),
    };
    let code = generation.density_code();
    let mut flags = if drive.can_write(generation) { WRITABLE } else { 0 };
    flags |= if drive == generation { DEFAULT } else { 0 };
    page.u8(code).u8(code).u8(flags).u16(0_u16).u24(bits_per_mm);
    // MEDIA WIDTH in tenths of a millimetre; TRACKS; CAPACITY in megabytes.
    page.u16(127_u16).u16(tracks).u32(generation.native_capacity().0 / MEGABYTE);
    page.text("LTO-CVE", 8).text(density_name(generation), 8).text("Ultrium tape", 20);
}

fn density_name(generation: LtoGeneration) -> &'static str {
    match generation {
        LtoGeneration::Lto5 => "U-516",
        LtoGeneration::Lto6 => "U-616",
        LtoGeneration::Lto7 => "U-732",
        LtoGeneration::Lto8 => "U-832",
        LtoGeneration::Lto9 => "U-932",
        LtoGeneration::Lto10 => "U-1032",
    }
}
