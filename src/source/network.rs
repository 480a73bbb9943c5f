//! Sources of the network: shares that the kernel has mounted below [`SOURCES_FOLDER`].
//!
//! Who mounts them is `system::sources`; here is only the question that a backup must ask before it believes
//! what it sees: an empty folder in place of a share that is away looks like a share whose files are all gone.

use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

use super::SourceError;
use crate::domain::SourceName;

/// True if something is mounted on that very folder.
///
/// # Errors
/// When the folder is there and cannot be looked at, as on a share whose server is gone.
pub fn is_mounted(folder: &Path) -> io::Result<bool> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    match statx(CWD, folder, flags, StatxFlags::empty()) {
        Ok(status) => Ok(status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Refuses a path of a network source that is not mounted now.
///
/// # Errors
/// [`SourceError::NotMounted`], or `RootUnreachable` when its server does not answer.
pub fn ensure_mounted(path: &Path) -> Result<(), SourceError> {
    let Some(name) = SourceName::of_path(path) else { return Ok(()) };
    match is_mounted(&name.folder()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(SourceError::NotMounted { name }),
        Err(source) => Err(SourceError::RootUnreachable { root: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_no_mount_and_a_mount_is() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_mounted(folder.path()).unwrap());
        assert!(!is_mounted(&folder.path().join("missing")).unwrap());
        assert!(is_mounted(Path::new("/proc")).unwrap());
    }

    #[test]
    fn what_lies_in_no_network_source_needs_no_mount() {
        ensure_mounted(Path::new("/tmp/anything")).unwrap();
        let error =
            ensure_mounted(Path::new("/srv/sources/no-such-share-here/photos")).unwrap_err();
        assert!(error.to_string().contains("no-such-share-here"), "{error}");
    }
}
