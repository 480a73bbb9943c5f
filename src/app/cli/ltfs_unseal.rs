//! The kit's part in carving: data keys found on the tape or in a folder, and carved files that they open.
//!
//! Without an index nobody says where the key files lie, so they are looked for in the records of the tape, as
//! manifests are; a folder with key files of the same pool (`/.fossilsafe/keys` of another tape, `keys/data` of the
//! appliance) spares that. A file that opens takes the place of its sealed form, decompressed if it was. One that does
//! not is told with its reason and left as it is; what was proven of it before the damage stands beside it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::audit::read;
use super::kit_verify::{Opened, parse_kit};
use super::ltfs_extract::Tally;
use super::ltfs_target::next_step;
use super::output::Output;
use crate::app::error::AppError;
use crate::domain::Partition;
use crate::drive::Drive;
use crate::keys::sealed::{Inner, OpenReader, SealedError};
use crate::keys::{KEY_FILE_BEGINS, KEY_FILE_BYTES_MAX, KeyFile, KeyId, Kit};
use crate::ltfs::extract::{Fed, Recogniser, find_streams};
use crate::manifest::{SEALED_SUFFIX, ZSTD_SUFFIX};

const NEXT: &str = "Take the paper of the kit that is named, or name with --keys a folder with key files of that pool.";
/// A key file ends like this, and has it nowhere else.
const KEY_FILE_ENDS: &[u8] = b"\n}\n";
/// Bytes that are decrypted at once.
const PIECE: usize = 1 << 20;

/// Key files that are found in the records of a tape.
#[derive(Debug, Default)]
pub(super) struct KeyFiles {
    found: Vec<KeyFile>,
    current: Vec<u8>,
}

impl KeyFiles {
    /// Where one may begin.
    pub(super) fn place(block: &[u8], from: usize) -> Option<usize> {
        memchr::memmem::find(block.get(from..)?, KEY_FILE_BEGINS).map(|at| from + at)
    }
}

impl Recogniser for KeyFiles {
    fn begins(&mut self, block: &[u8], from: usize) -> Option<usize> {
        self.current.clear();
        Self::place(block, from)
    }

    fn feed(&mut self, bytes: &[u8]) -> Fed {
        let before = self.current.len();
        let room = usize::try_from(KEY_FILE_BYTES_MAX).unwrap_or(usize::MAX).saturating_sub(before);
        self.current.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let Some(end) = memchr::memmem::find(&self.current, KEY_FILE_ENDS) else {
            return if bytes.len() < room { Fed::More } else { Fed::Rejected };
        };
        let end = end + KEY_FILE_ENDS.len();
        match KeyFile::parse(&self.current[..end]) {
            Ok(file) => {
                self.found.push(file);
                Fed::Complete { used: end - before }
            }
            Err(_) => Fed::Rejected,
        }
    }
}

/// A kit, and the keys that it has opened.
#[derive(Debug)]
pub(super) struct Unsealing {
    kit: Kit,
    keys: Opened,
    /// Of key files that it does not open, why.
    refused: BTreeMap<KeyId, String>,
}

impl Unsealing {
    /// Takes the kit in the file `kit`, and the key files in the folder `keys`.
    pub(super) fn new(kit: &Path, keys: Option<&Path>) -> Result<Self, AppError> {
        let kit = parse_kit(&String::from_utf8_lossy(&read(kit)?))?;
        let mut unsealing = Self { kit, keys: Opened::default(), refused: BTreeMap::new() };
        let Some(folder) = keys else { return Ok(unsealing) };
        let what = || format!("cannot read {}", folder.display());
        let entries = folder.read_dir().and_then(Iterator::collect::<io::Result<Vec<_>>>);
        for entry in entries.map_err(|source| AppError::Io { what: what(), source })? {
            let is_small = entry.metadata().is_ok_and(|it| it.len() <= KEY_FILE_BYTES_MAX);
            if let (true, Ok(bytes)) = (is_small, fs::read(entry.path()))
                && let Ok(file) = KeyFile::parse(&bytes)
            {
                unsealing.take(file);
            }
        }
        unsealing.ensure_opened()?;
        Ok(unsealing)
    }

    /// Looks for key files in the records of a partition.
    pub(super) fn search(
        &mut self,
        drive: &mut Drive,
        partition: Partition,
        block_bytes: usize,
    ) -> Result<(), AppError> {
        let mut files = KeyFiles::default();
        let scanned = find_streams(drive, partition, block_bytes, &mut files, &mut |_| {
            ControlFlow::Continue(())
        });
        // Never stopped early.
        let _flow = scanned
            .map_err(|error| AppError::offline("cannot carve", &error, next_step(&error)))?;
        self.take_found(files)
    }

    /// Takes what a search has found.
    pub(super) fn take_found(&mut self, files: KeyFiles) -> Result<(), AppError> {
        files.found.into_iter().for_each(|file| self.take(file));
        self.ensure_opened()
    }

    fn take(&mut self, file: KeyFile) {
        match file.open(&self.kit) {
            Ok(key) => self.keys.take(key),
            // The newest file of a key is wrapped for the kits that came later.
            Err(error) => drop(self.refused.insert(file.key_id, error.to_string())),
        }
    }

    /// A kit that opens nothing is the wrong one: nothing is copied then.
    fn ensure_opened(&self) -> Result<(), AppError> {
        match self.refused.iter().next() {
            Some((id, why)) if self.keys.is_empty() => Err(AppError::Offline {
                message: format!("the kit opens no key of this volume: data key {id}: {why}"),
                next_step: NEXT.to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Opens the sealed files that were carved; each that does not open is a problem of its own.
    pub(super) fn open_files(
        self,
        tally: &mut Tally,
        to: &Path,
        output: &Output,
    ) -> Result<(), AppError> {
        let Self { keys, refused, .. } = self;
        let keys = Arc::new(keys);
        for path in std::mem::take(&mut tally.sealed) {
            if let Err(error) = open_file(&to.join(&path), &keys) {
                tally.problems += 1;
                if !output.is_json {
                    output.line(&format!("not opened: {path}: {}", reason(&error, &refused)))?;
                }
            }
        }
        Ok(())
    }
}

/// Writes what a sealed file holds in its place.
fn open_file(path: &Path, keys: &Arc<Opened>) -> io::Result<()> {
    let sealed = File::open(path)?;
    let status = sealed.metadata()?;
    let mut opened = OpenReader::new(BufReader::new(sealed), Arc::<Opened>::clone(keys));
    let is_packed = opened.form()?.is_some_and(|form| form.inner == Inner::Zstd);
    let plain = plain_path(path, is_packed);
    let unfinished = PathBuf::from(format!("{}.incomplete", plain.display()));
    let mut from: Box<dyn Read> = match is_packed {
        true => Box::new(zstd::Decoder::new(opened)?),
        false => Box::new(opened),
    };
    let mut out = BufWriter::new(File::create_new(&unfinished)?);
    let copied = copy(&mut from, &mut out).and_then(|()| out.flush());
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if file.metadata()?.len() == 0 && copied.is_err() {
        fs::remove_file(&unfinished)?;
    }
    copied?;
    file.set_permissions(status.permissions())?;
    file.set_times(fs::FileTimes::new().set_modified(status.modified()?))?;
    file.sync_all()?;
    // Nothing is overwritten: a name that is taken leaves both.
    fs::hard_link(&unfinished, &plain)?;
    fs::remove_file(&unfinished)?;
    fs::remove_file(path)
}

fn copy(from: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            count => out.write_all(&piece[..count])?,
        }
    }
}

/// The name without what sealing and packing have added to it.
fn plain_path(path: &Path, is_packed: bool) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = name.strip_suffix(SEALED_SUFFIX).unwrap_or(&name);
    let name = if is_packed { name.strip_suffix(ZSTD_SUFFIX).unwrap_or(name) } else { name };
    path.with_file_name(name)
}

/// Told apart: another kit, a damaged header or segment, an end that is missing.
fn reason(error: &io::Error, refused: &BTreeMap<KeyId, String>) -> String {
    let sealed = error.get_ref().and_then(|inner| inner.downcast_ref::<SealedError>());
    match sealed {
        Some(SealedError::KeyMissing(id)) => match refused.get(id) {
            Some(why) => format!("its data key {id} is not opened by this kit: {why}"),
            None => format!("its data key {id} was not found; name with --keys where it is"),
        },
        Some(sealed) => sealed.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::keys::sealed::{DataKey, SealedForm, seal_whole};

    /// Bytes of a segment as it stands on a tape, behind the header.
    const HEADER: usize = 80;
    const SEGMENT: usize = 65_536 + 16;

    struct Carved {
        folder: tempfile::TempDir,
        key: DataKey,
        kit: Kit,
    }

    impl Carved {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let carved = Self { folder, key: DataKey::generate(), kit: Kit::generate() };
            fs::create_dir(carved.path("keys")).unwrap();
            fs::create_dir(carved.path("to")).unwrap();
            fs::write(carved.path("kit.txt"), carved.kit.text().as_str()).unwrap();
            carved.keep(&carved.key, &carved.kit);
            carved
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn keep(&self, key: &DataKey, kit: &Kit) {
            let file = KeyFile::wrap(key, "private", Timestamp::default(), &[kit.public()]);
            let path = self.path("keys").join(format!("{}.json", key.id()));
            fs::write(path, file.to_json()).unwrap();
        }

        fn seal(&self, key: &DataKey, name: &str, change: impl Fn(&mut Vec<u8>)) {
            let mut sealed = Vec::new();
            let form = SealedForm { inner: Inner::AsIs, part: 0 };
            seal_whole(key, form, &[7; 200_000], &mut sealed);
            change(&mut sealed);
            fs::write(self.path("to").join(name), sealed).unwrap();
        }

        /// What is said of those files.
        fn open(&self, names: &[&str]) -> (u64, String) {
            let unsealing =
                Unsealing::new(&self.path("kit.txt"), Some(&self.path("keys"))).unwrap();
            let sealed = names.iter().map(|name| (*name).to_owned()).collect();
            let mut tally = Tally { sealed, ..Tally::default() };
            let (output, text) = Output::captured(false);
            unsealing.open_files(&mut tally, &self.path("to"), &output).unwrap();
            let said = text.lock().clone();
            (tally.problems, said)
        }
    }

    #[test]
    fn what_opens_takes_the_place_of_its_sealed_form_unpacked() {
        let carved = Carved::new();
        carved.seal(&carved.key, "a.jpg.sealed", |_| ());
        let mut packed = Vec::new();
        let frames = zstd::encode_all(&[9_u8; 300_000][..], 1).unwrap();
        seal_whole(&carved.key, SealedForm { inner: Inner::Zstd, part: 0 }, &frames, &mut packed);
        fs::write(carved.path("to/b.txt.zst.sealed"), packed).unwrap();
        assert_eq!(carved.open(&["a.jpg.sealed", "b.txt.zst.sealed"]), (0, String::new()));
        assert!(fs::read(carved.path("to/a.jpg")).unwrap() == [7; 200_000]);
        assert!(fs::read(carved.path("to/b.txt")).unwrap() == [9; 300_000]);
        assert_eq!(carved.path("to").read_dir().unwrap().count(), 2, "and nothing else");
    }

    #[test]
    fn a_wrong_kit_a_damage_and_a_missing_end_are_told_apart_and_nothing_is_lost() {
        let carved = Carved::new();
        let said = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
            carved.seal(&carved.key, name, change);
            let (problems, said) = carved.open(&[name]);
            assert!(problems == 1 && carved.path("to").join(name).exists(), "{said}");
            said
        };
        let header = said("header.sealed", &|sealed| sealed[20] ^= 1);
        assert!(header.contains("its header is damaged"), "{header}");
        let flipped = said("flipped.sealed", &|sealed| sealed[HEADER + SEGMENT + 9] ^= 1);
        assert!(flipped.contains("segment 1 is damaged"), "{flipped}");
        let proven = fs::read(carved.path("to/flipped.incomplete")).unwrap();
        assert!(proven == [7; 65_536], "{} bytes before the damage", proven.len());
        let cut = said("cut.sealed", &|sealed| sealed.truncate(HEADER + 2 * SEGMENT));
        assert!(cut.contains("it ends after segment 2"), "{cut}");
        assert!(!carved.path("to/header.incomplete").exists(), "nothing of it is proven");

        let (other_key, other_kit) = (DataKey::generate(), Kit::generate());
        carved.seal(&other_key, "other.sealed", |_| ());
        let (_, unknown) = carved.open(&["other.sealed"]);
        assert!(unknown.contains("was not found"), "{unknown}");
        carved.keep(&other_key, &other_kit);
        let (_, other) = carved.open(&["other.sealed"]);
        let wanted = other_kit.public().id().to_string();
        assert!(other.contains("not opened by this kit") && other.contains(&wanted), "{other}");

        carved.seal(&carved.key, "taken.sealed", |_| ());
        fs::write(carved.path("to/taken"), "mine").unwrap();
        let (problems, _) = carved.open(&["taken.sealed"]);
        assert_eq!((problems, fs::read(carved.path("to/taken")).unwrap()), (1, b"mine".to_vec()));

        fs::write(carved.path("kit.txt"), Kit::generate().text().as_str()).unwrap();
        let refused = Unsealing::new(&carved.path("kit.txt"), Some(&carved.path("keys")));
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("opens no key of this volume"), "{refused}");
    }

    #[test]
    fn a_key_file_is_found_wherever_it_lies_and_across_blocks() {
        let carved = Carved::new();
        let file = KeyFile::wrap(&carved.key, "p", Timestamp::default(), &[carved.kit.public()]);
        let json = file.to_json();
        assert!(json.starts_with(KEY_FILE_BEGINS) && json.ends_with(KEY_FILE_ENDS));
        let bytes = [&b"other bytes {\n  \"format\": \"x\""[..], &json, b"more"].concat();
        for cut in [80, 200, bytes.len()] {
            let mut files = KeyFiles::default();
            let (first, second) = bytes.split_at(cut);
            let at = files.begins(first, 0).unwrap();
            assert_eq!(at, bytes.len() - json.len() - 4);
            let mut fed = files.feed(&first[at..]);
            if fed == Fed::More {
                fed = files.feed(second);
            }
            assert!(matches!(fed, Fed::Complete { .. }), "{fed:?}");
            assert_eq!(files.found, std::slice::from_ref(&file));
        }
        let mut endless = KeyFiles::default();
        assert_eq!(endless.begins(KEY_FILE_BEGINS, 0), Some(0));
        assert_eq!(endless.feed(&vec![b' '; 100_000]), Fed::Rejected);
    }
}
