//! Opens paths below a directory without following any link on the way.
//!
//! Between a walk and a read, or between two files of a restore, somebody may swap a folder for a
//! symbolic link. A path that is resolved as a whole would then lead out of the tree: a backup would
//! read, and a restore would write, where it has no business. The kernel refuses that with
//! `openat2`; where `openat2` is missing (kernels before 5.6, strict sandboxes) each component is
//! opened by itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;

use crate::domain::SourcePath;

/// Longest path given to one call. The kernel takes 4096 with the closing NUL.
const PATH_BYTES_MAX: usize = 4000;
/// How a directory is held that is only passed through: needs no right to list it.
const PASS_THROUGH: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// The kernel may ask to try again while somebody renames; after this many times the slow way
/// decides. Chosen: each attempt is microseconds.
const ATTEMPTS_MAX: usize = 4;

/// False once the kernel or a sandbox has said that it has no `openat2`.
static HAS_OPENAT2: AtomicBool = AtomicBool::new(true);

/// Opens `path` below `directory`. `flags` should hold `NOFOLLOW`; close-on-exec is added.
///
/// # Errors
/// As `openat`; a link on the way is `ELOOP` or `ENOTDIR`.
pub(super) fn open(
    directory: BorrowedFd<'_>,
    path: &SourcePath,
    flags: OFlags,
    mode: Mode,
) -> io::Result<OwnedFd> {
    if path.is_top() {
        return Ok(openat(directory, c".", flags | OFlags::CLOEXEC, mode)?);
    }
    if HAS_OPENAT2.load(Ordering::Relaxed) {
        match open_in_chunks(directory, path, flags, mode) {
            Err(Errno::NOSYS | Errno::AGAIN) => {}
            done => return Ok(done?),
        }
    }
    open_by_component(directory, path, flags, mode)
}

/// One `openat2`, or several when the path is longer than one call takes.
fn open_in_chunks(
    directory: BorrowedFd<'_>,
    path: &SourcePath,
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let mut held: Option<OwnedFd> = None;
    let mut rest = path.as_bytes();
    while rest.len() > PATH_BYTES_MAX {
        let Some(border) = rest[..PATH_BYTES_MAX].iter().rposition(|&byte| byte == b'/') else {
            return Err(Errno::NAMETOOLONG);
        };
        let from = held.as_ref().map_or(directory, AsFd::as_fd);
        held = Some(open_resolved(from, &rest[..border], PASS_THROUGH, Mode::empty())?);
        rest = &rest[border + 1..];
    }
    open_resolved(held.as_ref().map_or(directory, AsFd::as_fd), rest, flags, mode)
}

fn open_resolved(
    directory: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let mut outcome = Err(Errno::AGAIN);
    for _ in 0..ATTEMPTS_MAX {
        outcome = openat2(directory, path, flags | OFlags::CLOEXEC, mode, resolve);
        match outcome {
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS) => {
                HAS_OPENAT2.store(false, Ordering::Relaxed);
                return outcome;
            }
            _ => return outcome,
        }
    }
    outcome
}

/// The same without `openat2`: a link in place of any component is refused by `NOFOLLOW`.
fn open_by_component(
    directory: BorrowedFd<'_>,
    path: &SourcePath,
    flags: OFlags,
    mode: Mode,
) -> io::Result<OwnedFd> {
    let mut held: Option<OwnedFd> = None;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let from = held.as_ref().map_or(directory, AsFd::as_fd);
        if parts.peek().is_none() {
            return Ok(openat(from, part, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, mode)?);
        }
        held = Some(openat(from, part, PASS_THROUGH, Mode::empty())?);
    }
    Err(io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    type Opener = fn(BorrowedFd<'_>, &SourcePath, OFlags, Mode) -> io::Result<OwnedFd>;

    /// The quick and the slow way.
    const OPENERS: [Opener; 2] = [open, open_by_component];

    fn path(text: &str) -> SourcePath {
        SourcePath::from_bytes(text).unwrap()
    }

    #[test]
    fn a_link_anywhere_on_the_way_is_refused() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("real")).unwrap();
        std::fs::write(top.path().join("real/file"), "f").unwrap();
        symlink(outside.path(), top.path().join("swapped")).unwrap();
        symlink("real", top.path().join("inner")).unwrap();
        symlink("file", top.path().join("real/last")).unwrap();
        let directory = std::fs::File::open(top.path()).unwrap();
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW;
        for opener in OPENERS {
            let opened = |text| opener(directory.as_fd(), &path(text), flags, Mode::empty());
            assert!(opened("real/file").is_ok());
            for led_away in ["swapped/secret", "inner/file", "real/last"] {
                assert!(opened(led_away).is_err(), "{led_away}");
            }
        }
    }

    #[test]
    fn a_path_longer_than_one_call_takes_is_opened() {
        let top = tempfile::tempdir().unwrap();
        let mut deep = SourcePath::top();
        let mut directory: OwnedFd = std::fs::File::open(top.path()).unwrap().into();
        for _ in 0..30 {
            let name = "n".repeat(200);
            rustix::fs::mkdirat(&directory, name.as_str(), Mode::RWXU).unwrap();
            directory = openat(&directory, name.as_str(), PASS_THROUGH, Mode::empty()).unwrap();
            deep = deep.join(name.as_bytes()).unwrap();
        }
        let top_directory = std::fs::File::open(top.path()).unwrap();
        for opener in OPENERS {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            assert!(opener(top_directory.as_fd(), &deep, flags, Mode::empty()).is_ok());
        }
    }
}
