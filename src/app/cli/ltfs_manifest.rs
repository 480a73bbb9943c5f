//! Copying files by manifests: without an index, with all that a manifest knows of them.
//!
//! More comes back than LTFS keeps: true names, modes, attributes, hard links, holes, and every hash is
//! compared. A compressed file and a part of a split one come back as they are stored, for `zstd` and
//! `cat`. What lies on other volumes is counted.

use std::collections::HashMap;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::ltfs_carve::{Layout, manifest_reader};
use super::ltfs_extract::{Problem, Tally, Task, content, damaged, short};
use super::ltfs_unseal::Unsealing;
use super::output::grouped;
use crate::app::error::{AppError, Exit};
use crate::domain::{FileKind, Sha256Digest, SourcePath};
use crate::drive::Drive;
use crate::ltfs::extent::{Extent, PartitionId};
use crate::ltfs::index::FileEntry;
use crate::ltfs::reader::VolumeReader;
use crate::manifest::{Codec, EntryState, ManifestEntry, ManifestError, ManifestHeader};
use crate::source::destination::Destination;

const MANIFEST_NEXT: &str = "What stands before the damage is copied. Name another copy of the \
    manifest with --from (manifests/<set>/ of the data folder).";

/// A manifest that was read from its first line to its last.
pub(super) struct ManifestFile {
    pub(super) path: PathBuf,
    pub(super) header: ManifestHeader,
}

impl ManifestFile {
    /// Reads the first line; what is wrong further on is met while copying.
    pub(super) fn open(path: PathBuf) -> Result<Self, ManifestError> {
        let header = manifest_reader(&path)?.header().clone();
        Ok(Self { path, header })
    }
}

/// Copies what the manifests list.
pub(super) fn copy_manifests(
    drive: &mut Drive,
    layout: &Layout,
    manifests: &[ManifestFile],
    task: Task<'_>,
    unsealing: Option<Unsealing>,
) -> Result<Exit, AppError> {
    let destination = task.destination()?;
    let mut tally = Tally::default();
    let mut elsewhere = 0;
    let mut ended = Ok(());
    for manifest in manifests {
        layout.ensure_is(manifest.header.volume, &manifest.path)?;
        if !task.output.is_json {
            let ManifestHeader { run, set, .. } = &manifest.header;
            task.output.line(&format!("run {run} of set {set}"))?;
        }
        let block_size = manifest.header.block_size_bytes;
        let reader = VolumeReader::with_block_size(drive, block_size, layout.map);
        let links = HashMap::new();
        let mut copying =
            Copying { reader, destination: &destination, tally, elsewhere, links, task };
        ended = copying.run(manifest);
        (tally, elsewhere) = (copying.tally, copying.elsewhere);
        if ended.is_err() {
            break;
        }
    }
    let finished = destination.finish(&mut |_| tally.problems += 1);
    ended?;
    finished.map_err(|error| AppError::offline("cannot carve", &error, "Look at the disk."))?;
    if elsewhere > 0 && !task.output.is_json {
        let count = grouped(elsewhere);
        task.output.line(&format!("{count} entries lie on other volumes or were never stored."))?;
    }
    tally.end(task, unsealing)
}

struct Copying<'a> {
    reader: VolumeReader<'a>,
    destination: &'a Destination,
    tally: Tally,
    elsewhere: u64,
    /// Files with several names that come back as they are stored, by their own path: where they come to.
    links: HashMap<SourcePath, SourcePath>,
    task: Task<'a>,
}

impl Copying<'_> {
    fn run(&mut self, manifest: &ManifestFile) -> Result<(), AppError> {
        let damaged = |error: ManifestError| {
            let doing = format!("cannot read the manifest of run {}", manifest.header.run);
            AppError::offline(&doing, &error, MANIFEST_NEXT)
        };
        let top = format!("{}/{}", manifest.header.set, manifest.header.run);
        let mut entries = manifest_reader(&manifest.path).map_err(damaged)?;
        while let Some(entry) = entries.next_entry().map_err(damaged)? {
            let is_here = match entry.state {
                EntryState::Stored => true,
                EntryState::NotStorable { .. } => !entry.kind.has_content(),
                _ => false,
            };
            if !is_here {
                self.elsewhere += 1;
                continue;
            }
            let shown = format!("{top}/{}", stored_path(&entry));
            if !self.task.is_wanted(&shown) {
                continue;
            }
            let copied = self.entry(&top, &entry);
            self.tally.note_sealed(&shown, &copied);
            if copied.is_ok() && entry.kind.has_content() {
                self.tally.files += 1;
                self.tally.bytes += entry.extents.iter().map(|e| e.byte_count).sum::<u64>();
            }
            self.tally.note(&shown, copied, self.task.output)?;
        }
        Ok(())
    }

    fn entry(&mut self, top: &str, entry: &ManifestEntry) -> Result<(), Problem> {
        let destination = self.destination;
        let below = |path: &[u8]| {
            let bytes = [top.as_bytes(), b"/", path].concat();
            SourcePath::from_bytes(bytes).map_err(|error| Problem::OneFile(error.to_string()))
        };
        if let Some(first) = &entry.hard_link_of {
            let (path, first) = match self.links.get(first) {
                Some(stored) => (below(stored_path(entry).as_bytes())?, stored.clone()),
                None => (below(entry.path.as_bytes())?, below(first.as_bytes())?),
            };
            return short(&destination.hard_link(&path, &first)?.shortfalls);
        }
        let is_as_it_was = entry.codec.is_none() && entry.part.is_none();
        let path = if is_as_it_was {
            below(entry.path.as_bytes())?
        } else {
            below(stored_path(entry).as_bytes())?
        };
        // A part is not what the other names stand for.
        if entry.codec.is_some() && entry.part.is_none() && entry.links > 1 {
            self.links.insert(entry.path.clone(), path.clone());
        }
        match &entry.kind {
            FileKind::File => {}
            FileKind::Directory => {
                return short(&destination.directory(&path, &entry.metadata)?.shortfalls);
            }
            kind => {
                return short(&destination.special(&path, kind, &entry.metadata)?.shortfalls);
            }
        }
        let stored = file_entry(entry)?;
        let segments = if is_as_it_was { entry.data_segments.clone() } else { None };
        let mut file = destination.file(&path, segments)?;
        let mut hasher = Sha256::new();
        let missing =
            content(&mut self.reader, &mut file, &stored, &mut |bytes| hasher.update(bytes))?;
        let found = Sha256Digest(hasher.finalize().into());
        let wrong = expected_hash(entry)
            .filter(|expected| *expected != found)
            .map(|expected| format!("its SHA-256 is {found}, and was {expected}"));
        match missing.or(wrong) {
            None => short(&file.commit(stored.length, &entry.metadata)?.shortfalls),
            Some(why) => damaged(file, stored.length, &entry.metadata, &why),
        }
    }
}

/// The path below `/<set>/<run>/` on the volume.
fn stored_path(entry: &ManifestEntry) -> String {
    entry.stored_path.clone().unwrap_or_else(|| entry.path.to_string())
}

/// The hash of the stored bytes, where the manifest knows it.
fn expected_hash(entry: &ManifestEntry) -> Option<Sha256Digest> {
    match (&entry.codec, &entry.part) {
        (None, None) => entry.sha256,
        (None, Some(part)) => part.sha256,
        (Some(Codec { stored_sha256, .. }), _) => Some(*stored_sha256),
    }
}

/// A file as an index would list it.
fn file_entry(entry: &ManifestEntry) -> Result<FileEntry, Problem> {
    let mut stored = FileEntry::default();
    // Offsets count in the whole stored file; a part is a file of its own.
    let begin = match entry.part {
        Some(_) => entry.extents.iter().map(|extent| extent.file_offset).min().unwrap_or(0),
        None => 0,
    };
    for extent in &entry.extents {
        let letter = u8::try_from(extent.partition).ok().and_then(PartitionId::from_letter);
        let wrong = || Problem::OneFile(format!("there is no partition {}", extent.partition));
        stored.extents.push(Extent {
            partition: letter.ok_or_else(wrong)?,
            start_block: extent.start_block,
            byte_offset: extent.byte_offset,
            byte_count: extent.byte_count,
            file_offset: extent.file_offset - begin,
        });
    }
    let end = stored.extents.iter().map(Extent::file_end).max().unwrap_or(0);
    stored.length = match (&entry.codec, &entry.part) {
        (None, None) => entry.size_bytes,
        _ => end,
    };
    Ok(stored)
}
