//! READ ATTRIBUTE: values, identifiers, and the volume and partition lists.

use crate::vtl::bytes::Page;

const READ_ONLY: u8 = 0x80;
const BINARY: u8 = 0;
const ASCII: u8 = 1;

/// One attribute's value as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::vtl) struct Value {
    /// READ ONLY and FORMAT.
    flags: u8,
    bytes: Vec<u8>,
}

impl Value {
    pub(in crate::vtl) fn u8(value: u8) -> Self {
        Self { flags: READ_ONLY | BINARY, bytes: vec![value] }
    }

    pub(in crate::vtl) fn u16(value: impl TryInto<u16>) -> Self {
        let bytes = value.try_into().unwrap_or(u16::MAX).to_be_bytes().to_vec();
        Self { flags: READ_ONLY | BINARY, bytes }
    }

    pub(in crate::vtl) fn u32(value: u32) -> Self {
        Self { flags: READ_ONLY | BINARY, bytes: value.to_be_bytes().to_vec() }
    }

    pub(in crate::vtl) fn u64(value: u64) -> Self {
        Self { flags: READ_ONLY | BINARY, bytes: value.to_be_bytes().to_vec() }
    }

    /// Text padded with spaces to its length in the standard.
    pub(in crate::vtl) fn ascii(text: &str, width: usize) -> Self {
        let mut page = Page::new();
        page.text(text, width);
        Self { flags: READ_ONLY | ASCII, bytes: page.into_vec() }
    }

    /// What a host wrote.
    pub(in crate::vtl) fn host(format: u8, bytes: Vec<u8>) -> Self {
        Self { flags: format, bytes }
    }
}

/// Service action ATTRIBUTE VALUES.
pub(in crate::vtl) fn values(values: impl Iterator<Item = (u16, Value)>) -> Page {
    let mut page = Page::new();
    page.u32(0_u32);
    for (id, value) in values {
        page.u16(id).u8(value.flags).u16(value.bytes.len()).bytes(&value.bytes);
    }
    page.close_u32(0);
    page
}

/// Service actions ATTRIBUTE LIST and SUPPORTED ATTRIBUTES.
pub(in crate::vtl) fn identifiers(ids: &[u16]) -> Page {
    let mut page = Page::new();
    page.u32(0_u32);
    ids.iter().for_each(|id| {
        page.u16(*id);
    });
    page.close_u32(0);
    page
}

/// Service actions LOGICAL VOLUME LIST and PARTITION LIST: the first and how many.
pub(in crate::vtl) fn list(first: u8, count: u8) -> Page {
    let mut page = Page::new();
    page.u16(2_u16).u8(first).u8(count);
    page
}
