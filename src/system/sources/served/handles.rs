//! What the kernel has open of a served tree.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fuser::FileHandle;
use parking_lot::Mutex;
use rustix::io::Errno;

/// What is open, by the number that the kernel has for it.
#[derive(Debug)]
pub(super) struct Handles<T> {
    open: Mutex<HashMap<u64, Arc<T>>>,
    next: AtomicU64,
}

impl<T> Handles<T> {
    pub(super) fn new() -> Self {
        Self { open: Mutex::default(), next: AtomicU64::new(1) }
    }

    pub(super) fn put(&self, opened: T) -> FileHandle {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.open.lock().insert(number, Arc::new(opened));
        FileHandle(number)
    }

    pub(super) fn get(&self, handle: FileHandle) -> Result<Arc<T>, Errno> {
        self.open.lock().get(&handle.0).cloned().ok_or(Errno::BADF)
    }

    pub(super) fn close(&self, handle: FileHandle) {
        // What its end takes is not to be waited for by others.
        let closed = self.open.lock().remove(&handle.0);
        drop(closed);
    }
}
