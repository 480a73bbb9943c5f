//! Repair and rollback: what is appended, and that nothing else is touched.

use super::*;
use crate::ltfs::mount::{Severity, Tail};
use crate::ltfs::repair::{OnTape, is_worth_repairing, repair};
use crate::ltfs::rollback::{generations, read_generation, roll_back};
use crate::ltfs::spool::BulkSpool;

fn repaired(rig: &Rig) -> MountedVolume {
    let mounted = rig.mount();
    assert!(is_worth_repairing(&mounted));
    let end = mounted.data_partition.end_of_data;
    let (drive, done) = repair(rig.drive(), &mounted, rig.write_options(), None).unwrap();
    assert_eq!(drive.access(), Access::ReadOnly);
    assert!(!done.healed.is_empty());
    assert!(
        done.left.iter().all(|finding| finding.severity() == Severity::Note),
        "{:?}",
        done.left
    );
    done.index.coherency.unwrap();
    let after = rig.mount();
    assert!(after.generation() > mounted.generation());
    // The data partition only grew.
    let block = |end| match end {
        crate::ltfs::mount::EndOfData::At(block) => block,
        other => panic!("{other:?}"),
    };
    assert!(block(after.data_partition.end_of_data) > block(end));
    assert_holds_closed(rig, &after);
    after
}

#[test]
fn blocks_of_a_crash_stay_where_they_are_and_an_index_follows_them() {
    let rig = closed_volume();
    let stray = content(9, BLOCK);
    rig.raw(|drive| {
        let end = end_of(drive, DATA);
        put(drive, DATA, end, &[Raw::Block(&stray), Raw::Block(b"tail")]);
    });
    let after = repaired(&rig);
    assert_eq!(after.findings, []);
    let mut buffer = vec![0; BLOCK];
    let mut drive = rig.drive();
    let read = VolumeReader::new(&mut drive, &after).read_block(
        PartitionId::DATA,
        BlockNumber(17),
        &mut buffer,
    );
    assert_eq!(read.unwrap().unwrap(), BLOCK);
    assert_eq!(buffer, stray);
}

#[test]
fn a_torn_index_is_kept_and_a_new_one_follows_it() {
    for torn in
        ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ltfsindex version=\"2.4.0\">\n<crea", ""]
    {
        let rig = closed_volume();
        rig.raw(|drive| {
            let end = end_of(drive, DATA);
            let records = [Raw::Filemark, Raw::Block(torn.as_bytes())];
            put(drive, DATA, end, &records[..1 + usize::from(!torn.is_empty())]);
        });
        assert!(!matches!(rig.mount().data_partition.tail, Tail::Clean));
        let after = repaired(&rig);
        assert_eq!(after.data_partition.tail, Tail::Clean);
        // A damaged index may have had the next number, so that is not given again.
        assert_eq!(after.generation(), if torn.is_empty() { 4 } else { 5 });
    }
}

#[test]
fn a_damaged_index_partition_is_appended_to() {
    let rig = closed_volume();
    rig.raw(|drive| put(drive, INDEX, 4, &[Raw::Filemark, Raw::Block(b"torn"), Raw::Filemark]));
    let after = repaired(&rig);
    assert_eq!(after.index_partition.last_index.unwrap().location.block, BlockNumber(8));
}

/// Goal: a run's files that were on tape when the power failed come back into the index, and those that
/// were not do not. Method: a journal of three files, of which the tape has two.
#[test]
fn a_journal_brings_back_what_is_on_the_tape_and_nothing_else() {
    let rig = closed_volume();
    let mut volume = rig.open();
    let first = append(&mut volume, &content(20, 5000)).unwrap();
    let second = append(&mut volume, &content(21, 9000)).unwrap();
    volume.flush().unwrap();
    let lost = extent(volume.next_block(), 0, 4096);
    drop(volume.into_drive());
    rig.library.power_fail();

    let mut journal = BulkSpool::create(&rig.spool.path().join("journal")).unwrap();
    journal.enter(&directory_entry("run", 10)).unwrap();
    for (number, (extent, length)) in
        [(first, 5000), (second, 9000), (lost, 4096)].iter().enumerate()
    {
        let number = u64::try_from(number).unwrap();
        journal.file(&file_entry(&format!("j{number}"), 11 + number, &[*extent], *length)).unwrap();
    }
    let mounted = rig.mount();
    let mut tree = MergedIndex::over(Arc::clone(&mounted.index.file));
    tree.attach(&[], journal.snapshot().unwrap());
    let refused = repair(rig.drive(), &mounted, rig.write_options(), Some(&mut tree)).unwrap_err();
    assert!(matches!(refused.error, LtfsError::Misuse(_)), "{:?}", refused.error);
    let mut on_tape = OnTape::new(&mut tree, &mounted);
    repair(rig.drive(), &mounted, rig.write_options(), Some(&mut on_tape)).unwrap();
    assert_eq!(on_tape.left_out(), 1);
    let after = rig.mount();
    assert_eq!(after.findings, []);
    assert_holds_closed(&rig, &after);
    assert_eq!(rig.read(&after, "run/j0"), content(20, 5000));
    assert_eq!(rig.read(&after, "run/j1"), content(21, 9000));
    assert!(find(&after, "run/j2").is_none());
}

#[test]
fn a_volume_without_one_of_its_labels_is_not_repaired() {
    let rig = closed_volume();
    rig.raw(|drive| put(drive, INDEX, 0, &[Raw::Block(b"something else")]));
    let mounted = rig.mount();
    assert!(!is_worth_repairing(&mounted));
    let before = rig.library.log().writes_to(&rig.barcode).len();
    let refused = repair(rig.drive(), &mounted, rig.write_options(), None).unwrap_err();
    assert!(matches!(refused.error, LtfsError::NotRepairable(_)));
    assert_eq!(rig.library.log().writes_to(&rig.barcode).len(), before);
}

/// Goal: a partition whose end the drive has lost is still read. Method: the drive fails to go to the
/// end of the data, as it does when it does not know it.
#[test]
fn a_volume_whose_data_has_no_known_end_is_read_and_not_repaired() {
    use crate::vtl::faults::{ByteMatch, Effect, Execution, Fault, SensePlan, Times, Trigger};
    for partition in [INDEX, DATA] {
        let rig = closed_volume();
        // With a current memory the tape is in the partition already and spaces to its end.
        forget_coherency(&rig);
        let mut fault = Fault::at_command(1, Effect::Busy);
        // LOCATE(16) to the end of data: DEST_TYPE 011b, and the partition in byte 3.
        fault.trigger = Trigger::Opcode {
            opcode: crate::scsi::opcode::LOCATE_16,
            nth: 1,
            bytes: vec![
                ByteMatch { at: 1, mask: 0x38, value: 0x18 },
                ByteMatch { at: 3, mask: 0xFF, value: partition.0 },
            ],
        };
        let sense = SensePlan::new(SenseKey::MediumError, 0x11, 0);
        fault.effect = Effect::Sense { sense, execution: Execution::Skipped };
        fault.times = Times::Always;
        rig.set_faults(FaultPlan::of(fault));
        let mounted = rig.mount();
        assert_holds_closed(&rig, &mounted);
        assert_eq!(mounted.generation(), 3);
        assert!(mounted.needs_repair(), "{:?}", mounted.findings);
        let repair = repair(rig.drive(), &mounted, rig.write_options(), None);
        assert_eq!(repair.is_err(), partition == DATA);
    }
}

#[test]
fn an_older_generation_becomes_the_newest_and_back_again() {
    let rig = closed_volume();
    let mounted = rig.mount();
    let listed = generations(&mut rig.drive(), &mounted).unwrap();
    assert_eq!(listed.iter().map(|g| g.generation).collect::<Vec<_>>(), [3, 2, 1]);
    let options = rig.write_options();
    let read = |mounted: &MountedVolume, generation| {
        read_generation(&mut rig.drive(), mounted, &options.spool_dir, generation)
    };
    let older = read(&mounted, 2).unwrap();
    let (_, written) = roll_back(rig.drive(), &mounted, older, options.clone()).unwrap();
    assert_eq!(written.generation, 4);
    let back = rig.mount();
    assert_eq!(back.findings, []);
    assert_eq!(rig.read(&back, "a"), content(1, 10_000));
    assert!(find(&back, "b").is_none());
    assert_eq!(back.header().highest_uid, 3);
    let newer = read(&back, 3).unwrap();
    roll_back(rig.drive(), &back, newer, options.clone()).unwrap();
    let forward = rig.mount();
    assert_eq!(forward.generation(), 5);
    assert_holds_closed(&rig, &forward);
    assert!(matches!(read(&forward, 77), Err(LtfsError::NoGeneration(77))));
}
