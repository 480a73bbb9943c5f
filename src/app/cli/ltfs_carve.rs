//! `fossilsafe ltfs carve`: files from a volume of which no index can be read.
//!
//! Where files lie is learned from one of these, and from nothing of the index:
//!
//! ```text
//! the manifests on the tape      every block is read to find them; nothing else is needed
//! --from jobs/<job>/*.bulk       the journal of a run that died before its index was written
//! --from indexes/<volume>/*      an index kept off the tape
//! --from manifests/<set>/*       a manifest kept off the tape
//! ```
//!
//! With a kit, sealed files are opened as soon as they are carved (`ltfs_unseal`).
//!
//! The labels give the block size. If they cannot be read either, the volume is taken to be laid out as
//! every format of ours is, and a manifest says the block size.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::ltfs_extract::{Folder, Task, copy_tree};
use super::ltfs_manifest::{ManifestFile, copy_manifests};
use super::ltfs_target::next_step;
use super::ltfs_unseal::{KeyFiles, Unsealing};
use crate::app::error::{AppError, Exit};
use crate::domain::VolumeUuid;
use crate::drive::Drive;
use crate::ltfs::error::LtfsError;
use crate::ltfs::extract::{Fed, Recogniser, find_streams};
use crate::ltfs::label::PartitionMap;
use crate::ltfs::merge::{IndexFile, TreeError};
use crate::ltfs::mount::identify;
use crate::ltfs::reader::VolumeReader;
use crate::ltfs::spool::SpoolSnapshot;
use crate::manifest::{ManifestFinder, ManifestReader, Step};

const LOOK_NEXT: &str = "Name a file of the data folder: a journal (jobs/<job>/*.bulk), an index \
    (indexes/<volume>/*) or a manifest (manifests/<set>/*).";
const NO_MANIFEST_NEXT: &str = "If the appliance's data folder is there, name with --from a journal \
    (jobs/<job>/*.bulk) or an index (indexes/<volume>/*) of it.";

/// What is known of a volume without its index.
pub(super) struct Layout {
    pub(super) map: PartitionMap,
    /// `None`: the labels cannot be read.
    pub(super) label: Option<(VolumeUuid, u32)>,
}

/// What a file kept off the tape is.
enum Source {
    Journal(SpoolSnapshot),
    Index,
    Manifest,
}

/// What a volume is carved by.
pub(super) struct Plan<'a> {
    /// A file kept off the tape.
    pub(super) from: Option<&'a Path>,
    /// A folder for what is found.
    pub(super) work: &'a Path,
    /// A file with the groups of a kit.
    pub(super) kit: Option<&'a Path>,
    /// A folder with key files.
    pub(super) keys: Option<&'a Path>,
}

/// Copies what was asked for.
pub(super) fn carve(drive: &mut Drive, plan: &Plan<'_>, task: Task<'_>) -> Result<Exit, AppError> {
    let mut unsealing = plan.kit.map(|kit| Unsealing::new(kit, plan.keys)).transpose()?;
    let layout = look(drive, task)?;
    let Some(path) = plan.from else {
        let (manifests, keys) = search(drive, &layout, plan.work, task)?;
        if let (Some(unsealing), None) = (&mut unsealing, plan.keys) {
            unsealing.take_found(keys)?;
        }
        return copy_manifests(drive, &layout, &manifests, task, unsealing);
    };
    if let (Some(unsealing), None) = (&mut unsealing, plan.keys) {
        if !task.output.is_json {
            task.output.line("reading the data partition for keys …")?;
        }
        unsealing.search(drive, layout.map.data.1, layout.block_bytes())?;
    }
    let cannot = |error: &dyn std::error::Error| {
        AppError::offline(&format!("cannot use {}", path.display()), error, LOOK_NEXT)
    };
    match source_of(path)? {
        Source::Manifest => {
            let manifest = ManifestFile::open(path.to_owned()).map_err(|error| cannot(&error))?;
            copy_manifests(drive, &layout, &[manifest], task, unsealing)
        }
        Source::Journal(journal) => {
            let reader = VolumeReader::with_block_size(drive, layout.block_size()?, layout.map);
            let replay =
                |visit: &mut super::ltfs_extract::Visit<'_>| journal.replay::<TreeError>(visit);
            copy_tree(reader, Folder::within_root(), replay, task, unsealing)
        }
        Source::Index => {
            let block_size = layout.block_size()?;
            let index = IndexFile::open(path, block_size).map_err(|error| cannot(&error))?;
            layout.ensure_is(index.header().volume_uuid, path)?;
            let reader = VolumeReader::with_block_size(drive, block_size, layout.map);
            copy_tree(reader, Folder::default(), |visit| index.replay(visit), task, unsealing)
        }
    }
}

/// Reads the labels.
fn look(drive: &mut Drive, task: Task<'_>) -> Result<Layout, AppError> {
    match identify(drive) {
        Ok((label, map)) => Ok(Layout { map, label: Some((label.uuid, label.block_size)) }),
        Err(error @ LtfsError::Labels(_)) => {
            if !task.output.is_json {
                let why = AppError::chain_of(&error);
                task.output.line(&format!("{why}; taken to be as this program formats"))?;
            }
            Ok(Layout { map: PartitionMap::FORMATTED, label: None })
        }
        Err(error) => Err(AppError::offline("cannot carve", &error, next_step(&error))),
    }
}

impl Layout {
    fn block_size(&self) -> Result<u32, AppError> {
        let missing = || AppError::Offline {
            message: "the labels cannot be read, so the block size is not known".to_owned(),
            next_step: "Carve by the manifests, which name it: leave --from out.".to_owned(),
        };
        self.label.map(|(_, block_size)| block_size).ok_or_else(missing)
    }

    /// The longest block that can be there.
    fn block_bytes(&self) -> usize {
        const MIB: usize = 1 << 20;
        self.label.map_or(MIB, |(_, size)| usize::try_from(size).unwrap_or(MIB))
    }

    /// Refuses what describes another volume.
    pub(super) fn ensure_is(&self, described: VolumeUuid, path: &Path) -> Result<(), AppError> {
        match self.label {
            Some((volume, _)) if volume != described => {
                let path = path.display();
                Err(AppError::Offline {
                    message: format!("{path} is of volume {described}; this is volume {volume}"),
                    next_step: LOOK_NEXT.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Finds out by its beginning what a file is.
fn source_of(path: &Path) -> Result<Source, AppError> {
    const MANIFEST: &[u8] = b"{";
    const INDEX: &[u8] = b"<";
    let io = |source| AppError::Io { what: format!("cannot read {}", path.display()), source };
    let mut first = [0; 1];
    let count = File::open(path).and_then(|mut file| file.read(&mut first)).map_err(io)?;
    match &first[..count] {
        MANIFEST => Ok(Source::Manifest),
        INDEX => Ok(Source::Index),
        _ => SpoolSnapshot::of_file(path)
            .map(Source::Journal)
            .map_err(|error| AppError::offline("cannot carve by that file", &error, LOOK_NEXT)),
    }
}

/// Reads the whole data partition for manifests of this volume, and for key files. Of two manifests of one run the one
/// that was written later counts.
fn search(
    drive: &mut Drive,
    layout: &Layout,
    work: &Path,
    task: Task<'_>,
) -> Result<(Vec<ManifestFile>, KeyFiles), AppError> {
    let say = |text: &str| if task.output.is_json { Ok(()) } else { task.output.line(text) };
    say("reading the data partition for manifests …")?;
    let mut collector = Collector::new(work);
    let (_, data) = layout.map.data;
    let scanned = find_streams(drive, data, layout.block_bytes(), &mut collector, &mut |_| {
        ControlFlow::Continue(())
    });
    if let Some(source) = collector.failure {
        let what = format!("cannot write to {}", work.display());
        return Err(AppError::Io { what, source });
    }
    // Never stopped early.
    let _flow =
        scanned.map_err(|error| AppError::offline("cannot carve", &error, next_step(&error)))?;
    let mut manifests: Vec<ManifestFile> = Vec::new();
    // One that the tape ends in is not whole.
    collector.drop_current();
    for path in std::mem::take(&mut collector.files) {
        let manifest = match ManifestFile::open(path) {
            Ok(manifest) => manifest,
            Err(error) => {
                say(&format!("a manifest cannot be used: {}", AppError::chain_of(&error)))?;
                continue;
            }
        };
        if layout.label.is_some_and(|(volume, _)| volume != manifest.header.volume) {
            say(&format!("passed over a manifest of volume {}", manifest.header.volume))?;
            continue;
        }
        manifests.retain(|other| other.header.run != manifest.header.run);
        manifests.push(manifest);
    }
    if manifests.is_empty() {
        return Err(AppError::Offline {
            message: "no manifest that is whole was found on the tape".to_owned(),
            next_step: NO_MANIFEST_NEXT.to_owned(),
        });
    }
    Ok((manifests, collector.keys))
}

/// Keeps the manifests that are found, and the key files.
struct Collector<'a> {
    finder: ManifestFinder,
    folder: &'a Path,
    /// Whole ones; while one is being followed, it is the last.
    files: Vec<PathBuf>,
    current: Option<BufWriter<File>>,
    keys: KeyFiles,
    /// A key file is being followed, and no manifest.
    is_key: bool,
    failure: Option<std::io::Error>,
}

impl<'a> Collector<'a> {
    fn new(folder: &'a Path) -> Self {
        let (finder, files) = (ManifestFinder::default(), Vec::new());
        let keys = KeyFiles::default();
        Self { finder, folder, files, current: None, keys, is_key: false, failure: None }
    }

    /// Forgets the one that is being followed.
    fn drop_current(&mut self) {
        if self.current.take().is_some() {
            self.files.pop();
        }
    }

    fn keep(&mut self, bytes: &[u8], is_last: bool) -> std::io::Result<()> {
        if let Some(file) = &mut self.current {
            file.write_all(bytes)?;
            if is_last {
                file.flush()?;
                self.current = None;
            }
        }
        Ok(())
    }
}

impl Recogniser for Collector<'_> {
    fn begins(&mut self, block: &[u8], from: usize) -> Option<usize> {
        self.drop_current();
        if self.failure.is_some() {
            return None;
        }
        let manifest = self.finder.begins(block, from);
        let key = KeyFiles::place(block, from);
        self.is_key = key.is_some_and(|key| manifest.is_none_or(|at| key < at));
        if self.is_key {
            return self.keys.begins(block, from);
        }
        let at = manifest?;
        let path = self.folder.join(format!("{}.manifest", self.files.len()));
        match File::create(&path) {
            Ok(file) => {
                self.current = Some(BufWriter::new(file));
                self.files.push(path);
                Some(at)
            }
            Err(error) => {
                self.failure = Some(error);
                None
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> Fed {
        if self.is_key {
            return self.keys.feed(bytes);
        }
        let step = self.finder.feed(bytes);
        let kept = match step {
            Step::More => self.keep(bytes, false),
            Step::Complete { used } => self.keep(&bytes[..used], true),
            Step::Rejected => Ok(()),
        };
        if let Err(error) = kept {
            self.failure = Some(error);
            self.drop_current();
            return Fed::Rejected;
        }
        match step {
            Step::More => Fed::More,
            Step::Complete { used } => Fed::Complete { used },
            Step::Rejected => {
                self.drop_current();
                Fed::Rejected
            }
        }
    }
}

/// Opens a manifest from its beginning.
pub(super) fn manifest_reader(
    path: &Path,
) -> Result<ManifestReader<BufReader<File>>, crate::manifest::ManifestError> {
    let file = File::open(path)
        .map_err(|source| crate::manifest::ManifestError::Read { line: 0, source })?;
    ManifestReader::open(BufReader::new(file))
}
