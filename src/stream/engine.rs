//! The verbs of an engine: fill a span from a file, save a slab to staging. Done on other threads.
//!
//! Two engines offer them, [`ring`](super::ring) and [`plain`](super::plain), and pass the same
//! tests. An engine finishes every operation it was given, also after errors, and calls its `done`
//! exactly once: a span whose operation was forgotten would keep its slab for ever.

use std::fmt;
use std::fs::File;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::buffers::{Block, Span};
use super::config::EngineChoice;
use super::error::StreamError;
use super::input::Input;
use super::plain::PlainEngine;
use super::ring::RingEngine;
use super::run::Run;
use crate::source::SourceError;

/// Called on a thread of the engine; must be short.
pub(super) type ReadDone = Box<dyn FnOnce(Span, Result<usize, SourceError>) + Send>;
/// As [`ReadDone`], for saving.
pub(super) type SaveDone = Box<dyn FnOnce(std::io::Result<()>) + Send>;

/// Fill `span` from `input` at `offset`, until it is full or the file ends.
pub(super) struct ReadOp {
    pub(super) input: Arc<Input>,
    pub(super) offset: u64,
    pub(super) span: Span,
    pub(super) done: ReadDone,
}

/// Write the whole slab of `block` to `file` at `offset`.
pub(super) struct SaveOp {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) block: Block,
    pub(super) done: SaveDone,
}

/// Fill `span` with what was saved in `file` at `offset`; less is an error.
pub(super) struct LoadOp {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) span: Span,
    pub(super) done: Box<dyn FnOnce(Span, std::io::Result<()>) + Send>,
}

/// One operation.
pub(super) enum Op {
    Read(ReadOp),
    Save(SaveOp),
    Load(LoadOp),
}

/// Does operations in the order given, many at once.
pub(super) trait Engine: Send + Sync + fmt::Debug {
    /// Takes an operation; never blocks.
    fn submit(&self, op: Op);

    /// Its name in logs and snapshots.
    fn name(&self) -> &'static str;
}

/// Waits for a thread of an engine that is being dropped.
///
/// The last operation may hold the last reference to the engine (a save holds the stage, which holds
/// the engine): then it is dropped on one of its own threads, which must not wait for itself.
pub(super) fn join_unless_own(thread: JoinHandle<()>) {
    if thread.thread().id() != std::thread::current().id() {
        // Panics in engines are caught and reported where they happen.
        let _ = thread.join();
    }
}

/// Starts the engine that the configuration asks for and this machine allows.
pub(super) fn start_engine(run: &Arc<Run>) -> Result<Arc<dyn Engine>, StreamError> {
    let plain = PlainEngine::start(run)?;
    match run.config.engine {
        EngineChoice::Plain => Ok(Arc::new(plain)),
        EngineChoice::Ring => {
            let ring = RingEngine::start(run, plain);
            Ok(Arc::new(ring.map_err(|source| StreamError::RingRefused { source })?))
        }
        EngineChoice::Auto => match RingEngine::start(run, plain) {
            Ok(ring) => Ok(Arc::new(ring)),
            Err(error) => {
                say_once(&error);
                Ok(Arc::new(PlainEngine::start(run)?))
            }
        },
    }
}

/// One line in the log of this process, however many streams it runs.
fn say_once(error: &std::io::Error) {
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| {
        tracing::warn!(%error, "the kernel refuses io_uring; large files are read by threads");
    });
}
