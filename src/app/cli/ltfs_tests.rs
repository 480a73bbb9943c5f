//! The `ltfs` commands on a virtual library in a folder, as a person without an engine uses them.

use std::path::Path;

use super::tests::run_offline;
use crate::app::error::Exit;
use crate::domain::{ByteCount, MIB};
use crate::jobs::JobSpec;
use crate::jobs::spec::BackupSpec;
use crate::jobs::test_support::{TestAppliance, backup_spec, tree_of, write_file};
use crate::keys::Kit;
use crate::pools::Encryption;
use crate::vtl::{LibraryPlan, OpenOptions, VirtualLibrary};

fn library(folder: &Path) {
    let plan = LibraryPlan::practice(2, ByteCount(256 * MIB));
    VirtualLibrary::create_with(folder, &plan, OpenOptions::default()).unwrap();
}

#[test]
fn a_blank_cartridge_is_formatted_listed_checked_and_extracted() {
    let folder = tempfile::tempdir().unwrap();
    let (tapes, out) = (folder.path().join("tapes"), folder.path().join("out"));
    library(&tapes);
    let on = format!("--library {} --cartridge FSP001L9", tapes.display());
    let (exit, text) = run_offline(&format!("fossilsafe ltfs format {on}"));
    assert_eq!(exit, Exit::Done, "{text}");
    let (exit, text) = run_offline(&format!("fossilsafe ltfs check {on}"));
    assert_eq!(exit, Exit::Done, "{text}");
    assert!(text.contains("Lists 0 files") && text.contains("as after a clean close"), "{text}");
    let (exit, text) = run_offline(&format!("fossilsafe ltfs repair {on} --json"));
    assert_eq!((exit, text.contains("\"left\": []")), (Exit::Done, true), "{text}");
    let (exit, text) = run_offline(&format!("fossilsafe ltfs ls {on} --json"));
    assert_eq!((exit, text.as_str()), (Exit::Done, "[\n]\n"));
    let (exit, text) = run_offline(&format!("fossilsafe ltfs extract {on} --to {}", out.display()));
    assert_eq!(exit, Exit::Done, "{text}");
    assert!(out.is_dir());
}

#[test]
fn a_cartridge_that_holds_something_is_formatted_only_by_its_typed_barcode() {
    let folder = tempfile::tempdir().unwrap();
    let (tapes, work) = (folder.path().join("tapes"), folder.path().join("work"));
    library(&tapes);
    std::fs::create_dir(&work).unwrap();
    let (on, at) = (tapes.display(), work.display());
    let format = format!("fossilsafe ltfs format --library {on} --cartridge FSP001L9 --work {at}");
    assert_eq!(run_offline(&format).0, Exit::Done);
    let (exit, text) = run_offline(&format);
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("not blank") && text.contains("--yes-erase FSP001L9"), "{text}");
    let (exit, text) = run_offline(&format!("{format} --yes-erase FSP002L9"));
    assert_eq!(exit, Exit::Usage);
    assert!(text.contains("nothing was written"), "{text}");
    assert_eq!(run_offline(&format!("{format} --yes-erase FSP001L9")).0, Exit::Done);
    assert_eq!(
        std::fs::read_dir(&work).unwrap().count(),
        0,
        "the index that was looked at is left"
    );
}

#[test]
fn what_is_not_there_is_named_with_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let tapes = folder.path().join("tapes");
    let on = |barcode| format!("--library {} --cartridge {barcode}", tapes.display());
    let (exit, text) = run_offline(&format!("fossilsafe ltfs ls {}", on("FSP001L9")));
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("cannot open the library"), "{text}");
    library(&tapes);
    let (exit, text) = run_offline(&format!("fossilsafe ltfs ls {}", on("FSP009L9")));
    assert_eq!((exit, text.contains("no cartridge FSP009L9")), (Exit::Failed, true), "{text}");
    let (exit, text) = run_offline(&format!("fossilsafe ltfs ls {}", on("FSP002L9")));
    assert_eq!((exit, text.contains("blank")), (Exit::Failed, true), "{text}");
    let (exit, text) = run_offline("fossilsafe ltfs ls --device /dev/null");
    assert_eq!((exit, text.contains("/dev/null")), (Exit::Failed, true), "{text}");
}

/// The library of an appliance is copied: its own process still holds it.
#[test]
fn what_a_drive_has_encrypted_is_extracted_with_the_kit_and_not_without() {
    let appliance = TestAppliance::formatted(1, 64);
    let kit = appliance.encrypted_pool_by("safe", Encryption::Drive);
    let top = appliance.folder("source");
    write_file(&top.join("note.txt"), b"encrypted by the drive");
    let pool = Some("safe".parse().unwrap());
    let spec = BackupSpec { pool, ..backup_spec(&top, "docs") };
    appliance.complete(&JobSpec::Backup(spec));
    let (tapes, paper) = (appliance.folder("copies").join("tapes"), appliance.folder("paper"));
    let copy = ["-r".as_ref(), appliance.library.folder().as_os_str(), tapes.as_os_str()];
    assert!(std::process::Command::new("cp").args(copy).status().unwrap().success());
    std::fs::write(paper.join("kit.txt"), kit).unwrap();
    std::fs::write(paper.join("other.txt"), Kit::generate().text().as_str()).unwrap();

    let extract = |to: &str, more: &str| {
        let to = appliance.folder("out").join(to);
        let on = format!("--library {} --cartridge FSP001L9", tapes.display());
        let line = format!("fossilsafe ltfs extract {on} --to {} {more} docs", to.display());
        (run_offline(&line), to)
    };
    let ((exit, text), _) = extract("without", "");
    assert!(exit == Exit::Failed && text.contains("with --kit"), "{text}");
    let other = format!("--kit {}", paper.join("other.txt").display());
    let ((exit, text), _) = extract("other", &other);
    assert!(exit == Exit::Failed && text.contains("opens no key of this volume"), "{text}");
    let ours = format!("--kit {}", paper.join("kit.txt").display());
    let ((exit, text), to) = extract("with", &ours);
    assert_eq!(exit, Exit::Done, "{text}");
    let found = tree_of(&to);
    assert!(found.iter().any(|(path, _)| format!("{path:?}").contains("note.txt")), "{found:?}");
}

#[test]
fn sealed_files_are_carved_and_opened_with_the_kit_that_is_for_them() {
    let appliance = TestAppliance::formatted(1, 64);
    let kit = appliance.encrypted_pool_by("safe", Encryption::Sealed);
    let top = appliance.folder("source");
    write_file(&top.join("note.txt"), b"sealed before it reached the drive");
    write_file(&top.join("empty"), b"");
    std::fs::hard_link(top.join("note.txt"), top.join("the same.txt")).unwrap();
    let pool = Some("safe".parse().unwrap());
    let spec = BackupSpec { pool, ..backup_spec(&top, "docs") };
    appliance.complete(&JobSpec::Backup(spec));
    let (tapes, paper) = (appliance.folder("copies").join("tapes"), appliance.folder("paper"));
    let copy = ["-r".as_ref(), appliance.library.folder().as_os_str(), tapes.as_os_str()];
    assert!(std::process::Command::new("cp").args(copy).status().unwrap().success());
    std::fs::write(paper.join("kit.txt"), kit).unwrap();
    std::fs::write(paper.join("other.txt"), Kit::generate().text().as_str()).unwrap();
    let carve = |to: &str, more: &str| {
        let to = appliance.folder("out").join(to);
        let on = format!("--library {} --cartridge FSP001L9", tapes.display());
        let line = format!("fossilsafe ltfs carve {on} --to {}{more}", to.display());
        (run_offline(&line), to)
    };
    let names = |to: &Path| format!("{:?}", tree_of(to));
    let ((exit, text), to) = carve("sealed", "");
    assert_eq!(exit, Exit::Done, "{text}");
    for name in ["note.txt.sealed", "the same.txt.sealed"] {
        assert!(names(&to).contains(name), "{}", names(&to));
    }
    let ((exit, text), to) =
        carve("other", &format!(" --kit {}", paper.join("other.txt").display()));
    assert!(exit == Exit::Failed && text.contains("opens no key of this volume"), "{text}");
    assert!(!to.exists(), "nothing was copied");
    let ((exit, text), to) =
        carve("opened", &format!(" --kit {}", paper.join("kit.txt").display()));
    assert_eq!(exit, Exit::Done, "{text}");
    let found = tree_of(&to);
    assert!(!names(&to).contains(".sealed"), "{found:?}");
    for name in ["note.txt", "the same.txt"] {
        let (path, _) = found.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        let back = std::fs::read(to.join(path)).unwrap();
        assert_eq!(back, b"sealed before it reached the drive", "{name}");
    }
}
