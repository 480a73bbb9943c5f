//! INQUIRY: standard data and vital product data; REPORT LUNS.

use crate::domain::LtoGeneration;
use crate::scsi::Sense;
use crate::vtl::bytes::{Page, byte};
use crate::vtl::senses;

const VENDOR: &str = "FOSSIL";
const REVISION: &str = "0100";
const CHANGER_PRODUCT: &str = "VIRTUAL-LIBRARY";
const SEQUENTIAL_ACCESS: u8 = 0x01;
const MEDIUM_CHANGER: u8 = 0x08;

/// Whose INQUIRY it is.
#[derive(Debug)]
pub(in crate::vtl) enum Subject<'a> {
    Drive { generation: LtoGeneration, serial: &'a str },
    Changer { serial: &'a str },
}

impl Subject<'_> {
    fn device_type(&self) -> u8 {
        match self {
            Self::Drive { .. } => SEQUENTIAL_ACCESS,
            Self::Changer { .. } => MEDIUM_CHANGER,
        }
    }

    fn product(&self) -> &'static str {
        match self {
            Self::Drive { generation, .. } => drive_product(*generation),
            Self::Changer { .. } => CHANGER_PRODUCT,
        }
    }

    fn serial(&self) -> &str {
        match self {
            Self::Drive { serial, .. } | Self::Changer { serial } => serial,
        }
    }
}

/// PRODUCT IDENTIFICATION of a drive, in the way of LTO vendors.
fn drive_product(generation: LtoGeneration) -> &'static str {
    match generation {
        LtoGeneration::Lto5 => "ULTRIUM-TD5",
        LtoGeneration::Lto6 => "ULTRIUM-TD6",
        LtoGeneration::Lto7 => "ULTRIUM-TD7",
        LtoGeneration::Lto8 => "ULTRIUM-TD8",
        LtoGeneration::Lto9 => "ULTRIUM-TD9",
        LtoGeneration::Lto10 => "ULTRIUM-TD10",
    }
}

/// The answer to INQUIRY.
pub(in crate::vtl) fn answer(subject: &Subject<'_>, cdb: &[u8]) -> Result<Page, Sense> {
    const VITAL_PRODUCT_DATA: u8 = 1;
    let code = byte(cdb, 2);
    match byte(cdb, 1) & VITAL_PRODUCT_DATA {
        0 if code == 0 => Ok(standard(subject)),
        0 => Err(senses::invalid_field()),
        _ => vital_product_data(subject, code).ok_or_else(senses::invalid_field),
    }
}

fn standard(subject: &Subject<'_>) -> Page {
    const REMOVABLE: u8 = 0x80;
    const SPC_4: u8 = 0x06;
    const RESPONSE_FORMAT: u8 = 0x02;
    const COMMAND_QUEUING: u8 = 0x02;
    let mut page = Page::new();
    page.u8(subject.device_type()).u8(REMOVABLE).u8(SPC_4).u8(RESPONSE_FORMAT);
    page.u8(0).u8(0).u8(0).u8(COMMAND_QUEUING);
    page.text(VENDOR, 8).text(subject.product(), 16).text(REVISION, 4);
    // VERSION DESCRIPTORS from byte 58: SAM-5, SPC-4, SSC-4 or SMC-3.
    let command_set: u16 = match subject {
        Subject::Drive { .. } => 0x0523,
        Subject::Changer { .. } => 0x0480,
    };
    page.zeros(22).u16(0x00A0_u16).u16(0x0460_u16).u16(command_set).zeros(32);
    page.close_u8(4);
    page
}

fn vital_product_data(subject: &Subject<'_>, code: u8) -> Option<Page> {
    const SUPPORTED: u8 = 0x00;
    const UNIT_SERIAL: u8 = 0x80;
    const IDENTIFICATION: u8 = 0x83;
    const EXTENDED: u8 = 0x86;
    const SEQUENTIAL_CAPABILITIES: u8 = 0xB0;
    const MANUFACTURER_SERIAL: u8 = 0xB1;
    const TAPE_ALERT_FLAGS: u8 = 0xB2;
    let is_drive = matches!(subject, Subject::Drive { .. });
    let mut page = Page::new();
    page.u8(subject.device_type()).u8(code).u16(0_u16);
    match code {
        SUPPORTED if is_drive => {
            page.bytes(&[
                SUPPORTED,
                UNIT_SERIAL,
                IDENTIFICATION,
                EXTENDED,
                SEQUENTIAL_CAPABILITIES,
                MANUFACTURER_SERIAL,
                TAPE_ALERT_FLAGS,
            ]);
        }
        SUPPORTED => {
            page.bytes(&[SUPPORTED, UNIT_SERIAL, IDENTIFICATION]);
        }
        UNIT_SERIAL => {
            page.bytes(subject.serial().as_bytes());
        }
        IDENTIFICATION => identification(&mut page, subject),
        // Simple task attributes; nothing of data integrity.
        EXTENDED if is_drive => {
            page.u8(0).u8(0x07).zeros(58);
        }
        // TSMC clear, WORM set.
        SEQUENTIAL_CAPABILITIES if is_drive => {
            page.u8(0x01).u8(0);
        }
        MANUFACTURER_SERIAL if is_drive => {
            page.text(subject.serial(), 12);
        }
        // Every flag can come up.
        TAPE_ALERT_FLAGS if is_drive => {
            page.u64(u64::MAX);
        }
        _ => return None,
    }
    page.close_u16(2);
    Some(page)
}

/// Designators: T10 vendor identification with the serial, and a locally assigned NAA name.
fn identification(page: &mut Page, subject: &Subject<'_>) {
    const ASCII: u8 = 0x02;
    const BINARY: u8 = 0x01;
    const T10_VENDOR: u8 = 0x01;
    const NAA: u8 = 0x03;
    const PRODUCT_CHARS: usize = 16;
    let serial = subject.serial();
    let at = page.len();
    page.u8(ASCII).u8(T10_VENDOR).u8(0).u8(0);
    page.text(VENDOR, 8).text(subject.product(), PRODUCT_CHARS).bytes(serial.as_bytes());
    page.close_u8(at + 3);
    let at = page.len();
    // NAA 3h, locally assigned: the rest is a hash of the serial.
    let hash = u64::from(crc32fast::hash(serial.as_bytes())) | 0x3F05_5117_0000_0000;
    page.u8(BINARY).u8(NAA).u8(0).u8(0).u64(hash).close_u8(at + 3);
}

/// The identifier of a drive in READ ELEMENT STATUS: vendor, product and serial.
pub(in crate::vtl) fn drive_identifier(generation: LtoGeneration, serial: &str) -> Vec<u8> {
    let mut identifier = Page::new();
    identifier.text(VENDOR, 8).text(drive_product(generation), 16).text(serial, 10);
    identifier.into_vec()
}

/// REPORT LUNS: unit 0 only.
pub(in crate::vtl) fn report_luns() -> Vec<u8> {
    let mut page = Page::new();
    page.u32(0_u32).u32(0_u32).u64(0);
    let mut bytes = page.into_vec();
    bytes[3] = 8;
    bytes
}
