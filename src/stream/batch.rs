//! Small files, many at a time: one worker opens, reads, checks and hashes a batch of them.
//!
//! A small file costs system calls, not bytes. So a batch is one task on one processor, with plain
//! calls (four a file; submitting four operations a file to a ring costs more than making the
//! calls), and several batches run beside each other. The bytes lie in the batch's own buffer and
//! are copied into slabs once it is their turn: a file that vanished leaves no hole on tape.

use std::ops::Range;

use super::codec::{FrameWriter, frame_bytes_max};
use super::config::{BATCH_BYTES, BATCH_FILES_MAX};
use super::hash::sha256;
use super::input::outcome_of;
use super::plan::{Change, Codec, FileOutcome, PlannedFile};
use crate::domain::Sha256Digest;
use crate::keys::sealed::{DataKey, Inner, SealedForm, seal_whole};
use crate::source::{Source, SourceError, SourceFile};

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

    /// Reads all files of the batch; seals them if there is a key.
    pub(super) fn read(
        &mut self,
        source: &dyn Source,
        writer: &mut FrameWriter,
        key: Option<&DataKey>,
    ) {
        if self.raw.len() < self.planned_bytes {
            self.raw.resize(self.planned_bytes, 0);
        }
        let (mut raw_used, mut frames_used) = (0, 0);
        for file in &self.files {
            let length = usize::try_from(file.stamp.size_bytes).unwrap_or(0);
            let raw = raw_used..raw_used + length;
            let found = match read_file(source, file, &mut self.raw[raw.clone()]) {
                Ok(change) => {
                    let hash = sha256(&self.raw[raw.clone()]);
                    let mut found = Found::Bytes {
                        stored: Stored::Raw(raw.clone()),
                        sha256: hash,
                        stored_sha256: hash,
                        codec: Codec::None,
                        change,
                    };
                    if let Codec::Zstd { level } = file.codec {
                        compress(
                            writer,
                            level,
                            &self.raw[raw],
                            &mut self.frames,
                            &mut frames_used,
                            &mut found,
                        );
                    }
                    if let Some(key) = key.filter(|_| length > 0) {
                        seal(key, &self.raw, &self.frames, &mut self.sealed, &mut found);
                    }
                    found
                }
                Err(outcome) => Found::Nothing(outcome),
            };
            raw_used += length;
            self.found.push(found);
        }
    }
}

/// Replaces the stored form in `found` by a sealed file.
fn seal(key: &DataKey, raw: &[u8], frames: &[u8], sealed: &mut Vec<u8>, found: &mut Found) {
    let Found::Bytes { stored, stored_sha256, codec, .. } = found else { return };
    let inner = if *codec == Codec::None { Inner::AsIs } else { Inner::Zstd };
    let start = sealed.len();
    let plain = match stored {
        Stored::Raw(range) => &raw[range.clone()],
        Stored::Frame(range) => &frames[range.clone()],
        Stored::Sealed(_) => return,
    };
    seal_whole(key, SealedForm { inner, part: 0 }, plain, sealed);
    let range = start..sealed.len();
    *stored_sha256 = sha256(&sealed[range.clone()]);
    *stored = Stored::Sealed(range);
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
    if let Found::Bytes { stored, stored_sha256, codec, .. } = found {
        *stored_sha256 = sha256(&frames[range.clone()]);
        *stored = Stored::Frame(range);
        *codec = Codec::Zstd { level };
    }
}

/// Reads one whole file into `buffer`, which has its planned size.
#[expect(clippy::result_large_err, reason = "the error is the outcome that is kept, and rare")]
fn read_file(
    source: &dyn Source,
    file: &PlannedFile,
    buffer: &mut [u8],
) -> Result<Option<Change>, FileOutcome> {
    let refused = |error: SourceError| outcome_of(&error);
    let mut opened: Box<dyn SourceFile> = source.open(&file.path).map_err(refused)?;
    let count = if buffer.is_empty() { 0 } else { opened.read_at(buffer, 0).map_err(refused)? };
    let now = opened.stamp().map_err(refused)?;
    let change = Change::between(&file.stamp, &now);
    if count < buffer.len() {
        // The stamp may have been right again by the time it was asked for.
        let how = change.unwrap_or(Change::Shrank);
        return Err(FileOutcome::Changed { how, fuzzy: None });
    }
    Ok(change)
}
