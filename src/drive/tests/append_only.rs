//! Append-only mode: the drive refuses to write where we did not mean to, and lets us where we did.

use super::*;
use crate::drive::{DriveError, Guard};
use crate::scsi::opcode;

/// The blocks of partition 1 as [`Rig::recorded`] left them.
fn assert_untouched(rig: &mut Rig) {
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
    rig.drive.locate(Position::new(1, 0)).unwrap();
    let mut first = vec![0; block(0).len()];
    assert!(matches!(rig.drive.read_block(&mut first).unwrap(), ReadOutcome::Block { .. }));
    assert_eq!(first, block(0));
}

#[test]
fn a_drive_that_was_silently_rewound_right_before_a_write_does_not_write() {
    let mut rig = Rig::recorded();
    rig.drive.locate(Position::new(0, 0)).unwrap();
    assert_eq!(rig.drive.write_block(&block(0)).unwrap(), WriteOutcome::Written);
    rig.drive.locate(Position::new(1, 7)).unwrap();
    assert_eq!(rig.drive.append_only().unwrap(), Guard::Drive);
    rig.fault_at(opcode::WRITE_6, Effect::SilentRewind);
    let error = rig.drive.write_block(&block(9)).unwrap_err();
    assert!(matches!(error, DriveError::PositionLost { .. }), "{error}");
    assert_eq!(rig.drive.position(), None);
    assert_eq!(rig.drive.locate_end_of_data(Partition(0)).unwrap(), Position::new(0, 1));
    assert_untouched(&mut rig);
}

#[test]
fn what_is_written_over_must_be_allowed_at_the_very_position() {
    let mut rig = Rig::recorded();
    rig.drive.append_only().unwrap();
    rig.drive.locate(Position::new(1, 3)).unwrap();
    let error = rig.drive.write_block(&block(9)).unwrap_err();
    assert!(matches!(error, DriveError::PositionLost { .. }), "{error}");
    assert_untouched(&mut rig);

    rig.drive.locate(Position::new(1, 3)).unwrap();
    let elsewhere = rig.drive.allow_overwrite(Position::new(1, 4)).unwrap_err();
    assert!(matches!(elsewhere, DriveError::BadRequest { .. }), "{elsewhere}");
    rig.drive.allow_overwrite(Position::new(1, 3)).unwrap();
    assert_eq!(rig.drive.write_block(&block(9)).unwrap(), WriteOutcome::Written);
    // The end of data is behind it now, so that the next one is appended.
    assert_eq!(rig.drive.write_block(&block(8)).unwrap(), WriteOutcome::Written);
    assert_eq!(rig.drive.write_filemarks(1, Flush::Synchronous).unwrap(), WriteOutcome::Written);
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 6));
}

#[test]
fn a_drive_that_is_elsewhere_allows_nothing() {
    let mut rig = Rig::recorded();
    rig.drive.append_only().unwrap();
    rig.drive.locate(Position::new(1, 3)).unwrap();
    rig.fault_at(opcode::ALLOW_OVERWRITE, Effect::SilentRewind);
    let error = rig.drive.allow_overwrite(Position::new(1, 3)).unwrap_err();
    assert!(matches!(error, DriveError::PositionLost { .. }), "{error}");
    assert_untouched(&mut rig);
}

#[test]
fn a_guarded_cartridge_is_formatted_and_a_loaded_one_is_not_guarded() {
    let mut rig = Rig::recorded();
    rig.drive.append_only().unwrap();
    rig.drive.format_partitions(PartitionPlan::ltfs()).unwrap();
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 0));
    rig.drive.unload().unwrap();
    rig.drive.load().unwrap();
    rig.drive.permit(Access::Write);
    rig.drive.locate(Position::new(0, 0)).unwrap();
    let before = rig.library.log().last_number();
    rig.drive.allow_overwrite(Position::new(0, 0)).unwrap();
    assert_eq!(rig.count_since(before, opcode::ALLOW_OVERWRITE), 0);
}
