//! The mark on directories that a restore made and has not finished.
//!
//! A restore that was killed goes on later and finds its directories there. Without the mark it could
//! not tell them from the operator's own, and would leave them without their owner, mode and times.
//! Putting back a directory's attributes removes the mark, because the original had none. Where the
//! file system keeps no attributes there is no mark, and the shortfall is told.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd as _};

use rustix::fs::{XattrFlags, lgetxattr, lremovexattr, lsetxattr};

const NAME: &str = "user.fossilsafe.restoring";
/// Longest tag and one more.
const TAG_BYTES_MAX: usize = 65;

fn path_of(parent: impl AsFd, name: &[u8]) -> Option<CString> {
    let mut path = format!("/proc/self/fd/{}/", parent.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    CString::new(path).ok()
}

/// Marks a directory that was just made.
pub(super) fn mark(parent: impl AsFd, name: &[u8], tag: &str) {
    if let Some(path) = path_of(parent, name) {
        let _ = lsetxattr(path.as_c_str(), NAME, tag.as_bytes(), XattrFlags::empty());
    }
}

/// True if the restore with this tag made the directory.
pub(super) fn is_marked(parent: impl AsFd, name: &[u8], tag: &str) -> bool {
    let mut value = [0; TAG_BYTES_MAX];
    path_of(parent, name)
        .and_then(|path| lgetxattr(path.as_c_str(), NAME, &mut value[..]).ok())
        .is_some_and(|length| &value[..length] == tag.as_bytes())
}

/// Takes the mark off a directory of which nothing is to be put back.
pub(super) fn unmark(parent: impl AsFd, name: &[u8]) {
    if let Some(path) = path_of(parent, name) {
        let _ = lremovexattr(path.as_c_str(), NAME);
    }
}
