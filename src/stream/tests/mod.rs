//! Scenarios on real files in temporary folders, with sinks in memory. One body runs on each engine.

mod ahead;
mod cold;
mod restoring;
mod saving;
mod staging;

use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::{
    BackupEnd, BackupRequest, BlockSink, Codec, Control, EdgeError, EndlessRoom, EngineChoice,
    FileOutcome, FileRecord, Gauges, Place, PlannedFile, PutOutcome, Room, StreamConfig, backup,
};
use crate::domain::{FileKind, SourcePath};
use crate::source::local::LocalOptions;
use crate::source::{LocalSource, Source, WalkEvent};

/// Both engines; the ring is left out where the kernel refuses it.
fn engines() -> Vec<EngineChoice> {
    let ring_is_refused = std::thread::spawn(|| {
        let runtime = tokio_uring::Runtime::new(&tokio_uring::builder());
        runtime.is_err()
    });
    match ring_is_refused.join().unwrap() {
        true => vec![EngineChoice::Plain],
        false => vec![EngineChoice::Plain, EngineChoice::Ring],
    }
}

/// Tiny slabs, two workers, everything above 4 KiB is large.
fn tiny(engine: EngineChoice) -> StreamConfig {
    StreamConfig {
        block_bytes: 4096,
        ram_bytes: 16 * 4096,
        worker_count: 2,
        small_file_bytes_max: 4096,
        engine,
        ..StreamConfig::default()
    }
}

/// A folder with files, and the plan to back it up.
struct Folder {
    dir: TempDir,
    source: Arc<LocalSource>,
}

impl Folder {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = LocalOptions { roots: vec![dir.path().to_owned()], ..Default::default() };
        let source = Arc::new(LocalSource::open(&options).unwrap());
        Self { dir, source }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// All files in walk order.
    fn plan(&self, codec: Codec) -> Vec<PlannedFile> {
        let mut planned = Vec::new();
        let _ = self.source.walk(&mut |event| {
            if let WalkEvent::Entry(entry) = event
                && entry.kind == FileKind::File
            {
                planned.push(PlannedFile {
                    ordinal: planned.len() as u64,
                    stamp: entry.stamp(),
                    path: entry.path,
                    codec,
                    continuation: None,
                });
            }
            ControlFlow::Continue(())
        });
        planned
    }

    fn content(&self, path: &SourcePath) -> Vec<u8> {
        std::fs::read(path.to_absolute()).unwrap()
    }
}

/// Keeps everything; does what it is told at chosen blocks.
#[derive(Default)]
struct VecSink {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
    records: Vec<FileRecord>,
    /// (block, outcome) to give instead of `Continue`.
    surprise: Option<(u64, PutOutcome)>,
    fails_at: Option<u64>,
    idle_count: u32,
    is_finished: bool,
    on_block: Option<Box<dyn FnMut(u64) + Send>>,
}

impl BlockSink for VecSink {
    fn put_block(&mut self, slab: u64, block: &[u8]) -> Result<PutOutcome, EdgeError> {
        assert_eq!(slab, self.lengths.len() as u64);
        if let Some(on_block) = &mut self.on_block {
            on_block(slab);
        }
        if self.fails_at == Some(slab) {
            return Err("the drive broke".into());
        }
        let outcome = match self.surprise {
            Some((at, outcome)) if at == slab => outcome,
            _ => PutOutcome::Continue,
        };
        if outcome != (PutOutcome::Full { is_accepted: false }) {
            self.bytes.extend_from_slice(block);
            self.lengths.push(block.len());
        }
        Ok(outcome)
    }

    fn file_done(&mut self, record: &FileRecord) -> Result<(), EdgeError> {
        if let Some(place) = stored(record).and_then(|stored| stored.place) {
            let block_bytes = self.lengths[0].max(4096) as u64;
            let end = place.slab * block_bytes + u64::from(place.offset) + place.length;
            assert!(end <= self.bytes.len() as u64, "told of {record:?} before its last block");
        }
        self.records.push(record.clone());
        Ok(())
    }

    fn idle(&mut self) -> Result<(), EdgeError> {
        self.idle_count += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), EdgeError> {
        self.is_finished = true;
        Ok(())
    }
}

fn stored(record: &FileRecord) -> Option<&super::StoredFile> {
    match &record.outcome {
        FileOutcome::Stored(stored) => Some(stored),
        FileOutcome::Changed { fuzzy, .. } => fuzzy.as_ref(),
        FileOutcome::Vanished | FileOutcome::Unreadable { .. } => None,
    }
}

impl VecSink {
    fn bytes_at(&self, place: Option<Place>, block_bytes: u32) -> &[u8] {
        let Some(place) = place else { return &[] };
        let start = place.slab * u64::from(block_bytes) + u64::from(place.offset);
        let start = usize::try_from(start).unwrap();
        &self.bytes[start..start + usize::try_from(place.length).unwrap()]
    }
}

/// Runs a backup into `sinks` with `room`.
fn run_into(
    folder: &Folder,
    plan: Vec<PlannedFile>,
    config: &StreamConfig,
    sinks: &mut [VecSink],
    room: &dyn Room,
    control: &Arc<Control>,
) -> BackupEnd {
    let source: Arc<dyn Source> = folder.source.clone();
    backup(BackupRequest {
        files: Box::new(plan.into_iter()),
        source,
        sinks: sinks.iter_mut().map(|sink| sink as &mut dyn BlockSink).collect(),
        room,
        config: config.clone(),
        control: Arc::clone(control),
        gauges: Arc::new(Gauges::new()),
    })
    .unwrap()
}

/// As [`run_into`], one sink, endless room.
fn run(folder: &Folder, plan: Vec<PlannedFile>, config: &StreamConfig) -> (VecSink, BackupEnd) {
    let mut sinks = [VecSink::default()];
    let control = Arc::new(Control::new());
    let end = run_into(folder, plan, config, &mut sinks, &EndlessRoom, &control);
    let [sink] = sinks;
    (sink, end)
}

/// Bytes that compress, and differ by `seed`.
fn pattern(seed: u32, length: usize) -> Vec<u8> {
    (0..length)
        .map(|i| {
            let mixed = (u32::try_from(i / 3).unwrap() ^ seed).wrapping_mul(0x9e37_79b9);
            mixed.to_le_bytes()[3]
        })
        .collect()
}

fn append_to(path: &Path, bytes: &[u8]) {
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let end = file.metadata().unwrap().len();
    file.write_all_at(bytes, end).unwrap();
}
