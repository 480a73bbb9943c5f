//! What the kernel says and hears of things, and what it is here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, FileType, INodeNo, TimeOrNow};
use rustix::io::Errno;

use super::{Kind, Named, Status};
use crate::domain::{Clock as _, SystemClock};

/// Blocks of this size are counted in a status.
const BLOCK_BYTES: u64 = 512;

/// Seconds since 1970.
pub(in crate::system::sources) fn now() -> u64 {
    u64::try_from(SystemClock::new().now().seconds).unwrap_or(0)
}

/// The permissions of a mode.
pub(super) fn permissions(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).unwrap_or(0)
}

/// Whole seconds since 1970; what was before counts as then.
pub(super) fn seconds(time: TimeOrNow) -> u64 {
    let time = match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => UNIX_EPOCH + Duration::from_secs(now()),
    };
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The names from `offset` on, each with the offset of the one behind it.
pub(super) fn from(names: &[Named], offset: u64) -> impl Iterator<Item = (u64, &Named)> {
    let first = usize::try_from(offset).unwrap_or(usize::MAX);
    names.iter().enumerate().skip(first).map(|(at, named)| (at as u64 + 1, named))
}

pub(super) fn attributes(number: u64, status: &Status) -> FileAttr {
    let time = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let modified: SystemTime = time(status.modified);
    FileAttr {
        ino: INodeNo(number),
        size: status.size_bytes,
        blocks: status.size_bytes.div_ceil(BLOCK_BYTES),
        atime: time(status.accessed),
        mtime: modified,
        // The other machine does not say when the rest changed.
        ctime: modified,
        crtime: modified,
        kind: file_type(status.kind),
        perm: status.mode,
        nlink: 1,
        uid: status.user,
        gid: status.group,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

pub(super) fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::Folder => FileType::Directory,
        Kind::File => FileType::RegularFile,
        Kind::Link => FileType::Symlink,
        Kind::Pipe => FileType::NamedPipe,
        Kind::Socket => FileType::Socket,
        Kind::CharacterDevice => FileType::CharDevice,
        Kind::BlockDevice => FileType::BlockDevice,
    }
}

pub(super) fn told(errno: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(errno.raw_os_error())
}
