//! One drive's thread: takes staged blocks in order, puts them, tells the sink which files ended.

use std::sync::Arc;

use super::error::EdgeError;
use super::plan::{FileOutcome, FileRecord, Part, PlannedFile, SplitState};
use super::run::Run;
use super::sink::{BlockSink, PutOutcome, SinkEnd, SinkEndReason};
use super::stage::{Stage, Taken};

/// Feeds one sink until the stream ends, the sink wants no more, or it is called to halt.
pub(super) struct Outlet<'a> {
    run: &'a Run,
    stage: &'a Arc<Stage>,
    index: usize,
    sink: &'a mut dyn BlockSink,
    end: SinkEnd,
    is_idle_told: bool,
}

/// Why the loop of an outlet ends.
type Reason = SinkEndReason;

impl<'a> Outlet<'a> {
    pub(super) fn new(
        run: &'a Run,
        stage: &'a Arc<Stage>,
        index: usize,
        sink: &'a mut dyn BlockSink,
    ) -> Self {
        let end = SinkEnd {
            block_count: 0,
            bytes: 0,
            record_count: 0,
            next_ordinal: 0,
            resume: None,
            why: SinkEndReason::Cancelled,
        };
        Self { run, stage, index, sink, end, is_idle_told: false }
    }

    /// Runs to the end. `first` is the first planned file, once there is one.
    pub(super) fn run(mut self, first: &dyn Fn() -> Option<(u64, Option<SplitState>)>) -> SinkEnd {
        let why = self.feed().unwrap_or_else(SinkEndReason::Failed);
        let is_failed = matches!(why, SinkEndReason::Failed(_));
        self.end.why = why;
        if !is_failed && let Err(error) = self.sink.finish() {
            self.end.why = SinkEndReason::Failed(error);
        }
        self.stage.leave(self.index);
        if self.end.record_count == 0
            && let Some((ordinal, continuation)) = first()
        {
            self.end.next_ordinal = ordinal;
            self.end.resume = continuation;
        }
        self.end
    }

    fn feed(&mut self) -> Result<Reason, EdgeError> {
        loop {
            match self.stage.take(self.index) {
                Taken::Ended => return Ok(SinkEndReason::Complete),
                Taken::Stand => {
                    self.tell_idle()?;
                    self.stage.wait_for_change();
                }
                Taken::Interrupted => {
                    if self.run.is_halted() || self.run.control.is_cancelled() {
                        return Ok(SinkEndReason::Cancelled);
                    }
                    self.tell_idle()?;
                    self.run.gauges.update_drive(self.index, |drive| drive.is_running = false);
                    self.run.control.checkpoint();
                }
                Taken::Entry { block, records } => {
                    let mut reason = None;
                    if let Some((sequence, block)) = block {
                        self.is_idle_told = false;
                        let outcome = self.sink.put_block(sequence, &block)?;
                        let is_accepted =
                            !matches!(outcome, PutOutcome::Full { is_accepted: false });
                        if is_accepted {
                            self.count_block(block.len() as u64);
                        }
                        reason = match outcome {
                            PutOutcome::Continue => None,
                            PutOutcome::Full { is_accepted: false } => {
                                return Ok(SinkEndReason::Full);
                            }
                            PutOutcome::Full { is_accepted: true } => Some(SinkEndReason::Full),
                            PutOutcome::Stop => Some(SinkEndReason::Stopped),
                        };
                    }
                    for record in records.iter() {
                        self.sink.file_done(record)?;
                        self.count_record(record);
                    }
                    self.sink.block_done();
                    self.stage.taken(self.index);
                    if let Some(reason) = reason {
                        return Ok(reason);
                    }
                }
            }
        }
    }

    /// Once for each time that the drive stands still.
    fn tell_idle(&mut self) -> Result<(), EdgeError> {
        if self.is_idle_told || self.end.block_count == 0 {
            return Ok(());
        }
        self.is_idle_told = true;
        self.sink.idle()
    }

    fn count_block(&mut self, bytes: u64) {
        self.end.block_count += 1;
        self.end.bytes += bytes;
        let total = self.end.bytes;
        self.run.gauges.update_drive(self.index, |drive| drive.bytes = total);
    }

    fn count_record(&mut self, record: &FileRecord) {
        let stored = match &record.outcome {
            FileOutcome::Stored(stored) => Some(stored),
            FileOutcome::Changed { fuzzy, .. } => fuzzy.as_ref(),
            FileOutcome::Vanished | FileOutcome::Unreadable { .. } => None,
        };
        let next = stored.and_then(|stored| stored.part).and_then(|part: Part| part.next);
        let is_stored = matches!(record.outcome, FileOutcome::Stored(_));
        self.end.record_count += 1;
        self.end.resume = next.filter(|_| is_stored);
        self.end.next_ordinal = match self.end.resume {
            Some(_) => record.ordinal,
            None => record.ordinal + 1,
        };
    }
}

impl std::fmt::Debug for Outlet<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").field("index", &self.index).field("end", &self.end).finish()
    }
}

/// What is remembered of the first planned file, for sinks that were told of none.
pub(super) fn first_of(file: &PlannedFile) -> (u64, Option<SplitState>) {
    (file.ordinal, file.continuation)
}
