//! The disk under the catalog, cut at any write.
//!
//! SQLite's own unix VFS has a door for tests: `xSetSystemCall` replaces one of its system calls. Here those
//! that write are replaced, through which every byte of the catalog and of its write-ahead log goes. Each
//! write to one of those two files is counted by the wire of the host whose file it is, which
//! lets it pass, tears it in the middle, or refuses it because that host is dead.
//!
//! This is the one file of the sweep with unsafe code: a function pointer for SQLite to call.

#![expect(unsafe_code, reason = "SQLite calls a function of ours in place of write(2)")]

use std::mem::transmute;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use nix::errno::Errno;
use nix::libc::{self, c_void, off64_t, size_t, ssize_t};
use parking_lot::Mutex;
use rusqlite::ffi;

use crate::wire::{Wire, Writing};

/// Wires by the folder of the catalog that they watch.
static WATCHED: Mutex<Vec<(PathBuf, Weak<Wire>)>> = Mutex::new(Vec::new());
/// Set once the call is replaced.
static REPLACED: OnceLock<()> = OnceLock::new();

/// Counts the writes to the catalog `catalog.db` in `folder` on that wire from now on.
pub(crate) fn watch(folder: &Path, wire: &Arc<Wire>) {
    REPLACED.get_or_init(replace_writes);
    let mut watched = WATCHED.lock();
    watched.retain(|(known, wire)| known != folder && wire.strong_count() > 0);
    watched.push((folder.to_owned(), Arc::downgrade(wire)));
}

type Call = unsafe extern "C" fn();
type Write = unsafe extern "C" fn(RawFd, *const c_void, size_t) -> ssize_t;
type WriteAt = unsafe extern "C" fn(RawFd, *const c_void, size_t, off64_t) -> ssize_t;

/// How SQLite writes depends on how it was built: whichever it has is replaced.
fn replace_writes() {
    // SAFETY: both are functions of the signature that SQLite declares for the entries named below.
    let (write, write_at) =
        unsafe { (transmute::<Write, Call>(write), transmute::<WriteAt, Call>(write_at)) };
    let calls = [(c"write", write), (c"pwrite", write_at), (c"pwrite64", write_at)];
    let replaced = calls.map(|(name, function)| {
        // SAFETY: the default VFS exists as long as the process, as do the function and its name.
        unsafe {
            let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
            let (get, set) = match vfs.as_ref() {
                Some(vfs) => (vfs.xGetSystemCall, vfs.xSetSystemCall),
                None => (None, None),
            };
            let is_used = get.is_some_and(|get| get(vfs, name.as_ptr()).is_some());
            is_used && set.is_some_and(|set| set(vfs, name.as_ptr(), Some(function)) == 0)
        }
    });
    assert!(replaced.contains(&true), "SQLite's writing cannot be replaced");
}

/// What SQLite calls to write at the current place of a file.
unsafe extern "C" fn write(file: RawFd, bytes: *const c_void, count: size_t) -> ssize_t {
    watched(file, count, |passes| {
        // SAFETY: SQLite's own arguments, of which `passes` is no more than `count`.
        unsafe { libc::write(file, bytes, passes) }
    })
}

/// What SQLite calls to write at a place of a file.
unsafe extern "C" fn write_at(
    file: RawFd,
    bytes: *const c_void,
    count: size_t,
    at: off64_t,
) -> ssize_t {
    watched(file, count, |passes| {
        // SAFETY: as above.
        unsafe { libc::pwrite64(file, bytes, passes, at) }
    })
}

/// Does a write as far as the wire lets it pass.
fn watched(file: RawFd, count: usize, pass: impl FnOnce(usize) -> ssize_t) -> ssize_t {
    let wire = wire_of(file);
    match wire.as_ref().map(|wire| wire.catalog_write()) {
        None | Some(Writing::Passes) => return pass(count),
        Some(Writing::Torn) => drop(pass(count / 2)),
        Some(Writing::Refused) => {}
    }
    if let Some(wire) = wire {
        wire.catalog_write_ended();
    }
    Errno::set(Errno::EIO);
    -1
}

/// The wire that watches a file, if it is a catalog or its write-ahead log.
fn wire_of(file: RawFd) -> Option<Arc<Wire>> {
    let path = std::fs::read_link(format!("/proc/self/fd/{file}")).ok()?;
    let name = path.file_name()?.to_str()?;
    if name != "catalog.db" && name != "catalog.db-wal" {
        return None;
    }
    let watched = WATCHED.lock();
    let found = watched.iter().find(|(folder, _)| Some(folder.as_path()) == path.parent());
    found.and_then(|(_, wire)| wire.upgrade())
}
