//! The file of the sources: what they are, with their passwords. Only root reads it.
//!
//! One process has it at a time, by a lock: who put another file there meanwhile would lose it at the next change.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SourcesError;
use super::definition::SourceSpec;
use crate::domain::{Secret, SourceName, lock_alone};
use crate::durable;

/// The file in the service's folder.
pub const FILE: &str = "sources.json";
/// Held while a process has the file.
const LOCK_FILE: &str = ".lock";
/// Nobody else reads passwords.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// A source as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) spec: SourceSpec,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<Secret>,
}

pub(super) type AllKept = BTreeMap<SourceName, Kept>;

/// The file.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    _lock: File,
}

impl Store {
    /// The file in `folder`, which is made if it is missing, and what is in it.
    pub(super) fn open(folder: &Path) -> Result<(Self, AllKept), SourcesError> {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        made.map_err(failed("make", folder))?;
        let lock = hold(folder)?;
        let path = folder.join(FILE);
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(io::Error::from)
                .map_err(failed("read", &path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => AllKept::new(),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        Ok((Self { path, _lock: lock }, kept))
    }

    /// Replaces what is kept; after a power failure it is the old or the new.
    pub(super) fn write(&self, kept: &AllKept) -> Result<(), SourcesError> {
        let write = || durable::replace(&self.path, &serde_json::to_vec_pretty(kept)?, MODE);
        write().map_err(failed("write", &self.path))
    }
}

/// Keeps every other process from the sources in `folder`, until what is returned is dropped.
///
/// # Errors
/// Another process has them, or the system refuses.
pub fn hold(folder: &Path) -> Result<File, SourcesError> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(MODE);
    let file = options.open(&path).map_err(failed("make", &path))?;
    if lock_alone(&file).map_err(failed("lock", &path))? {
        return Ok(file);
    }
    Err(SourcesError::InUse(folder.to_owned()))
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SourcesError {
    let path = path.to_owned();
    move |source| SourcesError::File { verb, path, source }
}
