//! Sets that are larger than a cartridge.

use std::fs;

use crate::machine::Machine;
use crate::tree::{assert_same, noise, write};

const MIB: usize = 1024 * 1024;

/// Small files, and one file larger than a cartridge, over three cartridges.
fn spanning_set() -> (Machine, std::path::PathBuf) {
    let machine = Machine::start("192MiB");
    let source = machine.folder().join("films");
    for number in 0..30_u64 {
        write(&source.join(format!("a/clip{number:02}")), &noise(number, 2 * MIB));
    }
    write(&source.join("b/feature.mov"), &noise(500, 230 * MIB));
    for number in 0..10_u64 {
        write(&source.join(format!("c/clip{number:02}")), &noise(900 + number, 2 * MIB));
    }
    for barcode in ["FSP001L9", "FSP002L9", "FSP003L9", "FSP004L9"] {
        machine.format(barcode);
    }
    let backup = machine.tell(&["backup", source.to_str().unwrap(), "--set", "films"]);
    assert_eq!(backup["state"], "completed", "{backup:#}");
    (machine, source)
}

fn cartridges_of(machine: &Machine) -> Vec<String> {
    let table = machine.tell(&["evidence", "--set", "films"]);
    let barcodes = table["cartridges"].as_array().unwrap().iter();
    barcodes.map(|cartridge| cartridge["barcode"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_set_over_three_cartridges_with_a_file_larger_than_one_is_restored_whole() {
    let (machine, source) = spanning_set();
    assert!(cartridges_of(&machine).len() >= 3, "{:?}", cartridges_of(&machine));
    let back = machine.folder().join("back");
    machine.restore("films", &back);
    assert_same(&source, &back.join(source.strip_prefix("/").unwrap()));
    let verify = machine.tell(&["verify", "--set", "films"]);
    assert_eq!(verify["state"], "completed", "{verify:#}");
}

#[test]
fn with_the_middle_cartridge_missing_the_rest_is_restored_and_the_missing_is_listed() {
    let (mut machine, source) = spanning_set();
    let middle = cartridges_of(&machine)[1].clone();
    machine.take_out(&middle);
    let back = machine.folder().join("back");
    let job = machine.ask(&[
        "restore",
        "--set",
        "films",
        "--to",
        back.to_str().unwrap(),
        "--without-missing",
        "--json",
    ]);
    assert_eq!(job.code, Some(1), "{job:?}");
    let job = job.json();
    assert_eq!(job["state"], "incomplete", "{job:#}");
    let problems = job["outcome"]["problems"].as_array().unwrap();
    assert!(
        problems.iter().any(|problem| {
            problem["path"].as_str().unwrap().ends_with("b/feature.mov")
                && problem["state"] == "missing_cartridge"
                && problem["reason"].as_str().unwrap().contains(&middle)
        }),
        "{job:#}"
    );
    let restored = back.join(source.strip_prefix("/").unwrap());
    let first = fs::read(restored.join("a/clip00")).unwrap();
    assert_eq!(first, fs::read(source.join("a/clip00")).unwrap());
    assert!(!restored.join("b/feature.mov").exists(), "half a file must not look like a file");
}
