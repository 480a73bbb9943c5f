//! The slabs: aligned memory taken once at start, leased, and always given back.
//!
//! A slab is one tape block. All of them lie in one mapping made when the pool is made, so memory is
//! bounded whatever the source, and the drive and the kernel get page-aligned addresses. A slab goes
//! through four hands:
//!
//! ```text
//! BufferPool::lease ──▶ Lease ──▶ Filling ──▶ Span, Span, …   disjoint parts, filled by any thread
//!                                    │             │ dropped when read and hashed
//!                                    ▼             ▼
//!                                 Pending ───────▶ Block       read only, shared by all sinks
//!                                                    │ last one dropped
//!                                                    ▼
//!                                                 back in the pool
//! ```
//!
//! Dropping any of them leads back to the pool, so an error path cannot leak a slab.
//! Does no I/O. Locks: one for the free list, one a slab for the count of its spans.

#![expect(unsafe_code, reason = "one mapping is handed out in disjoint parts to many threads")]

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags};
use parking_lot::{Condvar, Mutex};

use super::error::StreamError;

/// Slab sizes are multiples of this: what O_DIRECT asks of addresses, offsets and lengths.
pub const SLAB_ALIGN_BYTES: usize = 4096;
/// Largest slab: the largest block that LTFS writers use and HBAs commonly pass.
pub const SLAB_BYTES_MAX: usize = 1024 * 1024;

/// Begins to load `bytes` into the nearest cache and does not wait for it. For what another processor
/// has just written and this one is going to read in order: hashing takes half as long again without.
pub(super) fn fetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        /// The step in which a processor loads memory.
        const CACHE_LINE_BYTES: usize = 64;
        for line in bytes.chunks(CACHE_LINE_BYTES) {
            // SAFETY: a prefetch of any address is allowed and changes nothing that a program sees.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// A fixed number of slabs of one size. Clones share them.
#[derive(Clone)]
pub struct BufferPool(Arc<PoolShared>);

struct PoolShared {
    memory: Mapping,
    slab_bytes: usize,
    slab_count: usize,
    free: Mutex<FreeList>,
    returned: Condvar,
}

struct FreeList {
    /// Indices of free slabs; the last returned is the first given, as it may still be in cache.
    indices: Vec<usize>,
    waiting_count: usize,
}

/// An anonymous mapping, unmapped on drop.
struct Mapping {
    start: NonNull<u8>,
    length: NonZeroUsize,
}

// SAFETY: the mapping is plain memory; who may touch which part of it is decided by the leases.
unsafe impl Send for Mapping {}
// SAFETY: as above; `Mapping` itself offers only its address.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(length: NonZeroUsize) -> Result<Self, nix::Error> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_NORESERVE;
        // SAFETY: a new private anonymous mapping at an address the kernel chooses touches nothing.
        let start = unsafe { nix::sys::mman::mmap_anonymous(None, length, protection, flags) }?;
        // SAFETY: the range is the mapping just made. Huge pages are a wish; refusal does not matter.
        let _ = unsafe { nix::sys::mman::madvise(start, length.get(), MmapAdvise::MADV_HUGEPAGE) };
        Ok(Self { start: start.cast(), length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and every lease holds the pool, so none is left.
        let unmapped = unsafe { nix::sys::mman::munmap(self.start.cast(), self.length.get()) };
        debug_assert!(unmapped.is_ok(), "cannot unmap the slabs: {unmapped:?}");
    }
}

impl BufferPool {
    /// Maps `slab_count` slabs of `slab_bytes`, zeroed. Pages become resident when first used.
    ///
    /// # Errors
    /// [`StreamError::Config`] for a size that is no multiple of [`SLAB_ALIGN_BYTES`] or above
    /// [`SLAB_BYTES_MAX`], or a count of 0; [`StreamError::NoMemory`] if the kernel refuses.
    pub fn new(slab_bytes: usize, slab_count: usize) -> Result<Self, StreamError> {
        let aligned = slab_bytes.is_multiple_of(SLAB_ALIGN_BYTES);
        if !aligned || !(SLAB_ALIGN_BYTES..=SLAB_BYTES_MAX).contains(&slab_bytes) {
            return Err(StreamError::Config(format!(
                "a block of {slab_bytes} bytes: it must be a multiple of {SLAB_ALIGN_BYTES}, \
                 at most {SLAB_BYTES_MAX}"
            )));
        }
        let length = slab_bytes.checked_mul(slab_count).and_then(NonZeroUsize::new);
        let Some(length) = length else {
            return Err(StreamError::Config(format!("{slab_count} buffers of {slab_bytes} bytes")));
        };
        let memory = Mapping::new(length)
            .map_err(|error| StreamError::NoMemory { bytes: length.get(), source: error.into() })?;
        let free = FreeList { indices: (0..slab_count).rev().collect(), waiting_count: 0 };
        Ok(Self(Arc::new(PoolShared {
            memory,
            slab_bytes,
            slab_count,
            free: Mutex::new(free),
            returned: Condvar::new(),
        })))
    }

    /// Bytes of one slab.
    #[must_use]
    pub fn slab_bytes(&self) -> usize {
        self.0.slab_bytes
    }

    /// Slabs in all.
    #[must_use]
    pub fn slab_count(&self) -> usize {
        self.0.slab_count
    }

    /// Slabs that nobody holds now.
    #[must_use]
    pub fn free_count(&self) -> usize {
        self.0.free.lock().indices.len()
    }

    /// True while somebody waits for a slab and there is none.
    #[must_use]
    pub fn is_starved(&self) -> bool {
        let free = self.0.free.lock();
        free.waiting_count > 0 && free.indices.is_empty()
    }

    /// A free slab, or nothing now.
    #[must_use]
    pub fn try_lease(&self) -> Option<Lease> {
        let index = self.0.free.lock().indices.pop()?;
        Some(Lease { pool: self.clone(), index })
    }

    /// A free slab; waits for one until `given_up` is set (and [`wake`](Self::wake) called).
    #[must_use]
    pub fn lease(&self, given_up: &AtomicBool) -> Option<Lease> {
        let mut free = self.0.free.lock();
        loop {
            if given_up.load(Ordering::Acquire) {
                return None;
            }
            if let Some(index) = free.indices.pop() {
                return Some(Lease { pool: self.clone(), index });
            }
            free.waiting_count += 1;
            self.0.returned.wait(&mut free);
            free.waiting_count -= 1;
        }
    }

    /// Wakes those who wait in [`lease`](Self::lease), so that they see that it was given up.
    pub fn wake(&self) {
        let _free = self.0.free.lock();
        self.0.returned.notify_all();
    }

    fn slab_start(&self, index: usize) -> NonNull<u8> {
        debug_assert!(index < self.0.slab_count);
        // SAFETY: index is below the count of slabs, so the result stays inside the mapping.
        unsafe { self.0.memory.start.add(index * self.0.slab_bytes) }
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("slab_bytes", &self.slab_bytes())
            .field("slab_count", &self.slab_count())
            .field("free_count", &self.free_count())
            .finish()
    }
}

/// One slab, held by one owner. Dropping it gives it back.
pub struct Lease {
    pool: BufferPool,
    index: usize,
}

impl Deref for Lease {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = self.pool.slab_start(self.index);
        // SAFETY: the slab is mapped and initialised, and this lease is its only owner.
        unsafe { std::slice::from_raw_parts(start.as_ptr(), self.pool.slab_bytes()) }
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut [u8] {
        let start = self.pool.slab_start(self.index);
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), self.pool.slab_bytes()) }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.0.free.lock().indices.push(self.index);
        self.pool.0.returned.notify_one();
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("index", &self.index).finish_non_exhaustive()
    }
}

/// A slab whose parts are being filled.
#[derive(Debug)]
struct Slab {
    lease: Lease,
    spans_out: Mutex<usize>,
    settled: Condvar,
}

/// A slab that is being filled from its start; its owner cuts off parts for others to fill.
#[derive(Debug)]
pub struct Filling {
    slab: Arc<Slab>,
    used_bytes: usize,
}

impl Filling {
    /// Begins at the start of `lease`.
    #[must_use]
    pub fn new(lease: Lease) -> Self {
        let slab = Slab { lease, spans_out: Mutex::new(0), settled: Condvar::new() };
        Self { slab: Arc::new(slab), used_bytes: 0 }
    }

    /// Bytes cut off so far.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.used_bytes
    }

    /// Bytes that can still be cut off.
    #[must_use]
    pub fn remaining_bytes(&self) -> usize {
        self.slab.lease.len() - self.used_bytes
    }

    /// Cuts off the next `length` bytes. They hold whatever the slab held before.
    ///
    /// # Panics
    /// If less is left.
    #[must_use]
    pub fn take(&mut self, length: usize) -> Span {
        assert!(length <= self.remaining_bytes(), "{length} bytes of {self:?}");
        *self.slab.spans_out.lock() += 1;
        let span = Span { slab: Arc::clone(&self.slab), start: self.used_bytes, length };
        self.used_bytes += length;
        span
    }

    /// No more parts: what was cut off becomes readable once all spans are dropped.
    #[must_use]
    pub fn close(self) -> Pending {
        Pending { slab: self.slab, length: self.used_bytes }
    }
}

/// A part of a slab, held by one owner, who may write it.
#[derive(Debug)]
pub struct Span {
    slab: Arc<Slab>,
    start: usize,
    length: usize,
}

impl Span {
    /// Takes in the span right behind it.
    ///
    /// # Panics
    /// If `next` is not that.
    pub fn join(&mut self, next: Self) {
        let is_next = Arc::ptr_eq(&self.slab, &next.slab) && next.start == self.start + self.length;
        assert!(is_next, "{next:?} behind {self:?}");
        self.length += next.length;
    }

    /// Where in the slab it begins, in bytes.
    #[must_use]
    pub fn slab_offset(&self) -> usize {
        self.start
    }

    /// The start of these bytes, for an engine that hands it to the kernel and keeps the span.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        let slab = self.slab.lease.pool.slab_start(self.slab.lease.index);
        // SAFETY: `start` is within the slab, as `Filling::take` checked.
        unsafe { slab.add(self.start).as_ptr() }
    }
}

impl Deref for Span {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: initialised memory inside the slab; spans of a slab never overlap, because
        // `Filling::take` hands out each byte once, and no `Block` exists while a span does.
        unsafe { std::slice::from_raw_parts(self.as_ptr(), self.length) }
    }
}

impl DerefMut for Span {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr(), self.length) }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let mut out = self.slab.spans_out.lock();
        *out -= 1;
        if *out == 0 {
            self.slab.settled.notify_all();
        }
    }
}

/// A closed slab, some of whose spans may still be out.
#[derive(Debug)]
pub struct Pending {
    slab: Arc<Slab>,
    length: usize,
}

impl Pending {
    /// Waits until the last span is dropped. Engines drop every span in the end, also after errors.
    #[must_use]
    pub fn wait(self) -> Block {
        let mut out = self.slab.spans_out.lock();
        while *out > 0 {
            self.slab.settled.wait(&mut out);
        }
        drop(out);
        Block { slab: self.slab, length: self.length }
    }
}

/// A filled slab, read only. Clones share it; the last one gives the slab back.
#[derive(Clone, Debug)]
pub struct Block {
    slab: Arc<Slab>,
    length: usize,
}

impl Block {
    /// The first `length` bytes of it, or all if it is shorter.
    #[must_use]
    pub fn truncated(mut self, length: usize) -> Self {
        self.length = self.length.min(length);
        self
    }

    /// True if it lies in a slab of `pool`.
    #[must_use]
    pub fn is_of(&self, pool: &BufferPool) -> bool {
        Arc::ptr_eq(&self.slab.lease.pool.0, &pool.0)
    }

    /// The whole slab with whatever lies behind the block's end: what O_DIRECT can write.
    #[must_use]
    pub fn whole_slab(&self) -> &[u8] {
        &self.slab.lease
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.slab.lease[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slab_comes_back_from_every_stage() {
        let pool = BufferPool::new(8192, 2).unwrap();
        drop(pool.try_lease().unwrap());
        let mut filling = Filling::new(pool.try_lease().unwrap());
        let mut first = filling.take(60);
        first.join(filling.take(40));
        let second = filling.take(50);
        first.fill(7);
        let pending = filling.close();
        assert_eq!(pool.free_count(), 1);
        let waiter = std::thread::spawn(move || pending.wait());
        drop((first, second));
        let block = waiter.join().unwrap();
        assert_eq!(block.len(), 150);
        assert!(block[..100].iter().all(|&b| b == 7));
        let other = block.clone();
        drop(block);
        assert_eq!(pool.free_count(), 1);
        drop(other);
        assert_eq!(pool.free_count(), 2);
    }

    #[test]
    fn slabs_are_aligned_and_apart() {
        let pool = BufferPool::new(4096, 3).unwrap();
        let leases: Vec<_> = std::iter::from_fn(|| pool.try_lease()).collect();
        assert_eq!(leases.len(), 3);
        for lease in &leases {
            assert_eq!(lease.as_ptr().addr() % SLAB_ALIGN_BYTES, 0);
        }
        let starts: std::collections::BTreeSet<_> =
            leases.iter().map(|l| l.as_ptr().addr()).collect();
        assert_eq!(starts.len(), 3);
    }

    #[test]
    fn one_who_waits_for_a_slab_gets_it_or_is_told_to_give_up() {
        let pool = BufferPool::new(4096, 1).unwrap();
        let given_up = Arc::new(AtomicBool::new(false));
        let held = pool.try_lease().unwrap();
        let (other, flag) = (pool.clone(), Arc::clone(&given_up));
        let waiter = std::thread::spawn(move || {
            let got = other.lease(&flag).is_some();
            (got, other.lease(&flag).map(drop).is_some(), flag)
        });
        drop(held);
        let (first, second, _) = waiter.join().unwrap();
        assert!(first && second);
        let held = pool.try_lease().unwrap();
        let (other, flag) = (pool.clone(), Arc::clone(&given_up));
        let waiter = std::thread::spawn(move || other.lease(&flag).is_none());
        given_up.store(true, Ordering::Release);
        pool.wake();
        assert!(waiter.join().unwrap());
        drop(held);
    }

    #[test]
    fn sizes_that_no_drive_takes_are_refused() {
        for (bytes, count) in [(0, 1), (4095, 1), (SLAB_BYTES_MAX + 4096, 1), (4096, 0)] {
            assert!(BufferPool::new(bytes, count).is_err(), "{count} of {bytes}");
        }
    }
}
