//! Writing to a volume: blocks at the end of the data partition, then indexes, in the order of safety.
//!
//! ```text
//!  data blocks ─▶ index on the data partition (filemark, index, filemark that flushes)
//!              ─▶ index on the index partition (the same) ─▶ the cartridge's memory on both
//! ```
//!
//! Between any two steps the power may fail: what the last index on the data partition lists can be
//! read afterwards, and a mount finds it. The data partition is only ever appended to.
//!
//! The position is never assumed: the drive must agree with us before each index and after it. After any
//! failure the writer is dead ([`LtfsError::WriterStopped`]) until [`OpenVolume::recover`] has read the
//! label again and looked where the data ends.
//!
//! An [`OpenVolume`] owns the drive; [`OpenVolume::close`] and [`OpenVolume::into_drive`] give it back.
//! One thread.

mod index;
mod prepare;
mod room;

use std::path::PathBuf;
use std::sync::Arc;

pub use index::{IndexPlacement, IndexWritten};
pub(super) use prepare::Purpose;
pub use room::Room;

use super::error::LtfsError;
use super::index::{IndexLocation, LockState};
use super::label::{PartitionMap, VolumeLabel};
use super::merge::IndexFile;
use super::mount::{LastIndex, MountedVolume};
use crate::domain::{BlockNumber, Clock, Position, Timestamp};
use crate::drive::{Access, Drive, WriteOutcome};

/// How to open a volume for writing.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    /// Where indexes are kept off the tape.
    pub spool_dir: PathBuf,
    /// Stands in indexes as who wrote them: `vendor version - OS - program`. See [`creator`].
    pub creator: String,
    /// Gives the time of each index.
    pub clock: Arc<dyn Clock>,
    /// Whether a volume that somebody locked may be unlocked by writing to it.
    pub locked: Locked,
}

/// What to do with a lock. One that is for ever is always respected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// Refuse to write.
    Respect,
    /// Write; the next index says that the volume is unlocked.
    Unlock,
}

/// The creator text of a program, in the form of the reference.
#[must_use]
pub fn creator(program: &str) -> String {
    format!("FossilSafe {} - Linux - {program}", env!("CARGO_PKG_VERSION"))
}

/// A volume that could not be opened, and the drive.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// The drive; its access is read-only again.
    pub drive: Drive,
    /// Why.
    #[source]
    pub error: LtfsError,
}

/// A block that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendOutcome {
    /// Its number. With [`WriteOutcome::Full`] the number that it would have had: it is not on tape.
    pub block: BlockNumber,
    /// What the drive said.
    pub outcome: WriteOutcome,
}

/// What [`OpenVolume::recover`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Up to here everything was flushed before the failure.
    pub flushed: BlockNumber,
    /// Up to here we had written, as far as we knew.
    pub believed: BlockNumber,
    /// Here the data ends. Blocks from `flushed` on may be there; only reading proves them.
    pub found: BlockNumber,
}

/// A volume that is complete on both partitions.
#[derive(Debug)]
pub struct ClosedVolume {
    /// The drive; its access is read-only.
    pub drive: Drive,
    /// The volume.
    pub label: VolumeLabel,
    /// The last index, off the tape.
    pub index: Arc<IndexFile>,
    /// Its generation.
    pub generation: u64,
}

/// A volume being written.
#[derive(Debug)]
pub struct OpenVolume {
    drive: Drive,
    label: VolumeLabel,
    map: PartitionMap,
    options: WriteOptions,
    /// The newest index, off the tape.
    current: Arc<IndexFile>,
    /// The highest generation that the volume may have seen.
    generation: u64,
    lock: Option<LockState>,
    /// The next block of the data partition.
    next: BlockNumber,
    /// Up to here a synchronous filemark has succeeded.
    flushed: BlockNumber,
    last_on_data: Option<LastIndex>,
    last_on_index: Option<LastIndex>,
    /// Where the next index construct of the index partition begins.
    index_append_at: BlockNumber,
    /// An index construct was begun there and not finished.
    index_partition_is_torn: bool,
    is_worm: bool,
    has_unindexed_blocks: bool,
    is_stopped: bool,
    room: room::RoomState,
}

impl OpenVolume {
    /// Opens a mounted volume for appending. Nothing is written yet, but the drive's access is
    /// [`Access::Write`] from here on.
    ///
    /// # Errors
    /// When the volume must not be written, must be repaired first, or is not as it was mounted. The
    /// drive comes back with the error.
    pub fn begin(
        drive: Drive,
        mounted: &MountedVolume,
        options: WriteOptions,
    ) -> Result<Self, Box<Refused>> {
        Self::begin_for(drive, mounted, options, Purpose::Append)
    }

    pub(super) fn begin_for(
        drive: Drive,
        mounted: &MountedVolume,
        options: WriteOptions,
        purpose: Purpose,
    ) -> Result<Self, Box<Refused>> {
        let mut drive = drive;
        match prepare::prepare(&mut drive, mounted, options.locked, purpose) {
            Ok(start) => Ok(Self {
                drive,
                label: mounted.label.clone(),
                map: mounted.map,
                options,
                current: Arc::clone(&mounted.index.file),
                generation: start.generation,
                lock: start.lock,
                next: start.end,
                flushed: start.end,
                last_on_data: mounted.data_partition.last_index,
                last_on_index: mounted.index_partition.last_index,
                index_append_at: start.index_append_at,
                index_partition_is_torn: false,
                is_worm: mounted.is_worm,
                has_unindexed_blocks: false,
                is_stopped: false,
                room: start.room,
            }),
            Err(error) => {
                drive.permit(Access::ReadOnly);
                Err(Box::new(Refused { drive, error }))
            }
        }
    }

    /// The volume's label.
    #[must_use]
    pub fn label(&self) -> &VolumeLabel {
        &self.label
    }

    /// Which physical partition is which.
    #[must_use]
    pub fn map(&self) -> &PartitionMap {
        &self.map
    }

    /// The newest index, off the tape: what the next one is merged with.
    #[must_use]
    pub fn current_index(&self) -> &Arc<IndexFile> {
        &self.current
    }

    /// The generation of the newest index.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.current.header().generation
    }

    /// The number that the next appended block will have.
    #[must_use]
    pub fn next_block(&self) -> BlockNumber {
        self.next
    }

    /// Up to here everything is on tape for certain: a synchronous filemark has succeeded behind it.
    #[must_use]
    pub fn flushed_to(&self) -> BlockNumber {
        self.flushed
    }

    /// True if blocks were appended that no index lists.
    #[must_use]
    pub fn has_unindexed_blocks(&self) -> bool {
        self.has_unindexed_blocks
    }

    /// True after a failure, until [`OpenVolume::recover`] succeeds.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// What the indexes written from now on say of the volume's lock.
    pub fn set_lock(&mut self, lock: LockState) {
        self.lock = Some(lock);
    }

    /// The drive, for reading its health. Moving the tape stops the writer at its next step.
    pub fn drive_mut(&mut self) -> &mut Drive {
        &mut self.drive
    }

    /// Appends one block to the data partition. All blocks of a file but its last must be of the
    /// label's block size.
    ///
    /// # Errors
    /// When the drive fails; the writer is stopped then. [`WriteOutcome::Full`] is no error.
    pub fn append_block(&mut self, block: &[u8]) -> Result<AppendOutcome, LtfsError> {
        const DOING: &str = "append a block";
        self.ensure_running()?;
        let limit = usize::try_from(self.label.block_size).unwrap_or(usize::MAX);
        if block.is_empty() || block.len() > limit {
            return Err(LtfsError::Misuse("a block is empty or longer than the volume's blocks"));
        }
        let at = self.data_position();
        self.go_to(at)?;
        let outcome = self.drive.write_block(block).map_err(LtfsError::drive(DOING));
        let outcome = self.stop_on_error(outcome)?;
        self.room.note(outcome, block.len());
        if outcome.is_on_tape() {
            self.next = BlockNumber(at.block.0 + 1);
            self.has_unindexed_blocks = true;
        }
        Ok(AppendOutcome { block: at.block, outcome })
    }

    /// Makes certain that everything appended so far is on tape, without an index: flushes the drive's
    /// buffer.
    ///
    /// # Errors
    /// When it cannot be; nothing since [`OpenVolume::flushed_to`] is certain then.
    pub fn flush(&mut self) -> Result<(), LtfsError> {
        const DOING: &str = "flush what was appended";
        self.ensure_running()?;
        let at = self.data_position();
        self.go_to(at)?;
        let flushed = self
            .drive
            .write_filemarks(0, crate::drive::Flush::Synchronous)
            .and_then(|_| self.drive.ensure_position(at))
            .map_err(LtfsError::drive(DOING));
        self.stop_on_error(flushed)?;
        self.flushed = self.next;
        self.room.note_flushed();
        Ok(())
    }

    /// After a failure: reads the label again, finds the end of the data, and goes on from there.
    ///
    /// What was appended since the last flush and is beyond `found` is lost; what is before it is there
    /// but not certain. Nothing is ever overwritten: the next block goes behind `found`.
    ///
    /// # Errors
    /// When the cartridge is another one, or has lost what a filemark had flushed.
    pub fn recover(&mut self) -> Result<Recovered, LtfsError> {
        self.is_stopped = true;
        self.ensure_same_volume()?;
        let end = self
            .drive
            .locate_end_of_data(self.map.data.1)
            .map_err(LtfsError::drive("find the end of the data"))?
            .block;
        if end < self.flushed {
            return Err(LtfsError::Changed {
                partition: self.map.data.1,
                expected: self.flushed,
                found: end,
            });
        }
        let recovered = Recovered { flushed: self.flushed, believed: self.next, found: end };
        self.drive.permit(Access::Write);
        prepare::guard(&mut self.drive, self.is_worm)?;
        self.next = end;
        self.has_unindexed_blocks |= end > self.flushed;
        if self.index_partition_is_torn {
            // What the torn construct left is kept; the next one goes behind it.
            let end = self
                .drive
                .locate_end_of_data(self.map.index.1)
                .map_err(LtfsError::drive("find the end of the index partition"))?;
            self.index_append_at = end.block;
            self.last_on_index = None;
            self.index_partition_is_torn = false;
        }
        self.room.forget();
        self.is_stopped = false;
        Ok(recovered)
    }

    /// Ends writing. Both partitions must end in the same, newest index.
    ///
    /// # Errors
    /// When they do not; the volume comes back with the error, to be indexed.
    pub fn close(mut self) -> Result<ClosedVolume, Box<(Self, LtfsError)>> {
        let generation = self.generation();
        let is_last = |last: Option<LastIndex>| last.is_some_and(|l| l.generation == generation);
        let is_complete = is_last(self.last_on_data) && is_last(self.last_on_index);
        if self.is_stopped {
            return Err(Box::new((self, LtfsError::WriterStopped)));
        }
        if self.has_unindexed_blocks || !is_complete {
            let error =
                LtfsError::Misuse("a volume is closed before both partitions have its index");
            return Err(Box::new((self, error)));
        }
        self.drive.permit(Access::ReadOnly);
        Ok(ClosedVolume { drive: self.drive, label: self.label, index: self.current, generation })
    }

    /// Gives up and gives the drive back, read-only. What no index lists is not found by a mount.
    #[must_use]
    pub fn into_drive(mut self) -> Drive {
        self.drive.permit(Access::ReadOnly);
        self.drive
    }

    fn data_position(&self) -> Position {
        Position { partition: self.map.data.1, block: self.next }
    }

    fn ensure_running(&self) -> Result<(), LtfsError> {
        if self.is_stopped { Err(LtfsError::WriterStopped) } else { Ok(()) }
    }

    /// Goes to `to` unless we are there. A position that is lost is an error: only `recover` finds it.
    fn go_to(&mut self, to: Position) -> Result<(), LtfsError> {
        if self.drive.position() == Some(to) {
            return Ok(());
        }
        if self.drive.is_lost() {
            self.is_stopped = true;
            return Err(LtfsError::WriterStopped);
        }
        let went = self.drive.locate(to).map_err(LtfsError::drive("go to the end of the volume"));
        self.stop_on_error(went)
    }

    fn stop_on_error<T>(&mut self, result: Result<T, LtfsError>) -> Result<T, LtfsError> {
        if result.is_err() {
            self.is_stopped = true;
        }
        result
    }

    fn ensure_same_volume(&mut self) -> Result<(), LtfsError> {
        let found = prepare::labelled_volume(&mut self.drive, &self.map)?;
        if found == self.label.uuid {
            return Ok(());
        }
        Err(LtfsError::WrongVolume { expected: self.label.uuid, found })
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn index_at(&self, partition_is_data: bool, block: BlockNumber) -> IndexLocation {
        let (id, _) = if partition_is_data { self.map.data } else { self.map.index };
        IndexLocation { partition: id, block }
    }
}
