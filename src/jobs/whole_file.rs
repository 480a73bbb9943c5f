//! Files that are there whole or not at all, also after a power failure.
//!
//! A file that was written and renamed can be empty after the power failed: the system wrote down its name before
//! its bytes. What a job finds again by its name goes through here.

use std::fs::File;
use std::path::Path;

use super::error::JobError;

/// Writes `bytes` to `path`, replacing what is there. Durable when it returns.
///
/// # Errors
/// If the disk refuses; `path` is then what it was.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JobError> {
    let partial = path.with_added_extension("partial");
    std::fs::write(&partial, bytes).map_err(JobError::io("write", &partial))?;
    put_in_place(&partial, path)
}

/// Copies `from` to `to`, replacing what is there. Durable when it returns.
///
/// # Errors
/// If the disk refuses; `to` is then what it was.
pub(super) fn copy_whole(from: &Path, to: &Path) -> Result<(), JobError> {
    let partial = to.with_added_extension("partial");
    std::fs::copy(from, &partial).map_err(JobError::io("copy to", &partial))?;
    put_in_place(&partial, to)
}

/// Gives the finished file `partial` the name `path` in the same folder. Durable when it returns.
///
/// # Errors
/// If the disk refuses; `path` is then what it was.
pub(super) fn put_in_place(partial: &Path, path: &Path) -> Result<(), JobError> {
    let sync = |path: &Path| File::open(path)?.sync_all();
    sync(partial).map_err(JobError::io("put on disk", partial))?;
    std::fs::rename(partial, path).map_err(JobError::io("put in place", path))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    sync(folder).map_err(JobError::io("put on disk", folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let [one, other] = ["a.json", "b.json"].map(|name| folder.path().join(name));
        write_whole(&one, b"first").unwrap();
        write_whole(&one, b"second").unwrap();
        copy_whole(&one, &other).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        let missing = folder.path().join("missing");
        assert!(copy_whole(&missing, &one).is_err());
        assert_eq!(std::fs::read(&one).unwrap(), b"second", "it is what it was");
    }
}
