//! Hashes the chunks of one file in their order, on whichever worker is free.
//!
//! SHA-256 of a file cannot be divided, but it need not hold up the packer: chunks wait here for their
//! turn, and go back to the feeder when the last who needs them lets go.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::feeder::Chunk;
use super::hash::FileHasher;
use super::run::{HALT_LOOK, Run};
use super::workers::WorkQueue;

/// A chunk that several look at. Goes back to the feeder with the last of them.
#[derive(Debug)]
pub(super) struct HeldChunk {
    chunk: Chunk,
    home: Option<Sender<Chunk>>,
}

impl HeldChunk {
    /// A chunk of the feeder's goes back to its `home`.
    pub(super) fn new(chunk: Chunk, home: Option<Sender<Chunk>>) -> Arc<Self> {
        Arc::new(Self { chunk, home })
    }

    /// The chunk.
    pub(super) fn chunk(&self) -> &Chunk {
        &self.chunk
    }
}

impl Drop for HeldChunk {
    fn drop(&mut self) {
        // Refused only if the feeder is gone; there is room for all chunks that there are.
        let chunk = std::mem::take(&mut self.chunk);
        if let Some(home) = &self.home {
            let _ = home.send(chunk);
        }
    }
}

/// Which bytes of a chunk are hashed.
pub(super) type BytesOf = fn(&Chunk) -> &[u8];

/// One hash over the chunks of a file.
#[derive(Debug)]
pub(super) struct OrderedHash {
    run: Arc<Run>,
    work: WorkQueue,
    bytes_of: BytesOf,
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Arc<HeldChunk>>,
    /// With a worker while there is work.
    hasher: Option<FileHasher>,
}

impl OrderedHash {
    pub(super) fn new(
        run: &Arc<Run>,
        work: &WorkQueue,
        hasher: FileHasher,
        bytes_of: BytesOf,
    ) -> Arc<Self> {
        let state = State { waiting: VecDeque::new(), hasher: Some(hasher) };
        Arc::new(Self {
            run: Arc::clone(run),
            work: work.clone(),
            bytes_of,
            state: Mutex::new(state),
            idle: Condvar::new(),
        })
    }

    /// Takes the next chunk.
    pub(super) fn put(self: &Arc<Self>, chunk: Arc<HeldChunk>) {
        let mut state = self.state.lock();
        state.waiting.push_back(chunk);
        if let Some(hasher) = state.hasher.take() {
            drop(state);
            let this = Arc::clone(self);
            self.work.put(Box::new(move |_| this.advance(hasher)));
        }
    }

    fn advance(&self, mut hasher: FileHasher) {
        let mut state = self.state.lock();
        while let Some(chunk) = state.waiting.pop_front() {
            drop(state);
            hasher.update((self.bytes_of)(chunk.chunk()));
            drop(chunk);
            state = self.state.lock();
        }
        state.hasher = Some(hasher);
        self.idle.notify_all();
    }

    /// The hasher, once all chunks are in it; nothing if the stream was halted.
    pub(super) fn finish(&self) -> Option<FileHasher> {
        let mut state = self.state.lock();
        loop {
            if let Some(hasher) = state.hasher.take() {
                return Some(hasher);
            }
            if self.run.is_halted() {
                return None;
            }
            self.idle.wait_for(&mut state, HALT_LOOK);
        }
    }
}
