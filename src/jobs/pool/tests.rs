//! Encrypted pools from the backup to the restore, with the key, without it, and with the kit alone.

mod by_drive;
mod by_vault;
mod drill;

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{pools, rotate};
use crate::domain::{ByteCount, MIB, RunId};
use crate::jobs::spec::{
    BackupMode, BackupSpec, Compression, RebuildSpec, VerifyScope, VerifySpec,
};
use crate::jobs::test_support::{
    TestAppliance, backup_spec, barcode, noise, restore_spec, tree_of, write_file,
};
use crate::jobs::{JobEnd, JobSpec, JobState};
use crate::keys::Kit;
use crate::pools::KeyPlace;

const SECRET_TEXT: &str = "nobody but the owner shall read this line. ";

fn sealed_spec(top: &Path, set: &str) -> BackupSpec {
    BackupSpec { pool: Some("safe".parse().unwrap()), ..backup_spec(top, set) }
}

fn back_up(appliance: &TestAppliance, spec: BackupSpec) -> RunId {
    appliance.complete(&JobSpec::Backup(spec)).outcome.unwrap().run.unwrap()
}

fn tree(top: &Path) {
    write_file(&top.join("note.txt"), SECRET_TEXT.repeat(20).as_bytes());
    write_file(&top.join("empty"), b"");
    write_file(&top.join("large.bin"), &noise(1, 9_000_001));
    write_file(&top.join("large.txt"), SECRET_TEXT.repeat(200_000).as_bytes());
    for number in 0..200_u16 {
        let content = noise(number.into(), usize::from(number) * 13);
        write_file(&top.join(format!("many/{number}")), &content);
    }
    std::fs::hard_link(top.join("note.txt"), top.join("same.txt")).unwrap();
}

fn is_identical(appliance: &TestAppliance, run: &RunId, top: &Path, name: &str) {
    let to = appliance.folder(name);
    appliance.complete(&JobSpec::Restore(restore_spec(run, &[], &to)));
    assert_eq!(tree_of(&to.join(top.strip_prefix("/").unwrap())), tree_of(top));
}

fn verify(appliance: &TestAppliance, run: &RunId) -> (JobState, JobEnd, String) {
    let spec = JobSpec::Verify(VerifySpec::from(VerifyScope::Run(run.clone())));
    let job = appliance.submit(&spec);
    let (state, end) = appliance.wait(job);
    (state, end, appliance.told(job))
}

/// Everything on a cartridge, as `fossilsafe vtl export` writes it.
fn dump(appliance: &TestAppliance, number: u16) -> PathBuf {
    let folder = appliance.folder(&format!("dump-{number}"));
    appliance.library.export_cartridge(barcode(number).as_str(), &folder).unwrap();
    folder
}

#[test]
fn a_pool_cannot_be_used_before_its_kit_was_typed_back() {
    let appliance = TestAppliance::formatted(1, 64);
    let top = appliance.folder("source");
    write_file(&top.join("a"), b"a");
    let parts = appliance.parts();
    super::create(
        parts,
        "safe".parse().unwrap(),
        crate::pools::Encryption::Sealed,
        KeyPlace::Appliance,
    )
    .unwrap();
    let refused = |appliance: &TestAppliance| {
        let job = appliance.submit(&JobSpec::Backup(sealed_spec(&top, "s")));
        let (state, end) = appliance.wait(job);
        assert_eq!(state, JobState::Failed);
        end.failure.unwrap().code
    };
    assert_eq!(refused(&appliance), "kit_not_confirmed");
    let ring = parts.keys.ring();
    let kit = ring.kit_to_print(parts.clock.now()).unwrap();
    assert_eq!(refused(&appliance), "kit_not_confirmed", "printing is not enough");
    let wrong = ["AAAA", "BBBB", "CCCC"].map(str::to_owned);
    let error = ring.confirm_kit(&wrong, parts.clock.now()).unwrap_err();
    assert!(error.to_string().contains("these are not groups"), "{error}");
    assert_eq!(refused(&appliance), "kit_not_confirmed", "nor is typing something else");
    let again = ring.kit_to_print(parts.clock.now()).unwrap();
    assert_eq!(again.text().as_str(), kit.text().as_str(), "the same paper is asked for");
}

#[test]
fn sealed_files_come_back_and_nothing_of_them_stands_on_the_tape() {
    let appliance = TestAppliance::formatted(1, 96);
    let kit = appliance.encrypted_pool("safe");
    let top = appliance.folder("source");
    tree(&top);
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    let (state, end, told) = verify(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    is_identical(&appliance, &run, &top, "back");

    let folder = dump(&appliance, 1);
    let bytes = std::fs::read(folder.join("data.bin")).unwrap();
    let is_in = |text: &[u8]| memchr::memmem::find(&bytes, text).is_some();
    assert!(!is_in(&SECRET_TEXT.as_bytes()[..20]), "content in plain");
    let note = SECRET_TEXT.repeat(20);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(note.as_bytes());
    assert!(!is_in(hex::encode(digest).as_bytes()), "a digest of content in plain");
    assert!(is_in(b"note.txt.sealed"), "names are readable, and FORMAT.md says so");

    // With the kit and what stands on the tape, and nothing of ours but what stands there too.
    let program = appliance.folder("program").join("unseal.py");
    std::fs::write(&program, crate::keys::UNSEAL_PROGRAM).unwrap();
    let paper = program.with_file_name("kit.txt");
    let unseal = |kit: &str, name: &str| {
        std::fs::write(&paper, format!("This is the kit.\n{kit}\n")).unwrap();
        let below = top.strip_prefix("/").unwrap().display().to_string();
        let path = format!("docs/{run}/{below}/{name}.sealed");
        let ran = Command::new("python3")
            .args([program.as_os_str(), paper.as_os_str(), folder.as_os_str(), path.as_ref()])
            .output()
            .unwrap();
        (ran.status.success(), ran.stdout, String::from_utf8_lossy(&ran.stderr).into_owned())
    };
    for name in ["note.txt", "large.bin", "many/77"] {
        let (is_done, plain, said) = unseal(&kit, name);
        assert!(is_done, "{name}: {said}");
        assert_eq!(plain, std::fs::read(top.join(name)).unwrap(), "{name}");
    }
    let (is_done, _, said) = unseal(&Kit::generate().text(), "note.txt");
    assert!(!is_done && said.contains("wrong kit"), "{said}");
}

#[test]
fn sealed_sets_are_compressed_appended_and_kept_in_two_copies() {
    let appliance = TestAppliance::formatted(2, 96);
    appliance.encrypted_pool("safe");
    let top = appliance.folder("source");
    tree(&top);
    let spec = BackupSpec {
        copies: Some(2),
        compression: Compression::Zstd { level: 1 },
        ..sealed_spec(&top, "docs")
    };
    let first = back_up(&appliance, spec.clone());
    let old_key = pools(appliance.catalog()).unwrap()[0].key;
    let new_key = rotate(appliance.parts(), &"safe".parse().unwrap()).unwrap().key;
    assert_ne!(new_key, old_key);
    write_file(&top.join("later"), SECRET_TEXT.as_bytes());
    // The set stays in its pool without being told.
    let spec = BackupSpec { pool: None, mode: BackupMode::Incremental, ..spec };
    let second = back_up(&appliance, spec.clone());
    for run in [&first, &second] {
        let (state, end, told) = verify(&appliance, run);
        assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    }
    for gone in [1, 2] {
        appliance.take_out(&barcode(gone));
        appliance.complete(&JobSpec::Inventory);
        is_identical(&appliance, &second, &top, &format!("without-{gone}"));
        appliance.put_in(&barcode(gone));
    }
    let other = BackupSpec { pool: Some("other".parse().unwrap()), ..spec };
    let (state, end) = appliance.wait(appliance.submit(&JobSpec::Backup(other)));
    assert_eq!((state, end.failure.unwrap().code.as_str()), (JobState::Failed, "other_pool"));
}

#[test]
fn a_sealed_file_over_two_cartridges_is_verified_and_restored() {
    let appliance = TestAppliance::formatted(3, 24);
    appliance.encrypted_pool("safe");
    let top = appliance.folder("source");
    write_file(&top.join("a.bin"), &noise(1, 2_000_000));
    write_file(&top.join("b.bin"), &noise(2, 40_000_000));
    write_file(&top.join("c.txt"), &vec![b'x'; 500_000]);
    let spec = sealed_spec(&top, "video");
    let run = back_up(&appliance, spec);
    assert!(appliance.catalog().segments_of_run(&run).unwrap().len() > 1, "it must be split");
    let (state, end, told) = verify(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{told}");
    is_identical(&appliance, &run, &top, "back");
}

#[test]
fn after_everything_is_lost_tapes_and_kit_bring_all_of_it_back() {
    let mut appliance = TestAppliance::formatted(3, 24);
    let kit: Kit = appliance.encrypted_pool("safe").parse().unwrap();
    let top = appliance.folder("source");
    tree(&top);
    write_file(&top.join("split.bin"), &noise(5, usize::try_from(24 * MIB).unwrap()));
    let run = back_up(&appliance, sealed_spec(&top, "docs"));
    let known = pools(appliance.catalog()).unwrap()[0].key.unwrap();
    for lost in ["catalog", "keys", "manifests", "indexes", "receipts", "jobs"] {
        appliance.restart_without(lost);
    }

    let rebuild = JobSpec::Rebuild(RebuildSpec::default());
    let (_, end) = appliance.wait(appliance.submit(&rebuild));
    let told = format!("{end:?}");
    assert!(told.contains(&format!("data key {known}")) && told.contains("kit open"), "{told}");

    // Without the key the tape can still be checked, and nothing is restored in its place.
    let (state, end, told) = verify(&appliance, &run);
    assert!(told.contains("its content was not looked at"), "{state:?} {end:#?}\n{told}");
    assert!(!told.contains("volume_problem") || told.contains("not trusted"), "{told}");
    let to = appliance.folder("nothing");
    let spec = JobSpec::Restore(restore_spec(&run, &[&top.join("note.txt")], &to));
    let (state, end) = appliance.wait(appliance.submit(&spec));
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let told = format!("{end:?}");
    assert!(told.contains("key_missing") && told.contains(&known.to_string()), "{told}");
    assert!(!to.join(top.strip_prefix("/").unwrap()).join("note.txt").exists());

    let ring = appliance.parts().keys.ring();
    assert_eq!(ring.open_waiting(&Kit::generate()).unwrap(), [], "another kit opens nothing");
    assert_eq!(ring.open_waiting(&kit).unwrap(), [known]);
    let (_, end) = appliance.wait(appliance.submit(&rebuild));
    assert!(!format!("{end:?}").contains("kit open"), "{end:?}");
    is_identical(&appliance, &run, &top, "back");
}

#[test]
fn a_set_of_which_only_tapes_know_the_pool_is_never_written_in_plain() {
    let mut appliance = TestAppliance::formatted(1, 64);
    appliance.encrypted_pool("safe");
    let top = appliance.folder("source");
    write_file(&top.join("note.txt"), SECRET_TEXT.as_bytes());
    back_up(&appliance, sealed_spec(&top, "docs"));
    let key = pools(appliance.catalog()).unwrap()[0].key;
    appliance.restart_without("catalog");
    appliance.complete(&JobSpec::Rebuild(RebuildSpec::default()));
    let again = JobSpec::Backup(BackupSpec { pool: None, ..sealed_spec(&top, "docs") });
    let (state, end) = appliance.wait(appliance.submit(&again));
    assert_eq!((state, &*end.failure.unwrap().code), (JobState::Failed, "pool_unknown"));
    let sealed = crate::pools::Encryption::Sealed;
    let pool =
        super::create(appliance.parts(), "safe".parse().unwrap(), sealed, KeyPlace::Appliance)
            .unwrap();
    assert_eq!(pool.key, key, "it goes on with the key that is kept");
    let run = appliance.complete(&again).outcome.unwrap().run.unwrap();
    is_identical(&appliance, &run, &top, "back");
}

#[test]
fn a_new_kit_is_wrapped_for_without_the_old_one_and_opens_the_same_keys() {
    let appliance = TestAppliance::formatted(1, 32);
    let old: Kit = appliance.encrypted_pool("safe").parse().unwrap();
    let new: Kit = appliance.encrypted_pool("other").parse().unwrap();
    let (ring, now) = (appliance.parts().keys.ring(), appliance.parts().clock.now());
    assert_ne!(old.public(), new.public());
    assert_eq!(ring.drill(&old, now).unwrap().len(), 2);
    assert_eq!(ring.drill(&new, now).unwrap(), ring.drill(&old, now).unwrap());
    assert!(ring.kits().all().iter().all(|kit| kit.drilled == Some(now)));
    assert!(ring.drill(&Kit::generate(), now).is_err());
    ring.retire_kit(old.public().id()).unwrap();
    assert!(ring.drill(&old, now).is_err());
    assert_eq!(ring.drill(&new, now).unwrap().len(), 2);
    assert!(ring.retire_kit(new.public().id()).is_err(), "the last kit stays");
}
