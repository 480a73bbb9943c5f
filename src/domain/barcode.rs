//! Barcodes: six characters of volume serial and a media suffix.
//!
//! Libraries report them as 6 or 8 characters, padded with spaces, and some are set to report them
//! without the suffix. Two reports of one label must compare equal, so a [`Barcode`] is normalised
//! when it is parsed and compared by its serial first.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::generation::LtoGeneration;

/// A normalised barcode: upper case, trimmed, 1 to 14 characters of `A-Z 0-9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Barcode(String);

/// Longest barcode kept: what LTO libraries can be set to report (serial of 12, suffix of 2).
const BARCODE_CHARS_MAX: usize = 14;
/// Characters of the volume serial; LTO labels have exactly six, then the media suffix.
const SERIAL_CHARS: usize = 6;

/// Why a text is not a barcode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a barcode: it has 1 to {BARCODE_CHARS_MAX} characters A-Z and 0-9")]
pub struct BarcodeError(pub String);

impl Barcode {
    /// The whole normalised text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The volume serial: the text without a media suffix, as LTFS writes it into VOL1.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.0[..self.0.len().min(SERIAL_CHARS)]
    }

    /// The two characters after the serial (`L9`, `LA`, `M8`, `CU`), if the label shows them.
    #[must_use]
    pub fn media_suffix(&self) -> Option<&str> {
        let is_lto = self.0.len() == SERIAL_CHARS + 2;
        is_lto.then(|| &self.0[SERIAL_CHARS..])
    }

    /// The generation that the suffix names.
    #[must_use]
    pub fn generation(&self) -> Option<LtoGeneration> {
        self.media_suffix().and_then(LtoGeneration::from_media_suffix)
    }

    /// True for a cleaning cartridge: `CLN…` or a suffix `CU`.
    #[must_use]
    pub fn is_cleaning(&self) -> bool {
        self.0.starts_with("CLN") || self.media_suffix() == Some("CU")
    }

    /// True if both can be the same label, one of them reported without its suffix.
    #[must_use]
    pub fn is_same_label(&self, other: &Self) -> bool {
        match (self.media_suffix(), other.media_suffix()) {
            (Some(mine), Some(theirs)) => self.serial() == other.serial() && mine == theirs,
            (None, None) => self.0 == other.0,
            (Some(_), None) => self.serial() == other.0,
            (None, Some(_)) => self.0 == other.serial(),
        }
    }
}

impl FromStr for Barcode {
    type Err = BarcodeError;

    fn from_str(text: &str) -> Result<Self, BarcodeError> {
        let trimmed = text.trim_matches(|c: char| c == ' ' || c == '\0' || c == '*');
        let upper = trimmed.to_ascii_uppercase();
        let fits = (1..=BARCODE_CHARS_MAX).contains(&upper.len());
        if fits && upper.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            Ok(Self(upper))
        } else {
            Err(BarcodeError(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Barcode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn barcode(text: &str) -> Barcode {
        text.parse().unwrap()
    }

    #[test]
    fn reports_of_one_label_compare_as_the_same_label() {
        assert!(barcode("FSL001L9 ").is_same_label(&barcode("fsl001")));
        assert!(barcode("FSL001").is_same_label(&barcode("FSL001L9")));
        assert!(!barcode("FSL001L8").is_same_label(&barcode("FSL001L9")));
        assert!(!barcode("FSL001L9").is_same_label(&barcode("FSL002L9")));
    }

    #[test]
    fn the_suffix_names_the_generation_and_cleaning_cartridges_are_known() {
        assert_eq!(barcode("FSL001L9").generation(), Some(LtoGeneration::Lto9));
        assert_eq!(barcode("FSL001LA").generation(), Some(LtoGeneration::Lto10));
        assert_eq!(barcode("FSL001").generation(), None);
        assert!(barcode("CLN001L1").is_cleaning());
        assert!(barcode("ABC001CU").is_cleaning());
        assert!(!barcode("ABC001L5").is_cleaning());
    }

    #[test]
    fn what_no_scanner_reads_is_refused() {
        for bad in ["", "   ", "ABC-01", "ABCDEFGHIJKLMNO", "ÄBC001"] {
            assert!(bad.parse::<Barcode>().is_err(), "{bad:?}");
        }
    }
}
