//! Drives between hosts: a second host is another initiator of the virtual library.

use std::sync::Arc;

use super::Holder;
use crate::drive::{Drive, DriveError, ReservationKey};
use crate::jobs::JobState;
use crate::jobs::spec::{EraseConsent, FormatSpec, JobSpec, Need};
use crate::jobs::test_support::{TestAppliance, barcode};
use crate::scsi::{SenseKey, Transport, opcode};
use crate::vtl::faults::{Effect, Execution, Fault, SensePlan};
use crate::vtl::{FaultPlan, InitiatorId};

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
