//! Our own files at the end of a segment: the manifest, its signature, `volume.json`, the README.
//!
//! The manifest is made from the plan and the outcomes in one pass, off the tape first: a copy stays in
//! the data folder, so that a restore needs no tape to know what it may find.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Sender, bounded};
use smallvec::{SmallVec, smallvec};

use super::cursor::name_on_volume;
use super::outcomes::{OutcomeReader, RecordedCopy, RecordedFile, RecordedForm, RecordedResult};
use super::plan::{Action, PlanReader, PlanStep, PlanTotals, PlannedEntry};
use crate::domain::{
    BlockNumber, CopyLetter, FileKind, FileMetadata, RunId, Sha256Digest, SourcePath, Timestamp,
    VolumeUuid,
};
use crate::jobs::error::JobError;
use crate::jobs::stored_form::ContentForm;
use crate::jobs::stored_name::with_endings;
use crate::keys::sealed::{DataKey, PlainDigests, seal_digests};
use crate::ltfs::extent::{Extent, Extents, PartitionId};
use crate::ltfs::writer::OpenVolume;
use crate::manifest::{
    Codec, EntryState, FilePart, ManifestEnd, ManifestEntry, ManifestHeader, ManifestWriter,
    SealedContent, VolumeExtent,
};
use crate::overlap::{WriteBehind, each_block};
use crate::source::SkipReason;

/// Entries handed over at once.
const BATCH_ENTRIES: usize = 256;
/// Batches that may wait to be written.
const BATCHES_AHEAD: usize = 8;

/// What the segments before and after this one are called in its manifest.
#[derive(Debug)]
pub(super) struct ManifestPlan<'a> {
    pub(super) header: ManifestHeader,
    pub(super) plan: &'a Path,
    pub(super) totals: &'a PlanTotals,
    pub(super) outcomes: &'a Path,
    /// This segment's number in the run.
    pub(super) segment: u32,
    /// Volume and place in the set of every segment so far.
    pub(super) volumes: Vec<(VolumeUuid, u32)>,
    pub(super) data_partition: PartitionId,
    /// The key of the run: digests of content then stand in the manifest sealed only.
    pub(super) seal: Option<Arc<DataKey>>,
}

impl ManifestPlan<'_> {
    /// Writes the manifest to `path`. Entries are made on one thread and written down on another: between
    /// the last block of data and the index nothing else is to be done, and a drive waits.
    ///
    /// # Errors
    /// If the plan or the outcomes cannot be read, or the file not be written.
    pub(super) fn write(&self, path: &Path, finished: Timestamp) -> Result<ManifestEnd, JobError> {
        let file = File::create(path).map_err(JobError::io("write the manifest", path))?;
        let mut writer = ManifestWriter::begin(WriteBehind::new(file), &self.header)?;
        let (made, entries) = bounded::<Vec<ManifestEntry>>(BATCHES_AHEAD);
        std::thread::scope(|scope| -> Result<(), JobError> {
            let making = scope.spawn(move || self.make_entries(&made));
            // After an error here the maker finds nobody who takes its entries, and ends.
            for entry in entries.iter().flatten() {
                writer.write(&entry)?;
            }
            drop(entries);
            making
                .join()
                .unwrap_or_else(|_| Err(JobError::Bug("a manifest's maker panicked".into())))
        })?;
        let (file, end) = writer.finish(finished)?;
        let written = file.finish().and_then(|file| file.sync_data());
        written.map_err(JobError::io("write the manifest", path))?;
        Ok(end)
    }

    /// Makes all entries, in the order of the plan, until nobody wants more.
    fn make_entries(&self, made: &Sender<Vec<ManifestEntry>>) -> Result<(), JobError> {
        let mut plan = PlanReader::open(self.plan, self.totals)?;
        let mut outcomes = OutcomeReader::open(self.outcomes)?;
        let mut names = StoredNames::default();
        let mut batch = Vec::with_capacity(BATCH_ENTRIES);
        while let Some(step) = plan.next()? {
            match step {
                PlanStep::Enter(planned) => {
                    let name =
                        (name_on_volume(&planned).into_owned(), planned.stored_name.is_some());
                    batch.push(self.entry(planned, &[], None, &mut names));
                    names.above.push(name);
                }
                PlanStep::Entry(planned) => {
                    let recorded = match planned.action {
                        Action::Store { ordinal } => outcomes.take(ordinal)?,
                        _ => SmallVec::new(),
                    };
                    // Several parts of a file may lie on one volume: each has a line of its own.
                    let here = recorded.iter().filter(|it| it.segment == self.segment).map(Some);
                    let mut here: SmallVec<[Option<&RecordedFile>; 1]> = here.collect();
                    let last = here.pop().unwrap_or_else(|| recorded.last());
                    for record in here {
                        let planned = planned.clone();
                        batch.push(self.entry(planned, &recorded, record, &mut names));
                    }
                    batch.push(self.entry(planned, &recorded, last, &mut names));
                }
                PlanStep::Leave => {
                    names.above.pop();
                }
                PlanStep::Problem { path, reason } if !path.is_top() => {
                    batch.push(unknown_entry(path, EntryState::Unreadable { reason }));
                }
                PlanStep::Skipped { path, reason: SkipReason::OtherFileSystem } => {
                    let reason = "another file system is mounted there".to_owned();
                    batch.push(unknown_entry(path, EntryState::NotStorable { reason }));
                }
                PlanStep::Skipped { .. } | PlanStep::Problem { .. } | PlanStep::Gone { .. } => {}
            }
            if batch.len() >= BATCH_ENTRIES {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ENTRIES));
                if made.send(full).is_err() {
                    return Ok(());
                }
            }
        }
        // Refused only after an error of the one who writes, who knows it.
        let _ = made.send(batch);
        Ok(())
    }

    fn entry(
        &self,
        planned: PlannedEntry,
        recorded: &[RecordedFile],
        record: Option<&RecordedFile>,
        names: &mut StoredNames,
    ) -> ManifestEntry {
        let copy = record.and_then(|record| match &record.result {
            RecordedResult::Stored(copy) => Some(copy),
            _ => None,
        });
        // Who holds the last part knows the hash of the whole file; the lines before it do not.
        let whole = match record {
            _ if self.seal.is_some() => None,
            Some(record) if record.segment == self.segment => whole_digest(record),
            _ => recorded.iter().find_map(whole_digest),
        };
        let stored_path = names.path_of(&planned, copy);
        let state = self.state(&planned, record);
        let is_stored = state == EntryState::Stored;
        let on_tape = copy.filter(|_| is_stored).map_or(&[][..], |copy| &copy.extents);
        let source = planned.entry;
        ManifestEntry {
            path: source.path,
            stored_path,
            kind: source.kind,
            size_bytes: source.size_bytes,
            metadata: source.metadata,
            links: source.links,
            hard_link_of: source.hard_link_of,
            data_segments: source.data_segments,
            sha256: whole,
            codec: copy.and_then(|copy| Some(self.codec(copy, copy.transformed?))),
            part: copy.and_then(|copy| self.part(copy)),
            extents: on_tape.iter().map(|extent| self.extent(*extent)).collect(),
            state,
        }
    }

    fn state(&self, planned: &PlannedEntry, record: Option<&RecordedFile>) -> EntryState {
        let kind = &planned.entry.kind;
        match (&planned.action, record) {
            (Action::Unchanged { run, volumes } | Action::AsBefore { run, volumes }, _) => {
                let own = usize::from(self.header.copy.number());
                let volume = volumes.get(own).copied().unwrap_or(self.header.volume);
                EntryState::Unchanged { run: run.clone(), volume }
            }
            (Action::Store { .. }, None) => EntryState::ToFollow,
            (Action::Store { .. }, Some(record)) => match &record.result {
                RecordedResult::Stored(_) if record.segment == self.segment => EntryState::Stored,
                RecordedResult::Stored(_) => {
                    let at = usize::try_from(record.segment).unwrap_or(usize::MAX);
                    match self.volumes.get(at) {
                        Some((volume, sequence)) => {
                            EntryState::OnVolume { volume: *volume, sequence: *sequence }
                        }
                        None => EntryState::ToFollow,
                    }
                }
                RecordedResult::Changed => EntryState::ChangedWhileRead,
                RecordedResult::Vanished => EntryState::Vanished,
                RecordedResult::Unreadable(reason) => {
                    EntryState::Unreadable { reason: reason.clone() }
                }
            },
            (Action::Describe, _) => match kind {
                FileKind::Fifo
                | FileKind::Socket
                | FileKind::CharacterDevice(_)
                | FileKind::BlockDevice(_) => {
                    let reason = format!("LTFS holds no {}", kind.noun());
                    EntryState::NotStorable { reason }
                }
                FileKind::File | FileKind::Directory | FileKind::Symlink { .. } => {
                    EntryState::Stored
                }
            },
        }
    }

    fn codec(&self, copy: &RecordedCopy, form: RecordedForm) -> Codec {
        let stored_sha256 = Sha256Digest(form.stored_sha256);
        let digests = PlainDigests {
            content: Sha256Digest(copy.sha256),
            file: copy.part.and_then(|part| part.file_sha256).map(Sha256Digest),
        };
        let sealed = |key_id| {
            let key = self.seal.as_ref().filter(|key| key.id() == key_id);
            let digests = key.map(|key| seal_digests(key, &stored_sha256, &digests));
            SealedContent { key_id, digests }
        };
        Codec {
            is_zstd: form.is_zstd,
            sealed: form.sealed_by.map(sealed),
            stored_size_bytes: form.stored_bytes,
            stored_sha256,
        }
    }

    fn part(&self, copy: &RecordedCopy) -> Option<FilePart> {
        let part = copy.part?;
        Some(FilePart {
            number: part.number,
            of: part.file_sha256.map(|_| part.number),
            offset: part.offset,
            length: copy.size_bytes,
            sha256: self.seal.is_none().then_some(Sha256Digest(copy.sha256)),
        })
    }

    fn extent(
        &self,
        (block, byte_offset, byte_count, file_offset): (u64, u32, u64, u64),
    ) -> VolumeExtent {
        VolumeExtent {
            partition: char::from(self.data_partition.letter()),
            start_block: BlockNumber(block),
            byte_offset,
            byte_count,
            file_offset,
        }
    }
}

/// A line for what the walk could not know: no names are counted of it. Whoever fills a catalog from the
/// manifest must not take it, or what is below it, for gone.
fn unknown_entry(path: SourcePath, state: EntryState) -> ManifestEntry {
    ManifestEntry {
        path,
        stored_path: None,
        kind: FileKind::File,
        size_bytes: 0,
        metadata: FileMetadata::default(),
        links: 0,
        hard_link_of: None,
        data_segments: None,
        sha256: None,
        codec: None,
        part: None,
        extents: Vec::new(),
        state,
    }
}

/// The hash of the whole file, if this record knows it.
fn whole_digest(record: &RecordedFile) -> Option<Sha256Digest> {
    match &record.result {
        RecordedResult::Stored(copy) => match copy.part {
            Some(part) => part.file_sha256.map(Sha256Digest),
            None => Some(Sha256Digest(copy.sha256)),
        },
        _ => None,
    }
}

/// Under which paths entries stand on the volume, as the plan is gone through.
#[derive(Debug, Default)]
struct StoredNames {
    /// The open folders: their names there, and whether those differ from their own.
    above: Vec<(String, bool)>,
    /// Forms of files with several names, for the names after the first.
    forms: HashMap<SourcePath, ContentForm>,
}

impl StoredNames {
    /// The path on the volume of an entry, where a part of it differs from the source's.
    fn path_of(&mut self, planned: &PlannedEntry, copy: Option<&RecordedCopy>) -> Option<String> {
        let form = match (copy, &planned.entry.hard_link_of) {
            (Some(copy), _) => copy.form(),
            (None, Some(first)) => self.forms.get(first).copied().unwrap_or_default(),
            (None, None) => ContentForm::default(),
        };
        // Of a split file no other name stands on a volume.
        let is_whole = copy.is_some_and(|copy| copy.part.is_none());
        if is_whole && planned.entry.links > 1 && !form.is_plain() {
            self.forms.insert(planned.entry.path.clone(), form);
        }
        let is_replaced = planned.stored_name.is_some()
            || !form.is_plain()
            || self.above.iter().any(|(_, differs)| *differs);
        is_replaced.then(|| {
            let own = name_on_volume(planned);
            let folders = self.above.iter().map(|(name, _)| name.as_str());
            let path = folders.chain([own.as_ref()]).collect::<Vec<_>>().join("/");
            with_endings(path, form)
        })
    }
}

/// Appends the bytes of `input` to the volume in blocks of its own, as one file.
///
/// # Errors
/// If the input or the tape fails, or the volume is full.
pub(super) fn append_file(
    volume: &mut OpenVolume,
    input: &mut (dyn Read + Send),
    path: &Path,
) -> Result<(u64, Extents), JobError> {
    let block_bytes = usize::try_from(volume.label().block_size).unwrap_or(usize::MAX);
    let (mut length, start) = (0_u64, volume.next_block());
    let read_failed = |source| JobError::Io { doing: "read", path: path.to_owned(), source };
    each_block(input, block_bytes, read_failed, |block| {
        let appended = volume.append_block(block)?;
        if !appended.outcome.is_on_tape() {
            return Err(JobError::VolumeFull { volume: volume.label().uuid });
        }
        length += block.len() as u64;
        Ok(())
    })?;
    let partition = volume.map().data.0;
    let extent = Extent {
        file_offset: 0,
        start_block: start,
        byte_count: length,
        byte_offset: 0,
        partition,
    };
    Ok((length, if length == 0 { Extents::new() } else { smallvec![extent] }))
}

/// Where the off-tape copy of a manifest is.
pub(crate) fn manifest_path(folder: &Path, run: &RunId, copy: CopyLetter, segment: u32) -> PathBuf {
    folder.join(format!("{run}-{copy}{segment}.manifest"))
}
