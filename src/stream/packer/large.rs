//! Large files that go to tape as they are: read into the slabs where they shall lie.

use std::sync::Arc;

use crate::domain::MIB;
use crate::stream::buffers::{Pending, SLAB_ALIGN_BYTES};
use crate::stream::input::Input;
use crate::stream::large::{Extent, LargeFile};
use crate::stream::plan::{FileOutcome, FileRecord, Place, Placement, StoredFile};
use crate::stream::workers::Turn;

use super::ahead::{Accepted, Begun, Head, Upcoming};
use super::{PackedRecord, Packer, Stop, part_of, volume_ends_before, volume_ends_in};

/// Files are split at multiples of this: a multiple of the hash's block and of any sector.
const SPLIT_STEP_BYTES: u64 = 4096;

/// Files from this size on begin at a multiple of [`SLAB_ALIGN_BYTES`], which wastes up to a 256th of a volume:
/// few of their bytes, and they are read from the disk without a copy.
const ALIGNED_FILE_BYTES_MIN: u64 = MIB;

/// How far a file is laid out.
#[derive(Clone, Copy, Debug, Default)]
struct LaidOut {
    place: Option<Place>,
    bytes: u64,
}

impl Packer<'_> {
    pub(super) fn pack_large(&mut self, begun: Begun, upcoming: &mut Upcoming) -> Result<(), Stop> {
        let Begun { planned, input, head } = begun;
        let ordinal = planned.ordinal;
        let Some(input) = self.accept(ordinal, input)? else { return Ok(()) };
        if planned.stamp.size_bytes >= ALIGNED_FILE_BYTES_MIN {
            self.align();
        }
        let begin = planned.continuation.map_or(0, |state| state.offset);
        let rest = planned.stamp.size_bytes.saturating_sub(begin);
        let length = match self.place(&planned, rest) {
            Placement::Whole => rest,
            Placement::Split { bytes } if bytes >= rest => rest,
            Placement::Split { bytes } => bytes - bytes % SPLIT_STEP_BYTES,
            Placement::NextVolume => 0,
        };
        if length == 0 {
            return Err(volume_ends_before(&planned));
        }
        let is_last = length == rest;
        let part = part_of(&planned, is_last);
        let extent = Extent { offset: begin, length, part, is_last };
        let head = head.filter(|_| part.is_none()).and_then(Head::take);
        let (file, slabs) = head.unwrap_or_else(|| {
            let (run, work) = (Arc::clone(&self.run), self.work.clone());
            (LargeFile::new(planned, extent, input, run, work, Turn::Now), Vec::new())
        });
        let mut laid_out = LaidOut::default();
        let result = self
            .append_head(&file, slabs, &mut laid_out, upcoming)
            .and_then(|()| self.lay_out(&file, &extent, &mut laid_out, upcoming));
        // Also when halted: what is out must be waited for by nobody.
        file.close();
        result?;
        if laid_out.bytes < extent.length {
            self.run.gauges.dead_bytes.add(laid_out.bytes);
        }
        let place = laid_out.place;
        self.record(PackedRecord::Large { ordinal, file: Arc::clone(&file), place })?;
        if is_last {
            return Ok(());
        }
        let outcome = file.wait(place).ok_or(Stop::Halted)?;
        let next = match &outcome {
            FileOutcome::Stored(StoredFile { part: Some(part), .. }) => part.next,
            // It changed or failed: the volume is full all the same, and jobs plan it anew.
            _ => None,
        };
        Err(volume_ends_in(ordinal, next))
    }

    /// Leaves bytes out so that what comes next can be read without a copy.
    fn align(&mut self) {
        if let Some(open) = &mut self.layout.open {
            let dead = open.used_bytes().next_multiple_of(SLAB_ALIGN_BYTES) - open.used_bytes();
            open.take(dead).fill(0);
            self.run.gauges.dead_bytes.add(dead as u64);
        }
    }

    /// Copies what was read of the file before its turn.
    fn append_head(
        &mut self,
        file: &LargeFile,
        slabs: Vec<Pending>,
        laid_out: &mut LaidOut,
        upcoming: &mut Upcoming,
    ) -> Result<(), Stop> {
        for slab in slabs {
            let head = slab.wait();
            if file.has_failed() {
                return Ok(());
            }
            let place = self.append(&head)?;
            laid_out.place = laid_out.place.or(place);
            laid_out.bytes += head.len() as u64;
            self.read_ahead(upcoming);
        }
        Ok(())
    }

    /// Has the rest of the extent read into the slabs that come next.
    fn lay_out(
        &mut self,
        file: &Arc<LargeFile>,
        extent: &Extent,
        laid_out: &mut LaidOut,
        upcoming: &mut Upcoming,
    ) -> Result<(), Stop> {
        while laid_out.bytes < extent.length && !file.has_failed() {
            let at = extent.offset + laid_out.bytes;
            if file.is_behind(at) {
                self.read_ahead(upcoming);
            }
            if !file.wait_for_hash(at) {
                return Err(Stop::Halted);
            }
            self.ensure_space()?;
            let slab = self.layout.sequence;
            let Some(open) = &mut self.layout.open else { return Err(Stop::Halted) };
            let left = extent.length - laid_out.bytes;
            let length = usize::try_from(left)
                .map_or(open.remaining_bytes(), |left| left.min(open.remaining_bytes()));
            let offset = u32::try_from(open.used_bytes()).unwrap_or(u32::MAX);
            laid_out.place.get_or_insert(Place { slab, offset, length: length as u64 });
            let span = open.take(length);
            file.read(self.engine.as_ref(), at, span);
            laid_out.bytes += length as u64;
        }
        // It began with the length of what came first.
        if let Some(place) = &mut laid_out.place {
            place.length = extent.length;
        }
        Ok(())
    }

    /// The input of a file that is worth reading; otherwise its record is made.
    pub(super) fn accept(
        &mut self,
        ordinal: u64,
        input: Accepted,
    ) -> Result<Option<Arc<Input>>, Stop> {
        match input {
            Ok(input) => Ok(Some(input)),
            Err(outcome) => {
                let outcome = *outcome;
                self.record(PackedRecord::Ready(FileRecord { ordinal, outcome }))?;
                Ok(None)
            }
        }
    }
}
