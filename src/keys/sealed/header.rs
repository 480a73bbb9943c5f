//! The 80 bytes before the first segment, and the key that they make.

use ring::hkdf::{HKDF_SHA256, Salt};

use super::error::SealedError;
use super::segment::{SegmentKey, TAG_BYTES};
use super::{DataKey, Inner, SealedForm};
use crate::keys::KeyId;

/// Bytes of the header, its tag included.
pub const HEADER_BYTES: usize = CHECKED_BYTES + CRC_BYTES + TAG_BYTES;
/// Bytes that the check sum covers.
const CHECKED_BYTES: usize = 60;
const CRC_BYTES: usize = 4;
const MAGIC: &[u8; 8] = b"FSSEALED";
const VERSION: u8 = 1;
/// A segment holds 2 to this many bytes: 64 KiB. What is decrypted before it is known to be good has to
/// be held in memory; larger ones are not sealed faster.
const SEGMENT_BITS: u8 = 16;
/// Plain bytes of every segment but the last.
pub(super) const SEGMENT_BYTES: usize = 1 << SEGMENT_BITS;
const KEY_ID_BYTES: usize = 8;
const SALT_BYTES: usize = 32;
/// What a file's key is made for; the header follows in the derivation.
const FILE_KEY_INFO: &[u8] = b"fossilsafe sealed file v1";

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The data key of the pool.
    pub key_id: KeyId,
    /// What was done before sealing, and which part of a file it is.
    pub form: SealedForm,
    bytes: [u8; CHECKED_BYTES],
}

impl Header {
    /// A header for one file. `salt` must never be used twice.
    pub(super) fn new(key_id: KeyId, form: SealedForm, salt: [u8; SALT_BYTES]) -> Self {
        let mut bytes = [0; CHECKED_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8] = VERSION;
        bytes[9] = SEGMENT_BITS;
        bytes[10] = match form.inner {
            Inner::AsIs => 0,
            Inner::Zstd => 1,
        };
        bytes[12..16].copy_from_slice(&form.part.to_be_bytes());
        bytes[16..16 + KEY_ID_BYTES].copy_from_slice(&key_id.0);
        bytes[28..28 + SALT_BYTES].copy_from_slice(&salt);
        Self { key_id, form, bytes }
    }

    /// Reads the first [`HEADER_BYTES`] bytes of a sealed file. What it says is believed only once
    /// [`Self::open`] was given the key.
    ///
    /// # Errors
    /// [`SealedError`] says what is wrong with it.
    pub fn parse(raw: &[u8]) -> Result<Self, SealedError> {
        if raw.len() < MAGIC.len() || raw[..MAGIC.len()] != *MAGIC {
            let is_cut = raw.len() < HEADER_BYTES && MAGIC.starts_with(raw);
            return Err(if is_cut { SealedError::HeaderCut } else { SealedError::NotSealed });
        }
        let Some(raw) = raw.get(..HEADER_BYTES) else { return Err(SealedError::HeaderCut) };
        let mut bytes = [0; CHECKED_BYTES];
        bytes.copy_from_slice(&raw[..CHECKED_BYTES]);
        if crc32fast::hash(&bytes).to_be_bytes() != raw[CHECKED_BYTES..CHECKED_BYTES + CRC_BYTES] {
            return Err(SealedError::HeaderDamaged);
        }
        if bytes[8] != VERSION {
            return Err(SealedError::Newer(bytes[8]));
        }
        let inner = match bytes[10] {
            0 => Inner::AsIs,
            1 => Inner::Zstd,
            _ => return Err(SealedError::HeaderDamaged),
        };
        let is_clear = bytes[11] == 0 && bytes[24..28] == [0; 4];
        if bytes[9] != SEGMENT_BITS || !is_clear {
            return Err(SealedError::HeaderDamaged);
        }
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&bytes[16..16 + KEY_ID_BYTES]);
        let part = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        Ok(Self { key_id: KeyId(key_id), form: SealedForm { inner, part }, bytes })
    }

    /// The key of the file, which is bound to every byte of the header.
    #[expect(clippy::expect_used, reason = "HKDF refuses only lengths above 8160 bytes")]
    fn file_key(&self, key: &DataKey) -> SegmentKey {
        let salt = Salt::new(HKDF_SHA256, &self.bytes[28..]);
        let secret = salt.extract(key.secret());
        let info = [FILE_KEY_INFO, &self.bytes];
        let key = secret.expand(&info, &ring::aead::AES_256_GCM).expect("32 bytes are short");
        SegmentKey::new(key)
    }

    /// Appends the header with its check sum and tag to `out`; returns the file's key.
    pub(super) fn write(&self, key: &DataKey, out: &mut Vec<u8>) -> SegmentKey {
        let file_key = self.file_key(key);
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(&crc32fast::hash(&self.bytes).to_be_bytes());
        out.extend_from_slice(&file_key.header_tag());
        file_key
    }

    /// The file's key, if `tag` (the last bytes of the header) was made with it.
    pub(super) fn open(&self, key: &DataKey, tag: &[u8]) -> Result<SegmentKey, SealedError> {
        if key.id() != self.key_id {
            return Err(SealedError::KeyMissing(self.key_id));
        }
        let file_key = self.file_key(key);
        if file_key.is_header_tag(tag) { Ok(file_key) } else { Err(SealedError::HeaderDamaged) }
    }
}
