//! Sources that the kernel has no client for: this program reads them, and serves them to the kernel (FUSE).
//!
//! So such a source is a folder like any other: it is walked, read with io_uring, browsed and shown in a plan by
//! the same code as a disk, and files are restored into it where that is allowed.
//!
//! ```text
//!  backup, restore ──▶ /srv/sources/NAME ──▶ kernel (fuse) ──▶ Tree ──▶ a Remote: SFTP, S3
//! ```
//!
//! A thing's inode number is made from its path, so that it is the same after each mount: a backup knows by it,
//! with size and times, that a file is the one that it has.

mod attributes;
mod handles;
mod nodes;
mod opened;
mod tree;

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use fuser::{Config, Session, SessionACL};
use rustix::io::Errno;

pub(super) use attributes::now;
pub(super) use nodes::{below, name_in};
use tree::Tree;

/// Requests of the kernel that are answered at the same time.
const THREADS: usize = 8;
/// Where the kernel's requests come from.
const DEVICE: &str = "/dev/fuse";

/// What a thing of a remote tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    Link,
    Pipe,
    Socket,
    CharacterDevice,
    BlockDevice,
}

/// What is known of it without reading it. Times are whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) kind: Kind,
    /// Permissions, without the kind.
    pub(super) mode: u16,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) size_bytes: u64,
    pub(super) accessed: u64,
    pub(super) modified: u64,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Vec<u8>,
    pub(super) status: Status,
}

/// A tree on another machine. Paths are bytes without a leading `/`; the top is the empty path. No link is
/// followed. Calls block, and come from many threads.
pub(super) trait Remote: Send + Sync + fmt::Debug + 'static {
    /// What is at `path`.
    fn status(&self, path: &[u8]) -> Result<Status, Errno>;

    /// Everything in the folder at `path`, in any order.
    fn list(&self, path: &[u8]) -> Result<Vec<Named>, Errno>;

    /// Where the link at `path` leads.
    fn link_target(&self, path: &[u8]) -> Result<Vec<u8>, Errno>;

    /// Opens the file at `path`, for writing too if `is_written`.
    fn open(&self, path: &[u8], is_written: bool) -> Result<Box<dyn RemoteFile>, Errno>;

    /// Makes a new file and opens it for writing.
    fn create(&self, path: &[u8], mode: u16) -> Result<Box<dyn RemoteFile>, Errno>;

    /// Makes a new folder.
    fn make_folder(&self, path: &[u8], mode: u16) -> Result<(), Errno>;

    /// Makes a link to `target`.
    fn make_link(&self, path: &[u8], target: &[u8]) -> Result<(), Errno>;

    /// Gives the file at `path` one more name.
    fn make_hard_link(&self, path: &[u8], name: &[u8]) -> Result<(), Errno>;

    /// Removes a file or link.
    fn remove(&self, path: &[u8]) -> Result<(), Errno>;

    /// Removes an empty folder.
    fn remove_folder(&self, path: &[u8]) -> Result<(), Errno>;

    /// Moves what is at `from`; what is at `to` is replaced if it may be.
    fn rename(&self, from: &[u8], to: &[u8], may_replace: bool) -> Result<(), Errno>;

    /// How much room there is.
    fn room(&self) -> Result<Room, Errno>;

    /// Changes what is known of a thing.
    fn change(&self, path: &[u8], change: &Change) -> Result<(), Errno>;
}

/// Room of a tree, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) all_bytes: u64,
    pub(super) free_bytes: u64,
}

impl Room {
    /// Where nobody says how much there is: programs that ask first shall not refuse.
    pub(super) const UNKNOWN: Self = Self { all_bytes: 1 << 50, free_bytes: 1 << 50 };
}

/// What is to be changed of a thing; nothing stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) mode: Option<u16>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) size_bytes: Option<u64>,
    pub(super) accessed: Option<u64>,
    pub(super) modified: Option<u64>,
}

/// A file of a remote tree, open.
pub(super) trait RemoteFile: Send + Sync + fmt::Debug {
    /// `length` bytes from `offset` on; fewer only where the file ends.
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, Errno>;

    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), Errno>;

    /// Everything that was written is there for good when this returns.
    fn sync(&self) -> Result<(), Errno>;

    /// Who opened it has closed a descriptor of it, the last one as a rule.
    fn close(&self) -> Result<(), Errno> {
        self.sync()
    }
}

/// The kernel's end of a tree that is not served yet.
pub(super) fn open_device() -> io::Result<OwnedFd> {
    OpenOptions::new().read(true).write(true).open(DEVICE).map(OwnedFd::from)
}

/// Serves `remote` to the kernel over `device`, which is mounted already, until it is unmounted.
pub(super) fn serve(remote: Arc<dyn Remote>, device: OwnedFd) -> io::Result<()> {
    let mut config = Config::default();
    config.acl = SessionACL::All;
    config.n_threads = Some(THREADS);
    config.clone_fd = true;
    let session = Session::from_fd(Tree::new(remote), device, SessionACL::All, config)?;
    std::thread::Builder::new().name("served".to_owned()).spawn(move || {
        // The device says so when it was unmounted; there is nobody who could be told anything else.
        if let Err(error) = session.run() {
            tracing::info!(%error, "a served source has ended");
        }
    })?;
    Ok(())
}
