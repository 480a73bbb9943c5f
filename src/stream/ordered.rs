//! Hashes the chunks of one file in their order, as read and as stored, on whichever workers are free.
//!
//! SHA-256 of a file cannot be divided, but it need not hold up the packer: chunks wait here for their
//! turn, and go back to the feeder when the last who needs them lets go. The stored form is hashed where it lies
//! in the slabs, piece by piece: whoever lays it out must never wait for a slab and hold part of another.
//!
//! Two workers that have a form each are through sooner; one that hashes both side by side computes less
//! ([`compress`](super::compress)), and leaves the other to what else there is to do. Which is best depends on
//! processors: [`Pairing`].

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::Sender;
use parking_lot::{Condvar, Mutex};

use super::buffers::Span;
use super::compress::is_pairing_fast;
use super::feeder::Chunk;
use super::hash::{FileHasher, update_both};
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

/// The next bytes of a file as read, and as stored. Either may be none.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) chunk: Arc<HeldChunk>,
    /// Of the chunk as read.
    pub(super) read: Range<usize>,
    pub(super) stored: Option<Span>,
}

impl Piece {
    fn read(&self) -> &[u8] {
        &self.chunk.chunk().raw[self.read.clone()]
    }

    fn stored(&self) -> &[u8] {
        self.stored.as_deref().unwrap_or_default()
    }
}

/// The hashes of both forms of a file.
#[derive(Debug)]
pub(super) struct OrderedHashes {
    run: Arc<Run>,
    work: WorkQueue,
    state: Mutex<State>,
    idle: Condvar,
    /// True while the packer lays out a chunk.
    is_laying: AtomicBool,
}

#[derive(Debug)]
struct State {
    pairing: Pairing,
    read: Lane,
    stored: Lane,
}

/// One form.
#[derive(Debug)]
struct Lane {
    waiting: VecDeque<Arc<Piece>>,
    /// With a worker while a piece is.
    hasher: Option<FileHasher>,
}

/// When one worker hashes both forms of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pairing {
    /// With two workers beside the packer, if it computes much less: that was measured to take a tenth less time
    /// and a quarter less of the processors (Zen 4).
    Always,
    /// If it computes a little less, only while others have something to do: a worker, or the packer. Measured with
    /// two workers (Granite Rapids): a sixth less time than always, a fourteenth less than never. To wait for the
    /// other form, so as to take both, takes longer.
    WhileOthersWork,
    /// With more workers there is always one for each form.
    Never,
}

impl Pairing {
    /// With more workers than this, never.
    const WORKERS_MAX: usize = 2;

    fn of(worker_count: usize) -> Self {
        match worker_count {
            ..=Self::WORKERS_MAX if is_pairing_fast() => Self::Always,
            ..=Self::WORKERS_MAX => Self::WhileOthersWork,
            _ => Self::Never,
        }
    }
}

/// Forms of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forms {
    Read,
    Stored,
    Both,
}

/// What a worker does next.
enum Step {
    Both(Arc<Piece>, Box<(FileHasher, FileHasher)>),
    Read(Arc<Piece>, FileHasher),
    Stored(Arc<Piece>, FileHasher),
}

impl OrderedHashes {
    /// Of a file whose bytes as read go on in `read`.
    pub(super) fn new(run: &Arc<Run>, work: &WorkQueue, read: FileHasher) -> Arc<Self> {
        let pairing = Pairing::of(run.config.workers());
        let (read, stored) = (Lane::new(read), Lane::new(FileHasher::whole()));
        let state = State { pairing, read, stored };
        Arc::new(Self {
            run: Arc::clone(run),
            work: work.clone(),
            state: Mutex::new(state),
            idle: Condvar::new(),
            is_laying: AtomicBool::new(false),
        })
    }

    /// The packer begins to lay out a chunk, or has.
    pub(super) fn set_laying(&self, is_laying: bool) {
        self.is_laying.store(is_laying, Ordering::Relaxed);
    }

    /// Takes the next piece.
    pub(super) fn put(self: &Arc<Self>, piece: Piece) {
        let piece = Arc::new(piece);
        let mut state = self.state.lock();
        state.read.waiting.push_back(Arc::clone(&piece));
        state.stored.waiting.push_back(piece);
        self.call_worker(&state);
    }

    /// Has a worker come if there is something to do for one.
    fn call_worker(self: &Arc<Self>, state: &State) {
        if state.next(false).is_some() {
            let this = Arc::clone(self);
            self.work.put(Box::new(move |_| this.advance()));
        }
    }

    /// True if a processor that is not at these hashes has something to do. Known only roughly.
    fn do_others_work(&self) -> bool {
        self.is_laying.load(Ordering::Relaxed) || self.work.has_others()
    }

    fn advance(self: &Arc<Self>) {
        let mut state = self.state.lock();
        while let Some(step) = state.take_step(self.do_others_work()) {
            self.call_worker(&state);
            drop(state);
            match step {
                Step::Both(piece, hashers) => {
                    let (mut read, mut stored) = *hashers;
                    update_both((&mut read, piece.read()), (&mut stored, piece.stored()));
                    drop(piece);
                    state = self.state.lock();
                    (state.read.hasher, state.stored.hasher) = (Some(read), Some(stored));
                }
                Step::Read(piece, mut read) => {
                    read.update(piece.read());
                    drop(piece);
                    state = self.state.lock();
                    state.read.hasher = Some(read);
                }
                Step::Stored(piece, mut stored) => {
                    stored.update(piece.stored());
                    drop(piece);
                    state = self.state.lock();
                    state.stored.hasher = Some(stored);
                }
            }
        }
        self.idle.notify_all();
    }

    /// Both hashers, as read and as stored, once all pieces are in them; nothing if the stream was halted.
    pub(super) fn finish(&self) -> Option<(FileHasher, FileHasher)> {
        let mut state = self.state.lock();
        loop {
            let State { read, stored, .. } = &mut *state;
            if read.is_idle()
                && stored.is_idle()
                && let (Some(read), Some(stored)) = (read.hasher.take(), stored.hasher.take())
            {
                return Some((read, stored));
            }
            if self.run.is_halted() {
                return None;
            }
            self.idle.wait_for(&mut state, HALT_LOOK);
        }
    }
}

impl State {
    /// The forms that a worker can take the next piece of, while others work or not.
    fn next(&self, others_work: bool) -> Option<Forms> {
        let Self { pairing, read, stored } = self;
        let is_level = read.waiting.len() == stored.waiting.len();
        match (pairing, read.is_ready(), stored.is_ready()) {
            (Pairing::Always, is_read, is_stored) => (is_read && is_stored).then_some(Forms::Both),
            (Pairing::WhileOthersWork, true, true) if is_level && others_work => Some(Forms::Both),
            // Who is behind goes first, so that they come level again.
            (_, true, true) if read.waiting.len() < stored.waiting.len() => Some(Forms::Stored),
            (_, true, _) => Some(Forms::Read),
            (_, false, true) => Some(Forms::Stored),
            (_, false, false) => None,
        }
    }

    fn take_step(&mut self, others_work: bool) -> Option<Step> {
        match self.next(others_work)? {
            Forms::Read => self.read.take().map(|(piece, hasher)| Step::Read(piece, hasher)),
            Forms::Stored => self.stored.take().map(|(piece, hasher)| Step::Stored(piece, hasher)),
            Forms::Both => {
                let (piece, read) = self.read.take()?;
                let (_, stored) = self.stored.take()?;
                Some(Step::Both(piece, Box::new((read, stored))))
            }
        }
    }
}

impl Lane {
    fn new(hasher: FileHasher) -> Self {
        Self { waiting: VecDeque::new(), hasher: Some(hasher) }
    }

    fn is_ready(&self) -> bool {
        self.hasher.is_some() && !self.waiting.is_empty()
    }

    fn is_idle(&self) -> bool {
        self.hasher.is_some() && self.waiting.is_empty()
    }

    /// The next piece with the hasher, if both are here.
    fn take(&mut self) -> Option<(Arc<Piece>, FileHasher)> {
        if !self.is_ready() {
            return None;
        }
        self.waiting.pop_front().zip(self.hasher.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(pairing: Pairing, pieces: usize) -> State {
        let lane = || Lane::new(FileHasher::whole());
        let mut state = State { pairing, read: lane(), stored: lane() };
        for _ in 0..pieces {
            let chunk = HeldChunk::new(Chunk::default(), None);
            let piece = Arc::new(Piece { chunk, read: 0..0, stored: None });
            state.read.waiting.push_back(Arc::clone(&piece));
            state.stored.waiting.push_back(piece);
        }
        state
    }

    #[test]
    fn both_forms_of_a_piece_are_one_step_or_a_step_each_at_the_same_time() {
        let mut paired = state_of(Pairing::Always, 2);
        let Some(Step::Both(_, hashers)) = paired.take_step(false) else { panic!("{paired:?}") };
        assert_eq!(paired.next(false), None, "the hashers are away");
        (paired.read.hasher, paired.stored.hasher) = (Some(hashers.0), None);
        assert_eq!(paired.next(false), None, "one of them is");
        paired.stored.hasher = Some(hashers.1);
        assert_eq!(paired.next(false), Some(Forms::Both));

        let mut apart = state_of(Pairing::Never, 2);
        assert!(matches!(apart.take_step(true), Some(Step::Read(..))));
        let Some(Step::Stored(_, stored)) = apart.take_step(true) else { panic!("{apart:?}") };
        assert_eq!(apart.next(true), None);
        apart.stored.hasher = Some(stored);
        assert_eq!(apart.next(true), Some(Forms::Stored), "it does not wait for the other form");
    }

    #[test]
    fn while_others_work_forms_that_are_level_are_one_step() {
        let mut state = state_of(Pairing::WhileOthersWork, 3);
        let Some(Step::Read(_, read)) = state.take_step(false) else { panic!("{state:?}") };
        assert_eq!(state.next(true), Some(Forms::Stored), "for another worker");
        state.read.hasher = Some(read);
        assert_eq!(state.next(true), Some(Forms::Stored), "it is behind");
        let Some(Step::Stored(_, stored)) = state.take_step(true) else { panic!("{state:?}") };
        state.stored.hasher = Some(stored);
        assert_eq!(state.next(false), Some(Forms::Read));
        assert_eq!(state.next(true), Some(Forms::Both), "they are level");
    }
}
