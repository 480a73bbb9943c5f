//! AES-256-GCM over one segment, with the nonces of the STREAM construction.
//!
//! The rate decides which implementation: on one core of a Xeon with VAES, segments of 64 KiB, ring
//! 0.17 seals 10.8 GB/s, aws-lc-rs 1 16.5, `openssl speed` 6.2, aes-gcm 0.10 1.7. SHA-256 takes 1.9
//! there, so with aes-gcm sealing would cost more than hashing, and between the other two a file cannot
//! tell the difference. ring is here because TLS needs it anyway.

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey};

/// Bytes of an authentication tag.
pub(super) const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;
/// The nonce of the header's tag; no segment has it, since their first bytes are zero.
const HEADER_NONCE: [u8; NONCE_BYTES] = [0xFF; NONCE_BYTES];

/// Whether a segment ends its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Inside,
    Last,
}

/// The key of one file.
pub(super) struct SegmentKey(LessSafeKey);

impl std::fmt::Debug for SegmentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SegmentKey")
    }
}

/// Three bytes of zero, the segment's number, and whether it is the last.
fn nonce(number: u64, place: Place) -> Nonce {
    let mut nonce = [0; NONCE_BYTES];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(place == Place::Last);
    Nonce::assume_unique_for_key(nonce)
}

impl SegmentKey {
    pub(super) fn new(key: impl Into<UnboundKey>) -> Self {
        Self(LessSafeKey::new(key.into()))
    }

    /// Seals a segment where it lies; the tag belongs behind it.
    #[expect(clippy::expect_used, reason = "refused are only messages above 64 GiB")]
    pub(super) fn seal(&self, number: u64, place: Place, segment: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.0.seal_in_place_separate_tag(nonce(number, place), Aad::empty(), segment);
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.expect("a segment is short").as_ref());
        bytes
    }

    /// Puts the plain bytes of `sealed` into `plain`; false if it is not that segment of this file.
    pub(super) fn open(
        &self,
        number: u64,
        place: Place,
        sealed: &[u8],
        plain: &mut Vec<u8>,
    ) -> bool {
        plain.clear();
        plain.extend_from_slice(sealed);
        let opened = self.0.open_in_place(nonce(number, place), Aad::empty(), plain);
        let length = opened.map(|opened| opened.len());
        // Nothing that is not proven leaves this function.
        plain.truncate(*length.as_ref().unwrap_or(&0));
        length.is_ok()
    }

    /// The tag that proves that whoever wrote the header had the key, before any segment.
    #[expect(clippy::expect_used, reason = "refused are only messages above 64 GiB")]
    pub(super) fn header_tag(&self) -> [u8; TAG_BYTES] {
        let nonce = Nonce::assume_unique_for_key(HEADER_NONCE);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::empty(), &mut []);
        let mut bytes = [0; TAG_BYTES];
        bytes.copy_from_slice(tag.expect("nothing is short").as_ref());
        bytes
    }

    pub(super) fn is_header_tag(&self, tag: &[u8]) -> bool {
        let nonce = Nonce::assume_unique_for_key(HEADER_NONCE);
        self.0.open_in_place(nonce, Aad::empty(), &mut tag.to_vec()).is_ok()
    }
}
