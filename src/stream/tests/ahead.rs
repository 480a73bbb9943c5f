//! Files that are begun before their turn: read beside the one before, counted once, judged like any other.

use std::os::fd::BorrowedFd;

use parking_lot::Mutex;

use super::saving::{SmallRoom, assert_all_stored, outcome};
use super::*;
use crate::source::{FileStamp, SourceError, SourceFile};
use crate::stream::buffers::Filling;
use crate::stream::codec::FrameWriter;
use crate::stream::engine::start_engine;
use crate::stream::hash::sha256;
use crate::stream::input::Input;
use crate::stream::large::{Extent, LargeFile};
use crate::stream::run::Run;
use crate::stream::workers::{Turn, WorkQueue};
use crate::stream::{Change, StreamEnd};

/// A source without descriptors that notes which file is read from.
#[derive(Debug)]
struct WatchedSource {
    files: Arc<LocalSource>,
    reads: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn SourceFile>,
    name: String,
    reads: Arc<Mutex<Vec<String>>>,
}

impl Source for WatchedSource {
    fn roots(&self) -> Vec<SourcePath> {
        self.files.roots()
    }

    fn walk(&self, visitor: &mut dyn FnMut(WalkEvent) -> ControlFlow<()>) -> ControlFlow<()> {
        self.files.walk(visitor)
    }

    fn open(&self, path: &SourcePath) -> Result<Box<dyn SourceFile>, SourceError> {
        let name = path.to_absolute().file_name().unwrap().to_string_lossy().into_owned();
        let reads = Arc::clone(&self.reads);
        Ok(Box::new(WatchedFile { file: self.files.open(path)?, name, reads }))
    }

    fn local_path(&self, _path: &SourcePath) -> Option<PathBuf> {
        None
    }
}

impl SourceFile for WatchedFile {
    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> Result<usize, SourceError> {
        self.reads.lock().push(self.name.clone());
        self.file.read_at(buffer, offset)
    }

    fn stamp(&self) -> Result<FileStamp, SourceError> {
        self.file.stamp()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// Memory of which three quarters may hold what is read ahead, an eighth what is not hashed.
fn with_room_ahead(engine: EngineChoice) -> StreamConfig {
    StreamConfig { ram_bytes: 1024 * 4096, ..tiny(engine) }
}

#[test]
fn large_files_are_begun_while_the_one_before_them_is_hashed() {
    let folder = Folder::new();
    // The small ones between them are no obstacle.
    for (name, length) in [("1", 6_000_000), ("2", 100), ("3", 3_000_000), ("4", 5_000_000)] {
        folder.write(name, &pattern(7, length));
    }
    let reads = Arc::new(Mutex::new(Vec::new()));
    let source = WatchedSource { files: Arc::clone(&folder.source), reads: Arc::clone(&reads) };
    let plan = folder.plan(Codec::None);
    let config = with_room_ahead(EngineChoice::Plain);
    let mut sink = VecSink::default();
    let end = backup(BackupRequest {
        files: Box::new(plan.clone().into_iter()),
        source: Arc::new(source),
        sinks: vec![&mut sink],
        room: &EndlessRoom,
        config: config.clone(),
        control: Arc::new(Control::new()),
        gauges: Arc::new(Gauges::new()),
    })
    .unwrap();
    assert_eq!(end.end, StreamEnd::Finished);
    assert_all_stored(&folder, &plan, &sink, config.block_bytes);
    assert_eq!(end.figures.source_bytes, 14_000_100);
    let reads = reads.lock();
    let third = reads.iter().position(|name| name == "3").unwrap();
    let first = reads.iter().rposition(|name| name == "1").unwrap();
    assert!(third < first, "nothing of the third file was read before all of the first was");
}

#[test]
fn of_a_file_that_was_begun_and_goes_to_the_next_volume_nothing_is_counted() {
    for engine in engines() {
        for splits in [false, true] {
            let folder = Folder::new();
            folder.write("1", &pattern(1, 6_000_000));
            folder.write("2", &pattern(2, 6_000_000));
            let plan = folder.plan(Codec::None);
            let mut sinks = [VecSink::default()];
            let room = SmallRoom { bytes: 8_000_000, splits };
            let control = Arc::new(Control::new());
            let config = with_room_ahead(engine);
            let end = run_into(&folder, plan, &config, &mut sinks, &room, &control);
            let StreamEnd::VolumeFull { next_ordinal: 1, resume } = end.end else {
                panic!("{end:?}")
            };
            assert_eq!(resume.is_some(), splits);
            let first = stored(&sinks[0].records[0]).unwrap();
            assert_eq!(sinks[0].bytes_at(first.place, 4096), pattern(1, 6_000_000));
            let second = sinks[0].records.get(1).and_then(stored);
            let second = second.map_or(0, |stored| usize::try_from(stored.size_bytes).unwrap());
            assert_eq!(end.figures.source_bytes, 6_000_000 + second as u64);
            if splits {
                let place = stored(&sinks[0].records[1]).unwrap().place;
                let content = pattern(2, 6_000_000);
                assert_eq!(sinks[0].bytes_at(place, 4096), &content[..second]);
            }
        }
    }
}

#[test]
fn a_file_that_changes_after_it_was_begun_is_named_and_those_behind_it_are_stored() {
    for engine in engines() {
        let folder = Folder::new();
        for name in ["1", "2", "3"] {
            folder.write(name, &pattern(3, 5_000_000));
        }
        let plan = folder.plan(Codec::None);
        let mut sinks = [VecSink::default()];
        let path = folder.path("2");
        sinks[0].on_block = Some(Box::new(move |slab| {
            // The first file has 1221 blocks; three quarters of a memory of the second may be read.
            if slab == 1000 {
                std::fs::File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
            }
        }));
        let control = Arc::new(Control::new());
        let config = with_room_ahead(engine);
        let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
        assert_eq!(end.end, StreamEnd::Finished);
        let [sink] = sinks;
        assert!(
            matches!(outcome(&sink, 1), FileOutcome::Changed { how: Change::Shrank, fuzzy: None }),
            "{:?}",
            outcome(&sink, 1)
        );
        for ordinal in [0, 2] {
            let FileOutcome::Stored(stored) = outcome(&sink, ordinal) else { panic!() };
            assert_eq!(sink.bytes_at(stored.place, 4096), pattern(3, 5_000_000));
        }
    }
}

/// The threads that work ahead may never come to it while others are busy.
#[test]
fn a_file_whose_turn_comes_before_anybody_has_hashed_it_is_hashed_by_those_who_do_not_give_way() {
    let folder = Folder::new();
    let content = pattern(5, 4096);
    folder.write("1", &content);
    let planned = folder.plan(Codec::None).remove(0);
    let config = tiny(EngineChoice::Plain);
    let gauges = Arc::new(Gauges::new());
    let run = Arc::new(Run::new(config, Arc::new(Control::new()), gauges).unwrap());
    let engine = start_engine(&run).unwrap();
    let input = Arc::new(Input::open(folder.source.as_ref(), &planned).unwrap());
    let extent = Extent { offset: 0, length: 4096, part: None, is_last: true };
    let (queue, tasks, tasks_ahead) = WorkQueue::unserved();
    let file = LargeFile::new(planned, extent, input, Arc::clone(&run), queue, Turn::Ahead);
    let mut slab = Filling::new(run.slabs.try_lease().unwrap());
    file.read(engine.as_ref(), 0, slab.take(4096));
    let late = tasks_ahead.recv().unwrap();
    assert!(tasks.is_empty() && !file.is_hashed_to(4096));

    let mut frames = FrameWriter::default();
    file.have_turn();
    tasks.try_recv().unwrap()(&mut frames);
    assert!(file.is_hashed_to(4096));
    late(&mut frames);
    file.close();
    tasks.try_recv().unwrap()(&mut frames);
    let Some(FileOutcome::Stored(stored)) = file.wait(None) else { panic!("{file:?}") };
    assert_eq!(stored.sha256, sha256(&content));
    assert!(tasks.is_empty() && tasks_ahead.is_empty());
}
