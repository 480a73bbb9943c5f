//! What a drive does when it goes wrong, and what we make of it. The rule in every case: nothing is
//! written before the position was found again, and nothing that was lost is called written.

use super::*;
use crate::drive::{DriveError, DriveErrorKind, LostBecause};
use crate::scsi::{SenseKey, opcode};
use crate::vtl::faults::{BlockAccess, Execution, PowerMoment, SensePlan};

/// Write verbs send nothing until somebody has located.
fn assert_dead_until_located(rig: &mut Rig) {
    assert_eq!(rig.drive.position(), None);
    let before = rig.library.log().last_number();
    for _ in 0..3 {
        let error = rig.drive.write_block(&block(1)).unwrap_err();
        assert!(matches!(error, DriveError::PositionLost { .. }), "{error}");
        assert!(rig.drive.write_filemarks(1, Flush::Synchronous).is_err());
        assert!(rig.drive.write_attributes(DATA, &[]).is_err());
    }
    assert_eq!(rig.library.log().last_number(), before, "something was sent");
    rig.drive.locate(Position::new(1, 0)).unwrap();
    assert_eq!(rig.drive.position(), Some(Position::new(1, 0)));
}

fn reset(unit_attention: bool) -> Effect {
    Effect::Reset { unit_attention }
}

#[test]
fn a_reset_with_a_unit_attention_stops_the_writer() {
    let mut rig = Rig::recorded();
    rig.fault_at(opcode::WRITE_6, reset(true));
    let error = rig.drive.write_block(&block(9)).unwrap_err();
    assert!(matches!(error, DriveError::UnitAttention { .. }), "{error}");
    assert_eq!(error.kind(), DriveErrorKind::PositionLost);
    assert_dead_until_located(&mut rig);
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
}

#[test]
fn a_reset_met_by_reading_a_page_stops_the_writer_too() {
    let mut rig = Rig::recorded();
    rig.fault_at(opcode::LOG_SENSE, reset(true));
    rig.drive.statistics().unwrap();
    let error = rig.drive.write_block(&block(9)).unwrap_err();
    assert!(matches!(error, DriveError::UnitAttention { .. }), "{error}");
    assert_dead_until_located(&mut rig);
}

#[test]
fn a_silent_rewind_or_reset_is_caught_before_the_next_commit() {
    for effect in [Effect::SilentRewind, reset(false)] {
        let mut rig = Rig::recorded();
        let commit = rig.drive.position().unwrap();
        rig.fault_at(opcode::READ_POSITION, effect);
        let error = rig.drive.ensure_position(commit).unwrap_err();
        assert!(
            matches!(
                &error,
                DriveError::PositionLost { because: LostBecause::Disagreement { .. }, .. }
            ),
            "{error}"
        );
        assert_dead_until_located(&mut rig);
    }
}

#[test]
fn a_deferred_error_says_that_nothing_since_the_last_flush_is_certain() {
    let mut rig = Rig::recorded();
    assert!(rig.drive.write_block(&block(7)).unwrap().is_on_tape());
    assert!(rig.drive.write_block(&block(8)).unwrap().is_on_tape());
    let sense = SensePlan::new(SenseKey::MediumError, 0x0C, 0x00);
    rig.fault_at(opcode::WRITE_FILEMARKS_6, Effect::DeferredError { sense, objects_kept: 1 });
    let error = rig.drive.write_filemarks(1, Flush::Synchronous).unwrap_err();
    assert!(matches!(error, DriveError::Deferred { .. }), "{error}");
    assert_eq!(error.kind(), DriveErrorKind::CartridgeBad);
    assert_dead_until_located(&mut rig);
    assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 8));
}

#[test]
fn a_write_error_of_the_medium_is_the_cartridges() {
    let mut rig = Rig::recorded();
    rig.fault(Fault::at_block(BlockAccess::Write, 1, 7, Effect::MediumError));
    let written = rig.drive.write_block(&block(7));
    let flushed = rig.drive.write_filemarks(1, Flush::Synchronous);
    let error = written.and(flushed).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::CartridgeBad, "{error}");
    assert_dead_until_located(&mut rig);
}

#[test]
fn a_block_that_cannot_be_read_is_passed_by_locating_behind_it() {
    let mut rig = Rig::recorded();
    rig.drive.locate(Position::new(1, 0)).unwrap();
    rig.fault(Fault::at_block(BlockAccess::Read, 1, 1, Effect::MediumError));
    assert_eq!(read(&mut rig.drive).unwrap(), Some(block(0)));
    let error = read(&mut rig.drive).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::CartridgeBad, "{error}");
    assert!(matches!(read(&mut rig.drive), Err(DriveError::PositionLost { .. })));
    rig.drive.locate(Position::new(1, 2)).unwrap();
    assert_eq!(read(&mut rig.drive).unwrap(), Some(block(2)));
}

#[test]
fn a_lying_residual_never_makes_a_short_block_of_a_long_one() {
    for missing in [512, -512] {
        let mut rig = Rig::recorded();
        rig.drive.locate(Position::new(1, 0)).unwrap();
        rig.fault_at(opcode::READ_6, Effect::LyingResidual { missing });
        match read(&mut rig.drive) {
            // More than was asked for is nonsense that changes nothing; less is not believed.
            Ok(bytes) => assert_eq!(bytes, Some(block(0))),
            Err(error) => {
                assert_eq!(error.kind(), DriveErrorKind::DriveBad, "{error}");
                assert!(rig.drive.is_lost());
            }
        }
    }
}

#[test]
fn a_write_of_which_less_is_said_to_have_gone_is_no_written_block() {
    let mut rig = Rig::recorded();
    rig.fault_at(opcode::WRITE_6, Effect::LyingResidual { missing: 512 });
    assert!(matches!(rig.drive.write_block(&block(7)), Err(DriveError::Inconsistent { .. })));
    assert_dead_until_located(&mut rig);
}

#[test]
fn a_command_without_an_answer_leaves_everything_open() {
    for execution in [Execution::Skipped, Execution::Done] {
        for effect in [Effect::TransportTimeout { execution }, Effect::TransportGone { execution }]
        {
            let mut rig = Rig::recorded();
            rig.fault_at(opcode::WRITE_6, effect);
            let error = rig.drive.write_block(&block(7)).unwrap_err();
            assert!(matches!(error, DriveError::Transport { .. }), "{error}");
            assert_dead_until_located(&mut rig);
        }
    }
}

#[test]
fn busy_and_conflict_change_nothing() {
    let mut rig = Rig::recorded();
    rig.fault_at(opcode::WRITE_6, Effect::Busy);
    assert_eq!(rig.drive.write_block(&block(7)).unwrap_err().kind(), DriveErrorKind::Retry);
    rig.fault_at(opcode::WRITE_6, Effect::ReservationConflict);
    let conflict = rig.drive.write_block(&block(7)).unwrap_err();
    assert_eq!(conflict.kind(), DriveErrorKind::OperatorNeeded);
    assert!(rig.drive.write_block(&block(7)).unwrap().is_on_tape());
    rig.drive.ensure_position(Position::new(1, 8)).unwrap();
}

#[test]
fn a_power_failure_loses_what_was_not_flushed_and_nothing_else() {
    for moment in [PowerMoment::Before, PowerMoment::During, PowerMoment::After] {
        let mut rig = Rig::recorded();
        rig.fault_at(opcode::WRITE_6, Effect::PowerFailure { moment });
        let first = rig.drive.write_block(&block(7));
        assert_eq!(first.is_ok(), moment == PowerMoment::After);
        let _ = rig.drive.write_block(&block(8)).unwrap_err();
        rig.library.power_on();
        assert!(rig.drive.is_lost());
        assert!(rig.drive.write_filemarks(0, Flush::Synchronous).is_err());
        // What must be done after it: ready, loaded, located, checked, permitted.
        rig.drive.wait_ready(Duration::from_secs(600), &mut |_| {}).ok();
        rig.drive.load().unwrap();
        assert_eq!(rig.drive.access(), Access::ReadOnly);
        assert_eq!(rig.drive.locate_end_of_data(DATA).unwrap(), Position::new(1, 7));
    }
}

#[test]
fn a_motion_that_fails_is_a_lost_position() {
    let sense = SensePlan::new(SenseKey::HardwareError, 0x15, 0x01);
    for execution in [Execution::Skipped, Execution::Done] {
        let mut rig = Rig::recorded();
        rig.fault_at(opcode::LOCATE_16, Effect::Sense { sense, execution });
        let error = rig.drive.locate(Position::new(1, 2)).unwrap_err();
        assert_eq!(error.kind(), DriveErrorKind::DriveBad, "{error}");
        assert_dead_until_located(&mut rig);
    }
}

#[test]
fn a_cartridge_that_may_have_changed_before_a_format_is_not_formatted() {
    let mut rig = Rig::recorded();
    let sense = SensePlan::new(SenseKey::UnitAttention, 0x28, 0x00);
    rig.fault(Fault::at_command(1, Effect::Sense { sense, execution: Execution::Skipped }));
    let before = rig.library.log().last_number();
    assert!(rig.drive.format_partitions(PartitionPlan::ltfs()).is_err());
    assert!(matches!(
        rig.drive.format_partitions(PartitionPlan::ltfs()),
        Err(DriveError::WriteNotPermitted { .. })
    ));
    assert_eq!(rig.count_since(before, opcode::FORMAT_MEDIUM), 0);
    rig.library.set_faults(FaultPlan::default());
    rig.drive.locate(Position::new(1, 0)).unwrap();
    assert_eq!(read(&mut rig.drive).unwrap(), Some(block(0)));
}

#[test]
fn whatever_fails_at_any_command_of_a_format_never_leaves_a_drive_that_writes() {
    let sense = SensePlan::new(SenseKey::UnitAttention, 0x28, 0x00);
    for nth in 1..60 {
        let mut rig = Rig::recorded();
        rig.fault(Fault::at_command(nth, Effect::Sense { sense, execution: Execution::Skipped }));
        let before = rig.library.log().last_number();
        let result = rig.drive.format_partitions(PartitionPlan::ltfs());
        if rig.library.log().last_number() < before + nth {
            assert!(result.is_ok());
            return;
        }
        if result.is_err() {
            let _ = rig.drive.write_block(&block(1)).unwrap_err();
        }
        let records = rig.library.log().since(before);
        let met = records.iter().position(|r| r.sense().is_some_and(|s| s.code == 0x28));
        let written_after = records[met.unwrap()..].iter().filter(|r| r.is_write_class()).count();
        // The command that met it may itself be one of them; it was not executed.
        let own = usize::from(records[met.unwrap()].is_write_class());
        assert_eq!(written_after, own, "command {nth}: {}", rig.library.log().to_text());
    }
    panic!("a format has fewer commands than that");
}

#[test]
fn a_cartridge_missed_by_reading_a_page_stops_the_writer_with_the_drives_own_words() {
    let mut rig = Rig::recorded();
    let sense = SensePlan::new(SenseKey::NotReady, 0x3A, 0x00);
    rig.fault_at(opcode::LOG_SENSE, Effect::Sense { sense, execution: Execution::Skipped });
    let error = rig.drive.statistics().unwrap_err();
    assert!(matches!(error, DriveError::NoMedium { .. }), "{error}");
    let error = rig.drive.write_block(&block(9)).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::PositionLost, "{error}");
    assert!(error.sense().is_some(), "{error}");
    assert_dead_until_located(&mut rig);
    // Located again, and still not to be written before somebody has looked at the volume.
    let error = rig.drive.write_block(&block(9)).unwrap_err();
    assert!(matches!(error, DriveError::WriteNotPermitted { .. }), "{error}");
}
