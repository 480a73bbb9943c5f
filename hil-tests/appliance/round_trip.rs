//! A folder goes to tape, comes back, and the proof is shown.

use std::fs;
use std::process::Command;

use crate::machine::Machine;
use crate::tree::{assert_same, noise, odd_folder, write};

/// Backup, cartridge out and in, verify, restore: everything that the folder held is back, and the
/// evidence says so, state by state.
#[test]
fn a_folder_with_everything_odd_comes_back_identical_and_its_evidence_grows() {
    let machine = Machine::start("1GiB");
    let source = machine.folder().join("photos");
    odd_folder(&source);
    machine.format("FSP001L9");

    let backup = machine.tell(&["backup", source.to_str().unwrap(), "--set", "photos"]);
    assert_eq!(backup["state"], "completed", "{backup:#}");
    let table = machine.evidence("photos");
    assert!(table.is_complete && table.at_least("indexed") == table.files, "{table:?}");
    assert_eq!(table.at_least("read_back"), 0, "{table:?}");

    let verify = machine.tell(&["verify", "--set", "photos"]);
    assert_eq!(verify["state"], "completed", "{verify:#}");
    let table = machine.evidence("photos");
    assert_eq!(table.at_least("read_back"), table.files, "{table:?}");

    let back = machine.folder().join("back");
    machine.restore("photos", &back);
    let restored = back.join(source.strip_prefix("/").unwrap());
    assert_same(&source, &restored);
    let mut diff = Command::new("diff");
    diff.args(["-r", "--no-dereference", "--exclude=fifo"]);
    let same = diff.arg(&source).arg(&restored).status().unwrap();
    assert!(same.success(), "diff -r finds differences");
}

/// The second run writes what is new only, and restores the whole state all the same.
#[test]
fn an_incremental_run_writes_what_changed_and_restores_everything() {
    let machine = Machine::start("1GiB");
    let source = machine.folder().join("work");
    for number in 0..20 {
        write(&source.join(format!("file{number}")), &noise(number, 100_000));
    }
    machine.format("FSP001L9");
    let first = machine.tell(&["backup", source.to_str().unwrap(), "--set", "work"]);
    assert_eq!(first["outcome"]["files"], 20, "{first:#}");

    fs::write(source.join("file3"), b"changed").unwrap();
    fs::remove_file(source.join("file4")).unwrap();
    write(&source.join("new/file"), b"new");
    let second = machine.tell(&["backup", source.to_str().unwrap(), "--set", "work"]);
    assert_eq!(second["state"], "completed", "{second:#}");
    assert_eq!(second["outcome"]["files"], 2, "{second:#}");

    let back = machine.folder().join("back");
    machine.restore("work", &back);
    assert_same(&source, &back.join(source.strip_prefix("/").unwrap()));
}

/// A restore never touches what is there, unless it is told to.
#[test]
fn a_restore_does_not_overwrite_what_is_there() {
    let machine = Machine::start("1GiB");
    let source = machine.folder().join("work");
    write(&source.join("a"), b"from tape");
    write(&source.join("b"), b"from tape too");
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "work"]);

    let back = machine.folder().join("back");
    let there = back.join(source.strip_prefix("/").unwrap()).join("a");
    write(&there, b"precious");
    let job = machine.ask(&["restore", "--set", "work", "--to", back.to_str().unwrap(), "--json"]);
    assert_eq!(job.code, Some(1), "{job:?}");
    assert_eq!(job.json()["state"], "incomplete");
    assert_eq!(fs::read(&there).unwrap(), b"precious");
    assert_eq!(fs::read(there.with_file_name("b")).unwrap(), b"from tape too");
}
