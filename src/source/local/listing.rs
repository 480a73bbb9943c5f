//! The names in one directory, sorted by raw bytes.
//!
//! A directory can hold millions of names and all must be known before the first is visited, so
//! they stand in one buffer with a small record each instead of an allocation each.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// What the directory itself says of an entry, without asking for its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListedKind {
    Directory,
    Other,
    /// The file system does not keep kinds in its directories.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    start: u32,
    length: u16,
    kind: ListedKind,
}

/// Sorted names.
#[derive(Debug, Default)]
pub(super) struct Listing {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

impl Listing {
    /// Reads a directory. `buffer` is scratch of some tens of KiB.
    pub(super) fn read(
        directory: BorrowedFd<'_>,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<Self, Errno> {
        let mut listing = Self::default();
        let mut entries = RawDir::new(directory, buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let kind = match entry.file_type() {
                FileType::Directory => ListedKind::Directory,
                FileType::Unknown => ListedKind::Unknown,
                _ => ListedKind::Other,
            };
            listing.push(entry.file_name().to_bytes(), kind)?;
        }
        listing.sort();
        Ok(listing)
    }

    /// A listing of the given names, which are directories or will be found out.
    pub(super) fn of_names<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<Self, Errno> {
        let mut listing = Self::default();
        for name in names {
            listing.push(name, ListedKind::Unknown)?;
        }
        listing.sort();
        let Self { bytes, records } = &mut listing;
        records.dedup_by(|a, b| slice(bytes, *a) == slice(bytes, *b));
        Ok(listing)
    }

    fn push(&mut self, name: &[u8], kind: ListedKind) -> Result<(), Errno> {
        if name == b"." || name == b".." || name.is_empty() {
            return Ok(());
        }
        let start = u32::try_from(self.bytes.len()).map_err(|_| Errno::FBIG)?;
        let length = u16::try_from(name.len()).map_err(|_| Errno::NAMETOOLONG)?;
        self.bytes.extend_from_slice(name);
        self.records.push(Record { start, length, kind });
        Ok(())
    }

    fn sort(&mut self) {
        let Self { bytes, records } = self;
        records.sort_unstable_by(|a, b| slice(bytes, *a).cmp(slice(bytes, *b)));
    }

    /// The name and kind at `index`; nothing after the last.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], ListedKind)> {
        let record = *self.records.get(index)?;
        Some((slice(&self.bytes, record), record.kind))
    }
}

fn slice(bytes: &[u8], record: Record) -> &[u8] {
    let start = usize::try_from(record.start).unwrap_or(usize::MAX);
    &bytes[start..start + usize::from(record.length)]
}
