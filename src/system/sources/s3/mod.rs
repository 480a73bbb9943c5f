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
//!
//! What is written becomes an object when it is closed or synced, in one go; before, nobody else sees it. A store keeps
//! no permissions, owners, times and empty folders, and an object is never changed: such wishes are refused. To rename
//! is to copy and remove, object by object.

mod copies;
mod names;
mod store;
mod upload;
mod wire;
mod writing;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};
use rustix::io::Errno;

use super::served::{Change, Kind, Named, Remote, RemoteFile, Room, Status, now};
use super::{S3Bucket, SourcesError};
use crate::domain::Secret;
use names::{BESIDE, key_of, shown};
use store::{ObjectStatus, Store};
use upload::Upload;
use wire::StoreError;

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
    /// Folders that were made and may hold nothing yet: a store has a folder only where it has an object in it.
    made: RwLock<BTreeSet<Vec<u8>>>,
    /// What is being written, by its path.
    uploads: RwLock<HashMap<Vec<u8>, Weak<Upload>>>,
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
        let (beside, made, uploads) = Default::default();
        Ok(Self { store: Arc::new(store), beside, made, uploads })
    }

    /// What is written at `path` and no object yet.
    fn upload(&self, path: &[u8]) -> Option<Arc<Upload>> {
        let upload = self.uploads.read().get(path).and_then(Weak::upgrade);
        upload.filter(|upload| !upload.is_done())
    }

    fn is_there(&self, path: &[u8]) -> Result<bool, Errno> {
        match self.status(path) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// One object. The copy is there before the original goes.
    fn move_object(&self, from: &[u8], to: &[u8], size_bytes: u64) -> Result<(), Errno> {
        let copied = self.store.copy(from, to, size_bytes);
        let moved = copied.and_then(|()| self.store.remove(from));
        moved.map_err(|error| errno(&error))
    }
}

impl Remote for S3 {
    fn status(&self, path: &[u8]) -> Result<Status, Errno> {
        let is_known = self.beside.read().contains(path) || self.made.read().contains(path);
        if path.is_empty() || is_known {
            return Ok(folder());
        }
        if let Some(upload) = self.upload(path) {
            return Ok(file(upload.size_bytes(), now()));
        }
        let key = key_of(path);
        let is_folder = || {
            let below = [&key, &b"/"[..]].concat();
            self.store.begins(&below).map_err(|error| errno(&error))
        };
        match self.store.head(&key) {
            // Some stores have an answer for folders too, as if they were empty objects.
            Ok(ObjectStatus { size_bytes: 0, .. }) if is_folder()? => Ok(folder()),
            Ok(object) => Ok(file(object.size_bytes, object.modified)),
            Err(StoreError::Missing) => is_folder()?.then(folder).ok_or(Errno::NOENT),
            Err(error) => Err(errno(&error)),
        }
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Named>, Errno> {
        let below = if path.is_empty() { Vec::new() } else { [&key_of(path), &b"/"[..]].concat() };
        let listed = self.store.list(&below).map_err(|error| errno(&error))?;
        let mut folders: BTreeSet<_> = listed.folders.iter().cloned().collect();
        let made = self.made.read();
        let here = made.iter().filter_map(|folder| super::served::name_in(path, folder));
        folders.extend(here.map(key_of));
        drop(made);
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

    fn open(&self, path: &[u8], is_written: bool) -> Result<Box<dyn RemoteFile>, Errno> {
        if is_written {
            return Err(Errno::OPNOTSUPP);
        }
        let store = Arc::clone(&self.store);
        Ok(Box::new(Object { store, key: key_of(path), version: Mutex::default() }))
    }

    fn create(&self, path: &[u8], _: u16) -> Result<Box<dyn RemoteFile>, Errno> {
        if self.is_there(path)? {
            return Err(Errno::EXIST);
        }
        let upload = Upload::new(Arc::clone(&self.store), key_of(path));
        let mut uploads = self.uploads.write();
        uploads.retain(|_, upload| upload.strong_count() > 0);
        uploads.insert(path.to_vec(), Arc::downgrade(&upload));
        Ok(Box::new(upload))
    }

    /// Known here alone until something is in it.
    fn make_folder(&self, path: &[u8], _: u16) -> Result<(), Errno> {
        if self.is_there(path)? {
            return Err(Errno::EXIST);
        }
        self.made.write().insert(path.to_vec());
        Ok(())
    }

    fn make_link(&self, _: &[u8], _: &[u8]) -> Result<(), Errno> {
        Err(Errno::OPNOTSUPP)
    }

    fn make_hard_link(&self, _: &[u8], _: &[u8]) -> Result<(), Errno> {
        Err(Errno::OPNOTSUPP)
    }

    fn remove(&self, path: &[u8]) -> Result<(), Errno> {
        let upload = self.upload(path);
        self.uploads.write().remove(path);
        if let Some(upload) = upload {
            upload.give_up();
        }
        self.store.remove(&key_of(path)).map_err(|error| errno(&error))
    }

    fn remove_folder(&self, path: &[u8]) -> Result<(), Errno> {
        let mark = [&key_of(path), &b"/"[..]].concat();
        let below = self.store.keys_below(&mark, 2).map_err(|error| errno(&error))?;
        if below.iter().any(|key| *key != mark) {
            return Err(Errno::NOTEMPTY);
        }
        if self.made.read().iter().any(|folder| super::served::name_in(path, folder).is_some()) {
            return Err(Errno::NOTEMPTY);
        }
        self.made.write().remove(path);
        match below.is_empty() {
            true => Ok(()),
            false => self.store.remove(&mark).map_err(|error| errno(&error)),
        }
    }

    fn rename(&self, from: &[u8], to: &[u8], may_replace: bool) -> Result<(), Errno> {
        if !may_replace && self.is_there(to)? {
            return Err(Errno::EXIST);
        }
        if let Some(upload) = self.upload(from) {
            upload.finish()?;
        }
        let status = self.status(from)?;
        let mut made = self.made.write();
        let moved: Vec<_> =
            made.iter().filter(|folder| is_at_or_below(folder, from)).cloned().collect();
        for folder in moved {
            made.remove(&folder);
            made.insert([to, &folder[from.len()..]].concat());
        }
        drop(made);
        let (from, to) = (key_of(from), key_of(to));
        if status.kind != Kind::Folder {
            return self.move_object(&from, &to, status.size_bytes);
        }
        let below = [&from, &b"/"[..]].concat();
        let failed = |error| errno(&error);
        for key in &self.store.keys_below(&below, usize::MAX).map_err(failed)? {
            let size_bytes = self.store.head(key).map_err(failed)?.size_bytes;
            self.move_object(key, &[&to, &key[from.len()..]].concat(), size_bytes)?;
        }
        Ok(())
    }

    fn room(&self) -> Result<Room, Errno> {
        Ok(Room::UNKNOWN)
    }

    fn change(&self, path: &[u8], change: &Change) -> Result<(), Errno> {
        // A wish for what is already so is granted: programs that copy a file express it of its mode.
        let now = self.status(path)?;
        let is_kept = change.size_bytes.is_none_or(|wanted| wanted == now.size_bytes)
            && change.mode.is_none_or(|wanted| wanted == now.mode)
            && change.user.is_none_or(|wanted| wanted == now.user)
            && change.group.is_none_or(|wanted| wanted == now.group)
            && change.accessed.is_none()
            && change.modified.is_none();
        if is_kept { Ok(()) } else { Err(Errno::OPNOTSUPP) }
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

    fn write_at(&self, _: u64, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::OPNOTSUPP)
    }

    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }
}

fn is_at_or_below(path: &[u8], folder: &[u8]) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
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
