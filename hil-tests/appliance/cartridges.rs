//! Cartridges that are not what they seem: none is written without the explicit format of that very one.

use crate::machine::Machine;
use crate::tree::{noise, write};

/// First attribute of a cartridge's memory that hosts write; the drive itself counts loads below it.
const FIRST_HOST_ATTRIBUTE: u64 = 0x0800;

/// Everything that a host can write to a cartridge: nothing of it may change while it is not ours.
fn snapshot(machine: &Machine, barcode: &str) -> String {
    let folder = machine.folder().join(format!("dump-{barcode}"));
    let _ = std::fs::remove_dir_all(&folder);
    machine.export(barcode, &folder);
    let records = std::fs::read_to_string(folder.join("dump.jsonl")).unwrap();
    let data = std::fs::read(folder.join("data.bin")).unwrap();
    let kept = records.lines().filter(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["type"] != "mam" || record["id"].as_u64().unwrap() >= FIRST_HOST_ATTRIBUTE
    });
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

/// Asks for a backup that has no cartridge it may write; the job, which waits for one.
fn waiting_backup(machine: &Machine, source: &str, cartridge: &str) -> serde_json::Value {
    let job = ["backup", source, "--set", "s", "--cartridge", cartridge, "--json"];
    let job = machine.ask(&job);
    assert_eq!(job.code, Some(4), "{job:?}");
    let job = job.json();
    assert_eq!(job["state"], "waiting", "{job:#}");
    let need = job["need"]["sentence"].as_str().unwrap();
    assert!(need.contains(cartridge) && need.contains("cartridge format"), "{job:#}");
    job
}

#[test]
fn a_blank_cartridge_is_not_written_even_if_it_is_named_until_it_is_formatted() {
    let mut machine = Machine::start("256MiB");
    let source = small_source(&machine);
    machine.stop();
    let before = snapshot(&machine, "FSP003L9");
    machine.boot();
    let job = waiting_backup(&machine, &source, "FSP003L9");
    machine.stop();
    assert_eq!(snapshot(&machine, "FSP003L9"), before);

    machine.boot();
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
fn a_blank_cartridge_in_the_place_of_ours_is_not_written() {
    let mut machine = Machine::start("256MiB");
    let source = small_source(&machine);
    machine.stop();
    let blank = machine.folder().join("blank");
    machine.export("FSP001L9", &blank);
    machine.boot();
    machine.format("FSP001L9");
    machine.tell(&["backup", &source, "--set", "s"]);

    machine.replace("FSP001L9", &blank);
    let before = snapshot(&machine, "FSP001L9");
    machine.boot();
    write(&machine.folder().join("source/more"), b"more");
    let job = machine.ask(&["backup", &source, "--set", "s", "--json"]).json();
    assert_ne!(job["state"], "completed", "{job:#}");
    let told = job.to_string();
    assert!(told.contains("FSP001L9 is blank"), "{told}");
    machine.stop();
    assert_eq!(snapshot(&machine, "FSP001L9"), before);
}

#[test]
fn a_worm_cartridge_is_written_after_its_own_format_and_can_never_be_formatted_again() {
    let mut machine = Machine::start("256MiB");
    let source = small_source(&machine);
    machine.stop();
    machine.add_worm("WRM001LZ");
    let before = snapshot(&machine, "WRM001LZ");
    machine.boot();
    machine.tell(&["library", "inventory"]);
    let job = waiting_backup(&machine, &source, "WRM001LZ");
    machine.stop();
    assert_eq!(snapshot(&machine, "WRM001LZ"), before);

    machine.boot();
    machine.format("WRM001LZ");
    let id = job["id"].to_string();
    assert_eq!(machine.tell(&["job", "resume", &id, "--follow"])["state"], "completed");
    machine.stop();
    let before = snapshot(&machine, "WRM001LZ");
    machine.boot();
    for typed in [&["--yes-erase", "WRM001LZ"][..], &[]] {
        let format = machine.ask(&[&["cartridge", "format", "WRM001LZ"], typed].concat());
        assert_ne!(format.code, Some(0), "{format:?}");
        let said = format!("{}{}", format.out, format.err);
        assert!(said.contains("WRM001LZ is WORM and holds LTFS volume"), "{said}");
    }
    machine.stop();
    assert_eq!(snapshot(&machine, "WRM001LZ"), before);

    // Written once is not written one time: the next run is appended, and the first stays readable.
    machine.boot();
    write(&machine.folder().join("source/more"), b"more");
    machine.tell(&["backup", &source, "--set", "s", "--cartridge", "WRM001LZ"]);
    machine.restore("s", &machine.folder().join("restored"));
    machine.stop();
    machine.assert_consistent("WRM001LZ");
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
