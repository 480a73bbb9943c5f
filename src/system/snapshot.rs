//! The databases as the version before could read them: kept when a new version starts for the first
//! time, brought back when the machine has gone back to the old one.
//!
//! Runs before the engine, so that files are copied and nothing writes them. What the abandoned version
//! wrote since is kept beside; tapes that it wrote can be read into the catalog again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::SystemError;
use super::version::Version;
use crate::durable::{self, ANYBODY};

/// Databases of the engine, with their journals.
const ENDINGS: &[&str] = &[".db", ".db-wal", ".db-shm"];
/// Which version started last.
const LAST_VERSION: &str = "last-version";
/// So many versions can be gone back to: the one in the other slot, and one more for a person's mistake.
const KEPT_MAX: usize = 2;

/// What was done before the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// The same version as before.
    Same,
    /// The first start of a version: what the one before could read is kept.
    Kept(Version),
    /// The machine went back: what this version could read is there again.
    Restored,
}

/// Where the databases are, and where they are kept.
#[derive(Clone, Debug)]
pub struct Snapshots {
    engine: PathBuf,
    folder: PathBuf,
}

impl Snapshots {
    /// Those of a data folder: `engine` below it has the databases, `update` keeps them.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self { engine: data.join("engine"), folder: data.join("update") }
    }

    /// Makes the databases ready for `version`. `went_back` if an update failed and this is the slot
    /// before it.
    ///
    /// # Errors
    /// A database cannot be copied. Then the engine must not start with this version.
    pub fn prepare(&self, version: &Version, went_back: bool) -> Result<Prepared, SystemError> {
        let marker = self.folder.join(LAST_VERSION);
        let last: Option<Version> =
            fs::read_to_string(&marker).ok().and_then(|text| text.trim().parse().ok());
        let last = match last {
            // Nothing is written: the data partition may be full, or read-only.
            Some(last) if last == *version => return Ok(Prepared::Same),
            Some(last) => last,
            None => {
                self.write_marker(&marker, version)?;
                return Ok(Prepared::Same);
            }
        };
        let kept = self.folder.join(version.to_string());
        let prepared = if went_back && kept.is_dir() {
            copy_databases(&self.engine, &self.folder.join(format!("{last}-abandoned")))?;
            self.restore(&kept)?;
            Prepared::Restored
        } else {
            copy_databases(&self.engine, &self.folder.join(last.to_string()))?;
            self.forget_old(&last)?;
            Prepared::Kept(last)
        };
        self.write_marker(&marker, version)?;
        Ok(prepared)
    }

    /// First what is kept comes beside, then old journals go, then it takes the place: a power failure
    /// in between leaves a marker of the other version, and all of it is done again.
    fn restore(&self, kept: &Path) -> Result<(), SystemError> {
        for path in databases(&self.engine)? {
            fs::remove_file(&path).map_err(|source| SystemError::file("remove", &path, source))?;
        }
        for from in databases(kept)? {
            let to = self.engine.join(from.file_name().unwrap_or_default());
            copy_file(&from, &to)?;
        }
        durable::sync(&self.engine)
            .map_err(|source| SystemError::file("write", &self.engine, source))
    }

    fn write_marker(&self, marker: &Path, version: &Version) -> Result<(), SystemError> {
        let write = || {
            fs::create_dir_all(&self.folder)?;
            durable::replace(marker, version.to_string().as_bytes(), ANYBODY)
        };
        write().map_err(|source| SystemError::file("write", marker, source))
    }

    /// Removes the oldest by version, never the one just made.
    fn forget_old(&self, newest: &Version) -> Result<(), SystemError> {
        let entries = fs::read_dir(&self.folder)
            .map_err(|source| SystemError::file("read", &self.folder, source))?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut versions: Vec<Version> = names.filter_map(|name| name.parse().ok()).collect();
        versions.retain(|version| version != newest);
        versions.sort();
        let surplus = (versions.len() + 1).saturating_sub(KEPT_MAX);
        for version in versions.drain(..surplus) {
            let path = self.folder.join(version.to_string());
            fs::remove_dir_all(&path)
                .map_err(|source| SystemError::file("remove", &path, source))?;
        }
        Ok(())
    }
}

fn databases(folder: &Path) -> Result<Vec<PathBuf>, SystemError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Nothing has ever started here.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(SystemError::file("read", folder, source)),
    };
    let is_database = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        ENDINGS.iter().any(|ending| name.ends_with(ending)) && path.is_file()
    };
    Ok(entries.flatten().map(|entry| entry.path()).filter(is_database).collect())
}

/// Copies all databases of a folder; the copy appears whole or not at all.
fn copy_databases(from: &Path, to: &Path) -> Result<(), SystemError> {
    let new = to.with_extension("new");
    let prepare = |path: &Path| {
        let removed = match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        removed.map_err(|source| SystemError::file("remove", path, source))
    };
    prepare(&new)?;
    fs::create_dir_all(&new).map_err(|source| SystemError::file("make", &new, source))?;
    for path in databases(from)? {
        copy_file(&path, &new.join(path.file_name().unwrap_or_default()))?;
    }
    prepare(to)?;
    durable::put_in_place(&new, to).map_err(|source| SystemError::file("write", to, source))
}

/// Copies one file with its owner, whom the engine must stay.
fn copy_file(from: &Path, to: &Path) -> Result<(), SystemError> {
    let copy = || {
        use std::os::unix::fs::{MetadataExt as _, chown};
        fs::copy(from, to)?;
        let owner = fs::metadata(from)?;
        chown(to, Some(owner.uid()), Some(owner.gid()))?;
        durable::sync(to)
    };
    copy().map_err(|source| SystemError::file("copy", from, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn a_machine_that_went_back_has_the_databases_of_its_version_again() {
        let data = tempfile::tempdir().unwrap();
        let engine = data.path().join("engine");
        fs::create_dir(&engine).unwrap();
        let catalog = engine.join("catalog.db");
        let wal = engine.join("catalog.db-wal");
        fs::write(&catalog, "old").unwrap();
        fs::write(engine.join("settings.json"), "set").unwrap();
        let snapshots = Snapshots::new(data.path());
        assert_eq!(snapshots.prepare(&version("1.0.0"), false).unwrap(), Prepared::Same);
        let kept = snapshots.prepare(&version("1.1.0"), false).unwrap();
        assert_eq!(kept, Prepared::Kept(version("1.0.0")));
        fs::write(&catalog, "new").unwrap();
        fs::write(&wal, "newer").unwrap();
        assert_eq!(snapshots.prepare(&version("1.1.0"), false).unwrap(), Prepared::Same);
        let restored = snapshots.prepare(&version("1.0.0"), true).unwrap();
        assert_eq!(restored, Prepared::Restored);
        assert_eq!(fs::read_to_string(&catalog).unwrap(), "old");
        assert!(!wal.exists());
        let abandoned = data.path().join("update/1.1.0-abandoned/catalog.db-wal");
        assert_eq!(fs::read_to_string(abandoned).unwrap(), "newer");
        assert_eq!(fs::read_to_string(engine.join("settings.json")).unwrap(), "set");
    }

    #[test]
    fn going_back_by_choice_keeps_what_the_newer_version_wrote() {
        let data = tempfile::tempdir().unwrap();
        fs::create_dir(data.path().join("engine")).unwrap();
        let catalog = data.path().join("engine/catalog.db");
        let snapshots = Snapshots::new(data.path());
        snapshots.prepare(&version("1.0.0"), false).unwrap();
        snapshots.prepare(&version("1.1.0"), false).unwrap();
        fs::write(&catalog, "new").unwrap();
        let kept = snapshots.prepare(&version("1.0.0"), false).unwrap();
        assert_eq!(kept, Prepared::Kept(version("1.1.0")));
        assert_eq!(fs::read_to_string(&catalog).unwrap(), "new");
    }

    #[test]
    fn only_the_last_versions_are_kept() {
        let data = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::new(data.path());
        for text in ["1.0.0", "1.1.0", "1.2.0", "1.3.0"] {
            snapshots.prepare(&version(text), false).unwrap();
        }
        let left = |text: &str| data.path().join("update").join(text).is_dir();
        assert_eq!(["1.0.0", "1.1.0", "1.2.0"].map(left), [false, true, true]);
    }
}
