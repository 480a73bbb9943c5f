//! Taking a segment's notes up again: the plan is walked to where the notes end, and nothing is noted.
//!
//! The walk only finds out which directories are open there and which of them are on the volume
//! already, by the same rule by which [`Recorder`] put them there, and where files with several names lie.

use std::collections::HashMap;

use super::cursor::{Met, PlanCursor};
use super::entries::{is_on_volume, mark_entered};
use super::outcomes::{OutcomeReader, OutcomeWriter, RecordedFile, RecordedResult};
use super::plan::{Action, PlannedEntry};
use super::recorder::{EmptyFolders, Linked, Mark, Recorder, RecorderContext, RecorderCounts};
use crate::catalog::RunWriter;
use crate::domain::BlockNumber;
use crate::jobs::description::SharedText;
use crate::jobs::error::JobError;
use crate::ltfs::extent::Extent;
use crate::ltfs::spool::BulkSpool;

impl Recorder {
    /// Goes on at `mark`: walks the plan up to there without noting anything.
    ///
    /// # Errors
    /// If the plan cannot be read.
    pub(super) fn resume(
        cursor: PlanCursor,
        (bulk, outcomes, catalog): (BulkSpool, OutcomeWriter, RunWriter),
        context: RecorderContext,
        mark: Mark,
        segment_start: u64,
    ) -> Result<Self, JobError> {
        let mut recorder = Self {
            cursor,
            bulk,
            outcomes,
            catalog,
            context,
            mark,
            counts: RecorderCounts::default(),
            split: None,
            linked: HashMap::new(),
            shared: SharedText::default(),
        };
        recorder.walk_to(mark.ordinal, segment_start)?;
        if mark.split.is_some() {
            recorder.pass_to_split()?;
        }
        Ok(recorder)
    }

    /// Walks to just behind the file before `ordinal`. What lies in the part before `segment_start`
    /// is on earlier volumes; directories entered after it are on this one.
    fn walk_to(&mut self, ordinal: u64, segment_start: u64) -> Result<(), JobError> {
        if ordinal == 0 {
            return Ok(());
        }
        let keeps_empty = self.context.empty_folders == EmptyFolders::Kept;
        let mut outcomes = None;
        let mut at = 0;
        loop {
            match self.cursor.advance()? {
                Met::File(planned) => {
                    if at >= segment_start {
                        mark_entered(&mut self.cursor);
                    }
                    if let Action::Store { ordinal: number } = planned.action {
                        at = number + 1;
                        if number >= segment_start && planned.entry.links > 1 {
                            let outcomes = match &mut outcomes {
                                Some(outcomes) => outcomes,
                                none => none.insert(OutcomeReader::open(self.outcomes.path())?),
                            };
                            self.remember_names(&planned, &outcomes.take(number)?);
                        }
                    }
                    if at >= ordinal {
                        return Ok(());
                    }
                }
                Met::Described(planned) => {
                    let is_here = at >= segment_start && is_on_volume(&planned);
                    if is_here && planned.action == Action::Describe {
                        mark_entered(&mut self.cursor);
                    }
                }
                Met::Left(directory) if at >= segment_start && keeps_empty => {
                    if !directory.is_entered {
                        mark_entered(&mut self.cursor);
                    }
                }
                Met::End => return Ok(()),
                Met::Entered
                | Met::Left(_)
                | Met::Gone(_)
                | Met::Problem { .. }
                | Met::NotKnown => {}
            }
        }
    }

    /// Keeps where a file with several names lies, if it is here in one piece.
    fn remember_names(&mut self, planned: &PlannedEntry, records: &[RecordedFile]) {
        let here = |record: &&RecordedFile| record.segment == self.context.segment_number;
        let Some(record) = records.iter().rfind(here) else { return };
        let RecordedResult::Stored(copy) = &record.result else { return };
        if copy.part.is_some() {
            return;
        }
        let extent =
            |&(block, byte_offset, byte_count, file_offset): &(u64, u32, u64, u64)| Extent {
                file_offset,
                start_block: BlockNumber(block),
                byte_count,
                byte_offset,
                partition: self.context.data_partition_id,
            };
        let linked = Linked {
            length: copy.transformed.map_or(copy.size_bytes, |form| form.stored_bytes),
            extents: copy.extents.iter().map(extent).collect(),
            form: copy.form(),
        };
        self.linked.insert(planned.entry.path.clone(), linked);
    }

    /// Goes to the file that is split: what stands before it was noted with its first part.
    fn pass_to_split(&mut self) -> Result<(), JobError> {
        loop {
            match self.cursor.advance()? {
                Met::File(planned) => {
                    self.split = Some(planned);
                    return Ok(());
                }
                Met::End => return Err(JobError::out_of_step(self.mark.ordinal)),
                _ => {}
            }
        }
    }
}
