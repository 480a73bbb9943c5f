//! The stored form of a chunk on its way into the slabs: copied once, sealed there, hashed there.
//!
//! A segment that does not fit into what is left of a slab is sealed beside it and copied in pieces.

use std::sync::Arc;

use crate::keys::sealed::Segment;
use crate::stream::buffers::{Filling, Span};
use crate::stream::ordered::{HeldChunk, OrderedHashes, Piece};
use crate::stream::plan::Place;

use super::{Packer, Stop};

/// Lays the stored form of one chunk.
pub(super) struct Laying<'p, 'a> {
    packer: &'p mut Packer<'a>,
    hashes: &'p Arc<OrderedHashes>,
    /// Of the file, so far.
    place: &'p mut Option<Place>,
    chunk: Arc<HeldChunk>,
    /// Bytes of the chunk as read that are with the hashes.
    read_bytes: usize,
    /// What is laid in the open slab, and not with the hashes yet.
    laid: Option<Span>,
}

impl<'p, 'a> Laying<'p, 'a> {
    /// Behind whatever of the file lies at `place`.
    pub(super) fn begin(
        packer: &'p mut Packer<'a>,
        hashes: &'p Arc<OrderedHashes>,
        place: &'p mut Option<Place>,
        chunk: &Arc<HeldChunk>,
    ) -> Self {
        hashes.set_laying(true);
        Self { packer, hashes, place, chunk: Arc::clone(chunk), read_bytes: 0, laid: None }
    }

    /// Lays `bytes` as they are.
    pub(super) fn copy(&mut self, mut bytes: &[u8]) -> Result<(), Stop> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.room()?));
            self.fill(now.len(), |span| span.copy_from_slice(now))?;
            bytes = later;
        }
        Ok(())
    }

    /// Lays a segment, sealed.
    pub(super) fn seal(&mut self, segment: Segment<'_>) -> Result<(), Stop> {
        let length = segment.sealed_bytes();
        if length <= self.room()? {
            return self.fill(length, |span| segment.seal_into(span));
        }
        let mut sealed = Vec::with_capacity(length);
        segment.append_to(&mut sealed);
        self.copy(&sealed)
    }

    /// Bytes left in the slab that is being filled; in a new one if there are none.
    fn room(&mut self) -> Result<usize, Stop> {
        let left = self.packer.layout.open.as_ref().map_or(0, Filling::remaining_bytes);
        if left > 0 {
            return Ok(left);
        }
        // Before another slab is waited for: this one is free only when it is hashed.
        self.hand_over();
        self.packer.ensure_space()?;
        Ok(self.packer.layout.open.as_ref().map_or(0, Filling::remaining_bytes))
    }

    fn fill(&mut self, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<(), Stop> {
        let slab = self.packer.layout.sequence;
        let Some(open) = &mut self.packer.layout.open else { return Err(Stop::Halted) };
        let mut span = open.take(length);
        fill(&mut span);
        let offset = u32::try_from(span.slab_offset()).unwrap_or(u32::MAX);
        self.place.get_or_insert(Place { slab, offset, length: 0 }).length += length as u64;
        match &mut self.laid {
            Some(laid) => laid.join(span),
            None => self.laid = Some(span),
        }
        Ok(())
    }

    /// Gives what was laid to the hashes, with as large a part of the chunk as read.
    fn hand_over(&mut self) {
        let Some(laid) = self.laid.take() else { return };
        let chunk = self.chunk.chunk();
        let share = laid.len() * chunk.raw.len() / chunk.content().len().max(1);
        let left = chunk.raw.len() - self.read_bytes;
        self.put(share.min(left), Some(laid));
    }

    fn put(&mut self, read: usize, stored: Option<Span>) {
        let read = self.read_bytes..self.read_bytes + read;
        self.read_bytes = read.end;
        self.hashes.put(Piece { chunk: Arc::clone(&self.chunk), read, stored });
    }

    /// Ends the chunk: all of it is with the hashes.
    pub(super) fn end(mut self) {
        let left = self.chunk.chunk().raw.len() - self.read_bytes;
        let laid = self.laid.take();
        if left > 0 || laid.is_some() {
            self.put(left, laid);
        }
        self.hashes.set_laying(false);
    }
}
