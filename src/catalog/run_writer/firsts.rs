//! Which versions the writers of a run have just stored, for the copy that brings the same files next.
//!
//! Drives that are fed by one read bring the same rows, one a moment after the other. Where the second joins
//! a version it has to know what the first wrote; looking for each would cost more than the row itself.
//!
//! What is remembered counts only while the catalog is as it was left: the connection counts the rows that it
//! changes, and if it has changed any but for a run writer, everything is forgotten. Whoever finds nothing
//! here looks into the catalog. Used with the catalog's writer held, so by one thread at a time.

use std::collections::{BTreeMap, VecDeque};

use smallvec::SmallVec;

use super::super::ids::CopyId;
use super::BATCH_COPIES;
use crate::domain::CopyLetter;

/// Versions of a run that are remembered: as far as one drive may be behind the other, in batches.
const ROWS_MAX: usize = 4 * BATCH_COPIES;
/// Rows that are looked through for the next one: the copies bring the same in the same order, but for the few
/// that others had to write in between.
const ROWS_LOOKED_AT: usize = 16;
/// Names up to this length take no memory of their own.
const NAME_BYTES: usize = 24;

/// What a version says of its first copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstCopy {
    pub(super) copy: CopyId,
    pub(super) letter: CopyLetter,
    /// The digest of the whole file, where it is known.
    pub(super) sha256: Option<[u8; 32]>,
}

/// A version that was stored.
#[derive(Debug)]
struct StoredVersion {
    ordinal: u64,
    dir: i64,
    name: SmallVec<[u8; NAME_BYTES]>,
    first: FirstCopy,
}

/// Versions of one run, by their place in its plan.
#[derive(Debug, Default)]
pub(super) struct RunFirsts {
    rows: VecDeque<StoredVersion>,
    /// Where the next one that is asked for is expected; not known at the beginning of a batch.
    at: Option<usize>,
}

/// What is remembered of all runs that are being written in several copies.
#[derive(Debug, Default)]
pub(in super::super) struct Firsts {
    /// Changes of the connection when the last of them was stored.
    changes: u64,
    runs: BTreeMap<i64, RunFirsts>,
}

impl Firsts {
    /// A transaction of a run writer begins, after so many changes.
    pub(super) fn note_begin(&mut self, changes: u64) {
        if self.changes != changes {
            self.runs.clear();
        }
    }

    /// It has ended: after so many changes, or undone.
    pub(super) fn note_end(&mut self, changes: Option<u64>) {
        match changes {
            Some(changes) => self.changes = changes,
            None => self.runs.clear(),
        }
    }

    /// What is remembered of a run.
    pub(super) fn of_run(&mut self, run: i64) -> &mut RunFirsts {
        self.runs.entry(run).or_default()
    }

    /// A writer of the run has ended.
    pub(super) fn forget(&mut self, run: i64) {
        self.runs.remove(&run);
    }
}

impl RunFirsts {
    /// Somebody begins to ask, from anywhere in the plan.
    pub(super) fn begin_batch(&mut self) {
        self.at = None;
    }

    /// What is known of the first copy of a version that copy `letter` joins, to be kept true. Asked in the
    /// order of the plan.
    pub(super) fn find(
        &mut self,
        ordinal: u64,
        (dir, name): (i64, &[u8]),
        letter: CopyLetter,
    ) -> Option<&mut FirstCopy> {
        let (mut at, rows_max) = match self.at {
            Some(at) => (at, ROWS_LOOKED_AT),
            None => (self.rows.partition_point(|row| row.ordinal < ordinal), usize::MAX),
        };
        while self.rows.get(at).is_some_and(|row| row.ordinal < ordinal) {
            at += 1;
        }
        self.at = Some(at);
        // What has no content has no number of its own, but that of the file after it.
        let same = self.rows.range(at..).take_while(|row| row.ordinal == ordinal);
        let mut same = same.take(rows_max);
        at += same.position(|row| row.dir == dir && row.name[..] == *name)?;
        self.at = Some(at + 1);
        if self.rows[at].first.letter == letter {
            // It comes once more, so what was remembered is not true any more.
            self.rows.clear();
            self.at = None;
            return None;
        }
        Some(&mut self.rows[at].first)
    }

    /// Adds a version, unless it lies before the last in the plan.
    pub(super) fn add(&mut self, ordinal: u64, (dir, name): (i64, &[u8]), first: FirstCopy) {
        if self.rows.back().is_some_and(|last| last.ordinal > ordinal) {
            return;
        }
        if self.rows.len() == ROWS_MAX {
            self.rows.pop_front();
            self.at = self.at.map(|at| at.saturating_sub(1));
        }
        self.rows.push_back(StoredVersion { ordinal, dir, name: name.into(), first });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::SegmentId;

    const RUN: i64 = 7;

    fn first(letter: CopyLetter, sequence: u64) -> FirstCopy {
        let copy = CopyId::new(SegmentId(i64::from(letter.number()) + 1), sequence);
        FirstCopy { copy, letter, sha256: None }
    }

    /// Files of copy A in folder 1, and a folder between them that has the number of the file after it.
    fn stored() -> Firsts {
        let mut firsts = Firsts::default();
        firsts.note_begin(0);
        let run = firsts.of_run(RUN);
        for (sequence, (ordinal, name)) in
            [(0, "a"), (1, "d"), (1, "e"), (2, "f")].iter().enumerate()
        {
            run.add(*ordinal, (1, name.as_bytes()), first(CopyLetter::A, sequence as u64));
        }
        firsts.note_end(Some(4));
        firsts
    }

    #[test]
    fn another_copy_finds_in_its_order_what_was_stored_and_skips_what_it_does_not_have() {
        let mut firsts = stored();
        firsts.note_begin(4);
        let run = firsts.of_run(RUN);
        run.begin_batch();
        let mut find = |ordinal, name: &[u8]| run.find(ordinal, (1, name), CopyLetter::B).copied();
        assert_eq!(find(1, b"e"), Some(first(CopyLetter::A, 2)));
        assert_eq!(find(1, b"another"), None);
        assert_eq!(find(2, b"f"), Some(first(CopyLetter::A, 3)));
        assert_eq!(find(3, b"g"), None);
        run.begin_batch();
        assert_eq!(run.find(1, (2, b"d"), CopyLetter::B), None, "in another folder");
        run.add(0, (1, b"a"), first(CopyLetter::B, 0));
        assert_eq!(run.rows.len(), 4, "it lies before the last");
    }

    #[test]
    fn everything_is_forgotten_after_a_change_of_others_and_an_undone_transaction() {
        let count = |firsts: &mut Firsts| firsts.of_run(RUN).rows.len();
        let mut firsts = stored();
        firsts.note_begin(5);
        assert_eq!(count(&mut firsts), 0, "somebody has changed a row");
        let mut firsts = stored();
        firsts.note_begin(4);
        firsts.note_end(None);
        firsts.note_begin(4);
        assert_eq!(count(&mut firsts), 0, "what was undone");
        let mut firsts = stored();
        let run = firsts.of_run(RUN);
        run.begin_batch();
        assert_eq!(run.find(0, (1, b"a"), CopyLetter::A), None, "copy A is written once more");
        assert_eq!(count(&mut firsts), 0);
    }

    #[test]
    fn only_as_many_are_remembered_as_a_drive_may_be_behind() {
        let mut run = RunFirsts::default();
        for ordinal in 0..ROWS_MAX as u64 + 3 {
            run.add(ordinal, (1, b"x"), first(CopyLetter::A, ordinal));
        }
        assert_eq!(run.rows.len(), ROWS_MAX);
        run.begin_batch();
        assert_eq!(run.find(2, (1, b"x"), CopyLetter::B), None);
        let oldest = run.find(3, (1, b"x"), CopyLetter::B).copied();
        assert_eq!(oldest, Some(first(CopyLetter::A, 3)));
    }

    /// Links have no content, and all of them the number of the next file: a batch may begin among them.
    #[test]
    fn a_batch_that_begins_among_links_finds_its_place_and_goes_on_from_there() {
        const LINKS: u64 = 1000;
        let mut run = RunFirsts::default();
        for link in 0..LINKS {
            run.add(5, (1, link.to_string().as_bytes()), first(CopyLetter::A, link));
        }
        run.begin_batch();
        for link in 300..LINKS {
            let found = run.find(5, (1, link.to_string().as_bytes()), CopyLetter::B).copied();
            assert_eq!(found, Some(first(CopyLetter::A, link)));
            assert_eq!(run.at, usize::try_from(link + 1).ok(), "nothing is looked through twice");
        }
    }
}
