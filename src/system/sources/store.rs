//! The file of the sources: what they are, with their passwords. Only root reads it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SourcesError;
use super::definition::SourceSpec;
use crate::domain::{Secret, SourceName};

/// The file in the service's folder.
const FILE: &str = "sources.json";
/// Nobody else reads passwords.
const MODE: u32 = 0o600;

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
}

impl Store {
    /// The file in `folder`, which is made if it is missing, and what is in it.
    pub(super) fn open(folder: &Path) -> Result<(Self, AllKept), SourcesError> {
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let path = folder.join(FILE);
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(io::Error::from)
                .map_err(failed("read", &path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => AllKept::new(),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        Ok((Self { path }, kept))
    }

    /// Replaces what is kept; after a power failure it is the old or the new.
    pub(super) fn write(&self, kept: &AllKept) -> Result<(), SourcesError> {
        let new = self.path.with_extension("new");
        let write = || {
            let bytes = serde_json::to_vec_pretty(kept)?;
            // One that was left behind could have other permissions.
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &self.path)?;
            self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        write().map_err(failed("write", &self.path))
    }
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SourcesError {
    let path = path.to_owned();
    move |source| SourcesError::File { verb, path, source }
}
