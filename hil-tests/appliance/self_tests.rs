//! Self-tests and the calibration, by the command line on the practice library: what passes, a drive that fails,
//! and figures that plans then use.

use serde_json::Value;

use crate::machine::{Machine, offline};
use crate::tree::{noise, write};

/// Every LOG SENSE of the first drive ends with HARDWARE ERROR, INTERNAL TARGET FAILURE.
const FAILING_DRIVE: &str = r#"{"faults": [{"device": {"drive": 0},
    "trigger": {"opcode": {"opcode": 77, "nth": 1}},
    "effect": {"sense": {"sense": {"key": "HardwareError", "code": 68, "qualifier": 0}}}, "times": "always"}]}"#;

/// What each check of a self-test has shown about that part.
fn results(test: &Value, subject: &str) -> Vec<String> {
    let checks = test["checks"].as_array().unwrap();
    let of = checks.iter().filter(|check| check["subject"] == subject);
    of.map(|check| check["result"].as_str().unwrap().to_owned()).collect()
}

/// Whether an alert says that the last self-test failed, after a fresh look.
fn is_told(machine: &Machine) -> bool {
    machine.ask(&["overview", "--fresh"]);
    let alerts = machine.tell(&["alert", "list"]);
    alerts["items"].as_array().unwrap().iter().any(|alert| alert["kind"] == "self_test_failed")
}

#[test]
fn a_self_test_passes_finds_a_failed_drive_tells_of_it_and_keeps_its_history() {
    let mut machine = Machine::start("256MiB");
    let job = machine.tell(&["self-test", "run", "--cartridge", "FSP001L9"]);
    assert_eq!(job["state"], "completed", "{job:#}");
    let first = machine.tell(&["self-test", "show"]);
    for subject in
        ["catalog", "keys", "audit", "library", "inventory", "drive", "cartridge", "disk"]
    {
        let results = results(&first, subject);
        assert!(!results.is_empty() && results.iter().all(|it| it == "passed"), "{first:#}");
    }
    assert!(!is_told(&machine));

    machine.stop();
    let plan = machine.folder().join("faults");
    std::fs::write(&plan, FAILING_DRIVE).unwrap();
    let library = machine.library_folder();
    let (library, plan) = (library.to_str().unwrap(), plan.to_str().unwrap());
    let said = offline(&["vtl", "--library", library, "fault", plan]);
    assert_eq!(said.code, Some(0), "{said:?}");
    machine.boot();
    let said = machine.ask(&["self-test", "run", "--json"]);
    assert_eq!(said.code, Some(1), "a script is to notice: {said:?}");
    let second = machine.ask(&["self-test", "show", "--json"]).json();
    assert_eq!(results(&second, "catalog"), ["passed"], "the others are asked all the same");
    assert_eq!(results(&second, "drive").iter().filter(|it| *it == "failed").count(), 1);
    let failed = second["checks"].as_array().unwrap().iter().find(|it| it["result"] == "failed");
    assert!(failed.unwrap()["advice"].is_string(), "{second:#}");
    assert!(is_told(&machine));

    machine.stop();
    let said = offline(&["vtl", "--library", library, "fault", "--clear"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    machine.boot();
    machine.tell(&["self-test", "run"]);
    assert!(!is_told(&machine), "a later one that finds nothing ends the alert");
    let list = machine.tell(&["self-test", "list"]);
    let states: Vec<_> = list["items"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["completed", "incomplete", "completed"], "{list:#}");
}

#[test]
fn a_calibration_measures_every_drive_and_plans_use_what_it_found() {
    let machine = Machine::start("256MiB");
    let source = machine.folder().join("source");
    write(&source.join("a"), &noise(1, 10_000));
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "s"]);
    let plan = || {
        let to = machine.folder().join("back");
        machine.tell(&["restore", "--set", "s", "--to", to.to_str().unwrap(), "--plan"])
    };
    let assumed = plan()["exchange"].clone();
    assert!(assumed["measured"].is_null() && assumed["exchanges"] == 1, "{assumed:#}");
    let job = machine.tell(&["library", "calibrate", "FSP001L9"]);
    assert_eq!(job["state"], "completed", "{job:#}");
    let kept = machine.tell(&["library", "calibration"]);
    let drives = kept["measured"]["drives"].as_array().unwrap();
    assert!(drives.len() == 2 && drives.iter().all(|it| it["rewind_ms"].is_u64()), "{kept:#}");
    let measured = plan()["exchange"].clone();
    assert_eq!(measured["measured"], kept["ended"], "{measured:#}");
    // The robot of the practice library takes no time at all.
    assert!(measured["seconds_each"].as_u64() < assumed["seconds_each"].as_u64(), "{measured:#}");
    let refused = machine.ask(&["library", "calibrate", "FSP999L9"]);
    assert!(refused.code != Some(0) && refused.err.contains("FSP999L9"), "{refused:?}");
}
