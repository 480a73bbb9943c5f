//! Files and folders that are there whole or not at all, also after a power failure.
//!
//! A file that was written and renamed can be empty after the power failed, as the system wrote down its name
//! before its bytes; and it can be the old one again, as its folder was not written down at all. What somebody
//! finds again by its name goes through here.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Mode of a file that everybody may read; the umask takes from it.
pub const ANYBODY: u32 = 0o666;

/// Writes `bytes` to `path` with `mode`, replacing what is there. Durable when it returns.
///
/// # Errors
/// If the disk refuses; `path` is then what it was.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let new = write_beside(path, bytes, mode)?;
    put_in_place(&new, path)
}

/// Writes `bytes` to a file beside `path`, for [`put_in_place`]; its path. One that was left there is replaced.
///
/// # Errors
/// If the disk refuses; nothing is left then.
pub fn write_beside(path: &Path, bytes: &[u8], mode: u32) -> io::Result<PathBuf> {
    let new = beside(path);
    // One that was left behind could have another mode.
    remove_if_there(&new)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // It would only take room; why it failed is what counts.
        let _ = fs::remove_file(&new);
    }
    written.map(|()| new)
}

/// Copies `from` to `to`, replacing what is there. Durable when it returns.
///
/// # Errors
/// If the disk refuses; `to` is then what it was.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let new = beside(to);
    fs::copy(from, &new)?;
    put_in_place(&new, to)
}

/// Gives what is finished at `new`, a file or a folder, the name `path` in the same folder, replacing a file
/// that is there. Durable when it returns; what is in a folder has to be on the disk already.
///
/// # Errors
/// If the disk refuses; `path` is then what it was.
pub fn put_in_place(new: &Path, path: &Path) -> io::Result<()> {
    sync(new)?;
    fs::rename(new, path)?;
    sync(path.parent().unwrap_or(Path::new(".")))
}

/// Puts a file, or the names in a folder, on the disk.
///
/// # Errors
/// If the disk refuses.
pub fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Where what will be `path` is written first.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".new");
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["a.json", "b.json"].map(|name| folder.path().join(name));
        replace(&one, b"first", ANYBODY).unwrap();
        replace(&one, b"second", ANYBODY).unwrap();
        copy(&one, &other).unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        let missing = folder.path().join("missing");
        assert!(copy(&missing, &one).is_err());
        assert_eq!(fs::read(&one).unwrap(), b"second", "it is what it was");
    }

    #[test]
    fn one_that_a_power_failure_left_beside_it_does_not_lend_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(folder.path().join("secret.new"), b"half").unwrap();
        replace(&path, b"whole", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_put_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let [new, path] = ["kept.new", "kept"].map(|name| folder.path().join(name));
        fs::create_dir(&new).unwrap();
        fs::write(new.join("catalog.db"), b"rows").unwrap();
        put_in_place(&new, &path).unwrap();
        assert_eq!(fs::read(path.join("catalog.db")).unwrap(), b"rows");
        assert!(!new.exists());
    }
}
