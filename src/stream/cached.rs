//! Asks the kernel whether it has bytes of a file in memory, without having it fetch them.
//!
//! By `cachestat`, which Linux has since 6.5; no library offers it yet. A read with `RWF_NOWAIT` would say it
//! too, and begin to read ahead into memory what shall not go there.

#![expect(unsafe_code, reason = "a system call that no library wraps")]

use std::fs::File;
use std::os::fd::AsRawFd as _;

use nix::libc::{c_long, c_uint, syscall};

/// The number of the call, the same on all architectures.
const CACHESTAT: c_long = 451;

#[repr(C)]
struct Range {
    offset: u64,
    length: u64,
}

/// Counts of pages.
#[repr(C)]
#[derive(Default)]
struct Counts {
    cached: u64,
    dirty: u64,
    in_writeback: u64,
    evicted: u64,
    recently_evicted: u64,
}

/// True if some of the `length` bytes from `offset` on are in memory, or the kernel does not say.
pub(super) fn is_cached(file: &File, offset: u64, length: usize) -> bool {
    let range = Range { offset, length: length as u64 };
    let mut counts = Counts::default();
    const NO_FLAGS: c_uint = 0;
    let (range, counts_at) = (&raw const range, &raw mut counts);
    // SAFETY: both structures have the layout of the call and outlive it; it writes to the second only.
    let outcome = unsafe { syscall(CACHESTAT, file.as_raw_fd(), range, counts_at, NO_FLAGS) };
    outcome != 0 || counts.cached > 0
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;
    use crate::source::in_memory::forget;

    #[test]
    fn only_what_was_read_or_written_is_in_memory() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7; 3 * 1024 * 1024], 0).unwrap();
        assert!(is_cached(&file, 0, 4096));
        assert!(is_cached(&file, 1024 * 1024, 1024 * 1024));
        forget(&file);
        // Looking brings nothing back; a file system in memory forgets nothing.
        let is_kept = is_cached(&file, 0, 4096);
        assert_eq!(is_cached(&file, 0, 3 * 1024 * 1024), is_kept);
        file.read_exact_at(&mut [0; 10], 0).unwrap();
        assert!(is_cached(&file, 0, 4096));
    }
}
