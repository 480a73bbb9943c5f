//! A drive that works: what it says of itself and its cartridges, and what only a virtual one can show. What every
//! drive has to do is in `hil-tests/conformance`: the same on the virtual library and on device nodes.

use super::*;
use crate::drive::{DriveError, DriveErrorKind, Lock};

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
