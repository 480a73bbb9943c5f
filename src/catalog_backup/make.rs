//! Making a backup: sealed under a hidden name, described, signed, synced, renamed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::description::{Description, Head, StateFile, is_safe_name};
use super::{CatalogBackupError, names, tar};
use crate::domain::{ByteCount, Secret, Sha256Digest, Timestamp};
use crate::durable;
use crate::keys::sealed::{DataKey, Inner, SealWriter, SealedForm};
use crate::keys::{KeyFile, KeyStore, Purpose, UNSEAL_PROGRAM};

/// Fast, and a catalog becomes a quarter of its size: its paths repeat.
const ZSTD_LEVEL: i32 = 3;
/// Bytes that are read at once, between two looks whether to stop.
const PIECE: usize = 1024 * 1024;
/// A tar in a zstd frame.
const FORM: SealedForm = SealedForm { inner: Inner::Zstd, part: 0 };
/// Nobody else reads what is in a backup, sealed or not.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A file that goes into a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its path in the backup.
    pub name: String,
    /// Where its bytes are now.
    pub place: Place,
}

/// Where the bytes of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a disk, in this file.
    File(PathBuf),
    /// Here: they must not lie on a disk in plain.
    Memory(Secret),
}

/// What a backup is made of.
pub struct Making<'a> {
    /// The folder in which the backup becomes a folder. It must be there: one that is made because a disk
    /// is away would fill the wrong disk.
    pub folder: &'a Path,
    /// What is left by a failed one under this name is removed first.
    pub attempt: &'a str,
    /// The files.
    pub content: &'a [Content],
    /// Whose kits open it, and who signs it.
    pub keys: &'a KeyStore,
    /// The machine.
    pub host: &'a str,
    /// The present.
    pub now: Timestamp,
    /// Told how many bytes were read since the last time; says whether to go on.
    pub goes_on: &'a dyn Fn(u64) -> bool,
}

impl Place {
    /// How many bytes they are now.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn bytes(&self) -> std::io::Result<u64> {
        match self {
            Self::File(path) => Ok(path.metadata()?.len()),
            Self::Memory(content) => Ok(content.reveal().len() as u64),
        }
    }

    fn open(&self) -> std::io::Result<Box<dyn Read + '_>> {
        match self {
            Self::File(path) => Ok(Box::new(BufReader::with_capacity(PIECE, File::open(path)?))),
            Self::Memory(content) => Ok(Box::new(content.reveal().as_bytes())),
        }
    }
}

impl std::fmt::Debug for Making<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Making").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Makes a backup and says where it is.
///
/// # Errors
/// No kit is confirmed, it was told to stop, or the system refuses; nothing is left then.
pub fn make(making: &Making<'_>) -> Result<(PathBuf, Description), CatalogBackupError> {
    let kits = making.keys.ring().kits().confirmed();
    if kits.is_empty() {
        return Err(CatalogBackupError::NoKit);
    }
    if !making.folder.is_dir() {
        let missing = std::io::ErrorKind::NotADirectory.into();
        return Err(CatalogBackupError::io("write into", making.folder)(missing));
    }
    let hidden = making.folder.join(format!(".{}{}.new", names::PREFIX, making.attempt));
    remove(&hidden)?;
    let made = fill(making, &hidden, &kits).and_then(|description| {
        let target = free_name(making);
        durable::put_in_place(&hidden, &target)
            .map_err(CatalogBackupError::io("rename", &hidden))?;
        Ok((target, description))
    });
    if made.is_err() {
        // The first error counts; what cannot be removed now is removed by the next attempt.
        let _ = remove(&hidden);
    }
    made
}

fn remove(folder: &Path) -> Result<(), CatalogBackupError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(CatalogBackupError::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

/// The name says when and whose; a second one of the same second has a number.
fn free_name(making: &Making<'_>) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let host: String = making.host.chars().map(plain).collect();
    let time: String =
        making.now.to_string()[..19].chars().filter(|c| !"-:".contains(*c)).collect();
    let name = format!("{}{host}-{time}Z", names::PREFIX);
    let numbered = (2_u32..).map(|number| making.folder.join(format!("{name}-{number}")));
    let mut names = std::iter::once(making.folder.join(&name)).chain(numbered);
    names.find(|path| !path.exists()).unwrap_or_else(|| making.folder.join(name))
}

fn fill(
    making: &Making<'_>,
    hidden: &Path,
    kits: &[crate::keys::KitPublic],
) -> Result<Description, CatalogBackupError> {
    let io = CatalogBackupError::io;
    for folder in
        [hidden.to_owned(), hidden.join(names::OWN_FOLDER), hidden.join(names::KEYS_FOLDER)]
    {
        DirBuilder::new().mode(FOLDER_MODE).create(&folder).map_err(io("make", &folder))?;
    }
    let key = DataKey::generate();
    let pool = format!("catalog backup of {}", making.host);
    let key_file = KeyFile::wrap(&key, &pool, making.now, kits);
    let path = hidden.join(names::STATE);
    let (files, sealed) = seal_state(making, &path, &key)?;
    let head = Head {
        made: making.now,
        host: making.host.to_owned(),
        data_key: key.id(),
        kits: kits.iter().map(crate::keys::KitPublic::id).collect(),
    };
    let description = Description::new(head, sealed, files);
    let json = description.to_json();
    let signature = making.keys.sign(Purpose::Catalog, &digest(&json));
    let key_name = format!("{}/{}.json", names::KEYS_FOLDER, key.id());
    let readme = readme(&description, making.keys);
    let parts: [(&str, &[u8]); 5] = [
        (names::DESCRIPTION, &json),
        (names::SIGNATURE, &signature.to_json()),
        (&key_name, &key_file.to_json()),
        (names::UNSEAL, UNSEAL_PROGRAM.as_bytes()),
        (names::README, readme.as_bytes()),
    ];
    for (name, bytes) in parts {
        let path = hidden.join(name);
        let mut file = create(&path)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("write", &path))?;
    }
    for folder in [names::KEYS_FOLDER, names::OWN_FOLDER, ""] {
        sync_folder(&hidden.join(folder))?;
    }
    Ok(description)
}

type Sealed = (Vec<StateFile>, (u64, Sha256Digest));

fn seal_state(
    making: &Making<'_>,
    path: &Path,
    key: &DataKey,
) -> Result<Sealed, CatalogBackupError> {
    let writing = |error| CatalogBackupError::io("write", path)(error);
    let sealer = SealWriter::new(create(path)?, key, FORM);
    let mut packed = zstd::Encoder::new(sealer, ZSTD_LEVEL).map_err(writing)?;
    let mut files = Vec::new();
    for content in making.content {
        files.push(pack(making, content, &mut packed, path)?);
    }
    tar::end(&mut packed).map_err(writing)?;
    let (file, bytes, hash) = packed.finish().and_then(SealWriter::finish).map_err(writing)?;
    file.sync_all().map_err(CatalogBackupError::io("sync", path))?;
    Ok((files, (bytes, hash)))
}

/// Packs one file. It must stay as it is meanwhile: databases come as copies.
fn pack(
    making: &Making<'_>,
    content: &Content,
    out: &mut impl Write,
    target: &Path,
) -> Result<StateFile, CatalogBackupError> {
    let path = match &content.place {
        Place::File(path) => path.as_path(),
        Place::Memory(_) => Path::new(&content.name),
    };
    let reading = |error| CatalogBackupError::io("read", path)(error);
    let writing = |error| CatalogBackupError::io("write", target)(error);
    if !is_safe_name(&content.name) {
        let why = std::io::Error::other("its name cannot stand in a backup");
        return Err(reading(why));
    }
    let opened = content.place.open().map_err(reading)?;
    let bytes = content.place.bytes().map_err(reading)?;
    let seconds = u64::try_from(making.now.seconds).unwrap_or(0);
    tar::begin_file(out, &content.name, bytes, seconds).map_err(writing)?;
    let mut limited = opened.take(bytes);
    let (mut piece, mut hash, mut done) = (vec![0; PIECE], Sha256::new(), 0);
    loop {
        let count = limited.read(&mut piece).map_err(reading)?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        out.write_all(&piece[..count]).map_err(writing)?;
        done += count as u64;
        if !(making.goes_on)(count as u64) {
            return Err(CatalogBackupError::Stopped);
        }
    }
    if done != bytes {
        return Err(reading(std::io::Error::other("it became shorter while it was read")));
    }
    tar::end_file(out, bytes).map_err(writing)?;
    let sha256 = Sha256Digest(hash.finalize().into());
    Ok(StateFile { name: content.name.clone(), bytes: ByteCount(bytes), sha256 })
}

fn create(path: &Path) -> Result<File, CatalogBackupError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    file.map_err(CatalogBackupError::io("write", path))
}

fn sync_folder(folder: &Path) -> Result<(), CatalogBackupError> {
    durable::sync(folder).map_err(CatalogBackupError::io("sync", folder))
}

pub(super) fn digest(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest(Sha256::digest(bytes).into())
}

fn readme(description: &Description, keys: &KeyStore) -> String {
    let Description { made, host, kits, .. } = description;
    let kits: Vec<String> = kits.iter().map(ToString::to_string).collect();
    let (kits, key) = (kits.join(" or "), keys.key_id());
    format!(
        "Catalog backup of the FossilSafe appliance \"{host}\", made {made}.\n\n\
         It holds the catalog, users, schedules, settings, the audit log, the keys of that appliance, the \
         passwords of its network sources and a certificate that a person gave it, sealed.\nKit {kits} opens it; the paper of the kit names the key that signed it: {key}.\n\n\
         Back into an empty data folder, with the engine stopped:\n\n\
         \x20   fossilsafe catalog restore THIS-FOLDER --data DATA-FOLDER --signing-key {key}\n\n\
         Without FossilSafe, with Python 3, its \"cryptography\" package, zstd and tar, and the groups of the \
         kit in kit.txt:\n\n\
         \x20   python3 .fossilsafe/unseal.py kit.txt . {} | zstd -d | tar -x\n",
        names::STATE
    )
}
