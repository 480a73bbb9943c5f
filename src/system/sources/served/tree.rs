//! A remote tree as the kernel asks for it, question by question.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier, ReplyAttr, ReplyData,
    ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyPoll,
    ReplyXattr, Request,
};
use parking_lot::Mutex;
use rustix::io::Errno;

use super::nodes::{Nodes, below, number_of};
use super::{Kind, Named, Remote, RemoteFile, Status};

/// How long the kernel believes what it was told. Longer would hide from a backup that a file changes under it.
const BELIEVED: Duration = Duration::from_secs(1);
/// What the kernel may read ahead of a program that reads on: enough to fill a line of 10 Gbit/s over 1 ms.
const READ_AHEAD_BYTES: u32 = 1 << 20;
/// Blocks of this size are counted in a status.
const BLOCK_BYTES: u64 = 512;
/// Names are the only key here: no number is used for another thing under the same path.
const GENERATION: Generation = Generation(0);

/// A remote tree and what the kernel has open of it.
#[derive(Debug)]
pub(super) struct Tree {
    remote: Arc<dyn Remote>,
    nodes: Nodes,
    files: Handles<Box<dyn RemoteFile>>,
    folders: Handles<Vec<Named>>,
}

/// What is open, by the number that the kernel has for it.
#[derive(Debug)]
struct Handles<T> {
    open: Mutex<HashMap<u64, Arc<T>>>,
    next: AtomicU64,
}

impl<T> Handles<T> {
    fn new() -> Self {
        Self { open: Mutex::default(), next: AtomicU64::new(1) }
    }

    fn put(&self, opened: T) -> FileHandle {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(number, Arc::new(opened));
        FileHandle(number)
    }

    fn get(&self, handle: FileHandle) -> Result<Arc<T>, Errno> {
        self.open.lock().get(&handle.0).cloned().ok_or(Errno::BADF)
    }

    fn close(&self, handle: FileHandle) {
        self.open.lock().remove(&handle.0);
    }
}

impl Tree {
    pub(super) fn new(remote: Arc<dyn Remote>) -> Self {
        let (files, folders) = (Handles::new(), Handles::new());
        Self { remote, nodes: Nodes::default(), files, folders }
    }

    fn look_up(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let path = below(&self.nodes.path(parent.0)?, name.as_bytes());
        let status = self.remote.status(&path)?;
        Ok(attributes(self.nodes.tell(&path)?, &status))
    }

    fn attributes_of(&self, node: INodeNo) -> Result<FileAttr, Errno> {
        let status = self.remote.status(&self.nodes.path(node.0)?)?;
        Ok(attributes(node.0, &status))
    }
}

impl Filesystem for Tree {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // Both are wishes; the kernel's own measure is as good where it has neither.
        let _ = config
            .add_capabilities(InitFlags::FUSE_DO_READDIRPLUS | InitFlags::FUSE_PARALLEL_DIROPS);
        if let Err(most) = config.set_max_readahead(READ_AHEAD_BYTES) {
            let _ = config.set_max_readahead(most);
        }
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.look_up(parent, name) {
            Ok(attributes) => reply.entry(&BELIEVED, &attributes, GENERATION),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn forget(&self, _: &Request, node: INodeNo, times: u64) {
        self.nodes.forget(node.0, times);
    }

    fn getattr(&self, _: &Request, node: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes_of(node) {
            Ok(attributes) => reply.attr(&BELIEVED, &attributes),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn readlink(&self, _: &Request, node: INodeNo, reply: ReplyData) {
        match self.nodes.path(node.0).and_then(|path| self.remote.link_target(&path)) {
            Ok(target) => reply.data(&target),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn open(&self, _: &Request, node: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.nodes.path(node.0).and_then(|path| self.remote.open(&path)) {
            Ok(file) => reply.opened(self.files.put(file), FopenFlags::empty()),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.files.get(handle).and_then(|file| file.read_at(offset, size as usize)) {
            Ok(bytes) => reply.data(&bytes),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.files.close(handle);
        reply.ok();
    }

    fn opendir(&self, _: &Request, node: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.nodes.path(node.0).and_then(|path| self.remote.list(&path)) {
            Ok(names) => reply.opened(self.folders.put(names), FopenFlags::empty()),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        node: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let listed = self.nodes.path(node.0).and_then(|path| Ok((path, self.folders.get(handle)?)));
        let (path, names) = match listed {
            Ok(listed) => listed,
            Err(errno) => return reply.error(told(errno)),
        };
        for (next, named) in from(&names, offset) {
            let number = number_of(&below(&path, &named.name));
            let kind = file_type(named.status.kind);
            if reply.add(INodeNo(number), next, kind, OsStr::from_bytes(&named.name)) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(
        &self,
        _: &Request,
        node: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectoryPlus,
    ) {
        let listed = self.nodes.path(node.0).and_then(|path| Ok((path, self.folders.get(handle)?)));
        let (path, names) = match listed {
            Ok(listed) => listed,
            Err(errno) => return reply.error(told(errno)),
        };
        for (next, named) in from(&names, offset) {
            let number = match self.nodes.tell(&below(&path, &named.name)) {
                Ok(number) => number,
                Err(errno) => return reply.error(told(errno)),
            };
            let attributes = attributes(number, &named.status);
            let name = OsStr::from_bytes(&named.name);
            if reply.add(INodeNo(number), next, name, &BELIEVED, &attributes, GENERATION) {
                // It found no room, so the kernel was not told.
                self.nodes.forget(number, 1);
                break;
            }
        }
        reply.ok();
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    /// There are none; the kernel need not ask for one by name then.
    fn listxattr(&self, _: &Request, _: INodeNo, size: u32, reply: ReplyXattr) {
        if size == 0 { reply.size(0) } else { reply.data(&[]) }
    }

    fn getxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, reply: ReplyXattr) {
        reply.error(fuser::Errno::NO_XATTR);
    }

    /// The kernel does it itself once it has been told that nobody else does.
    fn poll(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _: PollNotifier,
        _: PollEvents,
        _: PollFlags,
        reply: ReplyPoll,
    ) {
        reply.error(fuser::Errno::ENOSYS);
    }

    /// As [`Self::poll`]: holes are not told of.
    fn lseek(&self, _: &Request, _: INodeNo, _: FileHandle, _: i64, _: i32, reply: ReplyLseek) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.folders.close(handle);
        reply.ok();
    }
}

/// The names from `offset` on, each with the offset of the one behind it.
fn from(names: &[Named], offset: u64) -> impl Iterator<Item = (u64, &Named)> {
    let first = usize::try_from(offset).unwrap_or(usize::MAX);
    names.iter().enumerate().skip(first).map(|(at, named)| (at as u64 + 1, named))
}

fn attributes(number: u64, status: &Status) -> FileAttr {
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

fn file_type(kind: Kind) -> FileType {
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

fn told(errno: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(errno.raw_os_error())
}
