//! The directories of a destination: made, recognised, opened on the way to what lies in them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, statat, unlinkat};
use rustix::io::Errno;

use super::mark::{is_marked, mark};
use super::metadata::XattrNames;
use super::{Aspect, Conflict, Destination, DestinationError, Placed, Shortfall, beneath};
use crate::domain::{FileMetadata, SourcePath};

/// Mode of directories until the restore is finished: nobody else may look into them.
const PRIVATE_DIRECTORY: Mode = Mode::RWXU;
/// Mode of directories that the run says nothing about.
const IMPLIED_DIRECTORY: Mode =
    Mode::RWXU.union(Mode::RGRP).union(Mode::XGRP).union(Mode::ROTH).union(Mode::XOTH);
/// How a directory is held that things are made in.
const PARENT_FLAGS: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW);

/// A folder that things are made in.
#[derive(Debug)]
pub(super) struct Folder {
    opened: OwnedFd,
    /// Its file system, where that can be said.
    pub(super) device: Option<u64>,
    /// The attributes that it gives to a new file; looked at with the first one.
    inherited: OnceLock<XattrNames>,
}

impl Folder {
    /// The attributes of `file`, which was just made in it.
    pub(super) fn inherited(&self, file: BorrowedFd<'_>) -> &XattrNames {
        self.inherited.get_or_init(|| XattrNames::of(file))
    }
}

impl From<OwnedFd> for Folder {
    fn from(opened: OwnedFd) -> Self {
        let device = fstat(&opened).ok().map(|now| now.st_dev);
        Self { opened, device, inherited: OnceLock::new() }
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.as_fd()
    }
}

impl Destination {
    /// Makes a directory; its metadata comes with [`Destination::finish`].
    ///
    /// One that was there before keeps its metadata, unless things are to be overwritten; that is
    /// told as a shortfall.
    ///
    /// # Errors
    /// When something else has its name, or the file system refuses.
    pub fn directory(
        &self,
        path: &SourcePath,
        metadata: &FileMetadata,
    ) -> Result<Placed, DestinationError> {
        let failed = |errno: Errno| DestinationError::of_io(path, "make it", errno);
        let parent = self.parent_of(path)?;
        let name = path.name();
        let mut is_ours = true;
        match mkdirat(&parent, name, PRIVATE_DIRECTORY) {
            Ok(()) => mark(&parent, name, &self.options.tag),
            Err(Errno::EXIST) => {
                let there = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                if FileType::from_raw_mode(there.st_mode) == FileType::Directory {
                    is_ours = self.has_made(&parent, path);
                } else if self.options.conflict == Conflict::Overwrite {
                    unlinkat(&parent, name, AtFlags::empty()).map_err(failed)?;
                    mkdirat(&parent, name, PRIVATE_DIRECTORY).map_err(failed)?;
                    mark(&parent, name, &self.options.tag);
                } else {
                    return Err(DestinationError::Occupied { path: path.clone() });
                }
            }
            Err(errno) => return Err(failed(errno)),
        }
        let mut shortfalls = Vec::new();
        if is_ours || self.options.conflict == Conflict::Overwrite {
            self.state.lock().directories.insert(path.clone(), metadata.clone());
        } else {
            let reason = "the folder was there before and keeps what it is".to_owned();
            shortfalls.push(Shortfall { path: path.clone(), aspect: Aspect::Metadata, reason });
        }
        Ok(Placed { path: path.clone(), shortfalls })
    }

    /// True if this restore made the directory `path`, before or after a restart.
    pub(super) fn has_made(&self, parent: impl AsFd, path: &SourcePath) -> bool {
        let state = self.state.lock();
        state.directories.contains_key(path)
            || state.implied.contains(path)
            || is_marked(parent, path.name(), &self.options.tag)
    }

    pub(super) fn open_folder(&self, folder: &SourcePath) -> std::io::Result<OwnedFd> {
        beneath::open(self.top.as_fd(), folder, PARENT_FLAGS, Mode::empty())
    }

    /// Opens the folder that `path` belongs in, and makes what is missing of it.
    pub(super) fn parent_of(&self, path: &SourcePath) -> Result<Arc<Folder>, DestinationError> {
        let failed =
            |error: std::io::Error| DestinationError::of_io(path, "open its folder", error);
        let Some(parent) = path.parent() else {
            return Err(failed(std::io::ErrorKind::InvalidInput.into()));
        };
        // No link is followed on the way, so the path says where it leads.
        if self.own.as_ref().is_some_and(|own| path.is_within(own)) {
            return Err(DestinationError::Own { path: path.clone() });
        }
        match self.held_folder(&parent) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            outcome => return outcome.map_err(failed),
        }
        let mut held = self.open_folder(&SourcePath::top()).map_err(failed)?;
        let mut reached = SourcePath::top();
        for part in parent.components() {
            reached = reached.join(part).map_err(|_| failed(Errno::INVAL.into()))?;
            match mkdirat(&held, part, IMPLIED_DIRECTORY) {
                Ok(()) => {
                    mark(&held, part, &self.options.tag);
                    self.state.lock().implied.insert(reached.clone());
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
            held = openat(&held, part, PARENT_FLAGS | OFlags::CLOEXEC, Mode::empty())
                .map_err(|errno| failed(errno.into()))?;
        }
        Ok(Arc::new(held.into()))
    }

    /// The folder, if it is there, held from one thing that is made in it to the next.
    pub(super) fn held_folder(&self, folder: &SourcePath) -> std::io::Result<Arc<Folder>> {
        self.parents.folder(folder, || self.open_folder(folder).map(Folder::from))
    }
}
