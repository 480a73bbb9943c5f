//! What is set and known of the channel: kept in the service's folder on the data partition.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use serde::{Deserialize, Serialize};

use super::{ChannelState, Published, UpdatesError};
use crate::domain::Timestamp;
use crate::durable::{self, ANYBODY};
use crate::outgoing::{HttpAddress, root_store};
use crate::system::channel::{Channel, Seen};
use crate::system::{SystemError, Version};

const FILE: &str = "channel.json";

/// Where newer versions are looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelSettings {
    /// The address of the channel file.
    pub address: String,
    /// The name of the channel.
    pub name: String,
    /// The Ed25519 public key (PEM) that must have signed it.
    pub key_pem: String,
    /// Whether what is newer is installed by itself, in a maintenance window.
    pub is_automatic: bool,
    /// Certificates (PEM) of authorities that vouch for the address, besides the public ones.
    #[serde(default)]
    pub ca_pem: Option<String>,
}

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) settings: ChannelSettings,
    pub(super) seen: Seen,
    pub(super) checked_at: Option<Timestamp>,
    pub(super) published: Option<Channel>,
    pub(super) problem: Option<String>,
}

/// The file.
#[derive(Debug)]
pub(super) struct ChannelStore {
    path: PathBuf,
}

impl ChannelSettings {
    /// The key that must have signed.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn key(&self) -> Result<VerifyingKey, UpdatesError> {
        VerifyingKey::from_public_key_pem(self.key_pem.trim()).map_err(|error| {
            let why = format!("it is no Ed25519 public key in PEM: {error}");
            UpdatesError::ChannelMalformed { field: "key", why }
        })
    }

    /// Where it is asked.
    ///
    /// # Errors
    /// It is no address.
    pub(super) fn address(&self) -> Result<HttpAddress, UpdatesError> {
        let malformed = |why| UpdatesError::ChannelMalformed { field: "address", why };
        HttpAddress::parse(&self.address).map_err(malformed)
    }

    fn ensure_usable(&self) -> Result<(), UpdatesError> {
        self.key()?;
        self.address()?;
        let malformed = |why| UpdatesError::ChannelMalformed { field: "certificates", why };
        root_store(self.ca_pem.as_deref()).map_err(malformed)?;
        if self.name.is_empty() {
            let why = "it is empty".to_owned();
            return Err(UpdatesError::ChannelMalformed { field: "name", why });
        }
        Ok(())
    }
}

impl ChannelStore {
    pub(super) fn new(folder: &Path) -> Self {
        Self { path: folder.join(FILE) }
    }

    /// What is kept; nothing if no channel is set.
    pub(super) fn read(&self) -> Result<Option<Kept>, UpdatesError> {
        match fs::read(&self.path) {
            Ok(text) => {
                let path = self.path.clone();
                let kept = serde_json::from_slice(&text);
                Ok(Some(kept.map_err(|source| SystemError::Syntax { path, source })?))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SystemError::file("read", &self.path, source).into()),
        }
    }

    /// Sets the channel, or takes it away. What was seen of a channel counts as long as its name and key
    /// stay: another address does not make an old file new.
    pub(super) fn set(&self, settings: Option<ChannelSettings>) -> Result<(), UpdatesError> {
        let Some(settings) = settings else {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(SystemError::file("remove", &self.path, error).into())
                }
                _ => Ok(()),
            };
        };
        settings.ensure_usable()?;
        // One that cannot be read is replaced: the person who sets it anew decides.
        let before = self.read().ok().flatten();
        let is_same = |kept: &Kept| {
            kept.settings.name == settings.name && kept.settings.key_pem == settings.key_pem
        };
        let seen = before.filter(is_same).map(|kept| kept.seen).unwrap_or_default();
        let (checked_at, published, problem) = (None, None, None);
        self.write(&Kept { settings, seen, checked_at, published, problem })
    }

    /// A power failure leaves the old one or the new one.
    pub(super) fn write(&self, kept: &Kept) -> Result<(), UpdatesError> {
        let write = || {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            durable::replace(&self.path, &serde_json::to_vec_pretty(kept)?, ANYBODY)
        };
        Ok(write().map_err(|source| SystemError::file("write", &self.path, source))?)
    }

    /// For people; a file that cannot be read is told as the channel's problem.
    pub(super) fn state(&self, running: &Version) -> Option<ChannelState> {
        let kept = match self.read() {
            Ok(kept) => kept?,
            Err(error) => {
                return Some(ChannelState {
                    address: String::new(),
                    name: String::new(),
                    is_automatic: false,
                    checked_at: None,
                    published: None,
                    problem: Some(error.whole()),
                });
            }
        };
        let at = |seconds| Timestamp { seconds, nanoseconds: 0 };
        let published = kept.published.map(|channel| Published {
            is_newer: channel.version > *running,
            version: channel.version,
            issued_at: at(channel.issued_at_seconds),
            expires_at: at(channel.expires_at_seconds),
        });
        Some(ChannelState {
            address: kept.settings.address,
            name: kept.settings.name,
            is_automatic: kept.settings.is_automatic,
            checked_at: kept.checked_at,
            published,
            problem: kept.problem,
        })
    }
}
