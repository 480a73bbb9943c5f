//! READ ELEMENT STATUS: pages of elements with volume tags and device identifiers.

use crate::vtl::bytes::Page;

/// ELEMENT TYPE CODE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::vtl) enum ElementKind {
    Robot = 1,
    Slot = 2,
    MailSlot = 3,
    Drive = 4,
}

impl ElementKind {
    /// The code as in command blocks and page headers.
    pub(in crate::vtl) fn code(self) -> u8 {
        match self {
            Self::Robot => 1,
            Self::Slot => 2,
            Self::MailSlot => 3,
            Self::Drive => 4,
        }
    }
}

/// What one element's descriptor says.
#[derive(Clone, Debug)]
pub(in crate::vtl) struct ElementView {
    pub(in crate::vtl) address: u16,
    pub(in crate::vtl) kind: ElementKind,
    pub(in crate::vtl) is_full: bool,
    pub(in crate::vtl) barcode: Option<String>,
    pub(in crate::vtl) source: Option<u16>,
    /// The robot can get at it: for a drive, its cartridge is unloaded.
    pub(in crate::vtl) is_accessible: bool,
    /// A person put it in, and nobody has moved it yet.
    pub(in crate::vtl) was_imported: bool,
    /// Code and qualifier of what is wrong with it.
    pub(in crate::vtl) exception: Option<(u8, u8)>,
    pub(in crate::vtl) is_cleaning: bool,
    /// Of a drive: vendor, product and serial.
    pub(in crate::vtl) identifier: Option<Vec<u8>>,
}

/// What the descriptors are to contain.
#[derive(Clone, Copy, Debug)]
pub(in crate::vtl) struct Contents {
    pub(in crate::vtl) volume_tags: bool,
    pub(in crate::vtl) identifiers: bool,
}

/// The whole answer for `elements`, which are in the order of their addresses.
pub(in crate::vtl) fn answer(elements: &[ElementView], contents: Contents) -> Page {
    let mut page = Page::new();
    page.u16(elements.first().map_or(0, |element| element.address));
    page.u16(elements.len()).u8(0).u24(0_u32);
    for of_kind in elements.chunk_by(|a, b| a.kind == b.kind) {
        element_page(&mut page, of_kind, contents);
    }
    page.close_u24(5);
    page
}

fn element_page(page: &mut Page, elements: &[ElementView], contents: Contents) {
    const PRIMARY_VOLUME_TAG: u8 = 0x80;
    let Some(kind) = elements.first().map(|element| element.kind) else { return };
    let header = page.len();
    let flags = if contents.volume_tags { PRIMARY_VOLUME_TAG } else { 0 };
    page.u8(kind.code()).u8(flags).u16(0_u16).u8(0).u24(0_u32);
    let identifier_bytes = match contents.identifiers {
        true => elements.iter().filter_map(|e| e.identifier.as_ref()).map(Vec::len).max(),
        false => None,
    };
    let mut descriptor_bytes = 0;
    for element in elements {
        let descriptor = descriptor(element, contents, identifier_bytes.unwrap_or(0));
        descriptor_bytes = descriptor.len();
        page.bytes(descriptor.as_bytes());
    }
    page.close_u24(header + 5);
    page.set(header + 2, u8::try_from(descriptor_bytes >> 8).unwrap_or(u8::MAX));
    page.set(header + 3, u8::try_from(descriptor_bytes & 0xFF).unwrap_or(u8::MAX));
}

fn descriptor(element: &ElementView, contents: Contents, identifier_bytes: usize) -> Page {
    const FULL: u8 = 0x01;
    const IMPORTED: u8 = 0x02;
    const EXCEPTION: u8 = 0x04;
    const ACCESSIBLE: u8 = 0x08;
    const IMPORT_EXPORT_ENABLED: u8 = 0x30;
    const SOURCE_VALID: u8 = 0x80;
    const MEDIUM_DATA: u8 = 1;
    const MEDIUM_CLEANING: u8 = 2;
    const VOLUME_TAG_CHARS: usize = 32;
    let mut flags = if element.is_full { FULL } else { 0 };
    flags |= if element.exception.is_some() { EXCEPTION } else { 0 };
    if element.kind != ElementKind::Robot {
        flags |= if element.is_accessible { ACCESSIBLE } else { 0 };
    }
    if element.kind == ElementKind::MailSlot {
        flags |= IMPORT_EXPORT_ENABLED;
        flags |= if element.was_imported { IMPORTED } else { 0 };
    }
    let (code, qualifier) = element.exception.unwrap_or_default();
    let medium_type = match (element.is_full, element.is_cleaning) {
        (false, _) => 0,
        (true, false) => MEDIUM_DATA,
        (true, true) => MEDIUM_CLEANING,
    };
    let source_flags = if element.source.is_some() { SOURCE_VALID } else { 0 };
    let mut page = Page::new();
    page.u16(element.address).u8(flags).u8(0).u8(code).u8(qualifier).zeros(3);
    page.u8(source_flags | medium_type).u16(element.source.unwrap_or_default());
    if contents.volume_tags {
        match &element.barcode {
            // VOLUME IDENTIFICATION in ASCII, then two zero bytes and a sequence number of 0.
            Some(barcode) => page.text(barcode, VOLUME_TAG_CHARS).zeros(4),
            None => page.zeros(VOLUME_TAG_CHARS + 4),
        };
    }
    const ASCII: u8 = 2;
    const T10_VENDOR: u8 = 1;
    match element.identifier.as_ref().filter(|_| contents.identifiers) {
        Some(identifier) => {
            let at = page.len();
            page.u8(ASCII).u8(T10_VENDOR).u8(0).u8(0).bytes(identifier).close_u8(at + 3);
            page.zeros(identifier_bytes - identifier.len());
        }
        None => {
            page.zeros(4 + identifier_bytes);
        }
    }
    page
}
