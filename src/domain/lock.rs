//! A file that one process locks, so that two never use one folder.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use super::clock::{Clock as _, SystemClock};

/// Times that a lock is tried.
const TRIES: u32 = 20;
/// Between two of them.
const INTERVAL: Duration = Duration::from_millis(25);

/// Locks `file` until it is closed; false if another process has it.
///
/// A process that is just being started by one of our threads has a copy of every open file for a moment,
/// locks included: so it is tried for half a second before somebody is said to have it.
///
/// # Errors
/// If the system refuses.
pub fn lock_alone(file: &File) -> io::Result<bool> {
    let clock = SystemClock::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            clock.wait(INTERVAL);
        }
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_locked_by_one_and_free_again_when_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::create(folder.path().join("lock")).unwrap();
        let (first, second) = (open(), open());
        assert!(lock_alone(&first).unwrap());
        assert!(!lock_alone(&second).unwrap());
        drop(first);
        assert!(lock_alone(&second).unwrap());
    }
}
