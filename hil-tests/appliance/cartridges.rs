//! Cartridges that are not what they seem: none is written without the explicit format of that very one.

use crate::machine::Machine;
use crate::tree::{noise, write};

/// Bytes of every file of a cartridge's folder: nothing may change while it is not ours.
fn snapshot(machine: &Machine, barcode: &str) -> String {
    let folder = machine.folder().join(format!("dump-{barcode}"));
    let _ = std::fs::remove_dir_all(&folder);
    machine.export(barcode, &folder);
    let records = std::fs::read_to_string(folder.join("dump.jsonl")).unwrap();
    let data = std::fs::read(folder.join("data.bin")).unwrap();
    // The drive itself counts loads in the cartridge's memory; data and marks are what matters.
    let kept = records.lines().filter(|line| !line.contains("\"mam\""));
    format!(
        "{}\n{:x?}",
        kept.collect::<Vec<_>>().join("\n"),
        <sha2::Sha256 as sha2::Digest>::digest(data)
    )
}

fn small_source(machine: &Machine) -> String {
    let source = machine.folder().join("source");
    write(&source.join("file"), &noise(1, 100_000));
    source.to_str().unwrap().to_owned()
}

#[test]
fn without_a_formatted_cartridge_a_backup_waits_and_says_what_it_needs() {
    let machine = Machine::start("256MiB");
    let source = small_source(&machine);
    let job = machine.ask(&["backup", &source, "--set", "s", "--json"]);
    assert_eq!(job.code, Some(4), "{job:?}");
    let job = job.json();
    assert_eq!(job["state"], "waiting", "{job:#}");
    assert!(job["need"]["sentence"].as_str().unwrap().contains("cartridge format"), "{job:#}");

    machine.format("FSP003L9");
    let id = job["id"].to_string();
    let job = machine.tell(&["job", "resume", &id, "--follow"]);
    assert_eq!(job["state"], "completed", "{job:#}");
}

#[test]
fn a_cartridge_swapped_for_another_with_the_same_barcode_is_not_written() {
    let mut machine = Machine::start("256MiB");
    let source = small_source(&machine);
    machine.format("FSP001L9");
    machine.tell(&["backup", &source, "--set", "s"]);

    // A foreign LTFS volume gets the barcode of ours.
    let other = machine.foreign_volume("FSP001L9");
    machine.replace("FSP001L9", &other);
    let before = snapshot(&machine, "FSP001L9");
    machine.boot();
    write(&machine.folder().join("source/more"), b"more");
    let job = machine.ask(&["backup", &source, "--set", "s", "--json"]).json();
    assert_ne!(job["state"], "completed", "{job:#}");
    let told = job.to_string();
    assert!(told.contains("FSP001L9") && told.contains("holds LTFS volume"), "{told}");
    machine.stop();
    assert_eq!(snapshot(&machine, "FSP001L9"), before);
}

#[test]
fn a_foreign_volume_is_formatted_only_with_its_barcode_typed() {
    let mut machine = Machine::start("256MiB");
    let other = machine.foreign_volume("FSP005L9");
    machine.replace("FSP005L9", &other);
    let before = snapshot(&machine, "FSP005L9");
    machine.boot();
    let job = machine.ask(&["cartridge", "format", "FSP005L9", "--json"]);
    assert_ne!(job.code, Some(0), "{job:?}");
    assert!(job.out.contains("--yes-erase FSP005L9") || job.err.contains("--yes-erase FSP005L9"));
    let job = machine.ask(&["cartridge", "format", "FSP005L9", "--yes-erase", "FSP006L9"]);
    assert_ne!(job.code, Some(0), "{job:?}");
    machine.stop();
    assert_eq!(snapshot(&machine, "FSP005L9"), before);
    machine.boot();
    machine.tell(&["cartridge", "format", "FSP005L9", "--yes-erase", "FSP005L9"]);
}

#[test]
fn a_write_protected_cartridge_is_neither_formatted_nor_written() {
    let mut machine = Machine::start("256MiB");
    let source = small_source(&machine);
    machine.format("FSP001L9");
    machine.tell(&["backup", &source, "--set", "s"]);
    machine.stop();
    machine.protect("FSP001L9");
    let before = snapshot(&machine, "FSP001L9");
    machine.boot();
    write(&machine.folder().join("source/more"), b"more");
    let job = machine.ask(&["backup", &source, "--set", "s", "--json"]);
    assert_ne!(job.code, Some(0), "{job:?}");
    assert!(job.out.contains("write-protected"), "{job:?}");
    let said = machine.ask(&["cartridge", "format", "FSP001L9", "--yes-erase", "FSP001L9"]);
    assert_ne!(said.code, Some(0));
    assert!(format!("{said:?}").contains("write-protected"), "{said:?}");
    let verify = machine.tell(&["verify", "--set", "s"]);
    assert_eq!(verify["state"], "completed", "reading it is fine: {verify:#}");
    machine.stop();
    assert_eq!(snapshot(&machine, "FSP001L9"), before);
}
