//! Copying files from a mounted volume into a folder, in the order of its index.
//!
//! Volumes of ours list files in the order in which they lie on tape, so this moves forward only;
//! on others it may wind back and forth. A damaged file is kept under a name that says so.

use std::ops::ControlFlow;
use std::path::Path;

use super::ltfs_unseal::Unsealing;
use super::output::{Output, grouped, size};
use crate::app::error::{AppError, Exit};
use crate::domain::{FileKind, FileMetadata, FileTimes, SourcePath, Xattr};
use crate::drive::Drive;
use crate::ltfs::error::LtfsError;
use crate::ltfs::index::{self, DirectoryEntry, FileEntry, IndexEvent, Times};
use crate::ltfs::merge::TreeError;
use crate::ltfs::mount::MountedVolume;
use crate::ltfs::reader::{FilePiece, VolumeReader};
use crate::manifest::SEALED_SUFFIX;
use crate::source::destination::{
    Conflict, Destination, DestinationError, DestinationOptions, Owners, RestoredFile,
};

/// LTFS keeps one bit of the mode: read-only.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;
const WRITE_BITS: u32 = 0o222;
/// What a hole is.
const ZEROS: [u8; 4096] = [0; 4096];

/// Where a walk through an index is.
#[derive(Debug, Default)]
pub(super) struct Folder(Vec<String>);

impl Folder {
    /// Within the root already: for a walk that does not begin with it.
    pub(super) fn within_root() -> Self {
        Self(vec![String::new()])
    }

    /// True before the root was entered. Its name is the volume's and no part of a path.
    pub(super) fn is_outside(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// Without a slash at its beginning; empty for the root.
    pub(super) fn path(&self) -> String {
        self.0.get(1..).unwrap_or_default().join("/")
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        match self.path() {
            path if path.is_empty() => name.to_owned(),
            path => format!("{path}/{name}"),
        }
    }
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) problems: u64,
    /// Sealed files that were copied, whole or not, below the folder that they went to.
    pub(super) sealed: Vec<String>,
}

/// Why one file is not there; the drive's failure ends everything.
pub(super) enum Problem {
    Ends(Box<LtfsError>),
    OneFile(String),
    /// As `OneFile`, and what is there of it is kept under this name.
    Kept {
        why: String,
        path: String,
    },
}

impl From<DestinationError> for Problem {
    fn from(error: DestinationError) -> Self {
        Self::OneFile(AppError::chain_of(&error))
    }
}

pub(super) const READ_NEXT: &str =
    "Clean the drive or try another one, then extract again into a new folder.";

const KEY_NEXT: &str =
    "The drive has encrypted it: name a file with the groups of the recovery kit with --kit.";

/// True if it is there and its key is not.
fn is_locked(error: &LtfsError) -> bool {
    matches!(error, LtfsError::Drive { source, .. } if source.is_locked_content())
}

/// Copies what `paths` name, or everything.
pub(super) fn extract(
    drive: &mut Drive,
    volume: &MountedVolume,
    to: &Path,
    paths: &[String],
    output: &Output,
) -> Result<Exit, AppError> {
    let reader = VolumeReader::new(drive, volume);
    let replay = |visit: &mut Visit<'_>| volume.index.file.replay(visit);
    copy_tree(reader, Folder::default(), replay, Task { to, paths, output }, None)
}

/// What a step of a walk does.
pub(super) type Visit<'a> = dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError> + 'a;

/// What is copied, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) to: &'a Path,
    /// Empty: everything.
    pub(super) paths: &'a [String],
    pub(super) output: &'a Output,
}

impl Task<'_> {
    /// The folder, in which nothing is overwritten.
    pub(super) fn destination(&self) -> Result<Destination, AppError> {
        let options = DestinationOptions {
            conflict: Conflict::Refuse,
            owners: Owners::Leave,
            own: None,
            tag: "extract".to_owned(),
        };
        Destination::open(self.to, options)
            .map_err(|error| AppError::offline("cannot extract", &error, "Name another folder."))
    }

    /// True for what was asked for.
    pub(super) fn is_wanted(&self, path: &str) -> bool {
        let is_below = |folder: &str| {
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.paths.is_empty() || self.paths.iter().any(|folder| is_below(folder.trim_matches('/')))
    }
}

/// Copies what a walk meets; `replay` gives the tree, beginning in `folder`.
pub(super) fn copy_tree<E: std::error::Error + 'static>(
    reader: VolumeReader<'_>,
    folder: Folder,
    replay: impl FnOnce(&mut Visit<'_>) -> Result<(), E>,
    task: Task<'_>,
    unsealing: Option<Unsealing>,
) -> Result<Exit, AppError> {
    let destination = task.destination()?;
    let mut extraction =
        Extraction { reader, destination: &destination, folder, tally: Tally::default(), task };
    let mut ended = None;
    let replayed = replay(&mut |event| {
        extraction.event(event).map_err(|error| {
            ended = Some(error);
            TreeError::NoDirectory(String::new())
        })
    });
    let mut tally = extraction.tally;
    // Directories get their times also when the reading ended early.
    let finished = destination.finish(&mut |_| tally.problems += 1);
    if let Some(error) = ended {
        return Err(error);
    }
    replayed.map_err(|error| AppError::offline("cannot read the index", &error, READ_NEXT))?;
    finished.map_err(|error| AppError::offline("cannot extract", &error, "Look at the disk."))?;
    tally.end(task, unsealing)
}

/// A walk through an index that copies on its way.
struct Extraction<'a> {
    reader: VolumeReader<'a>,
    destination: &'a Destination,
    folder: Folder,
    tally: Tally,
    task: Task<'a>,
}

impl Extraction<'_> {
    fn event(&mut self, event: IndexEvent<'_>) -> Result<(), AppError> {
        match event {
            IndexEvent::EnterDirectory(directory) => {
                let is_root = self.folder.is_outside();
                self.folder.enter(directory.name.as_str());
                let path = self.folder.path();
                if is_root || !self.task.is_wanted(&path) {
                    return Ok(());
                }
                let done = self.directory(&path, directory);
                self.note(&path, done)
            }
            IndexEvent::File(file) => {
                let path = self.folder.path_of(file.name.as_str());
                if !self.task.is_wanted(&path) {
                    return Ok(());
                }
                let copied = source_path(&path)
                    .and_then(|at| copy(&mut self.reader, self.destination, &at, file));
                self.tally.note_sealed(&path, &copied);
                if copied.is_ok() {
                    self.tally.files += 1;
                    self.tally.bytes += file.length;
                }
                self.note(&path, copied)
            }
            IndexEvent::LeaveDirectory(_) => {
                self.folder.leave();
                Ok(())
            }
            IndexEvent::Header(_) | IndexEvent::End(_) => Ok(()),
        }
    }

    fn directory(&self, path: &str, entry: &DirectoryEntry) -> Result<(), Problem> {
        let metadata = metadata(DIRECTORY_MODE, entry.read_only, &entry.times, &entry.xattrs);
        short(&self.destination.directory(&source_path(path)?, &metadata)?.shortfalls)
    }

    fn note(&mut self, path: &str, done: Result<(), Problem>) -> Result<(), AppError> {
        self.tally.note(path, done, self.task.output)
    }
}

impl Tally {
    /// Remembers a sealed file for the kit.
    pub(super) fn note_sealed(&mut self, path: &str, copied: &Result<(), Problem>) {
        if !path.ends_with(SEALED_SUFFIX) {
            return;
        }
        match copied {
            Ok(()) => self.sealed.push(path.to_owned()),
            Err(Problem::Kept { path, .. }) => self.sealed.push(path.clone()),
            Err(_) => {}
        }
    }

    /// Tells what is wrong with one file; passes on what ends everything.
    pub(super) fn note(
        &mut self,
        path: &str,
        done: Result<(), Problem>,
        output: &Output,
    ) -> Result<(), AppError> {
        match done {
            Ok(()) => Ok(()),
            Err(Problem::OneFile(why) | Problem::Kept { why, .. }) => {
                self.problems += 1;
                if output.is_json {
                    return Ok(());
                }
                output.line(&format!("not exact: {path}: {why}"))
            }
            Err(Problem::Ends(error)) => {
                let next = if is_locked(&error) { KEY_NEXT } else { READ_NEXT };
                Err(AppError::offline(&format!("cannot read {path}"), &*error, next))
            }
        }
    }

    /// Opens what is sealed, if there is a kit, and reports.
    pub(super) fn end(
        mut self,
        task: Task<'_>,
        unsealing: Option<Unsealing>,
    ) -> Result<Exit, AppError> {
        if let Some(unsealing) = unsealing {
            unsealing.open_files(&mut self, task.to, task.output)?;
        }
        self.report(task)
    }

    fn report(&self, task: Task<'_>) -> Result<Exit, AppError> {
        let Task { to, output, .. } = task;
        if output.is_json {
            output.json(&serde_json::json!({
                "files": self.files, "bytes": self.bytes, "problems": self.problems, "to": to,
            }))?;
        } else {
            let (files, bytes, to) = (grouped(self.files), size(self.bytes), to.display());
            output.line(&format!("{files} files, {bytes} are in {to}."))?;
            if self.problems > 0 {
                output.line(&format!("Not exact: {}", grouped(self.problems)))?;
            }
        }
        Ok(if self.problems == 0 { Exit::Done } else { Exit::Failed })
    }
}

fn source_path(path: &str) -> Result<SourcePath, Problem> {
    // Names on foreign volumes may be anything, `..` included.
    SourcePath::from_bytes(path).map_err(|error| Problem::OneFile(error.to_string()))
}

fn copy(
    reader: &mut VolumeReader<'_>,
    destination: &Destination,
    path: &SourcePath,
    entry: &FileEntry,
) -> Result<(), Problem> {
    if let Some(target) = &entry.symlink {
        // Linux keeps no attributes of people's on a link, and LTFS has its own there.
        let metadata = metadata(FILE_MODE, entry.read_only, &entry.times, &[]);
        let kind = FileKind::Symlink { target: target.as_str().as_bytes().into() };
        return short(&destination.special(path, &kind, &metadata)?.shortfalls);
    }
    let metadata = metadata(FILE_MODE, entry.read_only, &entry.times, &entry.xattrs);
    let mut file = destination.file(path, None)?;
    match content(reader, &mut file, entry, &mut |_| {})? {
        None => short(&file.commit(entry.length, &metadata)?.shortfalls),
        Some(why) => damaged(file, entry.length, &metadata, &why),
    }
}

/// Reads a file's content into `file`; what is missing of it, if anything is. `pass` is given every
/// byte in the order of the file, holes as zeros.
pub(super) fn content(
    reader: &mut VolumeReader<'_>,
    file: &mut RestoredFile,
    entry: &FileEntry,
    pass: &mut dyn FnMut(&[u8]),
) -> Result<Option<String>, Problem> {
    let (mut damage, mut refused) = (None, None);
    let read = reader.read_file(entry, &mut |piece| match piece {
        FilePiece::Bytes { offset, bytes } => match file.write_at(bytes, offset) {
            Ok(()) => {
                pass(bytes);
                ControlFlow::Continue(())
            }
            Err(error) => {
                refused = Some(error);
                ControlFlow::Break(())
            }
        },
        FilePiece::Hole { length, .. } => {
            let mut left = length;
            while left > 0 {
                let count = usize::try_from(left).unwrap_or(ZEROS.len()).min(ZEROS.len());
                pass(&ZEROS[..count]);
                left -= u64::try_from(count).unwrap_or(left);
            }
            ControlFlow::Continue(())
        }
        FilePiece::Failed { offset, length, problem } => {
            let why = AppError::chain_of(&problem);
            damage.get_or_insert(format!("{length} bytes from {offset} are missing: {why}"));
            ControlFlow::Continue(())
        }
    });
    // Stopped early only by what `refused` holds.
    let _flow = read.map_err(|error| Problem::Ends(Box::new(error)))?;
    match refused {
        Some(error) => Err(error.into()),
        None => Ok(damage),
    }
}

/// Keeps a file that is not as it was, under a name that says so.
pub(super) fn damaged(
    file: RestoredFile,
    length: u64,
    metadata: &FileMetadata,
    why: &str,
) -> Result<(), Problem> {
    let kept = file.commit_damaged(length, metadata)?.path;
    Err(Problem::Kept { why: format!("{why}; kept as \"{kept}\""), path: kept.to_string() })
}

pub(super) fn short(shortfalls: &[crate::source::destination::Shortfall]) -> Result<(), Problem> {
    shortfalls.first().map_or(Ok(()), |first| Err(Problem::OneFile(first.reason.clone())))
}

/// What LTFS knows of a file, in the terms of this system.
fn metadata(mode: u32, read_only: bool, times: &Times, xattrs: &[index::Xattr]) -> FileMetadata {
    FileMetadata {
        mode: if read_only { mode & !WRITE_BITS } else { mode },
        times: FileTimes {
            modified: times.modify,
            changed: times.change,
            accessed: times.access,
            created: Some(times.creation),
        },
        xattrs: xattrs
            .iter()
            .map(|xattr| Xattr {
                name: format!("user.{}", xattr.key.as_str()).into_bytes().into(),
                value: xattr.value.as_slice().into(),
            })
            .collect(),
        ..FileMetadata::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_name_is_no_part_of_a_path() {
        let mut folder = Folder::default();
        assert!(folder.is_outside());
        folder.enter("FSP001L9");
        assert_eq!((folder.path().as_str(), folder.path_of("a").as_str()), ("", "a"));
        folder.enter("photos");
        assert_eq!(folder.path_of("b"), "photos/b");
        folder.leave();
        assert_eq!(folder.path_of("c"), "c");
    }
}
