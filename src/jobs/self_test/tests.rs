//! Self-tests on the virtual library: what passes, what is found, and what a cartridge is left with.

use super::*;
use crate::catalog::VolumeState;
use crate::jobs::spec::SelfTestSpec;
use crate::jobs::test_support::{TestAppliance, barcode};
use crate::jobs::volume::current_volume;
use crate::jobs::{JobSpec, JobState};
use crate::scsi::{SenseKey, opcode};
use crate::vtl::FaultPlan;
use crate::vtl::faults::{BlockAccess, Effect, Execution, Fault, SensePlan};

fn self_test(cartridge: Option<u16>) -> JobSpec {
    JobSpec::SelfTest(SelfTestSpec { cartridge: cartridge.map(barcode) })
}

fn report(appliance: &TestAppliance, spec: &JobSpec) -> (JobState, SelfTestReport) {
    let id = appliance.submit(spec);
    let (state, end) = appliance.wait(id);
    let kept = appliance.catalog().job(id).unwrap().checkpoint;
    let kept = kept.unwrap_or_else(|| panic!("{state:?} {end:?}"));
    (state, serde_json::from_value(kept).unwrap())
}

fn of(report: &SelfTestReport, subject: CheckSubject) -> &Check {
    report.checks.iter().find(|check| check.subject == subject).unwrap()
}

#[test]
fn a_sound_appliance_passes_and_its_report_is_kept_with_the_job() {
    let appliance = TestAppliance::new(2, 300);
    assert_eq!(appliance.wait(appliance.submit(&JobSpec::Inventory)).0, JobState::Completed);
    let (state, found) = report(&appliance, &self_test(None));
    assert_eq!(state, JobState::Completed, "{found:#?}");
    for subject in
        [CheckSubject::Catalog, CheckSubject::Keys, CheckSubject::Library, CheckSubject::Drive]
    {
        assert_eq!(of(&found, subject).result, CheckResult::Passed, "{found:#?}");
    }
    assert!(found.sentence().ends_with("parts are as they should be"), "{}", found.sentence());
}

#[test]
fn a_cartridge_is_written_read_back_and_left_with_an_empty_volume_again_and_again() {
    let appliance = TestAppliance::new(2, 300);
    for _ in 0..2 {
        let (state, found) = report(&appliance, &self_test(Some(1)));
        let check = of(&found, CheckSubject::Cartridge);
        assert_eq!(check.result, CheckResult::Passed, "{state:?} {check:?}");
        let known = appliance.catalog().cartridges_by_barcode(&barcode(1)).unwrap();
        let volume = current_volume(appliance.parts(), known[0].id).unwrap().unwrap();
        assert_eq!(volume.volume.state, VolumeState::Blank);
    }
}

#[test]
fn what_is_on_a_cartridge_is_never_lost_for_a_test() {
    let appliance = TestAppliance::formatted(1, 300);
    let folder = appliance.folder("source");
    std::fs::write(folder.join("a"), "text").unwrap();
    appliance.backup(&folder, "s");
    let (state, found) = report(&appliance, &self_test(Some(1)));
    let check = of(&found, CheckSubject::Cartridge);
    assert_eq!((state, check.result), (JobState::Incomplete, CheckResult::Failed));
    assert!(check.advice.is_some() && check.sentence.contains("FSP001L9"), "{check:?}");
    let known = appliance.catalog().cartridges_by_barcode(&barcode(1)).unwrap();
    let volume = current_volume(appliance.parts(), known[0].id).unwrap().unwrap();
    assert_ne!(volume.volume.state, VolumeState::Blank);
}

/// Another system has written to a cartridge that was formatted here: all that the catalog knows is an empty volume.
#[test]
fn what_another_system_has_written_is_not_lost_for_a_test() {
    let mut appliance = TestAppliance::formatted(1, 300);
    let (catalog, before) = (appliance.folder("data").join("catalog.db"), appliance.folder("kept"));
    appliance.stop();
    std::fs::copy(&catalog, before.join("catalog.db")).unwrap();
    appliance.restart();
    let folder = appliance.folder("source");
    std::fs::write(folder.join("a"), "text").unwrap();
    appliance.backup(&folder, "s");
    appliance.stop();
    std::fs::copy(before.join("catalog.db"), &catalog).unwrap();
    appliance.restart();
    let known = appliance.catalog().cartridges_by_barcode(&barcode(1)).unwrap();
    let volume = || current_volume(appliance.parts(), known[0].id).unwrap().unwrap().volume;
    let (written, state) = (volume().uuid, volume().state);
    assert_eq!(state, VolumeState::Blank);
    let (state, found) = report(&appliance, &self_test(Some(1)));
    let check = of(&found, CheckSubject::Cartridge);
    assert_eq!((state, check.result), (JobState::Incomplete, CheckResult::Failed), "{check:?}");
    assert_eq!(volume().uuid, written);
}

#[test]
fn a_bit_that_the_tape_has_changed_is_found() {
    let appliance = TestAppliance::new(1, 300);
    let flipped = Effect::FlippedBit { bit: Some(7) };
    let fault = Fault::at_block(BlockAccess::Read, 1, 40, flipped);
    appliance.library.set_faults(FaultPlan::of(fault.always()));
    let (state, found) = report(&appliance, &self_test(Some(1)));
    let check = of(&found, CheckSubject::Cartridge);
    assert_eq!((state, check.result), (JobState::Incomplete, CheckResult::Failed), "{check:?}");
}

#[test]
fn an_empty_cartridge_that_the_drive_calls_full_is_a_finding_and_no_defect_of_the_program() {
    let appliance = TestAppliance::new(1, 300);
    let full = SensePlan::new(SenseKey::VolumeOverflow, 0x00, 0x02);
    let full = Effect::Sense { sense: full, execution: Execution::Skipped };
    // Behind labels and indexes.
    let fault = Fault::at_opcode(opcode::WRITE_6, 40, full);
    appliance.library.set_faults(FaultPlan::of(fault));
    let (state, found) = report(&appliance, &self_test(Some(1)));
    let check = of(&found, CheckSubject::Cartridge);
    assert_eq!((state, check.result), (JobState::Incomplete, CheckResult::Failed), "{check:?}");
    assert!(check.sentence.contains("full after") && check.advice.is_some(), "{check:?}");
}

/// A hand has taken a cartridge out while nobody looked.
#[test]
fn a_cartridge_that_is_not_where_the_catalog_says_is_named() {
    let appliance = TestAppliance::formatted(2, 100);
    let (_, found) = report(&appliance, &self_test(None));
    assert_eq!(of(&found, CheckSubject::Inventory).result, CheckResult::Passed, "{found:#?}");
    let (library, now) = {
        let known = appliance.catalog().cartridges_by_barcode(&barcode(2)).unwrap();
        (known[0].place.clone().unwrap().0, appliance.parts().clock.now())
    };
    let elsewhere = crate::catalog::CartridgeSighting {
        barcode: Some(barcode(2)),
        generation: None,
        kind: None,
        medium_serial: None,
        is_write_protected: None,
        place: Some((library, 9_999)),
    };
    appliance.catalog().saw_cartridge(&elsewhere, now).unwrap();
    let (state, found) = report(&appliance, &self_test(None));
    let check = of(&found, CheckSubject::Inventory);
    assert_eq!((state, check.result), (JobState::Completed, CheckResult::Warning), "{check:?}");
    assert!(check.sentence.contains("FSP002L9") && check.advice.is_some(), "{check:?}");
}
