//! What the kernel says of one thing: status, attributes, link target, holes.
//!
//! A walk calls this for every file, so calls are counted: one `statx`, one `llistxattr`, and more
//! only where those two say that there is more. Attributes are listed through
//! `/proc/self/fd/<directory>/<name>`, the only way to name an entry of an open directory to the
//! attribute calls of kernels before 6.13; a thread with a working directory of its own goes there, which
//! is a quarter less work for the kernel.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::fchdir;
use rustix::fs::{
    AtFlags, FileType, SeekFrom, Statx, StatxFlags, StatxTimestamp, lgetxattr, llistxattr,
    llistxattr_query, readlinkat, seek, statx,
};
use rustix::io::Errno;

use super::file::LocalFile;
use super::names::NameCache;
use crate::domain::{
    DataSegment, DeviceNumber, FileKind, FileMetadata, FileTimes, Timestamp, Xattr,
};
use crate::source::{Entry, FileIdentity, FileStamp, SourceError, SourceFile as _, SourcePath};

/// Where the kernel shows the open descriptors of this process.
pub(super) const PROC_DESCRIPTORS: &str = "/proc/self/fd";
/// What is asked of the kernel for each entry.
pub(super) const STATX_MASK: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);
/// Bytes in a unit of `stx_blocks`, whatever the file system's block size.
const STATUS_BLOCK_BYTES: u64 = 512;
/// Holes smaller than a page are never reported by a file system we know.
const SPARSE_BYTES_MIN: u64 = 4096;
/// More stretches than this and the rest of the file counts as data: restored right, less sparse.
/// Chosen: 1 MiB of map.
const DATA_SEGMENTS_MAX: usize = 65_536;
/// The kernel's limit for one attribute list and one value (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const XATTR_BYTES_MAX: usize = 65_536;
/// Enough for the lists that usually occur; longer ones are asked for again.
const XATTR_LIST_BYTES_USUAL: usize = 1024;
/// A value that grows between two calls is asked for again this often. Chosen, no data yet.
const XATTR_ATTEMPTS_MAX: usize = 3;

/// Turns directory entries into [`Entry`] values; keeps buffers and name lookups between calls.
#[derive(Debug)]
pub(super) struct Inspector {
    names: NameCache,
    /// How attribute calls are told of an entry: what leads to the directory, and its name.
    xattr_path: Vec<u8>,
    xattr_prefix_bytes: usize,
    list: Vec<u8>,
    /// True if the working directory is this thread's alone.
    may_move: bool,
}

impl Inspector {
    pub(super) fn new() -> Self {
        Self {
            names: NameCache::default(),
            xattr_path: Vec::new(),
            xattr_prefix_bytes: 0,
            list: vec![0; XATTR_LIST_BYTES_USUAL],
            may_move: false,
        }
    }

    /// For a thread that does nothing else and ends with the walk: its working directory is parted from
    /// that of the process, where the system allows it, and follows [`Inspector::enter`].
    pub(super) fn of_own_thread() -> Self {
        Self { may_move: unshare(CloneFlags::CLONE_FS).is_ok(), ..Self::new() }
    }

    /// Says of which open directory the next entries are.
    pub(super) fn enter(&mut self, directory: BorrowedFd<'_>) {
        self.xattr_path.clear();
        if !self.may_move || fchdir(directory).is_err() {
            let descriptor = directory.as_raw_fd().to_string();
            for part in [PROC_DESCRIPTORS, "/", &descriptor, "/"] {
                self.xattr_path.extend_from_slice(part.as_bytes());
            }
        }
        self.xattr_prefix_bytes = self.xattr_path.len();
    }

    /// Everything about `name` in `directory`. What could be known only in part comes with the
    /// errors that say what is missing.
    ///
    /// [`Inspector::enter`] must have been called for `directory`.
    pub(super) fn inspect(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: SourcePath,
        problems: &mut Vec<SourceError>,
    ) -> Result<Entry, SourceError> {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        let status = statx(directory, name, flags, STATX_MASK)
            .map_err(|errno| SourceError::of_io(&path, "read its status", errno.into()))?;
        let kind = kind_of(&status, directory, name)
            .map_err(|error| SourceError::of_io(&path, "read the link", error))?;
        let xattrs = self.xattrs(name).unwrap_or_else(|error| {
            problems.push(SourceError::of_io(&path, "read its attributes", error));
            Vec::new()
        });
        let size_bytes = if kind.has_content() { status.stx_size } else { 0 };
        let may_be_sparse = size_bytes >= SPARSE_BYTES_MIN
            && status.stx_blocks.saturating_mul(STATUS_BLOCK_BYTES) < size_bytes;
        let data_segments =
            if may_be_sparse { data_segments(directory, name, size_bytes) } else { None };
        Ok(Entry {
            metadata: FileMetadata {
                mode: u32::from(status.stx_mode) & 0o7777,
                uid: status.stx_uid,
                gid: status.stx_gid,
                user: self.names.user(status.stx_uid),
                group: self.names.group(status.stx_gid),
                times: times_of(&status),
                xattrs,
            },
            identity: identity_of(&status),
            links: status.stx_nlink,
            hard_link_of: None,
            path,
            kind,
            size_bytes,
            data_segments,
        })
    }

    /// The attributes of `name` in the directory entered last.
    fn xattrs(&mut self, name: &[u8]) -> io::Result<Vec<Xattr>> {
        self.xattr_path.truncate(self.xattr_prefix_bytes);
        self.xattr_path.extend_from_slice(name);
        self.xattr_path.push(0);
        let path = std::ffi::CStr::from_bytes_with_nul(&self.xattr_path)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let listed = loop {
            match llistxattr(path, &mut self.list[..]) {
                Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
                Ok(listed) => break listed,
                Err(Errno::RANGE) => {
                    let wanted = llistxattr_query(path)?.max(self.list.len() * 2);
                    if self.list.len() >= XATTR_BYTES_MAX {
                        return Err(Errno::RANGE.into());
                    }
                    self.list.resize(wanted.min(XATTR_BYTES_MAX), 0);
                }
                Err(errno) => return Err(errno.into()),
            }
        };
        let mut xattrs = Vec::new();
        for key in self.list[..listed].split(|&byte| byte == 0).filter(|key| !key.is_empty()) {
            if let Some(value) = xattr_value(path, key)? {
                xattrs.push(Xattr { name: key.into(), value });
            }
        }
        Ok(xattrs)
    }
}

/// One value; nothing when the attribute has gone since it was listed.
fn xattr_value(path: &std::ffi::CStr, key: &[u8]) -> io::Result<Option<Box<[u8]>>> {
    let mut value = vec![0; 256];
    for _ in 0..XATTR_ATTEMPTS_MAX {
        match lgetxattr(path, key, &mut value[..]) {
            Ok(count) => {
                value.truncate(count);
                return Ok(Some(value.into_boxed_slice()));
            }
            Err(Errno::NODATA) => return Ok(None),
            Err(Errno::RANGE) => value.resize(XATTR_BYTES_MAX, 0),
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(Errno::RANGE.into())
}

fn kind_of(status: &Statx, directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<FileKind> {
    let device = DeviceNumber { major: status.stx_rdev_major, minor: status.stx_rdev_minor };
    Ok(match FileType::from_raw_mode(status.stx_mode.into()) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => {
            let target = readlinkat(directory, name, Vec::new())?;
            FileKind::Symlink { target: target.into_bytes().into_boxed_slice() }
        }
        FileType::Fifo => FileKind::Fifo,
        FileType::Socket => FileKind::Socket,
        FileType::CharacterDevice => FileKind::CharacterDevice(device),
        FileType::BlockDevice => FileKind::BlockDevice(device),
        FileType::Unknown => return Err(io::ErrorKind::Unsupported.into()),
    })
}

/// The stretches with data, or nothing when the file has no hole or will not say.
///
/// A file system that compresses has fewer blocks than bytes and yet no holes, so few blocks are
/// only a reason to ask. An unreadable file is found out when it is read.
fn data_segments(
    directory: BorrowedFd<'_>,
    name: &[u8],
    size_bytes: u64,
) -> Option<Vec<DataSegment>> {
    let name = SourcePath::from_bytes(name).ok()?;
    let file = LocalFile::open(directory, &name).ok()?;
    let descriptor = file.descriptor()?;
    let mut segments: Vec<DataSegment> = Vec::new();
    let mut at = 0;
    while at < size_bytes {
        let start = match seek(descriptor, SeekFrom::Data(at)) {
            Ok(start) if start < size_bytes => start,
            Ok(_) | Err(Errno::NXIO) => break,
            Err(_) => return None,
        };
        let end = seek(descriptor, SeekFrom::Hole(start)).ok()?.min(size_bytes);
        if segments.len() + 1 == DATA_SEGMENTS_MAX {
            segments.push(DataSegment { offset: start, length: size_bytes - start });
            break;
        }
        if end <= start {
            return None; // the file changes under our hands
        }
        segments.push(DataSegment { offset: start, length: end - start });
        at = end;
    }
    let is_whole =
        matches!(segments[..], [DataSegment { offset: 0, length }] if length == size_bytes);
    (!is_whole).then_some(segments)
}

fn identity_of(status: &Statx) -> FileIdentity {
    let device = (u64::from(status.stx_dev_major) << 32) | u64::from(status.stx_dev_minor);
    FileIdentity { device, inode: status.stx_ino }
}

/// The stamp in a status.
pub(super) fn stamp_of(status: &Statx) -> FileStamp {
    FileStamp {
        identity: identity_of(status),
        size_bytes: status.stx_size,
        modified: timestamp(status.stx_mtime),
        changed: timestamp(status.stx_ctime),
    }
}

fn times_of(status: &Statx) -> FileTimes {
    let knows_birth = status.stx_mask & StatxFlags::BTIME.bits() != 0;
    FileTimes {
        modified: timestamp(status.stx_mtime),
        changed: timestamp(status.stx_ctime),
        accessed: timestamp(status.stx_atime),
        created: knows_birth.then(|| timestamp(status.stx_btime)),
    }
}

fn timestamp(time: StatxTimestamp) -> Timestamp {
    Timestamp { seconds: time.tv_sec, nanoseconds: time.tv_nsec }
}
