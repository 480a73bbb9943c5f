//! The folder that everything is made in, and that goes when the measurement ends.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{Statfs, TMPFS_MAGIC, statfs};

use super::tree::failed;
use crate::app::error::AppError;
use crate::domain::{ByteCount, GIB, KIB};

/// Memory that the processes need beside files that are memory themselves: buffers, caches of the
/// catalog, the system.
const MEMORY_KEPT: u64 = 2 * GIB;

/// A fresh folder; removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(super) struct WorkFolder {
    path: PathBuf,
}

impl WorkFolder {
    /// Makes one in `parent`.
    pub(super) fn make(parent: &Path) -> Result<Self, AppError> {
        let parent = std::path::absolute(parent).map_err(failed("use", parent))?;
        let path = parent.join(format!("fossilsafe-bench-{}", std::process::id()));
        // One that is there is somebody else's, and is not removed.
        fs::create_dir(&path).map_err(failed("make", &path))?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses if `bytes` do not fit.
    pub(super) fn ensure_room(&self, bytes: u64) -> Result<(), AppError> {
        let free = self.free_bytes()?;
        if free >= bytes {
            return Ok(());
        }
        let (needed, free) = (ByteCount(bytes), ByteCount(free));
        let parent = self.path.parent().unwrap_or(&self.path).display();
        Err(AppError::Offline {
            message: format!(
                "the measurement needs {needed} in {parent}, of which {free} are free"
            ),
            next_step:
                "Name another folder with --work, or measure fewer or smaller files: --help \
                        has the options."
                    .to_owned(),
        })
    }

    /// Refuses if files here are never on a disk.
    pub(super) fn ensure_on_disk(&self) -> Result<(), AppError> {
        if !self.is_in_memory()? {
            return Ok(());
        }
        let parent = self.path.parent().unwrap_or(&self.path).display();
        Err(AppError::Offline {
            message: format!("{parent} is kept in memory, so no file there is read from a disk"),
            next_step: "Name a folder of the disk with --work.".to_owned(),
        })
    }

    /// True if files here are memory.
    pub(super) fn is_in_memory(&self) -> Result<bool, AppError> {
        Ok(self.file_system()?.filesystem_type() == TMPFS_MAGIC)
    }

    fn file_system(&self) -> Result<Statfs, AppError> {
        statfs(&self.path).map_err(|error| failed("look at", &self.path)(error.into()))
    }

    /// Free bytes, of the memory too if the folder is kept in it.
    pub(super) fn free_bytes(&self) -> Result<u64, AppError> {
        let system = self.file_system()?;
        let block_bytes = u64::try_from(system.block_size()).unwrap_or(0);
        let free = system.blocks_available().saturating_mul(block_bytes);
        if system.filesystem_type() != TMPFS_MAGIC {
            return Ok(free);
        }
        Ok(memory_available().map_or(free, |memory| free.min(memory.saturating_sub(MEMORY_KEPT))))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "{} was not removed", self.path.display());
        }
    }
}

/// Memory that can be had without swapping.
fn memory_available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    kib_field(&text, "MemAvailable:")
}

/// The bytes of a line `NAME   1234 kB` of a file in `/proc`.
pub(super) fn kib_field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(KIB)
}
