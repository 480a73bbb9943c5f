//! Wrong input: a clear error that names the thing and the next step, and nothing is lost.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::machine::{Machine, Rights, Said, offline};
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

#[test]
fn a_folder_without_permission_is_refused_by_name_and_one_below_it_makes_the_job_incomplete() {
    let machine = Machine::start_with("256MiB", &[], Rights::PermissionsHold);
    let source = machine.folder().join("source");
    let (closed, inner) = (machine.folder().join("closed"), source.join("inner"));
    write(&source.join("file"), &noise(1, 1000));
    write(&inner.join("hidden"), b"hidden");
    write(&closed.join("hidden"), b"hidden");
    for folder in [&closed, &inner] {
        std::fs::set_permissions(folder, Permissions::from_mode(0o000)).unwrap();
    }
    machine.format("FSP001L9");
    let (closed, inner) = (closed.to_str().unwrap(), inner.to_str().unwrap());
    let refused = machine.ask(&["backup", closed, "--set", "s"]);
    assert_says(&refused, &[closed, "may not read", "access to it"]);
    let job = machine.ask(&["backup", source.to_str().unwrap(), "--set", "s", "--json"]);
    assert_eq!(job.code, Some(1), "{job:?}");
    let problem = &job.json()["outcome"]["problems"][0];
    assert_eq!(problem["path"], inner, "{job:?}");
    assert_eq!(problem["state"], "unreadable", "{job:?}");
    let evidence = machine.ask(&["evidence", "--set", "s"]);
    assert_says(&evidence, &["1 of 2 files are not safe on tape", "unreadable"]);
    // So that the folder can be removed again.
    for folder in [closed, inner] {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn a_cartridge_that_is_too_small_asks_for_another_and_nothing_is_written_twice_or_lost() {
    let machine = Machine::start("192MiB");
    let source = machine.folder().join("source");
    for n in 0..4 {
        write(&source.join(format!("file-{n}")), &noise(n, 60_000_000));
    }
    machine.format("FSP001L9");
    let job = machine.ask(&["backup", source.to_str().unwrap(), "--set", "s", "--json"]);
    assert_eq!(job.code, Some(4), "{job:?}");
    let job = job.json();
    let need = job["need"]["sentence"].as_str().unwrap();
    assert!(need.contains("another formatted cartridge") && need.contains("job resume"), "{need}");
    machine.format("FSP002L9");
    let job = machine.tell(&["job", "resume", &job["id"].to_string(), "--follow"]);
    assert_eq!(job["state"], "completed", "{job:#}");
    let restored = machine.folder().join("restored");
    machine.restore("s", &restored);
    for n in 0..4 {
        let path = source.join(format!("file-{n}"));
        let back = restored.join(path.strip_prefix("/").unwrap());
        assert!(std::fs::read(path).unwrap() == std::fs::read(back).unwrap(), "file-{n}");
    }
}

/// More than any disk of today has, so that no folder has room for it.
const MORE_THAN_ANY_DISK: &str = "4000TiB";

#[test]
fn a_staging_folder_without_room_is_named_and_the_backup_goes_on_in_memory() {
    let staging = tempfile::tempdir().unwrap();
    let folder = staging.path().to_str().unwrap();
    let options = ["--staging-folder", folder, "--staging-size", MORE_THAN_ANY_DISK];
    let machine = Machine::start_with("256MiB", &options, Rights::Ours);
    let source = machine.folder().join("source");
    write(&source.join("file"), &noise(1, 3_000_000));
    machine.format("FSP001L9");
    let job = machine.ask(&["backup", source.to_str().unwrap(), "--set", "s"]);
    assert_eq!(job.code, Some(0), "{job:?}");
    let said = format!("{}{}", job.out, job.err);
    for words in [folder, "has no room", "memory alone", "Settings, Streaming"] {
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

/// A machine whose cartridge FSP001L9 holds one run of set `s`; stopped.
fn machine_with_a_run() -> (Machine, String) {
    let mut machine = Machine::start("256MiB");
    let source = machine.folder().join("source");
    write(&source.join("file"), &noise(1, 3_000_000));
    machine.format("FSP001L9");
    let source = source.to_str().unwrap().to_owned();
    machine.tell(&["backup", &source, "--set", "s"]);
    machine.stop();
    (machine, source)
}

#[test]
fn what_a_truncated_cartridge_file_lost_is_named_and_written_again_behind_what_is_left() {
    let (mut machine, source) = machine_with_a_run();
    machine.cut_cartridge("FSP001L9");
    let before = machine.partition_files("FSP001L9");
    machine.boot();
    let verify = machine.ask(&["verify", "--set", "s"]);
    let lost = format!("{source}/file");
    assert_says(&verify, &["FSP001L9", "cannot be read", "the next backup", &lost]);
    let evidence = machine.ask(&["evidence", "--set", "s"]);
    assert_says(&evidence, &["1 of 1 files have a bad copy: back the set up again"]);
    machine.tell(&["backup", &source, "--set", "s"]);
    let restored = machine.folder().join("restored");
    machine.restore("s", &restored);
    let back = restored.join(lost.strip_prefix('/').unwrap());
    assert!(std::fs::read(lost).unwrap() == std::fs::read(back).unwrap());
    machine.stop();
    let after = machine.partition_files("FSP001L9");
    let is_data_partition = |path: &Path| path.to_str().unwrap().contains("-P1.");
    let data: Vec<_> = before.iter().filter(|(path, _)| is_data_partition(path)).collect();
    assert_eq!(data.len(), 2);
    for (path, bytes) in data {
        assert!(after[path].starts_with(bytes), "{} was written over", path.display());
    }
}

#[test]
fn a_damaged_index_is_said_never_written_over_and_costs_no_file() {
    let (mut machine, source) = machine_with_a_run();
    machine.damage_indexes("FSP001L9");
    let before = machine.partition_files("FSP001L9");
    let library = machine.library_folder();
    let check = ["ltfs", "check", "--cartridge", "FSP001L9", "--library"];
    let check = offline(&[&check[..], &[library.to_str().unwrap()]].concat());
    assert_says(&check, &["has no index that can be read", "ltfs carve"]);
    machine.boot();
    write(&machine.folder().join("source/more"), b"more");
    let backup = machine.ask(&["backup", &source, "--set", "s"]);
    assert_says(&backup, &["FSP001L9 holds LTFS volume", "no index can be read", "not lost"]);
    machine.restore("s", &machine.folder().join("restored"));
    machine.stop();
    assert!(machine.partition_files("FSP001L9") == before, "the cartridge was written");
}
