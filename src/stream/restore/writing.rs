//! The writing of a large file, beside its hashing.
//!
//! A tape gives one large file at a time, and the bytes of a file are hashed by one thread in order.
//! If that thread also wrote them, the drive would wait for both. So the pieces of a large file go to
//! two workers: one hashes, the other writes. The file is completed when both are through and the
//! hash is right.

use std::collections::VecDeque;
use std::ops::Range;

use parking_lot::Mutex;

use super::{FileOut, FileOuts, ItemOutcome, ItemResult};
use crate::stream::buffers::Block;
use crate::stream::error::EdgeError;

/// One file being written.
pub(super) struct Writing {
    id: u64,
    size_bytes: u64,
    state: Mutex<WritingState>,
}

struct WritingState {
    pieces: VecDeque<Piece>,
    file: FileState,
    /// What the hashing side has found, once it is through.
    verdict: Option<ItemOutcome>,
    /// A worker has it, or will.
    is_scheduled: bool,
}

struct Piece {
    offset: u64,
    block: Block,
    range: Range<usize>,
}

/// The file: not made (workers make files, not the reader), open, with a worker, or refused.
enum FileState {
    New,
    Open(Box<dyn FileOut>),
    Away,
    Refused(EdgeError),
}

impl Writing {
    /// Of an item with that size, of which nothing is written yet.
    pub(super) fn new(id: u64, size_bytes: u64) -> Self {
        let state = WritingState {
            pieces: VecDeque::new(),
            file: FileState::New,
            verdict: None,
            is_scheduled: false,
        };
        Self { id, size_bytes, state: Mutex::new(state) }
    }

    /// Takes bytes that belong at `offset`. True if a worker has to be told.
    #[must_use]
    pub(super) fn give(&self, offset: u64, block: Block, range: Range<usize>) -> bool {
        let mut state = self.state.lock();
        state.pieces.push_back(Piece { offset, block, range });
        !std::mem::replace(&mut state.is_scheduled, true)
    }

    /// Takes what the hashing side has found; nothing is given after that. True if the caller has to
    /// see to the rest.
    #[must_use]
    pub(super) fn conclude(&self, verdict: ItemOutcome) -> bool {
        let mut state = self.state.lock();
        state.verdict = Some(verdict);
        !std::mem::replace(&mut state.is_scheduled, true)
    }

    /// Writes what was given so far; the result once that was all.
    pub(super) fn advance(&self, outs: Option<&dyn FileOuts>) -> Option<ItemResult> {
        let mut state = self.state.lock();
        let mut file = std::mem::replace(&mut state.file, FileState::Away);
        if matches!(file, FileState::Away) {
            // A worker panicked with it; the stream reports that.
            return None;
        }
        loop {
            let Some(piece) = state.pieces.pop_front() else {
                if let Some(verdict) = state.verdict.take() {
                    drop(state);
                    return Some(self.end(file, verdict, outs));
                }
                state.is_scheduled = false;
                state.file = file;
                return None;
            };
            drop(state);
            file = self.opened(file, outs);
            if let FileState::Open(out) = &mut file
                && let Err(error) = out.write_at(piece.offset, &piece.block[piece.range])
            {
                file = FileState::Refused(error);
            }
            state = self.state.lock();
        }
    }

    fn opened(&self, file: FileState, outs: Option<&dyn FileOuts>) -> FileState {
        let FileState::New = file else { return file };
        match outs.map(|outs| outs.create(self.id)) {
            Some(Ok(out)) => FileState::Open(out),
            Some(Err(error)) => FileState::Refused(error),
            None => FileState::Refused("there is no destination".into()),
        }
    }

    fn end(
        &self,
        file: FileState,
        verdict: ItemOutcome,
        outs: Option<&dyn FileOuts>,
    ) -> ItemResult {
        let is_good = matches!(verdict, ItemOutcome::Ok { .. });
        // A file that is one hole has no piece.
        let file = if is_good { self.opened(file, outs) } else { file };
        let outcome = match file {
            FileState::Refused(error) => ItemOutcome::WriteFailed { error },
            FileState::Open(out) if is_good => match out.finish(self.size_bytes) {
                Ok(()) => verdict,
                Err(error) => ItemOutcome::WriteFailed { error },
            },
            _ => verdict,
        };
        ItemResult { id: self.id, outcome }
    }
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writing").field("id", &self.id).finish_non_exhaustive()
    }
}
