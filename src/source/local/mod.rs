//! Local file systems, and everything else that the kernel mounts.
//!
//! A file's stored path is its absolute path without the leading `/`, so any number of roots share
//! one tree without colliding, and a person who reads the tape with other software finds the files
//! where they were. A root is resolved once, when the source is made: a link named as a root means
//! what it points to. After that no link is followed.
//!
//! One file system a root by default: other mounts below it are left out and reported as skipped,
//! unless they are roots of their own.

mod ahead;
mod file;
mod inspect;
mod listing;
mod names;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statx};
use rustix::io::Errno;

use file::{LocalFile, OpenFolder};

use crate::source::exclude::Excludes;
use crate::source::held::HeldFolders;
use crate::source::network::ensure_mounted;
use crate::source::{FileStamp, Source, SourceError, SourceFile, SourcePath, WalkEvent};

/// Whether a walk enters other file systems mounted below its roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FileSystems {
    /// Stays on the file system of each root.
    #[default]
    OfRootsOnly,
    /// Enters every mount, also those of the kernel such as `/proc`.
    AllMounted,
}

/// What a [`LocalSource`] covers.
#[derive(Clone, Debug, Default)]
pub struct LocalOptions {
    /// Files or directories of this machine; relative ones are relative to the working directory.
    pub roots: Vec<PathBuf>,
    /// Patterns of what is left out; see [`crate::source::exclude`].
    pub excludes: Vec<String>,
    /// Whether mounts are entered.
    pub file_systems: FileSystems,
}

/// Files of this machine.
#[derive(Debug)]
pub struct LocalSource {
    /// `/`, held only to resolve below it.
    top: OwnedFd,
    /// Sorted, none twice.
    roots: Vec<SourcePath>,
    /// Folders of the files that were opened last.
    folders: HeldFolders<OpenFolder>,
    excludes: Excludes,
    file_systems: FileSystems,
}

impl LocalSource {
    /// Resolves the roots and checks the patterns.
    ///
    /// # Errors
    /// When a root does not exist, cannot be reached or is of a network source that is away, or a pattern is
    /// malformed.
    pub fn open(options: &LocalOptions) -> Result<Self, SourceError> {
        let unreachable =
            |root: &Path, source| SourceError::RootUnreachable { root: root.to_owned(), source };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = openat(CWD, c"/", flags, Mode::empty())
            .map_err(|errno| unreachable(Path::new("/"), errno.into()))?;
        // Attributes are listed through this folder; without it they would all be lost in silence.
        std::fs::metadata(inspect::PROC_DESCRIPTORS)
            .map_err(|error| unreachable(Path::new(inspect::PROC_DESCRIPTORS), error))?;
        let mut roots = Vec::with_capacity(options.roots.len());
        for root in &options.roots {
            let resolved = root.canonicalize().map_err(|error| unreachable(root, error))?;
            ensure_mounted(&resolved)?;
            roots.push(SourcePath::from_absolute(&resolved).map_err(|error| {
                unreachable(root, std::io::Error::new(std::io::ErrorKind::InvalidInput, error))
            })?);
        }
        roots.sort();
        roots.dedup();
        Ok(Self {
            top,
            roots,
            folders: HeldFolders::default(),
            excludes: Excludes::parse(&options.excludes)?,
            file_systems: options.file_systems,
        })
    }
}

/// Opens a regular file below `folder`, following no link.
pub(super) fn open_file(
    folder: BorrowedFd<'_>,
    path: &SourcePath,
) -> Result<Box<dyn SourceFile>, SourceError> {
    Ok(Box::new(LocalFile::open(folder, path)?))
}

/// The stamp of whatever is open.
pub(super) fn stamp_of_descriptor(descriptor: BorrowedFd<'_>) -> Result<FileStamp, Errno> {
    let status = statx(descriptor, c"", AtFlags::EMPTY_PATH, inspect::STATX_MASK)?;
    Ok(inspect::stamp_of(&status))
}

impl Source for LocalSource {
    fn roots(&self) -> Vec<SourcePath> {
        self.roots.clone()
    }

    fn walk(&self, visitor: &mut dyn FnMut(WalkEvent) -> ControlFlow<()>) -> ControlFlow<()> {
        walk::Walk::new(self, visitor).run()
    }

    fn open(&self, path: &SourcePath) -> Result<Box<dyn SourceFile>, SourceError> {
        let Some(parent) = path.parent() else { return open_file(self.top.as_fd(), path) };
        let open = || OpenFolder::open(self.top.as_fd(), &parent, path);
        let folder = self.folders.folder(&parent, open)?;
        Ok(Box::new(LocalFile::open_in(&folder, path)?))
    }

    fn local_path(&self, path: &SourcePath) -> Option<PathBuf> {
        Some(path.to_absolute())
    }
}
