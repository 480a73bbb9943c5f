//! What a restore that was killed has left under temporary names.

use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, Dir, Mode, unlinkat};
use rustix::io::Errno;

use super::place::temporary_names;
use super::{DIRECTORY_FLAGS, Destination, DestinationError, beneath};
use crate::domain::SourcePath;

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
}
