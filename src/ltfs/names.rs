//! Names as LTFS holds them: NFC, 1 to 255 code points, percent-encoded when XML cannot carry them.
//!
//! The reference refuses a whole index for one bad name, so what may be written is decided here,
//! before anything goes to tape, and the refusal says what is wrong ([`NameError`]). What other
//! writers put into an index is read by wider rules ([`Name::from_index`]): exactly those by which the
//! reference reads. One type serves every `nametype` of the format: entries, volume names, symbolic
//! link targets, keys of extended attributes.
//!
//! Names compare by their text alone; how the text was encoded on tape is kept beside it, because an
//! index that is rewritten keeps the form it had.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Most code points in one name, after normalisation. A rule of the format.
pub const NAME_CODE_POINTS_MAX: usize = 255;

/// A name of a file, directory, volume or attribute, or the target of a symbolic link.
#[derive(Clone, Default)]
pub struct Name {
    text: String,
    percent_encoded: bool,
}

/// Why a text cannot be a name on an LTFS volume.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters.
    #[error("the name is empty")]
    Empty,
    /// More than 255 code points.
    #[error("the name has {code_points} characters; LTFS allows {NAME_CODE_POINTS_MAX}")]
    TooLong {
        /// Code points after normalisation.
        code_points: usize,
    },
    /// A character that no encoding can carry.
    #[error("the name contains {character:?}, which LTFS cannot hold")]
    Forbidden {
        /// The first such character.
        character: char,
    },
    /// `.` or `..`.
    #[error("\"{0}\" is not a name")]
    Dots(&'static str),
    /// Bytes that are no UTF-8.
    #[error("the name is not UTF-8 (byte {valid_up_to} cannot be read)")]
    NotUtf8 {
        /// How many bytes could be read.
        valid_up_to: usize,
    },
}

/// What a name is for: decides whether slashes and emptiness are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameUse {
    /// A file or directory below the root: no slash, not empty.
    Entry,
    /// The name of the volume, which is the root directory's: may be empty.
    Volume,
    /// The target of a symbolic link: slashes allowed, any length.
    SymlinkTarget,
    /// The key of an extended attribute: slashes are tolerated when they are read.
    AttributeKey,
}

impl Name {
    /// A name to write.
    ///
    /// # Errors
    /// Says what LTFS cannot hold. The text is normalised to NFC first.
    pub fn new(text: &str, purpose: NameUse) -> Result<Self, NameError> {
        if purpose == NameUse::Entry {
            match text {
                "." => return Err(NameError::Dots(".")),
                ".." => return Err(NameError::Dots("..")),
                _ => {}
            }
        }
        let mut name = Self { text: normalised(text), percent_encoded: false };
        if purpose == NameUse::AttributeKey && name.text.contains('/') {
            return Err(NameError::Forbidden { character: '/' });
        }
        name.check(purpose)?;
        name.percent_encoded = name.text.bytes().any(needs_percent_encoding);
        Ok(name)
    }

    /// A name of a file or directory to write, from the bytes a file system gave.
    ///
    /// # Errors
    /// As [`Name::new`], and when the bytes are no UTF-8.
    pub fn entry_from_bytes(bytes: &[u8]) -> Result<Self, NameError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| NameError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
        Self::new(text, NameUse::Entry)
    }

    /// Reads a name out of an index by the rules of the reference.
    ///
    /// # Errors
    /// When the reference would refuse the whole index for it.
    pub fn from_index(
        text: &str,
        percent_encoded: bool,
        purpose: NameUse,
    ) -> Result<Self, NameError> {
        let mut name = Self::default();
        name.set_from_index(text.as_bytes(), percent_encoded, purpose)?;
        Ok(name)
    }

    /// As [`Name::from_index`], into an existing name, so that its memory is used again.
    ///
    /// # Errors
    /// As [`Name::from_index`]; the name is then empty.
    pub fn set_from_index(
        &mut self,
        raw: &[u8],
        percent_encoded: bool,
        purpose: NameUse,
    ) -> Result<(), NameError> {
        self.text.clear();
        self.percent_encoded = percent_encoded;
        if percent_encoded {
            let decoded = percent_decode(raw, purpose);
            let text = std::str::from_utf8(&decoded)
                .map_err(|error| NameError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
            push_normalised(&mut self.text, text);
        } else {
            let text = std::str::from_utf8(raw)
                .map_err(|error| NameError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
            push_normalised(&mut self.text, text);
        }
        let checked = self.check(purpose);
        if checked.is_err() {
            self.text.clear();
        }
        checked
    }

    /// The text, in NFC.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// True if the index carries, or has to carry, this name percent-encoded.
    #[must_use]
    pub fn is_percent_encoded(&self) -> bool {
        self.percent_encoded || self.text.bytes().any(needs_percent_encoding)
    }

    /// Makes it the name of nothing, keeping its memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.percent_encoded = false;
    }

    /// A name as it stood in one of our own files, which hold checked names only.
    pub(crate) fn set_trusted(&mut self, text: &str, percent_encoded: bool) {
        self.text.clear();
        self.text.push_str(text);
        self.percent_encoded = percent_encoded;
    }

    /// The flag alone, as it was read or decided.
    pub(crate) fn percent_encoded_flag(&self) -> bool {
        self.percent_encoded
    }

    fn check(&self, purpose: NameUse) -> Result<(), NameError> {
        let text = self.text.as_str();
        if text.is_empty() && purpose != NameUse::Volume {
            return Err(NameError::Empty);
        }
        let slash_allowed = matches!(purpose, NameUse::SymlinkTarget | NameUse::AttributeKey);
        let forbidden = |c: char| {
            matches!(c, '\0' | '\u{1F}' | '\u{FFFE}' | '\u{FFFF}') || (c == '/' && !slash_allowed)
        };
        // Bytes of ASCII are checked without decoding; most names are nothing else.
        let plain = text.bytes().all(|byte| matches!(byte, 0x20..=0x7E) && byte != b'/');
        if !plain && let Some(character) = text.chars().find(|c| forbidden(*c)) {
            return Err(NameError::Forbidden { character });
        }
        if text.len() > NAME_CODE_POINTS_MAX && purpose != NameUse::SymlinkTarget {
            let code_points = text.chars().count();
            if code_points > NAME_CODE_POINTS_MAX {
                return Err(NameError::TooLong { code_points });
            }
        }
        Ok(())
    }
}

/// True for a byte that forces percent-encoding: a colon, or a control character that XML 1.0
/// cannot carry (tab, LF and CR it can).
pub(crate) fn needs_percent_encoding(byte: u8) -> bool {
    byte == b':' || (byte < 0x20 && !matches!(byte, 0x09 | 0x0A | 0x0D))
}

/// True for a byte that stays as it is in a percent-encoded name.
pub(crate) fn stays_in_percent_encoding(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E) && !matches!(byte, b'%' | b':')
}

/// Decodes as the reference does: a slash, unit separator or NUL that was encoded becomes its own
/// `%XX` text again, a bare slash or unit separator becomes `_`.
fn percent_decode(raw: &[u8], purpose: NameUse) -> Vec<u8> {
    let slash_allowed = matches!(purpose, NameUse::SymlinkTarget | NameUse::AttributeKey);
    let is_barred = |byte: u8| byte == 0x1F || (byte == b'/' && !slash_allowed);
    let mut decoded = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let hex = raw.get(at + 1..at + 3).filter(|_| raw[at] == b'%').and_then(parse_hex);
        match hex {
            Some(byte) if byte == 0 || is_barred(byte) => {
                decoded.extend_from_slice(&raw[at..at + 3]);
                at += 3;
            }
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(if is_barred(raw[at]) { b'_' } else { raw[at] });
                at += 1;
            }
        }
    }
    decoded
}

fn parse_hex(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    let both_hex = digits.iter().all(u8::is_ascii_hexdigit);
    both_hex.then(|| u8::from_str_radix(text, 16).ok())?
}

fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_normalised(&mut out, text);
    out
}

fn push_normalised(out: &mut String, text: &str) {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        out.push_str(text);
    } else {
        out.extend(text.nfc());
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Name {}
impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.text
    }
}
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> NameError {
        Name::new(text, NameUse::Entry).unwrap_err()
    }

    #[test]
    fn what_the_format_cannot_hold_is_refused_with_the_reason() {
        assert_eq!(refused(""), NameError::Empty);
        assert_eq!(refused("."), NameError::Dots("."));
        assert_eq!(refused(".."), NameError::Dots(".."));
        assert_eq!(refused("a/b"), NameError::Forbidden { character: '/' });
        assert_eq!(refused("a\u{1F}"), NameError::Forbidden { character: '\u{1F}' });
        assert_eq!(refused("\0"), NameError::Forbidden { character: '\0' });
        assert_eq!(refused("\u{FFFE}"), NameError::Forbidden { character: '\u{FFFE}' });
        assert_eq!(refused(&"x".repeat(256)), NameError::TooLong { code_points: 256 });
        let raw = Name::entry_from_bytes(b"ab\xFF").unwrap_err();
        assert_eq!(raw, NameError::NotUtf8 { valid_up_to: 2 });
    }

    #[test]
    fn odd_names_that_the_format_holds_are_accepted() {
        let longest = "\u{4E2D}".repeat(255);
        for good in
            ["..hidden", " ", "trailing.", "a:b", "\u{1}\u{1E}\u{7F}", "a\nb", "%41", &longest]
        {
            assert_eq!(Name::new(good, NameUse::Entry).unwrap().as_str(), good);
        }
    }

    #[test]
    fn names_are_normalised_to_nfc_before_they_are_measured_and_compared() {
        let decomposed = "e\u{301}".repeat(255);
        let name = Name::new(&decomposed, NameUse::Entry).unwrap();
        assert_eq!(name.as_str(), "\u{E9}".repeat(255));
    }

    #[test]
    fn encoded_names_are_read_as_the_reference_reads_them() {
        let read = |text| Name::from_index(text, true, NameUse::Entry).unwrap().text;
        assert_eq!(read("a%3Ab%20c"), "a:b c");
        assert_eq!(read("100%"), "100%");
        assert_eq!(read("%zz%4"), "%zz%4");
        assert_eq!(read("a%2Fb%1F%00"), "a%2Fb%1F%00");
        assert_eq!(read("a/b"), "a_b");
        assert_eq!(read("%C3%A9"), "\u{E9}");
        let bare = Name::from_index("a:%41", false, NameUse::Entry).unwrap();
        assert_eq!(bare.as_str(), "a:%41");
        assert!(Name::from_index("a/b", false, NameUse::Entry).is_err());
        assert!(Name::from_index("%FF", true, NameUse::Entry).is_err());
    }

    #[test]
    fn only_the_volume_may_be_nameless_and_only_links_may_hold_slashes() {
        assert!(Name::new("", NameUse::Volume).is_ok());
        assert!(Name::new("../a/b", NameUse::SymlinkTarget).is_ok());
        assert!(Name::new("user/key", NameUse::AttributeKey).is_err());
        assert!(Name::from_index("user/key", false, NameUse::AttributeKey).is_ok());
    }
}
