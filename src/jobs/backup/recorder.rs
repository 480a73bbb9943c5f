//! Keeps, for each file that the drive has taken, what the index, the manifest and the catalog will say.
//!
//! It follows the plan as records come in: directories, links and everything else without content are
//! noted on the way, in the order of the walk. Nothing here is evidence. Before an index is written
//! [`Recorder::prepare`] puts all three on disk; after the index was synced
//! [`Recorder::index_was_synced`] says so in the catalog. A crash between the two leaves notes of
//! files that the catalog does not call safe, and the next start cuts them off.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::cursor::{Met, PlanCursor, name_on_volume};
use super::entries::{
    Target, directory_entry, form_of, holdable_xattrs, is_on_volume, is_read_only, link_to,
    new_copy, recorded_copy, times, whole_digest,
};
use super::outcomes::{OutcomeWriter, RecordedFile, RecordedResult};
use super::plan::{Action, PlannedEntry};
use crate::catalog::{
    CopyCodec, CopyExtent, CopyPart, NewCopy, NotStored, OutcomeState, RunWriter,
};
use crate::domain::{
    ByteCount, Clock, FileKind, JobId, Partition, Position, SourcePath, Timestamp,
};
use crate::jobs::description::{SharedText, encode_own};
use crate::jobs::error::JobError;
use crate::jobs::stored_form::ContentForm;
use crate::jobs::stored_name::with_endings;
use crate::ltfs::extent::{Extents, PartitionId};
use crate::ltfs::index::{DirectoryEntry, FileEntry};
use crate::ltfs::names::{Name, NameUse};
use crate::ltfs::spool::{BulkSpool, SpoolSnapshot};
use crate::manifest::part_name;
use crate::stream::{FileOutcome, FileRecord, SplitState, StoredFile};

/// What could not even be listed has no place in the plan's numbering; it is numbered from here.
pub(crate) const PROBLEMS_FROM: u64 = 1 << 40;
/// Why a file is not stored that was another one at the end of reading than at its beginning. The
/// manifest says only that much, and a catalog made from it says the same.
pub(crate) const REASON_CHANGED: &str = "it changed while it was read";
/// Why a file is not stored that was there for the scan only.
pub(crate) const REASON_VANISHED: &str = "it was gone before it was read";

/// Whether folders with nothing in them are put on the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EmptyFolders {
    /// A full run keeps them.
    Kept,
    /// An incremental run leaves them to the manifest.
    LeftOut,
}

/// A state to which the notes can be cut back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The first planned file that is not noted.
    pub(crate) ordinal: u64,
    /// Where that file goes on, if it is split.
    pub(crate) split: Option<SplitState>,
    /// Length of the bulk spool.
    pub(crate) bulk_bytes: u64,
    /// Length of the outcome spool.
    pub(crate) outcome_bytes: u64,
    /// Bytes of the planned files that are noted.
    pub(crate) bytes: u64,
    /// The number that the next entry of the index gets.
    pub(crate) next_uid: u64,
    /// True once the whole plan is noted.
    pub(crate) is_complete: bool,
}

/// Where the notes of one segment go.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) cursor: PlanCursor,
    pub(crate) bulk: BulkSpool,
    pub(crate) outcomes: OutcomeWriter,
    pub(crate) catalog: RunWriter,
    pub(crate) context: RecorderContext,
    pub(crate) mark: Mark,
    pub(crate) counts: RecorderCounts,
    /// A split file that goes on here: the cursor has passed it already.
    pub(super) split: Option<PlannedEntry>,
    /// Files with several names that stand on this volume, for the names after the first.
    pub(super) linked: HashMap<SourcePath, Linked>,
    pub(super) shared: SharedText,
}

/// What all names of a file share.
#[derive(Clone, Debug)]
pub(super) struct Linked {
    /// Bytes on the volume.
    pub(super) length: u64,
    pub(super) extents: Extents,
    pub(super) form: ContentForm,
}

/// What does not change during a segment.
#[derive(Clone, Debug)]
pub(crate) struct RecorderContext {
    pub(crate) segment_number: u32,
    pub(crate) data_partition: Partition,
    /// The letter of the same in an index.
    pub(crate) data_partition_id: PartitionId,
    pub(crate) started: Timestamp,
    pub(crate) empty_folders: EmptyFolders,
    pub(crate) job: JobId,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Files noted in this segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecorderCounts {
    /// Stored, whole or a part.
    pub(crate) stored: u64,
    /// Their bytes.
    pub(crate) stored_bytes: u64,
    /// Changed, vanished, unreadable.
    pub(crate) not_stored: u64,
}

impl Recorder {
    /// The planned file with that number; everything before it is noted on the way.
    fn planned(&mut self, ordinal: u64) -> Result<PlannedEntry, JobError> {
        if let Some(planned) = self.split.take() {
            return Ok(planned);
        }
        loop {
            match self.cursor.advance()? {
                Met::File(planned) if planned.action == (Action::Store { ordinal }) => {
                    return Ok(planned);
                }
                Met::File(_) | Met::End => return Err(JobError::out_of_step(ordinal)),
                other => self.note_on_the_way(other)?,
            }
        }
    }

    /// Notes what became of a planned file, and everything in the plan before it.
    ///
    /// # Errors
    /// If a note cannot be written; the segment must then be resumed from its last mark.
    pub(crate) fn file_done(
        &mut self,
        record: &FileRecord,
        extents: Option<Extents>,
    ) -> Result<(), JobError> {
        let planned = self.planned(record.ordinal)?;
        match &record.outcome {
            FileOutcome::Stored(stored) => {
                let extents = extents.ok_or_else(|| JobError::out_of_step(record.ordinal))?;
                self.note_stored(&planned, record.ordinal, stored, &extents)?;
            }
            other => self.note_not_stored(&planned, record.ordinal, other)?,
        }
        let part = match &record.outcome {
            FileOutcome::Stored(stored) => stored.part.and_then(|part| part.next),
            _ => None,
        };
        self.mark.ordinal = if part.is_some() { record.ordinal } else { record.ordinal + 1 };
        self.mark.split = part;
        Ok(())
    }

    /// Notes the rest of the plan, which holds no file to be stored any more.
    ///
    /// # Errors
    /// If a note cannot be written.
    pub(crate) fn plan_done(&mut self) -> Result<(), JobError> {
        loop {
            match self.cursor.advance()? {
                Met::End => {
                    self.mark.is_complete = true;
                    return Ok(());
                }
                Met::File(_) => return Err(JobError::out_of_step(self.mark.ordinal)),
                other => self.note_on_the_way(other)?,
            }
        }
    }

    fn note_on_the_way(&mut self, met: Met) -> Result<(), JobError> {
        match met {
            Met::Described(planned) => self.note_described(&planned),
            Met::Left(directory) => {
                if directory.is_entered {
                    self.bulk.leave()?;
                } else if self.context.empty_folders == EmptyFolders::Kept {
                    self.enter_directories()?;
                    let entry = self.directory_entry(&directory.planned)?;
                    self.bulk.enter(&entry)?;
                    self.bulk.leave()?;
                }
                if directory.planned.action == Action::Describe {
                    self.push_described(&directory.planned, None)?;
                }
                Ok(())
            }
            Met::Problem { path, reason, number } => {
                self.catalog.push_not_stored(&NotStored {
                    ordinal: PROBLEMS_FROM + number,
                    path: path.as_bytes(),
                    state: OutcomeState::Unreadable,
                    reason: &reason,
                    size: ByteCount(0),
                })?;
                Ok(())
            }
            Met::Gone(path) => Ok(self.catalog.push_gone(path.as_bytes())?),
            Met::Entered | Met::NotKnown | Met::File(_) | Met::End => Ok(()),
        }
    }

    /// Puts every open directory on the volume that is not there yet.
    fn enter_directories(&mut self) -> Result<(), JobError> {
        for at in 0..self.cursor.stack().len() {
            if self.cursor.stack()[at].is_entered {
                continue;
            }
            let uid = self.mark.next_uid;
            let entry =
                directory_entry(&self.cursor.stack()[at].planned, uid, self.context.started)?;
            self.mark.next_uid += 1;
            self.bulk.enter(&entry)?;
            self.cursor.stack_mut()[at].is_entered = true;
        }
        Ok(())
    }

    fn directory_entry(&mut self, planned: &PlannedEntry) -> Result<DirectoryEntry, JobError> {
        let uid = self.mark.next_uid;
        self.mark.next_uid += 1;
        directory_entry(planned, uid, self.context.started)
    }

    fn note_described(&mut self, planned: &PlannedEntry) -> Result<(), JobError> {
        // What an earlier run stored or described stays that run's: another version here would have
        // no bytes of its own.
        if matches!(planned.action, Action::AsBefore { .. } | Action::Unchanged { .. }) {
            return Ok(());
        }
        let mut stored_path = None;
        if is_on_volume(planned) {
            let target = match (&planned.entry.kind, &planned.entry.hard_link_of) {
                (FileKind::Symlink { target }, _) => Target::Symlink(target.clone()),
                (_, Some(first)) => {
                    self.linked.get(first).cloned().map_or(Target::Nothing, Target::Shared)
                }
                _ => Target::Nothing,
            };
            let form = match &target {
                Target::Shared(linked) => linked.form,
                _ => ContentForm::default(),
            };
            let name = with_endings(name_on_volume(planned).into_owned(), form);
            let mut entry = self.file_entry(planned, &name)?;
            let is_holdable = match target {
                Target::Symlink(target) => link_to(&mut entry, &target),
                Target::Shared(linked) => {
                    (entry.length, entry.extents) = (linked.length, linked.extents);
                    true
                }
                Target::Nothing => false,
            };
            if is_holdable {
                self.enter_directories()?;
                self.bulk.file(&entry)?;
                stored_path = self.cursor.stored_path(planned, form);
            }
        }
        self.push_described(planned, stored_path.as_deref())
    }

    fn push_described(
        &mut self,
        planned: &PlannedEntry,
        stored_path: Option<&str>,
    ) -> Result<(), JobError> {
        let own = encode_own(&planned.entry);
        let shared = self.shared.of(&planned.entry.metadata);
        let copy = new_copy(planned, self.mark.ordinal, shared, own.as_deref());
        self.catalog.push(&NewCopy { stored_path, ..copy })?;
        Ok(())
    }

    fn note_stored(
        &mut self,
        planned: &PlannedEntry,
        ordinal: u64,
        stored: &StoredFile,
        extents: &Extents,
    ) -> Result<(), JobError> {
        self.enter_directories()?;
        let form = form_of(stored);
        let mut name = with_endings(name_on_volume(planned).into_owned(), form);
        let mut stored_path = self.cursor.stored_path(planned, form);
        if let Some(part) = stored.part {
            name = part_name(&name, part.number);
            let whole = stored_path.unwrap_or_else(|| planned.entry.path.to_string());
            stored_path = Some(part_name(&whole, part.number));
        }
        let mut entry = self.file_entry(planned, &name)?;
        entry.length = stored.stored_bytes;
        entry.extents.clone_from(extents);
        self.bulk.file(&entry)?;
        if planned.entry.links > 1 && stored.part.is_none() {
            let linked = Linked { length: entry.length, extents: extents.clone(), form };
            self.linked.insert(planned.entry.path.clone(), linked);
        }
        self.push_outcome(ordinal, RecordedResult::Stored(recorded_copy(stored, extents)))?;
        self.push_stored(planned, ordinal, stored, extents, stored_path.as_deref())?;
        self.counts.stored += 1;
        self.counts.stored_bytes += stored.size_bytes;
        self.mark.bytes += stored.size_bytes;
        Ok(())
    }

    fn push_stored(
        &mut self,
        planned: &PlannedEntry,
        ordinal: u64,
        stored: &StoredFile,
        extents: &Extents,
        stored_path: Option<&str>,
    ) -> Result<(), JobError> {
        let partition = self.context.data_partition;
        let places: SmallVec<[CopyExtent; 1]> = extents
            .iter()
            .map(|extent| CopyExtent {
                start: Position { partition, block: extent.start_block },
                byte_offset: u64::from(extent.byte_offset),
                byte_count: ByteCount(extent.byte_count),
                file_offset: extent.file_offset,
            })
            .collect();
        let own = encode_own(&planned.entry);
        let form = form_of(stored);
        let name = form.name();
        let codec = (!form.is_plain()).then_some(CopyCodec {
            name: &name,
            stored_size: ByteCount(stored.stored_bytes),
            stored_sha256: stored.stored_sha256,
        });
        let part = stored.part.map(|part| CopyPart {
            number: part.number,
            offset: part.offset,
            size: ByteCount(stored.size_bytes),
            of: part.file_sha256.map(|_| part.number),
            sha256: Some(stored.sha256),
        });
        let shared = self.shared.of(&planned.entry.metadata);
        let copy = new_copy(planned, ordinal, shared, own.as_deref());
        self.catalog.push(&NewCopy {
            sha256: whole_digest(stored),
            extents: &places,
            codec,
            part,
            stored_path,
            ..copy
        })?;
        Ok(())
    }

    fn note_not_stored(
        &mut self,
        planned: &PlannedEntry,
        ordinal: u64,
        outcome: &FileOutcome,
    ) -> Result<(), JobError> {
        let (state, reason, result) = match outcome {
            FileOutcome::Changed { how, .. } => {
                tracing::warn!("\"{}\" changed while it was read: {how:?}", planned.entry.path);
                (OutcomeState::Changed, REASON_CHANGED.to_owned(), RecordedResult::Changed)
            }
            FileOutcome::Vanished => {
                (OutcomeState::Vanished, REASON_VANISHED.to_owned(), RecordedResult::Vanished)
            }
            FileOutcome::Unreadable { reason, .. } => (
                OutcomeState::Unreadable,
                reason.clone(),
                RecordedResult::Unreadable(reason.clone()),
            ),
            FileOutcome::Stored(_) => return Err(JobError::out_of_step(ordinal)),
        };
        self.counts.not_stored += 1;
        self.push_outcome(ordinal, result)?;
        self.catalog.push_not_stored(&NotStored {
            ordinal,
            path: planned.entry.path.as_bytes(),
            state,
            reason: &reason,
            size: ByteCount(planned.entry.size_bytes),
        })?;
        Ok(())
    }

    fn push_outcome(&mut self, ordinal: u64, result: RecordedResult) -> Result<(), JobError> {
        let segment = self.context.segment_number;
        self.outcomes.push(&RecordedFile { ordinal, segment, result })?;
        Ok(())
    }

    fn file_entry(&mut self, planned: &PlannedEntry, name: &str) -> Result<FileEntry, JobError> {
        let uid = self.mark.next_uid;
        self.mark.next_uid += 1;
        Ok(FileEntry {
            name: Name::new(name, NameUse::Entry).map_err(|source| JobError::name(name, source))?,
            length: 0,
            read_only: is_read_only(planned),
            times: times(planned, self.context.started),
            uid,
            xattrs: holdable_xattrs(planned),
            extents: Extents::new(),
            symlink: None,
            unknown: Vec::new(),
        })
    }

    /// Puts all notes on disk and returns the tree's additions for an index, with the state to which
    /// the notes can be cut back.
    ///
    /// # Errors
    /// If a note cannot be written.
    pub(crate) fn prepare(&mut self) -> Result<(SpoolSnapshot, Mark), JobError> {
        self.bulk.sync()?;
        let snapshot = self.bulk.snapshot()?;
        self.mark.bulk_bytes = snapshot.bytes();
        self.mark.outcome_bytes = self.outcomes.sync()?;
        self.catalog.flush()?;
        Ok((snapshot, self.mark))
    }

    /// Says in the catalog that everything up to `mark` is on tape, synced.
    ///
    /// # Errors
    /// If the catalog cannot be written: the tape then holds more than the catalog says.
    pub(crate) fn index_was_synced(&mut self, mark: &Mark) -> Result<(), JobError> {
        let resume = serde_json::to_value(mark).map_err(JobError::checkpoint)?;
        let at = self.context.clock.now();
        let job = Some(self.context.job);
        self.catalog.checkpoint(mark.ordinal, Some(&resume), at, job)?;
        Ok(())
    }
}
