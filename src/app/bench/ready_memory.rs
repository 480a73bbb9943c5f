//! Memory that a measured case finds ready whenever it comes to need it.
//!
//! A virtual machine gives what has been free for two seconds back to its host, and gets it again at a fraction
//! of the rates that are measured; which case has to wait for that would be chance. So a file in memory is
//! filled before a case, and made shorter while it runs by as much as it takes.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::tree::failed;
use super::work::{WorkFolder, kib_field};
use crate::app::error::AppError;
use crate::domain::MIB;
use crate::stream::StreamError;
use crate::stream::buffers::{BufferPool, SLAB_ALIGN_BYTES, SLAB_BYTES_MAX};

/// Buffers of a case.
const BUFFERS_BYTES: u64 = 512 * MIB;
/// What is free from the beginning: more than a case takes between two looks.
const AHEAD_BYTES: u64 = 256 * MIB;
/// How often it is looked what the case has taken.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Bytes written, and given back, at once.
const PIECE: usize = 1024 * 1024;

/// Memory for one case; what is left of it goes when this is dropped.
#[derive(Debug)]
pub(super) struct ReadyMemory {
    path: PathBuf,
    /// Dropped to end the thread.
    stop: Option<Sender<Infallible>>,
    keeper: Option<JoinHandle<()>>,
}

impl ReadyMemory {
    /// Readies `bytes` for files and what buffers take; nothing where files of the work folder are not memory.
    pub(super) fn of(work: &WorkFolder, bytes: u64) -> Result<Option<Self>, AppError> {
        if !work.is_in_memory()? {
            return Ok(None);
        }
        let path = work.path().join("memory");
        let bytes = (bytes + AHEAD_BYTES).min(work.free_bytes()?);
        let file = fill(&path, bytes).map_err(failed("write", &path))?;
        ready_buffers()?;
        let (stop, stopped) = bounded(0);
        let bytes = bytes.saturating_sub(AHEAD_BYTES);
        let keep = move || give_back(&file, bytes, &stopped);
        let keeper = std::thread::Builder::new().name("ready-memory".to_owned()).spawn(keep);
        let keeper = keeper.map_err(failed("start the keeper of", &path))?;
        Ok(Some(Self { path, stop: Some(stop), keeper: Some(keeper) }))
    }
}

impl Drop for ReadyMemory {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(keeper) = self.keeper.take() {
            // It can only have panicked, and what it did is over then too.
            let _ = keeper.join();
        }
        // What is left of it goes with the work folder.
        let _ = fs::remove_file(&self.path);
    }
}

fn fill(path: &Path, bytes: u64) -> io::Result<File> {
    let mut file = File::create(path)?;
    let piece = vec![0; PIECE];
    for _ in 0..bytes / PIECE as u64 {
        file.write_all(&piece)?;
    }
    Ok(file)
}

/// Buffers are huge pages: what files are made of is not what those are given first.
fn ready_buffers() -> Result<(), AppError> {
    let failed = |error: StreamError| AppError::Offline {
        message: format!("cannot ready memory: {error}"),
        next_step: "Measure fewer or smaller files: --help has the options.".to_owned(),
    };
    let slabs = usize::try_from(BUFFERS_BYTES).unwrap_or(usize::MAX) / SLAB_BYTES_MAX;
    let pool = BufferPool::new(SLAB_BYTES_MAX, slabs).map_err(failed)?;
    let mut leases: Vec<_> = std::iter::from_fn(|| pool.try_lease()).collect();
    for page in leases.iter_mut().flat_map(|lease| lease.chunks_mut(SLAB_ALIGN_BYTES)) {
        page[0] = 1;
    }
    Ok(())
}

/// Shortens the file to `bytes`, and then by what is taken from the free memory, until it is stopped.
fn give_back(file: &File, mut bytes: u64, stopped: &Receiver<Infallible>) {
    if file.set_len(bytes).is_err() {
        return;
    }
    let Some(free_at_first) = memory_free() else { return };
    while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let Some(free) = memory_free() else { return };
        let taken = free_at_first.saturating_sub(free);
        if taken < PIECE as u64 {
            continue;
        }
        bytes = bytes.saturating_sub(taken);
        if file.set_len(bytes).is_err() || bytes == 0 {
            return;
        }
    }
}

fn memory_free() -> Option<u64> {
    kib_field(&fs::read_to_string("/proc/meminfo").ok()?, "MemFree:")
}
