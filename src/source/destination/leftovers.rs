//! What a restore that was killed has left: things under temporary names, and half files under their own.

use std::io;
use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, Dir, FileType, Mode, Stat, statat, unlinkat};
use rustix::io::Errno;

use super::place::{is_half, temporary_names};
use super::{DIRECTORY_FLAGS, Destination, DestinationError, beneath};
use crate::domain::{SourcePath, Timestamp};

impl Destination {
    /// Removes from `folder`, not from folders in it, what this restore left half done when it was killed;
    /// returns how much that was. Before anything is made: what is under way has such a name too.
    ///
    /// # Errors
    /// When the folder is there and cannot be read, or something in it cannot be removed.
    pub fn remove_leftovers(&self, folder: &SourcePath) -> Result<usize, DestinationError> {
        let failed = |errno: Errno| DestinationError::of_io(folder, "tidy it up", errno);
        let opened = beneath::open(self.top.as_fd(), folder, DIRECTORY_FLAGS, Mode::empty());
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) => match Errno::from_io_error(&error) {
                // It was not made yet, or is another thing now, in which nothing of ours is.
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(0),
                _ => return Err(DestinationError::of_io(folder, "tidy it up", error)),
            },
        };
        let beginning = temporary_names(&self.options.tag);
        let mut names = Vec::new();
        for entry in Dir::read_from(&opened).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_owned();
            if name.as_bytes().starts_with(beginning.as_bytes()) {
                names.push(name);
            }
        }
        for name in &names {
            unlinkat(&opened, name.as_c_str(), AtFlags::empty()).map_err(failed)?;
        }
        Ok(names.len())
    }

    /// Removes the file at `path` if it is half done; true if it was. That is one that was not completed, and
    /// in a folder that this restore made one of which a power cut took the end: it has the times of the
    /// whole one and not its size.
    ///
    /// # Errors
    /// When it cannot be looked at or removed.
    pub fn remove_half_file(
        &self,
        path: &SourcePath,
        whole: WholeFile,
    ) -> Result<bool, DestinationError> {
        let failed = |error: io::Error| match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
            _ => Err(DestinationError::of_io(path, "tidy it up", error)),
        };
        let Some(parent) = path.parent() else { return Ok(false) };
        let folder = match self.held_folder(&parent) {
            Ok(folder) => folder,
            Err(error) => return failed(error),
        };
        match statat(&folder, path.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now)
                if is_half(&now) || (whole.is_cut_to(&now) && self.has_made_folder(&parent)) =>
            {
                unlinkat(&folder, path.name(), AtFlags::empty())
                    .map(|()| true)
                    .or_else(|errno| failed(errno.into()))
            }
            Ok(_) => Ok(false),
            Err(errno) => failed(errno.into()),
        }
    }

    fn has_made_folder(&self, folder: &SourcePath) -> bool {
        let above = folder.parent().and_then(|above| self.open_folder(&above).ok());
        above.is_some_and(|above| self.has_made(&above, folder))
    }
}

/// What a file is when it is whole.
#[derive(Clone, Copy, Debug)]
pub struct WholeFile {
    /// Its size.
    pub size_bytes: u64,
    /// When its content last changed.
    pub modified: Timestamp,
}

impl WholeFile {
    fn is_cut_to(self, now: &Stat) -> bool {
        FileType::from_raw_mode(now.st_mode) == FileType::RegularFile
            && u64::try_from(now.st_size).is_ok_and(|size| size < self.size_bytes)
            && now.st_mtime == self.modified.seconds
            && i128::from(now.st_mtime_nsec) == i128::from(self.modified.nanoseconds)
    }
}
