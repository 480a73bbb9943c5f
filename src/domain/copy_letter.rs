//! Copy A, copy B: which of a set's chains of volumes something belongs to.
//!
//! A set with several copies has one complete chain of volumes for each, so that each can be stored in
//! a place of its own. People say letters; the catalog counts from 0.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The letter of a copy of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CopyLetter(u8);

impl CopyLetter {
    /// The only copy of a set that has one.
    pub const A: Self = Self(0);
    /// The second copy.
    pub const B: Self = Self(1);
    /// Most copies of a set: two on the shelf and two elsewhere. Each needs buffers and a drive's time.
    pub const COPIES_MAX: u8 = 4;

    /// The letter of the copy with that number, counted from 0; none for numbers without a letter.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        (number < Self::COPIES_MAX).then_some(Self(number))
    }

    /// Counted from 0.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// The letters of the first `count` copies.
    pub fn first(count: u8) -> impl Iterator<Item = Self> {
        (0..count.min(Self::COPIES_MAX)).map(Self)
    }
}

impl fmt::Display for CopyLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", char::from(b'A' + self.0))
    }
}

/// Why a text is not the letter of a copy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a copy: copies are called A to D")]
pub struct CopyLetterError(pub String);

impl FromStr for CopyLetter {
    type Err = CopyLetterError;

    fn from_str(text: &str) -> Result<Self, CopyLetterError> {
        let letter = match text.as_bytes() {
            [letter] => letter.checked_sub(b'A').and_then(Self::from_number),
            _ => None,
        };
        letter.ok_or_else(|| CopyLetterError(text.to_owned()))
    }
}

impl Serialize for CopyLetter {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CopyLetter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_letters_from_a_to_d() {
        let letters: Vec<String> = CopyLetter::first(9).map(|copy| copy.to_string()).collect();
        assert_eq!(letters, ["A", "B", "C", "D"]);
        for copy in CopyLetter::first(4) {
            assert_eq!(copy.to_string().parse(), Ok(copy));
            assert_eq!(CopyLetter::from_number(copy.number()), Some(copy));
        }
        for bad in ["", "E", "a", "AB", "0"] {
            assert!(bad.parse::<CopyLetter>().is_err(), "{bad:?}");
        }
        assert_eq!(CopyLetter::from_number(4), None);
    }
}
