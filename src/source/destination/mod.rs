//! Where files go back to: a folder of this machine that nothing is ever written outside of.
//!
//! ```text
//! file(path) -> RestoredFile: written under .fossilsafe-<tag>-<hash>, mode 0600
//!     commit: size, owner, attributes, times, mode, then renamed to its name
//! small_file(path) -> RestoredFile: the same under its own name, if that is free
//! directory(path): made with mode 0700 and remembered
//! hard_link, symlink, special: made under the temporary name, then the same
//! finish: metadata of the directories, deepest first; one syncfs
//! ```
//!
//! Order of calls: any, from any number of threads; a folder that is needed and not there yet is
//! made. A hard link needs its first path in place. Only [`Destination::finish`] puts back what
//! directories are, and only [`Destination::sync`] and `finish` make anything durable: nothing is
//! called restored before.
//!
//! Directories carry a mark (an attribute with the tag) until `finish`, so a restore that was killed
//! and goes on knows which of them it made. Its finished files it finds by
//! [`Destination::existing`] and [`Destination::read_back`]; its half-done ones it makes anew.
//!
//! No link is followed below the folder, whoever put it there and whenever. Names that are taken are
//! refused unless the operator chose otherwise; a directory is never removed for anything. What was
//! not put back exactly is told as a [`Shortfall`] by name and reason. Two things can never be put
//! back on Linux and are not told each time: the time of the last change of metadata, and the time
//! of creation.

mod error;
mod file;
mod folder;
mod leftovers;
mod mark;
mod metadata;
mod place;

pub use error::{DestinationError, DestinationErrorKind};
pub use file::RestoredFile;
pub use leftovers::WholeFile;
pub use metadata::{Aspect, Owners, Shortfall};

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, fstat, linkat, makedev, mknodat, openat, statat, symlinkat,
    syncfs, unlinkat,
};
use rustix::io::Errno;

use self::folder::Folder;
use self::mark::unmark;
use self::metadata::{XattrNames, apply_to_name, apply_to_open};
use self::place::{HALF_FILE, Unplaced, is_half};
use super::held::HeldFolders;
use super::{FileStamp, SourceError, SourceFile, beneath};
use crate::domain::{DataSegment, FileKind, FileMetadata, SourcePath};

/// What happens when a name is taken. Directories are always shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Conflict {
    /// What is there stays, and the thing is not restored.
    #[default]
    Refuse,
    /// What is there stays, and the thing gets a name beside it: `name.restored-1`.
    SideName,
    /// What is there is replaced. A directory is not.
    Overwrite,
}

/// How things are put back.
#[derive(Clone, Debug, Default)]
pub struct DestinationOptions {
    /// What happens when a name is taken.
    pub conflict: Conflict,
    /// Whether owners are put back.
    pub owners: Owners,
    /// A folder of the appliance's own, which is never written into however it is reached.
    pub own: Option<PathBuf>,
    /// Names this restore in its temporary names, the same after a restart: letters, digits, `-`.
    pub tag: String,
}

/// What became of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Placed {
    /// Where it stands now, below the destination.
    pub path: SourcePath,
    /// What was not put back exactly.
    pub shortfalls: Vec<Shortfall>,
}

impl Placed {
    /// Tells of another name as a shortfall.
    fn under(path: SourcePath, wanted: &SourcePath, mut shortfalls: Vec<Shortfall>) -> Self {
        if path != *wanted {
            let reason = format!("its name was taken; it stands as \"{path}\"");
            shortfalls.push(Shortfall { path: wanted.clone(), aspect: Aspect::Name, reason });
        }
        Self { path, shortfalls }
    }
}

/// A folder that a restore writes into. Shared between threads by reference.
#[derive(Debug)]
pub struct Destination {
    top: OwnedFd,
    /// Where the appliance's own folder lies below the top, if it does.
    own: Option<SourcePath>,
    options: DestinationOptions,
    state: Mutex<State>,
    parents: HeldFolders<Folder>,
    /// Whether half files can be told, by file system.
    half_files: Mutex<HashMap<u64, bool>>,
}

#[derive(Debug, Default)]
struct State {
    /// Directories whose metadata is still to be put back.
    directories: HashMap<SourcePath, FileMetadata>,
    /// Directories that were made because something lies in them.
    implied: HashSet<SourcePath>,
}

/// Mode of what is not complete yet: nobody else may look at it.
const PRIVATE_FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIRECTORY_FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW);
/// Read too: a file put together from parts is hashed as a whole before it gets its name.
const FILE_FLAGS: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Destination {
    /// Opens the folder and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or opened, or the tag is no name.
    pub fn open(folder: &Path, options: DestinationOptions) -> Result<Self, DestinationError> {
        let failed = |source| {
            // Below the destination it has no path, so the path of the machine is shown.
            let bytes = folder.as_os_str().as_encoded_bytes();
            let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
            let path = SourcePath::from_bytes(bytes).unwrap_or_default();
            DestinationError::of_io(&path, "restore to this folder", source)
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if options.tag.is_empty() || options.tag.len() > 64 || !options.tag.chars().all(is_plain) {
            return Err(failed(std::io::ErrorKind::InvalidInput.into()));
        }
        std::fs::create_dir_all(folder).map_err(failed)?;
        let own = options.own.as_deref().map_or(Ok(None), |own| place_of_own(folder, own))?;
        let top = File::open(folder).map_err(failed)?;
        if !top.metadata().map_err(failed)?.is_dir() {
            return Err(failed(Errno::NOTDIR.into()));
        }
        Ok(Self {
            top: top.into(),
            own,
            options,
            state: Mutex::default(),
            parents: HeldFolders::default(),
            half_files: Mutex::default(),
        })
    }

    /// What stands at `path`, if something does: for planning, and for finding what an interrupted
    /// restore had finished.
    ///
    /// # Errors
    /// When the system refuses to say.
    pub fn existing(&self, path: &SourcePath) -> Result<Option<FileStamp>, DestinationError> {
        let opened =
            beneath::open(self.top.as_fd(), path, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
        let opened = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(DestinationError::of_io(path, "look at it", error)),
        };
        super::local::stamp_of_descriptor(opened.as_fd())
            .map(Some)
            .map_err(|errno| DestinationError::of_io(path, "look at it", errno))
    }

    /// Opens a file that stands here, to be compared.
    ///
    /// # Errors
    /// When it is no regular file or cannot be opened.
    pub fn read_back(&self, path: &SourcePath) -> Result<Box<dyn SourceFile>, SourceError> {
        super::local::open_file(self.top.as_fd(), path)
    }

    /// Begins a regular file. For a sparse one, `segments` are the stretches with data.
    ///
    /// # Errors
    /// When the name is taken and may not be replaced (found again at the commit), or the file
    /// system refuses.
    pub fn file(
        &self,
        path: &SourcePath,
        segments: Option<Vec<DataSegment>>,
    ) -> Result<RestoredFile, DestinationError> {
        let parent = self.parent_of(path)?;
        if self.options.conflict == Conflict::Refuse
            && statat(&parent, path.name(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
        {
            return Err(DestinationError::Occupied { path: path.clone() });
        }
        self.begin(parent, path, segments)
    }

    /// As [`file`](Self::file), for one that is written in a moment: it stands under its own name at once,
    /// if that is free. Until the commit it has a mode that no file has, and nobody else may read it.
    ///
    /// # Errors
    /// When the file system refuses. That the name is taken and may not be replaced is found at the commit.
    pub fn small_file(
        &self,
        path: &SourcePath,
        segments: Option<Vec<DataSegment>>,
    ) -> Result<RestoredFile, DestinationError> {
        let parent = self.parent_of(path)?;
        if self.knows_half_files(&parent) {
            let make = |directory: BorrowedFd<'_>, name: &[u8]| {
                openat(directory, name, FILE_FLAGS, HALF_FILE)
            };
            // Whatever is in the way of it is met again under a temporary name, and told there.
            if let Ok(made) = Unplaced::make_half_file(Arc::clone(&parent), path, make) {
                return Ok(self.restored(made, segments));
            }
        }
        self.begin(parent, path, segments)
    }

    /// True if a half file in this folder can be told from others, and from one that somebody removed. Tried
    /// once for each file system, under a temporary name: some give all files one mode, and some make the
    /// file and refuse to open it.
    fn knows_half_files(&self, folder: &Folder) -> bool {
        let Some(device) = folder.device else { return false };
        let try_one = || {
            let name = place::temporary_names(&self.options.tag) + "half";
            let remove = || unlinkat(folder, name.as_str(), AtFlags::empty());
            let _ = remove(); // of a stretch that was killed
            let now = openat(folder, name.as_str(), FILE_FLAGS, HALF_FILE).and_then(fstat);
            let is_removed = remove().is_ok();
            is_removed && now.is_ok_and(|now| is_half(&now) && now.st_nlink == 1)
        };
        *self.half_files.lock().entry(device).or_insert_with(try_one)
    }

    fn begin(
        &self,
        parent: Arc<Folder>,
        path: &SourcePath,
        segments: Option<Vec<DataSegment>>,
    ) -> Result<RestoredFile, DestinationError> {
        let make = |directory: BorrowedFd<'_>, name: &str| {
            openat(directory, name, FILE_FLAGS, PRIVATE_FILE)
        };
        let made = self
            .make(parent, path, make)?
            .map_err(|errno| DestinationError::of_io(path, "make it", errno))?;
        Ok(self.restored(made, segments))
    }

    fn restored(
        &self,
        (unplaced, file): (Unplaced, OwnedFd),
        segments: Option<Vec<DataSegment>>,
    ) -> RestoredFile {
        RestoredFile {
            file: file.into(),
            unplaced,
            segments,
            written_bytes: Cell::new(0),
            conflict: self.options.conflict,
            owners: self.options.owners,
        }
    }

    /// Makes something under its temporary name in its folder. If that was removed while it was held, it is
    /// made anew.
    fn make<T>(
        &self,
        parent: Arc<Folder>,
        path: &SourcePath,
        make: impl Fn(BorrowedFd<'_>, &str) -> Result<T, Errno>,
    ) -> Result<Result<(Unplaced, T), Errno>, DestinationError> {
        let tag = &self.options.tag;
        let made = Unplaced::make(parent, tag, path, &make);
        let (Err(Errno::NOENT), Some(parent)) = (&made, path.parent()) else { return Ok(made) };
        self.parents.forget(&parent);
        Ok(Unplaced::make(self.parent_of(path)?, tag, path, make))
    }

    /// Makes another name of a file that is in place. `first` is where that file stands, as its
    /// [`Placed::path`] said: under its own name may stand something that was there before.
    ///
    /// # Errors
    /// When the file is not there, this file system has no such links, or the name is taken.
    pub fn hard_link(
        &self,
        path: &SourcePath,
        first: &SourcePath,
    ) -> Result<Placed, DestinationError> {
        let first_parent = self.parent_of(first)?;
        let make = |directory: BorrowedFd<'_>, name: &str| {
            linkat(&first_parent, first.name(), directory, name, AtFlags::empty())
        };
        let (unplaced, ()) =
            self.make(self.parent_of(path)?, path, make)?.map_err(|errno| match errno {
                Errno::PERM | Errno::OPNOTSUPP | Errno::XDEV | Errno::MLINK => {
                    let source = errno.into();
                    DestinationError::Unsupported { path: path.clone(), noun: "hard link", source }
                }
                errno => DestinationError::of_io(path, "link it", errno),
            })?;
        Ok(Placed::under(unplaced.place(self.options.conflict)?, path, Vec::new()))
    }

    /// Makes a symbolic link, pipe, socket or device with its metadata.
    ///
    /// # Errors
    /// When it may not be made here, or the name is taken; `kind` must be none of file and directory.
    pub fn special(
        &self,
        path: &SourcePath,
        kind: &FileKind,
        metadata: &FileMetadata,
    ) -> Result<Placed, DestinationError> {
        let make = |directory: BorrowedFd<'_>, name: &str| {
            let node = |kind, device| mknodat(directory, name, kind, PRIVATE_FILE, device);
            match kind {
                FileKind::Symlink { target } => symlinkat(&**target, directory, name),
                FileKind::Fifo => node(FileType::Fifo, 0),
                FileKind::Socket => node(FileType::Socket, 0),
                FileKind::CharacterDevice(number) => {
                    node(FileType::CharacterDevice, makedev(number.major, number.minor))
                }
                FileKind::BlockDevice(number) => {
                    node(FileType::BlockDevice, makedev(number.major, number.minor))
                }
                FileKind::File | FileKind::Directory => Err(Errno::INVAL),
            }
        };
        let (unplaced, ()) =
            self.make(self.parent_of(path)?, path, make)?.map_err(|errno| match errno {
                Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL => {
                    let (noun, source) = (kind.noun(), errno.into());
                    DestinationError::Unsupported { path: path.clone(), noun, source }
                }
                errno => DestinationError::of_io(path, "make it", errno),
            })?;
        let is_symlink = matches!(kind, FileKind::Symlink { .. });
        let shortfalls = apply_to_name(
            unplaced.directory().as_fd(),
            unplaced.name(),
            path,
            metadata,
            self.options.owners,
            is_symlink,
        );
        Ok(Placed::under(unplaced.place(self.options.conflict)?, path, shortfalls))
    }

    /// Makes everything that is in place durable, in one go.
    ///
    /// # Errors
    /// When the file system could not write all of it; nothing since the last good call may be
    /// called restored then.
    pub fn sync(&self) -> Result<(), DestinationError> {
        syncfs(&self.top).map_err(|errno| {
            DestinationError::of_io(&SourcePath::top(), "write everything to the disk", errno)
        })
    }

    /// Puts back what directories are, deepest first, and makes everything durable. Shortfalls of
    /// directories are told one by one.
    ///
    /// # Errors
    /// As [`Destination::sync`].
    pub fn finish(self, tell: &mut dyn FnMut(Shortfall)) -> Result<(), DestinationError> {
        let State { directories, implied } = std::mem::take(&mut *self.state.lock());
        for path in implied.iter().filter(|path| !directories.contains_key(*path)) {
            if let Some(parent) = path.parent().and_then(|parent| self.open_folder(&parent).ok()) {
                unmark(&parent, path.name());
            }
        }
        let mut directories: Vec<_> = directories.into_iter().collect();
        // In walk order a directory stands before what it holds.
        directories.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        for (path, metadata) in directories {
            let opened = beneath::open(self.top.as_fd(), &path, DIRECTORY_FLAGS, Mode::empty());
            match opened {
                Ok(opened) => {
                    let owners = self.options.owners;
                    let now = fstat(&opened);
                    let has = XattrNames::of(opened.as_fd());
                    let missed = apply_to_open(opened.as_fd(), now, &has, &path, &metadata, owners);
                    missed.into_iter().for_each(&mut *tell);
                }
                Err(error) => tell(Shortfall {
                    path,
                    aspect: Aspect::Metadata,
                    reason: format!("the folder cannot be opened again: {error}"),
                }),
            }
        }
        self.sync()
    }
}

/// Where the appliance's own folder lies below `folder`; a folder within it is refused.
fn place_of_own(folder: &Path, own: &Path) -> Result<Option<SourcePath>, DestinationError> {
    let (Ok(folder), Ok(own)) = (folder.canonicalize(), own.canonicalize()) else {
        return Ok(None);
    };
    let below = |path: &Path| SourcePath::from_bytes(path.as_os_str().as_encoded_bytes()).ok();
    if folder.starts_with(&own) {
        let path = folder.strip_prefix("/").ok().and_then(below).unwrap_or_default();
        return Err(DestinationError::Own { path });
    }
    Ok(own.strip_prefix(&folder).ok().and_then(below))
}

#[cfg(test)]
mod tests;
