//! The data keys and kits of this appliance.
//!
//! ```text
//! keys/data/local.key     0600  what the files below are sealed with
//! keys/data/<id>.sealed   0600  a data key, sealed with local.key
//! keys/data/<id>.json     0600  a key file that was found on a tape and could not be opened yet
//! keys/data/<id>.away     0600  a data key that a key server keeps ([`super::away`])
//! keys/data/kits.json     0600  public halves of kits; the secret of one that is not confirmed, sealed
//! ```
//!
//! `local.key` protects copies of the single files (a backup of the folder without it, a support bundle),
//! not the disk as a whole: who has all of the folder has the keys. The secret of a kit is removed when
//! its confirmation is stored. Data keys are never removed: tapes need them as long as they exist.

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::RenameFlags;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::away::{AWAY_SUFFIX, Away, VAULT};
use super::identity::{failed, write_private};
use super::key_file::{KEY_FILE_BYTES_MAX, KeyFile};
use super::kit::Kit;
use super::kits::{Kits, TapeProof};
use super::local_key::LocalKey;
use super::sealed::{DataKey, KeySource};
use super::{KeyId, KeysError};
use crate::domain::Timestamp;

const LOCAL_KEY: &str = "local.key";
const KITS: &str = "kits.json";
const SEALED_SUFFIX: &str = ".sealed";
const KEY_FILE_SUFFIX: &str = ".json";
const DIRECTORY_MODE: u32 = 0o700;

/// The keys that are at hand, and those that wait for a kit.
pub struct KeyRing {
    pub(super) directory: PathBuf,
    local: LocalKey,
    held: Mutex<Held>,
    /// Locked for as long as it takes to look, never while the key server is asked.
    pub(super) away: Mutex<Away>,
    kits: Mutex<Kits>,
    /// Kits that were typed for a drill on a tape, until it begins. Never on a disk.
    drills: Mutex<BTreeMap<KeyId, Kit>>,
}

#[derive(Default)]
struct Held {
    keys: BTreeMap<KeyId, (Arc<DataKey>, DataKeyRecord)>,
    /// Found on tapes; a kit opens them.
    waiting: BTreeMap<KeyId, KeyFile>,
}

/// What is known of a data key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataKeyRecord {
    /// The key.
    pub key_id: KeyId,
    /// The pool that it was made for.
    pub pool: String,
    /// When.
    pub created: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct SealedFile {
    #[serde(flatten)]
    record: DataKeyRecord,
    sealed: String,
}

impl KeyRing {
    /// Seals a password or the like that has to be kept, so that a copy of the file it is kept in says
    /// nothing. Nothing only for texts above 64 GiB.
    #[must_use]
    pub fn seal_text(&self, secret: &str) -> Option<String> {
        self.local.seal(secret.as_bytes())
    }

    /// Opens what [`KeyRing::seal_text`] has sealed; nothing if it was not, or with another key.
    #[must_use]
    pub fn open_text(&self, sealed: &str) -> Option<Zeroizing<String>> {
        let plain = self.local.open_any(sealed)?;
        std::str::from_utf8(&plain).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    /// Opens the folder, and makes it where there is none.
    ///
    /// # Errors
    /// When a file in it is damaged or the file system refuses. Nothing damaged is ever replaced.
    pub fn open_or_create(directory: &Path) -> Result<Self, KeysError> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(directory)
            .map_err(failed("make", directory))?;
        let local = LocalKey::open_or_create(&directory.join(LOCAL_KEY))?;
        let (mut held, mut away) = (Held::default(), Away::default());
        for entry in std::fs::read_dir(directory).map_err(failed("read", directory))? {
            let path = entry.map_err(failed("read", directory))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(SEALED_SUFFIX) {
                let (key, record) = read_sealed(&path, &local)?;
                held.keys.insert(key.id(), (Arc::new(key), record));
            } else if name == VAULT {
                away.load_server(&path)?;
            } else if name.ends_with(AWAY_SUFFIX) && !name.starts_with('.') {
                away.load(&path)?;
            } else if name.ends_with(KEY_FILE_SUFFIX) && name != KITS && !name.starts_with('.') {
                let file = read_key_file(&path)?;
                held.waiting.insert(file.key_id, file);
            }
        }
        let Held { keys, waiting } = &mut held;
        waiting.retain(|id, _| !keys.contains_key(id));
        keys.keys().for_each(|id| away.forget(*id));
        let kits = Kits::load(&directory.join(KITS))?;
        let (held, away, kits) = (Mutex::new(held), Mutex::new(away), Mutex::new(kits));
        let directory = directory.to_owned();
        Ok(Self { directory, local, held, away, kits, drills: Mutex::default() })
    }

    /// Makes and keeps a new key for a pool.
    ///
    /// # Errors
    /// When the file system refuses; there is no new key then.
    pub fn make_key(&self, pool: &str, created: Timestamp) -> Result<KeyId, KeysError> {
        let key = DataKey::generate();
        let record = DataKeyRecord { key_id: key.id(), pool: pool.to_owned(), created };
        self.keep(key, record)
    }

    fn keep(&self, key: DataKey, record: DataKeyRecord) -> Result<KeyId, KeysError> {
        let id = key.id();
        let path = self.directory.join(format!("{id}{SEALED_SUFFIX}"));
        let sealed = self.local.seal(key.secret());
        let corrupt = || KeysError::Corrupt { path: path.clone(), reason: "it cannot be sealed" };
        let file = SealedFile { record: record.clone(), sealed: sealed.ok_or_else(corrupt)? };
        let text = serde_json::to_vec_pretty(&file)
            .map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        let _ = write_private(&path, &text, RenameFlags::empty())?;
        let mut held = self.held.lock();
        held.waiting.remove(&id);
        held.keys.insert(id, (Arc::new(key), record));
        self.away.lock().forget(id);
        Ok(id)
    }

    /// All keys, also those that a key server keeps.
    #[must_use]
    pub fn keys(&self) -> Vec<DataKeyRecord> {
        let held = self.held.lock();
        let away = self.away.lock();
        held.keys.values().map(|(_, record)| record).chain(away.records()).cloned().collect()
    }

    /// A key that is in memory.
    pub(super) fn at_hand(&self, id: KeyId) -> Option<Arc<DataKey>> {
        let held = self.held.lock().keys.get(&id).map(|(key, _)| Arc::clone(key));
        held.or_else(|| self.away.lock().opened(id))
    }

    /// Keys that were found on tapes and wait for their kit.
    #[must_use]
    pub fn waiting(&self) -> Vec<KeyFile> {
        self.held.lock().waiting.values().cloned().collect()
    }

    /// The key file of a key, for each kit that is confirmed.
    ///
    /// # Errors
    /// The key is not here, or the key server does not give it.
    pub fn key_file(&self, id: KeyId) -> Result<KeyFile, KeysError> {
        let key = self.open_key(id)?;
        let record = self.keys().into_iter().find(|record| record.key_id == id);
        let record = record.ok_or(KeysError::NoDataKey(id))?;
        let kits = self.kits.lock().confirmed();
        Ok(KeyFile::wrap(&key, &record.pool, record.created, &kits))
    }

    /// Keeps a key file that was found on a tape, unless its key is here; true if it is new.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn learn(&self, file: KeyFile) -> Result<bool, KeysError> {
        let mut held = self.held.lock();
        let known = held.waiting.get(&file.key_id);
        if held.keys.contains_key(&file.key_id)
            || known.is_some_and(|known| known.recipients.len() >= file.recipients.len())
        {
            return Ok(false);
        }
        let path = self.directory.join(format!("{}{KEY_FILE_SUFFIX}", file.key_id));
        let _ = write_private(&path, &file.to_json(), RenameFlags::empty())?;
        held.waiting.insert(file.key_id, file);
        Ok(true)
    }

    /// Opens every waiting key that `kit` opens, and keeps it; returns their names.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open_waiting(&self, kit: &Kit) -> Result<Vec<KeyId>, KeysError> {
        let mut opened = Vec::new();
        for file in self.waiting() {
            let Ok(key) = file.open(kit) else { continue };
            let record = DataKeyRecord { key_id: key.id(), pool: file.pool, created: file.created };
            opened.push(self.keep(key, record)?);
        }
        Ok(opened)
    }

    /// The kits.
    #[must_use]
    pub fn kits(&self) -> Kits {
        self.kits.lock().clone()
    }

    /// Changes the kits and stores them; nothing is changed if that fails.
    fn change_kits<R>(
        &self,
        change: impl FnOnce(&mut Kits) -> Result<R, KeysError>,
    ) -> Result<R, KeysError> {
        let mut kits = self.kits.lock();
        let mut changed = kits.clone();
        let done = change(&mut changed)?;
        changed.save(&self.directory.join(KITS))?;
        *kits = changed;
        Ok(done)
    }

    /// The kit to be printed: the one that waits for its confirmation, or a new one.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn kit_to_print(&self, now: Timestamp) -> Result<Kit, KeysError> {
        if let Some(kit) = self.unconfirmed_kit() {
            return Ok(kit);
        }
        let kit = Kit::generate();
        let sealed = self.local.seal(kit.secret());
        self.change_kits(|kits| kits.add(&kit, sealed, now))?;
        Ok(kit)
    }

    /// Takes groups of the waiting kit that were typed back from the paper; its secret is forgotten.
    ///
    /// # Errors
    /// When no kit waits, the groups are wrong, or the file system refuses.
    pub fn confirm_kit(&self, typed: &[String], now: Timestamp) -> Result<KeyId, KeysError> {
        let kit = self.unconfirmed_kit().ok_or(KeysError::NoKit)?;
        self.change_kits(|kits| kits.confirm(&kit, typed, now))
    }

    /// Proves that a kit that was typed in opens what would be written for it: every data key here.
    ///
    /// # Errors
    /// When it is none of the confirmed kits, does not open a key, or the file system refuses.
    pub fn drill(&self, kit: &Kit, now: Timestamp) -> Result<Vec<KeyId>, KeysError> {
        let id = kit.public().id();
        if !self.kits.lock().confirmed().contains(&kit.public()) {
            return Err(KeysError::UnknownKit(id));
        }
        let mut opened = Vec::new();
        for record in self.keys() {
            let file = self.key_file(record.key_id)?;
            // As it would be read from a tape.
            let read = KeyFile::parse(&file.to_json()).and_then(|file| file.open(kit));
            let key = read.map_err(|source| KeysError::NotOpened { kit: id, source })?;
            opened.push(key.id());
        }
        self.change_kits(|kits| {
            kits.note_drill(id, now);
            Ok(())
        })?;
        Ok(opened)
    }

    /// Keeps a kit that was typed for a drill on a tape, until that begins; returns its name.
    ///
    /// # Errors
    /// When it is none of the confirmed kits.
    pub fn hold_for_drill(&self, kit: Kit) -> Result<KeyId, KeysError> {
        let id = kit.public().id();
        if !self.kits.lock().confirmed().contains(&kit.public()) {
            return Err(KeysError::UnknownKit(id));
        }
        self.drills.lock().insert(id, kit);
        Ok(id)
    }

    /// True if a kit waits for its drill.
    #[must_use]
    pub fn has_for_drill(&self, id: KeyId) -> bool {
        self.drills.lock().contains_key(&id)
    }

    /// Gives a kit that waits for its drill, and keeps it no more.
    #[must_use]
    pub fn take_for_drill(&self, id: KeyId) -> Option<Kit> {
        self.drills.lock().remove(&id)
    }

    /// Notes that a kit has opened a file of a tape.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn note_tape_drill(&self, id: KeyId, proof: TapeProof) -> Result<(), KeysError> {
        self.change_kits(|kits| {
            kits.note_tape_drill(id, proof);
            Ok(())
        })
    }

    /// Wraps for a kit no more, after a new one was confirmed.
    ///
    /// # Errors
    /// When it is not on the list, or the only one.
    pub fn retire_kit(&self, id: KeyId) -> Result<(), KeysError> {
        self.change_kits(|kits| kits.retire(id))
    }

    fn unconfirmed_kit(&self) -> Option<Kit> {
        let kits = self.kits.lock();
        let secret = self.local.open(kits.unconfirmed()?)?;
        Some(Kit::from_secret(&secret))
    }
}

impl KeySource for KeyRing {
    fn data_key(&self, id: KeyId) -> Option<Arc<DataKey>> {
        self.open_key_soon(id)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("directory", &self.directory).finish_non_exhaustive()
    }
}

fn read_sealed(path: &Path, local: &LocalKey) -> Result<(DataKey, DataKeyRecord), KeysError> {
    let corrupt = |reason| KeysError::Corrupt { path: path.to_owned(), reason };
    let text = std::fs::read(path).map_err(failed("read", path))?;
    let file: SealedFile =
        serde_json::from_slice(&text).map_err(|_| corrupt("it is cut or no data key"))?;
    let secret = local.open(&file.sealed).ok_or_else(|| corrupt("local.key does not open it"))?;
    let key = DataKey::from_secret(secret);
    if key.id() != file.record.key_id {
        return Err(corrupt("the key in it has another id"));
    }
    Ok((key, file.record))
}

fn read_key_file(path: &Path) -> Result<KeyFile, KeysError> {
    let corrupt = |reason| KeysError::Corrupt { path: path.to_owned(), reason };
    let status = path.metadata().map_err(failed("read", path))?;
    if status.len() > KEY_FILE_BYTES_MAX {
        return Err(corrupt("it is too long for a key file"));
    }
    let text = std::fs::read(path).map_err(failed("read", path))?;
    KeyFile::parse(&text).map_err(|_| corrupt("it is no key file"))
}
