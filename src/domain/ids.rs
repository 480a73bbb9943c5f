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

/// One execution of a set's backup. Sortable by time; names the folder on the volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

/// The name of a set: also a folder on its volumes, so it obeys the rules of an LTFS name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SetName(String);

/// Longest set name in bytes: it is part of every path on the volume.
const SET_NAME_BYTES_MAX: usize = 64;

/// Why a text is not a set name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" cannot name a set: use 1 to {SET_NAME_BYTES_MAX} letters, digits, '-', '_' or '.', beginning with a letter or digit"
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
        let sensible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let starts_well = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        if starts_well && text.len() <= SET_NAME_BYTES_MAX && text.chars().all(sensible) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SetNameError(text.to_owned()))
        }
    }
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
display_as_inner!(DriveSerial, LibrarySerial, VolumeUuid, JobId, RunId, SetName);

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
}
