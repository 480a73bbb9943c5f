//! The backups in a folder: which there are, and which are no longer kept.

use std::fs;
use std::path::{Path, PathBuf};

use super::read::Claimed;
use super::{CatalogBackupError, Description, names};
use crate::keys::{KeyStore, SignatureVerdict};

/// A backup that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its folder.
    pub path: PathBuf,
    /// What it says it holds.
    pub description: Description,
    /// Who signed that.
    pub verdict: SignatureVerdict,
    /// This very appliance made it.
    pub is_own: bool,
}

/// The backups in a folder, newest first. Only what they say is read, not what they hold.
///
/// # Errors
/// The folder cannot be read.
pub fn find(folder: &Path, keys: &KeyStore) -> Result<Vec<Found>, CatalogBackupError> {
    let reading = |error| CatalogBackupError::io("read", folder)(error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(reading)? {
        let entry = entry.map_err(reading)?;
        let is_named = entry.file_name().to_string_lossy().starts_with(names::PREFIX);
        let Some(claimed) = is_named.then(|| Claimed::read(&entry.path()).ok()).flatten() else {
            continue;
        };
        let (verdict, is_own) = (claimed.verdict(keys.pinned()), claimed.is_own(keys));
        let description = claimed.description;
        found.push(Found { path: entry.path(), description, verdict, is_own });
    }
    found.sort_by(|a, b| (b.description.made, &b.path).cmp(&(a.description.made, &a.path)));
    Ok(found)
}

/// Removes all but the newest `keep` of the backups that this appliance has made; those removed.
///
/// # Errors
/// The folder cannot be read, or one cannot be removed.
pub fn remove_older(
    folder: &Path,
    keep: usize,
    keys: &KeyStore,
) -> Result<Vec<PathBuf>, CatalogBackupError> {
    let mut removed = Vec::new();
    for old in find(folder, keys)?.into_iter().filter(|found| found.is_own).skip(keep) {
        // Renamed first: one that is cut off in the middle is never taken for whole.
        let name = old.path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = folder.join(format!(".{name}.old"));
        fs::rename(&old.path, &hidden).map_err(CatalogBackupError::io("rename", &old.path))?;
        fs::remove_dir_all(&hidden).map_err(CatalogBackupError::io("remove", &hidden))?;
        removed.push(old.path);
    }
    Ok(removed)
}
