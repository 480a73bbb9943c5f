//! The files of a certificate, replaced so that a power failure leaves a pair that belongs together.
//!
//! Certificate and key are two files because that is how a person brings them and other programs read
//! them. Both new ones are written whole beside the old ones; then the key is renamed, then the
//! certificate. If power fails between the two, [`finish`] finds the new certificate beside the new key.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::chain::Chain;
use super::{CertificateError, WaitingRequest};
use crate::durable;

/// The chain, in the folder of a certificate.
pub const CERTIFICATE_FILE: &str = "certificate.pem";
/// Its private key, beside it.
pub const KEY_FILE: &str = "key.pem";
const REQUEST: &str = "request.json";
const REQUEST_KEY: &str = "request-key.pem";
/// Who may read keys: the gateway alone.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The folder that has them.
#[derive(Clone, Debug)]
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The chain's text; `None` if there is none.
    pub(super) fn certificate(&self) -> Result<Option<String>, CertificateError> {
        read_if_there(&self.path(CERTIFICATE_FILE))
    }

    pub(super) fn key(&self) -> Result<String, CertificateError> {
        let path = self.path(KEY_FILE);
        let missing = || CertificateError::File {
            verb: "read",
            path: path.clone(),
            source: io::ErrorKind::NotFound.into(),
        };
        read_if_there(&path)?.ok_or_else(missing)
    }

    /// How errors name the chain.
    pub(super) fn certificate_name(&self) -> String {
        self.path(CERTIFICATE_FILE).display().to_string()
    }

    /// Replaces both.
    pub(super) fn put_pair(
        &self,
        certificate_pem: &str,
        key_pem: &str,
    ) -> Result<(), CertificateError> {
        self.make_folder()?;
        let (certificate, key) = (self.path(CERTIFICATE_FILE), self.path(KEY_FILE));
        write_new(&key, key_pem.as_bytes())?;
        write_new(&certificate, certificate_pem.as_bytes())?;
        rename_new(&key)?;
        rename_new(&certificate)
    }

    /// Ends what a power failure interrupted in [`put_pair`](Self::put_pair).
    pub(super) fn finish(&self) -> Result<(), CertificateError> {
        let (certificate, key) = (self.path(CERTIFICATE_FILE), self.path(KEY_FILE));
        let Some(waiting) = read_if_there(&durable::beside(&certificate))? else { return Ok(()) };
        let belongs = Chain::read(&waiting, CERTIFICATE_FILE)
            .and_then(|chain| chain.with_key(&self.key()?))
            .is_ok();
        if belongs {
            return rename_new(&certificate);
        }
        remove_if_there(&durable::beside(&key))?;
        remove_if_there(&durable::beside(&certificate))
    }

    pub(super) fn request(&self) -> Result<Option<WaitingRequest>, CertificateError> {
        let path = self.path(REQUEST);
        let Some(text) = read_if_there(&path)? else { return Ok(None) };
        let bad = |error: serde_json::Error| CertificateError::Malformed {
            what: path.display().to_string(),
            reason: error.to_string(),
        };
        serde_json::from_str(&text).map(Some).map_err(bad)
    }

    pub(super) fn request_key(&self) -> Result<Option<String>, CertificateError> {
        read_if_there(&self.path(REQUEST_KEY))
    }

    /// The key first: a request whose key is not there would be signed for nothing.
    pub(super) fn put_request(
        &self,
        request: &WaitingRequest,
        key_pem: &str,
    ) -> Result<(), CertificateError> {
        self.make_folder()?;
        let (path, key) = (self.path(REQUEST), self.path(REQUEST_KEY));
        remove_if_there(&path)?;
        let text = serde_json::to_vec_pretty(request).map_err(io::Error::from);
        let text = text.map_err(|source| CertificateError::File {
            verb: "write",
            path: path.clone(),
            source,
        })?;
        write_new(&key, key_pem.as_bytes())?;
        rename_new(&key)?;
        write_new(&path, &text)?;
        rename_new(&path)
    }

    pub(super) fn drop_request(&self) -> Result<(), CertificateError> {
        remove_if_there(&self.path(REQUEST))?;
        remove_if_there(&self.path(REQUEST_KEY))
    }

    fn make_folder(&self) -> Result<(), CertificateError> {
        let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.0);
        made.map_err(failed("write", &self.0))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CertificateError {
    move |source| CertificateError::File { verb, path: path.to_owned(), source }
}

fn read_if_there(path: &Path) -> Result<Option<String>, CertificateError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

fn remove_if_there(path: &Path) -> Result<(), CertificateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), CertificateError> {
    durable::write_beside(path, content, FILE_MODE).map(drop).map_err(failed("write", path))
}

fn rename_new(path: &Path) -> Result<(), CertificateError> {
    durable::put_in_place(&durable::beside(path), path).map_err(failed("write", path))
}
