//! Gives finished things their names, by the policy for names that are taken.
//!
//! Things are made under a name of our own in their folder and renamed when they are complete. The name is
//! derived from the path: after a crash the same restore finds its leftover and replaces it.
//!
//! A small file whose name is free is made there at once, since renaming costs as much as writing it. Until
//! it is complete it has a mode that no file has ([`HALF_FILE`]), by which a restore that goes on knows it;
//! where the file system keeps no such mode, it is made like the others.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FileType, Mode, RenameFlags, Stat, linkat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::Conflict;
use super::error::DestinationError;
use super::folder::Folder;
use crate::domain::SourcePath;

/// Longest name in the file systems we know.
const NAME_BYTES_MAX: usize = 255;
/// Other names that are tried before giving up. Chosen, no data yet.
const SIDE_NAMES_MAX: u32 = 1000;

/// The name that `path` has until it is complete.
pub(super) fn temporary_name(tag: &str, path: &SourcePath) -> String {
    let digest = Sha256::digest(path.as_bytes());
    temporary_names(tag) + &hex::encode(&digest[..8])
}

/// What all of them begin with.
pub(super) fn temporary_names(tag: &str) -> String {
    format!(".fossilsafe-{tag}-")
}

/// Mode of a file that stands under its own name and is not complete: without any permission but to be
/// written, and sticky, which means nothing for files.
pub(super) const HALF_FILE: Mode = Mode::WUSR.union(Mode::SVTX);

/// True for a file of such a mode, whatever a folder's default list has taken of it.
pub(super) fn is_half(now: &Stat) -> bool {
    let mode = Mode::from_raw_mode(now.st_mode);
    FileType::from_raw_mode(now.st_mode) == FileType::RegularFile
        && mode.union(Mode::WUSR) == HALF_FILE
}

/// Something made under a name that is not its own yet, or a half file; removed again unless it is placed.
#[derive(Debug)]
pub(super) struct Unplaced {
    directory: Arc<Folder>,
    /// The name that it has.
    name: Vec<u8>,
    path: SourcePath,
    is_half_file: bool,
    is_placed: bool,
}

impl Unplaced {
    /// Makes something in `directory` by `make`, which gets the name to use and must not replace.
    pub(super) fn make<T>(
        directory: Arc<Folder>,
        tag: &str,
        path: &SourcePath,
        make: impl Fn(BorrowedFd<'_>, &str) -> Result<T, Errno>,
    ) -> Result<(Self, T), Errno> {
        let temporary = temporary_name(tag, path);
        let made = match make(directory.as_fd(), &temporary) {
            Err(Errno::EXIST) => {
                // A leftover of this very restore, from before a crash.
                unlinkat(&directory, temporary.as_str(), AtFlags::empty())?;
                make(directory.as_fd(), &temporary)?
            }
            outcome => outcome?,
        };
        let (name, path) = (temporary.into_bytes(), path.clone());
        Ok((Self { directory, name, path, is_half_file: false, is_placed: false }, made))
    }

    /// Makes a half file in `directory` by `make`, which gets the name to use and must not replace.
    pub(super) fn make_half_file<T>(
        directory: Arc<Folder>,
        path: &SourcePath,
        make: impl FnOnce(BorrowedFd<'_>, &[u8]) -> Result<T, Errno>,
    ) -> Result<(Self, T), Errno> {
        let made = make(directory.as_fd(), path.name())?;
        let (name, path) = (path.name().to_vec(), path.clone());
        Ok((Self { directory, name, path, is_half_file: true, is_placed: false }, made))
    }

    pub(super) fn directory(&self) -> &Folder {
        &self.directory
    }

    /// The name that it has until it is placed.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    pub(super) fn is_half_file(&self) -> bool {
        self.is_half_file
    }

    pub(super) fn path(&self) -> &SourcePath {
        &self.path
    }

    /// Gives it its own name, or another by policy; returns the path that it has then.
    pub(super) fn place(mut self, conflict: Conflict) -> Result<SourcePath, DestinationError> {
        let name = self.path.name().to_vec();
        let placed = match conflict {
            _ if self.is_half_file => Ok(name),
            Conflict::Overwrite => self.rename_over(&name).map(|()| name),
            Conflict::Refuse => self.rename_new(&name).map(|()| name),
            Conflict::SideName => match self.rename_new(&name) {
                Err(Errno::EXIST) => self.place_beside(&name, "restored"),
                outcome => outcome.map(|()| name),
            },
        };
        self.placed(placed)
    }

    /// Gives it a name that says that it is not what it should be.
    pub(super) fn place_damaged(mut self) -> Result<SourcePath, DestinationError> {
        let name = self.path.name().to_vec();
        let placed = self.place_beside(&name, "damaged");
        self.placed(placed)
    }

    fn placed(&mut self, name: Result<Vec<u8>, Errno>) -> Result<SourcePath, DestinationError> {
        let failed = |errno: Errno| match errno {
            Errno::ISDIR | Errno::NOTEMPTY => {
                DestinationError::Occupied { path: self.path.clone() }
            }
            errno => DestinationError::of_io(&self.path, "give it its name", errno),
        };
        let name = name.map_err(failed)?;
        self.is_placed = true;
        let parent = self.path.parent().unwrap_or_default();
        parent
            .join(&name)
            .map_err(|_| DestinationError::of_io(&self.path, "give it its name", Errno::INVAL))
    }

    fn place_beside(&mut self, name: &[u8], word: &str) -> Result<Vec<u8>, Errno> {
        for number in 1..=SIDE_NAMES_MAX {
            let side = side_name(name, word, number);
            match self.rename_new(&side) {
                Err(Errno::EXIST) => {}
                outcome => return outcome.map(|()| side),
            }
        }
        Err(Errno::EXIST)
    }

    fn rename_over(&self, name: &[u8]) -> Result<(), Errno> {
        renameat(&self.directory, self.name.as_slice(), &self.directory, name)?;
        // Renaming one name of a file over another of the same file does nothing at all.
        match unlinkat(&self.directory, self.name.as_slice(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Renames unless the name is taken, on any file system.
    fn rename_new(&self, name: &[u8]) -> Result<(), Errno> {
        let (directory, temporary) = (&self.directory, self.name.as_slice());
        match renameat_with(directory, temporary, directory, name, RenameFlags::NOREPLACE) {
            Err(Errno::INVAL | Errno::NOSYS) => {}
            outcome => return outcome,
        }
        // Some network file systems know no such rename; a link is never made over a name either.
        match linkat(directory, temporary, directory, name, AtFlags::empty()) {
            Ok(()) => return unlinkat(directory, temporary, AtFlags::empty()),
            Err(Errno::EXIST) => return Err(Errno::EXIST),
            Err(_) => {}
        }
        match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => renameat(directory, temporary, directory, name),
            Ok(_) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        }
    }
}

impl Drop for Unplaced {
    fn drop(&mut self) {
        // What stands under a name that is not of our making may be somebody's who has removed ours.
        let is_ours = || {
            let now = statat(&self.directory, self.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW);
            !self.is_half_file || now.is_ok_and(|now| is_half(&now))
        };
        if !self.is_placed && is_ours() {
            let _ = unlinkat(&self.directory, self.name.as_slice(), AtFlags::empty());
        }
    }
}

/// `name.restored-1`, the name cut where the whole would be too long, never within a character.
fn side_name(name: &[u8], word: &str, number: u32) -> Vec<u8> {
    let suffix = format!(".{word}-{number}");
    let mut keep = name.len().min(NAME_BYTES_MAX - suffix.len());
    let is_continuation = |byte: &u8| byte & 0xC0 == 0x80;
    while keep > 1 && name.get(keep).is_some_and(is_continuation) {
        keep -= 1;
    }
    [&name[..keep], suffix.as_bytes()].concat()
}
