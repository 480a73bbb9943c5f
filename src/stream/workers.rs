//! The threads that compute: small files from opening to hash, large files' hashes, compression.
//!
//! One queue, one thread a processor; a second queue, with threads that give way to all others, for what is
//! done before its turn. Tasks never wait for other tasks, so any number of threads makes progress. What bounds
//! the queues are the buffers that each task holds.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::codec::FrameWriter;
use super::error::StreamError;
use super::run::Run;

/// A piece of work.
pub(super) type Task = Box<dyn FnOnce(&mut FrameWriter) + Send>;

/// How much the threads that work ahead give way, see `nice(2)`. A file has one hash: were they to take turns with
/// the thread that computes that of the file whose turn it is, all would wait for it. Measured with large files
/// on two processors: 5 to 6 % more of them in the same time.
const AHEAD_NICE: i32 = 10;

/// Whether a task's turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Somebody waits for it.
    Now,
    /// It may be done if there is nothing else to do. Never the turn of a task with a single worker.
    Ahead,
}

/// Where tasks are put. Clones share the queues.
#[derive(Clone)]
pub(super) struct WorkQueue {
    now: Sender<Task>,
    ahead: Sender<Task>,
    /// Workers at a task whose turn has come.
    busy: Arc<AtomicUsize>,
}

impl WorkQueue {
    /// Puts a task whose turn has come; it is dropped undone only if every worker is gone.
    pub(super) fn put(&self, task: Task) {
        self.put_for(Turn::Now, task);
    }

    /// Puts a task for its turn.
    pub(super) fn put_for(&self, turn: Turn, task: Task) {
        let queue = match turn {
            Turn::Now => &self.now,
            Turn::Ahead => &self.ahead,
        };
        let _ = queue.send(task);
    }

    /// Queues without workers: what is put into them for its turn, and ahead of it.
    #[cfg(test)]
    pub(super) fn unserved() -> (Self, Receiver<Task>, Receiver<Task>) {
        let ((now, tasks), (ahead, tasks_ahead)) = (unbounded(), unbounded());
        (Self { now, ahead, busy: Arc::default() }, tasks, tasks_ahead)
    }

    /// For a task whose turn has come: true if there are others, done or waiting. Known only roughly.
    pub(super) fn has_others(&self) -> bool {
        !self.now.is_empty() || self.busy.load(Ordering::Relaxed) > 1
    }
}

impl fmt::Debug for WorkQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkQueue")
            .field("waiting", &self.now.len())
            .field("waiting_ahead", &self.ahead.len())
            .finish()
    }
}

/// The threads. Dropping it waits until all tasks are done.
#[derive(Debug)]
pub(super) struct Workers {
    queue: Option<WorkQueue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn start(run: &Arc<Run>) -> Result<Self, StreamError> {
        let (now, tasks) = unbounded();
        let (ahead, tasks_ahead) = unbounded();
        let (busy, busy_ahead) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let queue = WorkQueue { now, ahead, busy: Arc::clone(&busy) };
        let mut workers = Self { queue: Some(queue), threads: Vec::new() };
        let count = run.config.workers();
        for _ in 0..count {
            workers.add("stream-work", (&tasks, &busy), run, || ())?;
        }
        // One processor has the file whose turn it is.
        for _ in 1..count {
            workers.add("stream-ahead", (&tasks_ahead, &busy_ahead), run, give_way)?;
        }
        Ok(workers)
    }

    fn add(
        &mut self,
        name: &str,
        (tasks, busy): (&Receiver<Task>, &Arc<AtomicUsize>),
        run: &Arc<Run>,
        begin: fn(),
    ) -> Result<(), StreamError> {
        let (tasks, busy, run) = (tasks.clone(), Arc::clone(busy), Arc::clone(run));
        let builder = std::thread::Builder::new().name(name.to_owned());
        let thread = builder.spawn(move || {
            begin();
            work(&tasks, &busy, &run);
        });
        self.threads.push(thread.map_err(StreamError::NoThread)?);
        Ok(())
    }

    /// The queue to put tasks into.
    pub(super) fn queue(&self) -> Option<WorkQueue> {
        self.queue.clone()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // Panics of tasks are caught in `work`.
            let _ = thread.join();
        }
    }
}

/// The calling thread runs when no other wants to. Without that it still works, only not as well.
fn give_way() {
    if let Err(error) = rustix::process::nice(AHEAD_NICE) {
        tracing::warn!(%error, "a thread that works ahead does not give way");
    }
}

fn work(tasks: &Receiver<Task>, busy: &AtomicUsize, run: &Run) {
    let mut frames = FrameWriter::default();
    for task in tasks {
        busy.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task(&mut frames))) {
            run.fail_of_panic(panic.as_ref());
            frames = FrameWriter::default();
        }
        run.gauges.worker_busy.add_time(started.elapsed());
        busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_gives_way_does_so_alone() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let given_way = std::thread::spawn(move || {
            give_way();
            nice()
        });
        assert_eq!(given_way.join().unwrap(), (before + AHEAD_NICE).min(19));
        assert_eq!(nice(), before);
    }
}
