//! Every verb on a drive that works, and what an ordinary tape does.

use super::*;
use crate::drive::{
    Attribute, AttributeFormat, AttributeId, Compression, DriveError, DriveErrorKind, Erase, Lock,
    SpaceOutcome,
};

#[test]
fn a_drive_is_known_by_its_serial_number_and_says_what_it_can() {
    let rig = Rig::of(LtoGeneration::Lto9);
    let identity = rig.drive.identity();
    assert_eq!(Some(&identity.serial), rig.library.drive_serial(0).as_ref());
    assert_eq!(identity.generation, Some(LtoGeneration::Lto9));
    let capabilities = rig.drive.capabilities();
    assert_eq!(capabilities.block_bytes_max, 1 << 20);
    assert!(capabilities.may_encrypt() && capabilities.recommends_access_order());
    assert_eq!(capabilities.worm, Some(true));
    assert!(capabilities.densities.iter().any(|d| d.code == 0x60 && d.is_writable));
    assert!(!capabilities.designators.is_empty());
}

#[test]
fn every_generation_opens_loads_and_tells_its_cartridge() {
    for generation in LtoGeneration::ALL {
        let mut rig = Rig::of(generation);
        assert_eq!(rig.drive.identity().generation, Some(generation), "{generation}");
        assert_eq!(rig.drive.medium().unwrap(), None);
        rig.bring(0);
        rig.drive.wait_ready(Duration::from_secs(7200), &mut |_| {}).unwrap();
        let medium = rig.drive.medium().unwrap().unwrap();
        assert_eq!(medium.generation, Some(generation));
        assert!(!medium.is_worm && !medium.is_write_protected && !medium.is_cleaning);
        assert_eq!(medium.partition_count, 1);
        assert!(medium.medium_serial.is_some() && medium.manufacturer.is_some());
    }
}

#[test]
fn special_cartridges_are_told_apart() {
    let mut worm = Rig::with_slot(2);
    assert!(worm.drive.medium().unwrap().unwrap().is_worm);
    let mut protected = Rig::with_slot(3);
    assert!(protected.drive.medium().unwrap().unwrap().is_write_protected);
    let mut cleaning = Rig::of(LtoGeneration::Lto9);
    cleaning.bring(4);
    assert!(cleaning.drive.medium().unwrap().unwrap().is_cleaning);
}

#[test]
fn formatting_makes_the_two_partitions_of_ltfs_and_one_again() {
    let mut rig = Rig::formatted();
    assert_eq!(rig.drive.position(), Some(Position::new(0, 0)));
    assert_eq!(rig.drive.access(), Access::Write);
    assert_eq!(rig.drive.medium().unwrap().unwrap().partition_count, 2);
    let capacities = rig.drive.partition_capacities().unwrap();
    let partitions: Vec<_> = capacities.iter().map(|c| c.partition.0).collect();
    assert_eq!(partitions, [0, 1]);
    assert!(capacities.iter().all(|c| c.maximum.0 > 0 && c.remaining <= c.maximum));
    // The destructive format is never sent unless asked for.
    let formats = rig.library.log().with_opcode(crate::scsi::opcode::FORMAT_MEDIUM);
    assert!(formats.iter().all(|record| record.cdb.as_bytes()[2] == 1));
    rig.drive.format_partitions(PartitionPlan::single()).unwrap();
    assert_eq!(rig.drive.medium().unwrap().unwrap().partition_count, 1);
}

#[test]
fn what_was_written_is_read_in_order_with_filemarks_and_the_end() {
    let mut rig = Rig::recorded();
    rig.drive.locate(Position::new(1, 0)).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut seen = Vec::new();
    loop {
        let at = rig.drive.position().unwrap().block.0;
        match rig.drive.read_block(&mut buffer).unwrap() {
            ReadOutcome::Block { len } => {
                assert_eq!(buffer[..len], block(u8::try_from(at).unwrap()));
                seen.push('B');
            }
            ReadOutcome::Filemark => seen.push('F'),
            ReadOutcome::EndOfData => break,
        }
    }
    assert_eq!(seen, ['B', 'B', 'B', 'F', 'B', 'B', 'F']);
    assert_eq!(rig.drive.position(), Some(Position::new(1, 7)));
    assert_eq!(rig.drive.read_block(&mut buffer).unwrap(), ReadOutcome::EndOfData);
}

#[test]
fn blocks_of_any_length_up_to_the_limit_come_back() {
    let mut rig = Rig::formatted();
    rig.drive.locate(Position::new(1, 0)).unwrap();
    let lengths = [1, 80, 4095, 512 * 1024, 1 << 20];
    for len in lengths {
        let outcome = rig.drive.write_block(&vec![7; len]).unwrap();
        assert_eq!(outcome, WriteOutcome::Written);
    }
    let too_long = rig.drive.write_block(&vec![0; (1 << 20) + 1]).unwrap_err();
    assert_eq!(too_long.kind(), DriveErrorKind::Bug);
    assert_eq!(rig.drive.write_block(&[]).unwrap_err().kind(), DriveErrorKind::Bug);
    rig.drive.locate(Position::new(1, 0)).unwrap();
    for len in lengths {
        // Both with room to spare and with exactly the room that it needs.
        let mut buffer = vec![0; if len % 2 == 0 { len } else { 1 << 20 }];
        assert_eq!(rig.drive.read_block(&mut buffer).unwrap(), ReadOutcome::Block { len });
    }
    rig.drive.locate(Position::new(1, 3)).unwrap();
    let error = rig.drive.read_block(&mut [0; 1000]).unwrap_err();
    assert!(matches!(error, DriveError::BlockTooLong { len: 524_288, limit: 1000, .. }));
    rig.drive.ensure_position(Position::new(1, 4)).unwrap();
}

#[test]
fn positions_are_the_drives_own_word() {
    let mut rig = Rig::recorded();
    let position = rig.drive.read_position().unwrap();
    assert_eq!(position.position, Position::new(1, 7));
    assert_eq!(position.filemarks_before, Some(2));
    assert!(!position.is_at_beginning && !position.is_past_early_warning);
    rig.drive.rewind().unwrap();
    assert!(rig.drive.read_position().unwrap().is_at_beginning);
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
    rig.drive.locate(Position::new(0, 0)).unwrap();
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
    assert_eq!(rig.drive.locate_end_of_data(Partition(0)).unwrap(), Position::new(0, 0));
    let beyond = rig.drive.locate(Position::new(1, 70)).unwrap_err();
    assert!(matches!(
        beyond,
        DriveError::BeyondEndOfData { end, .. } if end == Position::new(1, 7)
    ));
    assert_eq!(rig.drive.position(), Some(Position::new(1, 7)));
}

#[test]
fn a_partition_that_is_not_there_is_never_asked_for() {
    let mut rig = Rig::formatted();
    rig.drive.medium().unwrap();
    let before = rig.library.log().last_number();
    let error = rig.drive.locate(Position::new(2, 0)).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::Bug);
    assert!(rig.drive.locate_end_of_data(Partition(9)).is_err());
    assert_eq!(rig.library.log().last_number(), before);
}

#[test]
fn spacing_over_filemarks_ends_where_it_should() {
    let mut rig = Rig::recorded();
    let mut space = |count| {
        let outcome = rig.drive.space_filemarks(count).unwrap();
        (outcome, rig.drive.position().unwrap().block.0)
    };
    assert_eq!(space(-1), (SpaceOutcome::Done, 6));
    assert_eq!(space(-1), (SpaceOutcome::Done, 3));
    assert_eq!(space(-1), (SpaceOutcome::BeginningOfPartition, 0));
    assert_eq!(space(2), (SpaceOutcome::Done, 7));
    assert_eq!(space(1), (SpaceOutcome::EndOfData, 7));
    assert_eq!(space(0), (SpaceOutcome::Done, 7));
    assert_eq!(space(-9), (SpaceOutcome::BeginningOfPartition, 0));
}

#[test]
fn a_write_cuts_off_what_was_behind_it() {
    let mut rig = Rig::recorded();
    rig.drive.locate(Position::new(1, 1)).unwrap();
    assert!(rig.drive.write_block(&block(9)).unwrap().is_on_tape());
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 2));
    assert!(rig.drive.end_of_data_known(DATA).unwrap());
}

#[test]
fn near_its_end_a_tape_warns_twice_and_then_is_full() {
    let mut rig = Rig::formatted();
    rig.drive.set_programmable_early_warning(ByteCount(8_000_000)).unwrap();
    rig.drive.locate(Position::new(1, 0)).unwrap();
    let data = vec![5; 512 * 1024];
    let mut written = 0;
    let mut seen = Vec::new();
    loop {
        let outcome = rig.drive.write_block(&data).unwrap();
        if seen.last() != Some(&outcome) {
            seen.push(outcome);
        }
        if outcome == WriteOutcome::Full {
            break;
        }
        written += 1;
        assert_eq!(rig.drive.position(), Some(Position::new(1, written)));
    }
    assert!(seen.contains(&WriteOutcome::NearEnd), "{seen:?}");
    assert!(seen.contains(&WriteOutcome::EarlyWarning), "{seen:?}");
    assert_eq!(rig.drive.position(), Some(Position::new(1, written)));
    // Every block that was taken is there.
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, written));
    let data_partition = rig.drive.partition_capacities().unwrap()[1];
    assert_eq!(data_partition.remaining, ByteCount(0));
}

#[test]
fn attributes_are_kept_by_partition_over_a_load() {
    let mut rig = Rig::recorded();
    let coherency = |value: u8| Attribute {
        id: AttributeId::VOLUME_COHERENCY,
        format: AttributeFormat::Binary,
        value: vec![value; 70],
    };
    let name = Attribute {
        id: AttributeId::APPLICATION_NAME,
        format: AttributeFormat::Ascii,
        value: format!("{:<32}", "LTFS").into_bytes(),
    };
    rig.drive.write_attributes(Partition(0), &[coherency(1), name]).unwrap();
    rig.drive.write_attributes(DATA, &[coherency(2)]).unwrap();
    rig.drive.load().unwrap();
    let mut read = |partition, id| rig.drive.read_attribute(partition, id).unwrap();
    assert_eq!(read(Partition(0), AttributeId::VOLUME_COHERENCY), Some(coherency(1)));
    assert_eq!(read(DATA, AttributeId::VOLUME_COHERENCY), Some(coherency(2)));
    assert_eq!(read(Partition(0), AttributeId::APPLICATION_NAME).unwrap().text(), "LTFS");
    assert!(read(Partition(0), AttributeId::VOLUME_CHANGE_REFERENCE).unwrap().number().is_some());
    assert_eq!(read(Partition(0), AttributeId(0x0BFF)), None);
    let refused = rig.drive.write_attributes(DATA, &[coherency(3)]).unwrap_err();
    assert!(matches!(refused, DriveError::WriteNotPermitted { .. }));
}

#[test]
fn protected_and_worm_cartridges_are_not_overwritten() {
    let mut protected = Rig::with_slot(3);
    protected.drive.permit(Access::Write);
    let error = protected.drive.write_block(&block(1)).unwrap_err();
    assert!(matches!(error, DriveError::Protected { .. }));
    assert_eq!(error.kind(), DriveErrorKind::OperatorNeeded);

    let mut worm = Rig::with_slot(2);
    worm.drive.permit(Access::Write);
    assert!(worm.drive.write_block(&block(1)).unwrap().is_on_tape());
    assert!(worm.drive.write_block(&block(2)).unwrap().is_on_tape());
    worm.drive.rewind().unwrap();
    let error = worm.drive.write_block(&block(3)).unwrap_err();
    assert!(matches!(error, DriveError::Protected { .. }), "{error}");
    worm.drive.rewind().unwrap();
    assert_eq!(read(&mut worm.drive).unwrap(), Some(block(1)));
}

#[test]
fn loading_takes_the_permit_away_and_unloading_forgets_everything() {
    let mut rig = Rig::recorded();
    rig.drive.load().unwrap();
    assert_eq!(rig.drive.position(), Some(Position::new(0, 0)));
    assert_eq!(rig.drive.access(), Access::ReadOnly);
    rig.drive.unload().unwrap();
    assert_eq!(rig.drive.position(), None);
    assert_eq!(rig.drive.medium().unwrap(), None);
    assert!(matches!(rig.drive.read_block(&mut [0; 9]), Err(DriveError::NoMedium { .. })));
}

#[test]
fn a_locked_cartridge_cannot_be_unloaded() {
    let mut rig = Rig::with_slot(0);
    assert_eq!(rig.drive.lock_medium().unwrap(), Lock::Locked);
    assert_eq!(rig.drive.unload().unwrap_err().kind(), DriveErrorKind::OperatorNeeded);
    rig.drive.unlock_medium().unwrap();
    rig.drive.unload().unwrap();
}

#[test]
fn compression_is_set_and_erasing_cuts_off() {
    let mut rig = Rig::recorded();
    rig.drive.set_compression(Compression::On).unwrap();
    rig.drive.set_compression(Compression::Off).unwrap();
    rig.drive.locate(Position::new(1, 4)).unwrap();
    rig.drive.erase(Erase::Quick).unwrap();
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 4));
}
