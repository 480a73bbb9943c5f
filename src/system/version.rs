//! Versions of the image: three numbers, and a pre-release that comes before them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A version of the image, as `1.4.0` or `1.4.0-rc.2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Version {
    numbers: [u64; 3],
    pre_release: Option<String>,
}

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a version of the form 1.4.0 or 1.4.0-rc.2")]
pub struct VersionError(String);

impl Version {
    /// Of this program.
    #[must_use]
    pub fn of_program() -> Self {
        // What Cargo takes as a version of a package is one.
        let none = |_| Self { numbers: [0; 3], pre_release: None };
        env!("CARGO_PKG_VERSION").parse().unwrap_or_else(none)
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let refuse = || VersionError(text.to_owned());
        let (numbers, pre_release) = match text.split_once('-') {
            Some((_, "")) => return Err(refuse()),
            Some((numbers, rest)) => (numbers, Some(rest.to_owned())),
            None => (text, None),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if !pre_release.iter().all(|rest| rest.chars().all(is_name)) {
            return Err(refuse());
        }
        let parsed: Result<Vec<u64>, _> = numbers.split('.').map(str::parse).collect();
        let numbers = parsed.ok().and_then(|parts| <[u64; 3]>::try_from(parts).ok());
        Ok(Self { numbers: numbers.ok_or_else(refuse)?, pre_release })
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        self.pre_release.iter().try_for_each(|rest| write!(f, "-{rest}"))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_pre_release = || match (&self.pre_release, &other.pre_release) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => compare_pre_releases(a, b),
        };
        self.numbers.cmp(&other.numbers).then_with(by_pre_release)
    }
}

/// Part by part: numbers as numbers, a number before a word, the shorter first.
fn compare_pre_releases(a: &str, b: &str) -> Ordering {
    let part = |text: &str| match text.parse::<u64>() {
        Ok(number) => (0, number, String::new()),
        Err(_) => (1, 0, text.to_owned()),
    };
    a.split('.').map(part).cmp(b.split('.').map(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_they_are_published() {
        let order = ["0.9.9", "1.0.0-rc", "1.0.0-rc.2", "1.0.0-rc.10", "1.0.0", "1.2.0", "1.10.0"];
        for pair in order.windows(2) {
            let [older, newer] = [0, 1].map(|at| pair[at].parse::<Version>().unwrap());
            assert!(older < newer, "{older} {newer}");
            assert_eq!(older.to_string(), pair[0]);
        }
    }

    #[test]
    fn the_program_has_the_version_of_its_package() {
        assert_eq!(Version::of_program().to_string(), env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for bad in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1.2.3-", "1.2.3-a b", "-1.2.3", "v1.2.3"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
