//! Reading a backup, in steps that cannot be passed over: signed by a named key, opened by a kit, taken out.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::description::{DESCRIPTION_BYTES_MAX, Description, StateFile, ensure_safe};
use super::make::digest;
use super::{CatalogBackupError, names, tar};
use crate::domain::Sha256Digest;
use crate::keys::sealed::{DataKey, OneKey, OpenReader, SealedError};
use crate::keys::{
    DetachedSignature, KEY_FILE_BYTES_MAX, KeyFile, KeyId, KeyStore, Kit, PinnedKeys, Purpose,
    SignatureVerdict,
};

const PIECE: usize = 1024 * 1024;
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// A signature is some hundred bytes.
const SIGNATURE_BYTES_MAX: u64 = 64 * 1024;

/// A backup as it lies there: nothing in it is believed yet.
#[derive(Debug)]
pub(super) struct Claimed {
    json: Vec<u8>,
    pub(super) description: Description,
    pub(super) signature: DetachedSignature,
}

impl Claimed {
    pub(super) fn read(path: &Path) -> Result<Self, CatalogBackupError> {
        let not = |why: String| CatalogBackupError::NotABackup { path: path.to_owned(), why };
        let json = read_at_most(&path.join(names::DESCRIPTION), DESCRIPTION_BYTES_MAX);
        let json = json.map_err(|error| not(format!("{}: {error}", names::DESCRIPTION)))?;
        let description = Description::parse(&json).map_err(not)?;
        let signature = read_at_most(&path.join(names::SIGNATURE), SIGNATURE_BYTES_MAX);
        let signature = signature.map_err(|error| not(format!("{}: {error}", names::SIGNATURE)))?;
        let signature = DetachedSignature::parse(&signature)
            .map_err(|error| not(format!("{}: {error}", names::SIGNATURE)))?;
        Ok(Self { json, description, signature })
    }

    pub(super) fn verdict(&self, pinned: &PinnedKeys) -> SignatureVerdict {
        self.signature.verify(Purpose::Catalog, &digest(&self.json), pinned)
    }

    /// True if the appliance with these keys made it itself.
    pub(super) fn is_own(&self, keys: &KeyStore) -> bool {
        let digest = digest(&self.json);
        matches!(self.verdict(keys.pinned()), SignatureVerdict::Trusted { .. })
            && keys.is_own(&self.signature, Purpose::Catalog, &digest) == Some(true)
    }
}

/// A backup whose description a named key has signed.
#[derive(Debug)]
pub struct SignedBackup {
    path: PathBuf,
    description: Description,
    /// Who signed it.
    pub signed_by: KeyId,
}

impl SignedBackup {
    /// Reads the description of the backup in the folder `path`, which one of `trusted` must have signed.
    ///
    /// # Errors
    /// It is no backup, another key signed it, or it was changed.
    pub fn read(path: &Path, trusted: &PinnedKeys) -> Result<Self, CatalogBackupError> {
        let claimed = Claimed::read(path)?;
        let path = path.to_owned();
        match claimed.verdict(trusted) {
            SignatureVerdict::Trusted { key_id } => {
                ensure_safe(&claimed.description)?;
                let description = claimed.description;
                Ok(Self { path, description, signed_by: key_id })
            }
            SignatureVerdict::Foreign { key_id } => {
                Err(CatalogBackupError::OtherKey { path, signed_by: key_id })
            }
            SignatureVerdict::Bad { key_id } => {
                Err(CatalogBackupError::BadSignature { path, key: key_id })
            }
        }
    }

    /// The public key that stands beside the signature, in PEM. To be believed only if its id was known
    /// before.
    ///
    /// # Errors
    /// It is no backup.
    pub fn claimed_key(path: &Path) -> Result<String, CatalogBackupError> {
        Ok(Claimed::read(path)?.signature.public_key_pem)
    }

    /// What it holds.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Opens it with a kit, after the sealed file was found to be the one that was signed.
    ///
    /// # Errors
    /// The kit is another one, or a part is damaged or missing.
    pub fn open(self, kit: &Kit) -> Result<OpenedBackup, CatalogBackupError> {
        let key_path =
            self.path.join(format!("{}/{}.json", names::KEYS_FOLDER, self.description.data_key));
        let json = read_at_most(&key_path, KEY_FILE_BYTES_MAX)
            .map_err(CatalogBackupError::io("read", &key_path))?;
        let key = KeyFile::parse(&json)?.open(kit)?;
        if key.id() != self.description.data_key {
            let why = format!("it holds data key {}", key.id());
            return Err(CatalogBackupError::Damaged { what: "its key file".to_owned(), why });
        }
        self.ensure_whole()?;
        Ok(OpenedBackup { path: self.path, description: self.description, key })
    }

    /// The sealed file is the one that was signed.
    fn ensure_whole(&self) -> Result<(), CatalogBackupError> {
        let path = self.path.join(names::STATE);
        let reading = |error| CatalogBackupError::io("read", &path)(error);
        let mut file = File::open(&path).map_err(reading)?;
        let (mut piece, mut hash, mut bytes) = (vec![0; PIECE], Sha256::new(), 0_u64);
        loop {
            let count = file.read(&mut piece).map_err(reading)?;
            if count == 0 {
                break;
            }
            hash.update(&piece[..count]);
            bytes += count as u64;
        }
        let wanted = self.description.sealed_bytes.0;
        let why = if bytes < wanted {
            format!("{} of {wanted} bytes are missing", wanted - bytes)
        } else if Sha256Digest(hash.finalize().into()) != self.description.sealed_sha256 {
            "its bytes are not those that were signed".to_owned()
        } else {
            return Ok(());
        };
        Err(CatalogBackupError::Damaged { what: names::STATE.to_owned(), why })
    }
}

/// A backup that can be taken out.
#[derive(Debug)]
pub struct OpenedBackup {
    path: PathBuf,
    description: Description,
    key: DataKey,
}

impl OpenedBackup {
    /// What it holds.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Writes every file below `folder`, which is there and empty. Each must be the one that was signed, and
    /// none may be missing.
    ///
    /// # Errors
    /// The system refuses, or something is damaged.
    pub fn take_out(self, folder: &Path) -> Result<Description, CatalogBackupError> {
        let path = self.path.join(names::STATE);
        let state = |error: std::io::Error| damaged(&path, error);
        let file = File::open(&path).map_err(state)?;
        let opened = OpenReader::new(BufReader::new(file), Arc::new(OneKey(Arc::new(self.key))));
        let mut archive = zstd::Decoder::new(opened).map_err(state)?;
        let mut wanted = self.description.files.iter();
        while let Some((name, bytes)) = tar::next_file(&mut archive).map_err(state)? {
            let listed = wanted.next().filter(|file| file.name == name && file.bytes.0 == bytes);
            let listed = listed.ok_or_else(|| not_listed(&name))?;
            write_out(&mut archive, listed, folder, &path)?;
            tar::skip_padding(&mut archive, bytes).map_err(state)?;
        }
        // To the end, so that a last segment that is missing is found.
        std::io::copy(&mut archive, &mut std::io::sink()).map_err(state)?;
        match wanted.next() {
            Some(file) => Err(not_listed(&file.name)),
            None => Ok(self.description),
        }
    }
}

fn not_listed(name: &str) -> CatalogBackupError {
    let why = "the sealed files are not those of the description".to_owned();
    CatalogBackupError::Damaged { what: format!("its file {name}"), why }
}

/// What the sealed format found, or the system.
fn damaged(path: &Path, error: std::io::Error) -> CatalogBackupError {
    let sealed = error.get_ref().and_then(|inner| inner.downcast_ref::<SealedError>()).cloned();
    match sealed {
        Some(sealed) => CatalogBackupError::Sealed(sealed),
        None => CatalogBackupError::io("read", path)(error),
    }
}

fn write_out(
    archive: &mut impl std::io::Read,
    listed: &StateFile,
    folder: &Path,
    state: &Path,
) -> Result<(), CatalogBackupError> {
    let path = folder.join(&listed.name);
    let writing = |error| CatalogBackupError::io("write", &path)(error);
    if let Some(parent) = path.parent() {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(parent);
        made.map_err(writing)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(writing)?;
    let (mut piece, mut hash, mut left) = (vec![0; PIECE], Sha256::new(), listed.bytes.0);
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        archive.read_exact(&mut piece[..wanted]).map_err(|error| damaged(state, error))?;
        hash.update(&piece[..wanted]);
        file.write_all(&piece[..wanted]).map_err(writing)?;
        left -= wanted as u64;
    }
    file.sync_all().map_err(writing)?;
    if Sha256Digest(hash.finalize().into()) == listed.sha256 {
        return Ok(());
    }
    let why = "its bytes are not those of the description".to_owned();
    Err(CatalogBackupError::Damaged { what: format!("its file {}", listed.name), why })
}

fn read_at_most(path: &Path, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let length = fs::metadata(path)?.len();
    if length > bytes_max {
        return Err(std::io::Error::other(format!("{length} bytes are too many")));
    }
    fs::read(path)
}
