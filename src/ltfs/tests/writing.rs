//! Appending, indexing and closing; and what stops a writer before it does harm.

use super::*;
use crate::drive::{DriveError, ReadOutcome, WriteOutcome};
use crate::ltfs::index::IndexLocation;
use crate::ltfs::mount::Tail;
use crate::ltfs::names::Name;
use crate::scsi::opcode;
use crate::vtl::Device;
use crate::vtl::faults::{Effect, Fault, SensePlan};

/// `R` for a block, `F` for a filemark.
fn layout(rig: &Rig, partition: Partition) -> String {
    let mut seen = String::new();
    rig.raw(|drive| {
        drive.locate(Position { partition, block: BlockNumber(0) }).unwrap();
        let mut buffer = vec![0; BLOCK];
        loop {
            match drive.read_block(&mut buffer).unwrap() {
                ReadOutcome::Block { .. } => seen.push('R'),
                ReadOutcome::Filemark => seen.push('F'),
                ReadOutcome::EndOfData => break,
            }
        }
    });
    seen
}

fn fault(opcode: u8, nth: u64, effect: Effect) -> FaultPlan {
    FaultPlan::of(Fault::at_opcode(opcode, nth, effect).on(Device::Drive(0)))
}

#[test]
fn a_closed_volume_has_the_layout_and_the_pointers_of_the_reference() {
    let rig = closed_volume();
    assert_eq!(layout(&rig, DATA), "RFRFFRFRRRFRFRFRF");
    assert_eq!(layout(&rig, INDEX), "RFRFFRF");
    let mounted = rig.mount();
    let header = mounted.header();
    let (index, data) = (mounted.map.index.0, mounted.map.data.0);
    let at = |partition, block| IndexLocation { partition, block: BlockNumber(block) };
    assert_eq!((header.location, header.previous), (at(index, 5), Some(at(data, 15))));
    assert_eq!(header.creator, creator("test"));
    assert_eq!(header.highest_uid, 3);
    assert_eq!(mounted.index.file.counts().files, 2);
}

#[test]
fn a_closed_volume_is_mounted_and_read_without_a_command_that_writes() {
    let rig = closed_volume();
    let before = rig.library.log().writes_to(&rig.barcode).len();
    for ends in [CheckEnds::WhenInDoubt, CheckEnds::Always] {
        assert_holds_closed(&rig, &rig.mounting(ends));
    }
    assert_eq!(rig.library.log().writes_to(&rig.barcode).len(), before);
}

#[test]
fn a_volume_is_reopened_and_goes_on_where_it_ended() {
    let rig = closed_volume();
    let mut volume = rig.open();
    assert_eq!(volume.next_block(), BlockNumber(17));
    let written = add_files(&mut volume, &[("c", content(3, 9000))], IndexPlacement::Both).unwrap();
    assert_eq!(written.generation, 4);
    written.coherency.unwrap();
    let closed = volume.close().unwrap();
    assert_eq!(closed.generation, 4);
    assert_eq!(closed.drive.access(), Access::ReadOnly);
    let mounted = rig.mounting(CheckEnds::WhenInDoubt);
    assert_holds_closed(&rig, &mounted);
    assert_eq!(rig.read(&mounted, "c"), content(3, 9000));
    assert_eq!(layout(&rig, INDEX), "RFRFFRF");
}

#[test]
fn the_index_partition_is_completed_without_a_new_generation() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    add_files(&mut volume, &[("a", content(1, 10))], IndexPlacement::DataPartition).unwrap();
    let (mut volume, error) = *volume.close().unwrap_err();
    assert!(matches!(error, LtfsError::Misuse(_)));
    let written = volume.complete_index_partition().unwrap();
    assert_eq!(written.generation, 2);
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!(mounted.findings, []);
    assert_eq!(mounted.generation(), 2);
    assert_eq!(rig.read(&mounted, "a"), content(1, 10));
}

#[test]
fn a_block_that_is_longer_than_the_volumes_is_refused_and_the_writer_goes_on() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    assert!(matches!(volume.append_block(&[0; BLOCK + 1]), Err(LtfsError::Misuse(_))));
    assert!(matches!(volume.append_block(&[]), Err(LtfsError::Misuse(_))));
    append(&mut volume, &content(1, 10)).unwrap();
}

/// Goal: a tree that cannot be made harms nothing. Method: put a file into a directory that does not
/// exist, then write a good index.
#[test]
fn an_index_that_cannot_be_made_writes_nothing_and_the_writer_goes_on() {
    let rig = Rig::formatted();
    let mut volume = rig.open();
    let before = rig.library.log().writes_to(&rig.barcode).len();
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    tree.overlay_mut().put_file(&[name("nowhere")], file_entry("x", 9, &[], 0));
    let refused = volume.write_index(&mut tree, IndexPlacement::Both).unwrap_err();
    assert!(matches!(refused, LtfsError::Tree(_)));
    assert_eq!(rig.library.log().writes_to(&rig.barcode).len(), before);
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    tree.overlay_mut().put_directory(&[], directory_entry("somewhere", 9), KEEP);
    tree.overlay_mut().put_file(&[name("somewhere")], file_entry("x", 10, &[], 0));
    volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    assert!(find(&rig.mount(), "somewhere/x").is_some());
}

#[test]
fn a_tape_that_was_moved_behind_our_back_is_noticed_before_the_index() {
    let rig = closed_volume();
    let mut volume = rig.open();
    append(&mut volume, &content(4, 8192)).unwrap();
    // The drive is asked where it is before the index's first filemark.
    rig.set_faults(fault(opcode::READ_POSITION, 1, Effect::SilentRewind));
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    let refused = volume.write_index(&mut tree, IndexPlacement::Both).unwrap_err();
    assert!(matches!(refused, LtfsError::Drive { .. }), "{refused:?}");
    assert!(volume.is_stopped());
    assert!(matches!(volume.append_block(b"x"), Err(LtfsError::WriterStopped)));
    let recovered = volume.recover().unwrap();
    assert_eq!(recovered.flushed, BlockNumber(17));
    assert_eq!(recovered.believed, BlockNumber(19));
    assert_eq!(recovered.found, BlockNumber(19));
    add_files(&mut volume, &[("c", content(5, 100))], IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!(mounted.findings, []);
    assert_holds_closed(&rig, &mounted);
}

#[test]
fn a_reset_in_the_middle_stops_the_writer_until_it_has_looked() {
    let rig = closed_volume();
    let mut volume = rig.open();
    append(&mut volume, &content(4, 3 * BLOCK)).unwrap();
    rig.set_faults(fault(opcode::WRITE_6, 1, Effect::Reset { unit_attention: true }));
    assert!(append(&mut volume, b"lost").is_err());
    assert!(append(&mut volume, b"refused").is_err());
    let recovered = volume.recover().unwrap();
    assert_eq!(recovered.believed, BlockNumber(20));
    assert!(recovered.found >= recovered.flushed && recovered.found <= recovered.believed);
    add_files(&mut volume, &[("c", content(5, 100))], IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    assert_holds_closed(&rig, &rig.mount());
}

#[test]
fn a_deferred_error_says_that_nothing_since_the_last_flush_is_certain() {
    let rig = closed_volume();
    let mut volume = rig.open();
    append(&mut volume, &content(4, 4 * BLOCK)).unwrap();
    let sense = SensePlan::new(SenseKey::MediumError, 0x0C, 0);
    let effect = Effect::DeferredError { sense, objects_kept: 1 };
    rig.set_faults(fault(opcode::WRITE_FILEMARKS_6, 1, effect));
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    let refused = volume.write_index(&mut tree, IndexPlacement::Both).unwrap_err();
    assert!(
        matches!(&refused, LtfsError::Drive { source, .. } if matches!(**source, DriveError::Deferred { .. })),
        "{refused:?}"
    );
    assert_eq!(volume.flushed_to(), BlockNumber(17));
    let recovered = volume.recover().unwrap();
    assert_eq!((recovered.flushed, recovered.found), (BlockNumber(17), BlockNumber(18)));
    add_files(&mut volume, &[("c", content(5, 100))], IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    assert_holds_closed(&rig, &rig.mount());
}

#[test]
fn a_failure_on_the_index_partition_leaves_the_data_partitions_index_as_the_newest() {
    let rig = closed_volume();
    let mut volume = rig.open();
    // The first WRITE FILEMARKS pair is the data partition's; the third begins the index partition's.
    let sense = SensePlan::new(SenseKey::MediumError, 0x0C, 0);
    let effect = Effect::Sense { sense, execution: crate::vtl::faults::Execution::Skipped };
    rig.set_faults(fault(opcode::WRITE_FILEMARKS_6, 3, effect));
    let failed = add_files(&mut volume, &[("c", content(3, 100))], IndexPlacement::Both);
    assert!(failed.is_err());
    assert_eq!(volume.generation(), 4);
    volume.recover().unwrap();
    volume.complete_index_partition().unwrap();
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!((mounted.generation(), mounted.findings.len()), (4, 0));
    assert_eq!(mounted.index_partition.tail, Tail::Clean);
    assert_eq!(rig.read(&mounted, "c"), content(3, 100));
}

#[test]
fn a_tape_that_changed_after_the_mount_is_not_written() {
    let rig = closed_volume();
    let mounted = rig.mount();
    rig.raw(|drive| {
        let end = end_of(drive, DATA);
        put(drive, DATA, end, &[Raw::Block(b"somebody else's")]);
    });
    let refused = OpenVolume::begin(rig.drive(), &mounted, rig.write_options()).unwrap_err();
    assert!(matches!(refused.error, LtfsError::Changed { .. }), "{:?}", refused.error);
    rig.format();
    let refused = OpenVolume::begin(rig.drive(), &mounted, rig.write_options()).unwrap_err();
    assert!(matches!(refused.error, LtfsError::WrongVolume { .. }));
    assert_eq!(refused.drive.access(), Access::ReadOnly);
}

#[test]
fn a_write_protected_cartridge_is_neither_formatted_nor_opened() {
    let rig = closed_volume();
    let (from, to) = (address::drive(0), address::slot(0));
    rig.drive().unload().unwrap();
    rig.move_cartridge(from, to);
    rig.library.set_write_protected(rig.barcode.as_str(), true).unwrap();
    rig.move_cartridge(to, from);
    let mounted = rig.mount();
    assert_holds_closed(&rig, &mounted);
    let refused = OpenVolume::begin(rig.drive(), &mounted, rig.write_options()).unwrap_err();
    assert!(matches!(refused.error, LtfsError::WriteProtected(_)));
    let refused = format(&mut rig.drive(), &rig.format_options());
    assert!(matches!(refused, Err(LtfsError::WriteProtected(_))));
}

#[test]
fn impossible_formats_are_refused_before_anything_is_sent() {
    let rig = closed_volume();
    for block_size in [0, 4095, 1_048_573] {
        let options = FormatOptions { block_size, ..rig.format_options() };
        assert!(matches!(format(&mut rig.drive(), &options), Err(LtfsError::Misuse(_))));
    }
    assert!(FormatOptions::volume_name("a/b").is_err());
    let plan = crate::drive::PartitionPlan::single();
    let options = FormatOptions { plan, volume_name: Name::default(), ..rig.format_options() };
    assert!(matches!(format(&mut rig.drive(), &options), Err(LtfsError::Misuse(_))));
    assert_holds_closed(&rig, &rig.mount());
}

#[test]
fn on_a_worm_cartridge_every_index_is_appended() {
    let rig = Rig::of(CartridgeKind::Worm, ByteCount(64 * MIB));
    rig.format();
    let mut volume = rig.open();
    for n in 0..3_u64 {
        let files = [(["a", "b", "c"][usize::try_from(n).unwrap()], content(n, 5000))];
        add_files(&mut volume, &files, IndexPlacement::Both).unwrap();
    }
    drop(volume.close().unwrap());
    assert_eq!(layout(&rig, INDEX), "RFRFFRFFRFFRFFRF");
    let mut volume = rig.open();
    add_files(&mut volume, &[("d", content(9, 5000))], IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!((mounted.generation(), mounted.findings.len()), (5, 0));
    assert_eq!(rig.read(&mounted, "d"), content(9, 5000));
}

/// Goal: a volume is filled to the brim and its index still fits. Method: append while there is room,
/// asking before each file, with large blocks; then index both partitions and read everything.
#[test]
fn a_volume_that_is_filled_as_far_as_there_is_room_still_takes_its_indexes() {
    let rig = Rig::of(CartridgeKind::Data, ByteCount(48 * MIB));
    let options = FormatOptions { block_size: 65_536, ..rig.format_options() };
    format(&mut rig.drive(), &options).unwrap();
    let mut volume = rig.open();
    let index = ByteCount(64 * 1024);
    let file = content(5, 65_536);
    let mut files = 0_u64;
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    while volume.room(index).unwrap().data.0 >= 65_536 {
        let appended = volume.append_block(&file).unwrap();
        assert!(appended.outcome.is_on_tape(), "{:?}", appended);
        let own = [extent(appended.block, 0, file.len())];
        let entry = file_entry(&format!("f{files}"), files + 2, &own, 65_536);
        tree.overlay_mut().put_file(&[], entry);
        files += 1;
    }
    // 48 MiB less the index partition, the margin and two indexes.
    assert!(files > 150, "only {files} files");
    let written = volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
    drop(volume.close().unwrap());
    let mounted = rig.mount();
    assert_eq!(mounted.index.file.counts().files, files);
    assert_eq!(written.bytes.0.div_ceil(1024), mounted.index.file.bytes().0.div_ceil(1024));
    assert_eq!(rig.read(&mounted, "f0"), file);
    assert_eq!(rig.read(&mounted, &format!("f{}", files - 1)), file);
}

#[test]
fn past_early_warning_there_is_no_room_and_a_full_tape_is_an_outcome() {
    let rig = Rig::of(CartridgeKind::Data, ByteCount(32 * MIB));
    let options = FormatOptions { block_size: 262_144, ..rig.format_options() };
    format(&mut rig.drive(), &options).unwrap();
    let mut volume = rig.open();
    let block = content(1, 262_144);
    let mut worst = Vec::new();
    for _ in 0..1000 {
        let appended = volume.append_block(&block).unwrap();
        if worst.last() != Some(&appended.outcome) {
            worst.push(appended.outcome);
        }
        if appended.outcome == WriteOutcome::EarlyWarning {
            assert_eq!(volume.room(ByteCount(1000)).unwrap().data, ByteCount(0));
        }
        if appended.outcome == WriteOutcome::Full {
            assert_eq!(appended.block, volume.next_block());
            break;
        }
    }
    assert_eq!(worst.last(), Some(&WriteOutcome::Full), "{worst:?}");
    assert!(worst.contains(&WriteOutcome::EarlyWarning), "{worst:?}");
}

#[test]
fn an_index_that_does_not_fit_on_the_index_partition_is_refused_before_it_is_written() {
    let rig = Rig::of(CartridgeKind::Data, ByteCount(256 * MIB));
    rig.format();
    let mut volume = rig.open();
    let limit = volume.room(ByteCount(0)).unwrap().index_max;
    assert_eq!(volume.room(ByteCount(limit.0 + 1)).unwrap().data, ByteCount(0));
    let mut tree = MergedIndex::over(Arc::clone(volume.current_index()));
    let mut large = file_entry("large", 2, &[], 0);
    let value = vec![b'x'; 1 << 20];
    for n in 0..=limit.0 / (1 << 20) + 8 {
        let key = Name::new(&format!("k{n}"), NameUse::AttributeKey).unwrap();
        large = FileEntry {
            name: name(&format!("large{n}")),
            uid: n + 2,
            xattrs: vec![crate::ltfs::index::Xattr { key, value: value.clone() }],
            ..large
        };
        tree.overlay_mut().put_file(&[], large.clone());
    }
    let refused = volume.write_index(&mut tree, IndexPlacement::DataPartition).unwrap_err();
    assert!(matches!(refused, LtfsError::IndexTooLarge { .. }), "{refused:?}");
    assert!(!volume.is_stopped());
}
