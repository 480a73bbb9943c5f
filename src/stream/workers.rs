//! The threads that compute: small files from opening to hash, large files' hashes, compression.
//!
//! One queue, one thread a processor. Tasks never wait for other tasks, so any number of threads
//! makes progress. What bounds the queue are the buffers that each task holds.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::codec::FrameWriter;
use super::error::StreamError;
use super::run::Run;

/// A piece of work.
pub(super) type Task = Box<dyn FnOnce(&mut FrameWriter) + Send>;

/// Where tasks are put. Clones share the queue.
#[derive(Clone)]
pub(super) struct WorkQueue(Sender<Task>);

impl WorkQueue {
    /// Puts a task; it is dropped undone only if every worker is gone.
    pub(super) fn put(&self, task: Task) {
        let _ = self.0.send(task);
    }
}

impl fmt::Debug for WorkQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkQueue").field("waiting", &self.0.len()).finish()
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
        let (sender, receiver) = unbounded();
        let threads = (0..run.config.workers())
            .map(|_| {
                let (receiver, run): (Receiver<Task>, _) = (receiver.clone(), Arc::clone(run));
                std::thread::Builder::new()
                    .name("stream-work".to_owned())
                    .spawn(move || work(&receiver, &run))
            })
            .collect::<Result<_, _>>()
            .map_err(StreamError::NoThread)?;
        Ok(Self { queue: Some(WorkQueue(sender)), threads })
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

fn work(tasks: &Receiver<Task>, run: &Run) {
    let mut frames = FrameWriter::default();
    for task in tasks {
        let started = Instant::now();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| task(&mut frames))) {
            run.fail_of_panic(panic.as_ref());
            frames = FrameWriter::default();
        }
        run.gauges.worker_busy.add_time(started.elapsed());
    }
}
