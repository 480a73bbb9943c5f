//! What the files of `keys/data` are sealed with: one key of this machine, `local.key`.
//!
//! It protects copies of the single files, not the disk as a whole; see [`super::key_ring`].

use std::path::Path;

use aes_gcm::aead::{Aead as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rand::RngCore as _;
use rand::rngs::OsRng;
use rustix::fs::RenameFlags;
use zeroize::Zeroizing;

use super::KeysError;
use super::identity::{failed, write_private};
use super::sealed::DATA_KEY_BYTES;

const NONCE_BYTES: usize = 12;

/// Seals the files of the folder.
pub(super) struct LocalKey(Aes256Gcm);

impl LocalKey {
    /// The key in this file; a new one at the very first start.
    pub(super) fn open_or_create(path: &Path) -> Result<Self, KeysError> {
        let mut made = Zeroizing::new([0; DATA_KEY_BYTES]);
        OsRng.fill_bytes(&mut *made);
        // Whatever stands there counts; the first start puts something there.
        let _ = write_private(path, &*made, RenameFlags::NOREPLACE)?;
        let bytes = Zeroizing::new(std::fs::read(path).map_err(failed("read", path))?);
        let corrupt =
            |_| KeysError::Corrupt { path: path.to_owned(), reason: "it has not 32 bytes" };
        Aes256Gcm::new_from_slice(&bytes).map(Self).map_err(corrupt)
    }

    /// Base64 of a nonce and what is sealed with it. Nothing only for texts above 64 GiB.
    pub(super) fn seal(&self, secret: &[u8]) -> Option<String> {
        let mut sealed = vec![0; NONCE_BYTES];
        OsRng.fill_bytes(&mut sealed);
        let bytes = self.0.encrypt(Nonce::from_slice(&sealed), secret).ok()?;
        sealed.extend_from_slice(&bytes);
        Some(BASE64.encode(sealed))
    }

    pub(super) fn open_any(&self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = BASE64.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        Some(Zeroizing::new(self.0.decrypt(Nonce::from_slice(nonce), sealed).ok()?))
    }

    pub(super) fn open(&self, text: &str) -> Option<Zeroizing<[u8; DATA_KEY_BYTES]>> {
        let plain = self.open_any(text)?;
        let mut secret = Zeroizing::new([0; DATA_KEY_BYTES]);
        (plain.len() == DATA_KEY_BYTES).then(|| secret.copy_from_slice(&plain))?;
        Some(secret)
    }
}
