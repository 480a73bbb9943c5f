//! Folders as they are at one moment: the crash image of a host, the cartridges of a library.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use sha2::{Digest as _, Sha256};

/// How often a file is copied that others write to.
const COPIES_MAX: usize = 100;

/// What a process leaves beside its files and a new one makes again: locks, and SQLite's shared memory,
/// which does not outlive the machine.
fn is_volatile(name: &str) -> bool {
    name == "lock" || name.ends_with(".lock") || name.ends_with("-shm")
}

/// Copies what is below `from`, with times, attributes of folders and hard links. What vanishes meanwhile was vanishing: other
/// threads still run.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    copy_folder(from, to, &mut HashMap::new())
}

fn copy_folder(
    from: &Path,
    to: &Path,
    linked: &mut HashMap<(u64, u64), PathBuf>,
) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if is_volatile(&name.to_string_lossy()) {
            continue;
        }
        match copy_entry(&entry.path(), &to.join(&name), linked) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

fn copy_entry(from: &Path, to: &Path, linked: &mut HashMap<(u64, u64), PathBuf>) -> io::Result<()> {
    let mut metadata = from.symlink_metadata()?;
    if metadata.is_dir() {
        copy_folder(from, to, linked)?;
        copy_attributes(from, to)?;
        fs::set_permissions(to, metadata.permissions())?;
    } else if metadata.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else {
        if metadata.nlink() > 1 {
            let first = linked.entry((metadata.dev(), metadata.ino())).or_insert(to.to_owned());
            if first != to {
                return fs::hard_link(first, to);
            }
        }
        metadata = copy_file(from, to)?;
    }
    let at = |seconds, nanoseconds| TimeSpec::new(seconds, nanoseconds);
    let accessed = at(metadata.atime(), metadata.atime_nsec());
    let modified = at(metadata.mtime(), metadata.mtime_nsec());
    Ok(utimensat(AT_FDCWD, to, &accessed, &modified, UtimensatFlags::NoFollowSymlink)?)
}

/// Copies a file as it is at one moment: again where somebody has written to it meanwhile. With the mode of one
/// moment and the times of another it would be a file that never was.
fn copy_file(from: &Path, to: &Path) -> io::Result<Metadata> {
    let mut before = from.symlink_metadata()?;
    for _ in 1..COPIES_MAX {
        fs::copy(from, to)?;
        let after = from.symlink_metadata()?;
        if moment(&before) == moment(&after) {
            return Ok(after);
        }
        fs::remove_file(to)?;
        before = after;
    }
    // What is written all the time is a log or a database, of which any beginning will do.
    fs::copy(from, to)?;
    Ok(before)
}

/// Differs between two moments of a file if it was changed between them.
fn moment(of: &Metadata) -> impl PartialEq + use<> {
    (of.ctime(), of.ctime_nsec(), of.mtime(), of.mtime_nsec(), of.mode(), of.size())
}

/// A folder that a restore has made is marked by one.
fn copy_attributes(from: &Path, to: &Path) -> io::Result<()> {
    for name in xattr::list(from)?.filter(|name| name.to_string_lossy().starts_with("user.")) {
        if let Some(value) = xattr::get(from, &name)? {
            xattr::set(to, &name, &value)?;
        }
    }
    Ok(())
}

/// Removes a folder with all that is in it, if it is there.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes all that is in a folder.
pub(crate) fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// One hash over names and contents of all that is below a folder.
pub(crate) fn digest(folder: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let mut paths =
            fs::read_dir(&folder)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            hasher.update(path.file_name().unwrap_or_default().as_encoded_bytes());
            if path.is_dir() {
                waiting.push(path);
            } else {
                let bytes = fs::read(&path)?;
                hasher.update((bytes.len() as u64).to_be_bytes());
                hasher.update(&bytes);
            }
        }
    }
    Ok(hasher.finalize().into())
}
