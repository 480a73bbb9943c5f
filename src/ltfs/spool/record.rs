//! One record of a spool: an entry as bytes and back.
//!
//! All numbers big-endian; a text is its length (4 bytes) and its bytes. The order of the fields is the
//! order of the functions here; a change of it needs a new magic.

use crate::domain::{BlockNumber, Timestamp};
use crate::ltfs::extent::{Extent, PartitionId};
use crate::ltfs::index::{DirectoryEntry, FileEntry, Times, Xattr};
use crate::ltfs::names::Name;

const KIND_ENTER: u8 = 1;
const KIND_FILE: u8 = 2;
const KIND_LEAVE: u8 = 3;
const FLAG_READ_ONLY: u8 = 1;
const FLAG_SYMLINK: u8 = 2;

/// What a payload was; the entry lies where the caller had it put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Enter,
    File,
    Leave,
}

pub(super) fn encode_enter(out: &mut Vec<u8>, entry: &DirectoryEntry) {
    out.push(KIND_ENTER);
    out.push(if entry.read_only { FLAG_READ_ONLY } else { 0 });
    put_u64(out, entry.uid);
    put_times(out, &entry.times);
    put_name(out, &entry.name);
    put_xattrs(out, &entry.xattrs);
    put_bytes(out, &entry.unknown);
}

pub(super) fn encode_file(out: &mut Vec<u8>, entry: &FileEntry) {
    out.push(KIND_FILE);
    let symlink = if entry.symlink.is_some() { FLAG_SYMLINK } else { 0 };
    out.push(symlink | if entry.read_only { FLAG_READ_ONLY } else { 0 });
    put_u64(out, entry.uid);
    put_u64(out, entry.length);
    put_times(out, &entry.times);
    put_name(out, &entry.name);
    put_count(out, entry.extents.len());
    for extent in &entry.extents {
        put_u64(out, extent.file_offset);
        put_u64(out, extent.start_block.0);
        put_u64(out, extent.byte_count);
        put_u32(out, extent.byte_offset);
        out.push(extent.partition.letter());
    }
    put_xattrs(out, &entry.xattrs);
    if let Some(target) = &entry.symlink {
        put_name(out, target);
    }
    put_bytes(out, &entry.unknown);
}

pub(super) fn encode_leave(out: &mut Vec<u8>) {
    out.push(KIND_LEAVE);
}

/// Reads a payload whose checksum was right. `None` if it is still no record.
pub(super) fn decode(
    payload: &[u8],
    directory: &mut DirectoryEntry,
    file: &mut FileEntry,
) -> Option<Decoded> {
    let mut fields = Fields(payload);
    let decoded = match fields.byte()? {
        KIND_ENTER => {
            decode_directory(&mut fields, directory)?;
            Decoded::Enter
        }
        KIND_FILE => {
            decode_file(&mut fields, file)?;
            Decoded::File
        }
        KIND_LEAVE => Decoded::Leave,
        _ => return None,
    };
    fields.0.is_empty().then_some(decoded)
}

fn decode_directory(fields: &mut Fields<'_>, entry: &mut DirectoryEntry) -> Option<()> {
    entry.clear();
    entry.read_only = fields.byte()? & FLAG_READ_ONLY != 0;
    entry.uid = fields.u64()?;
    entry.times = fields.times()?;
    fields.name(&mut entry.name)?;
    fields.xattrs(&mut entry.xattrs)?;
    entry.unknown.extend_from_slice(fields.bytes()?);
    Some(())
}

fn decode_file(fields: &mut Fields<'_>, entry: &mut FileEntry) -> Option<()> {
    entry.clear();
    let flags = fields.byte()?;
    entry.read_only = flags & FLAG_READ_ONLY != 0;
    entry.uid = fields.u64()?;
    entry.length = fields.u64()?;
    entry.times = fields.times()?;
    fields.name(&mut entry.name)?;
    for _ in 0..fields.u32()? {
        entry.extents.push(Extent {
            file_offset: fields.u64()?,
            start_block: BlockNumber(fields.u64()?),
            byte_count: fields.u64()?,
            byte_offset: fields.u32()?,
            partition: PartitionId::from_letter(fields.byte()?)?,
        });
    }
    fields.xattrs(&mut entry.xattrs)?;
    if flags & FLAG_SYMLINK != 0 {
        let mut target = Name::default();
        fields.name(&mut target)?;
        entry.symlink = Some(target);
    }
    entry.unknown.extend_from_slice(fields.bytes()?);
    Some(())
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Lengths of one entry stay far below 4 GiB: the index reader bounds them.
fn put_count(out: &mut Vec<u8>, count: usize) {
    put_u32(out, u32::try_from(count).unwrap_or(u32::MAX));
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_name(out: &mut Vec<u8>, name: &Name) {
    out.push(u8::from(name.percent_encoded_flag()));
    put_bytes(out, name.as_str().as_bytes());
}

fn put_times(out: &mut Vec<u8>, times: &Times) {
    for time in [times.creation, times.change, times.modify, times.access, times.backup] {
        out.extend_from_slice(&time.seconds.to_be_bytes());
        put_u32(out, time.nanoseconds);
    }
}

fn put_xattrs(out: &mut Vec<u8>, xattrs: &[Xattr]) {
    put_count(out, xattrs.len());
    for xattr in xattrs {
        put_name(out, &xattr.key);
        put_bytes(out, &xattr.value);
    }
}

/// What is left of a payload.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(self.u32()?).ok()?;
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn name(&mut self, name: &mut Name) -> Option<()> {
        let percent_encoded = self.byte()? != 0;
        name.set_trusted(std::str::from_utf8(self.bytes()?).ok()?, percent_encoded);
        Some(())
    }

    fn times(&mut self) -> Option<Times> {
        let mut time = || {
            let seconds = self.array().map(i64::from_be_bytes)?;
            Some(Timestamp { seconds, nanoseconds: self.u32()? })
        };
        Some(Times {
            creation: time()?,
            change: time()?,
            modify: time()?,
            access: time()?,
            backup: time()?,
        })
    }

    fn xattrs(&mut self, xattrs: &mut Vec<Xattr>) -> Option<()> {
        for _ in 0..self.u32()? {
            let mut key = Name::default();
            self.name(&mut key)?;
            xattrs.push(Xattr { key, value: self.bytes()?.to_vec() });
        }
        Some(())
    }
}
