//! Keeps the sources mounted, and says of each how it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::definition::{SourcePlace, SourceSpec};
use super::mount;
use super::sftp;
use super::store::{AllKept, Kept, Store};
use super::{KEPT_FILES, SourcesError};
use crate::domain::{SOURCES_FOLDER, Secret, SourceName};
use crate::source::network::is_mounted;
use crate::system::KeptFile;

/// Whether a source can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceCondition {
    /// It is mounted and was answered when it was last looked at.
    Mounted,
    /// It is not; the reason says why.
    Away,
}

/// A source and how it stands. Never its password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceState {
    /// Its name.
    pub name: SourceName,
    /// What it is.
    pub spec: SourceSpec,
    /// Whether a password is kept for it.
    pub has_password: bool,
    /// Where its files are on this machine.
    pub path: PathBuf,
    /// Whether it can be read.
    pub condition: SourceCondition,
    /// Why it cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The fingerprints that an SSH server shows while none of them is confirmed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown_host_keys: Vec<String>,
    /// The line for `authorized_keys` on an SSH server where the appliance signs in by its own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// What went wrong with a source last.
#[derive(Clone, Debug)]
struct Failure {
    reason: String,
    shown_host_keys: Vec<String>,
}

/// Knows the sources and mounts them. Those that it serves end with it.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    /// Where the service keeps what is its own.
    data: PathBuf,
    /// Below which they are mounted.
    folder: PathBuf,
    kept: Mutex<AllKept>,
    /// Why the last attempt failed.
    failures: Mutex<BTreeMap<SourceName, Failure>>,
    /// One mount at a time: two could be put over each other.
    mounting: Mutex<()>,
    /// What this process answers for.
    served: Mutex<BTreeSet<SourceName>>,
}

impl Keeper {
    /// Sources that are kept in `data`, mounted below [`SOURCES_FOLDER`].
    ///
    /// # Errors
    /// When the file of the sources cannot be read.
    pub fn open(data: &Path) -> Result<Self, SourcesError> {
        Self::open_below(data, Path::new(SOURCES_FOLDER))
    }

    pub(super) fn open_below(data: &Path, folder: &Path) -> Result<Self, SourcesError> {
        let (store, kept) = Store::open(data)?;
        Ok(Self {
            store,
            data: data.to_owned(),
            folder: folder.to_owned(),
            kept: Mutex::new(kept),
            failures: Mutex::default(),
            mounting: Mutex::default(),
            served: Mutex::default(),
        })
    }

    /// Every source, by name.
    #[must_use]
    pub fn states(&self) -> Vec<SourceState> {
        let kept = self.kept.lock().clone();
        kept.into_iter().map(|(name, kept)| self.state(name, kept)).collect()
    }

    /// The files of the sources, for a catalog backup; none if there are no sources.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn handed_over(&self) -> Result<Vec<KeptFile>, SourcesError> {
        // None is replaced meanwhile.
        let kept = self.kept.lock();
        let mut files = Vec::new();
        for name in KEPT_FILES.into_iter().filter(|_| !kept.is_empty()) {
            let path = self.data.join(name);
            match fs::read_to_string(&path) {
                Ok(text) => {
                    files.push(KeptFile { name: name.to_owned(), content: Secret::new(text) });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(SourcesError::File { verb: "read", path, source }),
            }
        }
        Ok(files)
    }

    /// Makes or changes a source, and mounts it. Without a password the one that is kept stays. A source
    /// whose server is away is kept all the same, and its state says so.
    ///
    /// # Errors
    /// When it cannot be as described, or cannot be kept.
    pub fn put(
        &self,
        name: &SourceName,
        spec: SourceSpec,
        password: Option<Secret>,
    ) -> Result<SourceState, SourcesError> {
        spec.ensure_sensible()?;
        self.change(|kept| {
            let before = kept.get(name).and_then(|kept| kept.password.clone());
            kept.insert(name.clone(), Kept { spec, password: password.or(before) });
            Ok(())
        })?;
        self.unmount(name)?;
        // Its state has the reason if that does not work.
        let _ = self.mount(name);
        self.one(name)
    }

    /// Unmounts a source and forgets it with its password.
    ///
    /// # Errors
    /// When there is none, or it cannot be taken away.
    pub fn remove(&self, name: &SourceName) -> Result<(), SourcesError> {
        self.change(|kept| {
            kept.remove(name).ok_or_else(|| SourcesError::Unknown(name.clone()))?;
            self.unmount(name)
        })?;
        self.failures.lock().remove(name);
        // Left empty; one that holds something is not ours to remove.
        let _ = fs::remove_dir(self.folder.join(name.as_str()));
        Ok(())
    }

    /// Mounts a source if it is not mounted, or mounts it again if it does not answer.
    ///
    /// # Errors
    /// When there is none, or the server or this machine refuses.
    pub fn mount(&self, name: &SourceName) -> Result<SourceState, SourcesError> {
        let kept = self.kept.lock().get(name).cloned();
        let kept = kept.ok_or_else(|| SourcesError::Unknown(name.clone()))?;
        let mounted = self.mount_kept(name, &kept);
        match &mounted {
            Ok(()) => self.failures.lock().remove(name),
            Err(error) => {
                let shown_host_keys = error.shown_host_keys().to_vec();
                let failure = Failure { reason: error.whole(), shown_host_keys };
                self.failures.lock().insert(name.clone(), failure)
            }
        };
        mounted.map(|()| self.state(name.clone(), kept))
    }

    /// Mounts what is not mounted. What fails has its reason in its state.
    pub fn mount_all(&self) {
        let names: Vec<_> = self.kept.lock().keys().cloned().collect();
        for name in names {
            let _ = self.mount(&name);
        }
    }

    fn mount_kept(&self, name: &SourceName, kept: &Kept) -> Result<(), SourcesError> {
        let _alone = self.mounting.lock();
        let folder = self.folder.join(name.as_str());
        if is_mounted(&folder).unwrap_or(false) && fs::read_dir(&folder).is_ok() {
            return Ok(());
        }
        self.unmount(name)?;
        fs::create_dir_all(&folder).map_err(|source| SourcesError::File {
            verb: "make",
            path: folder.clone(),
            source,
        })?;
        mount::mount(&kept.spec, kept.password.as_ref(), &folder, &self.data)?;
        if kept.spec.place.is_served() {
            self.served.lock().insert(name.clone());
        }
        Ok(())
    }

    /// Ends what this process serves itself: without it, it would be a folder that nobody answers for. What
    /// another process serves under the same names stays.
    pub fn end_served(&self) {
        let served = std::mem::take(&mut *self.served.lock());
        for name in served {
            // It is tried again when the source is mounted next.
            let _ = self.unmount(&name);
        }
    }

    fn unmount(&self, name: &SourceName) -> Result<(), SourcesError> {
        let path = self.folder.join(name.as_str());
        // A folder whose server is gone cannot be looked at, and is a mount.
        if is_mounted(&path).unwrap_or(true) {
            mount::take_away(&path).map_err(|source| SourcesError::File {
                verb: "unmount",
                path,
                source,
            })?;
        }
        self.served.lock().remove(name);
        Ok(())
    }

    /// One change at a time: two that began with the same sources would lose one of theirs.
    fn change(
        &self,
        change: impl FnOnce(&mut AllKept) -> Result<(), SourcesError>,
    ) -> Result<(), SourcesError> {
        let mut kept = self.kept.lock();
        let mut changed = kept.clone();
        change(&mut changed)?;
        self.store.write(&changed)?;
        *kept = changed;
        Ok(())
    }

    fn one(&self, name: &SourceName) -> Result<SourceState, SourcesError> {
        let kept = self.kept.lock().get(name).cloned();
        let kept = kept.ok_or_else(|| SourcesError::Unknown(name.clone()))?;
        Ok(self.state(name.clone(), kept))
    }

    fn state(&self, name: SourceName, kept: Kept) -> SourceState {
        let path = self.folder.join(name.as_str());
        let failure = self.failures.lock().get(&name).cloned();
        let is_there = is_mounted(&path).unwrap_or(false) && failure.is_none();
        let (condition, reason) = if is_there {
            (SourceCondition::Mounted, None)
        } else {
            let unknown = || "it was not mounted yet".to_owned();
            let reason = failure.as_ref().map(|failure| failure.reason.clone());
            (SourceCondition::Away, Some(reason.unwrap_or_else(unknown)))
        };
        let signs_in_by_key =
            matches!(kept.spec.place, SourcePlace::Sftp(_)) && kept.password.is_none();
        let public_key = signs_in_by_key.then(|| sftp::own_public_line(&self.data)).flatten();
        SourceState {
            name,
            spec: kept.spec,
            has_password: kept.password.is_some(),
            path,
            condition,
            reason,
            shown_host_keys: failure.map(|failure| failure.shown_host_keys).unwrap_or_default(),
            public_key,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end_served();
    }
}
