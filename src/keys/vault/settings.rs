//! Which key server, what we are to it, and how it keeps keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::VaultError;
use crate::domain::Secret;
use crate::outgoing::{HttpAddress, Scheme, only_store, root_store};
use tokio_rustls::rustls::RootCertStore;

/// Longest name of a mount, a key or a folder.
const NAME_BYTES_MAX: usize = 200;

/// How this machine signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VaultLogin {
    /// With a token, which is the secret.
    Token,
    /// With an app role; the secret is its secret id.
    AppRole {
        /// Where app roles are mounted, mostly `approle`.
        mount: String,
        /// Which role.
        role_id: String,
    },
}

/// How data keys are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VaultWay {
    /// Here, encrypted by a key that never leaves the server.
    Transit {
        /// Where transit is mounted, mostly `transit`.
        mount: String,
        /// The server's key.
        key: String,
    },
    /// There, in a key-value store of version 2.
    Kv {
        /// Where the store is mounted, mostly `secret`.
        mount: String,
        /// Below which name.
        folder: String,
    },
}

/// Sets a key server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// Where it is, as `https://vault.example:8200`.
    pub address: String,
    /// The namespace, where the server has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Whose certificates are believed, and nobody else's; without this the public authorities'.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// How this machine signs in.
    pub login: VaultLogin,
    /// The token or the secret id. Left out: the one that is kept, if server and login are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// How data keys are kept from now on.
    pub way: VaultWay,
}

/// The same without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultSettingsShown {
    /// All but the secret.
    #[serde(flatten)]
    pub settings: VaultSettings,
    /// Whether there is a secret.
    pub has_secret: bool,
}

impl VaultSettings {
    /// True if a secret for the one is a secret for the other.
    pub(in crate::keys) fn is_same_login(&self, other: &Self) -> bool {
        (&self.address, &self.namespace, &self.login)
            == (&other.address, &other.namespace, &other.login)
    }

    pub(super) fn roots(&self) -> Result<RootCertStore, VaultError> {
        let roots = match self.ca_pem.as_deref() {
            Some(pem) => only_store(pem),
            None => root_store(None),
        };
        roots.map_err(VaultError::Invalid)
    }

    /// The address of a path of its API.
    pub(super) fn address_of(&self, path: &str) -> Result<HttpAddress, VaultError> {
        let base = self.address.trim_end_matches('/');
        let address = HttpAddress::parse(&format!("{base}/v1/{path}"));
        let address = address.map_err(VaultError::Invalid)?;
        let is_here = ["127.0.0.1", "::1", "localhost"].contains(&address.host());
        if address.scheme() == Scheme::Https || is_here {
            return Ok(address);
        }
        Err(VaultError::Invalid(format!("\"{base}\" does not begin with https://")))
    }

    /// Refuses what cannot be meant.
    pub(in crate::keys) fn ensure_sensible(&self) -> Result<(), VaultError> {
        self.address_of("sys/health")?;
        self.roots()?;
        let (mount, name) = match &self.way {
            VaultWay::Transit { mount, key } => (mount, key),
            VaultWay::Kv { mount, folder } => (mount, folder),
        };
        let mut names = vec![("mount", mount), ("key or folder", name)];
        names.extend(self.namespace.iter().map(|name| ("namespace", name)));
        if let VaultLogin::AppRole { mount, role_id } = &self.login {
            names.extend([("mount of app roles", mount), ("role id", role_id)]);
        }
        match names.into_iter().find(|(_, name)| !is_path(name)) {
            None => Ok(()),
            Some((what, name)) => Err(VaultError::Invalid(format!(
                "\"{name}\" is no {what}: letters, digits, '-', '_', '.' and '/' between them"
            ))),
        }
    }
}

/// True for what may stand in a path of the server without meaning something else.
fn is_path(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().any(|c| c != '.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    text.len() <= NAME_BYTES_MAX && text.split('/').all(is_part)
}
