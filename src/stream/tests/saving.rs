//! Backup: layout, outcomes of files, ends of sinks, pause and cancel, memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::keys::sealed::{DataKey, OneKey, Opener};
use crate::stream::config::CHUNK_BYTES;
use crate::stream::hash::sha256;
use crate::stream::{
    Change, Placement, RoomRequest, SinkEndReason, SplitState, StreamEnd, StreamErrorKind,
};

/// Every record must be `Stored` with the bytes of the file as it is now.
pub(super) fn assert_all_stored(
    folder: &Folder,
    plan: &[PlannedFile],
    sink: &VecSink,
    block_bytes: u32,
) {
    assert_eq!(sink.records.len(), plan.len());
    for (record, planned) in sink.records.iter().zip(plan) {
        assert_eq!(record.ordinal, planned.ordinal);
        let FileOutcome::Stored(stored) = &record.outcome else { panic!("{record:?}") };
        let bytes = sink.bytes_at(stored.place, block_bytes);
        let content = folder.content(&planned.path);
        assert_eq!(stored.sha256, sha256(&content));
        assert_eq!(stored.size_bytes, content.len() as u64);
        assert_eq!(stored.stored_bytes, bytes.len() as u64);
        assert_eq!(stored.stored_sha256, sha256(bytes));
        match stored.codec {
            Codec::None => assert!(bytes == content),
            Codec::Zstd { .. } => assert!(zstd::decode_all(bytes).unwrap() == content),
        }
    }
    let (last, full) = sink.lengths.split_last().unwrap_or((&0, &[]));
    assert!(full.iter().all(|&length| length == block_bytes as usize), "{full:?}");
    assert!(*last <= block_bytes as usize);
}

pub(super) fn outcome(sink: &VecSink, ordinal: u64) -> &FileOutcome {
    &sink.records.iter().find(|record| record.ordinal == ordinal).unwrap().outcome
}

#[test]
fn files_of_every_size_come_out_as_they_are_in_plan_order() {
    for engine in engines() {
        for codec in [Codec::None, Codec::Zstd { level: 1 }] {
            let folder = Folder::new();
            for (n, size) in
                [0, 1, 4095, 4096, 4097, 8192, 70_000, 3, 0, 12_288, 500_000, 17].iter().enumerate()
            {
                folder.write(
                    &format!("d{}/f{n:02}", n % 3),
                    &pattern(u32::try_from(n).unwrap(), *size),
                );
            }
            let plan = folder.plan(codec);
            let config = tiny(engine);
            let (sink, end) = run(&folder, plan.clone(), &config);
            assert_eq!(end.end, StreamEnd::Finished, "{end:?}");
            assert_all_stored(&folder, &plan, &sink, config.block_bytes);
            assert!(sink.is_finished);
            assert!(matches!(end.sinks[0].why, SinkEndReason::Complete));
            assert_eq!(end.sinks[0].next_ordinal, plan.len() as u64);
            assert_eq!(end.figures.staged_bytes, 0);
            assert_eq!(end.figures.source_files, plan.len() as u64);
        }
    }
}

fn stored_codec(sink: &VecSink, ordinal: u64) -> Codec {
    let FileOutcome::Stored(stored) = outcome(sink, ordinal) else { panic!("{ordinal}") };
    stored.codec
}

/// What was stored, opened if it is sealed and decompressed if it is compressed.
fn plain(codec: Codec, key: Option<&Arc<DataKey>>, bytes: &[u8]) -> Vec<u8> {
    let mut opened = Vec::new();
    if let Some(key) = key {
        let mut opener = Opener::new(Arc::new(OneKey(Arc::clone(key))));
        let mut keep = |own: &[u8]| opened.extend_from_slice(own);
        opener.push(bytes, &mut keep).unwrap();
        opener.finish(&mut keep).unwrap();
    } else {
        opened.extend_from_slice(bytes);
    }
    match codec {
        Codec::None => opened,
        Codec::Zstd { .. } => zstd::decode_all(opened.as_slice()).unwrap(),
    }
}

/// Four chunks, and as many processors as change who hashes what; slabs smaller and larger than what is sealed
/// at once.
#[test]
fn large_files_that_are_compressed_or_sealed_have_the_hashes_of_both_forms() {
    let folder = Folder::new();
    let noise = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).to_le_bytes();
    let content: Vec<u8> = (0..CHUNK_BYTES as u64 / 4).flat_map(noise).collect();
    folder.write("noise", &content);
    // By its sample it is worth it, and most of its frames are larger than what is in them.
    folder.write("noise behind a pattern", &[pattern(2, CHUNK_BYTES / 2), content].concat());
    folder.write("pattern", &pattern(1, 3 * CHUNK_BYTES + 4711));
    for (worker_count, block_bytes) in [(1, 4096), (2, 4096), (2, 256 * 1024), (3, 512 * 1024)] {
        for codec in [Codec::None, Codec::Zstd { level: 1 }] {
            for seal in [None, Some(Arc::new(DataKey::generate()))] {
                let plan = folder.plan(codec);
                let ram_bytes = 4 * u64::from(block_bytes);
                let sizes = StreamConfig { block_bytes, ram_bytes, ..tiny(EngineChoice::Plain) };
                let config = StreamConfig { worker_count, seal: seal.clone(), ..sizes };
                let (sink, end) = run(&folder, plan.clone(), &config);
                assert_eq!(end.end, StreamEnd::Finished, "{end:?}");
                let codecs: Vec<Codec> = (0..3).map(|n| stored_codec(&sink, n)).collect();
                assert_eq!(codecs, [Codec::None, codec, codec], "noise would not be smaller");
                let Some(key) = seal else {
                    assert_all_stored(&folder, &plan, &sink, config.block_bytes);
                    continue;
                };
                for (record, planned) in sink.records.iter().zip(&plan) {
                    let FileOutcome::Stored(stored) = &record.outcome else { panic!("{record:?}") };
                    let bytes = sink.bytes_at(stored.place, config.block_bytes);
                    assert_eq!(stored.stored_sha256, sha256(bytes));
                    assert_eq!(stored.stored_bytes, bytes.len() as u64);
                    assert_eq!(stored.sha256, sha256(&folder.content(&planned.path)));
                    assert!(
                        plain(stored.codec, Some(&key), bytes) == folder.content(&planned.path)
                    );
                }
            }
        }
    }
}

#[test]
fn an_empty_plan_ends_without_a_block() {
    let folder = Folder::new();
    let (sink, end) = run(&folder, Vec::new(), &tiny(EngineChoice::Plain));
    assert_eq!(end.end, StreamEnd::Finished);
    assert!(sink.lengths.is_empty() && sink.is_finished);
}

#[test]
fn only_empty_files_make_records_and_no_block() {
    let folder = Folder::new();
    for n in 0..300 {
        folder.write(&format!("{n}"), b"");
    }
    let plan = folder.plan(Codec::None);
    let (sink, _) = run(&folder, plan.clone(), &tiny(EngineChoice::Plain));
    assert!(sink.lengths.is_empty());
    assert_eq!(sink.records.len(), 300);
    assert!(sink.records.iter().all(|r| stored(r).is_some_and(|s| s.place.is_none())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_the_sizes_and_slabs_every_file_is_where_its_record_says(
        sizes in proptest::collection::vec(
            prop_oneof![0_usize..50, 4000_usize..4200, 0_usize..40_000], 1..40),
        block_pages in 1_u32..5,
        slabs in 4_u64..12,
        small_max in prop_oneof![Just(0_u64), Just(4096), Just(100_000)],
        is_compressed: bool,
    ) {
        for engine in engines() {
            let folder = Folder::new();
            for (n, size) in sizes.iter().enumerate() {
                folder.write(&format!("{n:03}"), &pattern(u32::try_from(n).unwrap(), *size));
            }
            let codec = if is_compressed { Codec::Zstd { level: 3 } } else { Codec::None };
            let plan = folder.plan(codec);
            let block_bytes = block_pages * 4096;
            let config = StreamConfig {
                block_bytes,
                ram_bytes: slabs * u64::from(block_bytes),
                small_file_bytes_max: small_max,
                ..tiny(engine)
            };
            let (sink, end) = run(&folder, plan.clone(), &config);
            prop_assert_eq!(end.end, StreamEnd::Finished);
            assert_all_stored(&folder, &plan, &sink, block_bytes);
        }
    }
}

#[test]
fn a_file_that_is_gone_or_refused_or_changed_is_named_and_the_rest_is_stored() {
    for engine in engines() {
        for small_file_bytes_max in [0, 1 << 20] {
            for codec in [Codec::None, Codec::Zstd { level: 1 }] {
                let folder = Folder::new();
                for name in ["a", "b_gone", "c_grew", "d_shrank", "e_touched", "f_replaced", "g"] {
                    folder.write(name, &pattern(1, 20_000));
                }
                let plan = folder.plan(codec);
                std::fs::rename(folder.path("b_gone"), folder.path("elsewhere")).unwrap();
                append_to(&folder.path("c_grew"), b"more");
                folder.write("d_shrank", b"less");
                append_to(&folder.path("e_touched"), b"");
                let touched = std::fs::File::open(folder.path("e_touched")).unwrap();
                touched.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
                folder.write("new", &pattern(2, 20_000));
                std::fs::rename(folder.path("new"), folder.path("f_replaced")).unwrap();
                let config = StreamConfig { small_file_bytes_max, ..tiny(engine) };
                let (sink, end) = run(&folder, plan.clone(), &config);
                assert_eq!(end.end, StreamEnd::Finished);
                assert!(matches!(outcome(&sink, 0), FileOutcome::Stored(_)));
                assert_eq!(*outcome(&sink, 1), FileOutcome::Vanished);
                let how = |ordinal| match outcome(&sink, ordinal) {
                    FileOutcome::Changed { how, fuzzy } => (*how, fuzzy.is_some()),
                    other => panic!("{other:?}"),
                };
                assert_eq!(how(2), (Change::Grew, true));
                assert_eq!(how(3), (Change::Shrank, false));
                assert_eq!(how(4), (Change::Touched, true));
                assert_eq!(how(5).0, Change::Replaced);
                assert!(matches!(outcome(&sink, 6), FileOutcome::Stored(_)));
                // What was read of the one that grew is its planned beginning.
                let grown = stored(&sink.records[2]).unwrap();
                assert_eq!(grown.sha256, sha256(&pattern(1, 20_000)));
            }
        }
    }
}

#[test]
fn a_directory_in_place_of_a_file_is_unreadable() {
    let folder = Folder::new();
    folder.write("a", b"x");
    let plan = folder.plan(Codec::None);
    std::fs::remove_file(folder.path("a")).unwrap();
    std::fs::create_dir(folder.path("a")).unwrap();
    let (sink, _) = run(&folder, plan, &tiny(EngineChoice::Plain));
    let FileOutcome::Unreadable { is_permission, .. } = outcome(&sink, 0) else { panic!() };
    assert!(!is_permission);
}

#[test]
fn a_large_file_that_is_cut_while_it_is_read_leaves_dead_bytes_and_no_stored_record() {
    for engine in engines() {
        let folder = Folder::new();
        folder.write("big", &pattern(1, 400_000));
        folder.write("later", &pattern(2, 10_000));
        let plan = folder.plan(Codec::None);
        let mut sinks = [VecSink::default()];
        let path = folder.path("big");
        sinks[0].on_block = Some(Box::new(move |slab| {
            if slab == 0 {
                std::fs::File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
            }
        }));
        let control = Arc::new(Control::new());
        let end = run_into(&folder, plan, &tiny(engine), &mut sinks, &EndlessRoom, &control);
        assert_eq!(end.end, StreamEnd::Finished);
        let [sink] = sinks;
        let FileOutcome::Changed { how: Change::Shrank, fuzzy: None } = outcome(&sink, 0) else {
            panic!("{:?}", outcome(&sink, 0));
        };
        let later = stored(&sink.records[1]).unwrap();
        assert_eq!(sink.bytes_at(later.place, 4096), pattern(2, 10_000));
        // It was given up within what was in flight, not laid out to its end.
        assert!(sink.bytes.len() < 200_000, "{}", sink.bytes.len());
        assert!(end.figures.dead_bytes > 0);
    }
}

/// Room for a number of bytes; more is split or refused.
pub(super) struct SmallRoom {
    pub(super) bytes: u64,
    pub(super) splits: bool,
}

impl Room for SmallRoom {
    fn place(&self, request: &RoomRequest) -> Placement {
        let left = self.bytes.saturating_sub(request.stream_bytes);
        if request.stored_bytes_max <= left {
            Placement::Whole
        } else if self.splits {
            Placement::Split { bytes: left }
        } else {
            Placement::NextVolume
        }
    }
}

#[test]
fn a_volume_that_ends_before_a_file_leaves_that_file_to_the_next_one() {
    let folder = Folder::new();
    for n in 0..10 {
        folder.write(&format!("{n}"), &pattern(n, 3000));
    }
    let plan = folder.plan(Codec::None);
    let mut sinks = [VecSink::default()];
    let room = SmallRoom { bytes: 10_000, splits: false };
    let control = Arc::new(Control::new());
    let end = run_into(&folder, plan, &tiny(EngineChoice::Plain), &mut sinks, &room, &control);
    assert_eq!(end.end, StreamEnd::VolumeFull { next_ordinal: 3, resume: None });
    assert_eq!(sinks[0].records.len(), 3);
    assert_eq!(end.sinks[0].next_ordinal, 3);
    assert!(sinks[0].is_finished);
}

#[test]
fn a_file_larger_than_a_volume_is_split_over_many_and_each_part_and_the_whole_are_hashed() {
    let key = Arc::new(DataKey::generate());
    for engine in engines() {
        let compressed = Codec::Zstd { level: 1 };
        for (codec, seal) in [
            (Codec::None, None),
            (compressed, None),
            (Codec::None, Some(&key)),
            (compressed, Some(&key)),
        ] {
            let folder = Folder::new();
            let mut state = 7_u32;
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            });
            let content: Vec<u8> = noise.take(11_000_000).collect();
            folder.write("a", b"small");
            folder.write("huge", &content);
            let mut plan = folder.plan(codec);
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            let mut resume: Option<SplitState> = None;
            for volume in 1.. {
                assert!(volume < 6);
                let mut sinks = [VecSink::default()];
                let room = SmallRoom { bytes: 5_000_000, splits: true };
                let control = Arc::new(Control::new());
                let config = StreamConfig { seal: seal.cloned(), ..tiny(engine) };
                if let Some(state) = resume {
                    plan.retain(|file| file.ordinal >= state.ordinal);
                    plan[0].continuation = Some(state);
                }
                let end = run_into(&folder, plan.clone(), &config, &mut sinks, &room, &control);
                let stored = stored(sinks[0].records.last().unwrap()).unwrap().clone();
                let bytes = sinks[0].bytes_at(stored.place, config.block_bytes);
                let raw = plain(stored.codec, seal, bytes);
                assert_eq!(stored.sha256, sha256(&raw));
                assert_eq!(stored.stored_sha256, sha256(bytes));
                let part = stored.part.unwrap();
                assert_eq!(part.offset, whole.len() as u64);
                whole.extend_from_slice(&raw);
                parts.push(part);
                match end.end {
                    StreamEnd::VolumeFull { next_ordinal: 1, resume: Some(state) } => {
                        assert_eq!(part.next, Some(state));
                        let json = serde_json::to_string(&state).unwrap();
                        resume = Some(serde_json::from_str(&json).unwrap());
                    }
                    StreamEnd::Finished => break,
                    other => panic!("{other:?}"),
                }
            }
            assert!(whole == content);
            let numbers: Vec<u32> = parts.iter().map(|part| part.number).collect();
            assert_eq!(numbers, (1..=u32::try_from(parts.len()).unwrap()).collect::<Vec<_>>());
            assert!(parts.len() >= 3);
            assert_eq!(parts.last().unwrap().file_sha256, Some(sha256(&content)));
        }
    }
}

#[test]
fn a_sink_that_is_full_by_surprise_says_from_which_file_on_it_lacks() {
    for is_accepted in [false, true] {
        let folder = Folder::new();
        for n in 0..20 {
            folder.write(&format!("{n:02}"), &pattern(n, 3000));
        }
        let plan = folder.plan(Codec::None);
        let mut sinks = [VecSink::default()];
        sinks[0].surprise = Some((3, PutOutcome::Full { is_accepted }));
        let control = Arc::new(Control::new());
        let config = tiny(EngineChoice::Plain);
        let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
        // Blocks 0 to 2 hold files 0 to 3 whole; block 3 ends in file 5.
        let next_ordinal = if is_accepted { 5 } else { 4 };
        assert_eq!(end.end, StreamEnd::VolumeFull { next_ordinal, resume: None });
        assert_eq!(sinks[0].records.len() as u64, next_ordinal);
        assert!(sinks[0].is_finished && end.failure.is_none());
    }
}

#[test]
fn a_surprise_in_a_continued_file_repeats_that_part() {
    let folder = Folder::new();
    folder.write("huge", &pattern(1, 100_000));
    let mut plan = folder.plan(Codec::None);
    let mut sinks = [VecSink::default()];
    let room = SmallRoom { bytes: 40_960, splits: true };
    let control = Arc::new(Control::new());
    let config = tiny(EngineChoice::Plain);
    let end = run_into(&folder, plan.clone(), &config, &mut sinks, &room, &control);
    let StreamEnd::VolumeFull { next_ordinal: 0, resume: Some(state) } = end.end else { panic!() };
    plan[0].continuation = Some(state);
    let mut sinks = [VecSink::default()];
    sinks[0].surprise = Some((2, PutOutcome::Full { is_accepted: false }));
    let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
    assert_eq!(end.end, StreamEnd::VolumeFull { next_ordinal: 0, resume: Some(state) });
}

#[test]
fn two_sinks_get_the_same_and_one_that_breaks_does_not_stop_the_other() {
    for engine in engines() {
        let folder = Folder::new();
        for n in 0..50 {
            folder.write(&format!("{n:02}"), &pattern(n, 9000));
        }
        let plan = folder.plan(Codec::None);
        let control = Arc::new(Control::new());
        let mut sinks = [VecSink::default(), VecSink::default()];
        let end =
            run_into(&folder, plan.clone(), &tiny(engine), &mut sinks, &EndlessRoom, &control);
        assert_eq!(end.end, StreamEnd::Finished);
        assert!(sinks[0].bytes == sinks[1].bytes && sinks[0].records == sinks[1].records);
        assert_all_stored(&folder, &plan, &sinks[1], 4096);

        let mut sinks = [VecSink::default(), VecSink::default()];
        sinks[0].fails_at = Some(5);
        let end =
            run_into(&folder, plan.clone(), &tiny(engine), &mut sinks, &EndlessRoom, &control);
        assert_eq!(end.end, StreamEnd::Finished);
        assert_all_stored(&folder, &plan, &sinks[1], 4096);
        let SinkEndReason::Failed(error) = &end.sinks[0].why else { panic!() };
        assert_eq!(error.to_string(), "the drive broke");
        assert!(!sinks[0].is_finished);
        assert_eq!(end.sinks[0].next_ordinal, sinks[0].records.len() as u64);
    }
}

#[test]
fn a_single_sink_that_breaks_ends_the_stream() {
    let folder = Folder::new();
    for n in 0..50 {
        folder.write(&format!("{n:02}"), &pattern(n, 9000));
    }
    let mut sinks = [VecSink::default()];
    sinks[0].fails_at = Some(5);
    let control = Arc::new(Control::new());
    let config = tiny(EngineChoice::Plain);
    let plan = folder.plan(Codec::None);
    let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
    // Five blocks of 4096 hold two files of 9000.
    assert_eq!(end.end, StreamEnd::Stopped { next_ordinal: 2, resume: None });
}

#[test]
fn a_cancelled_stream_ends_between_blocks_and_says_where() {
    for engine in engines() {
        let folder = Folder::new();
        for n in 0..100 {
            folder.write(&format!("{n:02}"), &pattern(n, 9000));
        }
        let control = Arc::new(Control::new());
        let mut sinks = [VecSink::default()];
        let canceller = Arc::clone(&control);
        sinks[0].on_block = Some(Box::new(move |slab| {
            if slab == 20 {
                canceller.cancel();
            }
        }));
        let plan = folder.plan(Codec::None);
        let end = run_into(&folder, plan, &tiny(engine), &mut sinks, &EndlessRoom, &control);
        let records = sinks[0].records.len() as u64;
        assert_eq!(end.end, StreamEnd::Stopped { next_ordinal: records, resume: None });
        assert_eq!(sinks[0].lengths.len(), 21);
        assert!(sinks[0].is_finished);
    }
}

#[test]
fn a_paused_stream_stands_with_an_idle_drive_and_goes_on_without_loss() {
    let folder = Folder::new();
    for n in 0..100 {
        folder.write(&format!("{n:02}"), &pattern(n, 9000));
    }
    let control = Arc::new(Control::new());
    let (paused, told) = crossbeam_channel::bounded(1);
    let mut sinks = [VecSink::default()];
    let pauser = Arc::clone(&control);
    let put = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&put);
    sinks[0].on_block = Some(Box::new(move |slab| {
        seen.store(slab, Ordering::SeqCst);
        if slab == 20 {
            pauser.pause();
            paused.send(()).unwrap();
        }
    }));
    let plan = folder.plan(Codec::None);
    let resumer = Arc::clone(&control);
    let end = std::thread::scope(|scope| {
        scope.spawn(move || {
            told.recv().unwrap();
            assert_eq!(put.load(Ordering::SeqCst), 20);
            resumer.resume();
        });
        let config = tiny(EngineChoice::Plain);
        run_into(&folder, plan.clone(), &config, &mut sinks, &EndlessRoom, &control)
    });
    assert_eq!(end.end, StreamEnd::Finished);
    assert_all_stored(&folder, &plan, &sinks[0], 4096);
}

#[test]
fn a_panic_in_a_sink_ends_the_stream_as_a_defect() {
    let folder = Folder::new();
    for n in 0..50 {
        folder.write(&format!("{n:02}"), &pattern(n, 9000));
    }
    let mut sinks = [VecSink::default()];
    sinks[0].on_block = Some(Box::new(|slab| assert!(slab < 3, "a defect")));
    let control = Arc::new(Control::new());
    let config = tiny(EngineChoice::Plain);
    let plan = folder.plan(Codec::None);
    let end = run_into(&folder, plan, &config, &mut sinks, &EndlessRoom, &control);
    assert_eq!(end.failure.unwrap().kind(), StreamErrorKind::Bug);
    assert_eq!(end.end, StreamEnd::Stopped { next_ordinal: 0, resume: None });
}

#[test]
fn a_slab_full_of_tiny_files_is_closed_before_its_records_fill_the_memory() {
    let folder = Folder::new();
    for n in 0..9000 {
        folder.write(&format!("{}/{n}", n / 1000), b"x");
    }
    let plan = folder.plan(Codec::None);
    let config = StreamConfig { block_bytes: 512 * 1024, ..tiny(EngineChoice::Plain) };
    let (sink, end) = run(&folder, plan.clone(), &config);
    assert_eq!(end.end, StreamEnd::Finished);
    assert_all_stored(&folder, &plan, &sink, config.block_bytes);
    assert_eq!(sink.lengths.len(), 2);
    assert_eq!(end.figures.dead_bytes, 512 * 1024 - 8192);
}

#[test]
fn what_cannot_be_set_up_is_refused_before_anything_is_read() {
    let request = |config, sinks| BackupRequest {
        files: Box::new(std::iter::empty()),
        source: Folder::new().source.clone(),
        sinks,
        room: &EndlessRoom,
        config,
        control: Arc::new(Control::new()),
        gauges: Arc::new(Gauges::new()),
    };
    let error = backup(request(StreamConfig::default(), Vec::new())).unwrap_err();
    assert_eq!(error.kind(), StreamErrorKind::OperatorNeeded);
    let mut sink = VecSink::default();
    let config = StreamConfig { block_bytes: 1000, ..StreamConfig::default() };
    assert!(backup(request(config, vec![&mut sink])).is_err());
}
