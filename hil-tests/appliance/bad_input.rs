//! Wrong input: a clear error that names the thing and the next step, and nothing is lost.

use crate::machine::{Machine, Said, offline};
use crate::tree::{noise, write};

/// The command failed, and what it says names each of these.
fn assert_says(said: &Said, words: &[&str]) {
    assert!(said.code.is_some_and(|code| code != 0), "{said:?}");
    let text = format!("{}{}", said.out, said.err);
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {said:?}");
    }
}

#[test]
fn paths_and_barcodes_that_do_not_exist_are_refused_before_anything_begins() {
    let machine = Machine::start("256MiB");
    assert_says(&machine.ask(&["backup", "/does/not/exist", "--set", "s"]), &["/does/not/exist"]);
    assert_says(&machine.ask(&["backup", "/etc", "--set", "../etc"]), &["../etc", "set"]);
    assert_says(&machine.ask(&["cartridge", "format", "NOPE01L9"]), &["NOPE01L9", "inventory"]);
    assert_says(&machine.ask(&["verify", "--set", "nothing"]), &["nothing"]);
    assert_says(&machine.ask(&["job", "show", "999"]), &["999"]);
    assert_says(&machine.ask(&["library", "move", "slot:99", "drive:0"]), &["slot 99"]);
    let jobs = machine.tell(&["job", "list"]);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 0, "{jobs:#}");
}

#[test]
fn without_an_engine_the_command_says_how_to_start_one() {
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_fossilsafe"))
        .args(["job", "list"])
        .env("FOSSILSAFE_ENGINE", "http://127.0.0.1:9")
        .output()
        .unwrap();
    assert_eq!(said.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&said.stderr).contains("fossilsafe run"));
}

/// A file that answers with an error is named, whatever else is safe.
#[test]
fn what_cannot_be_read_is_named_and_the_job_is_incomplete() {
    let machine = Machine::start("256MiB");
    machine.format("FSP001L9");
    // Root may open everything of a disk; what the kernel only lets be written nobody can read.
    let source = "/sys/bus/cpu";
    let job = machine.ask(&["backup", source, "--set", "s", "--json"]);
    assert_eq!(job.code, Some(1), "{job:?}");
    assert!(job.out.contains("drivers_probe"), "{job:?}");
}

/// More than any disk of today has, so that no folder has room for it.
const MORE_THAN_ANY_DISK: &str = "4000TiB";

#[test]
fn a_staging_folder_without_room_is_named_and_the_backup_goes_on_in_memory() {
    let staging = tempfile::tempdir().unwrap();
    let folder = staging.path().to_str().unwrap();
    let options = ["--staging-folder", folder, "--staging-size", MORE_THAN_ANY_DISK];
    let machine = Machine::start_with("256MiB", &options);
    let source = machine.folder().join("source");
    write(&source.join("file"), &noise(1, 3_000_000));
    machine.format("FSP001L9");
    let job = machine.ask(&["backup", source.to_str().unwrap(), "--set", "s"]);
    assert_eq!(job.code, Some(0), "{job:?}");
    let said = format!("{}{}", job.out, job.err);
    for words in [folder, "has no room", "memory alone", "fossilsafe run --help"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert_eq!(std::fs::read_dir(&staging).unwrap().count(), 0);
    machine.restore("s", &machine.folder().join("restored"));
}

#[test]
fn a_corrupt_catalog_is_named_kept_and_can_be_rebuilt() {
    let mut machine = Machine::start("256MiB");
    let source = machine.folder().join("source");
    write(&source.join("file"), &noise(1, 100_000));
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "s"]);
    machine.stop();
    let catalog = machine.data().join("catalog.db");
    let mut bytes = std::fs::read(&catalog).unwrap();
    for byte in &mut bytes[4096..12_288] {
        *byte ^= 0x5A;
    }
    std::fs::write(&catalog, &bytes).unwrap();
    let said =
        offline(&["run", "--data", machine.data().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_says(&said, &["catalog.db", "rebuild"]);
    assert_eq!(std::fs::read(&catalog).unwrap(), bytes, "a corrupt catalog is never touched");
}

#[test]
fn a_truncated_cartridge_file_and_a_damaged_index_are_said_and_never_written_over() {
    let mut machine = Machine::start("256MiB");
    let source = machine.folder().join("source");
    write(&source.join("file"), &noise(1, 3_000_000));
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "s"]);
    machine.stop();
    machine.cut_cartridge("FSP001L9");
    machine.boot();
    let verify = machine.ask(&["verify", "--set", "s", "--json"]);
    assert_ne!(verify.code, Some(0), "{verify:?}");
    assert!(format!("{verify:?}").contains("FSP001L9"), "{verify:?}");
}
