//! `fossilsafe kit verify`: a kit and a tape, without an engine and without the appliance that wrote it.
//!
//! What is asked on the day when the appliance is gone: does this paper open these tapes. The tape is a
//! folder: a mounted LTFS volume, what `ltfs extract` wrote, or a catalog backup.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::audit::read;
use super::output::{Output, Table, grouped};
use crate::app::error::{AppError, Exit};
use crate::domain::Sha256Digest;
use crate::keys::sealed::{DataKey, Inner, KeySource, OpenReader, SealedError};
use crate::keys::{KEY_FILE_BYTES_MAX, KeyFile, KeyFileError, KeyId, Kit};

/// Where the key files are on a tape.
const KEYS: &str = ".fossilsafe/keys";
/// Bytes that are decrypted at once.
const PIECE: usize = 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// Where the tape is mounted, or a folder that was extracted from it; it has a folder .fossilsafe
    tape: PathBuf,
    /// A file on it to decrypt, as photos/RUN/a.jpg.sealed
    sample: Option<PathBuf>,
    /// A file with the groups of the kit; without it they are typed
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
    /// Write the decrypted file here; it must not exist. Without it, its hash is shown
    #[arg(long, value_name = "FILE", requires = "sample")]
    to: Option<PathBuf>,
}

/// What was found, for programs.
#[derive(Debug, Serialize)]
struct Findings {
    /// The kit.
    kit: KeyId,
    /// It opens every data key that stands on the tape.
    opens_all: bool,
    /// The data keys, and what the kit says of each.
    keys: Vec<Finding>,
    /// The decrypted file.
    sample: Option<Sample>,
}

#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    pool: String,
    /// `opens`, or why not.
    finding: String,
}

#[derive(Debug, Serialize)]
struct Sample {
    path: PathBuf,
    bytes: u64,
    sha256: Sha256Digest,
}

/// The data keys that the kit has opened.
#[derive(Debug, Default)]
pub(super) struct Opened(BTreeMap<KeyId, Arc<DataKey>>);

impl Opened {
    pub(super) fn take(&mut self, key: DataKey) {
        self.0.insert(key.id(), Arc::new(key));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl KeySource for Opened {
    fn data_key(&self, id: KeyId) -> Option<Arc<DataKey>> {
        self.0.get(&id).cloned()
    }
}

pub(super) fn run(arguments: &VerifyArguments, output: &Output) -> Result<Exit, AppError> {
    let typed = match &arguments.kit {
        Some(path) => String::from_utf8_lossy(&read(path)?).into_owned(),
        None => output.ask("The kit, all 14 groups in one line: ")?,
    };
    let kit = parse_kit(&typed)?;
    let (keys, opened) = open_keys(&arguments.tape, &kit)?;
    let opens_all = !keys.is_empty() && opened.0.len() == keys.len();
    let sample = match &arguments.sample {
        Some(sample) => Some(decrypt(arguments, sample, Arc::new(opened))?),
        None => None,
    };
    let findings = Findings { kit: kit.public().id(), opens_all, keys, sample };
    let exit = if opens_all { Exit::Done } else { Exit::Failed };
    if output.is_json {
        output.json(&findings)?;
        return Ok(exit);
    }
    let mut table = Table::new(&["DATA KEY", "POOL", "KIT"]);
    for Finding { file, pool, finding } in findings.keys {
        table.row(vec![file, pool, finding]);
    }
    output.table(&table, "No file of this tape is encrypted: it holds no data key.")?;
    if let Some(Sample { path, bytes, sha256 }) = findings.sample {
        let (path, bytes) = (path.display(), grouped(bytes));
        output.line(&format!("{path} opens: {bytes} bytes, sha256 {sha256}"))?;
    }
    Ok(exit)
}

/// Reads what was printed on a kit.
pub(super) fn parse_kit(typed: &str) -> Result<Kit, AppError> {
    typed.trim().parse().map_err(|error| {
        AppError::offline("this is no recovery kit", &error, "Compare it with the paper.")
    })
}

fn open_keys(tape: &Path, kit: &Kit) -> Result<(Vec<Finding>, Opened), AppError> {
    let folder = tape.join(KEYS);
    let what = || format!("cannot read {}", folder.display());
    let names = |entries: std::fs::ReadDir| -> io::Result<Vec<PathBuf>> {
        entries.map(|entry| Ok(entry?.path())).collect()
    };
    let mut paths = match folder.read_dir().and_then(names) {
        Ok(paths) => paths,
        // A tape that has been mounted and holds nothing encrypted.
        Err(error) if error.kind() == io::ErrorKind::NotFound && tape.is_dir() => Vec::new(),
        Err(source) => return Err(AppError::Io { what: what(), source }),
    };
    paths.sort();
    let (mut findings, mut opened) = (Vec::new(), Opened::default());
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let length = path.metadata().map_or(0, |status| status.len());
        let parsed = match length {
            0..=KEY_FILE_BYTES_MAX => KeyFile::parse(&read(&path)?),
            _ => Err(KeyFileError::NotAKeyFile(format!("it has {} bytes", grouped(length)))),
        };
        let pool = parsed.as_ref().map_or_else(|_| "-".to_owned(), |file| file.pool.clone());
        let finding = match parsed.and_then(|file| file.open(kit)) {
            Ok(key) => {
                opened.take(key);
                "opens".to_owned()
            }
            Err(error) => error.to_string(),
        };
        findings.push(Finding { file, pool, finding });
    }
    Ok((findings, opened))
}

fn decrypt(
    arguments: &VerifyArguments,
    sample: &Path,
    keys: Arc<Opened>,
) -> Result<Sample, AppError> {
    let path = arguments.tape.join(sample);
    let what = || format!("cannot read {}", path.display());
    let file = File::open(&path).map_err(|source| AppError::Io { what: what(), source })?;
    let mut out: Box<dyn Write> = match &arguments.to {
        Some(to) => {
            let what = || format!("cannot write {}", to.display());
            let made = File::create_new(to);
            Box::new(made.map_err(|source| AppError::Io { what: what(), source })?)
        }
        None => Box::new(io::sink()),
    };
    let copied = copy_opened(file, keys, &mut out);
    let (bytes, sha256) = copied.map_err(|error| refused(&path, &error))?;
    Ok(Sample { path, bytes, sha256 })
}

fn copy_opened(
    file: File,
    keys: Arc<Opened>,
    out: &mut dyn Write,
) -> io::Result<(u64, Sha256Digest)> {
    let mut opened = OpenReader::new(BufReader::new(file), keys);
    let is_packed = opened.form()?.is_some_and(|form| form.inner == Inner::Zstd);
    let mut plain: Box<dyn Read> = match is_packed {
        true => Box::new(zstd::Decoder::new(opened)?),
        false => Box::new(opened),
    };
    let (mut piece, mut hash, mut bytes) = (vec![0; PIECE], Sha256::new(), 0_u64);
    loop {
        let count = plain.read(&mut piece)?;
        if count == 0 {
            break;
        }
        hash.update(&piece[..count]);
        out.write_all(&piece[..count])?;
        bytes += count as u64;
    }
    out.flush()?;
    Ok((bytes, Sha256Digest(hash.finalize().into())))
}

fn refused(path: &Path, error: &io::Error) -> AppError {
    let doing = format!("{} cannot be decrypted", path.display());
    let sealed = error.get_ref().and_then(|inner| inner.downcast_ref::<SealedError>());
    let next_step = match sealed {
        Some(SealedError::KeyMissing(_)) => {
            "Its data key is not opened by this kit: run it without a file to see which kit opens it."
        }
        Some(SealedError::NotSealed) => "Name a file whose name ends in .sealed.",
        Some(SealedError::Newer(_)) => "Take a newer release, or unseal.py from the tape.",
        Some(_) => "Take another copy of the file.",
        None => "Check the tape, and the room where it is written to.",
    };
    match sealed {
        Some(sealed) => AppError::offline(&doing, sealed, next_step),
        None => AppError::offline(&doing, error, next_step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::keys::sealed::{SealedForm, seal_whole};

    /// A tape with one sealed file, and its kit in a file.
    struct Tape {
        folder: tempfile::TempDir,
        sealed: Vec<u8>,
    }

    impl Tape {
        fn new(inner: Inner) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (kit, key) = (Kit::generate(), DataKey::generate());
            let file = KeyFile::wrap(&key, "private", Timestamp::default(), &[kit.public()]);
            let keys = folder.path().join(KEYS);
            std::fs::create_dir_all(&keys).unwrap();
            std::fs::write(keys.join(format!("{}.json", key.id())), file.to_json()).unwrap();
            std::fs::write(folder.path().join("kit.txt"), kit.text().as_str()).unwrap();
            let plain = [7; 200_000];
            let packed = match inner {
                Inner::AsIs => plain.to_vec(),
                Inner::Zstd => zstd::encode_all(&plain[..], 1).unwrap(),
            };
            let mut sealed = Vec::new();
            seal_whole(&key, SealedForm { inner, part: 0 }, &packed, &mut sealed);
            std::fs::write(folder.path().join("a.sealed"), &sealed).unwrap();
            Self { folder, sealed }
        }

        fn verify(&self, sample: bool) -> Result<(Exit, String), AppError> {
            let (output, text) = Output::captured(true);
            let arguments = VerifyArguments {
                tape: self.folder.path().to_owned(),
                sample: sample.then(|| "a.sealed".into()),
                kit: Some(self.folder.path().join("kit.txt")),
                to: None,
            };
            let exit = run(&arguments, &output)?;
            let said = text.lock().clone();
            Ok((exit, said))
        }

        /// What is said of the sample after a change.
        fn damaged(&self, change: impl Fn(&mut Vec<u8>)) -> String {
            let mut sealed = self.sealed.clone();
            change(&mut sealed);
            std::fs::write(self.folder.path().join("a.sealed"), sealed).unwrap();
            self.verify(true).unwrap_err().to_string()
        }
    }

    #[test]
    fn the_kit_alone_decrypts_a_file_packed_or_not() {
        let digest = Sha256Digest(Sha256::digest([7; 200_000]).into()).to_string();
        for inner in [Inner::AsIs, Inner::Zstd] {
            let (exit, said) = Tape::new(inner).verify(true).unwrap();
            assert!(exit == Exit::Done && said.contains(&digest), "{said}");
        }
    }

    #[test]
    fn a_wrong_kit_a_damaged_header_and_a_missing_end_are_told_apart() {
        let tape = Tape::new(Inner::AsIs);
        assert!(tape.damaged(|sealed| sealed[20] ^= 1).contains("its header is damaged"));
        let cut = tape.damaged(|sealed| sealed.truncate(80 + 2 * (65_536 + 16)));
        assert!(cut.contains("it ends after segment 2"), "{cut}");
        let flipped = tape.damaged(|sealed| sealed[70_000] ^= 1);
        assert!(flipped.contains("segment 1 is damaged"), "{flipped}");
        assert!(tape.damaged(|sealed| sealed[0] = b'X').contains("does not begin like"));
        std::fs::write(tape.folder.path().join("kit.txt"), Kit::generate().text().as_str())
            .unwrap();
        let (exit, said) = tape.verify(false).unwrap();
        assert!(exit == Exit::Failed && said.contains("it was wrapped for kit"), "{said}");
        assert!(tape.damaged(|_| ()).contains("which is not here"));
        std::fs::write(tape.folder.path().join("kit.txt"), "AAAA ".repeat(14)).unwrap();
        assert!(tape.verify(false).unwrap_err().to_string().contains("mistyped"));
    }
}
