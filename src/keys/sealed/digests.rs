//! The digests of a sealed file's content, sealed: what a manifest says in place of them.
//!
//! A SHA-256 in the clear would tell anybody who has a file, or can guess a short one, that it is on
//! the tape. The key is made from the digest of the sealed bytes, which no other file has.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hkdf::{HKDF_SHA256, Salt};

use super::DataKey;
use super::error::SealedError;
use super::segment::{Place, SegmentKey};
use crate::domain::Sha256Digest;

const DIGEST_KEY_INFO: &[u8] = b"fossilsafe sealed digests v1";
const DIGEST_BYTES: usize = 32;

/// The digests of what a sealed file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainDigests {
    /// Of the bytes in it.
    pub content: Sha256Digest,
    /// Of the whole file, where these bytes are its last part.
    pub file: Option<Sha256Digest>,
}

/// The key for the digests of the file whose sealed bytes have the digest `stored`.
#[expect(clippy::expect_used, reason = "HKDF refuses only lengths above 8160 bytes")]
fn digest_key(key: &DataKey, stored: &Sha256Digest) -> SegmentKey {
    let secret = Salt::new(HKDF_SHA256, &stored.0).extract(key.secret());
    let info = [DIGEST_KEY_INFO];
    SegmentKey::new(secret.expand(&info, &ring::aead::AES_256_GCM).expect("32 bytes are short"))
}

/// The digests as a manifest holds them.
#[must_use]
pub fn seal_digests(key: &DataKey, stored: &Sha256Digest, digests: &PlainDigests) -> String {
    let mut sealed = digests.content.0.to_vec();
    sealed.extend(digests.file.iter().flat_map(|file| file.0));
    let tag = digest_key(key, stored).seal(0, Place::Last, &mut sealed);
    sealed.extend(tag);
    BASE64.encode(sealed)
}

/// The digests that a manifest holds sealed.
///
/// # Errors
/// When they were not sealed with this key for this file.
pub fn open_digests(
    key: &DataKey,
    stored: &Sha256Digest,
    sealed: &str,
) -> Result<PlainDigests, SealedError> {
    let sealed = BASE64.decode(sealed).map_err(|_| SealedError::DigestsDamaged)?;
    let mut plain = Vec::new();
    if !digest_key(key, stored).open(0, Place::Last, &sealed, &mut plain) {
        return Err(SealedError::DigestsDamaged);
    }
    let digest = |bytes: &[u8]| <[u8; DIGEST_BYTES]>::try_from(bytes).map(Sha256Digest);
    let (content, file) = plain.split_at(plain.len().min(DIGEST_BYTES));
    let content = digest(content).map_err(|_| SealedError::DigestsDamaged)?;
    let file = match file {
        [] => None,
        bytes => Some(digest(bytes).map_err(|_| SealedError::DigestsDamaged)?),
    };
    Ok(PlainDigests { content, file })
}
