//! A large file on its way: its parts are read in any order, hashed in order, and judged at the end.
//!
//! The packer cuts spans off the slabs where the file shall lie and has the engine fill them, many
//! at once. What arrived is hashed by whichever worker is free, one at a time and from the front;
//! a span is dropped as soon as it is hashed, and a slab without spans is ready for the drive. So
//! nothing is copied after the kernel put it into the slab. Only what is read before the file's turn
//! ([`ahead`](super::packer)) lies in slabs of its own first.
//!
//! If the source fails in the middle, what was laid out stays dead: zeroes that no record names.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::buffers::Span;
use super::engine::{Engine, Op, ReadOp};
use super::hash::{FileHasher, RunningSha256};
use super::input::{Input, outcome_of};
use super::plan::{Change, Codec, FileOutcome, Part, Place, PlannedFile, SplitState, StoredFile};
use super::run::{HALT_LOOK, Run};
use super::workers::{Turn, WorkQueue};
use crate::domain::Sha256Digest;
use crate::source::SourceError;

/// The part of a file that this volume takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    /// The first byte, in the file.
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Set unless the file is whole: its number, and the hash of what was before.
    pub(super) part: Option<SplitState>,
    /// True if the file ends here.
    pub(super) is_last: bool,
}

impl Extent {
    /// The part this extent is, `running` being the hash of the file up to its end.
    pub(super) fn finish_part(&self, running: RunningSha256) -> Option<Part> {
        let began = self.part?;
        let (number, offset) = (began.part, self.offset);
        if self.is_last {
            let file_sha256 = Some(running.finish());
            return Some(Part { number, offset, next: None, file_sha256 });
        }
        // Parts are cut at multiples of 4096, so the state is always there.
        let next = running.state().map(|running| SplitState {
            ordinal: began.ordinal,
            offset: self.offset + self.length,
            part: number + 1,
            running,
        });
        Some(Part { number, offset, next, file_sha256: None })
    }
}

/// One large file while it is read.
#[derive(Debug)]
pub(super) struct LargeFile {
    planned: PlannedFile,
    extent: Extent,
    input: Arc<Input>,
    run: Arc<Run>,
    work: WorkQueue,
    state: Mutex<State>,
    /// Hashing went on or failed, or the verdict is there.
    progressed: Condvar,
}

#[derive(Debug)]
struct State {
    /// Spans that arrived, by their offset in the file.
    arrived: BTreeMap<u64, Span>,
    hasher: Option<FileHasher>,
    /// Everything before this is hashed.
    hashed_to: u64,
    /// Bytes that the gauge of the source has of it.
    counted_bytes: u64,
    reads_out: usize,
    turn: Turn,
    is_closed: bool,
    worker: Worker,
    is_abandoned: bool,
    failure: Option<FileOutcome>,
    verdict: Option<Verdict>,
}

/// Who hashes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worker {
    Nobody,
    /// A task waits for one.
    Called,
    AtWork,
}

/// What was found, but for the place, which the packer knows.
#[derive(Clone, Debug)]
enum Verdict {
    Read { sha256: Sha256Digest, part: Option<Part>, change: Option<Change> },
    Failed(FileOutcome),
}

impl LargeFile {
    /// Hashed as its `turn` says, until it [has its turn](Self::have_turn).
    pub(super) fn new(
        planned: PlannedFile,
        extent: Extent,
        input: Arc<Input>,
        run: Arc<Run>,
        work: WorkQueue,
        turn: Turn,
    ) -> Arc<Self> {
        let hasher = match &extent.part {
            Some(part) => FileHasher::part(part.running),
            None => FileHasher::whole(),
        };
        let state = State {
            arrived: BTreeMap::new(),
            hasher: Some(hasher),
            hashed_to: extent.offset,
            counted_bytes: 0,
            reads_out: 0,
            turn,
            is_closed: false,
            worker: Worker::Nobody,
            is_abandoned: false,
            failure: None,
            verdict: None,
        };
        let (state, progressed) = (Mutex::new(state), Condvar::new());
        Arc::new(Self { planned, extent, input, run, work, state, progressed })
    }

    /// Its turn has come: who hashes it gives way to nobody any more.
    pub(super) fn have_turn(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.turn = Turn::Now;
        if state.worker == Worker::Called {
            self.put_work(Turn::Now);
        }
    }

    /// Has `span` filled with the file's bytes from `offset` on.
    pub(super) fn read(self: &Arc<Self>, engine: &dyn Engine, offset: u64, span: Span) {
        self.state.lock().reads_out += 1;
        let file = Arc::clone(self);
        engine.submit(Op::Read(ReadOp {
            input: Arc::clone(&self.input),
            offset,
            span,
            done: Box::new(move |span, result| file.arrive(offset, span, result)),
        }));
    }

    /// True if so much was read up to `offset` of the file and is not hashed yet that reading on would only put
    /// it out of the processor's cache again.
    pub(super) fn is_behind(&self, offset: u64) -> bool {
        self.is_behind_in(&self.state.lock(), offset)
    }

    fn is_behind_in(&self, state: &State, offset: u64) -> bool {
        let unhashed = offset.saturating_sub(state.hashed_to);
        unhashed > self.run.config.unhashed_bytes_max() && state.failure.is_none()
    }

    /// True if all before `offset` is hashed, or never will be.
    pub(super) fn is_hashed_to(&self, offset: u64) -> bool {
        let state = self.state.lock();
        state.hashed_to >= offset || state.failure.is_some()
    }

    /// Waits until it [is not behind](Self::is_behind); false if the stream was halted.
    pub(super) fn wait_for_hash(&self, offset: u64) -> bool {
        let mut state = self.state.lock();
        while self.is_behind_in(&state, offset) {
            if self.run.is_halted() {
                return false;
            }
            self.progressed.wait_for(&mut state, HALT_LOOK);
        }
        true
    }

    /// Nothing more will be laid out.
    pub(super) fn close(self: &Arc<Self>) {
        self.state.lock().is_closed = true;
        self.start_work();
    }

    /// It will be read anew: what was read of it does not count.
    pub(super) fn abandon(&self) {
        let mut state = self.state.lock();
        state.is_abandoned = true;
        state.arrived.clear();
        self.run.gauges.source_bytes.subtract(std::mem::take(&mut state.counted_bytes));
    }

    /// True if laying out more of it would only make dead bytes.
    pub(super) fn has_failed(&self) -> bool {
        self.state.lock().failure.is_some()
    }

    /// The outcome, once everything laid out has arrived and is hashed; nothing if halted.
    pub(super) fn wait(&self, place: Option<Place>) -> Option<FileOutcome> {
        let mut state = self.state.lock();
        loop {
            if let Some(verdict) = &state.verdict {
                return Some(self.outcome(verdict.clone(), place));
            }
            if self.run.is_halted() {
                return None;
            }
            self.progressed.wait_for(&mut state, HALT_LOOK);
        }
    }

    fn outcome(&self, verdict: Verdict, place: Option<Place>) -> FileOutcome {
        let (sha256, part, change) = match verdict {
            Verdict::Failed(outcome) => return outcome,
            Verdict::Read { sha256, part, change } => (sha256, part, change),
        };
        let stored = StoredFile {
            sha256,
            size_bytes: self.extent.length,
            codec: Codec::None,
            sealed_by: None,
            stored_bytes: self.extent.length,
            stored_sha256: sha256,
            place,
            part,
        };
        match change {
            None => FileOutcome::Stored(stored),
            Some(how) => FileOutcome::Changed { how, fuzzy: Some(stored) },
        }
    }

    fn arrive(self: &Arc<Self>, offset: u64, mut span: Span, result: Result<usize, SourceError>) {
        let failure = match result {
            Ok(count) if count == span.len() => None,
            Ok(count) => {
                span[count..].fill(0);
                Some(FileOutcome::Changed { how: Change::Shrank, fuzzy: None })
            }
            Err(error) => {
                span.fill(0);
                Some(outcome_of(&error))
            }
        };
        let mut state = self.state.lock();
        state.reads_out -= 1;
        if let Some(failure) = failure {
            state.failure.get_or_insert(failure);
        }
        if state.failure.is_none() && !state.is_abandoned {
            self.run.gauges.source_bytes.add(span.len() as u64);
            state.counted_bytes += span.len() as u64;
            state.arrived.insert(offset, span);
        } else {
            state.arrived.clear();
            self.progressed.notify_all();
        }
        drop(state);
        self.start_work();
    }

    /// Puts a task if there is something to do and no task is doing it.
    fn start_work(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.worker == Worker::Nobody && state.has_work() {
            state.worker = Worker::Called;
            self.put_work(state.turn);
        }
    }

    fn put_work(self: &Arc<Self>, turn: Turn) {
        let file = Arc::clone(self);
        self.work.put_for(turn, Box::new(move |_| file.advance(turn)));
    }

    /// Hashes what has arrived without a gap; judges the file at its end. Once its turn has come, what was put
    /// ahead of that leaves it to another task.
    fn advance(self: &Arc<Self>, turn: Turn) {
        let mut state = self.state.lock();
        if state.turn != turn {
            return;
        }
        state.worker = Worker::AtWork;
        loop {
            if state.turn != turn && state.has_work() {
                state.worker = Worker::Called;
                return self.put_work(state.turn);
            }
            let next = state.hashed_to;
            if let Some(span) = state.arrived.remove(&next) {
                let hasher = state.hasher.take();
                drop(state);
                let mut hasher = hasher;
                if let Some(hasher) = &mut hasher {
                    hasher.update(&span);
                }
                let length = span.len() as u64;
                drop(span);
                state = self.state.lock();
                state.hasher = hasher;
                state.hashed_to += length;
                self.progressed.notify_all();
            } else if state.can_judge() {
                let is_whole = state.hashed_to == self.extent.offset + self.extent.length;
                let hasher = state.hasher.take().filter(|_| is_whole);
                let failure = state.failure.take();
                drop(state);
                let verdict = self.judge(hasher, failure);
                state = self.state.lock();
                state.verdict = Some(verdict);
                self.progressed.notify_all();
            } else {
                state.worker = Worker::Nobody;
                return;
            }
        }
    }

    /// The verdict on a file whose `hasher` took all of it; nothing if it did not.
    fn judge(&self, hasher: Option<FileHasher>, failure: Option<FileOutcome>) -> Verdict {
        let change = self.input.stamp().map(|now| Change::between(&self.planned.stamp, &now));
        match (failure, change, hasher) {
            (Some(FileOutcome::Changed { how, .. }), change, _) => {
                let how = change.ok().flatten().unwrap_or(how);
                Verdict::Failed(FileOutcome::Changed { how, fuzzy: None })
            }
            (Some(failure), ..) => Verdict::Failed(failure),
            (None, Err(error), _) => Verdict::Failed(outcome_of(&error)),
            (None, Ok(change), Some(hasher)) => {
                let (sha256, running) = hasher.finish();
                let part = running.and_then(|running| self.extent.finish_part(running));
                Verdict::Read { sha256, part, change }
            }
            (None, Ok(_), None) => Verdict::Failed(FileOutcome::Unreadable {
                reason: "reading it was interrupted".to_owned(),
                is_permission: false,
            }),
        }
    }
}

impl State {
    fn can_hash(&self) -> bool {
        self.arrived.contains_key(&self.hashed_to)
    }

    fn has_work(&self) -> bool {
        self.can_hash() || self.can_judge()
    }

    fn can_judge(&self) -> bool {
        self.is_closed && self.reads_out == 0 && self.arrived.is_empty() && self.verdict.is_none()
    }
}
