//! The walk over local roots: depth first, sorted, without following a link.
//!
//! ```text
//! roots  home/ann, srv/data        frames  (top) -> home -> ann -> ...
//!        the top and "home" lead to roots: only the parts of roots are visited in them
//!        "ann" is a root: everything in it is visited
//! ```
//!
//! A frame is an open directory with its sorted names; depth is bounded by memory, not by the stack
//! or the limit of open files: only the innermost [`OPEN_FRAMES_MAX`] directories stay open, and one
//! further out is opened again through `..` when the walk comes back to it, checked by identity.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, openat, statx};
use rustix::io::Errno;

use super::ahead::{Ahead, Folder, Seen};
use super::inspect::{Inspector, STATX_MASK, stamp_of};
use super::listing::{ListedKind, Listing};
use super::{FileSystems, LocalSource};
use crate::domain::FileKind;
use crate::source::{Entry, FileIdentity, SkipReason, SourceError, SourcePath, WalkEvent};

/// Directories held open at a time. Chosen well below the usual limit of 1024 descriptors.
const OPEN_FRAMES_MAX: usize = 64;
/// Scratch for one `getdents`. Measured: 64 KiB and more make no difference.
const LISTING_BUFFER_BYTES: usize = 64 * 1024;

/// How a directory is opened to be listed.
const LIST_FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);
/// How a directory is opened that only leads to roots; needs no right to list it.
const LEAD_FLAGS: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What of a directory is visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Everything; the root that this belongs to has so many bytes of path.
    Whole { root_bytes: usize },
    /// Only what leads to roots further down.
    TowardsRoots,
}

/// An open directory.
#[derive(Debug)]
struct Frame {
    /// Nothing while a deeper part of the tree needs the descriptors.
    directory: Option<Arc<OwnedFd>>,
    identity: FileIdentity,
    path: SourcePath,
    extent: Extent,
    listing: Listing,
    next: usize,
}

/// One walk.
pub(super) struct Walk<'a> {
    source: &'a LocalSource,
    visitor: &'a mut dyn FnMut(WalkEvent) -> ControlFlow<()>,
    inspector: Inspector,
    ahead: Ahead,
    frames: Vec<Frame>,
    /// First path of each inode with several names, and how many names are still to be met.
    linked: HashMap<FileIdentity, (SourcePath, u32)>,
    buffer: Vec<MaybeUninit<u8>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        source: &'a LocalSource,
        visitor: &'a mut dyn FnMut(WalkEvent) -> ControlFlow<()>,
    ) -> Self {
        Self {
            source,
            visitor,
            inspector: Inspector::new(),
            ahead: Ahead::default(),
            frames: Vec::new(),
            linked: HashMap::new(),
            buffer: vec![MaybeUninit::uninit(); LISTING_BUFFER_BYTES],
        }
    }

    /// Visits everything.
    pub(super) fn run(mut self) -> ControlFlow<()> {
        let top = SourcePath::top();
        let is_root = self.source.roots.first() == Some(&top);
        let extent = if is_root { Extent::Whole { root_bytes: 0 } } else { Extent::TowardsRoots };
        if let Err(error) = self.push_frame(&top, None, extent) {
            return self.problem(top, error);
        }
        while let Some(frame) = self.frames.last_mut() {
            let index = frame.next;
            frame.next += 1;
            match frame.listing.get(index) {
                Some((name, kind)) => {
                    let name = name.to_vec();
                    self.visit(&name, kind)?;
                }
                None => self.leave()?,
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits one name of the innermost directory.
    fn visit(&mut self, name: &[u8], listed: ListedKind) -> ControlFlow<()> {
        let Some(frame) = self.frames.last() else { return ControlFlow::Continue(()) };
        let (extent, device) = (frame.extent, frame.identity.device);
        let Ok(path) = frame.path.join(name) else { return ControlFlow::Continue(()) };
        let Some(directory) = &frame.directory else { return ControlFlow::Continue(()) };
        if listed != ListedKind::Unknown
            && self.source.is_excluded(&path, extent, listed == ListedKind::Directory)
        {
            return self.skip_towards(name, path, SkipReason::Excluded);
        }
        let directory = Arc::clone(directory);
        let seen = match listed {
            ListedKind::Other => self.seen_ahead(),
            ListedKind::Directory | ListedKind::Unknown => None,
        };
        let Seen { entry, problems } = seen.unwrap_or_else(|| {
            let mut problems = Vec::new();
            let asked = directory.as_fd();
            let entry = self.inspector.inspect(asked, name, path.clone(), &mut problems);
            Seen { entry, problems }
        });
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.problem(path, error),
        };
        let is_directory = entry.kind == FileKind::Directory;
        if listed == ListedKind::Unknown && self.source.is_excluded(&path, extent, is_directory) {
            return self.skip_towards(name, path, SkipReason::Excluded);
        }
        for error in problems {
            self.problem(path.clone(), error)?;
        }
        // Only directories are asked: on overlay file systems files can show a device of their own.
        let is_elsewhere = is_directory
            && self.source.file_systems == FileSystems::OfRootsOnly
            && matches!(extent, Extent::Whole { .. })
            && entry.identity.device != device
            && !self.source.is_root(&path);
        if is_directory {
            self.enter(entry, extent, is_elsewhere)
        } else {
            let linked = self.with_hard_link(entry);
            self.emit(WalkEvent::Entry(linked))
        }
    }

    /// What others have seen of the present name of the innermost directory, which is no directory itself.
    fn seen_ahead(&mut self) -> Option<Seen> {
        let source = self.source;
        let frame = self.frames.last()?;
        let (directory, path) = (frame.directory.as_ref()?, &frame.path);
        let is_wanted = |name: &[u8]| {
            source.excludes.is_empty()
                || path.join(name).is_ok_and(|path| !source.is_excluded(&path, frame.extent, false))
        };
        let folder = Folder { directory, path, listing: &frame.listing, is_wanted: &is_wanted };
        self.ahead.take(frame.next.checked_sub(1)?, &folder)
    }

    /// Enters a directory as far as it is wanted.
    fn enter(&mut self, entry: Entry, outer: Extent, is_elsewhere: bool) -> ControlFlow<()> {
        let (path, identity) = (entry.path.clone(), entry.identity);
        let extent = if self.source.is_root(&path) {
            match outer {
                Extent::Whole { .. } => outer,
                Extent::TowardsRoots => Extent::Whole { root_bytes: path.as_bytes().len() },
            }
        } else if is_elsewhere {
            Extent::TowardsRoots
        } else {
            outer
        };
        self.emit(WalkEvent::EnterDirectory(entry))?;
        if is_elsewhere {
            let reason = SkipReason::OtherFileSystem;
            self.emit(WalkEvent::Skipped { path: path.clone(), reason })?;
        }
        if extent == Extent::TowardsRoots && !self.source.leads_to_root(&path) {
            return self.emit(WalkEvent::LeaveDirectory);
        }
        // A root is named by its path, and whatever opening mounts there is what was asked for.
        let expected = (!self.source.is_root(&path)).then_some(identity);
        match self.push_frame(&path, expected, extent) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.problem(path, error)?;
                self.emit(WalkEvent::LeaveDirectory)
            }
        }
    }

    /// Leaves out `path`, except for the way to a root that lies below it.
    fn skip_towards(
        &mut self,
        name: &[u8],
        path: SourcePath,
        reason: SkipReason,
    ) -> ControlFlow<()> {
        self.emit(WalkEvent::Skipped { path: path.clone(), reason })?;
        if !self.source.leads_to_root(&path) {
            return ControlFlow::Continue(());
        }
        let Some(directory) = self.frames.last().and_then(|frame| frame.directory.as_ref()) else {
            return ControlFlow::Continue(());
        };
        match self.inspector.inspect(directory.as_fd(), name, path.clone(), &mut Vec::new()) {
            Ok(entry) if entry.kind == FileKind::Directory => {
                self.enter(entry, Extent::TowardsRoots, false)
            }
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => self.problem(path, error),
        }
    }

    /// Opens and lists the directory `path`, whose parent is the innermost frame.
    ///
    /// It must still be `expected`: opening can mount another file system over it (autofs), and
    /// somebody can have exchanged it.
    fn push_frame(
        &mut self,
        path: &SourcePath,
        expected: Option<FileIdentity>,
        extent: Extent,
    ) -> Result<(), SourceError> {
        let failed = |doing| move |errno: Errno| SourceError::of_io(path, doing, errno.into());
        let parent = self.frames.last().and_then(|frame| frame.directory.as_ref());
        let from = parent.map_or(self.source.top.as_fd(), |parent| parent.as_fd());
        let name: &[u8] = if path.is_top() { b"." } else { path.name() };
        let open = |flags| openat(from, name, flags, Mode::empty());
        let directory = match extent {
            Extent::Whole { .. } => match open(LIST_FLAGS | OFlags::NOATIME) {
                Err(Errno::PERM) => open(LIST_FLAGS),
                outcome => outcome,
            },
            Extent::TowardsRoots => open(LEAD_FLAGS),
        }
        .map_err(failed("open it"))?;
        let status = statx(&directory, c"", AtFlags::EMPTY_PATH, STATX_MASK)
            .map_err(failed("read its status"))?;
        let identity = stamp_of(&status).identity;
        if expected.is_some_and(|expected| expected != identity) {
            return Err(failed("list it: another folder has taken its place")(Errno::STALE));
        }
        let listing = match extent {
            Extent::Whole { .. } => Listing::read(directory.as_fd(), &mut self.buffer),
            Extent::TowardsRoots => {
                let roots = &self.source.roots;
                let depth = path.components().count();
                let below = roots.iter().filter(|root| root.is_within(path));
                Listing::of_names(below.filter_map(|root| root.components().nth(depth)))
            }
        }
        .map_err(failed("list it"))?;
        self.inspector.enter(directory.as_fd());
        self.ahead.forget();
        self.frames.push(Frame {
            directory: Some(Arc::new(directory)),
            identity,
            path: path.clone(),
            extent,
            listing,
            next: 0,
        });
        if let Some(outer) = self.frames.len().checked_sub(OPEN_FRAMES_MAX + 1) {
            self.frames[outer].directory = None;
        }
        Ok(())
    }

    /// Leaves the innermost directory and goes on in its parent.
    fn leave(&mut self) -> ControlFlow<()> {
        let Some(left) = self.frames.pop() else { return ControlFlow::Continue(()) };
        self.ahead.forget();
        let Some(parent) = self.frames.last_mut() else {
            return ControlFlow::Continue(()); // the top is no event
        };
        let mut lost = None;
        if parent.directory.is_none() {
            match reopen_parent(&left, parent) {
                Ok(directory) => parent.directory = Some(Arc::new(directory)),
                Err(errno) => {
                    // What is left of the parent cannot be reached: its names are given up.
                    parent.listing = Listing::default();
                    let error = SourceError::of_io(&parent.path, "come back to it", errno.into());
                    lost = Some((parent.path.clone(), error));
                }
            }
        }
        if let Some(directory) = &parent.directory {
            self.inspector.enter(directory.as_fd());
        }
        self.emit(WalkEvent::LeaveDirectory)?;
        lost.map_or(ControlFlow::Continue(()), |(path, error)| self.problem(path, error))
    }

    /// Marks the entry if its inode was met before under another name.
    fn with_hard_link(&mut self, mut entry: Entry) -> Entry {
        if entry.links > 1 {
            match self.linked.entry(entry.identity) {
                Slot::Vacant(slot) => {
                    slot.insert((entry.path.clone(), entry.links - 1));
                }
                Slot::Occupied(mut slot) => {
                    let (first, remaining) = slot.get_mut();
                    entry.hard_link_of = Some(first.clone());
                    *remaining = remaining.saturating_sub(1);
                    if *remaining == 0 {
                        slot.remove();
                    }
                }
            }
        }
        entry
    }

    fn problem(&mut self, path: SourcePath, error: SourceError) -> ControlFlow<()> {
        self.emit(WalkEvent::Problem { path, error })
    }

    fn emit(&mut self, event: WalkEvent) -> ControlFlow<()> {
        (self.visitor)(event)
    }
}

impl LocalSource {
    fn is_root(&self, path: &SourcePath) -> bool {
        self.roots.binary_search(path).is_ok()
    }

    /// True if a root lies below `path`.
    fn leads_to_root(&self, path: &SourcePath) -> bool {
        let after = self.roots.partition_point(|root| root <= path);
        self.roots.get(after).is_some_and(|root| root.is_within(path))
    }

    fn is_excluded(&self, path: &SourcePath, extent: Extent, is_directory: bool) -> bool {
        match extent {
            Extent::TowardsRoots => false,
            Extent::Whole { root_bytes } => {
                !self.excludes.is_empty()
                    && !self.is_root(path)
                    && self.excludes.covers(path, root_bytes, is_directory)
            }
        }
    }
}

/// Opens the parent of `left` again, refusing any directory but the one that was listed.
fn reopen_parent(left: &Frame, parent: &Frame) -> Result<OwnedFd, Errno> {
    let from = left.directory.as_ref().ok_or(Errno::BADF)?;
    let flags = match parent.extent {
        Extent::Whole { .. } => LIST_FLAGS,
        Extent::TowardsRoots => LEAD_FLAGS,
    };
    let directory = openat(from, c"..", flags, Mode::empty())?;
    let status = statx(&directory, c"", AtFlags::EMPTY_PATH, STATX_MASK)?;
    if stamp_of(&status).identity == parent.identity { Ok(directory) } else { Err(Errno::STALE) }
}
