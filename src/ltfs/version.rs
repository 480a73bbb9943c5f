//! Versions of the format: which are read, and which is written.

use std::fmt;

/// The version of a label or an index, `2.4.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormatVersion {
    /// A change here makes volumes unreadable for older readers.
    pub major: u8,
    /// New elements that older readers may ignore.
    pub minor: u8,
    /// Corrections.
    pub patch: u8,
}

impl FormatVersion {
    /// What we write, as the reference does.
    pub const WRITTEN: Self = Self { major: 2, minor: 4, patch: 0 };
    /// From here on every file and directory has a unique number and every extent a file offset.
    pub const WITH_UIDS: Self = Self { major: 2, minor: 0, patch: 0 };

    /// Reads the text; only "1.0" may have two numbers, as in the reference.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text == b"1.0" {
            return Some(Self { major: 1, minor: 0, patch: 0 });
        }
        let mut parts = text.split(|byte| *byte == b'.').map(|part| {
            let digits = part.len() <= 2 && part.iter().all(u8::is_ascii_digit);
            std::str::from_utf8(part).ok().filter(|_| digits)?.parse().ok()
        });
        let version = Self { major: parts.next()??, minor: parts.next()??, patch: parts.next()?? };
        parts.next().is_none().then_some(version)
    }

    /// True for 1.0.0 to 2.99.99: what the reference mounts.
    #[must_use]
    pub fn is_readable(self) -> bool {
        matches!(self.major, 1 | 2)
    }

    /// True if a later reader than ours may know more elements.
    #[must_use]
    pub fn is_newer_than_written(self) -> bool {
        self > Self::WRITTEN
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_reference_reads_them() {
        let readable = |text: &str| {
            FormatVersion::parse(text.as_bytes()).is_some_and(FormatVersion::is_readable)
        };
        for good in ["1.0", "1.0.0", "2.0.0", "2.4.0", "2.5.0", "2.99.99"] {
            assert!(readable(good), "{good}");
        }
        for bad in ["2.4", "3.0.0", "0.9.0", "2.4.0.1", "2.4.x", "", "2..0", "2.100.0", "+2.4.0"] {
            assert!(!readable(bad), "{bad}");
        }
        assert!(FormatVersion::parse(b"2.4.1").unwrap().is_newer_than_written());
    }
}
