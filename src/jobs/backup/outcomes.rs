//! What became of each planned file, in plan order, kept off the tape until the manifest is written.
//!
//! One spool a run, over all its volumes: the manifest on each volume lists the whole run, so closing
//! the third volume needs what went to the first two.

use std::path::Path;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::plan::PlanError;
use crate::jobs::stored_form::ContentForm;
use crate::keys::KeyId;
use crate::spool::{SpoolError, SpoolReader, SpoolWriter};

/// What became of one planned file on one volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedFile {
    /// Its place in the plan.
    pub(crate) ordinal: u64,
    /// Which of the run's segments, counted from 0.
    pub(crate) segment: u32,
    /// What became of it.
    pub(crate) result: RecordedResult,
}

/// Stored, or why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RecordedResult {
    /// On the segment's volume.
    Stored(RecordedCopy),
    /// It changed while it was read.
    Changed,
    /// It was gone.
    Vanished,
    /// The source did not deliver it.
    Unreadable(String),
}

/// A copy on a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedCopy {
    /// Of the bytes read for it: of the file, or of this part.
    #[serde(with = "serde_bytes")]
    pub(crate) sha256: [u8; 32],
    /// How many those are.
    pub(crate) size_bytes: u64,
    /// What is on the tape, where that is not the file's bytes.
    pub(crate) transformed: Option<RecordedForm>,
    /// Which part it is.
    pub(crate) part: Option<RecordedPart>,
    /// First block, byte in it, bytes, byte of the stored file.
    pub(crate) extents: Vec<(u64, u32, u64, u64)>,
}

impl RecordedCopy {
    /// How its bytes on tape were made.
    pub(crate) fn form(&self) -> ContentForm {
        self.transformed.map_or_else(ContentForm::default, |form| ContentForm {
            is_zstd: form.is_zstd,
            sealed_by: form.sealed_by,
        })
    }
}

/// Bytes that were compressed or sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedForm {
    /// How many there are.
    pub(crate) stored_bytes: u64,
    /// Their hash.
    #[serde(with = "serde_bytes")]
    pub(crate) stored_sha256: [u8; 32],
    /// True if they are, or hold, zstd frames.
    pub(crate) is_zstd: bool,
    /// The data key that they are sealed with.
    pub(crate) sealed_by: Option<KeyId>,
}

/// A part of a split file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedPart {
    /// From 1.
    pub(crate) number: u32,
    /// Its first byte in the file.
    pub(crate) offset: u64,
    /// The hash of the whole file, with the last part.
    pub(crate) file_sha256: Option<[u8; 32]>,
}

/// Appends records.
#[derive(Debug)]
pub(crate) struct OutcomeWriter {
    spool: SpoolWriter,
    encoded: Vec<u8>,
}

impl OutcomeWriter {
    /// Opens the run's spool and cuts it to `bytes`, or makes it.
    ///
    /// # Errors
    /// If the file cannot be used or is shorter.
    pub(crate) fn open_at(path: &Path, bytes: u64) -> Result<Self, SpoolError> {
        let spool = if bytes == 0 {
            SpoolWriter::create(path)?
        } else {
            SpoolWriter::reopen_at(path, bytes)?
        };
        Ok(Self { spool, encoded: Vec::new() })
    }

    /// Appends a record.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[expect(
        clippy::expect_used,
        reason = "a growing buffer takes everything, and no type refuses"
    )]
    pub(crate) fn push(&mut self, record: &RecordedFile) -> Result<(), SpoolError> {
        let mut buffer = std::mem::take(&mut self.encoded);
        buffer.clear();
        self.encoded = postcard::to_extend(record, buffer).expect("plain values can be encoded");
        self.spool.push(&self.encoded)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.spool.path()
    }

    /// Puts everything on disk; returns the length to which it can be cut back.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn sync(&mut self) -> Result<u64, SpoolError> {
        self.spool.sync()?;
        Ok(self.spool.len())
    }
}

/// What became of one file: a record for each of its parts, and most files have one.
pub(crate) type RecordsOfFile = SmallVec<[RecordedFile; 1]>;

/// Reads records in order, one ahead.
#[derive(Debug)]
pub(crate) struct OutcomeReader {
    spool: Option<SpoolReader>,
    next: Option<RecordedFile>,
}

impl OutcomeReader {
    /// From the beginning of a spool; a run that stored nothing yet has none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self, PlanError> {
        let spool = if path.exists() { Some(SpoolReader::open(path)?) } else { None };
        let mut reader = Self { spool, next: None };
        reader.read_ahead()?;
        Ok(reader)
    }

    /// All records of one file: several if it is split. Ordinals must be asked for in order.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn take(&mut self, ordinal: u64) -> Result<RecordsOfFile, PlanError> {
        let mut taken = RecordsOfFile::new();
        while self.next.as_ref().is_some_and(|record| record.ordinal <= ordinal) {
            if let Some(record) = self.next.take()
                && record.ordinal == ordinal
            {
                taken.push(record);
            }
            self.read_ahead()?;
        }
        Ok(taken)
    }

    fn read_ahead(&mut self) -> Result<(), PlanError> {
        let payload = match &mut self.spool {
            Some(spool) => spool.next_record()?,
            None => None,
        };
        self.next = payload.map(postcard::from_bytes).transpose()?;
        Ok(())
    }
}
