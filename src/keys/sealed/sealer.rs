//! Plain bytes in, sealed bytes out.

use rand::RngCore as _;

use super::header::{HEADER_BYTES, Header, SEGMENT_BYTES};
use super::segment::{Place, SegmentKey, TAG_BYTES};
use super::{DataKey, SealedForm};

/// Seals one file.
#[derive(Debug)]
pub struct Sealer {
    key: SegmentKey,
    number: u64,
    /// What is not sealed yet, since it may be the last: at most a segment.
    pending: Vec<u8>,
    /// True if `pending` was given away as a segment.
    is_pending_taken: bool,
}

/// A segment that is to be sealed wherever it shall lie.
#[derive(Debug)]
pub struct Segment<'s> {
    key: &'s SegmentKey,
    number: u64,
    place: Place,
    plain: &'s [u8],
}

impl Segment<'_> {
    /// Bytes that it is when it is sealed.
    #[must_use]
    pub fn sealed_bytes(&self) -> usize {
        self.plain.len() + TAG_BYTES
    }

    /// Seals it into `out`.
    ///
    /// # Panics
    /// If `out` is not [`Self::sealed_bytes`] long.
    pub fn seal_into(self, out: &mut [u8]) {
        assert_eq!(out.len(), self.sealed_bytes());
        let (segment, tag) = out.split_at_mut(self.plain.len());
        segment.copy_from_slice(self.plain);
        tag.copy_from_slice(&self.key.seal(self.number, self.place, segment));
    }

    /// Appends it to `out`, sealed.
    pub fn append_to(self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.plain);
        let tag = self.key.seal(self.number, self.place, &mut out[start..]);
        out.extend_from_slice(&tag);
    }
}

impl Sealer {
    /// Begins a file with a salt of its own; its header goes to `out`.
    #[must_use]
    pub fn begin(key: &DataKey, form: SealedForm, out: &mut Vec<u8>) -> Self {
        let mut salt = [0; 32];
        // No secret, but never the same twice; the generator is seeded by the system.
        rand::thread_rng().fill_bytes(&mut salt);
        Self::with_salt(key, form, salt, out)
    }

    /// As [`Self::begin`], with a given salt: for test vectors.
    pub(super) fn with_salt(
        key: &DataKey,
        form: SealedForm,
        salt: [u8; 32],
        out: &mut Vec<u8>,
    ) -> Self {
        let key = Header::new(key.id(), form, salt).write(key, out);
        Self { key, number: 0, pending: Vec::new(), is_pending_taken: false }
    }

    /// Takes bytes off the front of `plain`: the next segment, as soon as it is known not to be the last. With
    /// nothing, all of `plain` was taken.
    pub fn take<'s, 'p: 's>(&'s mut self, plain: &mut &'p [u8]) -> Option<Segment<'s>> {
        if std::mem::take(&mut self.is_pending_taken) {
            self.pending.clear();
        }
        let is_whole = self.pending.is_empty() && plain.len() > SEGMENT_BYTES;
        let pending_wanted = if is_whole { 0 } else { SEGMENT_BYTES - self.pending.len() };
        let (completing, rest) = plain.split_at(pending_wanted.min(plain.len()));
        self.pending.extend_from_slice(completing);
        *plain = rest;
        if plain.is_empty() {
            return None;
        }
        let number = self.number;
        self.number += 1;
        let mut segment = &self.pending[..];
        if is_whole {
            (segment, *plain) = plain.split_at(SEGMENT_BYTES);
        } else {
            self.is_pending_taken = true;
        }
        Some(Segment { key: &self.key, number, place: Place::Inside, plain: segment })
    }

    /// The last segment, with which the file ends; [`Self::take`] has taken everything before.
    #[must_use]
    pub fn last(&self) -> Segment<'_> {
        self.last_of(if self.is_pending_taken { &[] } else { &self.pending })
    }

    fn last_of<'s>(&'s self, plain: &'s [u8]) -> Segment<'s> {
        Segment { key: &self.key, number: self.number, place: Place::Last, plain }
    }

    /// Takes the next bytes; what can be sealed goes to `out`.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) {
        out.reserve(plain.len() + plain.len() / SEGMENT_BYTES * TAG_BYTES + TAG_BYTES);
        while let Some(segment) = self.take(&mut plain) {
            segment.append_to(out);
        }
    }

    /// Ends the file: the last segment goes to `out`.
    pub fn finish(self, out: &mut Vec<u8>) {
        self.last().append_to(out);
    }
}

/// Appends the file `plain` to `out`, sealed: the same as a [`Sealer`] that is given all of it at once.
pub fn seal_whole(key: &DataKey, form: SealedForm, mut plain: &[u8], out: &mut Vec<u8>) {
    let mut sealer = Sealer::begin(key, form, out);
    while plain.len() > SEGMENT_BYTES
        && let Some(segment) = sealer.take(&mut plain)
    {
        segment.append_to(out);
    }
    sealer.last_of(plain).append_to(out);
}

/// How many bytes `plain` bytes are when they are sealed.
#[must_use]
pub fn sealed_bytes(plain: u64) -> u64 {
    let segments = plain.div_ceil(SEGMENT_BYTES as u64).max(1);
    HEADER_BYTES as u64 + plain + segments * TAG_BYTES as u64
}

/// How many plain bytes fit into `sealed` bytes; nothing if not even an empty file does.
#[must_use]
pub fn plain_bytes_within(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub((HEADER_BYTES + TAG_BYTES) as u64)?;
    let full = (SEGMENT_BYTES + TAG_BYTES) as u64;
    // The last segment's tag is taken off already.
    Some(body / full * SEGMENT_BYTES as u64 + (body % full).min(SEGMENT_BYTES as u64))
}
