//! The engine on io_uring: one thread, many operations in flight, slabs registered with the kernel.
//!
//! Used for large files and staging, where an operation moves a whole slab. Small files do not come
//! here, see [`batch`](super::batch). The slabs are registered once, so the kernel does not look up
//! their pages for every read; a slab in which two files meet can be filled by one registered read
//! at a time, and the other goes the unregistered way. Files without a descriptor are read by
//! threads.
//!
//! The kernel may refuse io_uring (containers and hardened systems do): starting the engine does one
//! real read, and its refusal is an error before anything depends on it.

#![expect(
    unsafe_code,
    reason = "the kernel is handed addresses of slabs that operations keep alive"
)]

use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_uring::buf::fixed::{FixedBuf, FixedBufRegistry};
use tokio_uring::buf::{BoundedBuf, IoBuf, IoBufMut};
use tokio_uring::fs::File as RingFile;

use super::buffers::{Block, BufferPool, SLAB_ALIGN_BYTES, Span};
use super::cached::is_cached;
use super::engine::{Engine, LoadOp, Op, ReadOp, SaveOp, join_unless_own};
use super::input::Input;
use super::plain::{PlainEngine, perform};
use super::run::Run;

/// Operations in flight. A disk array wants tens; more only makes completions come later.
const IN_FLIGHT_MAX: u32 = 64;
/// Entries of the submission queue: a power of two above what is in flight.
const QUEUE_ENTRIES: u32 = 128;
/// Buffers that the kernel lets one ring register (UIO_MAXIOV). Slabs above are not registered.
const REGISTERED_MAX: usize = 1024;

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
                let running = AssertUnwindSafe(|| run_ring(&run.slabs, operations, &started));
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
fn run_ring(
    slabs: &BufferPool,
    operations: UnboundedReceiver<Op>,
    started: &Sender<io::Result<()>>,
) {
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
        let registered = Registered::new(slabs);
        // Refused only if the one who starts the engine is gone.
        let _ = started.send(Ok(()));
        serve(registered, operations).await;
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
async fn serve(registered: Rc<Registered>, mut operations: UnboundedReceiver<Op>) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX as usize));
    while let Some(op) = operations.recv().await {
        let Ok(permit) = Arc::clone(&in_flight).acquire_owned().await else { break };
        tokio_uring::spawn(do_op(Rc::clone(&registered), op, permit));
    }
    // Every permit is back when nothing is in flight.
    let _ = in_flight.acquire_many(IN_FLIGHT_MAX).await;
}

async fn do_op(registered: Rc<Registered>, op: Op, _permit: OwnedSemaphorePermit) {
    match op {
        Op::Read(ReadOp { input, offset, span, done }) => {
            let (span, result) = match input.local() {
                Some(file) => read_input(&registered, &input, file, offset, span).await,
                None => (span, Err(io::ErrorKind::Unsupported.into())),
            };
            done(span, result.map_err(|error| input.error(error)));
        }
        Op::Load(LoadOp { file, offset, span, done }) => {
            let (span, result) = read_span(&registered, &file, offset, span, 0).await;
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
    registered: &Registered,
    input: &Input,
    file: &File,
    offset: u64,
    span: Span,
) -> (Span, io::Result<usize>) {
    let aligned = aligned_bytes(&span, offset);
    if aligned == 0 || is_cached(file, offset, aligned) {
        return read_span(registered, file, offset, span, 0).await;
    }
    let Some(direct) = input.direct() else {
        return read_span(registered, file, offset, span, 0).await;
    };
    let (span, read) = read_range(registered, direct, offset, span, 0..aligned).await;
    // Whatever is wrong with it, the way through memory says so better.
    read_span(registered, file, offset, span, read.unwrap_or(0)).await
}

/// How much of a span `O_DIRECT` can fill.
fn aligned_bytes(span: &Span, offset: u64) -> usize {
    let is_aligned = span.slab_offset().is_multiple_of(SLAB_ALIGN_BYTES)
        && offset.is_multiple_of(SLAB_ALIGN_BYTES as u64);
    if is_aligned { span.len() - span.len() % SLAB_ALIGN_BYTES } else { 0 }
}

/// Reads until the span, of which `filled` bytes are there, is full or the file ends.
async fn read_span(
    registered: &Registered,
    file: &File,
    offset: u64,
    span: Span,
    filled: usize,
) -> (Span, io::Result<usize>) {
    let length = span.len();
    let (span, read) = read_range(registered, file, offset, span, filled..length).await;
    (span, read.map(|count| filled + count))
}

/// Reads until the `range` of the span, which begins at `offset` of the file, is full or the file ends; returns how
/// many bytes of it there are.
async fn read_range(
    registered: &Registered,
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
    let mut buffer = registered.buffer_of(span);
    let mut at = range.start;
    while at < range.end {
        let result;
        (result, buffer) = buffer.read(&file, at..range.end, offset + at as u64).await;
        match result {
            Ok(0) => break,
            Ok(count) => at += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (buffer.into_span(), Err(error)),
        }
    }
    (buffer.into_span(), Ok(at - range.start))
}

/// The slabs as the kernel knows them.
struct Registered {
    slabs: BufferPool,
    /// Made by the first read, because it makes every page of the slabs resident at once: a stream of
    /// small files has no use for that. Nothing in it if the kernel refused to pin so much memory.
    registry: OnceCell<Option<FixedBufRegistry<PinnedSlab>>>,
}

impl Registered {
    fn new(slabs: &BufferPool) -> Rc<Self> {
        Rc::new(Self { slabs: slabs.clone(), registry: OnceCell::new() })
    }

    fn register(&self) -> Option<FixedBufRegistry<PinnedSlab>> {
        let count = self.slabs.slab_count().min(REGISTERED_MAX);
        let pinned = (0..count).map(|index| PinnedSlab { slabs: self.slabs.clone(), index });
        let registry = FixedBufRegistry::new(pinned);
        match registry.register() {
            Ok(()) => Some(registry),
            Err(error) => {
                tracing::info!(
                    %error,
                    "buffers are not registered with io_uring; raise the limit of locked memory"
                );
                None
            }
        }
    }

    /// The span's bytes as a registered buffer, if it is one and nobody else is filling that slab.
    fn buffer_of(&self, span: Span) -> RingBuffer {
        let registry = self.registry.get_or_init(|| self.register());
        let registry = registry.as_ref().filter(|_| span.is_of(&self.slabs));
        match registry.and_then(|registry| registry.check_out(span.slab_index())) {
            Some(fixed) => RingBuffer::Fixed { fixed, span },
            None => RingBuffer::Plain(UnregisteredSpan(span)),
        }
    }
}

/// A span on its way through the ring.
enum RingBuffer {
    /// `fixed` is the whole slab; the span in it is what may be touched.
    Fixed {
        fixed: FixedBuf,
        span: Span,
    },
    Plain(UnregisteredSpan),
}

impl RingBuffer {
    /// Reads into a `range` of the span.
    async fn read(
        self,
        file: &RingFile,
        range: Range<usize>,
        offset: u64,
    ) -> (io::Result<usize>, Self) {
        match self {
            Self::Fixed { fixed, span } => {
                let start = span.slab_offset();
                let part = fixed.slice(start + range.start..start + range.end);
                let (result, part) = file.read_fixed_at(part, offset).await;
                (result, Self::Fixed { fixed: part.into_inner(), span })
            }
            Self::Plain(span) => {
                let part = span.slice(range);
                let (result, part) = file.read_at(part, offset).await;
                (result, Self::Plain(part.into_inner()))
            }
        }
    }

    fn into_span(self) -> Span {
        match self {
            Self::Fixed { span, .. } | Self::Plain(UnregisteredSpan(span)) => span,
        }
    }
}

/// A slab in the registry. Holds the pool, so the memory outlives the registration.
struct PinnedSlab {
    slabs: BufferPool,
    index: usize,
}

// SAFETY: the address is that of a slab of a pool that `self` keeps mapped; it never moves, and all
// of it is initialised. Which bytes an operation touches is decided by the span it holds.
unsafe impl IoBuf for PinnedSlab {
    fn stable_ptr(&self) -> *const u8 {
        self.slabs.slab_address(self.index)
    }

    fn bytes_init(&self) -> usize {
        self.slabs.slab_bytes()
    }

    fn bytes_total(&self) -> usize {
        self.slabs.slab_bytes()
    }
}

// SAFETY: as above. The mapping is writable; the registry never reads or writes it by itself.
unsafe impl IoBufMut for PinnedSlab {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.slabs.slab_address(self.index)
    }

    unsafe fn set_init(&mut self, _pos: usize) {}
}

/// A span that the kernel fills without registration.
struct UnregisteredSpan(Span);

// SAFETY: a span's bytes are initialised memory inside a mapping that the span keeps; they do not
// move, and nobody else has them.
unsafe impl IoBuf for UnregisteredSpan {
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
unsafe impl IoBufMut for UnregisteredSpan {
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
