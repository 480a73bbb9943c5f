//! Compressed large files: frames made by the workers, hashed and copied in order.
//!
//! Each chunk of the file is a frame of its own, so all processors compress one file, and a file
//! can be split at any chunk. How large the frames are is known only now; the room is asked with the
//! most they can be.

use std::sync::Arc;

use crate::stream::codec::stored_bytes_max;
use crate::stream::config::CHUNK_BYTES;
use crate::stream::feeder::{Chunk, Item, Opened, Supply};
use crate::stream::hash::{FileHasher, digest_of};
use crate::stream::input::{Input, outcome_of};
use crate::stream::large::Extent;
use crate::stream::plan::{
    Change, FileOutcome, FileRecord, Place, Placement, PlannedFile, StoredFile,
};

use super::{PackedRecord, Packer, Stop, part_of, volume_ends_before, volume_ends_in};

/// What was packed of a file so far.
struct Progress {
    hasher: FileHasher,
    stored_hasher: sha2::Sha256,
    place: Option<Place>,
    raw_bytes: u64,
    stored_bytes: u64,
}

impl Packer<'_> {
    /// Packs a file whose chunks follow in the supply. Chunks left over are for the caller.
    pub(super) fn pack_chunked(
        &mut self,
        planned: PlannedFile,
        opened: Opened,
        supply: &Supply,
    ) -> Result<(), Stop> {
        let Some(input) = self.accept(&planned, opened)? else { return Ok(()) };
        let begin = planned.continuation.map_or(0, |state| state.offset);
        let rest = planned.stamp.size_bytes.saturating_sub(begin);
        let limit = match self.place(&planned, stored_bytes_max(rest, CHUNK_BYTES)) {
            Placement::Whole => u64::MAX,
            Placement::Split { bytes } => bytes,
            Placement::NextVolume => return Err(volume_ends_before(&planned)),
        };
        // Whether it will be split is known at its end; till then it is hashed as if.
        let part = part_of(&planned, limit == u64::MAX);
        let mut progress = Progress {
            hasher: part.map_or_else(FileHasher::whole, |part| FileHasher::part(part.running)),
            stored_hasher: sha2::Digest::new(),
            place: None,
            raw_bytes: 0,
            stored_bytes: 0,
        };
        let mut failure = None;
        while progress.raw_bytes < rest && failure.is_none() {
            let Ok(Item::Chunk(ready)) = supply.items.recv() else { return Err(Stop::Halted) };
            let chunk = ready.recv().map_err(|_| Stop::Halted)?;
            if progress.stored_bytes + chunk.frame.len() as u64 > limit {
                break;
            }
            failure = self.pack_chunk(&chunk, &mut progress)?;
            let _ = supply.chunks.send(chunk);
        }
        if progress.raw_bytes == 0 && failure.is_none() {
            return Err(volume_ends_before(&planned));
        }
        let is_last = progress.raw_bytes == rest;
        let is_split = !is_last && failure.is_none();
        let part = part.filter(|part| part.part > 1 || !is_last);
        let extent = Extent { offset: begin, length: progress.raw_bytes, part, is_last };
        let outcome = match failure {
            Some(outcome) => {
                self.run.gauges.dead_bytes.add(progress.stored_bytes);
                outcome
            }
            None => judge(&planned, &extent, &input, progress),
        };
        let ordinal = planned.ordinal;
        let next = match &outcome {
            FileOutcome::Stored(stored) => stored.part.and_then(|part| part.next),
            _ => None,
        };
        self.record(PackedRecord::Ready(FileRecord { ordinal, outcome }))?;
        if is_split { Err(volume_ends_in(ordinal, next)) } else { Ok(()) }
    }

    /// Packs one frame; gives the outcome of the file if it must end here.
    fn pack_chunk(
        &mut self,
        chunk: &Chunk,
        progress: &mut Progress,
    ) -> Result<Option<FileOutcome>, Stop> {
        if let Some(error) = &chunk.failure {
            return Ok(Some(outcome_of(error)));
        }
        if chunk.raw.len() < chunk.planned_bytes {
            return Ok(Some(FileOutcome::Changed { how: Change::Shrank, fuzzy: None }));
        }
        progress.hasher.update(&chunk.raw);
        sha2::Digest::update(&mut progress.stored_hasher, &chunk.frame);
        let place = self.append(&chunk.frame)?;
        progress.raw_bytes += chunk.raw.len() as u64;
        progress.stored_bytes += chunk.frame.len() as u64;
        self.run.gauges.source_bytes.add(chunk.raw.len() as u64);
        match &mut progress.place {
            Some(whole) => whole.length += chunk.frame.len() as u64,
            None => progress.place = place,
        }
        Ok(None)
    }
}

fn judge(
    planned: &PlannedFile,
    extent: &Extent,
    input: &Arc<Input>,
    progress: Progress,
) -> FileOutcome {
    let change = match input.stamp() {
        Ok(now) => Change::between(&planned.stamp, &now),
        Err(error) => return outcome_of(&error),
    };
    let (sha256, running) = progress.hasher.finish();
    let stored = StoredFile {
        sha256,
        size_bytes: progress.raw_bytes,
        codec: planned.codec,
        stored_bytes: progress.stored_bytes,
        stored_sha256: digest_of(progress.stored_hasher),
        place: progress.place,
        part: running.and_then(|running| extent.finish_part(running)),
    };
    match change {
        None => FileOutcome::Stored(stored),
        Some(how) => FileOutcome::Changed { how, fuzzy: Some(stored) },
    }
}

const _: () = assert!(CHUNK_BYTES.is_multiple_of(crate::stream::hash::HASH_BLOCK_BYTES));
