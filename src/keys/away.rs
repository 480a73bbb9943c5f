//! The data keys that a key server keeps: the part of the key ring that has to ask for them.
//!
//! ```text
//! keys/data/vault.json    0600  which key server; its token or secret id sealed with local.key
//! keys/data/<id>.away     0600  what is kept here of a data key that the server keeps
//! ```
//!
//! A key that was opened is in memory until no job uses it; it is never written down. One that is also in a
//! `.sealed` file is here after all: the recovery kit has brought it, when the server was lost.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::RenameFlags;
use serde::{Deserialize, Serialize};

use super::identity::{failed, write_private};
use super::key_ring::{DataKeyRecord, KeyRing};
use super::sealed::DataKey;
use super::vault::{TokenLife, Vault, VaultError, VaultSettings, VaultSettingsShown, Wrapped};
use super::{KeyId, KeysError};
use crate::domain::{Secret, Timestamp};

pub(super) const AWAY_SUFFIX: &str = ".away";
pub(super) const VAULT: &str = "vault.json";
/// A server that did not answer is not asked again for so long by those who look for many keys: each question
/// may take as long as a time-out.
const HOLD_OFF: Duration = Duration::from_secs(30);

/// A data key that the key server keeps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AwayKey {
    #[serde(flatten)]
    pub(super) record: DataKeyRecord,
    kept: Wrapped,
}

/// The keys elsewhere, and those of them that are open.
#[derive(Debug, Default)]
pub(super) struct Away {
    keys: BTreeMap<KeyId, AwayKey>,
    opened: BTreeMap<KeyId, Arc<DataKey>>,
    server: Option<KeptVault>,
    failed_at: Option<Instant>,
    /// What was last seen of the token of the server that is set.
    token: Option<TokenLife>,
}

/// The settings as they are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptVault {
    settings: VaultSettings,
    sealed_secret: String,
}

impl Away {
    pub(super) fn load(&mut self, path: &Path) -> Result<(), KeysError> {
        let file: AwayKey = parsed(path, "it is cut or no key of a key server")?;
        self.keys.insert(file.record.key_id, file);
        Ok(())
    }

    pub(super) fn load_server(&mut self, path: &Path) -> Result<(), KeysError> {
        self.server = parsed(path, "it is cut or no settings of a key server")?;
        Ok(())
    }

    /// The keys that are nowhere else.
    pub(super) fn records(&self) -> impl Iterator<Item = &DataKeyRecord> {
        self.keys.values().map(|key| &key.record)
    }

    pub(super) fn opened(&self, id: KeyId) -> Option<Arc<DataKey>> {
        self.opened.get(&id).cloned()
    }

    pub(super) fn has(&self, id: KeyId) -> bool {
        self.keys.contains_key(&id)
    }

    pub(super) fn forget(&mut self, id: KeyId) {
        self.keys.remove(&id);
        self.opened.remove(&id);
    }
}

impl KeyRing {
    /// The key server, without its secret.
    #[must_use]
    pub fn vault_settings(&self) -> Option<VaultSettingsShown> {
        let server = self.away.lock().server.clone()?;
        Some(VaultSettingsShown { settings: server.settings, has_secret: true })
    }

    /// Sets the key server, which must show that it gives back what it is given, and open every key that is
    /// kept by one now.
    ///
    /// # Errors
    /// What is wrong with the settings or the server, or the file system refuses; nothing is changed then.
    pub fn set_vault(&self, mut wanted: VaultSettings) -> Result<VaultSettingsShown, KeysError> {
        wanted.ensure_sensible()?;
        let secret = match wanted.secret.take() {
            Some(secret) => secret,
            None => {
                let kept = self.away.lock().server.clone();
                let kept = kept.filter(|kept| kept.settings.is_same_login(&wanted));
                let why = || VaultError::Invalid("the token or secret id is missing".to_owned());
                self.vault_secret(&kept.ok_or_else(why)?)?
            }
        };
        let invalid = |why: &str| VaultError::Invalid(why.to_owned());
        if !secret.reveal().chars().all(|c| c.is_ascii_graphic()) || secret.reveal().is_empty() {
            return Err(invalid("a token or secret id is one word").into());
        }
        let vault = Vault::new(wanted.clone(), secret.clone());
        vault.prove()?;
        let keys: Vec<AwayKey> = self.away.lock().keys.values().cloned().collect();
        for AwayKey { record, kept } in &keys {
            vault.open(record.key_id, kept)?;
        }
        let sealed_secret = self.seal_text(secret.reveal());
        let sealed_secret = sealed_secret.ok_or_else(|| invalid("the secret cannot be sealed"))?;
        let kept = KeptVault { settings: wanted, sealed_secret };
        self.write_away(VAULT, &kept)?;
        let mut away = self.away.lock();
        away.server = Some(kept);
        away.failed_at = None;
        away.token = None;
        drop(away);
        self.vault_settings().ok_or_else(|| VaultError::NotSet.into())
    }

    /// Takes the key server away.
    ///
    /// # Errors
    /// It keeps keys, or the file system refuses.
    pub fn remove_vault(&self) -> Result<(), KeysError> {
        let mut away = self.away.lock();
        if !away.keys.is_empty() {
            return Err(VaultError::InUse(away.keys.len()).into());
        }
        let path = self.directory.join(VAULT);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &path)(error));
            }
            _ => (away.server, away.token) = (None, None),
        }
        Ok(())
    }

    /// How long the token for the key server lives, as far as was looked.
    #[must_use]
    pub fn token_life(&self) -> Option<TokenLife> {
        self.away.lock().token.clone()
    }

    /// Renews the token for the key server when that is due. A server that is away is asked again soon; what comes of
    /// it is [`token_life`](Self::token_life).
    pub fn look_after_token(&self, now: Timestamp) {
        let (server, before) = {
            let away = self.away.lock();
            (away.server.clone(), away.token.clone())
        };
        let is_due = before.as_ref().is_none_or(|life| life.look_again <= now);
        let Some(server) = server.filter(|_| is_due) else { return };
        let renewed = self
            .vault_secret(&server)
            .and_then(|secret| Vault::new(server.settings.clone(), secret).renew(now));
        let life = renewed.unwrap_or_else(|error| {
            tracing::warn!("the token for the key server could not be renewed: {error}");
            TokenLife::after(before, error, now)
        });
        let mut away = self.away.lock();
        // It may have been set anew meanwhile; that one is looked at next.
        if away.server.as_ref().is_some_and(|kept| kept.sealed_secret == server.sealed_secret) {
            away.token = Some(life);
        }
    }

    /// Shows that the key server gives back what it is given, and opens every key that it keeps; which these are.
    ///
    /// # Errors
    /// What is wrong with the server.
    pub fn prove_vault(&self) -> Result<Vec<KeyId>, KeysError> {
        let vault = self.vault()?;
        vault.prove()?;
        let keys: Vec<AwayKey> = self.away.lock().keys.values().cloned().collect();
        let opened = keys.iter().map(|key| {
            let id = key.record.key_id;
            let opened = vault.open(id, &key.kept);
            opened.map(|key| key.id()).map_err(|refusal| KeysError::KeyServer { key: id, refusal })
        });
        opened.collect()
    }

    /// Puts the keys under the newest version of the server's key; how many were.
    ///
    /// # Errors
    /// What is wrong with the server; or the file system refuses. Every key opens as before or as after.
    pub fn rewrap_away(&self) -> Result<usize, KeysError> {
        let vault = self.vault()?;
        let keys: Vec<AwayKey> = self.away.lock().keys.values().cloned().collect();
        let mut count = 0;
        for AwayKey { record, kept } in keys {
            let Some(kept) = vault.rewrap(&kept)? else { continue };
            vault.open(record.key_id, &kept)?;
            self.keep_away(AwayKey { record, kept })?;
            count += 1;
        }
        Ok(count)
    }

    /// Makes a new key for a pool and has the key server keep it.
    ///
    /// # Errors
    /// When the server or the file system refuses; there is no new key then.
    pub fn make_key_away(&self, pool: &str, created: Timestamp) -> Result<KeyId, KeysError> {
        let vault = self.vault()?;
        let key = DataKey::generate();
        let id = key.id();
        let record = DataKeyRecord { key_id: id, pool: pool.to_owned(), created };
        let kept = vault.wrap(&key, pool)?;
        // Nothing is ever sealed with a key that does not come back.
        vault.open(id, &kept)?;
        self.keep_away(AwayKey { record, kept })?;
        self.away.lock().opened.insert(id, Arc::new(key));
        Ok(id)
    }

    /// A key: from memory, or from the key server, which is asked now.
    ///
    /// # Errors
    /// It is not here, or the key server that keeps it does not give it.
    pub fn open_key(&self, id: KeyId) -> Result<Arc<DataKey>, KeysError> {
        if let Some(key) = self.at_hand(id) {
            return Ok(key);
        }
        let key = self.away.lock().keys.get(&id).cloned().ok_or(KeysError::NoDataKey(id))?;
        let asked = |refusal| KeysError::KeyServer { key: id, refusal };
        let opened = self.vault_or_why().and_then(|vault| vault.open(id, &key.kept));
        let mut away = self.away.lock();
        away.failed_at = opened.is_err().then(Instant::now);
        let opened = Arc::new(opened.map_err(asked)?);
        away.opened.insert(id, Arc::clone(&opened));
        Ok(opened)
    }

    /// The same for those who look for many keys and go on without one.
    pub(super) fn open_key_soon(&self, id: KeyId) -> Option<Arc<DataKey>> {
        if let Some(key) = self.at_hand(id) {
            return Some(key);
        }
        let failed_at = self.away.lock().failed_at;
        if failed_at.is_some_and(|at| at.elapsed() < HOLD_OFF) || !self.is_known(id) {
            return None;
        }
        self.open_key(id).inspect_err(|error| tracing::warn!("{error}")).ok()
    }

    /// True if the key is here or the key server keeps it. Nobody is asked.
    #[must_use]
    pub fn is_known(&self, id: KeyId) -> bool {
        self.at_hand(id).is_some() || self.is_away(id)
    }

    /// True if the key server keeps the key.
    #[must_use]
    pub fn is_away(&self, id: KeyId) -> bool {
        self.away.lock().has(id)
    }

    /// Wipes the keys of the key server that nobody uses: whoever needs one next has to ask.
    pub fn close_unused(&self) {
        self.away.lock().opened.retain(|_, key| Arc::strong_count(key) > 1);
    }

    fn keep_away(&self, key: AwayKey) -> Result<(), KeysError> {
        let id = key.record.key_id;
        self.write_away(&format!("{id}{AWAY_SUFFIX}"), &key)?;
        self.away.lock().keys.insert(id, key);
        Ok(())
    }

    fn write_away(&self, name: &str, content: &impl Serialize) -> Result<(), KeysError> {
        let path = self.directory.join(name);
        let text = serde_json::to_vec_pretty(content)
            .map_err(|error| failed("write", &path)(io::Error::other(error)))?;
        write_private(&path, &text, RenameFlags::empty()).map(drop)
    }

    fn vault(&self) -> Result<Vault, KeysError> {
        Ok(self.vault_or_why()?)
    }

    fn vault_or_why(&self) -> Result<Vault, VaultError> {
        let kept = self.away.lock().server.clone().ok_or(VaultError::NotSet)?;
        let secret = self.vault_secret(&kept)?;
        Ok(Vault::new(kept.settings, secret))
    }

    fn vault_secret(&self, kept: &KeptVault) -> Result<Secret, VaultError> {
        let opened = self.open_text(&kept.sealed_secret).ok_or(VaultError::SecretLost)?;
        Ok(Secret::new(opened.to_string()))
    }
}

fn parsed<T: serde::de::DeserializeOwned>(
    path: &Path,
    reason: &'static str,
) -> Result<T, KeysError> {
    let text = std::fs::read(path).map_err(failed("read", path))?;
    let corrupt = |_| KeysError::Corrupt { path: path.to_owned(), reason };
    serde_json::from_slice(&text).map_err(corrupt)
}
