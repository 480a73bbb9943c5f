//! The fault plan: each effect does what it says, and the plan is plain JSON.

use super::*;
use crate::vtl::faults::{
    BlockAccess, Effect, Execution, Fault, MoveEnd, PowerMoment, SensePlan, Times,
};

const WRITE: u8 = 0x0A;
const READ: u8 = 0x08;

fn medium_error() -> SensePlan {
    SensePlan::new(SenseKey::MediumError, 0x0C, 0x00)
}

fn plan_of(fault: Fault) -> FaultPlan {
    FaultPlan::of(fault)
}

#[test]
fn the_nth_command_of_a_kind_fails_as_planned() {
    let mut rig = Rig::loaded();
    let effect = Effect::Sense { sense: medium_error(), execution: Execution::Skipped };
    rig.library.set_faults(plan_of(Fault::at_opcode(WRITE, 3, effect.clone())));
    let results: Vec<bool> = (0..5).map(|_| rig.drive.write(b"x").is_ok()).collect();
    assert_eq!(results, [true, true, false, true, true]);
    assert_eq!(rig.drive.position().1, 4);
    let fault = Fault { times: Times::Count(2), ..Fault::at_opcode(WRITE, 1, effect) };
    rig.library.set_faults(plan_of(fault));
    let results: Vec<bool> = (0..4).map(|_| rig.drive.write(b"x").is_ok()).collect();
    assert_eq!(results, [false, false, true, true]);
}

#[test]
fn a_deferred_error_loses_what_was_buffered_and_says_so_at_the_next_command() {
    let mut rig = Rig::loaded();
    for n in 0..6_u8 {
        rig.drive.write(&[n; 100]).unwrap();
    }
    let effect = Effect::DeferredError { sense: medium_error(), objects_kept: 2 };
    rig.library.set_faults(plan_of(Fault::at_opcode(0x10, 1, effect)));
    let sense = rig.drive.filemarks(1).unwrap_err();
    assert!(sense.is_deferred && sense.key == SenseKey::MediumError);
    assert_eq!(rig.drive.position(), (0, 2, 0));
    assert_eq!(rig.drive.read(100).unwrap_err().key, SenseKey::BlankCheck);
}

#[test]
fn a_bad_spot_fails_the_write_when_the_block_reaches_it_and_the_read_each_time() {
    let mut rig = Rig::loaded();
    let bad_write = Fault::at_block(BlockAccess::Write, 0, 3, Effect::MediumError);
    rig.library.set_faults(plan_of(bad_write));
    for n in 0..6_u8 {
        rig.drive.write(&[n; 100]).unwrap();
    }
    let sense = rig.drive.filemarks(0).unwrap_err();
    assert_eq!((sense.is_deferred, sense.code), (true, 0x0C));
    assert_eq!(rig.drive.position().1, 3);
    rig.drive.write(b"again").unwrap();
    rig.drive.filemarks(0).unwrap();
    let bad_read = Fault::at_block(BlockAccess::Read, 0, 1, Effect::MediumError).always();
    rig.library.set_faults(plan_of(bad_read));
    for _ in 0..2 {
        rig.drive.locate(0, 0).unwrap();
        assert_eq!(rig.drive.read(100).unwrap(), [0; 100]);
        let sense = rig.drive.read(100).unwrap_err();
        assert_eq!((sense.key, sense.information), (SenseKey::MediumError, Some(100)));
        assert_eq!(rig.drive.read(100).unwrap(), [2; 100], "the head is behind the bad block");
    }
}

#[test]
fn flipped_bits_and_lying_residuals_are_told_by_nobody() {
    let mut rig = Rig::loaded();
    let flip = |access, block| {
        plan_of(Fault::at_block(access, 0, block, Effect::FlippedBit { bit: Some(9) }))
    };
    rig.library.set_faults(flip(BlockAccess::Write, 0));
    rig.drive.write(&[0; 4]).unwrap();
    rig.drive.write(&[0; 4]).unwrap();
    rig.drive.locate(0, 0).unwrap();
    assert_eq!(rig.drive.read(4).unwrap(), [0, 2, 0, 0], "wrong on the tape for good");
    rig.library.set_faults(flip(BlockAccess::Read, 1));
    assert_eq!(rig.drive.read(4).unwrap(), [0, 2, 0, 0]);
    rig.drive.locate(0, 1).unwrap();
    assert_eq!(rig.drive.read(4).unwrap(), [0; 4], "wrong once on the way");
    let lie = Fault::at_opcode(READ, 1, Effect::LyingResidual { missing: 3 });
    rig.library.set_faults(plan_of(lie));
    rig.drive.locate(0, 1).unwrap();
    assert_eq!(rig.drive.data_in([8, 0, 0, 0, 4, 0], 4).1.transferred, 1);
}

#[test]
fn a_silent_rewind_shows_in_the_position_only() {
    let mut rig = Rig::loaded();
    for _ in 0..3 {
        rig.drive.write(b"block").unwrap();
    }
    rig.library.set_faults(plan_of(Fault::at_command(1, Effect::SilentRewind)));
    assert_eq!(rig.drive.position().1, 0);
}

#[test]
fn a_reset_is_told_or_not_and_takes_buffer_and_settings_with_it() {
    for unit_attention in [true, false] {
        let mut rig = Rig::loaded();
        rig.drive.write(b"kept").unwrap();
        rig.drive.filemarks(0).unwrap();
        rig.drive.write(b"lost").unwrap();
        let reset = Fault::at_command(1, Effect::Reset { unit_attention });
        rig.library.set_faults(plan_of(reset));
        let first = rig.drive.none([0; 6]);
        assert_eq!(first.is_err(), unit_attention);
        assert_eq!(rig.drive.position().1, 0);
        rig.drive.read(64).unwrap();
        assert_eq!(rig.drive.read(64).unwrap_err().key, SenseKey::BlankCheck);
    }
}

#[test]
fn statuses_and_transport_failures_come_as_planned() {
    let mut rig = Rig::loaded();
    let mut status = |effect: Effect| {
        rig.library.set_faults(plan_of(Fault::at_command(1, effect)));
        rig.drive.try_none([0; 6])
    };
    assert_eq!(status(Effect::Busy).unwrap().status, Status::Busy);
    let conflict = status(Effect::ReservationConflict).unwrap();
    assert_eq!(conflict.status, Status::ReservationConflict);
    let timeout = status(Effect::TransportTimeout { execution: Execution::Skipped });
    assert!(matches!(timeout, Err(TransportError::TimedOut { .. })));
    let gone = status(Effect::TransportGone { execution: Execution::Done });
    assert!(matches!(gone, Err(TransportError::Gone { .. })));
}

#[test]
fn a_command_without_an_answer_may_have_been_executed() {
    let mut rig = Rig::loaded();
    let effect = Effect::TransportTimeout { execution: Execution::Done };
    rig.library.set_faults(plan_of(Fault::at_command(1, effect)));
    let cdb = [0x10, 0, 0, 0, 2, 0];
    assert!(rig.drive.try_none(cdb).is_err());
    assert_eq!(rig.drive.position(), (0, 2, 2));
}

#[test]
fn power_fails_before_during_or_after_a_command() {
    use PowerMoment::{After, Before, During};
    for (moment, answered, kept) in [(Before, false, 0), (During, false, 1), (After, true, 1)] {
        let mut rig = Rig::loaded();
        let effect = Effect::PowerFailure { moment };
        rig.library.set_faults(plan_of(Fault::at_opcode(0x10, 1, effect)));
        rig.drive.write(b"block").unwrap();
        assert_eq!(rig.drive.try_none([0x10, 0, 0, 0, 0, 0]).is_ok(), answered, "{moment:?}");
        assert!(!rig.library.has_power());
        assert!(rig.drive.try_none([0; 6]).is_err(), "nobody is there");
        assert!(rig.changer.try_none([0; 6]).is_err());
        rig.library.power_on();
        assert_eq!(numbers(rig.drive.none([0; 6])), (6, 0x29, 0));
        let mut blocks = 0;
        while rig.drive.read(64).is_ok() {
            blocks += 1;
        }
        assert_eq!(blocks, kept, "{moment:?}");
    }
}

/// Threads race for the end: whoever comes after the power leaves the unit attention to the next one.
#[test]
fn what_was_under_way_when_the_power_went_is_executed_before_or_never() {
    let mut rig = Rig::loaded();
    for round in 0..200 {
        let begun = std::sync::Barrier::new(5);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mut other = Host::to(rig.library.drive(0));
                let begun = &begun;
                scope.spawn(move || {
                    begun.wait();
                    while other.try_none([0; 6]).is_ok() {}
                });
            }
            begun.wait();
            std::thread::sleep(Duration::from_micros(200));
            rig.library.power_off();
        });
        rig.library.power_on();
        assert_eq!(numbers(rig.drive.none([0; 6])), (6, 0x29, 0), "round {round}");
    }
}

#[test]
fn power_may_come_back_silently() {
    let mut rig = Rig::loaded();
    rig.library.set_faults(FaultPlan { silent_power_on: true, ..FaultPlan::default() });
    rig.drive.write(b"lost").unwrap();
    rig.library.power_fail();
    assert_eq!(rig.drive.position().1, 0);
}

#[test]
fn moves_end_where_the_plan_says() {
    let sense = SensePlan::new(SenseKey::HardwareError, 0x15, 0x01);
    let (from, to) = (address::slot(1), address::slot(5));
    let cases = [
        (MoveEnd::Source, Place::Slot(1)),
        (MoveEnd::Robot, Place::Robot),
        (MoveEnd::Element(address::slot(6)), Place::Slot(6)),
        (MoveEnd::Element(address::slot(2)), Place::Robot),
        (MoveEnd::Destination, Place::Slot(5)),
    ];
    for (ends, expected) in cases {
        for sense in [Some(sense), None] {
            let mut rig = Rig::new();
            let fault = Fault::at_opcode(0xA5, 1, Effect::Move { ends, sense });
            rig.library.set_faults(plan_of(fault.on(Device::Changer)));
            assert_eq!(rig.changer.moves(from, to).is_err(), sense.is_some());
            let cartridges = rig.library.cartridges().unwrap();
            let moved = cartridges.iter().find(|c| c.barcode.as_str() == "FSP002L9").unwrap();
            assert_eq!(moved.place, expected, "{ends:?}");
            if expected == Place::Robot {
                rig.changer.moves(address::robot(), to).unwrap();
            }
        }
    }
}

#[test]
fn a_plan_is_json_that_a_person_can_write() {
    let text = r#"{
        "seed": 3,
        "faults": [
            {"device": {"drive": 0}, "trigger": {"opcode": {"opcode": 10, "nth": 7}},
             "effect": {"sense": {"sense": {"key": "MediumError", "code": 12, "qualifier": 0}}}},
            {"device": "changer", "trigger": {"command": {"nth": 2}}, "effect": "busy"},
            {"trigger": {"block": {"access": "read", "barcode": "FSP001L9", "partition": 1, "block": 4}},
             "effect": "medium_error", "times": "always"},
            {"trigger": {"random": {"one_in": 100}}, "effect": {"power_failure": {"moment": "during"}}}
        ]
    }"#;
    let plan: FaultPlan = serde_json::from_str(text).unwrap();
    assert_eq!(plan.faults.len(), 4);
    let again: FaultPlan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
    assert!(serde_json::from_str::<FaultPlan>(r#"{"fault": []}"#).is_err());
    let rig = Rig::new();
    rig.library.keep_faults(Some(plan)).unwrap();
    assert!(rig.folder.path().join("faults.json").is_file());
    rig.library.keep_faults(None).unwrap();
    assert!(!rig.folder.path().join("faults.json").exists());
}

#[test]
fn the_log_answers_what_was_sent_to_which_cartridge() {
    let mut rig = Rig::loaded();
    let before = rig.library.log().last_number();
    rig.drive.write(b"x").unwrap();
    rig.unload(0);
    rig.load(1);
    rig.drive.position();
    let log = rig.library.log();
    assert_eq!(log.writes_to(&"FSP001L9".parse().unwrap()).len(), 1);
    assert_eq!(log.writes_to(&"FSP002L9".parse().unwrap()), []);
    assert_eq!(log.since(before)[0].cdb.opcode(), WRITE);
    assert!(
        log.to_text().contains("drive 0 #0 FSP001L9 WRITE(6) [0a0000000100] (1 bytes) -> good")
    );
    log.set_mode(LogMode::Last(2));
    rig.drive.position();
    assert_eq!(log.records().len(), 2);
}
