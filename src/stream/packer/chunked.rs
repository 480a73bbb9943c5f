//! Large files that are compressed or sealed: chunks made by the workers, laid into the slabs in order.
//!
//! Each chunk of a compressed file is a frame of its own, so all processors compress one file, and a
//! file can be split at any chunk. Sealing follows the order of the file; at ten times the rate of a
//! hash it is the packer's, like the copy that it seals. Both hashes are the workers'. How large the
//! frames are is known only now; the room is asked with the most they can be.

use std::sync::Arc;

use crate::keys::KeyId;
use crate::keys::sealed::{Inner, SealedForm, Sealer, plain_bytes_within, sealed_bytes};
use crate::stream::codec::stored_bytes_max;
use crate::stream::config::CHUNK_BYTES;
use crate::stream::feeder::{Chunk, Item, Opened, Supply};
use crate::stream::hash::FileHasher;
use crate::stream::input::outcome_of;
use crate::stream::large::Extent;
use crate::stream::ordered::{HeldChunk, OrderedHashes};
use crate::stream::plan::{
    Change, Codec, FileOutcome, FileRecord, Place, Placement, PlannedFile, StoredFile,
};

use super::ahead::{Next, Upcoming, accepted};
use super::laying::Laying;
use super::{PackedRecord, Packer, Stop, part_of, volume_ends_before, volume_ends_in};

/// What was packed of a file so far.
struct Progress {
    hashes: Arc<OrderedHashes>,
    sealer: Option<Sealer>,
    /// The sealed file's, until it is laid with the first chunk.
    header: Vec<u8>,
    place: Option<Place>,
    raw_bytes: u64,
    /// Before sealing.
    content_bytes: u64,
}

impl Progress {
    fn stored_bytes(&self) -> u64 {
        self.place.map_or(0, |place| place.length)
    }
}

impl Packer<'_> {
    /// Packs a file whose chunks follow in the supply. Chunks left over are for the caller.
    pub(super) fn pack_chunked(
        &mut self,
        planned: PlannedFile,
        opened: Opened,
        upcoming: &mut Upcoming,
    ) -> Result<(), Stop> {
        let Some(input) = self.accept(planned.ordinal, accepted(&planned, opened))? else {
            return Ok(());
        };
        let begin = planned.continuation.map_or(0, |state| state.offset);
        let rest = planned.stamp.size_bytes.saturating_sub(begin);
        let limit = match self.place(&planned, self.stored_bytes_max(&planned, rest)) {
            Placement::Whole => u64::MAX,
            Placement::Split { bytes } => bytes,
            Placement::NextVolume => return Err(volume_ends_before(&planned)),
        };
        // Whether it will be split is known at its end; till then it is hashed as if.
        let part = part_of(&planned, limit == u64::MAX);
        let content_max = match self.run.config.seal {
            Some(_) => plain_bytes_within(limit).unwrap_or(0),
            None => limit,
        };
        let number = part.map_or(0, |part| part.part);
        let hasher = part.map_or_else(FileHasher::whole, |part| FileHasher::part(part.running));
        let mut progress = self.begin_chunks(planned.codec, number, hasher);
        let failure = self.pack_chunks(rest, content_max, upcoming, &mut progress)?;
        if progress.raw_bytes == 0 && failure.is_none() {
            return Err(volume_ends_before(&planned));
        }
        let is_last = progress.raw_bytes == rest;
        let is_split = !is_last && failure.is_none();
        if is_split {
            self.end_sealing(&mut progress)?;
        }
        let part = part.filter(|part| part.part > 1 || !is_last);
        let extent = Extent { offset: begin, length: progress.raw_bytes, part, is_last };
        let ordinal = planned.ordinal;
        let outcome = match (failure, input.stamp()) {
            (Some(outcome), _) => {
                self.run.gauges.dead_bytes.add(progress.stored_bytes());
                outcome
            }
            (None, Err(error)) => outcome_of(&error),
            (None, Ok(now)) => {
                let change = Change::between(&planned.stamp, &now);
                let file = self.laid_out(&planned, extent, change, progress);
                if !is_split {
                    // The next file is begun while the last chunks are hashed.
                    return self.record(PackedRecord::Chunked { ordinal, file });
                }
                file.wait().ok_or(Stop::Halted)?
            }
        };
        let next = match &outcome {
            FileOutcome::Stored(stored) => stored.part.and_then(|part| part.next),
            _ => None,
        };
        self.record(PackedRecord::Ready(FileRecord { ordinal, outcome }))?;
        if is_split { Err(volume_ends_in(ordinal, next)) } else { Ok(()) }
    }

    /// Most bytes that `rest` bytes of a file can become on tape.
    fn stored_bytes_max(&self, planned: &PlannedFile, rest: u64) -> u64 {
        let content = match planned.codec {
            Codec::None => rest,
            Codec::Zstd { .. } => stored_bytes_max(rest, CHUNK_BYTES),
        };
        if self.run.config.seal.is_some() { sealed_bytes(content) } else { content }
    }

    fn begin_chunks(&self, codec: Codec, part: u32, hasher: FileHasher) -> Progress {
        let mut header = Vec::new();
        let inner = if codec == Codec::None { Inner::AsIs } else { Inner::Zstd };
        let key = self.run.config.seal.as_ref();
        let sealer = key.map(|key| Sealer::begin(key, SealedForm { inner, part }, &mut header));
        Progress {
            hashes: OrderedHashes::new(&self.run, &self.work, hasher),
            sealer,
            header,
            place: None,
            raw_bytes: 0,
            content_bytes: 0,
        }
    }

    /// Packs chunks until `rest` bytes of the file are read, or until there is no room for the next one; gives
    /// the outcome of the file if it must end here.
    fn pack_chunks(
        &mut self,
        rest: u64,
        content_max: u64,
        upcoming: &mut Upcoming,
        progress: &mut Progress,
    ) -> Result<Option<FileOutcome>, Stop> {
        while progress.raw_bytes < rest {
            let Some(Next::Item(Item::Chunk(ready))) = upcoming.take() else {
                return Err(Stop::Halted);
            };
            let chunk = ready.recv().map_err(|_| Stop::Halted)?;
            if progress.content_bytes + chunk.content().len() as u64 > content_max {
                break;
            }
            let is_last = progress.raw_bytes + chunk.planned_bytes as u64 == rest;
            let failure = self.pack_chunk(chunk, is_last, &upcoming.supply, progress)?;
            if failure.is_some() {
                return Ok(failure);
            }
        }
        Ok(None)
    }

    /// Packs one chunk; gives the outcome of the file if it must end here.
    fn pack_chunk(
        &mut self,
        chunk: Chunk,
        is_last: bool,
        supply: &Supply,
        progress: &mut Progress,
    ) -> Result<Option<FileOutcome>, Stop> {
        let failure = match &chunk.failure {
            Some(error) => Some(outcome_of(error)),
            None if chunk.raw.len() < chunk.planned_bytes => {
                Some(FileOutcome::Changed { how: Change::Shrank, fuzzy: None })
            }
            None => None,
        };
        if failure.is_some() {
            let _ = supply.chunks.send(chunk);
            return Ok(failure);
        }
        progress.raw_bytes += chunk.raw.len() as u64;
        progress.content_bytes += chunk.content().len() as u64;
        self.run.gauges.source_bytes.add(chunk.raw.len() as u64);
        let chunk = HeldChunk::new(chunk, Some(supply.chunks.clone()));
        let Progress { hashes, sealer, header, place, .. } = progress;
        let mut laying = Laying::begin(self, hashes, place, &chunk);
        laying.copy(&std::mem::take(header))?;
        let mut content = chunk.chunk().content();
        match sealer {
            None => laying.copy(content)?,
            Some(open) => {
                while let Some(segment) = open.take(&mut content) {
                    laying.seal(segment)?;
                }
                if is_last {
                    laying.seal(open.last())?;
                    *sealer = None;
                }
            }
        }
        laying.end();
        Ok(None)
    }

    /// The volume ends inside the file: so does the sealed file of this part.
    fn end_sealing(&mut self, progress: &mut Progress) -> Result<(), Stop> {
        let Some(sealer) = progress.sealer.take() else { return Ok(()) };
        let chunk = HeldChunk::new(Chunk::default(), None);
        let mut laying = Laying::begin(self, &progress.hashes, &mut progress.place, &chunk);
        laying.seal(sealer.last())?;
        laying.end();
        Ok(())
    }

    fn laid_out(
        &self,
        planned: &PlannedFile,
        extent: Extent,
        change: Option<Change>,
        progress: Progress,
    ) -> Box<ChunkedFile> {
        Box::new(ChunkedFile {
            hashes: progress.hashes,
            extent,
            change,
            codec: planned.codec,
            sealed_by: self.run.config.seal.as_ref().map(|key| key.id()),
            place: progress.place,
        })
    }
}

/// A file all of whose chunks are laid out, while the last of them are still hashed.
#[derive(Debug)]
pub(in crate::stream) struct ChunkedFile {
    hashes: Arc<OrderedHashes>,
    extent: Extent,
    change: Option<Change>,
    codec: Codec,
    sealed_by: Option<KeyId>,
    place: Option<Place>,
}

impl ChunkedFile {
    /// The outcome, once everything is hashed; nothing if halted.
    pub(in crate::stream) fn wait(self) -> Option<FileOutcome> {
        let (hasher, stored_hasher) = self.hashes.finish()?;
        let (sha256, running) = hasher.finish();
        let stored = StoredFile {
            sha256,
            size_bytes: self.extent.length,
            codec: self.codec,
            sealed_by: self.sealed_by,
            stored_bytes: self.place.map_or(0, |place| place.length),
            stored_sha256: stored_hasher.finish().0,
            place: self.place,
            part: running.and_then(|running| self.extent.finish_part(running)),
        };
        Some(match self.change {
            None => FileOutcome::Stored(stored),
            Some(how) => FileOutcome::Changed { how, fuzzy: Some(stored) },
        })
    }
}

const _: () = assert!(CHUNK_BYTES.is_multiple_of(crate::stream::hash::HASH_BLOCK_BYTES));
