//! A regular file of this machine, open for reading.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, statx};
use rustix::io::Errno;

use super::inspect::{STATX_MASK, stamp_of};
use crate::source::{FileStamp, SourceError, SourceFile, SourcePath, beneath};

/// How files are opened: a link is refused, a pipe put in the file's place does not block us.
const OPEN_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// An open file and the path for messages.
#[derive(Debug)]
pub(super) struct LocalFile {
    file: File,
    path: SourcePath,
}

impl LocalFile {
    /// Opens `path` below `root`, without touching its access time where that is permitted.
    pub(super) fn open(root: BorrowedFd<'_>, path: &SourcePath) -> Result<Self, SourceError> {
        let refused = |error: io::Error| match Errno::from_io_error(&error) {
            // A link or a socket has taken the file's place.
            Some(Errno::LOOP | Errno::NXIO) => SourceError::NotAFile { path: path.clone() },
            // A part of the path is no directory any more, so what was below it is gone.
            Some(Errno::NOTDIR) => SourceError::Vanished { path: path.clone() },
            _ => SourceError::of_io(path, "open it", error),
        };
        let file = open_without_access_time(root, path, OPEN_FLAGS).map_err(refused)?;
        let opened = Self { file: File::from(file), path: path.clone() };
        let status = opened.status()?;
        if FileType::from_raw_mode(status.stx_mode.into()) != FileType::RegularFile {
            return Err(SourceError::NotAFile { path: path.clone() });
        }
        Ok(opened)
    }

    fn status(&self) -> Result<rustix::fs::Statx, SourceError> {
        statx(&self.file, c"", AtFlags::EMPTY_PATH, STATX_MASK)
            .map_err(|errno| SourceError::of_io(&self.path, "read its status", errno.into()))
    }
}

/// Opens with `O_NOATIME`, which only the owner and root may; without it otherwise.
pub(super) fn open_without_access_time(
    directory: BorrowedFd<'_>,
    path: &SourcePath,
    flags: OFlags,
) -> io::Result<OwnedFd> {
    match beneath::open(directory, path, flags | OFlags::NOATIME, Mode::empty()) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::PERM) => {
            beneath::open(directory, path, flags, Mode::empty())
        }
        outcome => outcome,
    }
}

impl SourceFile for LocalFile {
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, SourceError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let at = u64::try_from(filled).unwrap_or(u64::MAX).saturating_add(offset);
            match self.file.read_at(&mut buffer[filled..], at) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SourceError::of_io(&self.path, "read it", error)),
            }
        }
        Ok(filled)
    }

    fn stamp(&self) -> Result<FileStamp, SourceError> {
        Ok(stamp_of(&self.status()?))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}
