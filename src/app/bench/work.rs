//! The folder that everything is made in, and that goes when the measurement ends.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nix::sys::statfs::{Statfs, TMPFS_MAGIC, statfs};

use super::tree::failed;
use crate::app::error::AppError;
use crate::domain::{ByteCount, GIB, KIB};
use crate::stream::StreamError;
use crate::stream::buffers::{BufferPool, SLAB_ALIGN_BYTES, SLAB_BYTES_MAX};

/// Memory that the processes need beside files that are memory themselves: buffers, caches of the
/// catalog, the system.
const MEMORY_KEPT: u64 = 2 * GIB;
/// Bytes written at once.
const PIECE: usize = 1024 * 1024;

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

    /// Has the machine find memory for `bytes` of files now, if files here are memory: a virtual one gets what
    /// it has not used for seconds from its host again, at a fraction of the rates that are measured, and
    /// which case has to wait for that would be chance.
    pub(super) fn ready_files(&self, bytes: u64) -> Result<(), AppError> {
        if !self.is_in_memory()? {
            return Ok(());
        }
        let path = self.path.join("memory");
        let write = || {
            let mut file = fs::File::create(&path)?;
            let piece = vec![0; PIECE];
            for _ in 0..bytes.min(self.free_bytes().unwrap_or(0)) / PIECE as u64 {
                file.write_all(&piece)?;
            }
            drop(file);
            fs::remove_file(&path)
        };
        write().map_err(failed("write", &path))
    }

    /// The same for `bytes` of buffers, which are huge pages: what files are made of is not what those are
    /// given first.
    pub(super) fn ready_buffers(&self, bytes: u64) -> Result<(), AppError> {
        if !self.is_in_memory()? {
            return Ok(());
        }
        let failed = |error: StreamError| AppError::Offline {
            message: format!("cannot ready memory: {error}"),
            next_step: "Measure fewer or smaller files: --help has the options.".to_owned(),
        };
        let slabs = usize::try_from(bytes).unwrap_or(usize::MAX) / SLAB_BYTES_MAX;
        let pool = BufferPool::new(SLAB_BYTES_MAX, slabs).map_err(failed)?;
        let mut leases: Vec<_> = std::iter::from_fn(|| pool.try_lease()).collect();
        for page in leases.iter_mut().flat_map(|lease| lease.chunks_mut(SLAB_ALIGN_BYTES)) {
            page[0] = 1;
        }
        Ok(())
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

    fn is_in_memory(&self) -> Result<bool, AppError> {
        Ok(self.file_system()?.filesystem_type() == TMPFS_MAGIC)
    }

    fn file_system(&self) -> Result<Statfs, AppError> {
        statfs(&self.path).map_err(|error| failed("look at", &self.path)(error.into()))
    }

    /// Free bytes, of the memory too if the folder is kept in it.
    fn free_bytes(&self) -> Result<u64, AppError> {
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
