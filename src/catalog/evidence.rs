//! What is proven of a segment's copies: pure logic over the acts that were recorded.
//!
//! Acts are recorded by ranges of copies, so that "ten million files are indexed" is one row. They
//! count in the order in which they were recorded:
//!
//! - `say` raises the copies of its range to a state; it never lowers one.
//! - `revoke` lowers them to at most the state that remains true (a deferred error leaves `planned`; a
//!   lost index leaves `flushed`). What is said later counts again.
//! - `fail` marks them failed, with a reason. A failed copy stays failed, whatever is said of ranges
//!   around it, until a *later, other* job has read it back: the job that found the failure cannot
//!   wipe it out by saying "read back" of the whole volume.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::domain::JobId;

use super::text_enum::text_enum;

text_enum! {
    /// How much is proven of a copy. Each state includes those before it.
    EvidenceState {
        /// It is to be written, or nothing more is proven.
        Planned = "planned",
        /// The drive took it.
        Written = "written",
        /// A synchronous filemark after it succeeded.
        Flushed = "flushed",
        /// It is in an index on both partitions, and the coherency attributes say so.
        Indexed = "indexed",
        /// Read again after the cartridge had left the drive; the hash agreed.
        ReadBack = "read_back",
        /// Restored by a drill.
        Proven = "proven",
    }
}

text_enum! {
    /// What a recorded act does.
    EvidenceAct {
        /// Raises to a state.
        Say = "say",
        /// Lowers to at most a state.
        Revoke = "revoke",
        /// Marks as failed.
        Fail = "fail",
    }
}

/// One recorded act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRecord {
    /// What it does.
    pub act: EvidenceAct,
    /// The state it raises to, or lowers to. Of no meaning for `Fail`.
    pub state: EvidenceState,
    /// The copies it is about, by their place in the segment.
    pub range: Range<u64>,
    /// The job that recorded it.
    pub job: Option<JobId>,
    /// Why, for `Revoke` and `Fail`.
    pub reason: Option<String>,
}

/// What counts for a copy in the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effective {
    /// It was found bad, and no other job has read it since.
    Failed {
        /// Why.
        reason: String,
    },
    /// The state it has reached.
    State(EvidenceState),
}

impl Effective {
    /// The state that may be relied on: that of a failed copy is `Planned`.
    #[must_use]
    pub fn state(&self) -> EvidenceState {
        match self {
            Self::State(state) => *state,
            Self::Failed { .. } => EvidenceState::Planned,
        }
    }

    /// True if at least `state` is proven of the copy.
    #[must_use]
    pub fn is_at_least(&self, state: EvidenceState) -> bool {
        matches!(self, Self::State(reached) if *reached >= state)
    }
}

/// The effective evidence of all copies of one segment.
#[derive(Clone, Debug, Default)]
pub struct SegmentEvidence {
    /// Start of each stretch of equal evidence; a stretch ends where the next begins.
    stretches: BTreeMap<u64, Stretch>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stretch {
    state: EvidenceState,
    failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    job: Option<JobId>,
    reason: String,
}

impl Stretch {
    const NOTHING: Self = Self { state: EvidenceState::Planned, failure: None };

    fn apply(&mut self, record: &EvidenceRecord) {
        match record.act {
            EvidenceAct::Say => {
                self.state = self.state.max(record.state);
                let is_healed = record.state >= EvidenceState::ReadBack
                    && self.failure.as_ref().is_some_and(|failure| {
                        record.job.is_some() && failure.job.is_some() && record.job != failure.job
                    });
                if is_healed {
                    self.failure = None;
                }
            }
            EvidenceAct::Revoke => self.state = self.state.min(record.state),
            EvidenceAct::Fail => {
                let reason = record.reason.clone().unwrap_or_else(|| "unknown".to_owned());
                self.failure = Some(Failure { job: record.job, reason });
            }
        }
    }

    fn effective(&self) -> Effective {
        match &self.failure {
            Some(failure) => Effective::Failed { reason: failure.reason.clone() },
            None => Effective::State(self.state),
        }
    }
}

impl SegmentEvidence {
    /// The effect of all acts, given in the order in which they were recorded.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a EvidenceRecord>) -> Self {
        let mut evidence = Self::default();
        for record in records {
            evidence.apply(record);
        }
        evidence
    }

    /// Adds one act, recorded after all others.
    pub fn apply(&mut self, record: &EvidenceRecord) {
        if record.range.is_empty() {
            return;
        }
        self.split_at(record.range.start);
        self.split_at(record.range.end);
        for (_, stretch) in self.stretches.range_mut(record.range.clone()) {
            stretch.apply(record);
        }
        self.join_around(&record.range);
    }

    /// What counts for the copy at `sequence`.
    #[must_use]
    pub fn effective(&self, sequence: u64) -> Effective {
        self.stretch_at(sequence).effective()
    }

    /// The stretches of equal evidence within `0..end`, in order, without gaps.
    #[must_use]
    pub fn ranges(&self, end: u64) -> Vec<(Range<u64>, Effective)> {
        let mut ranges: Vec<(Range<u64>, Effective)> = Vec::new();
        let mut from = 0;
        let mut current = Stretch::NOTHING.effective();
        for (&start, stretch) in self.stretches.range(..end) {
            if start > from {
                ranges.push((from..start, current));
            }
            from = start;
            current = stretch.effective();
        }
        if from < end {
            ranges.push((from..end, current));
        }
        ranges
    }

    fn stretch_at(&self, sequence: u64) -> &Stretch {
        let before = self.stretches.range(..=sequence).next_back();
        before.map_or(&Stretch::NOTHING, |(_, stretch)| stretch)
    }

    fn split_at(&mut self, sequence: u64) {
        if !self.stretches.contains_key(&sequence) {
            let stretch = self.stretch_at(sequence).clone();
            self.stretches.insert(sequence, stretch);
        }
    }

    /// Removes boundaries between equal stretches, so the map stays as small as what it says.
    fn join_around(&mut self, range: &Range<u64>) {
        let mut previous = match self.stretches.range(..range.start).next_back() {
            Some((_, stretch)) => stretch.clone(),
            None => Stretch::NOTHING,
        };
        let mut needless = Vec::new();
        for (&start, stretch) in self.stretches.range(range.start..=range.end) {
            if *stretch == previous {
                needless.push(start);
            } else {
                previous = stretch.clone();
            }
        }
        for start in needless {
            self.stretches.remove(&start);
        }
    }
}

/// What counts for a file with several copies and parts: of each part the best copy, of the parts the
/// worst. `parts` holds the effective evidence of the copies of each part; a missing part is an empty
/// list and counts as planned.
#[must_use]
pub fn effective_of_file(parts: &[Vec<Effective>]) -> Effective {
    let planned = Effective::State(EvidenceState::Planned);
    let best = |copies: &Vec<Effective>| copies.iter().max().cloned().unwrap_or(planned.clone());
    parts.iter().map(best).min().unwrap_or(planned.clone())
}

#[cfg(test)]
mod tests;
