//! The engine on io_uring: one thread, many operations in flight.
//!
//! Used for large files and staging, where an operation moves a whole slab. Small files do not come
//! here, see [`batch`](super::batch). Files without a descriptor are read by threads.
//!
//! The slabs are not registered with the kernel. That would make all of them resident when the stream begins,
//! of which most streams need a part; measured, it costs more than looking up the pages of a slab for each
//! read.
//!
//! The kernel may refuse io_uring (containers and hardened systems do): starting the engine does one
//! real read, and its refusal is an error before anything depends on it.

#![expect(
    unsafe_code,
    reason = "the kernel is handed addresses of slabs that operations keep alive"
)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_uring::buf::{BoundedBuf, IoBuf, IoBufMut};
use tokio_uring::fs::File as RingFile;

use super::buffers::{Block, SLAB_ALIGN_BYTES, Span};
use super::cached::is_cached;
use super::engine::{Engine, LoadOp, Op, ReadOp, SaveOp, join_unless_own};
use super::input::Input;
use super::plain::{PlainEngine, perform};
use super::run::Run;

/// Operations in flight. A disk array wants tens; more only makes completions come later.
const IN_FLIGHT_MAX: u32 = 64;
/// Entries of the submission queue: a power of two above what is in flight.
const QUEUE_ENTRIES: u32 = 128;

/// io_uring on one thread.
#[derive(Debug)]
pub(super) struct RingEngine {
    /// Dropped first, which ends the thread.
    queue: Option<UnboundedSender<Op>>,
    thread: Option<JoinHandle<()>>,
    /// For files without a descriptor.
    plain: PlainEngine,
}

impl RingEngine {
    /// Starts the thread and does one read.
    ///
    /// # Errors
    /// What the kernel said, if it refuses io_uring.
    pub(super) fn start(run: &Arc<Run>, plain: PlainEngine) -> io::Result<Self> {
        let (queue, operations) = unbounded_channel();
        let (started, start) = bounded(1);
        let run = Arc::clone(run);
        let thread =
            std::thread::Builder::new().name("stream-ring".to_owned()).spawn(move || {
                let running = AssertUnwindSafe(|| run_ring(operations, &started));
                if let Err(panic) = catch_unwind(running) {
                    run.fail_of_panic(panic.as_ref());
                }
            })?;
        let mut engine = Self { queue: Some(queue), thread: Some(thread), plain };
        match start.recv() {
            Ok(Ok(())) => Ok(engine),
            Ok(Err(error)) => Err(error),
            // It panicked before it could answer.
            Err(_) => {
                engine.queue = None;
                Err(io::ErrorKind::Unsupported.into())
            }
        }
    }
}

impl Engine for RingEngine {
    fn submit(&self, op: Op) {
        if let Op::Read(ReadOp { input, .. }) = &op
            && input.local().is_none()
        {
            return self.plain.submit(op);
        }
        let refused = match &self.queue {
            Some(queue) => queue.send(op).err().map(|refused| refused.0),
            None => Some(op),
        };
        // The thread is gone only after a panic; the operation must still be finished.
        if let Some(op) = refused {
            perform(op);
        }
    }

    fn name(&self) -> &'static str {
        "io_uring"
    }
}

impl Drop for RingEngine {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            join_unless_own(thread);
        }
    }
}

/// The life of the ring's thread.
fn run_ring(operations: UnboundedReceiver<Op>, started: &Sender<io::Result<()>>) {
    let mut builder = tokio_uring::builder();
    builder.entries(QUEUE_ENTRIES);
    let runtime = match tokio_uring::Runtime::new(&builder) {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        if let Err(error) = probe().await {
            let _ = started.send(Err(error));
            return;
        }
        // Refused only if the one who starts the engine is gone.
        let _ = started.send(Ok(()));
        serve(operations).await;
    });
}

/// One real read: setting up a ring may be allowed where using it is not.
async fn probe() -> io::Result<()> {
    let file = RingFile::from_std(File::open("/dev/zero")?);
    let (result, _) = file.read_at(vec![1_u8; 1], 0).await;
    match result? {
        1 => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Does operations until the queue is closed, and then waits for those in flight.
async fn serve(mut operations: UnboundedReceiver<Op>) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX as usize));
    while let Some(op) = operations.recv().await {
        let Ok(permit) = Arc::clone(&in_flight).acquire_owned().await else { break };
        tokio_uring::spawn(do_op(op, permit));
    }
    // Every permit is back when nothing is in flight.
    let _ = in_flight.acquire_many(IN_FLIGHT_MAX).await;
}

async fn do_op(op: Op, _permit: OwnedSemaphorePermit) {
    match op {
        Op::Read(ReadOp { input, offset, span, done }) => {
            let (span, result) = match input.local() {
                Some(file) => read_input(&input, file, offset, span).await,
                None => (span, Err(io::ErrorKind::Unsupported.into())),
            };
            done(span, result.map_err(|error| input.error(error)));
        }
        Op::Load(LoadOp { file, offset, span, done }) => {
            let (span, result) = read_span(&file, offset, span, 0).await;
            let whole = span.len();
            let result = result.and_then(|count| {
                let is_whole = count == whole;
                is_whole.then_some(()).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            });
            done(span, result);
        }
        Op::Save(SaveOp { file, offset, block, done }) => {
            let result = match file.try_clone() {
                Ok(file) => {
                    let file = RingFile::from_std(file);
                    file.write_all_at(WholeSlab(block), offset).await.0
                }
                Err(error) => Err(error),
            };
            done(result);
        }
    }
}

/// Reads until the span is full or the file ends. What is not in memory is read from the disk right into the
/// slab, where file and slab are aligned for that: it costs no copy, and a backup does not push everything else
/// out of memory.
async fn read_input(
    input: &Input,
    file: &File,
    offset: u64,
    span: Span,
) -> (Span, io::Result<usize>) {
    let aligned = aligned_bytes(&span, offset);
    if aligned == 0 || is_cached(file, offset, aligned) {
        return read_span(file, offset, span, 0).await;
    }
    let Some(direct) = input.direct() else {
        return read_span(file, offset, span, 0).await;
    };
    let (span, read) = read_range(direct, offset, span, 0..aligned).await;
    // Whatever is wrong with it, the way through memory says so better.
    read_span(file, offset, span, read.unwrap_or(0)).await
}

/// How much of a span `O_DIRECT` can fill.
fn aligned_bytes(span: &Span, offset: u64) -> usize {
    let is_aligned = span.slab_offset().is_multiple_of(SLAB_ALIGN_BYTES)
        && offset.is_multiple_of(SLAB_ALIGN_BYTES as u64);
    if is_aligned { span.len() - span.len() % SLAB_ALIGN_BYTES } else { 0 }
}

/// Reads until the span, of which `filled` bytes are there, is full or the file ends.
async fn read_span(
    file: &File,
    offset: u64,
    span: Span,
    filled: usize,
) -> (Span, io::Result<usize>) {
    let length = span.len();
    let (span, read) = read_range(file, offset, span, filled..length).await;
    (span, read.map(|count| filled + count))
}

/// Reads until the `range` of the span, which begins at `offset` of the file, is full or the file ends; returns how
/// many bytes of it there are.
async fn read_range(
    file: &File,
    offset: u64,
    span: Span,
    range: Range<usize>,
) -> (Span, io::Result<usize>) {
    if range.is_empty() {
        return (span, Ok(0));
    }
    // The ring closes what it is given, so it gets a descriptor of its own.
    let file = match file.try_clone() {
        Ok(file) => RingFile::from_std(file),
        Err(error) => return (span, Err(error)),
    };
    let mut buffer = Filled(span);
    let mut at = range.start;
    while at < range.end {
        let part = buffer.slice(at..range.end);
        let (result, part) = file.read_at(part, offset + at as u64).await;
        buffer = part.into_inner();
        match result {
            Ok(0) => break,
            Ok(count) => at += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (buffer.0, Err(error)),
        }
    }
    (buffer.0, Ok(at - range.start))
}

/// A span that the kernel fills.
struct Filled(Span);

// SAFETY: a span's bytes are initialised memory inside a mapping that the span keeps; they do not
// move, and nobody else has them.
unsafe impl IoBuf for Filled {
    fn stable_ptr(&self) -> *const u8 {
        self.0.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.0.len()
    }

    fn bytes_total(&self) -> usize {
        self.0.len()
    }
}

// SAFETY: as above; the span may be written by its owner, which is the operation.
unsafe impl IoBufMut for Filled {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_ptr()
    }

    unsafe fn set_init(&mut self, _pos: usize) {}
}

/// A block's whole slab, to be written.
struct WholeSlab(Block);

// SAFETY: the slab is initialised memory that the block keeps; it does not move, and nobody writes
// to it while blocks of it exist.
unsafe impl IoBuf for WholeSlab {
    fn stable_ptr(&self) -> *const u8 {
        self.0.whole_slab().as_ptr()
    }

    fn bytes_init(&self) -> usize {
        self.0.whole_slab().len()
    }

    fn bytes_total(&self) -> usize {
        self.0.whole_slab().len()
    }
}
