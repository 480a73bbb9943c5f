//! A bucket of an object store, read as folders and files: what stands before a `/` in a key is a folder.
//!
//! Keys may be what no path can be. Their names are shown with a `%` in front, so that each still has one and no two
//! have the same:
//!
//! | in the key | shown as |
//! |---|---|
//! | a name that begins with `%` | the same with one more `%` |
//! | an empty name (`a//b`), `.`, `..` | `%`, `%.`, `%..` |
//! | an object beside a folder of its name | `%=` and the name |
//!
//! An object is of one version while it is read: if another takes its place, reading it fails, and the backup lists
//! it as changed.

mod names;
mod store;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustix::io::Errno;

use super::served::{Kind, Named, Remote, RemoteFile, Status};
use super::{S3Bucket, SourcesError};
use crate::domain::Secret;
use names::{BESIDE, key_of, shown};
use store::{Store, StoreError};

/// What is not said of objects.
const FILE_MODE: u16 = 0o644;
const FOLDER_MODE: u16 = 0o755;
/// Longest name that a file system has.
const NAME_BYTES_MAX: usize = 255;

/// A bucket, or a folder in it.
#[derive(Debug)]
pub(super) struct S3 {
    store: Arc<Store>,
    /// Folders that have an object's name: they were met in a listing.
    beside: RwLock<HashSet<Vec<u8>>>,
}

impl S3 {
    /// Asks for the bucket's first object, so that it is known that there is an answer.
    pub(super) fn connect(
        place: &S3Bucket,
        password: Option<&Secret>,
    ) -> Result<Self, SourcesError> {
        let said = |said| SourcesError::Protocol { place: place.to_string(), said };
        let store = Store::new(place, password).map_err(said)?;
        store.begins(b"").map_err(|error| refusal(place, error))?;
        Ok(Self { store: Arc::new(store), beside: RwLock::default() })
    }
}

impl Remote for S3 {
    fn status(&self, path: &[u8]) -> Result<Status, Errno> {
        if path.is_empty() || self.beside.read().contains(path) {
            return Ok(folder());
        }
        let key = key_of(path);
        match self.store.head(&key) {
            Ok(object) => Ok(file(object.size_bytes, object.modified)),
            Err(StoreError::Missing) => {
                let below = [&key, &b"/"[..]].concat();
                let is_folder = self.store.begins(&below).map_err(|error| errno(&error))?;
                is_folder.then(folder).ok_or(Errno::NOENT)
            }
            Err(error) => Err(errno(&error)),
        }
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Named>, Errno> {
        let below = if path.is_empty() { Vec::new() } else { [&key_of(path), &b"/"[..]].concat() };
        let listed = self.store.list(&below).map_err(|error| errno(&error))?;
        let folders: BTreeSet<_> = listed.folders.iter().cloned().collect();
        let mut all = Vec::with_capacity(listed.objects.len() + folders.len());
        for object in listed.objects {
            let mut name = shown(&object.name);
            if folders.contains(&object.name) {
                let folder = super::served::below(path, &name);
                self.beside.write().insert(folder);
                name = [BESIDE, &object.name].concat();
            }
            all.push(Named { name, status: file(object.size_bytes, object.modified) });
        }
        all.extend(folders.iter().map(|name| Named { name: shown(name), status: folder() }));
        if all.iter().any(|named| named.name.len() > NAME_BYTES_MAX) {
            return Err(Errno::NAMETOOLONG);
        }
        Ok(all)
    }

    fn link_target(&self, _: &[u8]) -> Result<Vec<u8>, Errno> {
        Err(Errno::INVAL)
    }

    fn open(&self, path: &[u8]) -> Result<Box<dyn RemoteFile>, Errno> {
        let store = Arc::clone(&self.store);
        Ok(Box::new(Object { store, key: key_of(path), version: Mutex::default() }))
    }
}

/// An object that is read.
#[derive(Debug)]
struct Object {
    store: Arc<Store>,
    key: Vec<u8>,
    /// The version that was met first.
    version: Mutex<Option<String>>,
}

impl RemoteFile for Object {
    fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>, Errno> {
        if length == 0 {
            return Ok(Vec::new());
        }
        let version = self.version.lock().clone();
        let got = self.store.get(&self.key, offset, length, version.as_deref());
        let (bytes, version) = got.map_err(|error| errno(&error))?;
        if let Some(version) = version {
            let mut met = self.version.lock();
            if met.get_or_insert_with(|| version.clone()) != &version {
                return Err(Errno::STALE);
            }
        }
        Ok(bytes)
    }
}

fn folder() -> Status {
    Status {
        kind: Kind::Folder,
        mode: FOLDER_MODE,
        user: 0,
        group: 0,
        size_bytes: 0,
        accessed: 0,
        modified: 0,
    }
}

fn file(size_bytes: u64, modified: u64) -> Status {
    Status {
        kind: Kind::File,
        mode: FILE_MODE,
        size_bytes,
        accessed: modified,
        modified,
        ..folder()
    }
}

fn errno(error: &StoreError) -> Errno {
    match error {
        StoreError::Missing => Errno::NOENT,
        StoreError::Forbidden => Errno::ACCESS,
        StoreError::Replaced => Errno::STALE,
        StoreError::NoAnswer(said) => {
            tracing::warn!(said, "an object store does not answer");
            Errno::HOSTUNREACH
        }
        StoreError::Strange(said) => {
            tracing::warn!(said, "an object store refuses");
            Errno::IO
        }
    }
}

fn refusal(place: &S3Bucket, error: StoreError) -> SourcesError {
    let place = place.to_string();
    match error {
        StoreError::Missing => SourcesError::NoSuchShare { place },
        StoreError::Forbidden => SourcesError::SignIn { place },
        StoreError::NoAnswer(said) => {
            SourcesError::NoAnswer { place, source: std::io::Error::other(said) }
        }
        StoreError::Strange(said) => SourcesError::Protocol { place, said },
        StoreError::Replaced => SourcesError::Protocol { place, said: "it changes".to_owned() },
    }
}
