//! Puts mode, owner, times and attributes back, and says what did not come back.
//!
//! The order matters: a change of owner clears set-user-id bits and capabilities, so owner comes
//! first; attributes hold capabilities and ACLs, and an ACL changes the mode, so the mode comes
//! after them; a write changes the times, so they come after the content. The mode is last of all: it makes a
//! half file a whole one.

use std::ffi::CString;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

use rustix::fs::XattrFlags;
use rustix::fs::{
    AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid, chmodat, chownat, fchmod, fchown,
    flistxattr, fremovexattr, fsetxattr, fstat, futimens, lsetxattr, statat, utimensat,
};
use rustix::io::Errno;

use crate::domain::{FileMetadata, FileTimes, SourcePath, Timestamp, Xattr};

/// Set-user-id and set-group-id: dangerous in the wrong owner's hands.
const SET_ID_BITS: u32 = 0o6000;
/// Attributes of this kind are set by the system's own policy and are not removed.
const SYSTEM_POLICY: &[u8] = b"security.";
/// The kernel's limit of an attribute list.
const XATTR_LIST_BYTES_MAX: usize = 65_536;

/// Something that was not put back exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What it is about, by the path in the run.
    pub path: SourcePath,
    /// Which side of it.
    pub aspect: Aspect,
    /// Why, for people.
    pub reason: String,
}

/// The side of a thing that was not put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// It stands under another name.
    Name,
    /// Owner or group.
    Owner,
    /// Permission bits.
    Mode,
    /// Times.
    Times,
    /// The attribute of this name.
    Xattr(String),
    /// All metadata of a folder that was there before.
    Metadata,
}

/// Whether owners are put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Owners {
    /// By number, as far as this user may.
    #[default]
    Restore,
    /// Everything belongs to who restores.
    Leave,
}

/// Gathers what falls short of one thing.
struct Applying<'a> {
    path: &'a SourcePath,
    wanted: &'a FileMetadata,
    shortfalls: Vec<Shortfall>,
}

impl Applying<'_> {
    fn miss(&mut self, aspect: Aspect, reason: impl ToString) {
        self.shortfalls.push(Shortfall {
            path: self.path.clone(),
            aspect,
            reason: reason.to_string(),
        });
    }

    /// The mode without what would hand a stranger's rights to the wrong owner.
    fn safe_mode(&mut self, is_owner_restored: bool) -> u32 {
        let mode = self.wanted.mode & 0o7777;
        if is_owner_restored || mode & SET_ID_BITS == 0 {
            return mode;
        }
        self.miss(Aspect::Mode, "set-id bits are left off because the owner is another");
        mode & !SET_ID_BITS
    }
}

/// Names of the attributes that something has.
#[derive(Debug)]
pub(super) struct XattrNames(Vec<u8>);

impl XattrNames {
    /// None where the file system has no attributes; setting one will say so.
    pub(super) fn of(descriptor: BorrowedFd<'_>) -> Self {
        let mut list = [0; 1024];
        let listed = match flistxattr(descriptor, &mut list[..]) {
            Ok(count) => list[..count].to_vec(),
            Err(Errno::RANGE) => {
                let mut list = vec![0; XATTR_LIST_BYTES_MAX];
                let count = flistxattr(descriptor, &mut list[..]).unwrap_or(0);
                list.truncate(count);
                list
            }
            Err(_) => Vec::new(),
        };
        Self(listed)
    }

    /// Those that may be removed.
    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let names = self.0.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        names.filter(|name| !name.starts_with(SYSTEM_POLICY))
    }
}

/// Puts back the metadata of an open file or directory, which has `now` and the attributes `has`.
pub(super) fn apply_to_open(
    descriptor: BorrowedFd<'_>,
    now: rustix::io::Result<Stat>,
    has: &XattrNames,
    path: &SourcePath,
    wanted: &FileMetadata,
    owners: Owners,
) -> Vec<Shortfall> {
    let mut applying = Applying { path, wanted, shortfalls: Vec::new() };
    let is_owner_restored = now.is_ok_and(|now| has_owner(&now, wanted))
        || (owners == Owners::Restore && restore_owner(descriptor, &mut applying));
    restore_xattrs(descriptor, has, &mut applying);
    if let Err(errno) = futimens(descriptor, &timestamps(&wanted.times)) {
        applying.miss(Aspect::Times, errno);
    }
    let mode = applying.safe_mode(is_owner_restored);
    match fchmod(descriptor, Mode::from_raw_mode(mode)) {
        Ok(()) if mode & SET_ID_BITS != 0 => {
            // The kernel drops set-group-id in silence if the group is not ours.
            let now = fstat(descriptor).map_or(0, |now| now.st_mode & 0o7777);
            if now != mode {
                applying.miss(Aspect::Mode, format!("it became {now:04o} instead of {mode:04o}"));
            }
        }
        Ok(()) => {}
        Err(errno) => applying.miss(Aspect::Mode, errno),
    }
    applying.shortfalls
}

/// Puts back the metadata of what cannot be opened without side effects: a link, pipe or device,
/// still under a name that is ours alone.
pub(super) fn apply_to_name(
    directory: BorrowedFd<'_>,
    name: &[u8],
    path: &SourcePath,
    wanted: &FileMetadata,
    owners: Owners,
    is_symlink: bool,
) -> Vec<Shortfall> {
    let mut applying = Applying { path, wanted, shortfalls: Vec::new() };
    let now = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    let mut is_owner_restored = now.is_ok_and(|now| has_owner(&now, wanted));
    if !is_owner_restored && owners == Owners::Restore {
        let (user, group) = owner_of(wanted);
        match chownat(directory, name, user, group, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) => is_owner_restored = true,
            Err(errno) => applying.miss(Aspect::Owner, owner_reason(errno, wanted)),
        }
    }
    for xattr in &wanted.xattrs {
        if let Err(reason) = set_xattr_of_name(directory, name, xattr) {
            applying.miss(aspect_of(xattr), reason);
        }
    }
    if !is_symlink {
        let mode = Mode::from_raw_mode(applying.safe_mode(is_owner_restored));
        if let Err(errno) = chmodat(directory, name, mode, AtFlags::empty()) {
            applying.miss(Aspect::Mode, errno);
        }
    }
    let times = timestamps(&wanted.times);
    if let Err(errno) = utimensat(directory, name, &times, AtFlags::SYMLINK_NOFOLLOW) {
        applying.miss(Aspect::Times, errno);
    }
    applying.shortfalls
}

fn owner_of(wanted: &FileMetadata) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(wanted.uid)), Some(Gid::from_raw(wanted.gid)))
}

fn has_owner(now: &Stat, wanted: &FileMetadata) -> bool {
    now.st_uid == wanted.uid && now.st_gid == wanted.gid
}

fn owner_reason(errno: Errno, wanted: &FileMetadata) -> String {
    format!("it was of user {} and group {}: {errno}", wanted.uid, wanted.gid)
}

/// Restores owner and group, or the group alone where no more is permitted.
fn restore_owner(descriptor: BorrowedFd<'_>, applying: &mut Applying<'_>) -> bool {
    let (user, group) = owner_of(applying.wanted);
    match fchown(descriptor, user, group) {
        Ok(()) => true,
        Err(errno) => {
            // A user may give his file to any group that he is in.
            let _ = fchown(descriptor, None, group);
            applying.miss(Aspect::Owner, owner_reason(errno, applying.wanted));
            false
        }
    }
}

/// Sets the wanted attributes and removes those that the folder's default ACL gave to a new file.
fn restore_xattrs(descriptor: BorrowedFd<'_>, has: &XattrNames, applying: &mut Applying<'_>) {
    let wanted = &applying.wanted.xattrs;
    for name in has.iter() {
        if !wanted.iter().any(|xattr| &*xattr.name == name) {
            let _ = fremovexattr(descriptor, name);
        }
    }
    for xattr in wanted {
        if let Err(errno) = fsetxattr(descriptor, &*xattr.name, &xattr.value, XattrFlags::empty()) {
            applying.miss(aspect_of(xattr), errno);
        }
    }
}

/// Through `/proc`, because the kernel has no attribute call relative to a directory before 6.13.
fn set_xattr_of_name(directory: BorrowedFd<'_>, name: &[u8], xattr: &Xattr) -> Result<(), String> {
    let mut path = format!("/proc/self/fd/{}/", directory.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = CString::new(path).map_err(|error| error.to_string())?;
    lsetxattr(path.as_c_str(), &*xattr.name, &xattr.value, XattrFlags::empty())
        .map_err(|errno| errno.to_string())
}

fn aspect_of(xattr: &Xattr) -> Aspect {
    Aspect::Xattr(String::from_utf8_lossy(&xattr.name).into_owned())
}

fn timestamps(times: &FileTimes) -> Timestamps {
    let spec =
        |time: Timestamp| Timespec { tv_sec: time.seconds, tv_nsec: time.nanoseconds.into() };
    Timestamps { last_access: spec(times.accessed), last_modification: spec(times.modified) }
}
