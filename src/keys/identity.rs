//! One identity: an Ed25519 signing key and an HMAC key, and the file that holds them.
//!
//! The file carries check values, so that a damaged one is found when it is opened and not when a
//! tape that it signed fails to verify. It is written once, under a name of its own, and linked into
//! place only if nothing stands there: two programs that start at once end with one identity.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey};
use hmac::{Hmac, Mac as _};
use rand::RngCore as _;
use rand::rngs::OsRng;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::{KeyId, KeysError, PublicKey};
use crate::domain::Timestamp;
use crate::durable;

/// What the file says it is.
const FORMAT: &str = "fossilsafe-identity";
/// The only version so far. A sealed form will be another one.
const VERSION: u32 = 1;
/// Bytes of both secrets.
const SECRET_BYTES: usize = 32;
/// A key file is some hundred bytes; more is something else.
const FILE_BYTES_MAX: u64 = 16 * 1024;
/// Permission bits of a file that holds secrets.
const PRIVATE_MODE: u32 = 0o600;
/// What the HMAC key is tried on, to tell a damaged one.
const CHECK_MESSAGE: &[u8] = b"fossilsafe identity check v1";
/// Hexadecimal digits of the check value: reveals nothing of the key, finds any damage.
const CHECK_DIGITS: usize = 16;

/// Private keys. Wiped from memory when dropped; never shown.
pub(super) struct Identity {
    signing: SigningKey,
    hmac: Zeroizing<[u8; SECRET_BYTES]>,
    created: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct IdentityFile {
    format: String,
    version: u32,
    key_id: KeyId,
    created: Timestamp,
    ed25519_secret: String,
    hmac_secret: String,
    hmac_check: String,
}

impl Drop for IdentityFile {
    fn drop(&mut self) {
        self.ed25519_secret.zeroize();
        self.hmac_secret.zeroize();
    }
}

impl Identity {
    /// New random keys.
    pub(super) fn generate(created: Timestamp) -> Self {
        let mut hmac = Zeroizing::new([0; SECRET_BYTES]);
        OsRng.fill_bytes(&mut *hmac);
        Self { signing: SigningKey::generate(&mut OsRng), hmac, created }
    }

    pub(super) fn created(&self) -> Timestamp {
        self.created
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey(self.signing.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> Signature {
        self.signing.sign(message)
    }

    pub(super) fn authenticate(&self, message: &[u8]) -> [u8; 32] {
        self.mac(message).finalize().into_bytes().into()
    }

    /// True if `code` is what this identity makes of `message`; compared in constant time.
    pub(super) fn is_authentic(&self, message: &[u8], code: &[u8]) -> bool {
        self.mac(message).verify_slice(code).is_ok()
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.hmac).expect("any length is a key");
        mac.update(message);
        mac
    }

    fn check_value(&self) -> String {
        hex::encode(self.authenticate(CHECK_MESSAGE))[..CHECK_DIGITS].to_owned()
    }

    /// Writes the file at `path` unless something stands there; says whether it was written.
    ///
    /// When this returns, the file and its name are on stable storage.
    pub(super) fn save_new(&self, path: &Path) -> Result<Saved, KeysError> {
        self.save(path, RenameFlags::NOREPLACE)
    }

    /// Writes the file at `path`, in place of what stands there.
    pub(super) fn save_over(&self, path: &Path) -> Result<Saved, KeysError> {
        self.save(path, RenameFlags::empty())
    }

    fn save(&self, path: &Path, flags: RenameFlags) -> Result<Saved, KeysError> {
        let file = IdentityFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            key_id: self.public().id(),
            created: self.created,
            ed25519_secret: BASE64.encode(self.signing.as_bytes()),
            hmac_secret: BASE64.encode(*self.hmac),
            hmac_check: self.check_value(),
        };
        let text = serde_json::to_vec_pretty(&file)
            .map_err(|error| failed("write", path)(io::Error::other(error)))?;
        write_private(path, &Zeroizing::new(text), flags)
    }

    /// Reads the file at `path`; nothing when there is none.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, KeysError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", path)(error)),
        };
        let status = file.metadata().map_err(failed("read", path))?;
        let mode = status.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeysError::TooOpen { path: path.to_owned(), mode });
        }
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed("read", path))?;
        match Self::parse(&text) {
            Ok(identity) => Ok(Some(identity)),
            Err(reason) => Err(KeysError::Corrupt { path: path.to_owned(), reason }),
        }
    }

    fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let file: IdentityFile =
            serde_json::from_slice(text).map_err(|_| "it is cut or no key file")?;
        if file.format != FORMAT {
            return Err("it is another kind of file");
        }
        if file.version != VERSION {
            return Err("it was written by a newer release");
        }
        let identity = Self {
            signing: SigningKey::from_bytes(&*decode_secret(&file.ed25519_secret)?),
            hmac: decode_secret(&file.hmac_secret)?,
            created: file.created,
        };
        if identity.public().id() != file.key_id {
            return Err("the signing key does not match its key id");
        }
        if identity.check_value() != file.hmac_check {
            return Err("the HMAC key does not match its check value");
        }
        Ok(identity)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.public().id())
    }
}

/// Whether a file was written or had been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Saved {
    Written,
    Existed,
}

fn decode_secret(text: &str) -> Result<Zeroizing<[u8; SECRET_BYTES]>, &'static str> {
    let bytes = Zeroizing::new(BASE64.decode(text).map_err(|_| "a secret is no base64")?);
    let mut secret = Zeroizing::new([0; SECRET_BYTES]);
    if bytes.len() != SECRET_BYTES {
        return Err("a secret has the wrong length");
    }
    secret.copy_from_slice(&bytes);
    Ok(secret)
}

/// Writes `content` beside `path` with mode 0600, syncs it, and renames it to `path`.
pub(super) fn write_private(
    path: &Path,
    content: &[u8],
    flags: RenameFlags,
) -> Result<Saved, KeysError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = directory.join(format!(".{name}.{:016x}.new", OsRng.next_u64()));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(PRIVATE_MODE)
        .open(&temporary)
        .map_err(failed("write", &temporary))?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let moved = written.map_err(failed("write", &temporary)).and_then(|()| {
        match renameat_with(CWD, &temporary, CWD, path, flags) {
            Ok(()) => Ok(Saved::Written),
            Err(Errno::EXIST) => Ok(Saved::Existed),
            Err(errno) => Err(failed("write", path)(errno.into())),
        }
    });
    if !matches!(moved, Ok(Saved::Written)) {
        // The rename did not take it, so it would stay for ever.
        let _ = std::fs::remove_file(&temporary);
    }
    durable::sync(directory).map_err(failed("sync", directory))?;
    moved
}

/// The error for a refusal by the file system.
pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> KeysError {
    let path = path.to_owned();
    move |source| KeysError::Io { doing, path, source }
}
