//! Recommended access order: lists of user data segments (UDS).
//!
//! ```text
//! list:        0 process | 1 status | 2..4 zero | 4..8 bytes that follow | descriptors
//! descriptor:  0..2 length of what follows (30) | 2..5 zero | 5..15 name | 15 partition
//!              | 16..24 first object | 24..32 last object
//! ```

use crate::vtl::bytes::{Page, be16, be32, be64, byte, size};

const HEADER_BYTES: usize = 8;
const DESCRIPTOR_BYTES: usize = 32;
const NAME_BYTES: usize = 10;

/// A run of objects that somebody wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vtl) struct Segment {
    /// The host's name for it, handed back as it came.
    name: [u8; NAME_BYTES],
    pub(in crate::vtl) partition: u8,
    pub(in crate::vtl) first: u64,
    pub(in crate::vtl) last: u64,
}

/// The segments of a parameter list; `None` if it is malformed.
pub(in crate::vtl) fn take_segments(list: &[u8]) -> Option<Vec<Segment>> {
    let len = size(be32(list, 4));
    let mut rest = list.get(HEADER_BYTES..)?.get(..len)?;
    let mut segments = Vec::new();
    while !rest.is_empty() {
        let descriptor = rest.get(..DESCRIPTOR_BYTES)?;
        if usize::from(be16(descriptor, 0)) + 2 != DESCRIPTOR_BYTES {
            return None;
        }
        let mut name = [0; NAME_BYTES];
        name.copy_from_slice(&descriptor[5..15]);
        segments.push(Segment {
            name,
            partition: byte(descriptor, 15),
            first: be64(descriptor, 16),
            last: be64(descriptor, 24),
        });
        rest = &rest[DESCRIPTOR_BYTES..];
    }
    Some(segments)
}

/// The ordered list, its bytes from `offset` on behind the header.
pub(in crate::vtl) fn list(segments: Option<&[Segment]>, offset: usize) -> Page {
    const ORDERED: u8 = 1;
    const NONE: u8 = 0;
    let mut descriptors = Page::new();
    for segment in segments.unwrap_or_default() {
        descriptors.u16(DESCRIPTOR_BYTES - 2).zeros(3).bytes(&segment.name);
        descriptors.u8(segment.partition).u64(segment.first).u64(segment.last);
    }
    let mut page = Page::new();
    page.u8(0).u8(if segments.is_some() { ORDERED } else { NONE }).u16(0_u16).u32(0_u32);
    page.bytes(descriptors.as_bytes().get(offset..).unwrap_or_default()).close_u32(4);
    page
}

/// How many segments one list can have, and how long one is.
pub(in crate::vtl) fn limits(segments_max: usize) -> Page {
    let mut page = Page::new();
    page.u16(segments_max).u16(DESCRIPTOR_BYTES);
    page
}
