//! Names of network sources, and where they are mounted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ids::{NAME_BYTES_MAX, is_folder_name};

/// Where network sources are mounted, each under its name. It is part of the paths that the catalog and the
/// tapes keep, so it never changes.
pub const SOURCES_FOLDER: &str = "/srv/sources";

/// The name of a network source. Obeys the rules of a set's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SourceName(String);

/// Why a text is not the name of a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot name a source: use 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.', beginning with a letter or digit"
)]
pub struct SourceNameError(pub String);

impl SourceName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that it is mounted on.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        Path::new(SOURCES_FOLDER).join(&self.0)
    }

    /// The source that a path lies in, if it lies in one.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let below = path.strip_prefix(SOURCES_FOLDER).ok()?;
        below.components().next()?.as_os_str().to_str()?.parse().ok()
    }
}

impl FromStr for SourceName {
    type Err = SourceNameError;

    fn from_str(text: &str) -> Result<Self, SourceNameError> {
        let name = || Self(text.to_owned());
        is_folder_name(text).then(name).ok_or_else(|| SourceNameError(text.to_owned()))
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_the_source_that_it_lies_in() {
        let of = |path: &str| SourceName::of_path(Path::new(path)).map(|name| name.0);
        assert_eq!(of("/srv/sources/nas/photos/1.jpg").as_deref(), Some("nas"));
        assert_eq!(of("/srv/sources/nas").as_deref(), Some("nas"));
        for outside in ["/srv/sources", "/srv/sources2/nas", "/srv", "srv/sources/nas"] {
            assert_eq!(of(outside), None, "{outside}");
        }
        assert_eq!("nas".parse::<SourceName>().unwrap().folder(), Path::new("/srv/sources/nas"));
    }
}
