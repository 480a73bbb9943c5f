//! The workers of a restore: tasks of small files, and lanes that keep a larger file's bytes in order.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;
use parking_lot::Mutex;

use super::item::{ItemWork, end_of_plain};
use super::tasks::{Task, Tasks};
use super::writing::Writing;
use super::{FileOuts, ItemOutcome, ItemResult, ReadItem, Target};
use crate::stream::buffers::Block;
use crate::stream::hash::sha256_each;
use crate::stream::plan::Codec;
use crate::stream::run::Run;

/// From this many blocks on hashing and writing a file are two workers': below, a second task costs more
/// than it saves.
const SHARED_BLOCKS_MIN: u64 = 8;

/// An item that is handled piece by piece.
#[derive(Debug)]
pub(super) struct Lane {
    state: Mutex<LaneState>,
    /// Set if another worker writes what this one hashes.
    writing: Option<Arc<Writing>>,
}

#[derive(Debug)]
struct LaneState {
    pieces: VecDeque<LanePiece>,
    /// Bytes and holes given so far.
    given_bytes: u64,
    work: LaneWork,
    is_scheduled: bool,
}

/// The item: not begun (files are created by workers, not by the reader), begun, or with a worker.
#[derive(Debug)]
enum LaneWork {
    New(Box<ReadItem>),
    Begun(Box<ItemWork>),
    Away,
}

/// What a lane is given.
#[derive(Debug)]
pub(super) enum LanePiece {
    Bytes {
        block: Block,
        range: Range<usize>,
    },
    Hole(u64),
    /// It ends with this.
    Failed(ItemOutcome),
    /// Nothing more comes.
    End,
}

impl Lane {
    /// For an item on a volume with blocks of that size.
    pub(super) fn new(item: ReadItem, block_bytes: u32) -> Arc<Self> {
        let is_shared = item.target == Target::Write
            && item.codec == Codec::None
            && item.sealed_by.is_none()
            && item.size_bytes >= SHARED_BLOCKS_MIN * u64::from(block_bytes);
        let writing = is_shared.then(|| Arc::new(Writing::new(item.id, item.size_bytes)));
        let state = LaneState {
            pieces: VecDeque::new(),
            given_bytes: 0,
            work: LaneWork::New(Box::new(item)),
            is_scheduled: false,
        };
        Arc::new(Self { state: Mutex::new(state), writing })
    }

    /// Gives the lane a piece and has a worker look at it.
    pub(super) fn give(self: &Arc<Self>, piece: LanePiece, tasks: &Tasks) {
        let mut state = self.state.lock();
        let offset = state.given_bytes;
        match &piece {
            LanePiece::Bytes { block, range } => {
                state.given_bytes += range.len() as u64;
                if let Some(writing) = &self.writing
                    && writing.give(offset, block.clone(), range.clone())
                {
                    tasks.put(Task::Write(Arc::clone(writing)));
                }
            }
            LanePiece::Hole(length) => state.given_bytes += length,
            LanePiece::Failed(_) | LanePiece::End => {}
        }
        state.pieces.push_back(piece);
        if !state.is_scheduled {
            state.is_scheduled = true;
            drop(state);
            tasks.put(Task::Lane(Arc::clone(self)));
        }
    }

    /// Does what has been given so far; gives the result at the end.
    fn advance(&self, run: &Run, outs: Option<&dyn FileOuts>) -> Option<ItemResult> {
        let mut state = self.state.lock();
        let mut work = match std::mem::replace(&mut state.work, LaneWork::Away) {
            LaneWork::Begun(work) => work,
            LaneWork::New(item) => {
                drop(state);
                let work = match self.writing {
                    Some(_) => ItemWork::begin_hashing(*item),
                    None => ItemWork::begin(*item, outs, run.config.keys.as_ref()),
                };
                let work = Box::new(work);
                state = self.state.lock();
                work
            }
            // A worker panicked with it; the stream reports that.
            LaneWork::Away => return None,
        };
        loop {
            let Some(piece) = state.pieces.pop_front() else {
                state.is_scheduled = false;
                state.work = LaneWork::Begun(work);
                return None;
            };
            drop(state);
            match piece {
                LanePiece::Bytes { block, range } => work.take(&block[range]),
                LanePiece::Hole(length) => work.take_hole(length),
                LanePiece::Failed(outcome) => work.fail(outcome),
                LanePiece::End => return self.end(*work, outs),
            }
            state = self.state.lock();
        }
    }

    fn end(&self, work: ItemWork, outs: Option<&dyn FileOuts>) -> Option<ItemResult> {
        let result = work.end();
        match &self.writing {
            None => Some(result),
            Some(writing) if writing.conclude(result.outcome) => writing.advance(outs),
            Some(_) => None,
        }
    }
}

/// A worker's loop. Ends when the reader has put its last task.
pub(super) fn work(
    run: &Run,
    (tasks, worker): (&Tasks, usize),
    results: &Sender<ItemResult>,
    outs: Option<&dyn FileOuts>,
) {
    while let Some(task) = tasks.take(worker) {
        let started = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| match task {
            Task::Small { block, items } => small(run, block.as_ref(), items, results, outs),
            Task::Write(writing) => {
                if let Some(result) = writing.advance(outs) {
                    let _ = results.send(result);
                }
            }
            Task::Lane(lane) => {
                if let Some(result) = lane.advance(run, outs) {
                    let _ = results.send(result);
                }
            }
        }));
        if let Err(panic) = done {
            run.fail_of_panic(panic.as_ref());
        }
        run.gauges.worker_busy.add_time(started.elapsed());
    }
}

/// Items that lie in one block. Those whose bytes are stored as they are are hashed first, two at a time.
fn small(
    run: &Run,
    block: Option<&Block>,
    items: Vec<(ReadItem, Range<usize>)>,
    results: &Sender<ItemResult>,
    outs: Option<&dyn FileOuts>,
) {
    let bytes = |range: &Range<usize>| block.map_or(&[][..], |block| &block[range.clone()]);
    let is_plain = |item: &ReadItem| item.codec == Codec::None && item.sealed_by.is_none();
    let plain = items.iter().filter(|(item, _)| is_plain(item));
    let mut digests = sha256_each(plain.map(|(_, range)| bytes(range))).into_iter();
    for (item, range) in items {
        let digest = if is_plain(&item) { digests.next() } else { None };
        let result = match digest {
            Some(sha256) => end_of_plain(&item, bytes(&range), sha256, outs),
            None => {
                let mut work = ItemWork::begin(item, outs, run.config.keys.as_ref());
                work.take(bytes(&range));
                work.end()
            }
        };
        // Refused only after the reader is gone.
        let _ = results.send(result);
    }
}
