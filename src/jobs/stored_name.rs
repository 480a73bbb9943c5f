//! The name a file gets on the volume, where its own name cannot stand there.
//!
//! Most names are stored as they are. LTFS holds UTF-8 in NFC only, some characters never, and two
//! kinds of name we keep for ourselves (parts and replacements). Such a file gets a readable
//! replacement ending in a hash of its true name; the manifest holds the true one.
//!
//! ```text
//! caf\xE9.txt     caf%E9.txt~9c1d2f3a        bytes that are no UTF-8
//! big.mov         big.mov.part-00001         first part of a file over several volumes
//! notes           notes.zst                  compressed
//! notes           notes.zst.sealed           and sealed
//! ```

use sha2::{Digest, Sha256};

use crate::ltfs::names::Name;
use crate::manifest::{SEALED_SUFFIX, ZSTD_SUFFIX};

/// Characters of the readable part of a replacement: leaves room for suffixes below LTFS's 255.
const READABLE_CHARS_MAX: usize = 200;
/// Bytes of the hash in a replacement: two names of one folder meeting in them and in their readable
/// part is out of the question.
const HASH_BYTES: usize = 4;

/// What is appended to the name of a stored file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StoredForm {
    /// A suffix for zstd frames.
    pub(crate) is_zstd: bool,
    /// A suffix for a sealed file.
    pub(crate) is_sealed: bool,
}

/// The name under which an entry stands on the volume.
#[must_use]
pub(crate) fn stored_name(name: &[u8], form: StoredForm) -> String {
    let mut stored = match verbatim(name) {
        Some(text) => text.to_owned(),
        None => replacement(name),
    };
    if form.is_zstd {
        stored.push_str(ZSTD_SUFFIX);
    }
    if form.is_sealed {
        stored.push_str(SEALED_SUFFIX);
    }
    stored
}

/// The name itself, if LTFS holds it unchanged and it cannot be taken for one of ours.
fn verbatim(name: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(name).ok()?;
    let held = Name::entry_from_bytes(name).ok()?;
    let leaves_room = text.chars().count() <= READABLE_CHARS_MAX;
    (held.as_str() == text && leaves_room && !is_reserved(text)).then_some(text)
}

/// True for the endings that only we give: `~` and eight hex digits, `.part-` and digits.
fn is_reserved(text: &str) -> bool {
    let after = |mark| text.rsplit_once(mark).map_or("", |(_, ending)| ending);
    let (hash, part) = (after("~"), after(".part-"));
    let is_hash = hash.len() == 2 * HASH_BYTES && hash.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash || (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

fn replacement(name: &[u8]) -> String {
    let mut readable = String::new();
    for chunk in name.utf8_chunks() {
        readable.extend(chunk.valid().chars().map(|c| if is_holdable(c) { c } else { '_' }));
        for byte in chunk.invalid() {
            readable.push_str(&format!("%{byte:02X}"));
        }
    }
    let shortened: String = readable.chars().take(READABLE_CHARS_MAX).collect();
    let normal = Name::entry_from_bytes(shortened.as_bytes())
        .map_or_else(|_| "_".to_owned(), |held| held.as_str().to_owned());
    let hash = Sha256::digest(name);
    format!("{normal}~{}", hex::encode(&hash[..HASH_BYTES]))
}

/// False for characters that make people and other programs stumble even where LTFS takes them.
fn is_holdable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::part_name;

    const BOTH: StoredForm = StoredForm { is_zstd: true, is_sealed: true };

    fn plain(name: &[u8]) -> String {
        stored_name(name, StoredForm::default())
    }

    #[test]
    fn ordinary_names_are_kept() {
        for name in ["IMG_0001.CR2", "Müller & Söhne.txt", "a b", "..hidden", "tab\there", "50%"]
        {
            assert_eq!(plain(name.as_bytes()), name);
        }
        let zstd = StoredForm { is_sealed: false, ..BOTH };
        assert_eq!(stored_name(b"notes", zstd), "notes.zst");
        assert_eq!(stored_name(b"notes", BOTH), "notes.zst.sealed");
    }

    #[test]
    fn names_that_ltfs_cannot_hold_get_a_readable_replacement() {
        assert!(plain(b"caf\xE9.txt").starts_with("caf%E9.txt~"));
        assert!(plain("e\u{301}".as_bytes()).starts_with("é~"));
        assert!(plain(b"unit\x1Fsep").starts_with("unit_sep~"));
        assert_ne!(plain(b"caf\xE9"), plain(b"caf\xE8"));
    }

    #[test]
    fn a_file_cannot_pretend_to_be_a_part_or_a_replacement() {
        assert_ne!(plain(b"big.mov.part-00001"), part_name("big.mov", 1));
        assert_ne!(plain(b"x~0123abcd"), "x~0123abcd");
    }

    proptest::proptest! {
        #[test]
        fn every_name_a_file_system_allows_can_be_stored(
            name in proptest::collection::vec(1_u8..=255, 1..=255)
        ) {
            proptest::prop_assume!(!name.contains(&b'/') && name != b"." && name != b"..");
            let stored = part_name(&stored_name(&name, BOTH), 1234);
            proptest::prop_assert!(Name::entry_from_bytes(stored.as_bytes()).is_ok(), "{}", stored);
        }
    }
}
