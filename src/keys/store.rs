//! The folder of keys: made at the first start, added to, never overwritten.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::identity::{Identity, Saved, failed};
use super::key_ring::KeyRing;
use super::signature::{DetachedSignature, Purpose, signed_message};
use super::{KeyId, KeysError, PinnedKey, PinnedKeys, PublicKey};
use crate::domain::{Clock, Sha256Digest};

const CURRENT: &str = "identity.json";
const PINNED: &str = "pinned.json";
/// The folder with what encrypted pools need.
const DATA: &str = "data";
const RETIRED_PREFIX: &str = "retired-";
const RETIRED_SUFFIX: &str = ".json";
/// Only the engine's user may look into the folder.
const DIRECTORY_MODE: u32 = 0o700;

/// The keys of this appliance and those it trusts.
#[derive(Debug)]
pub struct KeyStore {
    directory: PathBuf,
    current: Identity,
    retired: Vec<Identity>,
    /// Own keys and what stands in the list.
    pinned: PinnedKeys,
    ring: Arc<KeyRing>,
}

impl KeyStore {
    /// Opens the folder, and at the very first start makes it with a new identity.
    ///
    /// # Errors
    /// When a key file is damaged, can be read by others, or the file system refuses. A damaged
    /// file is never replaced.
    pub fn open_or_create(directory: &Path, clock: &dyn Clock) -> Result<Self, KeysError> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(directory)
            .map_err(failed("make", directory))?;
        let path = directory.join(CURRENT);
        let retired = load_retired(directory)?;
        let current = match Identity::load(&path)? {
            Some(identity) => identity,
            None => {
                let made = Identity::generate(clock.now());
                match made.save_new(&path)? {
                    Saved::Written => made,
                    // Another program was quicker; its identity counts.
                    Saved::Existed => Identity::load(&path)?
                        .ok_or(KeysError::Corrupt { path, reason: "it comes and goes" })?,
                }
            }
        };
        let mut store = Self {
            directory: directory.to_owned(),
            pinned: PinnedKeys::load(&directory.join(PINNED))?,
            ring: Arc::new(KeyRing::open_or_create(&directory.join(DATA))?),
            current,
            retired,
        };
        store.pin_own();
        Ok(store)
    }

    /// The data keys of encrypted pools, and the kits that open them.
    #[must_use]
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// The name of the key that signs.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.current.public().id()
    }

    /// The public half of the key that signs.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.current.public()
    }

    /// Everything that is trusted: own keys, also earlier ones, and the operator's list.
    #[must_use]
    pub fn pinned(&self) -> &PinnedKeys {
        &self.pinned
    }

    /// Signs a file of this purpose and digest.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, digest: &Sha256Digest) -> DetachedSignature {
        let message = signed_message(purpose, digest);
        let signature = self.current.sign(message.as_bytes());
        let hmac = self.current.authenticate(message.as_bytes());
        DetachedSignature::new(&self.current.public(), message, &signature, &hmac)
    }

    /// Whether this appliance itself made the signature, by its HMAC. Nothing when the signature
    /// names a key that was never this appliance's.
    #[must_use]
    pub fn is_own(
        &self,
        signature: &DetachedSignature,
        purpose: Purpose,
        digest: &Sha256Digest,
    ) -> Option<bool> {
        let mut own = std::iter::once(&self.current).chain(&self.retired);
        let identity = own.find(|identity| identity.public().id() == signature.key_id)?;
        let message = signed_message(purpose, digest);
        let code = signature.hmac().unwrap_or_default();
        Some(identity.is_authentic(message.as_bytes(), &code))
    }

    /// Signs with a new identity from now on. The old one stays: what it signed stays trusted.
    ///
    /// # Errors
    /// When the file system refuses; the old identity then goes on signing.
    pub fn rotate(&mut self, clock: &dyn Clock) -> Result<KeyId, KeysError> {
        let old = self.key_id();
        let retired_path = self.directory.join(format!("{RETIRED_PREFIX}{old}{RETIRED_SUFFIX}"));
        // First the copy, then the new one: a crash between leaves the old identity in both places.
        let _ = self.current.save_new(&retired_path)?;
        let made = Identity::generate(clock.now());
        let _ = made.save_over(&self.directory.join(CURRENT))?;
        self.retired.push(std::mem::replace(&mut self.current, made));
        self.pin_own();
        Ok(self.key_id())
    }

    /// Trusts another appliance's key from now on.
    ///
    /// # Errors
    /// When the list cannot be written; nothing is trusted then.
    pub fn pin(
        &mut self,
        public_key: PublicKey,
        label: &str,
        clock: &dyn Clock,
    ) -> Result<KeyId, KeysError> {
        let id = public_key.id();
        let mut changed = self.pinned.clone();
        changed.pin(PinnedKey { public_key, label: label.to_owned(), since: clock.now() });
        self.save_pinned(changed)?;
        Ok(id)
    }

    /// Trusts a key no more; says whether it was trusted.
    ///
    /// # Errors
    /// When it is a key of this appliance, or the list cannot be written.
    pub fn unpin(&mut self, id: KeyId) -> Result<bool, KeysError> {
        let is_own = |identity: &Identity| identity.public().id() == id;
        if is_own(&self.current) || self.retired.iter().any(is_own) {
            return Err(KeysError::OwnKey(id));
        }
        let mut changed = self.pinned.clone();
        let was_pinned = changed.unpin(id).is_some();
        self.save_pinned(changed)?;
        Ok(was_pinned)
    }

    fn save_pinned(&mut self, changed: PinnedKeys) -> Result<(), KeysError> {
        changed.save(&self.directory.join(PINNED))?;
        self.pinned = changed;
        Ok(())
    }

    fn pin_own(&mut self) {
        for identity in std::iter::once(&self.current).chain(&self.retired) {
            self.pinned.pin(PinnedKey {
                public_key: identity.public(),
                label: "this appliance".to_owned(),
                since: identity.created(),
            });
        }
    }
}

fn load_retired(directory: &Path) -> Result<Vec<Identity>, KeysError> {
    let mut retired = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed("read", directory))? {
        let entry = entry.map_err(failed("read", directory))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(RETIRED_PREFIX) && name.ends_with(RETIRED_SUFFIX) {
            retired.extend(Identity::load(&entry.path())?);
        }
    }
    Ok(retired)
}
