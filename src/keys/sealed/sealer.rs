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
        Self { key, number: 0, pending: Vec::new() }
    }

    /// Takes the next bytes; what can be sealed goes to `out`.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) {
        out.reserve(plain.len() + plain.len() / SEGMENT_BYTES * TAG_BYTES + TAG_BYTES);
        if !self.pending.is_empty() {
            let wanted = (SEGMENT_BYTES - self.pending.len()).min(plain.len());
            self.pending.extend_from_slice(&plain[..wanted]);
            plain = &plain[wanted..];
            if plain.is_empty() {
                return;
            }
            let segment = std::mem::take(&mut self.pending);
            self.seal(&segment, out);
            self.pending = segment;
            self.pending.clear();
        }
        while plain.len() > SEGMENT_BYTES {
            let (segment, rest) = plain.split_at(SEGMENT_BYTES);
            self.seal(segment, out);
            plain = rest;
        }
        self.pending.extend_from_slice(plain);
    }

    fn seal(&mut self, segment: &[u8], out: &mut Vec<u8>) {
        self.key.seal(self.number, Place::Inside, segment, out);
        self.number += 1;
    }

    /// Ends the file: the last segment goes to `out`.
    pub fn finish(self, out: &mut Vec<u8>) {
        self.key.seal(self.number, Place::Last, &self.pending, out);
    }
}

/// Appends the file `plain` to `out`, sealed: the same as a [`Sealer`] that is given all of it at once.
pub fn seal_whole(key: &DataKey, form: SealedForm, mut plain: &[u8], out: &mut Vec<u8>) {
    let mut sealer = Sealer::begin(key, form, out);
    while plain.len() > SEGMENT_BYTES {
        let (segment, rest) = plain.split_at(SEGMENT_BYTES);
        sealer.seal(segment, out);
        plain = rest;
    }
    sealer.key.seal(sealer.number, Place::Last, plain, out);
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
