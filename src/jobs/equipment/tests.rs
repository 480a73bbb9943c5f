//! Drives between hosts, where a second host is another initiator of the virtual library; moves that fail.

use std::sync::Arc;

use super::{DriveBay, Equipment, EquipmentError, Holder};
use crate::catalog::Priority;
use crate::changer::Changer;
use crate::domain::JobId;
use crate::drive::{Drive, DriveError, ReservationKey};
use crate::jobs::JobState;
use crate::jobs::spec::{self, EraseConsent, FormatSpec, JobSpec, MoveSpec, Need};
use crate::jobs::test_support::{TestAppliance, barcode};
use crate::scsi::{SenseKey, Transport, opcode};
use crate::vtl::faults::{ByteMatch, Effect, Execution, Fault, MoveEnd, SensePlan, Times, Trigger};
use crate::vtl::{FaultPlan, InitiatorId, Place};

const THEIRS: ReservationKey = ReservationKey(0xAB);

/// The way of another host to a drive.
fn other_way(appliance: &TestAppliance, index: usize) -> Box<dyn Transport> {
    Box::new(appliance.library.drive_as(index, InitiatorId(7)))
}

fn other_host(appliance: &TestAppliance, index: usize) -> Drive {
    let clock = Arc::clone(&appliance.parts().clock);
    Drive::open(other_way(appliance, index), clock).unwrap()
}

fn format(number: u16) -> JobSpec {
    JobSpec::Format(FormatSpec {
        barcode: barcode(number),
        volume_name: None,
        erase: EraseConsent::BlankOnly,
    })
}

#[test]
fn a_drive_is_ours_alone_from_the_load_to_the_putting_away_also_after_a_restart() {
    let mut appliance = TestAppliance::new(1, 64);
    let mut others = [other_host(&appliance, 0), other_host(&appliance, 1)];
    let load = |appliance: &TestAppliance| {
        appliance.parts().equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap()
    };
    let loaded = load(&appliance);
    let serial = loaded.drive_serial().clone();
    assert_eq!(appliance.parts().equipment.holder(&serial).unwrap(), Holder::Ours);
    let other = others.iter_mut().find(|other| other.identity().serial == serial).unwrap();
    let key = other.reservation().unwrap().unwrap().key;
    // It is told of the new cartridge first.
    assert!(matches!(other.rewind(), Err(DriveError::UnitAttention { .. })));
    for refused in [other.rewind(), other.unload(), other.unlock_medium()] {
        assert!(matches!(refused, Err(DriveError::ReservationConflict { .. })), "{refused:?}");
    }

    // The process dies with the cartridge in the drive; the next one is known by the same key.
    drop(loaded);
    appliance.restart();
    assert_eq!(appliance.parts().equipment.holder(&serial).unwrap(), Holder::Ours);
    let loaded = load(&appliance);
    assert!(loaded.was_loaded());
    assert_eq!(other.reservation().unwrap().unwrap().key, key);
    loaded.put_away().unwrap();
    assert_eq!(other.reservation().unwrap(), None);
    assert_eq!(other.registered_keys().unwrap(), []);
}

#[test]
fn with_one_drive_at_another_host_the_other_one_is_used() {
    let appliance = TestAppliance::new(2, 64);
    let mut other = other_host(&appliance, 0);
    other.reserve(THEIRS).unwrap();
    appliance.complete(&format(1));
    let loaded = appliance.parts().equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap();
    assert_ne!(*loaded.drive_serial(), other.identity().serial);
    loaded.put_away().unwrap();
    assert_eq!(other.reservation().unwrap().unwrap().key, THEIRS);
}

#[test]
fn a_job_without_a_drive_of_its_own_names_the_other_host_and_waits_until_a_person_agrees() {
    let appliance = TestAppliance::new(1, 64);
    let mut others = [other_host(&appliance, 0), other_host(&appliance, 1)];
    others.iter_mut().for_each(|other| other.reserve(THEIRS).unwrap());
    let before = appliance.parts().equipment.inventory().unwrap();
    let job = appliance.submit(&format(1));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Waiting, "{end:#?}");
    let Some(Need::Attention { message }) = &end.need else { panic!("{end:#?}") };
    let words = ["with key 00000000000000ab", "fossilsafe library reservation"];
    assert!(words.iter().all(|words| message.contains(words)), "{message}");
    assert_eq!(appliance.parts().equipment.inventory().unwrap(), before, "something was moved");

    let equipment = &appliance.parts().equipment;
    let serial = others[0].identity().serial.clone();
    assert!(equipment.free_from(&serial, ReservationKey(0xCD)).is_err());
    assert_eq!(equipment.holder(&serial).unwrap(), Holder::Other(THEIRS));
    equipment.free_from(&serial, THEIRS).unwrap();
    assert_eq!(equipment.holder(&serial).unwrap(), Holder::Nobody);
    appliance.runner().resume(job).unwrap();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_eq!(others[1].reservation().unwrap().unwrap().key, THEIRS);
}

#[test]
fn drives_that_cannot_be_reserved_are_used_all_the_same() {
    let appliance = TestAppliance::new(1, 64);
    let sense = SensePlan::new(SenseKey::IllegalRequest, 0x20, 0);
    let effect = Effect::Sense { sense, execution: Execution::Skipped };
    let fault = Fault::at_opcode(opcode::PERSISTENT_RESERVE_OUT, 1, effect).always();
    appliance.library.set_faults(FaultPlan::of(fault));
    appliance.complete(&format(1));
}

#[test]
fn of_jobs_that_wait_for_a_drive_the_one_with_the_higher_priority_gets_it() {
    let appliance = TestAppliance::new(4, 32);
    let equipment = &appliance.parts().equipment;
    let mut held: Vec<_> = (1..=2)
        .map(|number| equipment.load(&barcode(number), &|| false, &mut |_| {}).unwrap())
        .collect();
    let first = appliance.submit(&format(3));
    let second = appliance.submit(&format(4));
    for job in [first, second] {
        appliance.wait_until("the job waits", || {
            let progress = appliance.runner().progress(job)?;
            (progress.stage == "waiting for a drive").then_some(())
        });
    }
    appliance.runner().prioritise(second, Priority::High).unwrap();
    held.pop().unwrap().put_away().unwrap();
    assert_eq!(appliance.wait(second).0, JobState::Completed);
    assert_eq!(appliance.wait(first).0, JobState::Completed);
    let events = appliance.catalog().events_after(0, None, 1000).unwrap();
    let ended: Vec<_> =
        events.iter().filter(|it| it.event.code == "completed").map(|it| it.job).collect();
    assert_eq!(ended, [second, first]);
    assert!(appliance.runner().prioritise(first, Priority::Low).is_err(), "it has ended");
    let free = (0..2).filter(|bay| equipment.lease(*bay).is_none()).count();
    assert_eq!(free, 1, "the other one is still held");
}

fn place_of(appliance: &TestAppliance, number: u16) -> Place {
    let cartridges = appliance.library.cartridges().unwrap();
    cartridges.into_iter().find(|c| c.barcode == barcode(number)).unwrap().place
}

fn stuck() -> SensePlan {
    SensePlan::new(SenseKey::HardwareError, 0x15, 0x01)
}

/// The robot stops with the cartridge in its hand, or does not move at all, or moves and says that it has
/// not: a look decides, and the move is finished.
#[test]
fn a_move_that_fails_once_is_finished_from_wherever_the_cartridge_is() {
    let ends = [MoveEnd::Robot, MoveEnd::Source, MoveEnd::Destination];
    for (number, ends) in (0_u16..).zip(ends) {
        let appliance = TestAppliance::new(3, 64);
        let effect = Effect::Move { ends, sense: Some(stuck()) };
        let fault = Fault::at_opcode(opcode::MOVE_MEDIUM, 1, effect);
        appliance.library.set_faults(FaultPlan::of(fault));
        let spec = MoveSpec { from: spec::Place::Slot(number), to: spec::Place::Slot(9) };
        appliance.complete(&JobSpec::Move(spec));
        assert_eq!(place_of(&appliance, number + 1), Place::Slot(9), "{}", appliance.log());
    }
}

/// The robot stops with the cartridge in its hand and does not move again; later it does, and the same move is
/// asked for once more, from the slot that is empty now.
#[test]
fn a_move_that_failed_with_the_cartridge_in_the_robots_hand_can_be_asked_for_again() {
    let appliance = TestAppliance::new(1, 64);
    let held = Effect::Move { ends: MoveEnd::Robot, sense: Some(stuck()) };
    let failed = Effect::Sense { sense: stuck(), execution: Execution::Skipped };
    let faults = [(1, held), (2, failed)]
        .map(|(nth, effect)| Fault::at_opcode(opcode::MOVE_MEDIUM, nth, effect));
    appliance.library.set_faults(FaultPlan { faults: faults.into(), ..FaultPlan::default() });
    let spec = JobSpec::Move(MoveSpec { from: spec::Place::Slot(0), to: spec::Place::Slot(9) });
    let (state, end) = appliance.wait(appliance.submit(&spec));
    assert_eq!(state, JobState::Failed, "{end:?}");
    assert_eq!(place_of(&appliance, 1), Place::Robot, "{}", appliance.log());
    appliance.complete(&spec);
    assert_eq!(place_of(&appliance, 1), Place::Slot(9), "{}", appliance.log());
}

#[test]
fn a_cartridge_that_cannot_be_put_away_at_once_is_put_away_at_the_second_try() {
    let is_unload = ByteMatch { at: 4, mask: 1, value: 0 };
    let unload = Trigger::Opcode { opcode: opcode::LOAD_UNLOAD, nth: 1, bytes: vec![is_unload] };
    let carry = Trigger::Opcode { opcode: opcode::MOVE_MEDIUM, nth: 2, bytes: Vec::new() };
    let gone = Effect::TransportGone { execution: Execution::Done };
    let failed = Effect::Sense {
        sense: SensePlan::new(SenseKey::HardwareError, 0x44, 0x00),
        execution: Execution::Skipped,
    };
    for (trigger, effect) in [(unload.clone(), Effect::Busy), (unload, gone), (carry, failed)] {
        let appliance = TestAppliance::new(1, 64);
        let fault = Fault { device: None, trigger, effect, times: Times::Once };
        appliance.library.set_faults(FaultPlan::of(fault));
        appliance.complete(&format(1));
        assert_eq!(place_of(&appliance, 1), Place::Slot(0), "{}", appliance.log());
    }
}

/// Whether the drive is not to be had when the cartridge is in it, or the cartridge does not load.
#[test]
fn a_cartridge_that_cannot_be_used_in_its_drive_does_not_stay_there() {
    let sense = |key, code, qualifier| Effect::Sense {
        sense: SensePlan::new(key, code, qualifier),
        execution: Execution::Skipped,
    };
    let refused = [
        // Registered and reserved before the robot moves, and again afterwards.
        (opcode::PERSISTENT_RESERVE_OUT, 3, sense(SenseKey::HardwareError, 0x44, 0)),
        (opcode::LOAD_UNLOAD, 1, sense(SenseKey::MediumError, 0x53, 0)),
    ];
    for (opcode, nth, effect) in refused {
        let appliance = TestAppliance::new(1, 64);
        appliance.library.set_faults(FaultPlan::of(Fault::at_opcode(opcode, nth, effect)));
        let equipment = &appliance.parts().equipment;
        equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap_err();
        assert_eq!(place_of(&appliance, 1), Place::Slot(0), "{}", appliance.log());
        equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap().put_away().unwrap();
    }
}

/// What a dead process left in a drive is put away on request, and what a job has is left alone.
#[test]
fn a_cartridge_left_in_a_drive_is_put_away_unless_a_job_has_it() {
    let appliance = TestAppliance::new(1, 64);
    let equipment = &appliance.parts().equipment;
    let loaded = equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap();
    equipment.put_away_left(&barcode(1), JobId(1)).unwrap();
    assert_eq!(place_of(&appliance, 1), Place::Drive(0), "a job has it");
    drop(loaded);
    equipment.put_away_left(&barcode(1), JobId(1)).unwrap();
    assert_eq!(place_of(&appliance, 1), Place::Slot(0), "{}", appliance.log());
    equipment.put_away_left(&barcode(1), JobId(1)).unwrap();
}

#[test]
fn a_job_waits_for_devices_that_come_later_and_can_be_told_not_to() {
    let appliance = TestAppliance::new(1, 64);
    let clock = Arc::clone(&appliance.parts().clock);
    let equipment = Equipment::awaited(THEIRS, Arc::clone(&clock));
    assert!(!equipment.is_there() && equipment.bays().is_empty());
    assert!(matches!(equipment.inventory(), Err(EquipmentError::NotThere)));
    equipment.explain_absence("it is off".to_owned());
    assert_eq!(equipment.sight().error.as_deref(), Some("it is off"));
    assert!(matches!(equipment.wait_until_there(&|| true), Err(EquipmentError::Stopped)));

    let waits = std::thread::spawn({
        let equipment = Arc::clone(&equipment);
        move || equipment.wait_until_there(&|| false).map(|()| equipment.bays().len())
    });
    let library = appliance.library.clone();
    let connect = Box::new(move || Ok(Box::new(library.drive_as(0, InitiatorId(7))) as Box<_>));
    let bay = DriveBay::discover(connect, &clock).unwrap();
    let changer = Changer::open(Box::new(appliance.library.changer())).unwrap();
    equipment.arrive(Some(changer), vec![bay]);
    assert_eq!(waits.join().unwrap().unwrap(), 1);
    assert_eq!(equipment.sight().error, None);
    assert!(equipment.inventory().is_ok());
}
