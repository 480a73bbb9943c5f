//! The name a file gets on the volume, where its own name cannot stand there.
//!
//! Most names are stored as they are. LTFS holds UTF-8 in NFC only, some characters never, and some
//! kinds of name we keep for ourselves (parts, replacements, and what ends as the files of a run do whose form
//! is another). Such a file gets a readable replacement ending in a hash of its true name; the manifest holds
//! the true one.
//!
//! ```text
//! caf\xE9.txt     caf%E9.txt~9c1d2f3a        bytes that are no UTF-8
//! big.mov         big.mov.part-00001         first part of a file over several volumes
//! notes           notes.zst                  compressed
//! film.mov        film.mov                   in the same run: it would not be smaller
//! notes           notes.zst.sealed           compressed and sealed
//! old.zst         old.zst~5d41c09e           in a run that compresses, whether it is smaller or not
//! ```

use sha2::{Digest, Sha256};

use super::stored_form::ContentForm;
use crate::ltfs::names::Name;
use crate::manifest::{SEALED_SUFFIX, ZSTD_SUFFIX};

/// Characters of the readable part of a replacement: leaves room for suffixes below LTFS's 255.
const READABLE_CHARS_MAX: usize = 200;
/// Bytes of the hash in a replacement: two names of one folder meeting in them and in their readable
/// part is out of the question.
const HASH_BYTES: usize = 4;

/// Endings that mean something in a run, and may not be those of an entry's own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TakenEndings {
    /// The run compresses.
    pub(crate) is_zstd: bool,
    /// The run seals, and not this entry.
    pub(crate) is_sealed: bool,
}

/// The name under which an entry stands on the volume, but for what its [form](with_endings) appends.
#[must_use]
pub(crate) fn stored_name(name: &[u8], taken: TakenEndings) -> String {
    let is_taken = (taken.is_zstd && name.ends_with(ZSTD_SUFFIX.as_bytes()))
        || (taken.is_sealed && name.ends_with(SEALED_SUFFIX.as_bytes()));
    match verbatim(name).filter(|_| !is_taken) {
        Some(text) => text.to_owned(),
        None => replacement(name),
    }
}

/// The [name](stored_name) of a file with that content.
#[must_use]
pub(crate) fn with_endings(mut stored: String, form: ContentForm) -> String {
    if form.is_zstd {
        stored.push_str(ZSTD_SUFFIX);
    }
    if form.sealed_by.is_some() {
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

    const BOTH: TakenEndings = TakenEndings { is_zstd: true, is_sealed: true };

    fn plain(name: &[u8]) -> String {
        stored_name(name, TakenEndings::default())
    }

    fn sealed_zstd() -> ContentForm {
        ContentForm { is_zstd: true, sealed_by: Some("1f0a33c95d0e7b12".parse().unwrap()) }
    }

    #[test]
    fn ordinary_names_are_kept() {
        for name in ["IMG_0001.CR2", "Müller & Söhne.txt", "a b", "..hidden", "tab\there", "50%"]
        {
            assert_eq!(plain(name.as_bytes()), name);
        }
        let zstd = ContentForm { is_zstd: true, sealed_by: None };
        assert_eq!(with_endings(plain(b"notes"), zstd), "notes.zst");
        assert_eq!(with_endings(plain(b"notes"), sealed_zstd()), "notes.zst.sealed");
        assert_eq!(with_endings(plain(b"film.mov"), ContentForm::default()), "film.mov");
    }

    #[test]
    fn what_ends_as_another_form_of_a_file_beside_it_does_not_take_its_name() {
        assert_eq!(plain(b"old.zst"), "old.zst");
        assert_eq!(plain(b"old.sealed"), "old.sealed");
        for name in [&b"old.zst"[..], b"old.sealed", b"old.zst.sealed"] {
            let stored = stored_name(name, BOTH);
            assert!(stored.contains('~') && !stored.ends_with("zst"), "{stored}");
        }
        let zstd = TakenEndings { is_sealed: false, ..BOTH };
        assert_eq!(stored_name(b"old.sealed", zstd), "old.sealed");
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
            let stored = with_endings(stored_name(&name, BOTH), sealed_zstd());
            let stored = part_name(&stored, 1234);
            proptest::prop_assert!(Name::entry_from_bytes(stored.as_bytes()).is_ok(), "{}", stored);
        }
    }
}
