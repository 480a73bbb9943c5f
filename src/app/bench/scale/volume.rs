//! One volume of millions of files: its index written and read, and how soon its first file is there.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::cost::Worker;
use super::super::tree::failed;
use super::gauge::{Gauge, Goal};
use super::sample::{FILES_IN_FOLDER, Sample};
use crate::app::error::AppError;
use crate::app::offline::{LoadedDrive, Target};
use crate::domain::{ByteCount, Clock, GIB, KIB, SystemClock};
use crate::ltfs::error::LtfsError;
use crate::ltfs::extent::{Extent, Extents, PartitionId};
use crate::ltfs::format::{FormatOptions, format};
use crate::ltfs::index::{DirectoryEntry, FileEntry, IndexEvent, IndexReader, IndexWriter, Times};
use crate::ltfs::merge::{EventSource as _, MergedIndex, TreeError};
use crate::ltfs::mount::{CheckEnds, MountOptions, MountedVolume, identify, mount};
use crate::ltfs::names::{Name, NameUse};
use crate::ltfs::reader::{FilePiece, VolumeReader};
use crate::ltfs::spool::{BulkSpool, SpoolSnapshot};
use crate::ltfs::writer::{IndexPlacement, Locked, OpenVolume, WriteOptions, creator};
use crate::vtl::{LibraryPlan, VirtualLibrary};

const CARTRIDGE: &str = "FSP001L9";
/// Folders in a folder.
const FOLDERS_IN_FOLDER: u64 = 1000;
/// Both indexes, several times over.
const CAPACITY_BYTES_PER_FILE: u64 = 16 * KIB;
/// Of the file that is read first.
const FIRST_FILE_BYTES: usize = 4096;
/// Goals of a volume of ten million files.
const CPU_SECONDS_MAX: f64 = 60.0;
const FIRST_FILE_SECONDS_MAX: f64 = 20.0;

/// Measures everything in `folder`, which does not exist.
pub(super) fn measure(gauge: &mut Gauge<'_>, folder: &Path, files: u64) -> Result<(), AppError> {
    let place = Place::make(folder, files)?;
    let in_cpu = Goal { cpu_seconds: Some(CPU_SECONDS_MAX), seconds: None };
    let (bulk, _) = gauge.step("entries to the spool", Worker::Thread, Goal::default(), || {
        spool(&place.own.join("files.bulk"), files)
    })?;
    let (text_bytes, _) =
        gauge.step("spool to index text", Worker::Thread, in_cpu, || index_text(bulk.clone()))?;
    gauge.bytes_a_file("index", text_bytes, None);
    let volume = place.begin()?;
    let ((volume, path), _) =
        gauge.step("index made and written to both partitions", Worker::Own, in_cpu, || {
            write_index(volume, bulk.clone())
        })?;
    gauge.step("index text to events", Worker::Thread, in_cpu, || read_events(&path))?;
    drop(bulk);
    drop(volume.into_drive());
    let goal = Goal { cpu_seconds: None, seconds: Some(FIRST_FILE_SECONDS_MAX) };
    gauge.step("foreign tape: mount to first file", Worker::Own, goal, || {
        place.first_file(&place.foreign, CheckEnds::WhenInDoubt)
    })?;
    gauge.step("tape of the catalog: labels to first file", Worker::Own, goal, || {
        place.known_file()
    })?;
    gauge.step("mount for appending, both indexes read", Worker::Own, Goal::default(), || {
        place.first_file(&place.own, CheckEnds::Always)
    })?;
    fs::remove_dir_all(folder).map_err(failed("remove", folder))
}

/// A virtual library and folders for indexes.
struct Place {
    library: PathBuf,
    /// Where the writer keeps its indexes.
    own: PathBuf,
    /// Where one who has never seen the tape keeps them.
    foreign: PathBuf,
    clock: Arc<dyn Clock>,
}

impl Place {
    fn make(folder: &Path, files: u64) -> Result<Self, AppError> {
        let place = Self {
            library: folder.join("library"),
            own: folder.join("own"),
            foreign: folder.join("foreign"),
            clock: Arc::new(SystemClock::new()),
        };
        for made in [folder, &place.own, &place.foreign] {
            fs::create_dir(made).map_err(failed("make", made))?;
        }
        let capacity = ByteCount(files * CAPACITY_BYTES_PER_FILE + GIB);
        VirtualLibrary::create(&place.library, &LibraryPlan::practice(1, capacity))
            .map_err(|error| AppError::offline("cannot make a library", &error, NEXT_STEP))?;
        Ok(place)
    }

    fn load(&self) -> Result<LoadedDrive, AppError> {
        let barcode = CARTRIDGE.parse();
        let barcode =
            barcode.map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))?;
        let target = Target::Virtual { library: self.library.clone(), barcode };
        LoadedDrive::open(&target, &self.clock)
    }

    fn options(&self, spool_dir: &Path, ends: CheckEnds) -> MountOptions {
        MountOptions { spool_dir: spool_dir.to_owned(), known: None, ends }
    }

    /// Formats the cartridge and begins to write to it. The cartridge stays in its drive.
    fn begin(&self) -> Result<OpenVolume, AppError> {
        let name = Name::new("scale", NameUse::Volume)
            .map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))?;
        let options = FormatOptions::usual(None, name, Arc::clone(&self.clock));
        let mut drive = self.load()?.into_drive();
        format(&mut drive, &options).map_err(refused)?;
        let mounted =
            mount(&mut drive, &self.options(&self.own, CheckEnds::Always)).map_err(refused)?;
        let options = WriteOptions {
            spool_dir: self.own.clone(),
            creator: creator("bench"),
            clock: Arc::clone(&self.clock),
            locked: Locked::Respect,
        };
        let volume = OpenVolume::begin(drive, &mounted, options);
        let mut volume = volume.map_err(|refusal| refused(refusal.error))?;
        volume.append_block(&[0x5A; FIRST_FILE_BYTES]).map_err(refused)?;
        Ok(volume)
    }

    /// Mounts the volume and reads the first file that its index lists.
    fn first_file(&self, spool_dir: &Path, ends: CheckEnds) -> Result<(), AppError> {
        let mut drive = self.load()?.into_drive();
        let mounted = mount(&mut drive, &self.options(spool_dir, ends)).map_err(refused)?;
        let first = first_entry(&mounted)?;
        read_first(&mut VolumeReader::new(&mut drive, &mounted), &first)
    }

    /// Reads a file whose extents are known, as a restore does: no index is needed.
    fn known_file(&self) -> Result<(), AppError> {
        let mut drive = self.load()?.into_drive();
        let (label, map) = identify(&mut drive).map_err(refused)?;
        read_first(&mut VolumeReader::with_label(&mut drive, &label, map), &file(0, 2)?)
    }
}

fn read_first(reader: &mut VolumeReader<'_>, first: &FileEntry) -> Result<(), AppError> {
    let mut bytes = 0;
    let read = reader.read_file(first, &mut |piece| {
        if let FilePiece::Bytes { bytes: read, .. } = piece {
            bytes += read.len();
        }
        ControlFlow::Continue(())
    });
    let _ = read.map_err(refused)?;
    if bytes == FIRST_FILE_BYTES {
        return Ok(());
    }
    Err(AppError::Offline {
        message: format!("{bytes} bytes of the first file were read"),
        next_step: NEXT_STEP.to_owned(),
    })
}

const NEXT_STEP: &str = "Run it again; if it stays, report it with the line above.";

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn refused(error: LtfsError) -> AppError {
    AppError::offline("the volume", &error, NEXT_STEP)
}

fn tree_error(error: TreeError) -> AppError {
    refused(LtfsError::from(error))
}

fn first_entry(mounted: &MountedVolume) -> Result<FileEntry, AppError> {
    let mut first = None;
    let ended = mounted.index.file.replay(&mut |event| match event {
        IndexEvent::File(entry) => {
            first = Some(entry.clone());
            // Ends the replay: nothing more is wanted.
            Err(TreeError::NoDirectory(String::new()))
        }
        _ => Ok(()),
    });
    match (first, ended) {
        (Some(first), _) => Ok(first),
        (None, Err(error)) => Err(tree_error(error)),
        (None, Ok(())) => Err(AppError::Usage("the index lists no file".to_owned())),
    }
}

fn directory(number: u64, text: &str) -> Result<DirectoryEntry, AppError> {
    Ok(DirectoryEntry {
        name: name(text)?,
        times: Times::all(Sample { number, files: u64::MAX }.modified()),
        uid: 2 + number,
        ..DirectoryEntry::default()
    })
}

fn name(text: &str) -> Result<Name, AppError> {
    Name::new(text, NameUse::Entry)
        .map_err(|error| AppError::offline("cannot name it", &error, NEXT_STEP))
}

/// Packs all files into blocks, as a run does, in folders of folders.
fn spool(path: &Path, files: u64) -> Result<SpoolSnapshot, AppError> {
    let failed = |error: crate::ltfs::spool::SpoolError| tree_error(error.into());
    let mut spool = BulkSpool::create(path).map_err(failed)?;
    let mut uid = 1_000_000_000;
    for number in 0..files {
        let folder = number / FILES_IN_FOLDER;
        if number % (FILES_IN_FOLDER * FOLDERS_IN_FOLDER) == 0 {
            let name = format!("shelf {}", folder / FOLDERS_IN_FOLDER);
            spool.enter(&directory(2 * folder, &name)?).map_err(failed)?;
        }
        if number % FILES_IN_FOLDER == 0 {
            spool.enter(&directory(2 * folder + 1, &format!("part {folder}"))?).map_err(failed)?;
        }
        uid += 1;
        spool.file(&file(number, uid)?).map_err(failed)?;
        if (number + 1) % FILES_IN_FOLDER == 0 {
            spool.leave().map_err(failed)?;
        }
        if (number + 1) % (FILES_IN_FOLDER * FOLDERS_IN_FOLDER) == 0 {
            spool.leave().map_err(failed)?;
        }
    }
    spool.snapshot().map_err(failed)
}

fn file(number: u64, uid: u64) -> Result<FileEntry, AppError> {
    let sample = Sample { number, files: u64::MAX };
    let size = if number == 0 { FIRST_FILE_BYTES as u64 } else { sample.size() };
    let at = sample.modified();
    Ok(FileEntry {
        name: name(&sample.name())?,
        length: size,
        times: Times { modify: at, change: at, ..Times::all(at) },
        uid,
        extents: Extents::from_elem(
            Extent {
                file_offset: 0,
                start_block: crate::domain::BlockNumber(if number == 0 { 7 } else { 7 + number }),
                byte_count: size,
                byte_offset: if number == 0 { 0 } else { 4096 },
                partition: PartitionId::DATA,
            },
            1,
        ),
        ..FileEntry::default()
    })
}

fn tree(bulk: SpoolSnapshot) -> Result<MergedIndex, AppError> {
    let root = DirectoryEntry { name: name("scale")?, ..DirectoryEntry::default() };
    let mut tree = MergedIndex::empty(root);
    tree.attach(&[], bulk);
    Ok(tree)
}

/// The text of the tree, thrown away; returns how long it was.
fn index_text(bulk: SpoolSnapshot) -> Result<u64, AppError> {
    let mut writer = IndexWriter::new(io::sink());
    let io = |source| TreeError::Io { path: PathBuf::from("nowhere"), source };
    tree(bulk)?.replay(&mut |event| writer.write(event).map_err(io)).map_err(tree_error)?;
    Ok(writer.bytes_written())
}

fn write_index(
    mut volume: OpenVolume,
    bulk: SpoolSnapshot,
) -> Result<(OpenVolume, PathBuf), AppError> {
    let written = volume.write_index(&mut tree(bulk)?, IndexPlacement::Both).map_err(refused)?;
    let path = written.file.path().to_owned();
    Ok((volume, path))
}

fn read_events(path: &Path) -> Result<(), AppError> {
    let file = fs::File::open(path).map_err(failed("read", path))?;
    let damaged = |error| AppError::offline("cannot read the index", &error, NEXT_STEP);
    let mut reader = IndexReader::open(file).map_err(damaged)?;
    loop {
        if let IndexEvent::End(_) = reader.next().map_err(damaged)? {
            return Ok(());
        }
    }
}
