//! Verbs on scripted answers: each test says what the drive answers and what we make of it. For ends
//! of commands that a well-behaved drive never gives.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::{Partition, Position, VirtualClock};
use crate::drive::{
    Access, Drive, DriveError, DriveErrorKind, Flush, LostBecause, ReadOutcome, SpaceOutcome,
    WaitReason, WriteOutcome,
};
use crate::scsi::{
    Command, Completion, Data, Sense, SenseKey, Status, Transport, TransportError, opcode,
};

/// One answer to whatever comes next.
enum Step {
    Good(Vec<u8>),
    /// GOOD with a residual that does not fit.
    Moved(usize),
    Check(Sense, usize),
    Status(Status),
    Gone,
}

#[derive(Clone, Default)]
struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    told: Arc<Mutex<Vec<u8>>>,
}

struct Scripted {
    script: Script,
    is_open: bool,
}

impl Transport for Scripted {
    fn execute(&mut self, mut command: Command<'_>) -> Result<Completion, TransportError> {
        let cdb = command.cdb;
        let step = if self.is_open {
            self.script.told.lock().push(cdb.opcode());
            self.script.steps.lock().pop_front().unwrap_or_else(|| panic!("no answer to {cdb:?}"))
        } else {
            identify(cdb.as_bytes(), &mut self.is_open)
        };
        let room = match &command.data {
            Data::None => 0,
            Data::In(buffer) => buffer.len(),
            Data::Out(bytes) => bytes.len(),
        };
        Ok(match step {
            Step::Good(bytes) => {
                let moved = match &mut command.data {
                    Data::In(buffer) => {
                        let n = bytes.len().min(buffer.len());
                        buffer[..n].copy_from_slice(&bytes[..n]);
                        n
                    }
                    _ => room,
                };
                Completion::good(moved)
            }
            Step::Moved(n) => Completion::good(n),
            Step::Check(sense, moved) => Completion::check(sense, moved),
            Step::Status(status) => Completion { status, sense: None, transferred: 0 },
            Step::Gone => {
                return Err(TransportError::Gone { device: "scripted".to_owned(), source: None });
            }
        })
    }

    fn name(&self) -> &str {
        "scripted"
    }
}

/// Answers while the drive is opened: an old drive with little to say.
fn identify(cdb: &[u8], is_open: &mut bool) -> Step {
    match (cdb[0], cdb[1], cdb[2]) {
        (opcode::INQUIRY, 0, _) => {
            let mut bytes = vec![0x01, 0x80, 6, 2, 31, 0, 0, 0];
            bytes.extend_from_slice(b"ACME    ULTRIUM-TD5     A1B2");
            Step::Good(bytes)
        }
        (opcode::INQUIRY, 1, 0x80) => Step::Good(b"\x01\x80\x00\x03S01".to_vec()),
        (opcode::READ_BLOCK_LIMITS, ..) => Step::Good(vec![0, 0x10, 0, 0, 0, 1]),
        (opcode::REPORT_DENSITY_SUPPORT, ..) => {
            *is_open = true;
            Step::Check(Sense::new(SenseKey::IllegalRequest, 0x20, 0x00), 0)
        }
        _ => Step::Check(Sense::new(SenseKey::IllegalRequest, 0x24, 0x00), 0),
    }
}

fn at(partition: u8, block: u64) -> Step {
    let mut bytes = vec![0; 32];
    bytes[7] = partition;
    bytes[8..16].copy_from_slice(&block.to_be_bytes());
    Step::Good(bytes)
}

fn done() -> Step {
    Step::Good(Vec::new())
}

fn sense(key: SenseKey, code: u8, qualifier: u8) -> Sense {
    Sense::new(key, code, qualifier)
}

fn check(key: SenseKey, code: u8, qualifier: u8) -> Step {
    Step::Check(sense(key, code, qualifier), 0)
}

fn drive() -> (Drive, Script) {
    let script = Script::default();
    let transport = Scripted { script: script.clone(), is_open: false };
    let drive = Drive::open(Box::new(transport), Arc::new(VirtualClock::default())).unwrap();
    (drive, script)
}

/// A drive that believes to be at a block, with a permit, and what it will answer next.
fn drive_at(partition: u8, block: u64, steps: Vec<Step>) -> (Drive, Script) {
    let (mut drive, script) = drive();
    script.steps.lock().push_back(at(partition, block));
    drive.read_position().unwrap();
    drive.permit(Access::Write);
    script.told.lock().clear();
    script.steps.lock().extend(steps);
    (drive, script)
}

fn told(script: &Script) -> Vec<u8> {
    script.told.lock().clone()
}

#[test]
fn a_drive_that_says_little_is_opened_all_the_same() {
    let (drive, _) = drive();
    assert_eq!(drive.identity().serial.0, "S01");
    assert_eq!(drive.identity().generation, Some(crate::domain::LtoGeneration::Lto5));
    assert_eq!(drive.capabilities().block_bytes_max, 1 << 20);
    assert_eq!(drive.position(), None);
    assert_eq!(drive.access(), Access::ReadOnly);
    assert!(!drive.capabilities().recommends_access_order());
}

#[test]
fn without_a_permit_nothing_is_sent() {
    let (mut drive, script) = drive_at(1, 5, vec![]);
    drive.permit(Access::ReadOnly);
    assert!(matches!(drive.write_block(&[0; 9]), Err(DriveError::WriteNotPermitted { .. })));
    let filemarks = drive.write_filemarks(1, Flush::Synchronous);
    assert!(matches!(filemarks, Err(DriveError::WriteNotPermitted { .. })));
    assert!(drive.write_attributes(Partition(0), &[]).is_err());
    assert!(drive.format_partitions(super::super::PartitionPlan::ltfs()).is_err());
    assert!(drive.erase(super::super::Erase::Quick).is_err());
    assert!(told(&script).is_empty());
}

#[test]
fn without_an_established_position_nothing_is_written() {
    let (mut drive, script) = drive();
    drive.permit(Access::Write);
    let error = drive.write_block(&[0; 9]).unwrap_err();
    assert!(matches!(error, DriveError::PositionLost { because: LostBecause::NotEstablished, .. }));
    assert!(told(&script).is_empty());
}

#[test]
fn a_short_block_is_measured_by_information_even_if_the_residual_is_silent() {
    let mut short = sense(SenseKey::NoSense, 0, 0);
    short.incorrect_length = true;
    short.information = Some(900);
    for moved in [100, 1000] {
        let (mut drive, _) = drive_at(1, 5, vec![Step::Check(short.clone(), moved)]);
        let outcome = drive.read_block(&mut [0; 1000]).unwrap();
        assert_eq!(outcome, ReadOutcome::Block { len: 100 });
        assert_eq!(drive.position(), Some(Position::new(1, 6)));
    }
}

#[test]
fn fewer_bytes_than_the_block_has_lose_the_position() {
    let mut short = sense(SenseKey::NoSense, 0, 0);
    short.incorrect_length = true;
    short.information = Some(900);
    for step in [Step::Check(short, 99), Step::Moved(999)] {
        let (mut drive, script) = drive_at(1, 5, vec![step]);
        let error = drive.read_block(&mut [0; 1000]).unwrap_err();
        assert_eq!(error.kind(), DriveErrorKind::DriveBad);
        assert_eq!(drive.position(), None);
        assert!(matches!(drive.read_block(&mut [0; 9]), Err(DriveError::PositionLost { .. })));
        assert_eq!(told(&script), [opcode::READ_6]);
    }
}

#[test]
fn a_block_longer_than_the_buffer_is_an_error_with_its_length_and_the_tape_is_behind_it() {
    let mut long = sense(SenseKey::NoSense, 0, 0);
    long.incorrect_length = true;
    long.information = Some(-24);
    let (mut drive, _) = drive_at(0, 2, vec![Step::Check(long, 1000)]);
    let error = drive.read_block(&mut [0; 1000]).unwrap_err();
    assert!(matches!(error, DriveError::BlockTooLong { len: 1024, limit: 1000, .. }));
    assert_eq!(drive.position(), Some(Position::new(0, 3)));
}

#[test]
fn a_wrong_length_without_saying_which_is_no_block() {
    let mut vague = sense(SenseKey::NoSense, 0, 0);
    vague.incorrect_length = true;
    let (mut drive, _) = drive_at(0, 2, vec![Step::Check(vague, 1000)]);
    assert!(matches!(drive.read_block(&mut [0; 1000]), Err(DriveError::Inconsistent { .. })));
    assert!(drive.is_lost());
}

#[test]
fn a_missing_end_of_data_is_damage_and_not_the_end() {
    let (mut drive, _) = drive_at(1, 9, vec![check(SenseKey::BlankCheck, 0x14, 0x03)]);
    let error = drive.read_block(&mut [0; 9]).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::Corrupt);
    let (mut drive, _) = drive_at(1, 9, vec![check(SenseKey::BlankCheck, 0x00, 0x05)]);
    assert_eq!(drive.read_block(&mut [0; 9]).unwrap(), ReadOutcome::EndOfData);
    assert_eq!(drive.position(), Some(Position::new(1, 9)));
}

#[test]
fn an_early_warning_with_a_residual_is_settled_by_asking_where_the_tape_is() {
    let mut warning = sense(SenseKey::NoSense, 0, 2);
    warning.end_of_medium = true;
    warning.information = Some(9);
    for (block, outcome) in [(8, WriteOutcome::EarlyWarning), (7, WriteOutcome::Full)] {
        let mut steps = vec![Step::Check(warning.clone(), 0), at(1, block)];
        steps.push(at(1, block));
        let (mut drive, _) = drive_at(1, 7, steps);
        assert_eq!(drive.write_block(&[0; 9]).unwrap(), outcome);
        assert_eq!(drive.position(), Some(Position::new(1, block)));
    }
}

#[test]
fn no_room_with_buffered_blocks_lost_is_a_lost_position() {
    let steps = vec![check(SenseKey::VolumeOverflow, 0, 2), at(1, 4)];
    let (mut drive, _) = drive_at(1, 7, steps);
    let error = drive.write_block(&[0; 9]).unwrap_err();
    assert_eq!(error.kind(), DriveErrorKind::PositionLost);
    assert_eq!(drive.position(), None);
}

#[test]
fn a_deferred_error_of_a_harmless_command_stops_the_writer() {
    let mut deferred = sense(SenseKey::MediumError, 0x0C, 0);
    deferred.is_deferred = true;
    let (mut drive, script) = drive_at(1, 7, vec![Step::Check(deferred, 0)]);
    assert!(matches!(drive.read_position(), Err(DriveError::Deferred { .. })));
    let error = drive.write_block(&[0; 9]).unwrap_err();
    assert!(matches!(error, DriveError::PositionLost { because: LostBecause::Deferred(_), .. }));
    assert_eq!(told(&script), [opcode::READ_POSITION]);
}

#[test]
fn a_unit_attention_met_by_a_harmless_verb_is_given_to_the_next_that_writes() {
    let attention = check(SenseKey::UnitAttention, 0x29, 0);
    let (mut drive, script) = drive_at(1, 7, vec![attention, at(0, 0)]);
    assert_eq!(drive.read_position().unwrap().position, Position::new(0, 0));
    assert_eq!(drive.position(), None);
    assert!(matches!(drive.write_block(&[0; 9]), Err(DriveError::UnitAttention { .. })));
    assert!(matches!(drive.write_block(&[0; 9]), Err(DriveError::PositionLost { .. })));
    script.steps.lock().extend([done(), at(1, 7), done()]);
    drive.locate(Position::new(1, 7)).unwrap();
    assert_eq!(drive.write_block(&[0; 9]).unwrap(), WriteOutcome::Written);
}

#[test]
fn a_new_cartridge_takes_the_permit_away() {
    let (mut drive, script) =
        drive_at(1, 7, vec![check(SenseKey::UnitAttention, 0x28, 0), done(), at(1, 7)]);
    assert!(matches!(drive.write_block(&[0; 9]), Err(DriveError::UnitAttention { .. })));
    drive.locate(Position::new(1, 7)).unwrap();
    assert!(matches!(drive.write_block(&[0; 9]), Err(DriveError::WriteNotPermitted { .. })));
    assert_eq!(told(&script).iter().filter(|code| **code == opcode::WRITE_6).count(), 1);
}

#[test]
fn no_answer_loses_the_position_and_a_conflict_or_busy_does_not() {
    let steps = vec![Step::Status(Status::ReservationConflict), Step::Status(Status::Busy)];
    let (mut drive, script) = drive_at(1, 7, steps);
    let conflict = drive.write_block(&[0; 9]).unwrap_err();
    assert_eq!(conflict.kind(), DriveErrorKind::OperatorNeeded);
    assert_eq!(drive.write_block(&[0; 9]).unwrap_err().kind(), DriveErrorKind::Retry);
    assert_eq!(drive.position(), Some(Position::new(1, 7)));
    script.steps.lock().push_back(Step::Gone);
    assert_eq!(drive.write_block(&[0; 9]).unwrap_err().kind(), DriveErrorKind::DriveBad);
    assert_eq!(drive.position(), None);
}

#[test]
fn a_protected_cartridge_leaves_the_position_known() {
    for (code, qualifier) in [(0x27, 0x00), (0x30, 0x0C)] {
        let (mut drive, _) = drive_at(1, 7, vec![check(SenseKey::DataProtect, code, qualifier)]);
        let error = drive.write_block(&[0; 9]).unwrap_err();
        assert!(matches!(error, DriveError::Protected { .. }));
        assert_eq!(drive.position(), Some(Position::new(1, 7)));
    }
}

#[test]
fn a_locate_that_ends_elsewhere_is_noticed() {
    let (mut drive, _) = drive_at(1, 7, vec![done(), at(0, 0)]);
    assert!(matches!(
        drive.locate(Position::new(1, 9)),
        Err(DriveError::PositionLost { because: LostBecause::Disagreement { .. }, .. })
    ));
    assert_eq!(drive.position(), None);
}

#[test]
fn end_of_data_is_found_by_spacing_where_locate_refuses() {
    let refusal = || check(SenseKey::IllegalRequest, 0x24, 0);
    let steps = vec![refusal(), done(), at(1, 0), done(), at(1, 33)];
    let (mut drive, script) = drive_at(0, 7, steps);
    assert_eq!(drive.locate_end_of_data(Partition(1)).unwrap(), Position::new(1, 33));
    assert!(drive.quirks().refuses_locate_to_end_of_data);
    assert_eq!(
        told(&script),
        [
            opcode::LOCATE_16,
            opcode::LOCATE_16,
            opcode::READ_POSITION,
            opcode::SPACE_16,
            opcode::READ_POSITION
        ]
    );
}

#[test]
fn spacing_back_past_the_beginning_ends_there_even_if_the_drive_ran_to_the_end() {
    let steps = vec![check(SenseKey::BlankCheck, 0, 5), at(1, 99), done(), at(1, 0)];
    let (mut drive, _) = drive_at(1, 7, steps);
    assert_eq!(drive.space_filemarks(-5).unwrap(), SpaceOutcome::BeginningOfPartition);
    assert_eq!(drive.position(), Some(Position::new(1, 0)));
}

#[test]
fn a_drive_without_long_commands_is_driven_by_short_ones() {
    let unknown = || check(SenseKey::IllegalRequest, 0x20, 0);
    let mut short = vec![0; 20];
    short[1] = 1;
    short[7] = 9;
    let steps = vec![unknown(), done(), Step::Good(short)];
    let (mut drive, script) = drive_at(0, 7, steps);
    drive.locate(Position::new(1, 9)).unwrap();
    assert_eq!(drive.position(), Some(Position::new(1, 9)));
    assert_eq!(
        told(&script),
        [opcode::LOCATE_16, opcode::LOCATE_10_OR_POSITION_TO_ELEMENT, opcode::READ_POSITION]
    );
}

#[test]
fn waiting_goes_through_threading_and_initialisation_and_ends_in_time() {
    let mut initialising = sense(SenseKey::NotReady, 0x04, 0x07);
    initialising.progress = Some(0x8000);
    let becoming = || check(SenseKey::NotReady, 0x04, 0x01);
    let steps = vec![
        check(SenseKey::NotReady, 0x3A, 0),
        check(SenseKey::UnitAttention, 0x28, 0),
        becoming(),
        Step::Check(initialising, 0),
        done(),
    ];
    let (mut drive, script) = drive_at(0, 7, steps);
    let mut seen = Vec::new();
    let mut on_wait = |state: &crate::drive::WaitState| {
        seen.push((state.reason, state.progress_percent));
    };
    drive.wait_ready(Duration::from_secs(60), &mut on_wait).unwrap();
    assert_eq!(
        seen,
        [
            (WaitReason::NoCartridgeYet, None),
            (WaitReason::BecomingReady, None),
            (WaitReason::Initializing, Some(50)),
        ]
    );
    assert_eq!(drive.access(), Access::ReadOnly);

    script.steps.lock().extend((0..100).map(|_| becoming()));
    let error = drive.wait_ready(Duration::from_secs(60), &mut |_| {}).unwrap_err();
    assert!(matches!(error, DriveError::NotReadyInTime { waited, .. } if waited.as_secs() == 60));
}

#[test]
fn an_empty_drive_is_told_from_one_that_is_not_ready_yet() {
    let empty = || check(SenseKey::NotReady, 0x3A, 0);
    let (mut drive, _) = drive_at(0, 7, (0..100).map(|_| empty()).collect());
    assert_eq!(drive.medium().unwrap(), None);
    assert_eq!(drive.access(), Access::ReadOnly);
    let error = drive.wait_ready(Duration::from_secs(600), &mut |_| {}).unwrap_err();
    assert!(matches!(error, DriveError::NoMedium { .. }));
    assert_eq!(error.kind(), DriveErrorKind::OperatorNeeded);
}

#[test]
fn a_drive_without_append_only_mode_is_used_as_it_is() {
    let (mut drive, script) = drive_at(1, 5, vec![check(SenseKey::IllegalRequest, 0x24, 0)]);
    assert_eq!(drive.append_only().unwrap(), super::super::Guard::PositionOnly);
    drive.allow_overwrite(Position::new(1, 5)).unwrap();
    assert_eq!(told(&script), [opcode::MODE_SENSE_10]);
    let (mut drive, _) = drive_at(1, 5, vec![check(SenseKey::HardwareError, 0x44, 0)]);
    assert!(drive.append_only().is_err());
}
