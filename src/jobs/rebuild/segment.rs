//! Takes over what a run put on one volume: the same copies in the same order as backup noted them.
//!
//! The order matters. Copies are numbered by it, and receipts speak of those numbers. Backup notes a file
//! when its last byte is on tape; links, devices and everything else without bytes on the way to the
//! next file; and a folder when the walk leaves it. A manifest has the order of the walk, in which a
//! folder comes before what is in it, so folders are kept here until something outside them follows.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use smallvec::SmallVec;

use super::facts::{Edge, Numbering, open_manifest, stored_path};
use crate::catalog::{
    CopyCodec, CopyExtent, CopyId, CopyPart, NewCopy, NotStored, OutcomeState, RunWriter, SegmentId,
};
use crate::domain::{BlockNumber, ByteCount, FileKind, Partition, Position, VolumeUuid};
use crate::jobs::backup::{PROBLEMS_FROM, REASON_CHANGED, REASON_VANISHED};
use crate::jobs::context::JobContext;
use crate::jobs::description::{SharedText, catalog_kind_of, encode_own_of};
use crate::jobs::error::JobError;
use crate::jobs::stored_form::ContentForm;
use crate::keys::KeyRing;
use crate::keys::sealed::{KeySource as _, PlainDigests, open_digests};
use crate::manifest::{Codec, EntryState, ManifestEntry, VolumeExtent};

/// Which files of a manifest are the segment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Here {
    /// Those that the manifest calls stored: it is the segment's own.
    Stored,
    /// Those on another volume, which is not here: their places are not known.
    On(VolumeUuid),
}

/// What is taken over.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'a> {
    pub(super) manifest: &'a Path,
    pub(super) here: Here,
    pub(super) from: Edge,
    /// None: to the end of the plan.
    pub(super) until: Option<Edge>,
    /// The part before, if the stretch begins inside a file: its number and where it ends.
    pub(super) part_before: Option<(u32, u64)>,
    pub(super) data: (char, Partition),
    pub(super) unlisted: &'a BTreeSet<u64>,
}

/// What was taken over.
#[derive(Clone, Debug, Default)]
pub(super) struct TakenOver {
    /// Files with content, whole or a part.
    pub(super) files: u64,
    /// Copies that the volume's index does not have at their place.
    pub(super) unlisted: Vec<CopyId>,
}

/// Pushes a stretch of a run into a segment that is empty, and checkpoints it.
///
/// # Errors
/// If the manifest cannot be read or the catalog not be written.
pub(super) fn take_over(
    context: &JobContext,
    segment: SegmentId,
    stretch: Stretch<'_>,
) -> Result<TakenOver, JobError> {
    let parts = &context.parts;
    let writer = parts.catalog.run_writer(segment, Arc::clone(&parts.clock))?;
    let is_active = stretch.from == Edge::default();
    let mut walk = Walk {
        writer,
        stretch,
        is_active,
        next: 0,
        problems: 0,
        folders: Vec::new(),
        shared: SharedText::default(),
        ring: Arc::clone(parts.keys.ring()),
        taken: TakenOver::default(),
    };
    walk.run()?;
    let (next, now) = (walk.next, parts.clock.now());
    walk.writer.checkpoint(next, None, now, Some(context.id))?;
    Ok(walk.taken)
}

struct Walk<'a> {
    writer: RunWriter,
    stretch: Stretch<'a>,
    is_active: bool,
    /// The number of the next file of the plan.
    next: u64,
    problems: u64,
    /// Folders that the walk is in.
    folders: Vec<ManifestEntry>,
    shared: SharedText,
    ring: Arc<KeyRing>,
    taken: TakenOver,
}

/// Whether the walk is behind the end of its stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    On,
    Behind,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), JobError> {
        // A stretch in the middle of one file has two equal edges too.
        let is_empty = self.stretch.until == Some(self.stretch.from);
        if is_empty && !self.stretch.from.is_inside {
            return Ok(());
        }
        let mut reader = open_manifest(self.stretch.manifest)?;
        let mut numbering = Numbering::default();
        let mut last = None;
        while let Some(entry) = reader.next_entry()? {
            // Another part of the last file is in it too.
            if last.as_ref().is_some_and(|last| *last != entry.path) {
                return Ok(());
            }
            while let Some(folder) = self.folders.pop() {
                if entry.path != folder.path && entry.path.is_within(&folder.path) {
                    self.folders.push(folder);
                    break;
                }
                self.leave(&folder)?;
            }
            let number = numbering.number(&entry);
            let path = entry.path.clone();
            if self.meet(entry, number)? == Step::Behind {
                last = Some(path);
            }
        }
        while let Some(folder) = self.folders.pop() {
            self.leave(&folder)?;
        }
        Ok(())
    }

    fn leave(&mut self, folder: &ManifestEntry) -> Result<(), JobError> {
        let is_described = folder.state == EntryState::Stored;
        if self.is_active && is_described { self.push(folder, &[], None) } else { Ok(()) }
    }

    fn meet(&mut self, entry: ManifestEntry, number: Option<u64>) -> Result<Step, JobError> {
        if let Some(number) = number {
            return self.file(&entry, number);
        }
        if entry.links == 0 {
            return self.unknown(&entry);
        }
        match (&entry.kind, &entry.state) {
            (FileKind::Directory, _) => self.folders.push(entry),
            (_, EntryState::Unchanged { .. }) => {}
            _ if self.is_active => {
                let is_link =
                    matches!(entry.kind, FileKind::Symlink { .. }) || entry.hard_link_of.is_some();
                let stored = entry.stored_path.clone().filter(|_| is_link);
                self.push(&entry, &[], stored.as_deref())?;
            }
            _ => {}
        }
        Ok(Step::On)
    }

    /// What the walk could not look at.
    fn unknown(&mut self, entry: &ManifestEntry) -> Result<Step, JobError> {
        let EntryState::Unreadable { reason } = &entry.state else { return Ok(Step::On) };
        if self.is_active {
            self.writer.push_not_stored(&NotStored {
                ordinal: PROBLEMS_FROM + self.problems,
                path: entry.path.as_bytes(),
                state: OutcomeState::Unreadable,
                reason,
                size: ByteCount(0),
            })?;
        }
        self.problems += 1;
        Ok(Step::On)
    }

    fn file(&mut self, entry: &ManifestEntry, number: u64) -> Result<Step, JobError> {
        self.next = number + 1;
        let from = self.stretch.from;
        if !self.is_active {
            if from.is_inside && number == from.ordinal {
                self.is_active = true;
            } else {
                self.is_active = !from.is_inside && number + 1 == from.ordinal;
                return Ok(Step::On);
            }
        }
        match (&entry.state, self.stretch.here) {
            (EntryState::Stored, Here::Stored) => self.stored(entry, number)?,
            (EntryState::OnVolume { volume, .. }, Here::On(missing)) if *volume == missing => {
                self.push_part(entry, part_of(entry), &[])?;
            }
            (EntryState::Stored, Here::On(_)) => self.part_between(entry, number)?,
            (state, _) => self.not_stored(entry, number, state)?,
        }
        let is_last = self.stretch.until.is_some_and(|until| match until.is_inside {
            true => number == until.ordinal,
            false => number + 1 == until.ordinal,
        });
        if is_last && self.stretch.until.is_some_and(|until| until.is_inside) {
            self.next = number;
        }
        Ok(if is_last { Step::Behind } else { Step::On })
    }

    fn stored(&mut self, entry: &ManifestEntry, number: u64) -> Result<(), JobError> {
        let (letter, partition) = self.stretch.data;
        let places: Option<SmallVec<[CopyExtent; 1]>> =
            entry.extents.iter().map(|extent| place(extent, letter, partition)).collect();
        let is_unlisted = places.is_none() || self.stretch.unlisted.contains(&number);
        let places = places.unwrap_or_default();
        let copy = CopyId::new(self.writer.segment(), self.writer.next_sequence());
        self.push_part(entry, part_of(entry), &places)?;
        if is_unlisted {
            self.taken.unlisted.push(copy);
        }
        Ok(())
    }

    /// The part of a file that lies on the missing volume, if its neighbours show how long it is.
    fn part_between(&mut self, entry: &ManifestEntry, number: u64) -> Result<(), JobError> {
        let edge = Edge { ordinal: number, is_inside: true };
        let (Some(part), true) = (&entry.part, self.stretch.until == Some(edge)) else {
            return Ok(());
        };
        let is_inside = self.stretch.from == edge;
        let before = if is_inside { self.stretch.part_before } else { Some((0, 0)) };
        let Some((before, end)) = before.filter(|(before, _)| before + 2 == part.number) else {
            return Ok(());
        };
        let size = ByteCount(part.offset.saturating_sub(end));
        let between = CopyPart { number: before + 1, offset: end, size, of: None, sha256: None };
        self.push_part(entry, Some(between), &[])
    }

    fn not_stored(
        &mut self,
        entry: &ManifestEntry,
        ordinal: u64,
        state: &EntryState,
    ) -> Result<(), JobError> {
        let (state, reason) = match state {
            EntryState::ChangedWhileRead => (OutcomeState::Changed, REASON_CHANGED),
            EntryState::Vanished => (OutcomeState::Vanished, REASON_VANISHED),
            EntryState::Unreadable { reason } => (OutcomeState::Unreadable, reason.as_str()),
            _ => return Ok(()),
        };
        let size = ByteCount(entry.size_bytes);
        let path = entry.path.as_bytes();
        Ok(self.writer.push_not_stored(&NotStored { ordinal, path, state, reason, size })?)
    }

    fn push_part(
        &mut self,
        entry: &ManifestEntry,
        part: Option<CopyPart>,
        places: &[CopyExtent],
    ) -> Result<(), JobError> {
        self.taken.files += 1;
        let stored = stored_path(entry);
        let opened = entry.codec.as_ref().and_then(|codec| opened_digests(&self.ring, codec));
        let (sha256, part) = match (opened, part) {
            (Some(digests), None) => (Some(digests.content), None),
            (Some(digests), Some(part)) => {
                (digests.file, Some(CopyPart { sha256: Some(digests.content), ..part }))
            }
            (None, part) => {
                (entry.sha256.filter(|_| part.is_none_or(|part| part.of.is_some())), part)
            }
        };
        let name = entry.codec.as_ref().map(|codec| form_of(codec).name()).unwrap_or_default();
        self.push_with(entry, places, stored.as_deref(), |copy| NewCopy {
            sha256,
            part,
            codec: entry.codec.as_ref().map(|codec| CopyCodec {
                name: &name,
                stored_size: ByteCount(codec.stored_size_bytes),
                stored_sha256: codec.stored_sha256,
            }),
            ..copy
        })
    }

    fn push(
        &mut self,
        entry: &ManifestEntry,
        places: &[CopyExtent],
        stored_path: Option<&str>,
    ) -> Result<(), JobError> {
        self.push_with(entry, places, stored_path, |copy| copy)
    }

    fn push_with<'e>(
        &'e mut self,
        entry: &'e ManifestEntry,
        extents: &'e [CopyExtent],
        stored_path: Option<&'e str>,
        change: impl FnOnce(NewCopy<'e>) -> NewCopy<'e>,
    ) -> Result<(), JobError> {
        let segments = entry.data_segments.as_deref();
        let link = entry.hard_link_of.as_ref();
        let own = encode_own_of(&entry.kind, link, &entry.metadata, segments);
        let copy = NewCopy {
            ordinal: self.next,
            path: entry.path.as_bytes(),
            kind: catalog_kind_of(&entry.kind, link),
            size: ByteCount(entry.size_bytes),
            modified: entry.metadata.times.modified,
            changed: Some(entry.metadata.times.changed),
            inode: None,
            sha256: None,
            attributes: self.shared.of(&entry.metadata),
            detail: None,
            extents,
            codec: None,
            part: None,
            stored_path,
        };
        let copy = change(copy);
        self.writer.push(&NewCopy { detail: own.as_deref(), ..copy })?;
        Ok(())
    }
}

fn form_of(codec: &Codec) -> ContentForm {
    let sealed_by = codec.sealed.as_ref().map(|sealed| sealed.key_id);
    ContentForm { is_zstd: codec.is_zstd, sealed_by }
}

/// The digests of sealed content, if its key is here.
fn opened_digests(ring: &KeyRing, codec: &Codec) -> Option<PlainDigests> {
    let sealed = codec.sealed.as_ref()?;
    let key = ring.data_key(sealed.key_id)?;
    open_digests(&key, &codec.stored_sha256, sealed.digests.as_deref()?).ok()
}

fn part_of(entry: &ManifestEntry) -> Option<CopyPart> {
    let part = entry.part.as_ref()?;
    Some(CopyPart {
        number: part.number,
        offset: part.offset,
        size: ByteCount(part.length),
        of: entry.is_to_its_end().then_some(part.number),
        sha256: part.sha256,
    })
}

fn place(extent: &VolumeExtent, letter: char, partition: Partition) -> Option<CopyExtent> {
    let BlockNumber(block) = extent.start_block;
    (extent.partition == letter).then(|| CopyExtent {
        start: Position { partition, block: BlockNumber(block) },
        byte_offset: u64::from(extent.byte_offset),
        byte_count: ByteCount(extent.byte_count),
        file_offset: extent.file_offset,
    })
}
