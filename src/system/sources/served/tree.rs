//! A remote tree as the kernel asks for it, question by question.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenAccMode, OpenFlags, PollEvents, PollFlags, PollNotifier,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty,
    ReplyEntry, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite, ReplyXattr, Request,
    TimeOrNow, WriteFlags,
};
use rustix::io::Errno;

use super::attributes::{attributes, file_type, from, permissions, seconds, told};
use super::handles::Handles;
use super::nodes::{Nodes, below, number_of};
use super::opened::Opened;
use super::{Change, Named, Remote};

/// How long the kernel believes what it was told. Longer would hide from a backup that a file changes under it.
const BELIEVED: Duration = Duration::from_secs(1);
/// What the kernel may read ahead of a program that reads on: enough to fill a line of 10 Gbit/s over 1 ms.
const READ_AHEAD_BYTES: u32 = 1 << 20;
/// Blocks of this size are counted of a whole tree.
const ROOM_BLOCK_BYTES: u32 = 4096;
/// Names are the only key here: no number is used for another thing under the same path.
const GENERATION: Generation = Generation(0);

/// A remote tree and what the kernel has open of it.
#[derive(Debug)]
pub(super) struct Tree {
    remote: Arc<dyn Remote>,
    nodes: Nodes,
    files: Handles<Opened>,
    folders: Handles<Vec<Named>>,
}

impl Tree {
    pub(super) fn new(remote: Arc<dyn Remote>) -> Self {
        let (files, folders) = (Handles::new(), Handles::new());
        Self { remote, nodes: Nodes::default(), files, folders }
    }

    fn look_up(&self, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        self.told_of(&self.below(parent, name)?)
    }

    fn below(&self, parent: INodeNo, name: &OsStr) -> Result<Vec<u8>, Errno> {
        Ok(below(&self.nodes.path(parent.0)?, name.as_bytes()))
    }

    /// What is at `path`, which the kernel is told now.
    fn told_of(&self, path: &[u8]) -> Result<FileAttr, Errno> {
        let status = self.remote.status(path)?;
        Ok(attributes(self.nodes.tell(path), &status))
    }

    fn create_file(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u16,
    ) -> Result<(FileAttr, FileHandle), Errno> {
        let path = self.below(parent, name)?;
        let file = Opened::new(self.remote.create(&path, mode)?, Some(request.pid()));
        Ok((self.told_of(&path)?, self.files.put(file)))
    }

    fn link_beside(&self, node: INodeNo, parent: INodeNo, name: &OsStr) -> Result<FileAttr, Errno> {
        let path = self.below(parent, name)?;
        self.remote.make_hard_link(&self.nodes.path(node.0)?, &path)?;
        self.told_of(&path)
    }

    fn rename_to(&self, from: &[u8], to: &[u8], flags: RenameFlags) -> Result<(), Errno> {
        let may_replace = match flags {
            RenameFlags::RENAME_NOREPLACE => false,
            flags if flags.is_empty() => true,
            _ => return Err(Errno::INVAL),
        };
        self.remote.rename(from, to, may_replace)?;
        self.nodes.rename(from, to);
        Ok(())
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
        entry(reply, self.look_up(parent, name));
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

    fn open(&self, request: &Request, node: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let is_written = flags.acc_mode() != OpenAccMode::O_RDONLY;
        match self.nodes.path(node.0).and_then(|path| self.remote.open(&path, is_written)) {
            Ok(file) => {
                let file = Opened::new(file, is_written.then(|| request.pid()));
                reply.opened(self.files.put(file), FopenFlags::empty());
            }
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
        match self.files.get(handle).and_then(|file| file.file().read_at(offset, size as usize)) {
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
            let number = self.nodes.tell(&below(&path, &named.name));
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

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.create_file(request, parent, name, permissions(mode & !umask)) {
            Ok((attributes, handle)) => {
                reply.created(&BELIEVED, &attributes, GENERATION, handle, FopenFlags::empty());
            }
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.files.get(handle).and_then(|file| file.file().write_at(offset, bytes)) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap_or(u32::MAX)),
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn flush(
        &self,
        request: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: LockOwner,
        reply: ReplyEmpty,
    ) {
        done(reply, self.files.get(handle).and_then(|file| file.closed_by(request.pid())));
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        done(reply, self.files.get(handle).and_then(|file| file.file().sync()));
    }

    /// A folder has nothing of its own to write.
    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let made = self.below(parent, name).and_then(|path| {
            self.remote.make_folder(&path, permissions(mode & !umask))?;
            self.told_of(&path)
        });
        entry(reply, made);
    }

    fn symlink(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let made = self.below(parent, name).and_then(|path| {
            self.remote.make_link(&path, target.as_os_str().as_bytes())?;
            self.told_of(&path)
        });
        entry(reply, made);
    }

    fn link(&self, _: &Request, node: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry(reply, self.link_beside(node, parent, name));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.remote.room() {
            Ok(room) => {
                let blocks = |bytes: u64| bytes / u64::from(ROOM_BLOCK_BYTES);
                let (all, free) = (blocks(room.all_bytes), blocks(room.free_bytes));
                reply.statfs(all, free, free, 0, 0, ROOM_BLOCK_BYTES, 255, ROOM_BLOCK_BYTES);
            }
            Err(errno) => reply.error(told(errno)),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.below(parent, name).and_then(|path| self.remote.remove(&path)));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, self.below(parent, name).and_then(|path| self.remote.remove_folder(&path)));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renamed = self.below(parent, name).and_then(|from| {
            let to = self.below(new_parent, new_name)?;
            self.rename_to(&from, &to, flags)
        });
        done(reply, renamed);
    }

    fn setattr(
        &self,
        _: &Request,
        node: INodeNo,
        mode: Option<u32>,
        user: Option<u32>,
        group: Option<u32>,
        size_bytes: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let change = Change {
            mode: mode.map(permissions),
            user,
            group,
            size_bytes,
            accessed: accessed.map(seconds),
            modified: modified.map(seconds),
        };
        let changed = self.nodes.path(node.0).and_then(|path| self.remote.change(&path, &change));
        match changed.and_then(|()| self.attributes_of(node)) {
            Ok(attributes) => reply.attr(&BELIEVED, &attributes),
            Err(errno) => reply.error(told(errno)),
        }
    }

    /// There are none; the kernel need not ask for one by name then.
    fn listxattr(&self, _: &Request, _: INodeNo, size: u32, reply: ReplyXattr) {
        if size == 0 { reply.size(0) } else { reply.data(&[]) }
    }

    fn getxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, reply: ReplyXattr) {
        reply.error(fuser::Errno::NO_XATTR);
    }

    fn setxattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: &OsStr,
        _: &[u8],
        _: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        reply.error(told(Errno::OPNOTSUPP));
    }

    fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
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

fn done(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(told(errno)),
    }
}

fn entry(reply: ReplyEntry, made: Result<FileAttr, Errno>) {
    match made {
        Ok(attributes) => reply.entry(&BELIEVED, &attributes, GENERATION),
        Err(errno) => reply.error(told(errno)),
    }
}
