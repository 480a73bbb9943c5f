//! A regular file of this machine, open for reading.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statx};
use rustix::io::Errno;

use super::inspect::{STATX_MASK, stamp_of};
use crate::source::in_memory::{read_in_memory, want_in_memory};
use crate::source::{FileStamp, SourceError, SourceFile, SourcePath, beneath};

/// How files are opened: a link is refused, a pipe put in the file's place does not block us.
const OPEN_FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// An open file and the path for messages.
#[derive(Debug)]
pub(super) struct LocalFile {
    file: File,
    path: SourcePath,
    is_in_memory: bool,
}

/// A folder in which files are opened.
#[derive(Debug)]
pub(super) struct OpenFolder {
    descriptor: OwnedFd,
    /// Its file system has no disk. Such a one cannot be asked what is in memory, and need not.
    is_in_memory: bool,
}

impl LocalFile {
    /// Opens `path` below `root`, without touching its access time where that is permitted.
    pub(super) fn open(root: BorrowedFd<'_>, path: &SourcePath) -> Result<Self, SourceError> {
        let file = open_without_access_time(root, path, OPEN_FLAGS);
        Self::of(file.map_err(|error| refused(path, error))?, path)
    }

    /// The same for the last name of `path` in its open folder.
    pub(super) fn open_in(folder: &OpenFolder, path: &SourcePath) -> Result<Self, SourceError> {
        let OpenFolder { descriptor, is_in_memory } = folder;
        let open = |flags| openat(descriptor, path.name(), flags | OFlags::CLOEXEC, Mode::empty());
        let file = match open(OPEN_FLAGS | OFlags::NOATIME) {
            Err(Errno::PERM) => open(OPEN_FLAGS),
            outcome => outcome,
        };
        let file = Self::of(file.map_err(|errno| refused(path, errno.into()))?, path)?;
        Ok(Self { is_in_memory: *is_in_memory, ..file })
    }

    fn of(file: OwnedFd, path: &SourcePath) -> Result<Self, SourceError> {
        let opened = Self { file: File::from(file), path: path.clone(), is_in_memory: false };
        let status = opened.status(AtFlags::EMPTY_PATH)?;
        if FileType::from_raw_mode(status.stx_mode.into()) != FileType::RegularFile {
            return Err(SourceError::NotAFile { path: path.clone() });
        }
        Ok(opened)
    }

    fn status(&self, flags: AtFlags) -> Result<rustix::fs::Statx, SourceError> {
        statx(&self.file, c"", flags, STATX_MASK)
            .map_err(|errno| SourceError::of_io(&self.path, "read its status", errno.into()))
    }
}

impl OpenFolder {
    /// That of `path` is `folder` below `root`.
    pub(super) fn open(
        root: BorrowedFd<'_>,
        folder: &SourcePath,
        path: &SourcePath,
    ) -> Result<Self, SourceError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let descriptor = beneath::open(root, folder, flags, Mode::empty());
        let descriptor = descriptor.map_err(|error| refused(path, error))?;
        let file_system = fstatfs(&descriptor);
        let is_in_memory = file_system.is_ok_and(|known| known.filesystem_type() == TMPFS_MAGIC);
        Ok(Self { descriptor, is_in_memory })
    }
}

fn refused(path: &SourcePath, error: io::Error) -> SourceError {
    match Errno::from_io_error(&error) {
        // A link or a socket has taken the file's place.
        Some(Errno::LOOP | Errno::NXIO) => SourceError::NotAFile { path: path.clone() },
        // A part of the path is no directory any more, so what was below it is gone.
        Some(Errno::NOTDIR) => SourceError::Vanished { path: path.clone() },
        _ => SourceError::of_io(path, "open it", error),
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

    fn read_ready(&mut self, buffer: &mut [u8], offset: u64) -> usize {
        if self.is_in_memory {
            // An error comes again with the rest, which is then read.
            return self.read_at(buffer, offset).unwrap_or(0);
        }
        let count = read_in_memory(&self.file, buffer, offset);
        want_in_memory(&self.file, offset + count as u64, buffer.len() - count);
        count
    }

    fn stamp(&self) -> Result<FileStamp, SourceError> {
        // Of a share, what the server says now, and not what it said some seconds ago.
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_FORCE_SYNC;
        Ok(stamp_of(&self.status(flags)?))
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}
