//! Whose turn it is to store: of the copies that are written side by side, the one of the lowest letter goes
//! first.
//!
//! A version names that copy. Where another one is stored before it, the row of each version has to be found
//! once more and changed, which costs more than the row of a copy does. So the others hold back a batch until
//! the first copy has stored what it joins, or is too far behind to be waited for.

use std::collections::BTreeMap;

use crate::domain::CopyLetter;

/// How far the open writers have come with storing, by run and copy.
#[derive(Debug, Default)]
pub(in super::super) struct Turns {
    /// The place in the plan of the last copy that was stored; nothing before the first batch.
    stored: BTreeMap<(i64, CopyLetter), Option<u64>>,
}

impl Turns {
    /// A writer of the run begins.
    pub(super) fn begin(&mut self, run: i64, letter: CopyLetter) {
        self.stored.insert((run, letter), None);
    }

    /// It has ended.
    pub(super) fn end(&mut self, run: i64, letter: CopyLetter) {
        self.stored.remove(&(run, letter));
    }

    /// It has stored its copies up to and with this place in the plan.
    pub(super) fn note(&mut self, run: i64, letter: CopyLetter, ordinal: u64) {
        if let Some(stored) = self.stored.get_mut(&(run, letter)) {
            *stored = (*stored).max(Some(ordinal));
        }
    }

    /// Whether it is a copy's turn to store a batch whose last place in the plan is `ordinal`.
    pub(super) fn has_come(&self, run: i64, letter: CopyLetter, ordinal: Option<u64>) -> bool {
        let mut lower = self.stored.range((run, CopyLetter::A)..(run, letter));
        // What has no content has the number of the file after it: more rows of that number may follow.
        lower.next().is_none_or(|(_, stored)| *stored > ordinal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: i64 = 7;

    #[test]
    fn the_lowest_letter_that_is_being_written_goes_first() {
        let (a, b, c) = (CopyLetter::A, CopyLetter::B, CopyLetter::from_number(2).unwrap());
        let mut turns = Turns::default();
        turns.begin(RUN, c);
        assert!(turns.has_come(RUN, c, Some(5)));
        turns.begin(RUN, a);
        turns.begin(RUN, b);
        assert!(turns.has_come(RUN, a, Some(5)));
        assert!(!turns.has_come(RUN, b, Some(5)));
        turns.note(RUN, b, 9);
        turns.note(RUN, a, 5);
        assert!(!turns.has_come(RUN, b, Some(5)), "more of that number may follow");
        assert!(turns.has_come(RUN, c, Some(4)));
        assert!(turns.has_come(RUN, b, None), "no copies in it");
        assert!(turns.has_come(RUN + 1, b, Some(5)), "of another run");
        turns.end(RUN, a);
        assert!(turns.has_come(RUN, b, Some(5)));
        assert!(!turns.has_come(RUN, c, Some(9)));
    }
}
