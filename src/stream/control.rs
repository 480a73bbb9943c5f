//! Pause, go on, cancel: asked for by anybody, obeyed at safe points.
//!
//! A safe point is between two blocks for a drive and between two files or two slabs for the
//! source. So a paused drive stands between blocks with everything before in order, and a cancelled
//! stream ends with whole blocks and finished files. One lock, never held while anything is done.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::{Condvar, Mutex};

/// What is asked of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Go on.
    Run,
    /// Stand still at the next safe point.
    Pause,
    /// End at the next safe point. Final.
    Cancel,
}

/// Shared between a stream and those who steer it.
pub struct Control {
    request: AtomicU8,
    changing: Mutex<()>,
    changed: Condvar,
    listeners: Mutex<Listeners>,
}

/// Called after each change.
type Listener = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Listeners {
    next_id: u64,
    all: Vec<(u64, Listener)>,
}

const RUN: u8 = 0;
const PAUSE: u8 = 1;
const CANCEL: u8 = 2;

impl Control {
    /// Running.
    #[must_use]
    pub fn new() -> Self {
        Self {
            request: AtomicU8::new(RUN),
            changing: Mutex::new(()),
            changed: Condvar::new(),
            listeners: Mutex::new(Listeners::default()),
        }
    }

    /// Asks to stand still. Without effect after [`cancel`](Self::cancel).
    pub fn pause(&self) {
        self.change(RUN, PAUSE);
    }

    /// Asks to go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.change(PAUSE, RUN);
    }

    /// Asks to end.
    pub fn cancel(&self) {
        self.set(CANCEL);
    }

    /// What is asked now.
    #[must_use]
    pub fn request(&self) -> Request {
        match self.request.load(Ordering::Acquire) {
            RUN => Request::Run,
            PAUSE => Request::Pause,
            _ => Request::Cancel,
        }
    }

    /// True once [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.request() == Request::Cancel
    }

    /// A safe point: waits while paused; false if cancelled.
    pub fn checkpoint(&self) -> bool {
        if self.request() == Request::Run {
            return true;
        }
        let mut guard = self.changing.lock();
        loop {
            match self.request() {
                Request::Run => return true,
                Request::Cancel => return false,
                Request::Pause => self.changed.wait(&mut guard),
            }
        }
    }

    /// Calls `listener` after every change until it is [forgotten](Self::forget_listener), so
    /// that those who wait for something else look again.
    pub(super) fn listen(&self, listener: Listener) -> u64 {
        let mut listeners = self.listeners.lock();
        let id = listeners.next_id;
        listeners.next_id += 1;
        listeners.all.push((id, listener));
        id
    }

    /// Drops the listener that [`listen`](Self::listen) gave `id` for.
    pub(super) fn forget_listener(&self, id: u64) {
        self.listeners.lock().all.retain(|(listener, _)| *listener != id);
    }

    fn change(&self, from: u8, to: u8) {
        if self.request.load(Ordering::Acquire) == from {
            self.set(to);
        }
    }

    fn set(&self, request: u8) {
        {
            let _guard = self.changing.lock();
            if self.request.load(Ordering::Acquire) == CANCEL {
                return;
            }
            self.request.store(request, Ordering::Release);
            self.changed.notify_all();
        }
        for (_, listener) in &self.listeners.lock().all {
            listener();
        }
    }
}

impl Default for Control {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("request", &self.request()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_stream_stays_cancelled() {
        let control = Control::new();
        control.pause();
        assert_eq!(control.request(), Request::Pause);
        control.resume();
        assert!(control.checkpoint());
        control.cancel();
        control.pause();
        control.resume();
        assert!(!control.checkpoint());
    }

    #[test]
    fn a_paused_checkpoint_waits_for_the_answer() {
        let control = Control::new();
        control.pause();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| control.checkpoint());
            control.resume();
            assert!(waiter.join().unwrap());
        });
    }
}
