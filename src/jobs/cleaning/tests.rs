//! Cleaning on the virtual library, whose cleaning cartridges wear out as real ones do.

use super::*;
use crate::jobs::test_support::{TestAppliance, barcode};
use crate::jobs::{JobSpec, JobState};
use crate::vtl::Place;

const CLEANER: &str = "CLN001CU";

fn place_of(appliance: &TestAppliance, label: &str) -> Place {
    let cartridges = appliance.library.cartridges().unwrap();
    cartridges.into_iter().find(|c| c.barcode.as_str() == label).unwrap().place
}

fn cleaning_of(appliance: &TestAppliance, bay: usize) -> JobSpec {
    JobSpec::Clean(CleanSpec { drive: appliance.parts().equipment.bays()[bay].serial.clone() })
}

fn asks(appliance: &TestAppliance, bay: usize) -> bool {
    let serial = appliance.parts().equipment.bays()[bay].serial.clone();
    let report = appliance.parts().equipment.drive_report(&serial).unwrap().unwrap();
    report.statistics.cleaning_required
}

#[test]
fn a_drive_is_cleaned_its_cartridge_put_back_and_the_use_counted() {
    let appliance = TestAppliance::new(2, 32);
    let home = place_of(&appliance, CLEANER);
    // What is in the drive leaves it first.
    drop(appliance.parts().equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap());
    appliance.library.request_cleaning(0);
    assert!(asks(&appliance, 0));
    let end = appliance.complete(&cleaning_of(&appliance, 0));
    let sentence = end.outcome.unwrap().sentence;
    assert!(
        sentence.ends_with("cleaned with CLN001CU, which has about 49 uses left"),
        "{sentence}"
    );
    assert!(!asks(&appliance, 0));
    assert_eq!(place_of(&appliance, CLEANER), home);
    assert!(matches!(place_of(&appliance, barcode(1).as_str()), Place::Slot(_)));
    assert_eq!(appliance.parts().equipment.lease(0), None);
    let end = appliance.complete(&cleaning_of(&appliance, 1));
    assert!(end.outcome.unwrap().sentence.contains("about 48 uses"));
}

#[test]
fn a_cartridge_that_the_drive_calls_used_up_is_not_brought_again() {
    let appliance = TestAppliance::new(1, 32);
    appliance.complete(&JobSpec::Inventory);
    let id = appliance.catalog().cartridges_by_barcode(&CLEANER.parse().unwrap()).unwrap()[0].id;
    // Used elsewhere: this appliance has counted none of it.
    appliance.library.raise_tape_alert(0, 22);
    let home = place_of(&appliance, CLEANER);
    for told in [true, false] {
        let job = appliance.submit(&cleaning_of(&appliance, 0));
        let (state, end) = appliance.wait(job);
        assert_eq!(
            (state, end.failure.unwrap().code.as_str()),
            (JobState::Failed, "no_cleaning_cartridge")
        );
        assert_eq!(appliance.told(job).contains("used up"), told);
        assert_eq!(place_of(&appliance, CLEANER), home);
    }
    assert_eq!(uses_left(&appliance.catalog().cleaning_use(id).unwrap()), 0);
}

#[test]
fn without_a_cleaning_cartridge_nothing_is_moved() {
    let appliance = TestAppliance::new(1, 32);
    appliance.library.eject(CLEANER).unwrap();
    let job = appliance.submit(&cleaning_of(&appliance, 0));
    let (state, end) = appliance.wait(job);
    assert_eq!(
        (state, end.failure.unwrap().code.as_str()),
        (JobState::Failed, "no_cleaning_cartridge")
    );
}
