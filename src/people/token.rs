//! Random texts that open something, and the hashes by which they are known again.
//!
//! A token has 256 random bits, so its hash needs no salt and no costs: nobody finds it by trying. Codes
//! that people type are shorter, and count only where attempts are counted too.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rand::RngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

use super::Secret;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Letters and digits that are not taken for others when read aloud or off a screen.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters between two dashes of a code.
const GROUP_CHARACTERS: usize = 4;

/// A new token.
pub(super) fn new_token() -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0; TOKEN_BYTES]);
    OsRng.fill_bytes(&mut *bytes);
    Secret::new(BASE64.encode(*bytes))
}

/// A new code of so many groups: 20 random bits each.
pub(super) fn new_code(groups: usize) -> Secret {
    let mut text = String::new();
    for place in 0..groups * GROUP_CHARACTERS {
        if place > 0 && place.is_multiple_of(GROUP_CHARACTERS) {
            text.push('-');
        }
        let number = usize::try_from(OsRng.next_u32() % 32).unwrap_or(0);
        text.push(char::from(ALPHABET[number]));
    }
    Secret::new(text)
}

/// What stands for a token in the file.
pub(super) fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// What stands for a code: case, dashes and spaces do not count, nor which of two alike signs was read.
pub(super) fn hash_of_code(code: &str) -> [u8; 32] {
    let plain = code.chars().filter(char::is_ascii_alphanumeric).map(|c| match c {
        'o' | 'O' => '0',
        'i' | 'I' | 'l' | 'L' => '1',
        other => other.to_ascii_uppercase(),
    });
    hash_of(&plain.collect::<String>())
}

/// The word that a page of ours sends beside the cookie: made from the session's token, which no
/// other page can read, so it changes with it and need not be kept.
#[must_use]
pub fn csrf_of(token: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"fossilsafe csrf v1\0");
    hash.update(token.as_bytes());
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_again_however_it_was_typed() {
        let code = new_code(3);
        let text = code.reveal();
        assert_eq!((text.len(), text.matches('-').count()), (14, 2));
        let typed = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(hash_of_code(&typed), hash_of_code(text));
        assert_ne!(hash_of_code(&typed[1..]), hash_of_code(text));
    }

    #[test]
    fn tokens_differ_and_their_word_for_pages_tells_nothing_of_them() {
        let (one, two) = (new_token(), new_token());
        assert_ne!(one, two);
        assert_eq!(one.reveal().len(), 43);
        assert_ne!(csrf_of(one.reveal()), csrf_of(two.reveal()));
        assert_ne!(csrf_of(one.reveal()), hex::encode(hash_of(one.reveal())));
    }
}
