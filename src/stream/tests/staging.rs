//! Stage-ahead: drives that stand until there is enough, the folder behind the memory, its faults.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::domain::VirtualClock;
use crate::stream::{MediumRates, SinkEndReason, StagingConfig, StagingState, StreamEnd};

fn many_files(count: u32) -> (Folder, Vec<PlannedFile>) {
    let folder = Folder::new();
    for n in 0..count {
        folder.write(&format!("{n:03}"), &pattern(n, 9000));
    }
    let plan = folder.plan(Codec::None);
    (folder, plan)
}

fn assert_same(folder: &Folder, plan: &[PlannedFile], sink: &VecSink) {
    assert_eq!(sink.records.len(), plan.len());
    for (record, planned) in sink.records.iter().zip(plan) {
        let FileOutcome::Stored(stored) = &record.outcome else { panic!("{record:?}") };
        assert!(sink.bytes_at(stored.place, 4096) == folder.content(&planned.path));
    }
}

/// A medium that no source of these tests sustains, so that everything is collected first.
const FAST_MEDIUM: MediumRates = MediumRates::new(&[u64::MAX / 200]);

#[test]
fn blocks_beyond_the_memory_go_through_the_folder_and_come_back_in_order() {
    for engine in engines() {
        let (folder, plan) = many_files(200);
        let staging = tempfile::tempdir().unwrap();
        let config = StreamConfig {
            staging: Some(StagingConfig {
                folder: staging.path().to_owned(),
                bytes_max: 600 * 4096,
                needs_mount: false,
            }),
            medium: Some(FAST_MEDIUM),
            clock: Arc::new(VirtualClock::default()),
            ..tiny(engine)
        };
        let mut sinks = [VecSink::default(), VecSink::default()];
        let control = Arc::new(Control::new());
        let end = run_into(&folder, plan.clone(), &config, &mut sinks, &EndlessRoom, &control);
        assert_eq!(end.end, StreamEnd::Finished, "{:?}", end.failure);
        assert_same(&folder, &plan, &sinks[0]);
        assert!(sinks[0].bytes == sinks[1].bytes);
        let figures = end.figures;
        // 440 blocks, of which the memory holds 16: most of them passed the folder.
        assert!(figures.staging_written_bytes > 300 * 4096, "{figures:?}");
        assert_eq!((figures.staged_on_disk_bytes, figures.staged_bytes), (0, 0));
        assert_eq!(figures.staging, StagingState::Active { reserved_bytes: 600 * 4096 });
        assert_eq!(std::fs::read_dir(staging.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_folder_smaller_than_the_source_fills_and_the_drive_starts_all_the_same() {
    for engine in engines() {
        let (folder, plan) = many_files(200);
        let staging = tempfile::tempdir().unwrap();
        let config = StreamConfig {
            staging: Some(StagingConfig {
                folder: staging.path().to_owned(),
                bytes_max: 50 * 4096,
                needs_mount: false,
            }),
            medium: Some(FAST_MEDIUM),
            ..tiny(engine)
        };
        let (sink, end) = run(&folder, plan.clone(), &config);
        assert_eq!(end.end, StreamEnd::Finished, "{:?}", end.failure);
        assert_same(&folder, &plan, &sink);
    }
}

#[test]
fn a_folder_that_cannot_be_reserved_is_bypassed_and_said() {
    let (folder, plan) = many_files(50);
    let staging = tempfile::tempdir().unwrap();
    let config = StreamConfig {
        staging: Some(StagingConfig {
            folder: staging.path().to_owned(),
            bytes_max: 1 << 60,
            needs_mount: false,
        }),
        ..tiny(EngineChoice::Plain)
    };
    let (sink, end) = run(&folder, plan.clone(), &config);
    assert_eq!(end.end, StreamEnd::Finished);
    assert_same(&folder, &plan, &sink);
    let StagingState::Bypassed { reason } = end.figures.staging else { panic!() };
    assert!(reason.contains(&staging.path().display().to_string()), "{reason}");
}

#[test]
fn a_slow_source_is_collected_before_the_drive_moves() {
    let (folder, plan) = many_files(20);
    let config = StreamConfig {
        ram_bytes: 64 * 4096,
        medium: Some(FAST_MEDIUM),
        clock: Arc::new(VirtualClock::default()),
        ..tiny(EngineChoice::Plain)
    };
    // 20 files make 44 blocks, below the high mark of 51: the drive starts when the source ends.
    let gauges = Arc::new(Gauges::new());
    let mut sink = VecSink::default();
    let (seen, is_whole) = (Arc::clone(&gauges), Arc::new(AtomicBool::new(false)));
    let whole = Arc::clone(&is_whole);
    sink.on_block = Some(Box::new(move |slab| {
        if slab == 0 {
            let staged = seen.snapshot(Duration::ZERO).staged_bytes;
            whole.store(staged == 20 * 9000, Ordering::SeqCst);
        }
    }));
    let source: Arc<dyn Source> = folder.source.clone();
    let end = backup(BackupRequest {
        files: Box::new(plan.into_iter()),
        source,
        sinks: vec![&mut sink],
        room: &EndlessRoom,
        config: config.clone(),
        control: Arc::new(Control::new()),
        gauges,
    })
    .unwrap();
    assert!(is_whole.load(Ordering::SeqCst));
    assert_eq!(end.figures.drives[0].back_hitches, 0);
    assert_eq!(end.figures.drives[0].underruns, 0);
    assert_eq!(config.clock.elapsed(), Duration::ZERO);
}

#[test]
fn a_stream_holds_no_more_slabs_than_it_was_given() {
    for engine in engines() {
        let (folder, plan) = many_files(300);
        let gauges = Arc::new(Gauges::new());
        let mut sink = VecSink::default();
        let seen = Arc::clone(&gauges);
        sink.on_block = Some(Box::new(move |_| {
            let staged = seen.snapshot(Duration::ZERO).staged_bytes;
            assert!(staged <= 16 * 4096, "{staged}");
        }));
        let source: Arc<dyn Source> = folder.source.clone();
        let end = backup(BackupRequest {
            files: Box::new(plan.into_iter()),
            source,
            sinks: vec![&mut sink],
            room: &EndlessRoom,
            config: tiny(engine),
            control: Arc::new(Control::new()),
            gauges,
        })
        .unwrap();
        assert_eq!(end.end, StreamEnd::Finished, "{:?}", end.failure);
    }
}

#[test]
fn cancelling_while_blocks_are_being_saved_ends_cleanly() {
    for engine in engines() {
        for cancel_at in [0, 1, 5] {
            let (folder, plan) = many_files(200);
            let staging = tempfile::tempdir().unwrap();
            let config = StreamConfig {
                staging: Some(StagingConfig {
                    folder: staging.path().to_owned(),
                    bytes_max: 200 * 4096,
                    needs_mount: false,
                }),
                medium: Some(FAST_MEDIUM),
                ..tiny(engine)
            };
            let control = Arc::new(Control::new());
            let canceller = Arc::clone(&control);
            let mut sinks = [VecSink::default()];
            sinks[0].on_block = Some(Box::new(move |slab| {
                if slab == cancel_at {
                    canceller.cancel();
                }
            }));
            let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
            assert!(matches!(end.end, StreamEnd::Stopped { .. }), "{end:?}");
            assert!(end.failure.is_none(), "{end:?}");
            assert_eq!(sinks[0].lengths.len() as u64, cancel_at + 1);
        }
    }
}

/// The one staging file of this process in that folder, which has lost its name.
fn staging_file(folder: &std::path::Path) -> Option<std::fs::File> {
    let of_folder = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|target| target.starts_with(folder))
    };
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let mut found = entries.filter(of_folder);
    found.next().and_then(|entry| std::fs::File::options().write(true).open(entry.path()).ok())
}

/// Goal: a staging disk that goes away while it holds blocks ends the stream with its own error, and what the
/// drive had is whole. Method: the file of the folder is cut off when the drive takes its first block.
#[test]
fn a_staging_disk_that_goes_away_ends_the_stream_as_such() {
    for engine in engines() {
        let (folder, plan) = many_files(200);
        let staging = tempfile::tempdir().unwrap();
        let config = StreamConfig {
            staging: Some(StagingConfig {
                folder: staging.path().to_owned(),
                bytes_max: 600 * 4096,
                needs_mount: false,
            }),
            medium: Some(FAST_MEDIUM),
            ..tiny(engine)
        };
        let mut sinks = [VecSink::default()];
        let at = staging.path().to_owned();
        sinks[0].on_block = Some(Box::new(move |slab| {
            if slab == 0 {
                staging_file(&at).expect("the folder is in use").set_len(0).unwrap();
            }
        }));
        let control = Arc::new(Control::new());
        let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
        let failure = end.failure.expect("blocks on the disk are lost");
        assert!(failure.is_of_staging(), "{failure}");
        assert!(matches!(end.end, StreamEnd::Stopped { .. }), "{:?}", end.end);
        assert!(matches!(end.sinks[0].why, SinkEndReason::Cancelled), "{:?}", end.sinks[0]);
    }
}
