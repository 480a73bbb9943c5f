//! A thread that looks whether there is something to do, does it, and sleeps until it is time or somebody
//! wakes it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The thread, and how it is woken and ended. Without [`Worker::start`] it does nothing.
#[derive(Default)]
pub struct Worker {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_woken: bool,
    is_stopping: bool,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Worker {
    /// Begins. `look` does what is due and says for how long nothing is; it sleeps no longer than
    /// `at_most`, so that a clock that was set is noticed.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(
        &self,
        name: &str,
        at_most: Duration,
        mut look: impl FnMut() -> Duration + Send + 'static,
    ) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let work = move || while shared.rest(look().min(at_most)) {};
        *self.thread.lock() = Some(std::thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }

    /// Has it look now.
    pub fn wake(&self) {
        self.shared.state.lock().is_woken = true;
        self.shared.woken.notify_all();
    }

    /// True once it is to end: what takes long looks in between.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.state.lock().is_stopping
    }

    /// Ends it; blocks until it has ended. Nothing is begun after that.
    pub fn stop(&self) {
        self.shared.state.lock().is_stopping = true;
        self.shared.woken.notify_all();
        if let Some(thread) = self.thread.lock().take() {
            // Its panic was logged when it happened, and there is nothing to be saved.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Sleeps; false if it is to end.
    fn rest(&self, at_most: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.is_woken && !state.is_stopping {
            self.woken.wait_for(&mut state, at_most);
        }
        state.is_woken = false;
        !state.is_stopping
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn it_looks_when_it_is_woken_and_not_after_it_was_stopped() {
        let (looked, looks) = mpsc::channel();
        let worker = Worker::default();
        let hour = Duration::from_secs(3600);
        worker
            .start("worker", hour, move || {
                looked.send(()).unwrap();
                hour
            })
            .unwrap();
        looks.recv().unwrap();
        worker.wake();
        looks.recv().unwrap();
        worker.stop();
        worker.wake();
        assert!(worker.is_stopping() && looks.recv().is_err());
    }
}
