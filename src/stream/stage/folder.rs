//! The staging folder: one file of equal slots, its space reserved before anything depends on it.
//!
//! The file is opened past the page cache and loses its name at once, so the kernel frees its space
//! when the process ends, however it ends. Where a process was killed between the two, the name is
//! left; the next start deletes every such file that no process holds locked.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use nix::fcntl::{FallocateFlags, Flock, FlockArg, fallocate};
use nix::libc;
use parking_lot::Mutex;

use crate::source::network::is_mounted;
use crate::stream::config::StagingConfig;
use crate::stream::input::with_causes;

/// Names of staging files begin and end so.
const NAME_PREFIX: &str = "fossilsafe-staging-";
const NAME_SUFFIX: &str = ".slabs";

/// Slots for blocks in a file without a name.
#[derive(Debug)]
pub(in crate::stream) struct Folder {
    pub(super) file: Arc<File>,
    slot_bytes: u64,
    slot_count: u64,
    /// Slots that were given back; those never used follow from `unused_from`.
    slots: Mutex<Slots>,
    /// Held until the end, so that nobody takes the file for a leftover.
    _lock: Flock<File>,
}

#[derive(Debug, Default)]
struct Slots {
    returned: Vec<u64>,
    unused_from: u64,
}

/// A place for one block. Has to be given back.
#[derive(Debug)]
pub(super) struct Slot {
    number: u64,
    slot_bytes: u64,
}

impl Slot {
    /// Where in the file it begins.
    pub(super) fn offset(&self) -> u64 {
        self.number * self.slot_bytes
    }
}

impl Folder {
    /// Deletes leftovers and reserves the space. The reason for a person, if it cannot be used.
    pub(in crate::stream) fn open(config: &StagingConfig, slot_bytes: u64) -> Result<Self, String> {
        let shown = config.folder.display();
        let slot_count = config.bytes_max / slot_bytes;
        let Ok(length) = libc::off_t::try_from(slot_count * slot_bytes) else {
            return Err(format!("{} bytes are more than a file can have", config.bytes_max));
        };
        if slot_count == 0 {
            return Err(format!("{} bytes are less than one block", config.bytes_max));
        }
        let cannot = |doing: &str, error: &(dyn std::error::Error + 'static)| {
            format!("cannot {doing} the staging folder {shown}: {}", with_causes(error))
        };
        if config.needs_mount && !is_mounted(&config.folder).unwrap_or(false) {
            return Err(format!("no disk is mounted at the staging folder {shown}"));
        }
        delete_leftovers(&config.folder).map_err(|error| cannot("list", &error))?;
        let (file, lock) =
            create_nameless(&config.folder).map_err(|error| cannot("use", &error))?;
        fallocate(&file, FallocateFlags::empty(), 0, length).map_err(|errno| match errno {
            // EFBIG: no file there can ever be that long.
            nix::Error::ENOSPC | nix::Error::EDQUOT | nix::Error::EFBIG => {
                format!("the staging folder {shown} has no room for {length} bytes")
            }
            errno => cannot("reserve space in", &errno),
        })?;
        let (file, slots) = (Arc::new(file), Mutex::default());
        Ok(Self { file, slot_bytes, slot_count, slots, _lock: lock })
    }

    /// Bytes reserved.
    pub(in crate::stream) fn reserved_bytes(&self) -> u64 {
        self.slot_count * self.slot_bytes
    }

    /// A free slot.
    pub(super) fn take_slot(&self) -> Option<Slot> {
        let mut slots = self.slots.lock();
        let number = match slots.returned.pop() {
            Some(number) => number,
            None if slots.unused_from < self.slot_count => {
                slots.unused_from += 1;
                slots.unused_from - 1
            }
            None => return None,
        };
        Some(Slot { number, slot_bytes: self.slot_bytes })
    }

    pub(super) fn give_back(&self, slot: &Slot) {
        self.slots.lock().returned.push(slot.number);
    }

    /// True if every slot is in use.
    pub(super) fn is_full(&self) -> bool {
        let slots = self.slots.lock();
        slots.returned.is_empty() && slots.unused_from == self.slot_count
    }
}

/// A new locked file whose name is gone already.
fn create_nameless(folder: &Path) -> io::Result<(File, Flock<File>)> {
    let name = format!("{NAME_PREFIX}{}{NAME_SUFFIX}", uuid::Uuid::new_v4());
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    let direct = options.clone().custom_flags(libc::O_DIRECT).open(&path);
    let file = match direct {
        // Some file systems create the file and then refuse the flag.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            let _ = std::fs::remove_file(&path);
            options.open(&path)?
        }
        outcome => outcome?,
    };
    let locked = Flock::lock(file.try_clone()?, FlockArg::LockExclusiveNonblock);
    let removed = std::fs::remove_file(&path);
    let lock = locked.map_err(|(_, errno)| io::Error::from(errno))?;
    removed?;
    Ok((file, lock))
}

/// Deletes the files of processes that were killed.
fn delete_leftovers(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_ours = name.starts_with(NAME_PREFIX) && name.ends_with(NAME_SUFFIX);
        if !is_ours || !entry.file_type()?.is_file() {
            continue;
        }
        let Ok(file) = File::open(entry.path()) else { continue };
        // Locked: another process is just making it.
        if Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok() {
            tracing::info!(file = %entry.path().display(), "deleting a left-over staging file");
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path, bytes_max: u64) -> StagingConfig {
        StagingConfig { folder: folder.to_owned(), bytes_max, needs_mount: false }
    }

    #[test]
    fn a_leftover_of_a_killed_process_is_deleted_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join("fossilsafe-staging-x.slabs");
        let held = dir.path().join("fossilsafe-staging-y.slabs");
        let other = dir.path().join("photo.slabs");
        for path in [&left, &held, &other] {
            std::fs::write(path, b"x").unwrap();
        }
        let holder = Flock::lock(File::open(&held).unwrap(), FlockArg::LockExclusive).unwrap();
        let folder = Folder::open(&config(dir.path(), 8192), 4096).unwrap();
        assert!(!left.exists() && held.exists() && other.exists());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        drop((folder, holder));
    }

    #[test]
    fn slots_are_given_once_until_they_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&config(dir.path(), 3 * 4096), 4096).unwrap();
        let slots: Vec<_> = std::iter::from_fn(|| folder.take_slot()).collect();
        let offsets: Vec<_> = slots.iter().map(Slot::offset).collect();
        assert_eq!(offsets, [0, 4096, 8192]);
        assert!(folder.is_full());
        folder.give_back(&slots[1]);
        assert!(!folder.is_full());
        assert_eq!(folder.take_slot().unwrap().offset(), 4096);
    }

    #[test]
    fn a_folder_that_cannot_be_used_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let gone = Folder::open(&config(&dir.path().join("gone"), 8192), 4096).unwrap_err();
        assert!(gone.contains("gone") && gone.contains("cannot list"), "{gone}");
        let small = Folder::open(&config(dir.path(), 4000), 4096).unwrap_err();
        assert!(small.contains("less than one block"), "{small}");
        let huge = Folder::open(&config(dir.path(), 1 << 60), 1 << 20).unwrap_err();
        assert!(huge.contains("no room"), "{huge}");
        let elsewhere = StagingConfig { needs_mount: true, ..config(dir.path(), 8192) };
        let away = Folder::open(&elsewhere, 4096).unwrap_err();
        assert!(away.contains("no disk is mounted"), "{away}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
