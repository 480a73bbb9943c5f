//! Reading what the format allows: packed files, holes, either partition, swapped partitions; and what
//! damage does to the files it hits and to no other.

use std::ops::ControlFlow;

use super::*;
use crate::ltfs::index::{
    IndexEvent, IndexHeader, IndexLocation, IndexWriter, ROOT_UID, empty_header,
};
use crate::ltfs::merge::EventSource;
use crate::ltfs::reader::{ReadEvent, ReadItem, ReadProblem};
use crate::ltfs::tape::{write_index, write_label};
use crate::vtl::faults::{BlockAccess, Effect, Fault};

/// An entry with several extents: file offset, block, byte offset, count.
fn scattered(text: &str, uid: u64, length: u64, pieces: &[(u64, u64, u32, u64)]) -> FileEntry {
    let extents: Vec<Extent> = pieces
        .iter()
        .map(|&(file_offset, block, byte_offset, byte_count)| Extent {
            file_offset,
            start_block: BlockNumber(block),
            byte_offset,
            byte_count,
            partition: PartitionId::DATA,
        })
        .collect();
    file_entry(text, uid, &extents, length)
}

/// A volume with `stream` from block 7 on, and files that the caller lays over it.
fn packed(stream: &[u8], files: &[FileEntry]) -> Rig {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    assert_eq!(volume.next_block(), BlockNumber(7));
    append(&mut volume, stream).unwrap();
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    for file in files {
        tree.overlay_mut().put_file(&[], file.clone());
    }
    volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    rig
}

/// The extent of `stream[at..at + length]`.
fn laid_over(at: usize, length: usize) -> Extent {
    let block = u64::try_from(at / BLOCK).unwrap() + 7;
    extent(BlockNumber(block), u32::try_from(at % BLOCK).unwrap(), length)
}

#[test]
fn packed_files_of_any_size_come_back_and_each_block_is_read_once() {
    let stream = content(3, 40 * BLOCK);
    let mut files = Vec::new();
    let mut at = 0;
    for n in 0..60_usize {
        let length = (n * 137) % 5000;
        let extents = [laid_over(at, length)];
        let extents = if length == 0 { &[][..] } else { &extents[..] };
        let uid = u64::try_from(n + 2).unwrap();
        files.push(file_entry(&format!("f{n}"), uid, extents, u64::try_from(length).unwrap()));
        at += length;
    }
    assert!(at < stream.len());
    let rig = packed(&stream, &files);
    let mounted = rig.mount();
    let mut expected_at = 0;
    for file in &files {
        let length = usize::try_from(file.length).unwrap();
        let expected = &stream[expected_at..expected_at + length];
        assert_eq!(rig.read(&mounted, file.name.as_str()), expected, "{}", file.name);
        expected_at += length;
    }

    let items: Vec<ReadItem> = files
        .iter()
        .flat_map(|file| {
            file.extents.iter().map(|extent| ReadItem { id: file.uid, extent: *extent })
        })
        .collect();
    let mut drive = rig.drive();
    let before = rig.library.log().last_number();
    let mut bytes = Vec::new();
    let mut done = 0;
    let flow = VolumeReader::new(&mut drive, &mounted)
        .read_extents(items.clone(), &mut |event| {
            match event {
                ReadEvent::Bytes { bytes: piece, .. } => bytes.extend_from_slice(piece),
                ReadEvent::Done { .. } => done += 1,
                ReadEvent::Failed { problem, .. } => panic!("{problem}"),
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(flow.is_continue());
    assert_eq!(bytes, stream[..at]);
    assert_eq!(done, items.len());
    let log = rig.library.log().since(before);
    let reads = log.iter().filter(|r| r.cdb.opcode() == crate::scsi::opcode::READ_6).count();
    assert_eq!(reads, at.div_ceil(BLOCK));
}

#[test]
fn extents_out_of_order_with_holes_a_sparse_tail_and_long_byte_offsets_are_put_together() {
    let stream = content(4, 12 * BLOCK);
    let size = u32::try_from(BLOCK).unwrap();
    let files = [
        scattered(
            "scattered",
            2,
            30_000,
            &[(20_000, 7, 100, 5000), (0, 12, 0, 4096), (5000, 9, 4000, 200)],
        ),
        scattered("beyond", 3, 5000, &[(0, 7, 2 * size + 5, 5000)]),
        scattered("overlapping on tape", 4, 6000, &[(0, 7, 0, 3000), (3000, 7, 0, 3000)]),
        scattered("only a hole", 5, 777, &[]),
        scattered("nothing in an extent", 6, 0, &[(0, 7, 0, 0)]),
        FileEntry {
            symlink: Some(Name::new("../x", NameUse::SymlinkTarget).unwrap()),
            ..file_entry("link", 7, &[], 0)
        },
    ];
    let rig = packed(&stream, &files);
    let mounted = rig.mount();
    let mut expected = vec![0; 30_000];
    expected[20_000..25_000].copy_from_slice(&stream[100..5100]);
    expected[..4096].copy_from_slice(&stream[5 * BLOCK..6 * BLOCK]);
    expected[5000..5200].copy_from_slice(&stream[2 * BLOCK + 4000..2 * BLOCK + 4200]);
    assert_eq!(rig.read(&mounted, "scattered"), expected);
    assert_eq!(rig.read(&mounted, "beyond"), stream[2 * BLOCK + 5..2 * BLOCK + 5005]);
    let twice = [&stream[..3000], &stream[..3000]].concat();
    assert_eq!(rig.read(&mounted, "overlapping on tape"), twice);
    assert_eq!(rig.read(&mounted, "only a hole"), vec![0; 777]);
    assert_eq!(rig.read(&mounted, "nothing in an extent"), Vec::<u8>::new());
    assert_eq!(rig.read(&mounted, "link"), Vec::<u8>::new());
}

/// Goal: volumes of other writers, with roles swapped and files on the index partition. Method: labels
/// and indexes written by hand.
#[test]
fn swapped_partitions_and_files_on_the_index_partition_are_read() {
    let rig = Rig::new();
    let options = rig.format_options();
    format(&mut rig.drive(), &options).unwrap();
    let label = rig.mount().label;
    let map = PartitionMap {
        index: (PartitionId::from_letter(b'x').unwrap(), DATA),
        data: (PartitionId::from_letter(b'm').unwrap(), INDEX),
    };
    let label = VolumeLabel { index_partition: map.index.0, data_partition: map.data.0, ..label };
    let on_index = content(6, 3 * BLOCK);
    let on_data = content(7, 100);
    let files = [
        file_entry(
            "i",
            2,
            &[Extent { partition: map.index.0, ..extent(BlockNumber(4), 10, 9000) }],
            9000,
        ),
        file_entry(
            "d",
            3,
            &[Extent { partition: map.data.0, ..extent(BlockNumber(4), 0, 100) }],
            100,
        ),
    ];
    rig.raw(|drive| {
        for partition in [INDEX, DATA] {
            go_and_replace(drive, partition, 0);
            drive.erase(crate::drive::Erase::Quick).unwrap();
            write_label(drive, partition, &label, &map).unwrap();
        }
        put(drive, map.data.1, 4, &[Raw::Block(&on_data)]);
        let blocks: Vec<Raw<'_>> = on_index.chunks(BLOCK).map(Raw::Block).collect();
        put(drive, map.index.1, 4, &blocks);
        let on = |partition, block| IndexLocation { partition, block: BlockNumber(block) };
        let places = [(on(map.data.0, 6), None), (on(map.index.0, 8), Some(on(map.data.0, 6)))];
        for (location, previous) in places {
            let header = IndexHeader {
                creator: "somebody else".into(),
                volume_uuid: label.uuid,
                generation: 5,
                location,
                previous,
                highest_uid: 3,
                ..empty_header()
            };
            let mut tree =
                MergedIndex::empty(DirectoryEntry { uid: ROOT_UID, ..DirectoryEntry::default() });
            for file in &files {
                tree.overlay_mut().put_file(&[], file.clone());
            }
            let mut writer = IndexWriter::new(Vec::new());
            writer.write(IndexEvent::Header(&header)).unwrap();
            tree.replay(&mut |event| {
                writer.write(event).unwrap();
                Ok(())
            })
            .unwrap();
            writer.write(IndexEvent::End(&header)).unwrap();
            let text = writer.finish().unwrap();
            let partition = map.physical(location.partition).unwrap();
            let at = Position { partition, block: BlockNumber(location.block.0 - 1) };
            drive.locate(at).unwrap();
            write_index(drive, at, BLOCK_SIZE, &mut text.as_slice()).unwrap();
        }
    });
    let mounted = rig.mount();
    assert_eq!(mounted.map, map);
    assert_eq!(mounted.generation(), 5);
    assert_eq!(rig.read(&mounted, "i"), on_index[10..9010]);
    assert_eq!(rig.read(&mounted, "d"), on_data);
    // Going on writes behind the files of the other writer, on both partitions.
    let mut volume = rig.open();
    let bytes = content(8, 6000);
    let first = volume.next_block();
    append(&mut volume, &bytes).unwrap();
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    let own = Extent { partition: map.data.0, ..extent(first, 0, 6000) };
    tree.overlay_mut().put_file(&[], file_entry("new", 4, &[own], 6000));
    volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!(mounted.findings, []);
    assert_eq!(rig.read(&mounted, "i"), on_index[10..9010]);
    assert_eq!(rig.read(&mounted, "new"), bytes);
}

/// What reading says of each file: `ok`, or how far it came and why it ended.
fn outcomes(rig: &Rig, files: &[FileEntry]) -> Vec<String> {
    let mounted = rig.mount();
    let mut drive = rig.drive();
    let mut outcomes = Vec::new();
    let items = files.iter().flat_map(|file| {
        file.extents.iter().map(|extent| ReadItem { id: file.uid, extent: *extent })
    });
    let flow = VolumeReader::new(&mut drive, &mounted)
        .read_extents(items, &mut |event| {
            match event {
                ReadEvent::Bytes { .. } => {}
                ReadEvent::Done { id } => outcomes.push(format!("{id} ok")),
                ReadEvent::Failed { id, file_offset, problem } => {
                    let kind = match problem {
                        ReadProblem::NoPartition(_) => "no partition",
                        ReadProblem::BehindEnd(_) => "behind end",
                        ReadProblem::Filemark(_) => "filemark",
                        ReadProblem::ShortBlock { .. } => "short block",
                        ReadProblem::LongBlock { .. } => "long block",
                        ReadProblem::Unreadable { .. } => "unreadable",
                    };
                    assert!(!problem.to_string().is_empty());
                    outcomes.push(format!("{id} {kind} at {file_offset}"));
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(flow.is_continue());
    outcomes
}

#[test]
fn damage_hits_the_files_of_its_block_and_the_rest_is_read() {
    let stream = content(5, 10 * BLOCK);
    let files = [
        file_entry("before", 2, &[laid_over(0, BLOCK)], 4096),
        file_entry("into", 3, &[laid_over(BLOCK, 2 * BLOCK)], 8192),
        file_entry("within", 4, &[laid_over(2 * BLOCK + 5, 10)], 10),
        file_entry("after", 5, &[laid_over(3 * BLOCK, 5000)], 5000),
    ];
    let rig = packed(&stream, &files);
    let fault = Fault::at_block(BlockAccess::Read, 1, 9, Effect::MediumError).always();
    rig.set_faults(FaultPlan::of(fault));
    let seen = outcomes(&rig, &files);
    assert_eq!(seen, ["2 ok", "3 unreadable at 4096", "4 unreadable at 0", "5 ok"]);
}

#[test]
fn extents_that_are_not_there_are_told_apart() {
    let stream = content(5, 3 * BLOCK - 100);
    let nowhere = Extent { partition: PartitionId::from_letter(b'q').unwrap(), ..laid_over(0, 1) };
    let files = [
        file_entry("short", 2, &[laid_over(2 * BLOCK, BLOCK)], 4096),
        file_entry("filemark", 3, &[extent(BlockNumber(10), 0, 5)], 5),
        file_entry("behind", 4, &[extent(BlockNumber(99), 0, 5)], 5),
        file_entry("nowhere", 5, &[nowhere], 1),
        file_entry("fine", 6, &[laid_over(2 * BLOCK, 3996)], 3996),
    ];
    let rig = packed(&stream, &files);
    let seen = outcomes(&rig, &files);
    let expected = [
        "2 short block at 0",
        "3 filemark at 0",
        "4 behind end at 0",
        "5 no partition at 0",
        "6 ok",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_failing_drive_ends_the_reading_with_an_error() {
    let rig = closed_volume();
    let mounted = rig.mount();
    let mut drive = rig.drive();
    let opcode = crate::scsi::opcode::READ_6;
    let effect = Effect::TransportGone { execution: crate::vtl::faults::Execution::Skipped };
    rig.set_faults(FaultPlan::of(Fault::at_opcode(opcode, 1, effect)));
    let entry = find(&mounted, "a").unwrap();
    let mut reader = VolumeReader::new(&mut drive, &mounted);
    let failed = reader.read_file(&entry, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(failed.kind(), crate::ltfs::error::LtfsErrorKind::DriveBad);
}

#[test]
fn reading_stops_when_nobody_wants_more() {
    let rig = closed_volume();
    let mounted = rig.mount();
    let entry = find(&mounted, "a").unwrap();
    let mut drive = rig.drive();
    let mut reader = VolumeReader::new(&mut drive, &mounted);
    let mut pieces = 0;
    let flow = reader
        .read_file(&entry, &mut |_| {
            pieces += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert!(flow.is_break());
    assert_eq!(pieces, 1);
}
