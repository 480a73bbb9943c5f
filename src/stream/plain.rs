//! The engine on blocking calls: a few threads that take operations from one queue.
//!
//! For kernels that refuse io_uring, and for sources that have no descriptor.

use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::engine::{Engine, LoadOp, Op, ReadOp, SaveOp, join_unless_own};
use super::error::StreamError;
use super::input::read_full_at;
use super::run::Run;

/// More threads than processors: they wait for disks and networks, not for work.
const THREADS_A_WORKER: usize = 2;
/// A disk with a queue wants a few requests at once, whatever the processors.
const THREADS_MIN: usize = 4;

/// Blocking calls on threads.
#[derive(Debug)]
pub(super) struct PlainEngine {
    /// Dropped first, which ends the threads.
    queue: Option<Sender<Op>>,
    threads: Vec<JoinHandle<()>>,
}

impl PlainEngine {
    pub(super) fn start(run: &Arc<Run>) -> Result<Self, StreamError> {
        let (sender, receiver) = unbounded();
        let count = (run.config.workers() * THREADS_A_WORKER).max(THREADS_MIN);
        let threads = (0..count)
            .map(|_| {
                let (receiver, run): (Receiver<Op>, _) = (receiver.clone(), Arc::clone(run));
                std::thread::Builder::new()
                    .name("stream-read".to_owned())
                    .spawn(move || serve(&run, &receiver))
            })
            .collect::<Result<_, _>>()
            .map_err(StreamError::NoThread)?;
        Ok(Self { queue: Some(sender), threads })
    }
}

impl Engine for PlainEngine {
    fn submit(&self, op: Op) {
        let refused = match &self.queue {
            Some(queue) => queue.send(op).err().map(|refused| refused.0),
            None => Some(op),
        };
        // Never: the threads outlive the queue.
        if let Some(op) = refused {
            perform(op);
        }
    }

    fn name(&self) -> &'static str {
        "threads"
    }
}

impl Drop for PlainEngine {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            join_unless_own(thread);
        }
    }
}

fn serve(run: &Run, operations: &Receiver<Op>) {
    for op in operations {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| perform(op))) {
            run.fail_of_panic(panic.as_ref());
        }
    }
}

/// Does one operation here and now.
pub(super) fn perform(op: Op) {
    match op {
        Op::Read(ReadOp { input, offset, mut span, done }) => {
            let result = input.read_at(&mut span, offset);
            done(span, result);
        }
        Op::Save(SaveOp { file, offset, block, done }) => {
            done(file.write_all_at(block.whole_slab(), offset));
        }
        Op::Load(LoadOp { file, offset, mut span, done }) => {
            let result = read_full_at(&file, &mut span, offset).and_then(|count| {
                let all = count == span.len();
                all.then_some(()).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
            });
            done(span, result);
        }
    }
}
