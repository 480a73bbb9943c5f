//! The questions to the key server: sign in, wrap a key, open it again, wrap it anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{VaultError, VaultLogin, VaultSettings, VaultWay, Wrapped};
use crate::domain::Secret;
use crate::keys::KeyId;
use crate::keys::sealed::{DATA_KEY_BYTES, DataKey};
use crate::outgoing::{Content, Question};

/// Longest reason of the server that is shown.
const SAID_CHARS_MAX: usize = 200;

/// A key server that can be asked.
#[derive(Debug)]
pub(in crate::keys) struct Vault {
    settings: VaultSettings,
    secret: Secret,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Ciphertext {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Plaintext {
    plaintext: Secret,
}

#[derive(Deserialize)]
struct KvKey {
    key: Secret,
}

#[derive(Deserialize)]
struct SignedIn {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: Secret,
}

/// Signed in, for a question or two.
pub(super) struct Session<'v> {
    vault: &'v Vault,
    token: Secret,
}

impl Vault {
    pub(in crate::keys) fn new(settings: VaultSettings, secret: Secret) -> Self {
        Self { settings, secret }
    }

    pub(super) fn settings(&self) -> &VaultSettings {
        &self.settings
    }

    /// Has a data key kept, the way that is set; what is to be remembered here of it.
    pub(in crate::keys) fn wrap(&self, key: &DataKey, pool: &str) -> Result<Wrapped, VaultError> {
        let session = self.sign_in()?;
        let encoded = Zeroizing::new(BASE64.encode(key.secret()));
        match &self.settings.way {
            VaultWay::Transit { mount, key } => {
                session.ensure_transit_key(mount, key)?;
                let body = Zeroizing::new(format!("{{\"plaintext\":\"{}\"}}", *encoded));
                let answer: Data<Ciphertext> =
                    session.post(&format!("{mount}/encrypt/{key}"), &body)?;
                let ciphertext = answer.data.ciphertext;
                Ok(Wrapped::Transit { mount: mount.clone(), key: key.clone(), ciphertext })
            }
            VaultWay::Kv { mount, folder } => {
                let path = format!("{folder}/{}", key.id());
                // Written only where nothing is, so no key is ever lost to another one.
                let body =
                    json!({ "data": { "key": *encoded, "pool": pool }, "options": { "cas": 0 } });
                let body = Zeroizing::new(body.to_string());
                let _: Value = session.post(&format!("{mount}/data/{path}"), &body)?;
                Ok(Wrapped::Kv { mount: mount.clone(), path })
            }
        }
    }

    /// Opens a data key that it keeps.
    pub(in crate::keys) fn open(&self, id: KeyId, kept: &Wrapped) -> Result<DataKey, VaultError> {
        let session = self.sign_in()?;
        let encoded = match kept {
            Wrapped::Transit { mount, key, ciphertext } => {
                let body = json!({ "ciphertext": ciphertext }).to_string();
                let answer: Data<Plaintext> =
                    session.post(&format!("{mount}/decrypt/{key}"), &body)?;
                answer.data.plaintext
            }
            Wrapped::Kv { mount, path } => {
                let answer: Data<Data<KvKey>> = session.get(&format!("{mount}/data/{path}"))?;
                answer.data.data.key
            }
        };
        let bytes = Zeroizing::new(BASE64.decode(encoded.reveal()).unwrap_or_default());
        let mut secret = Zeroizing::new([0; DATA_KEY_BYTES]);
        if bytes.len() != DATA_KEY_BYTES {
            return Err(VaultError::OtherKey);
        }
        secret.copy_from_slice(&bytes);
        let key = DataKey::from_secret(secret);
        if key.id() == id { Ok(key) } else { Err(VaultError::OtherKey) }
    }

    /// The same key under the newest version of the server's; nothing for what the server keeps itself.
    pub(in crate::keys) fn rewrap(&self, kept: &Wrapped) -> Result<Option<Wrapped>, VaultError> {
        let Wrapped::Transit { mount, key, ciphertext } = kept else { return Ok(None) };
        let body = json!({ "ciphertext": ciphertext }).to_string();
        let answer: Data<Ciphertext> =
            self.sign_in()?.post(&format!("{mount}/rewrap/{key}"), &body)?;
        let ciphertext = answer.data.ciphertext;
        Ok(Some(Wrapped::Transit { mount: mount.clone(), key: key.clone(), ciphertext }))
    }

    /// Shows that a key that is given to it comes back, as far as that leaves nothing behind there.
    pub(in crate::keys) fn prove(&self) -> Result<(), VaultError> {
        match &self.settings.way {
            VaultWay::Transit { .. } => {
                let key = DataKey::generate();
                self.open(key.id(), &self.wrap(&key, "")?).map(drop)
            }
            VaultWay::Kv { mount, folder } => {
                // Writing is shown by the first key: nothing that is left there can be told from one.
                let path = format!("{mount}/data/{folder}/none");
                match self.sign_in()?.get::<Value>(&path) {
                    Ok(_) | Err(VaultError::Missing { .. }) => Ok(()),
                    Err(error) => Err(error),
                }
            }
        }
    }

    pub(super) fn sign_in(&self) -> Result<Session<'_>, VaultError> {
        let VaultLogin::AppRole { mount, role_id } = &self.settings.login else {
            return Ok(Session { vault: self, token: self.secret.clone() });
        };
        let body = json!({ "role_id": role_id, "secret_id": self.secret.reveal() });
        let body = Zeroizing::new(body.to_string());
        let answer: SignedIn =
            self.ask(&format!("auth/{mount}/login"), Content::Json(&body), None)?;
        Ok(Session { vault: self, token: answer.auth.client_token })
    }

    fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        content: Content<'_>,
        token: Option<&Secret>,
    ) -> Result<T, VaultError> {
        let settings = &self.settings;
        let mut headers = vec![("x-vault-request", "true")];
        headers.extend(token.map(|token| ("x-vault-token", token.reveal())));
        headers.extend(settings.namespace.as_deref().map(|name| ("x-vault-namespace", name)));
        let address = settings.address_of(path)?;
        let question =
            Question { address: &address, content, headers: &headers, roots: settings.roots()? };
        let (status, body) = question.ask().map_err(VaultError::Unreachable)?;
        if !(200..300).contains(&status) {
            return Err(refusal(path, status, &body));
        }
        serde_json::from_slice(&body).map_err(|_| VaultError::Answer {
            path: path.to_owned(),
            status,
            said: "it is not understood".to_owned(),
        })
    }
}

impl Session<'_> {
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &str,
    ) -> Result<T, VaultError> {
        self.vault.ask(path, Content::Json(body), Some(&self.token))
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, VaultError> {
        self.vault.ask(path, Content::None, Some(&self.token))
    }

    /// `encrypt` makes a key that is not there, so a slip of the pen would pass. Who may not look is believed.
    fn ensure_transit_key(&self, mount: &str, key: &str) -> Result<(), VaultError> {
        match self.get::<Value>(&format!("{mount}/keys/{key}")) {
            Ok(_) | Err(VaultError::Denied { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What the server means by an answer that is no success.
fn refusal(path: &str, status: u16, body: &[u8]) -> VaultError {
    let path = path.to_owned();
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let reasons = said["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let said = reasons.collect::<Vec<_>>().join("; ");
    match status {
        403 => VaultError::Denied { path },
        404 if said.contains("no handler for route") => VaultError::NotMounted { path },
        404 => VaultError::Missing { path },
        503 if said.contains("sealed") => VaultError::Sealed,
        _ => {
            let clean = said.chars().map(|c| if c.is_control() { ' ' } else { c });
            let said: String = clean.take(SAID_CHARS_MAX).collect();
            let said = if said.is_empty() { "no reason".to_owned() } else { said };
            VaultError::Answer { path, status, said }
        }
    }
}
