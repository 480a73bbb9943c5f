//! A regular file on its way back.

use std::cell::Cell;
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileExt as _;

use rustix::fs::fstat;
use rustix::io::Errno;

use super::error::DestinationError;
use super::metadata::{Aspect, Owners, Shortfall, apply_to_open};
use super::place::Unplaced;
use super::{Conflict, Placed};
use crate::domain::{DataSegment, FileMetadata, SourcePath};

/// A file being written, under a temporary name or as a half file. Dropped without a commit, it leaves no
/// trace.
#[derive(Debug)]
pub struct RestoredFile {
    pub(super) file: File,
    pub(super) unplaced: Unplaced,
    pub(super) segments: Option<Vec<DataSegment>>,
    /// How long the file is by what was written.
    pub(super) written_bytes: Cell<u64>,
    pub(super) conflict: Conflict,
    pub(super) owners: Owners,
}

impl RestoredFile {
    /// The path in the run.
    #[must_use]
    pub fn path(&self) -> &SourcePath {
        self.unplaced.path()
    }

    /// The descriptor, for engines that write themselves; they keep the holes themselves too.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Writes `bytes` at `offset`. Zeros that lie in a hole of the original are not written, so they
    /// become a hole again; anything else is written, wherever it lies.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), DestinationError> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = offset.saturating_add(length);
        let mut at = offset;
        if let Some(segments) = &self.segments {
            let first = segments.partition_point(|s| s.offset.saturating_add(s.length) <= offset);
            for segment in &segments[first..] {
                if segment.offset >= end {
                    break;
                }
                let start = segment.offset.max(at);
                let stop = segment.offset.saturating_add(segment.length).min(end);
                self.write_unless_zero(bytes, offset, at..start)?;
                self.write_range(bytes, offset, start..stop)?;
                at = stop;
            }
            return self.write_unless_zero(bytes, offset, at..end);
        }
        self.write_range(bytes, offset, at..end)
    }

    /// Reads back what was written, at `offset` until the buffer is full or the file ends.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DestinationError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = offset + u64::try_from(filled).unwrap_or(u64::MAX);
            match self.file.read_at(&mut buffer[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(DestinationError::of_io(self.path(), "read it back", error));
                }
            }
        }
        Ok(filled)
    }

    /// Writes what a hole should hold, if it does hold something.
    fn write_unless_zero(
        &self,
        bytes: &[u8],
        offset: u64,
        range: std::ops::Range<u64>,
    ) -> Result<(), DestinationError> {
        if slice(bytes, offset, &range).iter().all(|&byte| byte == 0) {
            Ok(())
        } else {
            self.write_range(bytes, offset, range)
        }
    }

    fn write_range(
        &self,
        bytes: &[u8],
        offset: u64,
        range: std::ops::Range<u64>,
    ) -> Result<(), DestinationError> {
        self.written_bytes.set(self.written_bytes.get().max(range.end));
        self.file
            .write_all_at(slice(bytes, offset, &range), range.start)
            .map_err(|error| DestinationError::of_io(self.path(), "write it", error))
    }

    /// Gives the file its size, metadata and name.
    ///
    /// # Errors
    /// When the name is taken and may not be replaced, or the file system refuses.
    pub fn commit(
        self,
        size_bytes: u64,
        metadata: &FileMetadata,
    ) -> Result<Placed, DestinationError> {
        let shortfalls = self.complete(size_bytes, metadata)?;
        let wanted = self.unplaced.path().clone();
        let path = self.unplaced.place(self.conflict)?;
        Ok(Placed::under(path, &wanted, shortfalls))
    }

    /// Keeps content that is known to be damaged, under a name that says so and never its own.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn commit_damaged(
        self,
        size_bytes: u64,
        metadata: &FileMetadata,
    ) -> Result<Placed, DestinationError> {
        let mut shortfalls = self.complete(size_bytes, metadata)?;
        let wanted = self.unplaced.path().clone();
        let path = self.unplaced.place_damaged()?;
        let reason = format!("its content is damaged; it stands as \"{path}\"");
        shortfalls.push(Shortfall { path: wanted, aspect: Aspect::Name, reason });
        Ok(Placed { path, shortfalls })
    }

    fn complete(
        &self,
        size_bytes: u64,
        metadata: &FileMetadata,
    ) -> Result<Vec<Shortfall>, DestinationError> {
        if self.written_bytes.get() != size_bytes {
            self.file
                .set_len(size_bytes)
                .map_err(|error| DestinationError::of_io(self.path(), "set its size", error))?;
        }
        let now = fstat(&self.file);
        if self.unplaced.is_half_file() && now.as_ref().is_ok_and(|now| now.st_nlink == 0) {
            // Somebody has removed it: nothing would stand where it is said to.
            return Err(DestinationError::of_io(self.path(), "complete it", Errno::NOENT));
        }
        let file = self.file.as_fd();
        let has = self.unplaced.directory().inherited(file);
        Ok(apply_to_open(file, now, has, self.path(), metadata, self.owners))
    }
}

/// The part of `bytes` (which begin at `offset` in the file) that lies in `range` of the file.
fn slice<'a>(bytes: &'a [u8], offset: u64, range: &std::ops::Range<u64>) -> &'a [u8] {
    let within = |at: u64| usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    bytes.get(within(range.start)..within(range.end)).unwrap_or_default()
}
