//! Lays files into slabs of exactly one block, in plan order, and tells which file ended where.
//!
//! The packer runs ahead of reading: it decides where the bytes of a large file go and has them read
//! there, while results of small files are copied. A record goes with the slab that holds the
//! file's last byte, so whoever takes slabs in order can say of each file when it is complete.
//! The only slab that may be short is the last. One thread; waits for slabs (back pressure of the
//! drives) and for the workers.

mod ahead;
mod chunked;
mod large;
mod laying;

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Sender;

use crate::keys::KeyId;
use crate::stream::batch::{Batch, Found, Stored};
use crate::stream::buffers::{Filling, Pending};
use crate::stream::config::RECORDS_PER_SLAB_MAX;
use crate::stream::engine::Engine;
use crate::stream::feeder::{Item, Supply};
use crate::stream::hash::HashState;
use crate::stream::large::LargeFile;
use crate::stream::plan::{
    FileOutcome, FileRecord, Place, Placement, PlannedFile, Room, RoomRequest, SplitState,
    StoredFile,
};
use crate::stream::run::Run;
use crate::stream::sink::StreamEnd;
use crate::stream::workers::WorkQueue;

use ahead::{Begun, Next, Upcoming};
use chunked::ChunkedFile;

/// A slab, and the files that end in it.
#[derive(Debug)]
pub(super) struct Packed {
    /// Nothing if only records travel: of files without bytes.
    pub(super) slab: Option<Pending>,
    pub(super) records: Vec<PackedRecord>,
}

/// A record, or what it will be made of.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are ready records, and a box for each costs more"
)]
pub(super) enum PackedRecord {
    Ready(FileRecord),
    Large { ordinal: u64, file: Arc<LargeFile>, place: Option<Place> },
    Chunked { ordinal: u64, file: Box<ChunkedFile> },
}

/// What the packer is done with.
#[derive(Debug)]
pub(super) enum Ended {
    /// Everything, or up to where the volume ends.
    At(StreamEnd),
    /// It was halted.
    Halted,
}

/// Why the packer stops early.
enum Stop {
    /// The volume ends here.
    VolumeFull {
        next_ordinal: u64,
        resume: Option<SplitState>,
    },
    Halted,
}

/// Fills slabs.
pub(super) struct Packer<'a> {
    pub(super) run: Arc<Run>,
    pub(super) room: &'a dyn Room,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) work: WorkQueue,
    pub(super) out: Sender<Packed>,
    pub(super) layout: Layout,
}

/// The slab being filled.
#[derive(Debug, Default)]
pub(super) struct Layout {
    open: Option<Filling>,
    records: Vec<PackedRecord>,
    /// Slabs closed so far; the number of the open one.
    sequence: u64,
}

impl Packer<'_> {
    /// Packs everything that is supplied.
    pub(super) fn run(mut self, supply: Supply) -> Ended {
        let ended = match self.pack(&mut Upcoming::new(supply)) {
            Ok(()) => StreamEnd::Finished,
            Err(Stop::VolumeFull { next_ordinal, resume }) => {
                StreamEnd::VolumeFull { next_ordinal, resume }
            }
            Err(Stop::Halted) => return Ended::Halted,
        };
        match self.send_slab() {
            Ok(()) if !self.run.is_halted() => Ended::At(ended),
            _ => Ended::Halted,
        }
    }

    fn pack(&mut self, upcoming: &mut Upcoming) -> Result<(), Stop> {
        loop {
            let item = match upcoming.take() {
                Some(item) => item,
                // The feeder leaves early only when halted or cancelled.
                None if self.run.is_halted() || self.run.control.is_cancelled() => {
                    return Err(Stop::Halted);
                }
                None => return Ok(()),
            };
            match item {
                Next::Begun(begun) => self.pack_large(begun, upcoming)?,
                Next::Item(Item::Large { planned, opened }) => {
                    let opened = opened.recv().map_err(|_| Stop::Halted)?;
                    self.pack_large(Begun::new(planned, opened), upcoming)?;
                }
                Next::Item(Item::Batch(ready)) => {
                    let mut batch = ready.recv().map_err(|_| Stop::Halted)?;
                    self.pack_batch(&batch)?;
                    batch.clear();
                    let _ = upcoming.supply.batches.send(batch);
                }
                Next::Item(Item::Chunked { planned, opened }) => {
                    self.pack_chunked(planned, opened, upcoming)?;
                }
                Next::Item(Item::Chunk(unwanted)) => {
                    let chunk = unwanted.recv().map_err(|_| Stop::Halted)?;
                    let _ = upcoming.supply.chunks.send(chunk);
                }
            }
        }
    }

    fn pack_batch(&mut self, batch: &Batch) -> Result<(), Stop> {
        for (planned, found) in batch.files.iter().zip(&batch.found) {
            let (ordinal, size_bytes) = (planned.ordinal, planned.stamp.size_bytes);
            let outcome = match found {
                Found::Nothing(outcome) => outcome.clone(),
                Found::Bytes { stored, sha256, stored_sha256, codec, change } => {
                    let bytes = batch.stored_bytes(stored);
                    let stored_bytes = bytes.len() as u64;
                    if stored_bytes > 0 {
                        self.ensure_whole(planned, stored_bytes)?;
                    }
                    self.run.gauges.source_bytes.add(size_bytes);
                    let stored = StoredFile {
                        sha256: *sha256,
                        size_bytes,
                        codec: *codec,
                        sealed_by: self.seal_of(stored),
                        stored_bytes,
                        stored_sha256: *stored_sha256,
                        place: self.append(bytes)?,
                        part: None,
                    };
                    match *change {
                        None => FileOutcome::Stored(stored),
                        Some(how) => FileOutcome::Changed { how, fuzzy: Some(stored) },
                    }
                }
            };
            self.record(PackedRecord::Ready(FileRecord { ordinal, outcome }))?;
        }
        Ok(())
    }

    /// The key that a small file is sealed with.
    fn seal_of(&self, stored: &Stored) -> Option<KeyId> {
        let key = self.run.config.seal.as_ref();
        key.filter(|_| matches!(stored, Stored::Sealed(_))).map(|key| key.id())
    }

    /// Small files are never split: a volume with so little room left is full.
    fn ensure_whole(&self, planned: &PlannedFile, stored_bytes_max: u64) -> Result<(), Stop> {
        match self.place(planned, stored_bytes_max) {
            Placement::Whole => Ok(()),
            Placement::Split { bytes } if bytes >= stored_bytes_max => Ok(()),
            Placement::Split { .. } | Placement::NextVolume => Err(volume_ends_before(planned)),
        }
    }

    fn place(&self, planned: &PlannedFile, stored_bytes_max: u64) -> Placement {
        let stream_bytes = self.stream_bytes();
        self.room.place(&RoomRequest { ordinal: planned.ordinal, stored_bytes_max, stream_bytes })
    }

    /// Copies `bytes` into the slabs that come next.
    fn append(&mut self, mut bytes: &[u8]) -> Result<Option<Place>, Stop> {
        let length = bytes.len() as u64;
        let mut place = None;
        while !bytes.is_empty() {
            self.ensure_space()?;
            let slab = self.layout.sequence;
            let Some(open) = &mut self.layout.open else { return Err(Stop::Halted) };
            let offset = u32::try_from(open.used_bytes()).unwrap_or(u32::MAX);
            place.get_or_insert(Place { slab, offset, length });
            let (now, later) = bytes.split_at(bytes.len().min(open.remaining_bytes()));
            open.take(now.len()).copy_from_slice(now);
            bytes = later;
        }
        Ok(place)
    }

    /// Adds a record behind everything laid out so far.
    fn record(&mut self, record: PackedRecord) -> Result<(), Stop> {
        if !self.run.admit_record() {
            return Err(Stop::Halted);
        }
        self.run.gauges.source_files.add(1);
        self.layout.records.push(record);
        let is_full = self.layout.open.as_ref().is_some_and(|open| open.remaining_bytes() == 0);
        if is_full {
            return self.send_slab();
        }
        if self.layout.records.len() >= RECORDS_PER_SLAB_MAX {
            if let Some(open) = &mut self.layout.open {
                let dead = open.remaining_bytes();
                open.take(dead).fill(0);
                self.run.gauges.dead_bytes.add(dead as u64);
            }
            return self.send_slab();
        }
        Ok(())
    }

    /// Makes sure that the open slab has space.
    fn ensure_space(&mut self) -> Result<(), Stop> {
        if self.layout.open.as_ref().is_some_and(|open| open.remaining_bytes() > 0) {
            return Ok(());
        }
        if self.layout.open.is_some() {
            self.send_slab()?;
        }
        if !self.run.control.checkpoint() {
            return Err(Stop::Halted);
        }
        let lease = match self.run.slabs.try_lease() {
            Some(lease) => lease,
            None => {
                let waiting_since = Instant::now();
                let lease = self.run.slabs.lease(self.run.halted());
                self.run.gauges.source_blocked.add_time(waiting_since.elapsed());
                lease.ok_or(Stop::Halted)?
            }
        };
        self.layout.open = Some(Filling::new(lease));
        Ok(())
    }

    /// Sends the open slab and the records on.
    fn send_slab(&mut self) -> Result<(), Stop> {
        let slab = self.layout.open.take().map(Filling::close);
        let records = std::mem::take(&mut self.layout.records);
        if slab.is_none() && records.is_empty() {
            return Ok(());
        }
        self.layout.sequence += u64::from(slab.is_some());
        self.out.send(Packed { slab, records }).map_err(|_| Stop::Halted)
    }

    /// Bytes of the stream so far.
    fn stream_bytes(&self) -> u64 {
        let open = self.layout.open.as_ref().map_or(0, Filling::used_bytes) as u64;
        self.layout.sequence * u64::from(self.run.config.block_bytes) + open
    }
}

/// The part that an extent of `planned` is, unless it is the whole file.
fn part_of(planned: &PlannedFile, is_last: bool) -> Option<SplitState> {
    let first =
        SplitState { ordinal: planned.ordinal, offset: 0, part: 1, running: HashState::START };
    match planned.continuation {
        Some(state) => Some(state),
        None if is_last => None,
        None => Some(first),
    }
}

fn volume_ends_before(planned: &PlannedFile) -> Stop {
    Stop::VolumeFull { next_ordinal: planned.ordinal, resume: planned.continuation }
}

/// The volume ends in a file that goes on at `next`. If there is no such state the file changed or
/// failed; its record says so, and the next volume begins with the file after it.
fn volume_ends_in(ordinal: u64, next: Option<SplitState>) -> Stop {
    let next_ordinal = if next.is_some() { ordinal } else { ordinal + 1 };
    Stop::VolumeFull { next_ordinal, resume: next }
}
