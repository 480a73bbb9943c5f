//! The public key of a passkey: from the COSE form (RFC 9053) that an authenticator gives to what is kept.
//!
//! Two algorithms are taken. Which one is decided when the key is made; what a signature is checked with is never
//! chosen by whoever signs.

use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey};

use super::cbor::Item;

/// Octets of a coordinate of P-256, and of an Ed25519 key.
const COORDINATE_BYTES: usize = 32;

/// How a passkey signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// COSE's numbers, the one that is preferred first.
    pub(super) const OFFERED: [i64; 2] = [-8, -7];

    pub(super) fn number(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
        }
    }

    pub(super) fn of_number(number: i64) -> Option<Self> {
        [Self::Es256, Self::EdDsa].into_iter().find(|it| it.number() == number)
    }
}

/// A key, as it is kept: for ES256 an uncompressed point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    pub(super) algorithm: Algorithm,
    pub(super) bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads a COSE key; nothing if it is of another kind or not whole.
    pub(super) fn read(cose: &Item<'_>) -> Option<Self> {
        /// Labels of a COSE key.
        const KIND: i64 = 1;
        const ALGORITHM: i64 = 3;
        const CURVE: i64 = -1;
        const X: i64 = -2;
        const Y: i64 = -3;
        let number = |label| match cose.get(&Item::Integer(label)) {
            Some(Item::Integer(number)) => Some(*number),
            _ => None,
        };
        let coordinate = |label| {
            let bytes = cose.get(&Item::Integer(label))?.bytes()?;
            (bytes.len() == COORDINATE_BYTES).then_some(bytes)
        };
        let algorithm = Algorithm::of_number(number(ALGORITHM)?)?;
        let bytes = match (algorithm, number(KIND)?, number(CURVE)?) {
            (Algorithm::Es256, 2, 1) => [&[4_u8], coordinate(X)?, coordinate(Y)?].concat(),
            (Algorithm::EdDsa, 1, 6) => coordinate(X)?.to_vec(),
            _ => return None,
        };
        Some(Self { algorithm, bytes })
    }

    /// True if that is its signature of the message.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match self.algorithm {
            Algorithm::Es256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes)
                .verify(message, signature),
            Algorithm::EdDsa => {
                UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature)
            }
        };
        verified.is_ok()
    }
}
