//! What was found of one segment's copies so far, said in the catalog by ranges as the job goes on.
//!
//! Results come as files are done, not in the order of the tape. The tracker holds the copies that are
//! under way, and says of everything before the first of them what is true: stretches that agreed become
//! *read back*, each copy that did not is failed with its reason. After a kill the next start goes on at
//! the place of the last commit, and what had been found beyond it was said nowhere.

use std::collections::{BTreeSet, VecDeque};
use std::fs::OpenOptions;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::State;
use crate::catalog::{CopyId, EventLevel, FileKind, LocatedCopy, SegmentId};
use crate::domain::{Barcode, SourcePath};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::keys::KeyId;
use crate::stream::{ItemOutcome, ItemResult};

/// Copies after which the catalog hears of them: one transaction, about 100 ms.
const COMMIT_COPIES: u64 = 20_000;
/// It hears sooner from large files: what a kill costs is read again.
const COMMIT_AGE: Duration = Duration::from_secs(10);

/// What was found of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is as it was stored.
    Good,
    /// It is not, or cannot be read.
    Failed(String),
    /// Nothing can be said of it: it is in a manifest that cannot be relied on.
    Open,
}

/// A copy that was begun.
#[derive(Debug)]
struct Begun {
    sequence: u64,
    path: Vec<u8>,
    bytes: u64,
    is_file: bool,
    verdict: Option<Verdict>,
}

/// Ranges that agreed, and copies that did not with the reason.
pub(super) type Findings = (Vec<(u64, u64)>, Vec<(u64, String)>);

/// One line of the notes from which the segment's receipt is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    ReadBack(u64, u64),
    Failed(u64, String),
}

/// How the parts of split files count as files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartCount {
    /// A file counts once, with its first part.
    FirstOnly,
    /// Each part counts: the cartridge is what is verified.
    Each,
}

/// Follows the reading of one segment.
#[derive(Debug)]
pub(super) struct Tracker<'a> {
    context: &'a JobContext,
    state: &'a mut State,
    segment: SegmentId,
    /// Whether the volume as a whole allows saying *read back* at all.
    may_say: bool,
    part_count: PartCount,
    window: VecDeque<Begun>,
    good: Vec<Range<u64>>,
    failed: Vec<(CopyId, String)>,
    /// Everything before this copy has its verdict.
    settled: u64,
    since_commit: u64,
    committed_at: Duration,
    notes: PathBuf,
    pub(super) failure: Option<JobError>,
    /// Data keys that were missing to look into what was read.
    unopened: BTreeSet<KeyId>,
}

impl<'a> Tracker<'a> {
    /// Goes on at `from`.
    pub(super) fn new(
        context: &'a JobContext,
        state: &'a mut State,
        segment: SegmentId,
        from: u64,
        may_say: bool,
        part_count: PartCount,
    ) -> Self {
        let notes = context.parts.folders.job(context.id).join(format!("segment-{segment}.jsonl"));
        Self {
            context,
            state,
            segment,
            may_say,
            part_count,
            window: VecDeque::new(),
            good: Vec::new(),
            failed: Vec::new(),
            settled: from,
            since_commit: 0,
            committed_at: context.parts.clock.elapsed(),
            notes,
            failure: None,
            unopened: BTreeSet::new(),
        }
    }

    /// A copy is begun. Copies come in the order of the segment.
    pub(super) fn begin(&mut self, located: &LocatedCopy) {
        let sequence = located.copy.id.sequence();
        let bytes = located.copy.part.map_or(located.version.size.0, |part| part.size.0);
        let part = located.copy.part.filter(|_| self.part_count == PartCount::FirstOnly);
        let is_file =
            located.version.kind == FileKind::File && part.is_none_or(|part| part.number == 1);
        let path = located.path.clone();
        let bytes = if located.version.kind == FileKind::File { bytes } else { 0 };
        self.window.push_back(Begun { sequence, path, bytes, is_file, verdict: None });
    }

    /// A copy has its verdict.
    pub(super) fn end(&mut self, sequence: u64, verdict: Verdict) {
        let at = self.window.binary_search_by_key(&sequence, |begun| begun.sequence);
        let Some(begun) = at.ok().and_then(|at| self.window.get_mut(at)) else { return };
        begun.verdict = Some(verdict);
        self.settle();
        if self.is_due() {
            self.commit_now();
        }
    }

    /// The data path has read a copy.
    pub(super) fn take(&mut self, ItemResult { id, outcome }: ItemResult) {
        let found = match outcome {
            ItemOutcome::Ok { .. } => Verdict::Good,
            // What the signed manifest says of the tape is true; what is in it only the key could show.
            ItemOutcome::Unopened { key } => {
                self.unopened.insert(key);
                Verdict::Good
            }
            ItemOutcome::Mismatch { expected, got } => {
                Verdict::Failed(format!("its SHA-256 is {got}, and was {expected}"))
            }
            ItemOutcome::Undecodable { reason } => Verdict::Failed(reason),
            ItemOutcome::ReadError { partition, block, error } => {
                Verdict::Failed(format!("block {block} of partition {partition}: {error}"))
            }
            ItemOutcome::WriteFailed { error } => {
                Verdict::Failed(format!("a defect in this program: {error}"))
            }
            ItemOutcome::NotRead => return,
        };
        self.end(id, found);
    }

    /// Says of what only the stored bytes were compared.
    pub(super) fn tell_of_unopened(&self, barcode: &Barcode) {
        for key in &self.unopened {
            let message = format!(
                "what is sealed with data key {key} on {barcode} is as it was written; the key is not \
                 here, so its content was not looked at. `fossilsafe kit open` brings the key back"
            );
            self.context.tell(EventLevel::Warning, "key_missing", message);
        }
    }

    fn settle(&mut self) {
        while self.window.front().is_some_and(|begun| begun.verdict.is_some()) {
            let Some(begun) = self.window.pop_front() else { return };
            self.settled = begun.sequence + 1;
            self.since_commit += 1;
            let outcome = &mut self.state.outcome;
            match begun.verdict {
                Some(Verdict::Good) if self.may_say => {
                    outcome.files += u64::from(begun.is_file);
                    outcome.bytes += begun.bytes;
                    match self.good.last_mut() {
                        Some(last) if last.end == begun.sequence => last.end += 1,
                        _ => self.good.push(begun.sequence..begun.sequence + 1),
                    }
                }
                Some(Verdict::Failed(reason)) => {
                    if let Ok(path) = SourcePath::from_bytes(begun.path) {
                        outcome.add_problem(&path, "failed", reason.clone());
                    }
                    self.failed.push((CopyId::new(self.segment, begun.sequence), reason));
                }
                _ => {}
            }
            self.state.entries_done += 1;
        }
    }

    fn is_due(&self) -> bool {
        let age = self.context.parts.clock.elapsed().saturating_sub(self.committed_at);
        self.since_commit >= COMMIT_COPIES || (self.since_commit > 0 && age >= COMMIT_AGE)
    }

    /// Commits, and keeps a failure for later: results come where nothing can be returned.
    fn commit_now(&mut self) {
        if let Err(error) = self.commit() {
            self.failure.get_or_insert(error);
        }
    }

    /// Says in the catalog what is settled, and from where to go on.
    ///
    /// # Errors
    /// If the catalog or the notes cannot be written.
    pub(super) fn commit(&mut self) -> Result<(), JobError> {
        self.note()?;
        self.state.next.insert(self.segment.0, self.settled);
        let (entries, bytes) = (self.state.entries_done, self.state.outcome.bytes);
        self.context.update(|progress| {
            progress.files_done = entries;
            progress.bytes_done = bytes;
        });
        let parts = &self.context.parts;
        let how_far = self.context.how_far(&self.state)?;
        parts.catalog.settle_reading(self.segment, &self.good, &self.failed, &how_far)?;
        self.good.clear();
        self.failed.clear();
        self.since_commit = 0;
        self.committed_at = parts.clock.elapsed();
        Ok(())
    }

    /// Adds what is settled to the notes, in place of what a life noted that ended before its commit.
    fn note(&mut self) -> Result<(), JobError> {
        let mut lines = Vec::new();
        let good = self.good.iter().map(|range| Note::ReadBack(range.start, range.end));
        let failed =
            self.failed.iter().map(|(copy, why)| Note::Failed(copy.sequence(), why.clone()));
        for note in good.chain(failed) {
            let json = |source| JobError::Json { what: "notes", source };
            serde_json::to_writer(&mut lines, &note).map_err(json)?;
            lines.push(b'\n');
        }
        let noted = self.state.noted.entry(self.segment.0).or_default();
        let write = |path: &Path| {
            let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
            file.set_len(*noted)?;
            file.write_all_at(&lines, *noted)?;
            file.sync_data()
        };
        write(&self.notes).map_err(JobError::io("write", &self.notes))?;
        *noted += lines.len() as u64;
        Ok(())
    }

    /// What all stretches of work on this segment found, for the receipt: ranges that agreed, and
    /// copies that did not.
    ///
    /// # Errors
    /// If the notes cannot be read.
    pub(super) fn found(&self) -> Result<Findings, JobError> {
        let text = match std::fs::read_to_string(&self.notes) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.map_err(JobError::io("read", &self.notes))?,
        };
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for line in text.lines() {
            let json = |source| JobError::Json { what: "notes", source };
            match serde_json::from_str(line).map_err(json)? {
                Note::ReadBack(from, to) => good.push((from, to)),
                Note::Failed(sequence, reason) => failed.push((sequence, reason)),
            }
        }
        failed.sort();
        failed.dedup_by_key(|(sequence, _)| *sequence);
        Ok((joined(good), failed))
    }
}

/// Ranges in order, those that touch made one.
fn joined(mut ranges: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ranges.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (from, to) in ranges {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_or_overlap_become_one() {
        let ranges = vec![(10, 12), (0, 5), (5, 7), (3, 4), (20, 21)];
        assert_eq!(joined(ranges), [(0, 7), (10, 12), (20, 21)]);
    }
}
