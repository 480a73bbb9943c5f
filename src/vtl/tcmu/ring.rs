//! The command ring that the kernel shares with a TCMU handler (`linux/target_core_user.h`).
//!
//! ```text
//! map:   mailbox │ ring of command entries │ data area
//! entry: header 8 bytes │ counts, offset of the command block, vectors   as the kernel asks
//!                       │ status, length read, sense                     as it is answered, in place
//! ```
//!
//! The kernel moves the head, we move the tail; all offsets are relative to the map and all fields are in
//! the machine's byte order. An entry is answered before the tail passes it. Vectors and command blocks are
//! copied: after the tail has moved nothing of ours looks into the map. One thread a ring.

#![expect(
    unsafe_code,
    reason = "memory is shared with the kernel, which moves the head of the ring"
)]
#![expect(clippy::host_endian_bytes, reason = "both sides of the ring are this machine")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroUsize;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::error::TcmuError;
use crate::scsi::Sense;

const MAILBOX_VERSION: u16 = 2;
// Offsets in the mailbox.
const VERSION_AT: usize = 0;
const RING_OFFSET_AT: usize = 4;
const RING_BYTES_AT: usize = 8;
const HEAD_AT: usize = 12;
/// On a cache line of its own.
const TAIL_AT: usize = 64;
// Offsets in an entry.
const LENGTH_AND_KIND_AT: usize = 0;
const OUR_FLAGS_AT: usize = 7;
const VECTOR_COUNT_AT: usize = 8;
const COMMAND_BLOCK_OFFSET_AT: usize = 24;
const VECTORS_AT: usize = 48;
const STATUS_AT: usize = 8;
const READ_LENGTH_AT: usize = 12;
const SENSE_AT: usize = 16;
/// The low bits of an entry's length are its kind.
const KIND_MASK: u32 = 7;
const KIND_COMMAND: u32 = 1;
/// The length read is valid.
const FLAG_READ_LENGTH: u8 = 2;
const VECTOR_BYTES: usize = 16;
const COMMAND_BLOCK_BYTES: usize = 16;

/// A command as the kernel asks it.
#[derive(Debug)]
pub(super) struct Entry {
    at: usize,
    /// The command block with whatever is behind it.
    pub(super) block: [u8; COMMAND_BLOCK_BYTES],
    /// Offset and length of the pieces of its data, either way.
    vectors: Vec<(usize, usize)>,
}

impl Entry {
    /// Bytes of the data phase.
    pub(super) fn data_bytes(&self) -> usize {
        self.vectors.iter().map(|(_, length)| length).sum()
    }
}

/// One device's ring.
#[derive(Debug)]
pub(super) struct Ring {
    file: File,
    start: NonNull<u8>,
    length: NonZeroUsize,
    ring_at: usize,
    ring_bytes: usize,
}

// SAFETY: the map belongs to this value alone on our side and moves with it.
unsafe impl Send for Ring {}

impl Ring {
    /// Maps the ring of the device at `path`.
    pub(super) fn open(path: &Path, length: NonZeroUsize) -> Result<Self, TcmuError> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        let file = open.map_err(TcmuError::file("open", path))?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new shared mapping of a device that is made for it, at an address the kernel chooses.
        let start = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, &file, 0) };
        let start =
            start.map_err(|errno| TcmuError::file("map the ring of", path)(errno.into()))?.cast();
        let mut ring = Self { file, start, length, ring_at: 0, ring_bytes: 0 };
        let version = u16::from_ne_bytes(ring.read(VERSION_AT));
        if version != MAILBOX_VERSION {
            return Err(TcmuError::Version { name: path.display().to_string(), version });
        }
        ring.ring_at = ring.number(RING_OFFSET_AT);
        ring.ring_bytes = ring.number(RING_BYTES_AT);
        Ok(ring)
    }

    /// Waits until the kernel has something, at most as long as that; true if it has.
    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<bool> {
        let timeout = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        let mut wanted = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        if poll(&mut wanted, timeout)? == 0 {
            return Ok(false);
        }
        self.file.read_exact(&mut [0; 4])?;
        Ok(true)
    }

    /// The oldest command that was not answered.
    pub(super) fn next(&mut self) -> Option<Entry> {
        loop {
            let (head, tail) = (self.counter(HEAD_AT), self.counter(TAIL_AT));
            let tail = tail.load(Ordering::Relaxed);
            if tail == head.load(Ordering::Acquire) {
                return None;
            }
            let at = self.ring_at + usize::try_from(tail).ok()?;
            let kind = u32::from_ne_bytes(self.read(at + LENGTH_AND_KIND_AT)) & KIND_MASK;
            if kind == KIND_COMMAND {
                return Some(self.entry(at));
            }
            // Padding at the end of the ring, or a notice that nobody asked for.
            self.pass(at);
        }
    }

    fn entry(&self, at: usize) -> Entry {
        let vectors = (0..self.number(at + VECTOR_COUNT_AT)).map(|number| {
            let vector = at + VECTORS_AT + number * VECTOR_BYTES;
            (self.long_number(vector), self.long_number(vector + 8))
        });
        let vectors = vectors.collect();
        Entry { at, block: self.read(self.long_number(at + COMMAND_BLOCK_OFFSET_AT)), vectors }
    }

    /// The data that comes with a command.
    pub(super) fn take_data(&self, entry: &Entry) -> Vec<u8> {
        let mut bytes = vec![0; entry.data_bytes()];
        let mut at = 0;
        for (offset, length) in &entry.vectors {
            self.copy_out(*offset, &mut bytes[at..at + length]);
            at += length;
        }
        bytes
    }

    /// Puts what a command reads where the kernel wants it.
    pub(super) fn put_data(&mut self, entry: &Entry, mut bytes: &[u8]) {
        for (offset, length) in &entry.vectors {
            let (now, later) = bytes.split_at(bytes.len().min(*length));
            self.copy_in(*offset, now);
            bytes = later;
        }
    }

    /// Answers a command. `read_bytes` says how much of the data phase was read, if it is not all.
    pub(super) fn answer(
        &mut self,
        entry: &Entry,
        status: u8,
        sense: Option<&Sense>,
        read_bytes: Option<u32>,
    ) {
        let at = entry.at;
        if let Some(sense) = sense {
            self.copy_in(at + SENSE_AT, &sense.encode_fixed());
        }
        self.copy_in(at + STATUS_AT, &[status]);
        if let Some(bytes) = read_bytes {
            self.copy_in(at + READ_LENGTH_AT, &bytes.to_ne_bytes());
            let [flags] = self.read(at + OUR_FLAGS_AT);
            self.copy_in(at + OUR_FLAGS_AT, &[flags | FLAG_READ_LENGTH]);
        }
        self.pass(at);
    }

    /// Tells the kernel that there are answers.
    pub(super) fn notify(&mut self) -> io::Result<()> {
        self.file.write_all(&[0; 4])
    }

    fn pass(&mut self, at: usize) {
        let length = u32::from_ne_bytes(self.read(at + LENGTH_AND_KIND_AT)) & !KIND_MASK;
        let length = usize::try_from(length).unwrap_or(0);
        let tail = (at - self.ring_at + length) % self.ring_bytes.max(1);
        self.counter(TAIL_AT).store(u32::try_from(tail).unwrap_or(0), Ordering::Release);
    }

    fn counter(&self, at: usize) -> &AtomicU32 {
        // SAFETY: both counters lie in the first page of the map, aligned, and are only used atomically.
        unsafe { AtomicU32::from_ptr(self.start.add(at).cast().as_ptr()) }
    }

    fn number(&self, at: usize) -> usize {
        usize::try_from(u32::from_ne_bytes(self.read(at))).unwrap_or(0)
    }

    fn long_number(&self, at: usize) -> usize {
        usize::try_from(u64::from_ne_bytes(self.read(at))).unwrap_or(usize::MAX)
    }

    fn read<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        self.copy_out(at, &mut bytes);
        bytes
    }

    /// Copies from the map. The kernel's numbers are not trusted over the size of the map.
    fn copy_out(&self, at: usize, bytes: &mut [u8]) {
        assert!(self.is_inside(at, bytes.len()), "the kernel names bytes outside of its map");
        let to = NonNull::from(&mut *bytes).cast();
        // SAFETY: inside the map; the kernel does not write an entry or its data before it is answered.
        unsafe { self.start.add(at).copy_to_nonoverlapping(to, bytes.len()) }
    }

    fn copy_in(&mut self, at: usize, bytes: &[u8]) {
        assert!(self.is_inside(at, bytes.len()), "the kernel names bytes outside of its map");
        // SAFETY: as above, and the kernel does not read it before it is answered.
        unsafe {
            self.start.add(at).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len())
        }
    }

    fn is_inside(&self, at: usize, length: usize) -> bool {
        at.checked_add(length).is_some_and(|end| end <= self.length.get())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `open`, and nothing refers to it any more.
        let unmapped = unsafe { munmap(self.start.cast(), self.length.get()) };
        debug_assert!(unmapped.is_ok(), "cannot unmap a ring: {unmapped:?}");
    }
}
