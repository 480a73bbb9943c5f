//! One copy of the set within a run: its own volumes, and how far down the plan it stands.
//!
//! Copies that stand at the same place are written from one read. One that has lost a cartridge, or had
//! no drive, stands behind the others and is caught up by a read of its own.

use serde::{Deserialize, Serialize};

use super::recorder::Mark;
use super::segment::SegmentState;
use crate::catalog::Catalog;
use crate::domain::{Barcode, CopyLetter};
use crate::jobs::error::JobError;
use crate::stream::SplitState;

/// A copy as the job's checkpoint keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CopyState {
    pub(super) copy: CopyLetter,
    pub(super) segments: Vec<SegmentState>,
    /// Cartridges that the run has filled or failed on for this copy.
    pub(super) tried: Vec<Barcode>,
    /// Those of them that it failed on, with the reason.
    pub(super) given_up: Vec<(Barcode, String)>,
    /// True once the whole plan is on tape and the last volume closed.
    pub(super) is_done: bool,
}

/// A place in the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reached {
    /// The first planned file that is not on tape.
    pub(super) ordinal: u64,
    /// Where it goes on, if its beginning is.
    pub(super) split: Option<SplitState>,
    /// Length of the copy's outcome spool there.
    pub(super) outcome_bytes: u64,
    /// Bytes of the files before it.
    pub(super) bytes: u64,
}

impl Reached {
    /// The order of places in the plan.
    pub(super) fn key(&self) -> (u64, u64, u32) {
        let (offset, part) = self.split.map_or((0, 0), |split| (split.offset, split.part));
        (self.ordinal, offset, part)
    }

    /// The file at which somebody who comes from before can join: its beginning.
    pub(super) fn joins_at(&self) -> u64 {
        self.ordinal + u64::from(self.split.is_some())
    }

    fn of(mark: &Mark) -> Self {
        let Mark { ordinal, split, outcome_bytes, bytes, .. } = *mark;
        Self { ordinal, split, outcome_bytes, bytes }
    }
}

impl CopyState {
    pub(super) fn new(copy: CopyLetter) -> Self {
        Self { copy, segments: Vec::new(), tried: Vec::new(), given_up: Vec::new(), is_done: false }
    }

    /// The segment that was begun and takes more.
    pub(super) fn open_segment(&self) -> Option<usize> {
        let last = self.segments.len().checked_sub(1)?;
        let is_open = !self.tried.contains(&self.segments[last].barcode);
        is_open.then_some(last)
    }

    /// How far the copy is on tape for certain.
    ///
    /// # Errors
    /// If the catalog cannot be read.
    pub(super) fn reached(&self, catalog: &Catalog) -> Result<Reached, JobError> {
        let Some(last) = self.segments.last() else { return Ok(Reached::default()) };
        if last.is_abandoned {
            return Ok(last.start());
        }
        match catalog.segment(last.id)?.checkpoint.resume {
            Some(value) => {
                let mark: Mark = serde_json::from_value(value).map_err(JobError::checkpoint)?;
                Ok(Reached::of(&mark))
            }
            None => Ok(last.start()),
        }
    }
}
