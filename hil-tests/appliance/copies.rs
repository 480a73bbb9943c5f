//! Sets in two copies: written by two drives from one read, each of them whole without the other.

use std::fs;

use crate::machine::Machine;
use crate::tree::{assert_same, noise, odd_folder, write};

/// The files are indexed in both copies, and either cartridge alone brings everything back.
#[test]
fn two_copies_are_written_from_one_read_and_each_restores_everything_alone() {
    let mut machine = Machine::start("1GiB");
    let source = machine.folder().join("photos");
    odd_folder(&source);
    for number in 0..40 {
        write(&source.join(format!("more/{number}")), &noise(number, 200_000));
    }
    machine.format("FSP001L9");
    machine.format("FSP002L9");
    let path = source.to_str().unwrap().to_owned();
    let backup = machine.tell(&["backup", &path, "--set", "photos", "--copies", "2"]);
    assert_eq!(backup["state"], "completed", "{backup:#}");
    let sentence = backup["outcome"]["sentence"].as_str().unwrap();
    assert!(sentence.contains("in each of 2 copies"), "{sentence}");
    let log = machine.log();
    let reads: Vec<&str> = log.lines().filter(|line| line.contains("read once for")).collect();
    assert_eq!(reads.len(), 1, "{reads:#?}");
    assert!(reads[0].contains("copy A on FSP001L9 and copy B on FSP002L9"), "{reads:#?}");

    let evidence = machine.tell(&["evidence", "--set", "photos"]);
    let copies = evidence["copies"].as_array().unwrap();
    let names: Vec<_> = copies.iter().map(|copy| copy["copy"].as_str().unwrap()).collect();
    assert_eq!(names, ["A", "B"], "{evidence:#}");
    assert!(copies.iter().all(|copy| copy["is_complete"] == true), "{evidence:#}");
    let hits = machine.tell(&["search", "more", "--set", "photos", "--limit", "1"]);
    assert_eq!(hits["items"][0]["copies"], serde_json::json!(["A", "B"]), "{hits:#}");

    for (absent, name) in [("FSP002L9", "from-a"), ("FSP001L9", "from-b")] {
        machine.take_out(absent);
        let back = machine.folder().join(name);
        machine.restore("photos", &back);
        assert_same(&source, &back.join(source.strip_prefix("/").unwrap()));
        fs::remove_dir_all(&back).unwrap();
        machine.put_in(absent);
    }
}
