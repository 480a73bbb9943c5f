//! Copies, outcomes and departures that wait for their transaction.
//!
//! Ten thousand small allocations a batch would cost more than the batch: names and blobs lie one
//! behind the other in one buffer that is used again.

use std::ops::Range;
use std::time::Duration;

use super::super::files::{FileKind, OutcomeState};
use super::CopyPart;

/// Rows that wait for their transaction; names and blobs lie one behind the other in `bytes`.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// When the first of them came.
    pub(super) began: Duration,
    /// The number of the copy after the last.
    pub(super) until: u64,
    pub(super) copies: Vec<PendingCopy>,
    pub(super) outcomes: Vec<PendingOutcome>,
    pub(super) gone: Vec<Range<usize>>,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct PendingCopy {
    pub(super) ordinal: u64,
    pub(super) sequence: u64,
    pub(super) path: Range<usize>,
    pub(super) kind: FileKind,
    pub(super) size: u64,
    pub(super) modified: i64,
    pub(super) changed: Option<i64>,
    pub(super) inode: Option<i64>,
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) attributes: Range<usize>,
    pub(super) detail: Option<Range<usize>>,
    pub(super) extents: Range<usize>,
    pub(super) codec: Option<(Range<usize>, u64, [u8; 32])>,
    pub(super) part: Option<CopyPart>,
    pub(super) stored_path: Option<Range<usize>>,
}

#[derive(Debug)]
pub(super) struct PendingOutcome {
    pub(super) ordinal: u64,
    pub(super) path: Range<usize>,
    pub(super) state: OutcomeState,
    pub(super) reason: Range<usize>,
    pub(super) size: u64,
}

impl Batch {
    pub(super) fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    pub(super) fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }

    pub(super) fn rows(&self) -> usize {
        self.copies.len() + self.outcomes.len() + self.gone.len()
    }

    /// The place in the plan of the last copy.
    pub(super) fn last_ordinal(&self) -> Option<u64> {
        self.copies.last().map(|copy| copy.ordinal)
    }

    pub(super) fn clear(&mut self) {
        self.copies.clear();
        self.outcomes.clear();
        self.gone.clear();
        self.bytes.clear();
    }
}
