//! Restore and verify: what was stored comes back, damage is named and costs only its own files.

use std::collections::BTreeMap;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::domain::BlockNumber;
use crate::ltfs::extent::{Extent, Extents, PartitionId};
use crate::stream::hash::sha256;
use crate::stream::{
    BlockFault, BlockReader, FileOut, FileOuts, ItemOutcome, ReadEnd, ReadEndReason, ReadItem,
    ReadRequest, StreamErrorKind, Target, restore,
};

/// Blocks as they were put; faults at chosen blocks; counts reads.
#[derive(Default)]
struct VecReader {
    blocks: Vec<Vec<u8>>,
    bad: Vec<u64>,
    lost_from: Option<u64>,
    reads: BTreeMap<u64, u32>,
    on_read: Option<Box<dyn FnMut(u64)>>,
}

impl VecReader {
    fn of(sink: &VecSink) -> Self {
        let mut rest = sink.bytes.as_slice();
        let mut blocks = Vec::new();
        for &length in &sink.lengths {
            let (block, later) = rest.split_at(length);
            blocks.push(block.to_vec());
            rest = later;
        }
        Self { blocks, ..Self::default() }
    }
}

impl BlockReader for VecReader {
    fn read_block(
        &mut self,
        partition: PartitionId,
        block: BlockNumber,
        buffer: &mut [u8],
    ) -> Result<usize, BlockFault> {
        assert_eq!(partition, PartitionId::DATA);
        *self.reads.entry(block.0).or_default() += 1;
        if let Some(on_read) = &mut self.on_read {
            on_read(block.0);
        }
        if self.lost_from.is_some_and(|from| block.0 >= from) {
            return Err(BlockFault::Volume("the drive is gone".into()));
        }
        if self.bad.contains(&block.0) {
            return Err(BlockFault::Block("unrecovered read error".into()));
        }
        let Some(bytes) = usize::try_from(block.0).ok().and_then(|at| self.blocks.get(at)) else {
            return Err(BlockFault::Block("end of data".into()));
        };
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

/// Written files by id; refuses chosen ones.
#[derive(Default)]
struct MapOuts {
    files: Mutex<BTreeMap<u64, Vec<u8>>>,
    refuses_create: Option<u64>,
    refuses_write: Option<u64>,
}

struct MapOut<'a> {
    outs: &'a MapOuts,
    id: u64,
    bytes: Vec<u8>,
}

impl FileOuts for &'static MapOuts {
    fn create(&self, id: u64) -> Result<Box<dyn FileOut>, EdgeError> {
        if self.refuses_create == Some(id) {
            return Err("no space".into());
        }
        Ok(Box::new(MapOut { outs: self, id, bytes: Vec::new() }))
    }
}

impl FileOut for MapOut<'static> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), EdgeError> {
        if self.outs.refuses_write == Some(self.id) {
            return Err("no space".into());
        }
        let offset = usize::try_from(offset).unwrap();
        assert!(offset >= self.bytes.len(), "offsets ascend");
        self.bytes.resize(offset, 0);
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>, size_bytes: u64) -> Result<(), EdgeError> {
        self.bytes.resize(usize::try_from(size_bytes).unwrap(), 0);
        self.outs.files.lock().unwrap().insert(self.id, self.bytes);
        Ok(())
    }
}

fn outs() -> &'static MapOuts {
    Box::leak(Box::default())
}

/// The item of a record, on a volume whose blocks are the slabs.
fn item_of(record: &FileRecord, target: Target) -> ReadItem {
    let stored = stored(record).unwrap();
    let extents = stored.place.map(|place| Extent {
        file_offset: 0,
        start_block: BlockNumber(place.slab),
        byte_count: place.length,
        byte_offset: place.offset,
        partition: PartitionId::DATA,
    });
    ReadItem {
        id: record.ordinal,
        extents: extents.into_iter().collect(),
        stored_bytes: stored.stored_bytes,
        codec: stored.codec,
        sealed_by: None,
        size_bytes: stored.size_bytes,
        sha256: Some(stored.sha256),
        stored_sha256: Some(stored.stored_sha256),
        target,
        folder: None,
    }
}

type Outcomes = BTreeMap<u64, ItemOutcome>;

fn read(
    items: Vec<ReadItem>,
    reader: &mut VecReader,
    outs: Option<&'static MapOuts>,
    control: &Arc<Control>,
) -> (Outcomes, ReadEnd) {
    let mut outcomes = Outcomes::new();
    let outs = outs.as_ref().map(|outs| outs as &dyn FileOuts);
    let end = restore(ReadRequest {
        items: Box::new(items.into_iter()),
        reader,
        outs,
        on_result: &mut |result| {
            assert!(outcomes.insert(result.id, result.outcome).is_none(), "two results");
        },
        config: tiny(EngineChoice::Plain),
        control: Arc::clone(control),
        gauges: Arc::new(Gauges::new()),
    })
    .unwrap();
    (outcomes, end)
}

/// A backup of files of mixed sizes, and the items to read it.
fn saved(codec: Codec, sizes: &[usize]) -> (Folder, VecSink, Vec<PlannedFile>) {
    let folder = Folder::new();
    for (n, size) in sizes.iter().enumerate() {
        folder.write(&format!("{n:03}"), &pattern(u32::try_from(n).unwrap(), *size));
    }
    let plan = folder.plan(codec);
    let (sink, _) = run(&folder, plan.clone(), &tiny(EngineChoice::Plain));
    (folder, sink, plan)
}

const SIZES: [usize; 12] = [0, 1, 4095, 900, 900, 4097, 100_000, 3, 50, 12_288, 300_000, 17];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_was_stored_comes_back_and_each_block_is_read_once(
        sizes in proptest::collection::vec(
            prop_oneof![0_usize..100, 3000_usize..6000, 0_usize..60_000], 1..40),
        is_compressed: bool,
    ) {
        let codec = if is_compressed { Codec::Zstd { level: 1 } } else { Codec::None };
        let (folder, sink, plan) = saved(codec, &sizes);
        let mut reader = VecReader::of(&sink);
        let outs = outs();
        let items = sink.records.iter().map(|r| item_of(r, Target::Write)).collect();
        let (outcomes, end) = read(items, &mut reader, Some(outs), &Arc::default());
        prop_assert!(matches!(end.why, ReadEndReason::Finished) && end.failure.is_none());
        for planned in &plan {
            let content = folder.content(&planned.path);
            let ItemOutcome::Ok { sha256: hash } = outcomes[&planned.ordinal] else {
                panic!("{outcomes:?}");
            };
            prop_assert_eq!(hash, sha256(&content));
            prop_assert!(outs.files.lock().unwrap()[&planned.ordinal] == content);
        }
        prop_assert!(reader.reads.values().all(|&count| count == 1), "{:?}", reader.reads);
    }
}

#[test]
fn a_flipped_bit_is_a_mismatch_of_exactly_the_file_that_holds_it() {
    for codec in [Codec::None, Codec::Zstd { level: 1 }] {
        let (_folder, sink, _) = saved(codec, &SIZES);
        let mut reader = VecReader::of(&sink);
        let hit = 6;
        let place = stored(&sink.records[hit]).unwrap().place.unwrap();
        let end = place.slab * 4096 + u64::from(place.offset) + place.length - 1;
        reader.blocks[usize::try_from(end / 4096).unwrap()]
            [usize::try_from(end % 4096).unwrap()] ^= 1;
        let items = sink.records.iter().map(|r| item_of(r, Target::Verify)).collect();
        let (outcomes, _) = read(items, &mut reader, None, &Arc::default());
        for (id, outcome) in &outcomes {
            let is_right = match outcome {
                ItemOutcome::Ok { .. } => *id != hit as u64,
                ItemOutcome::Mismatch { expected, got } => *id == hit as u64 && expected != got,
                ItemOutcome::Undecodable { .. } => codec != Codec::None && *id == hit as u64,
                _ => false,
            };
            assert!(is_right, "{id}: {outcome:?}");
        }
        assert_eq!(outcomes.len(), SIZES.len());
    }
}

#[test]
fn a_bad_block_costs_the_files_in_it_and_reading_goes_on() {
    let (_folder, sink, _) = saved(Codec::None, &SIZES);
    let mut reader = VecReader::of(&sink);
    // Block 1 holds the ends of file 2 and file 3, all of 4 and the beginning of 5.
    reader.bad = vec![1];
    let items = sink.records.iter().map(|r| item_of(r, Target::Verify)).collect();
    let (outcomes, end) = read(items, &mut reader, None, &Arc::default());
    assert!(matches!(end.why, ReadEndReason::Finished));
    for record in &sink.records {
        let place = stored(record).unwrap().place;
        let is_hit = place.is_some_and(|place| place.pieces(4096).any(|piece| piece.slab == 1));
        match &outcomes[&record.ordinal] {
            ItemOutcome::Ok { .. } => assert!(!is_hit),
            ItemOutcome::ReadError { block: BlockNumber(1), error, .. } => {
                assert!(is_hit);
                assert_eq!(error.to_string(), "unrecovered read error");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(reader.reads[&1], 1);
}

#[test]
fn a_lost_volume_ends_reading_and_every_item_begun_has_its_result() {
    let (_folder, sink, _) = saved(Codec::None, &SIZES);
    let mut reader = VecReader::of(&sink);
    reader.lost_from = Some(10);
    let items = sink.records.iter().map(|r| item_of(r, Target::Verify)).collect();
    let (outcomes, end) = read(items, &mut reader, None, &Arc::default());
    assert!(matches!(end.why, ReadEndReason::VolumeLost(_)));
    assert_eq!(outcomes.len() as u64, end.item_count);
    let not_read = outcomes.values().filter(|o| matches!(o, ItemOutcome::NotRead)).count();
    assert_eq!(not_read, 1);
    assert!(outcomes.len() < SIZES.len());
}

#[test]
fn a_cancelled_restore_ends_between_blocks() {
    let (_folder, sink, _) = saved(Codec::None, &SIZES);
    let mut reader = VecReader::of(&sink);
    let control = Arc::new(Control::new());
    let canceller = Arc::clone(&control);
    reader.on_read = Some(Box::new(move |block| {
        if block == 10 {
            canceller.cancel();
        }
    }));
    let items = sink.records.iter().map(|r| item_of(r, Target::Verify)).collect();
    let (outcomes, end) = read(items, &mut reader, None, &control);
    assert!(matches!(end.why, ReadEndReason::Cancelled));
    assert_eq!(outcomes.len() as u64, end.item_count);
    assert_eq!(*reader.reads.last_key_value().unwrap().0, 10);
}

#[test]
fn a_destination_that_refuses_costs_only_the_files_it_refuses() {
    let (folder, sink, plan) = saved(Codec::None, &SIZES);
    let mut reader = VecReader::of(&sink);
    let outs: &'static MapOuts = Box::leak(Box::new(MapOuts {
        refuses_create: Some(3),
        refuses_write: Some(6),
        ..MapOuts::default()
    }));
    let items = sink.records.iter().map(|r| item_of(r, Target::Write)).collect();
    let (outcomes, _) = read(items, &mut reader, Some(outs), &Arc::default());
    for planned in &plan {
        let is_refused = [3, 6].contains(&planned.ordinal);
        let is_failed = matches!(outcomes[&planned.ordinal], ItemOutcome::WriteFailed { .. });
        assert_eq!(is_failed, is_refused);
        let files = outs.files.lock().unwrap();
        let written = files.get(&planned.ordinal);
        assert_eq!(written.is_some(), !is_refused);
        assert!(written.is_none_or(|bytes| *bytes == folder.content(&planned.path)));
    }
}

#[test]
fn extents_in_any_order_with_holes_and_offsets_beyond_a_block_are_one_file() {
    let mut reader = VecReader { blocks: vec![pattern(1, 4096); 4], ..VecReader::default() };
    reader.blocks[3].truncate(100);
    let extent = |file_offset, start_block, byte_offset, byte_count| Extent {
        file_offset,
        start_block: BlockNumber(start_block),
        byte_count,
        byte_offset,
        partition: PartitionId::DATA,
    };
    let extents: Extents =
        [extent(200_000, 3, 50, 50), extent(10, 0, 4096 + 96, 5000)].into_iter().collect();
    let mut expected = vec![0; 200_100];
    let block = pattern(1, 4096);
    expected[10..4010].copy_from_slice(&block[96..]);
    expected[4010..5010].copy_from_slice(&block[..1000]);
    expected[200_000..200_050].copy_from_slice(&block[50..100]);
    let item = ReadItem {
        id: 1,
        extents,
        stored_bytes: 200_100,
        codec: Codec::None,
        sealed_by: None,
        size_bytes: 200_100,
        sha256: Some(sha256(&expected)),
        stored_sha256: None,
        target: Target::Write,
        folder: None,
    };
    let outs = outs();
    let (outcomes, _) = read(vec![item.clone()], &mut reader, Some(outs), &Arc::default());
    assert!(matches!(outcomes[&1], ItemOutcome::Ok { .. }), "{outcomes:?}");
    assert!(outs.files.lock().unwrap()[&1] == expected);
    // A block that is shorter than the file needs is an error of that block.
    reader.blocks[3].truncate(99);
    let (outcomes, _) = read(vec![item], &mut reader, None, &Arc::default());
    let ItemOutcome::WriteFailed { .. } = &outcomes[&1] else { panic!("{outcomes:?}") };
}

#[test]
fn a_short_block_is_an_error_of_that_block() {
    let (_folder, sink, _) = saved(Codec::None, &[5000, 20]);
    let mut reader = VecReader::of(&sink);
    reader.blocks[1].truncate(910);
    let items = sink.records.iter().map(|r| item_of(r, Target::Verify)).collect();
    let (outcomes, _) = read(items, &mut reader, None, &Arc::default());
    assert!(matches!(outcomes[&0], ItemOutcome::Ok { .. }));
    assert!(matches!(outcomes[&1], ItemOutcome::ReadError { block: BlockNumber(1), .. }));
}

#[test]
fn frames_that_end_early_or_decode_to_another_size_are_undecodable() {
    let (_folder, sink, _) = saved(Codec::Zstd { level: 1 }, &[60_000]);
    let whole = item_of(&sink.records[0], Target::Verify);
    let mut torn = whole.clone();
    torn.extents[0].byte_count -= 1;
    torn.stored_bytes -= 1;
    torn.stored_sha256 = None;
    let mut short = whole.clone();
    short.size_bytes -= 1;
    let mut long = whole;
    long.size_bytes += 1;
    for item in [torn, short, long] {
        let (outcomes, _) = read(vec![item], &mut VecReader::of(&sink), None, &Arc::default());
        assert!(matches!(outcomes[&0], ItemOutcome::Undecodable { .. }), "{outcomes:?}");
    }
}

#[test]
fn a_panic_in_a_destination_is_a_defect_and_does_not_hang() {
    struct Panics;
    impl FileOuts for Panics {
        fn create(&self, _id: u64) -> Result<Box<dyn FileOut>, EdgeError> {
            panic!("a defect")
        }
    }
    let (_folder, sink, _) = saved(Codec::None, &SIZES);
    let mut count = 0;
    let end = restore(ReadRequest {
        items: Box::new(sink.records.iter().map(|r| item_of(r, Target::Write))),
        reader: &mut VecReader::of(&sink),
        outs: Some(&Panics),
        on_result: &mut |_| count += 1,
        config: tiny(EngineChoice::Plain),
        control: Arc::default(),
        gauges: Arc::default(),
    })
    .unwrap();
    assert_eq!(end.failure.unwrap().kind(), StreamErrorKind::Bug);
}

#[test]
fn a_large_file_that_is_one_hole_or_does_not_agree_is_written_as_judged() {
    let size = 100_000_u64;
    let item = |id, sha256| ReadItem {
        id,
        extents: Extents::default(),
        stored_bytes: size,
        codec: Codec::None,
        sealed_by: None,
        size_bytes: size,
        sha256: Some(sha256),
        stored_sha256: None,
        target: Target::Write,
        folder: None,
    };
    let zeroes = vec![0; usize::try_from(size).unwrap()];
    let items = vec![item(1, sha256(&zeroes)), item(2, sha256(b"something else"))];
    let outs = outs();
    let (outcomes, _) = read(items, &mut VecReader::default(), Some(outs), &Arc::default());
    assert!(matches!(outcomes[&1], ItemOutcome::Ok { .. }), "{outcomes:?}");
    assert!(matches!(outcomes[&2], ItemOutcome::Mismatch { .. }), "{outcomes:?}");
    let files = outs.files.lock().unwrap();
    assert!(files[&1] == zeroes && !files.contains_key(&2));
}
