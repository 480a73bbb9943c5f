//! Reads what the kernel has in memory of a file, without waiting for the disk.

use std::fs::File;
use std::io::IoSliceMut;
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};
use rustix::io::{ReadWriteFlags, preadv2};

/// Copies into `buffer` what is in memory of the bytes from `offset` on, up to the first that is not; returns how
/// many that are. 0 also if there are none, or where a file system cannot tell.
#[must_use]
pub fn read_in_memory(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    preadv2(file, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

/// Has the kernel begin to read `bytes` from `offset` on into memory; does not wait. Only a wish.
pub fn want_in_memory(file: &File, offset: u64, bytes: usize) {
    if let Some(bytes) = NonZeroU64::new(bytes as u64) {
        let _ = fadvise(file, offset, Some(bytes), Advice::WillNeed);
    }
}

/// Has the kernel forget the file, as far as it is on the disk.
#[cfg(test)]
pub(crate) fn forget(file: &File) {
    file.sync_all().unwrap();
    fadvise(file, 0, None, Advice::DontNeed).unwrap();
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn what_was_just_written_is_in_memory_and_what_was_forgotten_comes_back_when_wanted() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&[7; 10_000], 0).unwrap();
        let mut buffer = [0; 10_000];
        assert_eq!(read_in_memory(&file, &mut buffer, 0), 10_000);
        assert!(buffer.iter().all(|&byte| byte == 7));
        assert_eq!(read_in_memory(&file, &mut buffer, 10_000), 0);
        forget(&file);
        // Whether it is gone now is the kernel's affair: a disk may have brought it back by the time one looks.
        want_in_memory(&file, 0, 10_000);
        file.read_exact_at(&mut buffer, 0).unwrap();
        assert_eq!(read_in_memory(&file, &mut buffer, 0), 10_000);
    }
}
