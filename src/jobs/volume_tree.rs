//! A volume's index read as paths: which files of ours are on it, and where every file's bytes lie.
//!
//! An index is streamed, never held: [`walk_files`] gives each file with the folder it is in, and
//! [`OwnFiles`] keeps the handful that describe the volume. Paths have no slash before them and are
//! those of the volume, not of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use super::backup::tree::{KEYS_FOLDER, OWN_FOLDER, RUNS_FOLDER};
use super::context::{About, JobContext, SIGNATURE_BAD};
use super::error::JobError;
use crate::catalog::EventLevel;
use crate::domain::Barcode;
use crate::ltfs::index::{FileEntry, IndexEvent};
use crate::ltfs::merge::IndexFile;
use crate::ltfs::reader::{FilePiece, VolumeReader};
use crate::manifest::Verdict;

/// Texts of ours (`volume.json`, signatures) are a few KiB; more is none of ours.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Gives every file of a volume with the path of its folder; returns the volume's name.
///
/// # Errors
/// When the index cannot be read.
pub(crate) fn walk_files(
    index: &IndexFile,
    visit: &mut dyn FnMut(&str, &FileEntry),
) -> Result<String, JobError> {
    let mut volume_name = String::new();
    let mut folder = String::new();
    let mut lengths: Vec<usize> = Vec::new();
    index.replay(&mut |event| {
        match event {
            IndexEvent::EnterDirectory(directory) => {
                lengths.push(folder.len());
                if lengths.len() == 1 {
                    directory.name.as_str().clone_into(&mut volume_name);
                } else {
                    if !folder.is_empty() {
                        folder.push('/');
                    }
                    folder.push_str(directory.name.as_str());
                }
            }
            IndexEvent::LeaveDirectory(_) => folder.truncate(lengths.pop().unwrap_or(0)),
            IndexEvent::File(file) => visit(&folder, file),
            IndexEvent::Header(_) | IndexEvent::End(_) => {}
        }
        Ok(())
    })?;
    Ok(volume_name)
}

/// The files that describe a volume, as its index lists them.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnFiles {
    /// `/.fossilsafe/volume.json`
    pub(crate) record: Option<FileEntry>,
    /// `/.fossilsafe/volume.sig`
    pub(crate) record_signature: Option<FileEntry>,
    /// `/.fossilsafe/runs/<run>.manifest` by run.
    pub(crate) manifests: BTreeMap<String, FileEntry>,
    /// `/.fossilsafe/runs/<run>.sig` by run.
    pub(crate) signatures: BTreeMap<String, FileEntry>,
    /// `/.fossilsafe/keys/<id>.json`
    pub(crate) keys: Vec<FileEntry>,
    /// Folders `<set>/<run>` with files in them.
    pub(crate) run_folders: BTreeSet<(String, String)>,
}

impl OwnFiles {
    /// Takes note of a file, if it is one of these.
    pub(crate) fn meet(&mut self, folder: &str, file: &FileEntry) {
        let name = file.name.as_str();
        if folder == OWN_FOLDER {
            match name {
                "volume.json" => self.record = Some(file.clone()),
                "volume.sig" => self.record_signature = Some(file.clone()),
                _ => {}
            }
            return;
        }
        let mut above = folder.splitn(3, '/');
        let (Some(first), Some(second)) = (above.next(), above.next()) else { return };
        if first == OWN_FOLDER {
            if second == KEYS_FOLDER && above.next().is_none() {
                self.keys.push(file.clone());
            } else if second == RUNS_FOLDER && above.next().is_none() {
                if let Some(run) = name.strip_suffix(".manifest") {
                    self.manifests.insert(run.to_owned(), file.clone());
                } else if let Some(run) = name.strip_suffix(".sig") {
                    self.signatures.insert(run.to_owned(), file.clone());
                }
            }
        } else if !self.run_folders.iter().any(|(set, run)| set == first && run == second) {
            self.run_folders.insert((first.to_owned(), second.to_owned()));
        }
    }
}

/// Why a file of ours is not usable.
#[derive(Debug)]
pub(crate) enum OwnFileProblem {
    /// It is not on the volume.
    Absent,
    /// It is, and cannot be read.
    Unreadable(String),
}

impl std::fmt::Display for OwnFileProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => f.write_str("it is not on the volume"),
            Self::Unreadable(reason) => write!(f, "it cannot be read: {reason}"),
        }
    }
}

/// Reads a short text of ours.
///
/// # Errors
/// The outer error when the drive fails; the inner one concerns this file only.
pub(crate) fn read_text(
    reader: &mut VolumeReader<'_>,
    entry: Option<&FileEntry>,
) -> Result<Result<Vec<u8>, OwnFileProblem>, JobError> {
    let Some(entry) = entry else { return Ok(Err(OwnFileProblem::Absent)) };
    if entry.length > TEXT_BYTES_MAX {
        let reason = format!("it has {} bytes", entry.length);
        return Ok(Err(OwnFileProblem::Unreadable(reason)));
    }
    let mut text = Vec::new();
    let read = read_pieces(reader, entry, &mut |bytes| {
        text.extend_from_slice(bytes);
        Ok(())
    })?;
    Ok(read.map(|()| text))
}

/// Reads a file of ours into the file `to`.
///
/// # Errors
/// The outer error when the drive or the disk fails; the inner one concerns this file only.
pub(crate) fn read_to_file(
    reader: &mut VolumeReader<'_>,
    entry: &FileEntry,
    to: &Path,
) -> Result<Result<(), OwnFileProblem>, JobError> {
    let file = std::fs::File::create(to).map_err(JobError::io("write", to))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);
    let read = read_pieces(reader, entry, &mut |bytes| file.write_all(bytes));
    let read = read.map_err(|error| match error {
        PieceError::Job(error) => error,
        PieceError::Sink(error) => JobError::io("write", to)(error),
    })?;
    file.flush().map_err(JobError::io("write", to))?;
    Ok(read)
}

/// The drive failed, or who takes the bytes.
enum PieceError {
    Job(JobError),
    Sink(std::io::Error),
}

impl From<PieceError> for JobError {
    fn from(error: PieceError) -> Self {
        match error {
            PieceError::Job(error) => error,
            PieceError::Sink(error) => Self::Bug(error.to_string()),
        }
    }
}

fn read_pieces(
    reader: &mut VolumeReader<'_>,
    entry: &FileEntry,
    sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<Result<(), OwnFileProblem>, PieceError> {
    let mut problem = None;
    let mut failure = None;
    let flow = reader.read_file(entry, &mut |piece| match piece {
        FilePiece::Bytes { bytes, .. } => match sink(bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        },
        FilePiece::Hole { offset, .. } => {
            problem = Some(format!("nothing is stored from byte {offset} on"));
            ControlFlow::Break(())
        }
        FilePiece::Failed { problem: found, .. } => {
            problem = Some(found.to_string());
            ControlFlow::Break(())
        }
    });
    let _complete_or_told = flow.map_err(|error| PieceError::Job(error.into()))?;
    match (failure, problem) {
        (Some(error), _) => Err(PieceError::Sink(error)),
        (None, Some(problem)) => Ok(Err(OwnFileProblem::Unreadable(problem))),
        (None, None) => Ok(Ok(())),
    }
}

/// Tells whoever watches of a signature that is not that of what it stands beside.
pub(crate) fn tell_if_forged(
    context: &JobContext,
    barcode: &Barcode,
    what: &str,
    verdict: &Verdict,
) {
    if matches!(verdict, Verdict::BadSignature { .. }) {
        let reason = distrust(verdict).unwrap_or_default();
        let message = format!("{what} on {barcode}: {reason}");
        let about = Some(About::Cartridge(barcode.clone()));
        context.tell_about(EventLevel::Error, SIGNATURE_BAD, message, about);
    }
}

/// Why a signed file is not to be believed; nothing for one that a trusted key signed.
pub(crate) fn distrust(verdict: &Verdict) -> Option<String> {
    Some(match verdict {
        Verdict::Trusted { .. } => return None,
        Verdict::Foreign { key_id } => {
            format!("it is signed by key {key_id}, which is not trusted")
        }
        Verdict::BadSignature { key_id } => format!("it is not what key {key_id} signed"),
        Verdict::Unsigned => "it has no signature".to_owned(),
        Verdict::Truncated { line } => format!("it is cut after line {line}"),
        Verdict::Damaged { line, reason } => format!("line {line} is damaged: {reason}"),
        Verdict::Unreadable { reason } => reason.clone(),
    })
}
