//! The recovery kit: a secret on paper that opens every data key, and its public half kept here.

use std::fmt;
use std::str::FromStr;

use rand::RngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::KeyId;

const SECRET_BYTES: usize = 32;
/// Bytes that find a mistyped character: one in 16 million passes.
const CHECK_BYTES: usize = 3;
const CHECK_PREFIX: &[u8] = b"fossilsafe kit v1";
/// RFC 4648: without 0, 1 and 8, which are taken for letters.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters in a printed group.
const GROUP_CHARS: usize = 4;
/// Groups of a kit.
pub const GROUPS: usize = (SECRET_BYTES + CHECK_BYTES) * 8 / 5 / GROUP_CHARS;

/// The secret half. Wiped from memory when dropped; shown only by [`Self::text`].
pub struct Kit(StaticSecret);

/// Why a text is no kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KitTextError {
    /// Too few or too many characters.
    #[error("a kit has 56 letters and digits in 14 groups of four; this has {0}")]
    Length(usize),
    /// Something that no kit has.
    #[error("'{0}' stands in no kit: only A to Z and 2 to 7 do")]
    Character(char),
    /// The check does not fit.
    #[error("a character is mistyped, or two are exchanged")]
    Check,
}

impl Kit {
    /// A new random kit.
    #[must_use]
    pub fn generate() -> Self {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        OsRng.fill_bytes(&mut *secret);
        Self::from_secret(&secret)
    }

    pub(super) fn from_secret(secret: &[u8; SECRET_BYTES]) -> Self {
        Self(StaticSecret::from(*secret))
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> KitPublic {
        KitPublic(PublicKey::from(&self.0).to_bytes())
    }

    /// What is printed: groups with hyphens between them.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(self.0.to_bytes().to_vec());
        bytes.extend_from_slice(&check(self.0.as_bytes()));
        let mut text = Zeroizing::new(String::with_capacity(GROUPS * (GROUP_CHARS + 1)));
        for (at, chunk) in bytes.chunks(5).enumerate() {
            let number = chunk.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            for place in (0..8_usize).rev() {
                let count = at * 8 + 7 - place;
                if count > 0 && count.is_multiple_of(GROUP_CHARS) {
                    text.push('-');
                }
                let value = usize::try_from(number >> (5 * place) & 31).unwrap_or(0);
                text.push(char::from(ALPHABET[value]));
            }
        }
        text
    }

    pub(super) fn secret(&self) -> &[u8; SECRET_BYTES] {
        self.0.as_bytes()
    }

    /// The secret that a key wrapped with `other` is opened with.
    pub(super) fn agree(&self, other: &[u8; SECRET_BYTES]) -> Zeroizing<[u8; SECRET_BYTES]> {
        Zeroizing::new(self.0.diffie_hellman(&PublicKey::from(*other)).to_bytes())
    }
}

fn check(secret: &[u8; SECRET_BYTES]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(CHECK_PREFIX).chain_update(secret).finalize();
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

impl FromStr for Kit {
    type Err = KitTextError;

    /// Reads what was printed; capitals, hyphens and spaces do not matter.
    fn from_str(text: &str) -> Result<Self, KitTextError> {
        let mut values = Zeroizing::new(Vec::with_capacity(GROUPS * GROUP_CHARS));
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let upper = c.to_ascii_uppercase();
            let value = ALPHABET.iter().position(|letter| char::from(*letter) == upper);
            let value = value.and_then(|value| u8::try_from(value).ok());
            values.push(value.ok_or(KitTextError::Character(c))?);
        }
        if values.len() != GROUPS * GROUP_CHARS {
            return Err(KitTextError::Length(values.len()));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_BYTES + CHECK_BYTES));
        for chunk in values.chunks(8) {
            let number = chunk.iter().fold(0_u64, |number, value| number << 5 | u64::from(*value));
            bytes.extend_from_slice(&number.to_be_bytes()[3..]);
        }
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        secret.copy_from_slice(&bytes[..SECRET_BYTES]);
        if bytes[SECRET_BYTES..] != check(&secret) {
            return Err(KitTextError::Check);
        }
        Ok(Self::from_secret(&secret))
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kit({})", self.public().id())
    }
}

/// The public half: data keys are wrapped for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KitPublic(pub(super) [u8; SECRET_BYTES]);

impl KitPublic {
    /// The kit's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0);
        let mut id = [0; super::KEY_ID_BYTES];
        id.copy_from_slice(&digest[..super::KEY_ID_BYTES]);
        KeyId(id)
    }
}

impl fmt::Debug for KitPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KitPublic({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kit_is_read_as_it_was_printed_however_it_is_typed() {
        let kit = Kit::generate();
        let text = kit.text();
        assert_eq!(text.split('-').count(), GROUPS);
        assert!(text.split('-').all(|group| group.len() == GROUP_CHARS), "{}", text.as_str());
        let typed = text.to_lowercase().replace('-', " ");
        assert_eq!(typed.parse::<Kit>().unwrap().public(), kit.public());
    }

    #[test]
    fn every_mistyped_character_is_found() {
        let text = Kit::from_secret(&[7; 32]).text();
        for at in 0..text.len() {
            let mut typed = text.as_bytes().to_vec();
            if typed[at] == b'-' {
                continue;
            }
            typed[at] = if typed[at] == b'A' { b'B' } else { b'A' };
            let typed = String::from_utf8(typed).unwrap();
            assert_eq!(typed.parse::<Kit>().unwrap_err(), KitTextError::Check, "{typed}");
        }
        assert_eq!("ABC1".parse::<Kit>().unwrap_err(), KitTextError::Character('1'));
        assert_eq!("ABCD".parse::<Kit>().unwrap_err(), KitTextError::Length(4));
    }
}
