//! The plan of a backup: every entry of the sources in walk order, with what is to be done about it.
//!
//! Made once, by the scan; it stays in a spool file so that a run resumed after a crash writes what was
//! planned and not what the sources have become. Files whose content goes to tape are numbered: their
//! *ordinal* is how progress is counted.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::domain::{RunId, SourcePath, VolumeUuid};
use crate::source::{Entry, SkipReason};
use crate::spool::{SpoolError, SpoolReader, SpoolWriter};

/// What is done about one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Action {
    /// The content goes to tape, as file number `ordinal` of the run.
    Store {
        /// Counted from 0, without gaps.
        ordinal: u64,
    },
    /// The content has copies with evidence already; they are referred to.
    Unchanged {
        /// The run that stored it.
        run: RunId,
        /// The volume with it (with its first part) in each copy of the set.
        volumes: Vec<VolumeUuid>,
    },
    /// There is no content of its own (directories, links, devices); what it is goes into the catalog
    /// and the manifest.
    Describe,
    /// As the line before, and the catalog has it already.
    AsBefore {
        /// The run that described it.
        run: RunId,
        /// The volume with its description in each copy of the set.
        volumes: Vec<VolumeUuid>,
    },
}

/// One entry of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlannedEntry {
    /// What the walk found.
    pub entry: Entry,
    /// Its name on the volume, where it differs from its own; what its form appends is not known yet.
    pub stored_name: Option<String>,
    /// What is done about it.
    pub action: Action,
}

/// One step of the plan, as the walk met it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum PlanStep {
    /// A directory begins.
    Enter(PlannedEntry),
    /// Anything that is no directory.
    Entry(PlannedEntry),
    /// The innermost directory ends.
    Leave,
    /// Left out on purpose.
    Skipped {
        /// What.
        path: SourcePath,
        /// Why.
        reason: SkipReason,
    },
    /// Was there in an earlier run, with everything below it, and is not any more.
    Gone {
        /// What.
        path: SourcePath,
    },
    /// Could not be listed or known in full.
    Problem {
        /// Where.
        path: SourcePath,
        /// What the source said.
        reason: String,
    },
}

/// How much a plan holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanTotals {
    /// Files whose content goes to tape.
    pub files_to_store: u64,
    /// Their bytes.
    pub bytes_to_store: u64,
    /// Files that are unchanged.
    pub files_unchanged: u64,
    /// Their bytes.
    pub bytes_unchanged: u64,
    /// Directories, links and everything else without content.
    pub described: u64,
    /// Entries that the walk could not know in full.
    pub problems: u64,
    /// Entries of earlier runs that are not there any more.
    pub gone: u64,
    /// Length of the plan's spool when it was complete.
    pub spool_bytes: u64,
}

impl PlanTotals {
    /// Counts a step.
    pub(super) fn add(&mut self, step: &PlanStep) {
        match step {
            PlanStep::Enter(planned) | PlanStep::Entry(planned) => self.add_entry(planned),
            PlanStep::Problem { .. } => self.problems += 1,
            PlanStep::Gone { .. } => self.gone += 1,
            PlanStep::Leave | PlanStep::Skipped { .. } => {}
        }
    }

    fn add_entry(&mut self, planned: &PlannedEntry) {
        let bytes = planned.entry.size_bytes;
        match planned.action {
            Action::Store { .. } => {
                self.files_to_store += 1;
                self.bytes_to_store += bytes;
            }
            Action::Unchanged { .. } => {
                self.files_unchanged += 1;
                self.bytes_unchanged += bytes;
            }
            Action::Describe => self.described += 1,
            Action::AsBefore { .. } => {}
        }
    }
}

/// What takes the steps of a plan as they are made.
pub(super) trait StepSink {
    /// Totals so far. The number of files to be stored is the ordinal that the next one gets.
    fn totals(&self) -> PlanTotals;

    /// Takes a step.
    fn push(&mut self, step: &PlanStep) -> Result<(), SpoolError>;
}

/// Writes a plan.
#[derive(Debug)]
pub(crate) struct PlanWriter {
    spool: SpoolWriter,
    totals: PlanTotals,
    encoded: Vec<u8>,
}

impl PlanWriter {
    /// Begins a plan, replacing an unfinished one.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub(crate) fn create(path: &Path) -> Result<Self, SpoolError> {
        let spool = SpoolWriter::create(path)?;
        Ok(Self { spool, totals: PlanTotals::default(), encoded: Vec::new() })
    }

    /// Puts the complete plan on disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn finish(mut self) -> Result<PlanTotals, SpoolError> {
        self.spool.sync()?;
        self.totals.spool_bytes = self.spool.len();
        Ok(self.totals)
    }
}

impl StepSink for PlanWriter {
    fn totals(&self) -> PlanTotals {
        self.totals
    }

    fn push(&mut self, step: &PlanStep) -> Result<(), SpoolError> {
        self.totals.add(step);
        self.encoded.clear();
        let encoded = std::mem::take(&mut self.encoded);
        self.encoded = encode(step, encoded);
        self.spool.push(&self.encoded)
    }
}

/// Encoding into memory of plain values cannot fail.
#[expect(
    clippy::expect_used,
    reason = "a growing buffer takes everything, and no type here refuses"
)]
fn encode(step: &PlanStep, buffer: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(step, buffer).expect("plain values can be encoded")
}

/// Reads a plan from its beginning.
#[derive(Debug)]
pub(crate) struct PlanReader {
    spool: SpoolReader,
    /// Where the plan ends: a shorter file has lost steps and is refused.
    spool_bytes: u64,
}

/// A plan cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("the backup's plan cannot be read")]
    Spool(#[from] SpoolError),
    /// A step cannot be understood.
    #[error("the backup's plan holds a step that cannot be understood")]
    Step(#[from] postcard::Error),
    /// The file ends before the plan does.
    #[error("the backup's plan is cut off after {found} of {expected} bytes")]
    CutOff {
        /// Bytes of whole steps.
        found: u64,
        /// Bytes that were written.
        expected: u64,
    },
}

impl PlanReader {
    /// Opens a complete plan.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub(crate) fn open(path: &Path, totals: &PlanTotals) -> Result<Self, PlanError> {
        Ok(Self { spool: SpoolReader::open(path)?, spool_bytes: totals.spool_bytes })
    }

    /// The next step; `None` after the last.
    ///
    /// # Errors
    /// If the plan is damaged or cut off.
    pub(crate) fn next(&mut self) -> Result<Option<PlanStep>, PlanError> {
        if self.spool.position() >= self.spool_bytes {
            return Ok(None);
        }
        let found = self.spool.position();
        match self.spool.next_record()? {
            Some(payload) => Ok(Some(postcard::from_bytes(payload)?)),
            None => Err(PlanError::CutOff { found, expected: self.spool_bytes }),
        }
    }
}
