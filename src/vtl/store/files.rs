//! Small JSON files that are replaced as a whole: a reader finds the old one or the new one.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::vtl::VtlError;

/// Reads a file of the library.
pub(in crate::vtl) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, VtlError> {
    let text = fs::read(path).map_err(VtlError::file("read", path))?;
    serde_json::from_slice(&text)
        .map_err(|error| VtlError::Damaged { path: path.to_owned(), reason: error.to_string() })
}

/// Replaces a file of the library in one step.
pub(in crate::vtl) fn replace_json(path: &Path, value: &impl Serialize) -> Result<(), VtlError> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| VtlError::Damaged { path: path.to_owned(), reason: error.to_string() })?;
    let new = path.with_extension("new");
    fs::write(&new, text).map_err(VtlError::file("write", &new))?;
    fs::rename(&new, path).map_err(VtlError::file("replace", path))
}
