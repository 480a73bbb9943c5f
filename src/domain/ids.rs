//! Names of things, each a type of its own.
//!
//! A drive is known by its serial number and a volume by its UUID. Node names, slot numbers and
//! barcodes change or repeat, so none of them is ever a key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The serial number of a drive, from INQUIRY page 80h, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DriveSerial(pub String);

/// The serial number of a library's changer, from INQUIRY page 80h, trimmed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LibrarySerial(pub String);

/// The UUID in the labels of an LTFS volume. The only key by which the catalog knows a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VolumeUuid(pub Uuid);

impl VolumeUuid {
    /// A new random UUID, for a volume that is being formatted.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

/// A job, numbered by the catalog in the order in which jobs were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

/// One execution of a set's backup. Sortable by time; names the folder on the volume and files off it,
/// so one that is read from a tape must be safe as a name like a set's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unsafe_name = || serde::de::Error::custom(format!("\"{text}\" cannot name a run"));
        if is_folder_name(&text) { Ok(Self(text)) } else { Err(unsafe_name()) }
    }
}

/// The name of a set: also a folder on its volumes, so it obeys the rules of an LTFS name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SetName(String);

/// Longest name of a set or run in bytes: it is part of every path on the volume.
pub(super) const NAME_BYTES_MAX: usize = 64;

/// Why a text is not a set name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot name a set: use 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.', beginning with a letter or digit"
)]
pub struct SetNameError(pub String);

impl SetName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SetName {
    type Err = SetNameError;

    fn from_str(text: &str) -> Result<Self, SetNameError> {
        if is_folder_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SetNameError(text.to_owned()))
        }
    }
}

/// The name of a pool. Obeys the rules of a set's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PoolName(String);

/// Why a text is not a pool name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot name a pool: use 1 to {NAME_BYTES_MAX} letters, digits, '-', '_' or '.', beginning with a letter or digit"
)]
pub struct PoolNameError(pub String);

impl PoolName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PoolName {
    type Err = PoolNameError;

    fn from_str(text: &str) -> Result<Self, PoolNameError> {
        let name = || Self(text.to_owned());
        is_folder_name(text).then(name).ok_or_else(|| PoolNameError(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for PoolName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// True for a text that is a plain name in every file system, and never a way out of a folder.
pub(super) fn is_folder_name(text: &str) -> bool {
    let is_sensible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let starts_well = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    starts_well && text.len() <= NAME_BYTES_MAX && text.chars().all(is_sensible)
}

impl<'de> Deserialize<'de> for SetName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! display_as_inner {
    ($($name:ident),*) => {
        $(impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        })*
    };
}
display_as_inner!(DriveSerial, LibrarySerial, VolumeUuid, JobId, RunId, SetName, PoolName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_name_is_safe_as_a_folder_name() {
        assert!("photos-2026.raw".parse::<SetName>().is_ok());
        for bad in ["", ".fossilsafe", "-x", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert!(bad.parse::<SetName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_run_from_a_tape_never_leads_out_of_a_folder() {
        let read = |text: &str| serde_json::from_value::<RunId>(text.into());
        assert_eq!(read("20261128T005207Z-2").unwrap().0, "20261128T005207Z-2");
        for bad in ["", "..", "../../keys", "/etc/passwd", "a/b", ".hidden", &"x".repeat(65)] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
