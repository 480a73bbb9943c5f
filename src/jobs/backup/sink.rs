//! The end of the stream: blocks go to the volume, records to the notes, an index every so often.
//!
//! Runs on the drive's thread. An index in the middle bounds what a power failure can cost; its order
//! is the order of all evidence: notes on disk, index on tape and synced, catalog.

use std::sync::Arc;

use super::block_runs::BlockRuns;
use super::recorder::{Mark, Recorder};
use super::shown::ShownCopy;
use super::tree::SegmentTree;
use super::volume_room::VolumeRoom;
use crate::domain::ByteCount;
use crate::drive::{BlockKey, WriteOutcome};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::ltfs::writer::{IndexPlacement, IndexWritten, OpenVolume};
use crate::stream::{BlockSink, EdgeError, FileOutcome, FileRecord, PutOutcome};

/// A volume that a stream is written to.
pub(super) struct TapeSink<'a> {
    pub(super) context: &'a JobContext,
    pub(super) volume: OpenVolume,
    /// What the drive encrypts content with, if it is to.
    pub(super) block_key: Option<BlockKey>,
    pub(super) recorder: Recorder,
    pub(super) tree: SegmentTree,
    pub(super) runs: BlockRuns,
    pub(super) room: Arc<VolumeRoom>,
    pub(super) index_interval: ByteCount,
    pub(super) bytes_since_index: u64,
    /// What people see of this copy.
    pub(super) shown: ShownCopy,
    /// Files and bytes of this copy before this stretch of work.
    pub(super) files_before: u64,
    pub(super) bytes_before: u64,
}

impl TapeSink<'_> {
    /// How far its notes are.
    pub(super) fn mark(&self) -> Mark {
        self.recorder.mark
    }

    /// Bytes in a block of its volume.
    pub(super) fn block_bytes(&self) -> u32 {
        self.volume.label().block_size
    }

    /// True if the drive compresses what it writes there.
    pub(super) fn is_compressing(&self) -> bool {
        self.volume.label().compression
    }

    /// Ends it.
    pub(super) fn into_volume(self) -> OpenVolume {
        self.volume
    }

    /// From here on the drive encrypts, if the run wants it.
    ///
    /// # Errors
    /// If it does not, whatever it says: nothing is to be written then.
    pub(super) fn encrypt(&mut self) -> Result<(), JobError> {
        let Some(key) = &self.block_key else { return Ok(()) };
        let drive = self.volume.drive_mut();
        if !drive.is_encrypting() {
            drive.encrypt_with(key)?;
        }
        Ok(())
    }

    /// From here on what is written is plain: indexes, and what leads to the key.
    ///
    /// # Errors
    /// If what was written before was not encrypted all the while: it must not count.
    pub(super) fn end_encryption(&mut self) -> Result<(), JobError> {
        Ok(self.volume.drive_mut().end_encryption()?)
    }

    /// Writes an index for everything noted so far, and says so in the catalog.
    ///
    /// # Errors
    /// If notes, tape or catalog fail. What the catalog said before stays true.
    pub(super) fn write_index(
        &mut self,
        placement: IndexPlacement,
    ) -> Result<(IndexWritten, Mark), JobError> {
        self.end_encryption()?;
        let (snapshot, mark) = self.recorder.prepare()?;
        let mut tree = self.tree.with(snapshot);
        let written = self.volume.write_index(&mut tree, placement)?;
        self.recorder.index_was_synced(&mark)?;
        self.bytes_since_index = 0;
        self.room.index_was_written(written.bytes.0);
        Ok((written, mark))
    }

    fn put(&mut self, slab: u64, block: &[u8]) -> Result<PutOutcome, JobError> {
        self.encrypt()?;
        let appended = self.volume.append_block(block)?;
        if !appended.outcome.is_on_tape() {
            return Ok(PutOutcome::Full { is_accepted: false });
        }
        self.runs.note(slab, appended.block);
        self.bytes_since_index += block.len() as u64;
        if appended.outcome == WriteOutcome::EarlyWarning {
            return Ok(PutOutcome::Full { is_accepted: true });
        }
        if self.bytes_since_index >= self.index_interval.0 {
            self.write_index(IndexPlacement::DataPartition)?;
        }
        Ok(PutOutcome::Continue)
    }

    fn note(&mut self, record: &FileRecord) -> Result<(), JobError> {
        let extents = match &record.outcome {
            FileOutcome::Stored(stored) => self.runs.extents(stored.place),
            _ => None,
        };
        self.recorder.file_done(record, extents)
    }
}

impl BlockSink for TapeSink<'_> {
    fn put_block(&mut self, slab: u64, block: &[u8]) -> Result<PutOutcome, EdgeError> {
        self.put(slab, block).map_err(EdgeError::from)
    }

    fn file_done(&mut self, record: &FileRecord) -> Result<(), EdgeError> {
        self.note(record).map_err(EdgeError::from)
    }

    fn block_done(&mut self) {
        let counts = self.recorder.counts;
        let files = self.files_before + counts.stored + counts.not_stored;
        let bytes = self.bytes_before + counts.stored_bytes;
        let shown = self.shown.note((files, bytes));
        self.context.update(|progress| (progress.files_done, progress.bytes_done) = shown);
    }
}
