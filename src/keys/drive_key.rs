//! What a drive that encrypts by itself is given: a key made from a pool's data key, and its name.
//!
//! The data key itself is never given to a device: it also seals files and digests, and a key serves one
//! purpose. The name stands on the tape with every block, so that a reader knows which data key it needs.
//!
//! ```text
//! name    "fossilsafe " and the 16 digits of the data key's id: 27 of the 32 bytes that drives take
//! key     HKDF-SHA-256, secret the data key, no salt, info "fossilsafe drive key v1"; 32 bytes
//! ```

use ring::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::KeyId;
use super::sealed::DataKey;

/// Bytes of the key: AES-256.
const DRIVE_KEY_BYTES: usize = 32;
const INFO: &[u8] = b"fossilsafe drive key v1";
const NAME_PREFIX: &str = "fossilsafe ";

/// The key of the blocks of a pool.
#[derive(Debug)]
pub struct DriveKey {
    /// Its name.
    pub name: String,
    /// The key itself.
    pub secret: Zeroizing<[u8; DRIVE_KEY_BYTES]>,
}

impl DataKey {
    /// The key that drives are given for this data key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HKDF refuses only lengths above 8160 bytes")]
    pub fn drive_key(&self) -> DriveKey {
        let mut secret = Zeroizing::new([0; DRIVE_KEY_BYTES]);
        let made = Salt::new(HKDF_SHA256, &[]).extract(self.secret());
        let made = made.expand(&[INFO], HKDF_SHA256).expect("32 bytes are short");
        made.fill(&mut *secret).expect("the lengths are equal");
        DriveKey { name: format!("{NAME_PREFIX}{}", self.id()), secret }
    }
}

/// The data key that a name on a tape stands for; nothing for a key of another program.
#[must_use]
pub fn data_key_of(name: &str) -> Option<KeyId> {
    name.strip_prefix(NAME_PREFIX)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drives_key_is_another_one_than_the_data_key_and_names_it() {
        let key = DataKey::from_secret(Zeroizing::new([7; 32]));
        let given = key.drive_key();
        assert_eq!(given.name.len(), 27);
        assert_eq!(data_key_of(&given.name), Some(key.id()));
        // What `unseal.py` computes; a change would lock every tape that was written.
        assert_eq!(hex::encode(&given.secret[..8]), "b3fc95e6671e2052");
        for other in ["", "pool-1", "fossilsafe ", "fossilsafe 12"] {
            assert_eq!(data_key_of(other), None, "{other}");
        }
    }
}
