//! Small files, many at a time: one worker opens, reads, checks and hashes a batch of them.
//!
//! A small file costs system calls, not bytes. So a batch is one task on one processor, with plain
//! calls (four a file; submitting four operations a file to a ring costs more than making the
//! calls), and several batches run beside each other. What is not in memory is asked for before anything
//! is waited for. The bytes lie in the batch's own buffer and are copied into slabs once it is their
//! turn: a file that vanished leaves no hole on tape.

use std::ops::Range;

use super::codec::{FrameWriter, frame_bytes_max};
use super::config::{BATCH_BYTES, BATCH_FILES_MAX};
use super::hash::sha256_each;
use super::input::outcome_of;
use super::plan::{Change, Codec, FileOutcome, PlannedFile};
use crate::domain::Sha256Digest;
use crate::keys::sealed::{DataKey, Inner, SealedForm, seal_whole};
use crate::source::{Source, SourceFile};

/// Planned small files and, once read, what was found. Used again and again.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) files: Vec<PlannedFile>,
    pub(super) found: Vec<Found>,
    planned_bytes: usize,
    /// Bytes as read, one file after another.
    raw: Vec<u8>,
    /// Frames of the files that are compressed; empty until one is.
    frames: Vec<u8>,
    /// Files that are sealed, one after another.
    sealed: Vec<u8>,
}

/// What was found of one planned file.
#[derive(Debug)]
pub(super) enum Found {
    /// All planned bytes.
    Bytes {
        stored: Stored,
        sha256: Sha256Digest,
        stored_sha256: Sha256Digest,
        codec: Codec,
        change: Option<Change>,
    },
    /// Less.
    Nothing(FileOutcome),
}

/// Where in the batch a file's stored bytes are.
#[derive(Debug)]
pub(super) enum Stored {
    Raw(Range<usize>),
    Frame(Range<usize>),
    Sealed(Range<usize>),
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            files: Vec::with_capacity(BATCH_FILES_MAX),
            found: Vec::with_capacity(BATCH_FILES_MAX),
            planned_bytes: 0,
            raw: Vec::new(),
            frames: Vec::new(),
            sealed: Vec::new(),
        }
    }

    /// True if a file of that size still fits.
    pub(super) fn has_room(&self, size_bytes: usize) -> bool {
        self.files.len() < BATCH_FILES_MAX && self.planned_bytes + size_bytes <= BATCH_BYTES
    }

    /// Adds a file that [fits](Self::has_room).
    pub(super) fn push(&mut self, file: PlannedFile, size_bytes: usize) {
        self.planned_bytes += size_bytes;
        self.files.push(file);
    }

    /// Forgets everything but the memory.
    pub(super) fn clear(&mut self) {
        self.files.clear();
        self.found.clear();
        self.sealed.clear();
        self.planned_bytes = 0;
    }

    /// The bytes that go to tape.
    pub(super) fn stored_bytes(&self, stored: &Stored) -> &[u8] {
        match stored {
            Stored::Raw(range) => &self.raw[range.clone()],
            Stored::Frame(range) => &self.frames[range.clone()],
            Stored::Sealed(range) => &self.sealed[range.clone()],
        }
    }

    /// Reads all files of the batch; seals them if there is a key. One thing after the other for all of them,
    /// because two hashes side by side take less than one after the other.
    pub(super) fn read(
        &mut self,
        source: &dyn Source,
        writer: &mut FrameWriter,
        key: Option<&DataKey>,
    ) {
        if self.raw.len() < self.planned_bytes {
            self.raw.resize(self.planned_bytes, 0);
        }
        let (read, refused) = self.read_each(source);
        let digests = sha256_each(read.iter().map(|(_, raw, _)| &self.raw[raw.clone()]));
        let mut found = refused;
        found.extend(read.into_iter().zip(digests).map(|((at, raw, change), sha256)| {
            let (stored, codec) = (Stored::Raw(raw), Codec::None);
            (at, Found::Bytes { stored, sha256, stored_sha256: sha256, codec, change })
        }));
        found.sort_unstable_by_key(|(at, _)| *at);
        self.found.extend(found.into_iter().map(|(_, found)| found));
        if self.transform(writer, key) {
            let made = self.found.iter().filter_map(|found| match found {
                Found::Bytes { stored: Stored::Raw(_), .. } | Found::Nothing(_) => None,
                Found::Bytes { stored, .. } => Some(self.stored_bytes(stored)),
            });
            let digests = sha256_each(made);
            let made = self.found.iter_mut().filter_map(|found| match found {
                Found::Bytes { stored: Stored::Raw(_), .. } | Found::Nothing(_) => None,
                Found::Bytes { stored_sha256, .. } => Some(stored_sha256),
            });
            for (stored_sha256, digest) in made.zip(digests) {
                *stored_sha256 = digest;
            }
        }
    }

    /// Reads all files into `raw`: those that were read, with where they lie and whether they changed, and the
    /// others. What is in memory comes first: meanwhile the disk brings the rest, all of it at once and in the
    /// order that suits it.
    fn read_each(&mut self, source: &dyn Source) -> (Vec<ReadFile>, Vec<(usize, Found)>) {
        let (mut read, mut refused) = (Vec::with_capacity(self.files.len()), Vec::new());
        let mut end =
            |at: usize, raw: Range<usize>, reading: Reading| match reading.end(&self.files[at]) {
                Ok(change) => read.push((at, raw, change)),
                Err(outcome) => refused.push((at, Found::Nothing(outcome))),
            };
        let (mut used, mut waiting, mut failed) = (0, Vec::new(), Vec::new());
        for (at, file) in self.files.iter().enumerate() {
            let length = usize::try_from(file.stamp.size_bytes).unwrap_or(0);
            let raw = used..used + length;
            used = raw.end;
            match Reading::begin(source, file, &mut self.raw[raw.clone()]) {
                Ok(reading) if reading.count == length => end(at, raw, reading),
                Ok(reading) => waiting.push((at, raw, reading)),
                Err(outcome) => failed.push((at, Found::Nothing(outcome))),
            }
        }
        for (at, raw, mut reading) in waiting {
            match reading.go_on(&mut self.raw[raw.clone()]) {
                Ok(()) => end(at, raw, reading),
                Err(outcome) => failed.push((at, Found::Nothing(outcome))),
            }
        }
        refused.append(&mut failed);
        (read, refused)
    }

    /// Compresses and seals what is to be; false if nothing was.
    fn transform(&mut self, writer: &mut FrameWriter, key: Option<&DataKey>) -> bool {
        let (mut frames_used, mut is_any) = (0, false);
        for (file, found) in self.files.iter().zip(&mut self.found) {
            let Found::Bytes { stored: Stored::Raw(raw), .. } = found else { continue };
            let raw = &self.raw[raw.clone()];
            if let Codec::Zstd { level } = file.codec {
                compress(writer, level, raw, &mut self.frames, &mut frames_used, found);
            }
            if let Some(key) = key.filter(|_| !raw.is_empty()) {
                seal(key, raw, &self.frames, &mut self.sealed, found);
            }
            is_any |= !matches!(found, Found::Bytes { stored: Stored::Raw(_), .. });
        }
        is_any
    }
}

/// Replaces the stored form in `found` by a sealed file.
fn seal(key: &DataKey, raw: &[u8], frames: &[u8], sealed: &mut Vec<u8>, found: &mut Found) {
    let Found::Bytes { stored, codec, .. } = found else { return };
    let inner = if *codec == Codec::None { Inner::AsIs } else { Inner::Zstd };
    let start = sealed.len();
    let plain = match stored {
        Stored::Raw(_) => raw,
        Stored::Frame(range) => &frames[range.clone()],
        Stored::Sealed(_) => return,
    };
    seal_whole(key, SealedForm { inner, part: 0 }, plain, sealed);
    *stored = Stored::Sealed(start..sealed.len());
}

/// Replaces the stored form in `found` by a frame, if that is smaller.
fn compress(
    writer: &mut FrameWriter,
    level: i32,
    raw: &[u8],
    frames: &mut Vec<u8>,
    frames_used: &mut usize,
    found: &mut Found,
) {
    let needed = *frames_used + frame_bytes_max(raw.len());
    if frames.len() < needed {
        frames.resize(needed.max(frame_bytes_max(BATCH_BYTES)), 0);
    }
    // A level that zstd refuses stores the file as it is; jobs check levels when a set is made.
    let Ok(length) = writer.write(level, raw, &mut frames[*frames_used..]) else { return };
    if length >= raw.len() {
        return;
    }
    let range = *frames_used..*frames_used + length;
    *frames_used += length;
    if let Found::Bytes { stored, codec, .. } = found {
        *stored = Stored::Frame(range);
        *codec = Codec::Zstd { level };
    }
}

/// A file that was read: its number in the batch, its bytes, and how it changed.
type ReadFile = (usize, Range<usize>, Option<Change>);

/// A file that is open, and how much of it was read.
struct Reading {
    opened: Box<dyn SourceFile>,
    count: usize,
    planned_bytes: usize,
}

#[expect(clippy::result_large_err, reason = "the error is the outcome that is kept, and rare")]
impl Reading {
    /// Opens a file and reads into `buffer`, which has its planned size, what is in memory.
    fn begin(
        source: &dyn Source,
        file: &PlannedFile,
        buffer: &mut [u8],
    ) -> Result<Self, FileOutcome> {
        let mut opened = source.open(&file.path).map_err(|error| outcome_of(&error))?;
        let count = if buffer.is_empty() { 0 } else { opened.read_ready(buffer, 0) };
        Ok(Self { opened, count, planned_bytes: buffer.len() })
    }

    /// Reads the rest; waits for it.
    fn go_on(&mut self, buffer: &mut [u8]) -> Result<(), FileOutcome> {
        let rest = self.opened.read_at(&mut buffer[self.count..], self.count as u64);
        self.count += rest.map_err(|error| outcome_of(&error))?;
        Ok(())
    }

    /// Whether the file changed, once all was read that there is.
    fn end(self, file: &PlannedFile) -> Result<Option<Change>, FileOutcome> {
        let now = self.opened.stamp().map_err(|error| outcome_of(&error))?;
        let change = Change::between(&file.stamp, &now);
        if self.count < self.planned_bytes {
            // The stamp may have been right again by the time it was asked for.
            let how = change.unwrap_or(Change::Shrank);
            return Err(FileOutcome::Changed { how, fuzzy: None });
        }
        Ok(change)
    }
}
