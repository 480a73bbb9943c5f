//! A pool's data key: what the keys of its files are made from.

use rand::RngCore as _;
use rand::rngs::OsRng;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::keys::KeyId;

/// Bytes of a data key.
pub const DATA_KEY_BYTES: usize = 32;
const ID_INFO: &[u8] = b"fossilsafe data key id v1";
const ID_BYTES: usize = 8;

/// 32 random bytes. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct DataKey {
    secret: Zeroizing<[u8; DATA_KEY_BYTES]>,
    id: KeyId,
}

impl DataKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        let mut secret = Zeroizing::new([0; DATA_KEY_BYTES]);
        OsRng.fill_bytes(&mut *secret);
        Self::from_secret(secret)
    }

    /// The key with these bytes.
    #[must_use]
    pub fn from_secret(secret: Zeroizing<[u8; DATA_KEY_BYTES]>) -> Self {
        let id = id_of(&secret);
        Self { secret, id }
    }

    /// Its name. Made from the key itself, so a wrong key is known before anything is opened.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The bytes, for those who wrap them.
    pub(in crate::keys) fn secret(&self) -> &[u8] {
        &*self.secret
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

/// How many bytes a derivation gives.
#[derive(Clone, Copy, Debug)]
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[expect(clippy::expect_used, reason = "HKDF refuses only lengths above 8160 bytes")]
fn id_of(secret: &[u8; DATA_KEY_BYTES]) -> KeyId {
    let mut id = [0; ID_BYTES];
    let made = Salt::new(HKDF_SHA256, &[]).extract(secret);
    let made = made.expand(&[ID_INFO], Length(ID_BYTES)).expect("8 bytes are short");
    made.fill(&mut id).expect("the lengths are equal");
    KeyId(id)
}
