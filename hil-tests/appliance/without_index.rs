//! Volumes whose index is gone or not the wanted one: carved, and brought back to an older state.

use std::path::{Path, PathBuf};

use crate::machine::{Machine, Said, offline};
use crate::tree::{assert_same, noise, odd_folder, write};

/// Runs an `ltfs` command on a practice cartridge of a stopped machine.
fn ltfs(machine: &Machine, command: &str, barcode: &str, more: &[&str]) -> Said {
    let library = machine.library_folder();
    let on = ["ltfs", command, "--library", library.to_str().unwrap(), "--cartridge", barcode];
    offline(&[&on[..], more].concat())
}

fn done(said: &Said) -> &str {
    assert_eq!(said.code, Some(0), "{said:?}");
    &said.out
}

/// The only folder in a folder: a set, or a run.
fn only_folder(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).unwrap();
    let only = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none(), "{} holds more than {}", folder.display(), only.display());
    only
}

/// The newest file of a folder below the data folder whose name ends so.
fn newest(folder: &Path, ending: &str) -> PathBuf {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.to_str().unwrap().ends_with(ending)).collect();
    files.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    files.pop().unwrap_or_else(|| panic!("nothing with {ending} in {}", folder.display()))
}

#[test]
fn without_any_index_the_manifests_on_the_tape_bring_everything_back_as_it_was() {
    let mut machine = Machine::start("256MiB");
    let source = machine.folder().join("photos");
    odd_folder(&source);
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "photos"]);
    machine.stop();
    machine.damage_indexes("FSP001L9");
    let before = machine.partition_files("FSP001L9");

    let extracted = machine.folder().join("extracted");
    let said = ltfs(&machine, "extract", "FSP001L9", &["--to", extracted.to_str().unwrap()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("ltfs carve"), "{said:?}");

    let carved = machine.folder().join("carved");
    let said = ltfs(&machine, "carve", "FSP001L9", &["--to", carved.to_str().unwrap()]);
    assert!(done(&said).contains("of set photos"), "{said:?}");
    let run = only_folder(&only_folder(&carved));
    assert_same(&source, &run.join(source.strip_prefix("/").unwrap()));
    assert!(machine.partition_files("FSP001L9") == before, "carving wrote to the cartridge");

    // The index that was kept off the tape shows what any LTFS software would.
    let indexes = only_folder(&machine.data().join("indexes"));
    let index = newest(&indexes, ".xml");
    let by_index = machine.folder().join("by-index");
    let options = ["--to", by_index.to_str().unwrap(), "--from", index.to_str().unwrap()];
    done(&ltfs(&machine, "carve", "FSP001L9", &options));
    assert!(by_index.join(".fossilsafe/volume.json").is_file());
}

/// A run that waits for its second cartridge has written no manifest; its journal knows the files.
#[test]
fn a_run_without_a_manifest_is_carved_by_its_journal() {
    let mut machine = Machine::start("192MiB");
    let source = machine.folder().join("films");
    for n in 0..4 {
        write(&source.join(format!("film-{n}")), &noise(n, 60_000_000));
    }
    machine.format("FSP001L9");
    let job = machine.ask(&["backup", source.to_str().unwrap(), "--set", "films", "--json"]);
    assert_eq!(job.code, Some(4), "{job:?}");
    let job = job.json()["id"].to_string();
    machine.stop();
    machine.damage_indexes("FSP001L9");

    let journal = newest(&machine.data().join("jobs").join(job), ".bulk");
    let carved = machine.folder().join("carved");
    let options = ["--to", carved.to_str().unwrap(), "--from", journal.to_str().unwrap()];
    let said = ltfs(&machine, "carve", "FSP001L9", &options);
    let films = carved.join(source.strip_prefix("/").unwrap());
    let whole = (0..4).filter(|n| {
        let name = format!("film-{n}");
        let back = std::fs::read(films.join(&name)).unwrap_or_default();
        back == std::fs::read(source.join(&name)).unwrap()
    });
    assert!(whole.count() >= 2, "{said:?}");
    done(&said);

    let other = machine.folder().join("no-journal");
    write(&other, b"nothing of ours");
    let options = ["--to", carved.to_str().unwrap(), "--from", other.to_str().unwrap()];
    let said = ltfs(&machine, "carve", "FSP001L9", &options);
    assert!(said.err.contains("is not a spool") && said.err.contains(".bulk"), "{said:?}");
}

#[test]
fn a_volume_goes_back_to_an_older_state_by_typed_barcode_only_and_forward_again() {
    let mut machine = Machine::start("256MiB");
    let source = machine.folder().join("work");
    write(&source.join("first"), b"first");
    machine.format("FSP001L9");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "work"]);
    machine.stop();
    let listed = ltfs(&machine, "generations", "FSP001L9", &["--json"]);
    let older = listed.json()[0]["generation"].to_string();
    machine.boot();
    write(&source.join("second"), b"second");
    machine.tell(&["backup", source.to_str().unwrap(), "--set", "work"]);
    machine.stop();

    let before = machine.partition_files("FSP001L9");
    let back = |machine: &Machine, more: &[&str]| {
        ltfs(machine, "rollback", "FSP001L9", &[&["--to", &older], more].concat())
    };
    let said = back(&machine, &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let words = format!("generation {older} of ");
    assert!(said.err.contains(&words) && said.err.contains("--yes-roll-back FSP001L9"), "{said:?}");
    let said = back(&machine, &["--yes-roll-back", "FSP002L9"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let said = ltfs(&machine, "rollback", "FSP001L9", &["--to", "77"]);
    assert!(said.err.contains("77") && said.err.contains("ltfs generations"), "{said:?}");
    let newest = ltfs(&machine, "generations", "FSP001L9", &["--json"]).json();
    let newest = newest[0]["generation"].to_string();
    let said = ltfs(&machine, "rollback", "FSP001L9", &["--to", &newest]);
    assert!(said.code == Some(1) && said.err.contains("the newest already"), "{said:?}");
    assert!(machine.partition_files("FSP001L9") == before, "a refused rollback wrote");

    done(&back(&machine, &["--yes-roll-back", "FSP001L9"]));
    machine.assert_consistent("FSP001L9");
    let names = ltfs(&machine, "ls", "FSP001L9", &[]);
    assert!(done(&names).contains("first") && !names.out.contains("second"), "{names:?}");

    // Who still takes the file for stored learns it from the tape.
    machine.boot();
    let verify = machine.ask(&["verify", "--cartridge", "FSP001L9"]);
    assert!(verify.code == Some(1) && verify.out.contains("does not list it"), "{verify:?}");
    machine.stop();
    let forward = ["--to", &newest, "--yes-roll-back", "FSP001L9"];
    done(&ltfs(&machine, "rollback", "FSP001L9", &forward));
    let names = ltfs(&machine, "ls", "FSP001L9", &[]);
    assert!(done(&names).contains("second"), "{names:?}");
}
