//! The catalog is lost; the tapes are not.

use crate::machine::Machine;
use crate::tree::{assert_same, noise, odd_folder, write};

/// The catalog file is deleted; a rebuild from the tapes alone gives the same files and evidence.
#[test]
fn a_deleted_catalog_is_rebuilt_from_the_tapes_with_the_same_files_and_evidence() {
    let mut machine = Machine::start("1GiB");
    let source = machine.folder().join("photos");
    odd_folder(&source);
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "photos"]);
    write(&source.join("later"), &noise(5, 300_000));
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "photos"]);
    machine.tell(&["verify", "--set", "photos"]);
    let before = machine.evidence("photos");
    machine.stop();

    for entry in std::fs::read_dir(machine.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("catalog.") {
            std::fs::remove_file(path).unwrap();
        }
    }
    machine.boot();
    let search = machine.tell(&["search", "later"]);
    assert_eq!(search["items"].as_array().unwrap().len(), 0, "{search:#}");

    let rebuild = machine.tell(&["catalog", "rebuild"]);
    assert_eq!(rebuild["state"], "completed", "{rebuild:#}");
    assert_eq!(machine.evidence("photos"), before);
    let search = machine.tell(&["search", "later"]);
    assert_eq!(search["items"].as_array().unwrap().len(), 1, "{search:#}");

    let back = machine.folder().join("back");
    machine.restore("photos", &back);
    assert_same(&source, &back.join(source.strip_prefix("/").unwrap()));
}
