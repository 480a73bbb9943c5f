//! A disk of the host's own: ext4 on a file, as the appliance's data partition is.
//!
//! The power takes what a disk does not have: pages, names, renames and sizes that nobody has synced. A power cut
//! copies the file that is the disk, and the next life mounts the copy, whose journal is then replayed.
//!
//! For root. The process has its mounts for itself, and what it leaves mounted goes with it.
//!
//! ```text
//! <folder>/base.ext4    the disk as prepared
//! <folder>/case.ext4    the disk of this point, mounted at <at>
//! <folder>/image.ext4   the disk at the moment of the cut, until the next life
//! ```

use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Whence, lseek, syncfs};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};

use crate::host::{Failed, at};

/// Sparse: what is not used takes no room.
const DISK_BYTES: u64 = 512 * 1024 * 1024;
/// No commit but those that are asked for, and no thread that writes behind everybody's back.
const MOUNT_OPTIONS: &str = "loop,noatime,noinit_itable,commit=3600";
/// A small journal, and few inodes: they are copied at each point.
const MAKE_OPTIONS: [&str; 11] = [
    "-q",
    "-F",
    "-m",
    "0",
    "-J",
    "size=4",
    "-N",
    "4096",
    "-E",
    "lazy_itable_init=0,nodiscard",
    "-O",
];
const FEATURES: &str = "^resize_inode";
/// Times that a file system in use is asked for again: threads of a dead host may still end.
const UNMOUNT_TRIES: u32 = 100;
const UNMOUNT_PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    at: PathBuf,
}

/// What a disk has written, by where it is.
type Extents = Vec<(u64, Vec<u8>)>;

/// Gives this process mounts that nobody else sees. Before it has a second thread.
pub(crate) fn mount_alone() -> Result<(), Failed> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|error| format!("--disk is for root: {error}"))?;
    Ok(mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// Whether this process may have disks: it tries one in `folder`, whose name it then gives back.
pub(crate) fn is_possible(folder: &Path) -> bool {
    let tried = Disk::new(&folder.join("trial"), &folder.join("mounted"));
    let is_possible = mount_alone().and_then(|()| tried.make()).and_then(|()| tried.unmount());
    is_possible.is_ok()
}

impl Disk {
    /// A disk whose files are in `folder`, to be mounted at `at`.
    pub(crate) fn new(folder: &Path, at: &Path) -> Self {
        Self { folder: folder.to_owned(), at: at.to_owned() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension("ext4")
    }

    /// Makes an empty one, and mounts it.
    pub(crate) fn make(&self) -> Result<(), Failed> {
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let case = self.file("case");
        File::create(&case).and_then(|file| file.set_len(DISK_BYTES)).map_err(at(&case))?;
        run(Command::new("mkfs.ext4").args(MAKE_OPTIONS).arg(FEATURES).arg(&case))?;
        self.mount()
    }

    /// Puts the disk away as the base of all points; it is not mounted any more.
    pub(crate) fn keep_as_base(&self) -> Result<(), Failed> {
        self.unmount()?;
        let (case, base) = (self.file("case"), self.file("base"));
        Ok(write(&read(&case)?, &base)?)
    }

    /// The base again, mounted.
    pub(crate) fn again(&self) -> Result<(), Failed> {
        let (base, case) = (self.file("base"), self.file("case"));
        write(&read(&base)?, &case)?;
        self.mount()
    }

    /// Copies the disk as it is at this moment, while its file system is in use: read again until nothing
    /// has changed meanwhile.
    pub(crate) fn capture(&self) -> io::Result<()> {
        let case = self.file("case");
        let mut seen = read(&case)?;
        loop {
            let now = read(&case)?;
            if now == seen {
                return write(&seen, &self.file("image"));
            }
            seen = now;
        }
    }

    /// After the cut: what was copied is the disk, mounted. False if the power has not failed.
    pub(crate) fn begin_anew(&self) -> Result<bool, Failed> {
        let image = self.file("image");
        if !image.exists() {
            return Ok(false);
        }
        self.unmount()?;
        fs::rename(&image, self.file("case")).map_err(at(&image))?;
        self.mount()?;
        Ok(true)
    }

    /// Puts on the disk all that was written to it.
    pub(crate) fn sync(&self) -> io::Result<()> {
        Ok(syncfs(File::open(&self.at)?)?)
    }

    fn mount(&self) -> Result<(), Failed> {
        fs::create_dir_all(&self.at).map_err(at(&self.at))?;
        run(Command::new("mount")
            .args(["-t", "ext4", "-o", MOUNT_OPTIONS])
            .arg(self.file("case"))
            .arg(&self.at))
    }

    /// Does nothing if it is not mounted.
    pub(crate) fn unmount(&self) -> Result<(), Failed> {
        for _ in 0..UNMOUNT_TRIES {
            match unmount(&self.at, UnmountFlags::empty()) {
                // Nothing is mounted there, or there is no such place.
                Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => return Ok(()),
                Err(rustix::io::Errno::BUSY) => std::thread::sleep(UNMOUNT_PAUSE),
                Err(error) => return Err(at(&self.at)(error.into())),
            }
        }
        Err(format!("{} is still in use", self.at.display()).into())
    }
}

fn run(command: &mut Command) -> Result<(), Failed> {
    let output = command.output().map_err(at(Path::new(command.get_program())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("{command:?}: {said}").into())
}

/// All that is in a file but its holes.
fn read(path: &Path) -> io::Result<Extents> {
    let file = File::open(path)?;
    let (mut extents, mut from) = (Vec::new(), 0);
    loop {
        let start = match lseek(file.as_fd(), from, Whence::SeekData) {
            Err(Errno::ENXIO) => return Ok(extents),
            start => start?,
        };
        from = lseek(file.as_fd(), start, Whence::SeekHole)?;
        let (start, end) = (start.unsigned_abs(), from.unsigned_abs());
        let mut bytes = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, start)?;
        extents.push((start, bytes));
    }
}

/// A disk of which that much is written. It is another file than the one before: that may still be in use.
fn write(extents: &Extents, path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = File::create_new(path)?;
    file.set_len(DISK_BYTES)?;
    extents.iter().try_for_each(|(start, bytes)| file.write_all_at(bytes, *start))
}
