//! Verification on the virtual library: what counts as read back, and what exactly a damage costs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Receipt;
use crate::catalog::{Effective, EvidenceState, FileVersion};
use crate::domain::{ByteCount, JobId, RunId, SourcePath};
use crate::jobs::spec::{BackupMode, BackupSpec, JobSpec, VerifyScope, VerifySpec};
use crate::jobs::test_support::{TestAppliance, backup_spec, barcode, noise, write_file};
use crate::jobs::{JobEnd, JobState};
use crate::ltfs::index::IndexEvent;
use crate::ltfs::merge::MergedIndex;
use crate::ltfs::mount::{CheckEnds, MountOptions, mount};
use crate::ltfs::names::{Name, NameUse};
use crate::ltfs::writer::{IndexPlacement, Locked, OpenVolume, WriteOptions};
use crate::scsi::opcode;
use crate::vtl::faults::{BlockAccess, Effect, Fault};
use crate::vtl::log::CommandRecord;
use crate::vtl::{Device, FaultPlan};

/// Small and large files, an empty one, links, folders.
fn make_source(appliance: &TestAppliance) -> PathBuf {
    let top = appliance.folder("source");
    for number in 0..40_u64 {
        let length = usize::try_from(number * 700).unwrap();
        write_file(&top.join(format!("small/{number:02}.txt")), &noise(number, length));
    }
    write_file(&top.join("large/one.bin"), &noise(100, 3_000_000));
    write_file(&top.join("large/two.bin"), &noise(101, 1_200_000));
    std::fs::create_dir_all(top.join("empty folder")).unwrap();
    std::os::unix::fs::symlink("large/one.bin", top.join("link")).unwrap();
    std::fs::hard_link(top.join("large/two.bin"), top.join("two again.bin")).unwrap();
    top
}

fn scope(scope: VerifyScope) -> JobSpec {
    JobSpec::Verify(VerifySpec::from(scope))
}

fn verify_run(appliance: &TestAppliance, run: &RunId) -> (JobState, JobEnd) {
    appliance.wait(appliance.submit(&scope(VerifyScope::Run(run.clone()))))
}

/// Files of a run by what counts for them.
fn evidence(appliance: &TestAppliance, run: &RunId) -> BTreeMap<String, u64> {
    let table = appliance.catalog().run_evidence(run).unwrap();
    let mut files = BTreeMap::new();
    for ((_, effective), totals) in table.stored {
        let word = match effective {
            Effective::Failed { .. } => "failed".to_owned(),
            Effective::State(state) => state.to_string(),
        };
        *files.entry(word).or_default() += totals.files;
    }
    files
}

fn version(appliance: &TestAppliance, set: &str, path: &Path) -> FileVersion {
    let path = SourcePath::from_absolute(path).unwrap();
    let versions = appliance.catalog().versions(&set.parse().unwrap(), path.as_bytes()).unwrap();
    versions.into_iter().next().unwrap().version
}

/// The first block of a file on the data partition.
fn block_of(appliance: &TestAppliance, set: &str, path: &Path) -> u64 {
    let copy = version(appliance, set, path).copy.unwrap();
    appliance.catalog().located_copy(copy).unwrap().unwrap().copy.extents[0].start.block.0
}

fn read_back(count: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(EvidenceState::ReadBack.to_string(), count)])
}

/// Files with content; a hard link and a symbolic link are read too and do not count.
const FILES: u64 = 42;

#[test]
fn everything_of_a_run_is_read_back_without_a_single_write() {
    let appliance = TestAppliance::formatted(1, 64);
    let run = appliance.backup(&make_source(&appliance), "photos");
    let before = appliance.library.log().last_number();
    let (state, end) = verify_run(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.log());
    assert_eq!(evidence(&appliance, &run), read_back(FILES));
    let outcome = end.outcome.unwrap();
    assert_eq!(outcome.files, FILES);
    assert!(outcome.sentence.contains("all of them read back"), "{}", outcome.sentence);
    let commands = appliance.library.log().since(before);
    assert!(!commands.iter().any(|command| command.is_write_class()), "{}", appliance.log());
    let receipts = appliance.parts().folders.receipts(&run);
    assert_eq!(std::fs::read_dir(receipts).unwrap().count(), 2, "a receipt and its signature");
}

#[test]
fn what_a_life_noted_that_ended_before_its_commit_is_in_no_receipt() {
    let appliance = TestAppliance::formatted(1, 64);
    let run = appliance.backup(&make_source(&appliance), "photos");
    let (catalog, folders) = (appliance.catalog(), &appliance.parts().folders);
    let segment = catalog.segments_of_run(&run).unwrap().remove(0);
    let next = JobId(catalog.jobs(None, 1).unwrap()[0].id.0 + 1);
    let left = r#"{"failed":[3,"block 7 cannot be read"]}"#;
    let notes = folders.job(next).join(format!("segment-{}.jsonl", segment.id));
    write_file(&notes, format!("{left}\n{left}").as_bytes());
    let job = appliance.submit(&scope(VerifyScope::Run(run.clone())));
    let (state, end) = appliance.wait(job);
    assert_eq!((job, state), (next, JobState::Completed), "{end:#?}");
    let pinned = appliance.parts().keys.pinned();
    let (receipts, refused) = Receipt::read_all(&folders.receipts(&run), segment.volume, pinned);
    assert_eq!((receipts.len(), refused), (1, Vec::new()));
    assert_eq!(receipts[0].failed, Vec::new());
}

#[test]
fn a_cartridge_found_in_the_drive_leaves_it_before_it_is_read() {
    let appliance = TestAppliance::formatted(1, 64);
    let run = appliance.backup(&make_source(&appliance), "photos");
    let parts = appliance.parts();
    drop(parts.equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap());
    let before = appliance.library.log().last_number();
    let (state, end) = verify_run(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    let commands = appliance.library.log().since(before);
    let moves: Vec<_> =
        commands.iter().filter(|c| c.cdb.opcode() == opcode::MOVE_MEDIUM && c.is_good()).collect();
    assert_eq!(moves.len(), 3, "out, in, and away:\n{}", appliance.log());
    let is_read = |c: &&CommandRecord| c.cdb.opcode() == opcode::READ_6;
    let first_read = commands.iter().find(is_read).unwrap();
    assert!(moves[1].number < first_read.number, "{}", appliance.log());
}

#[test]
fn a_bad_block_and_a_flipped_bit_cost_exactly_the_files_in_them() {
    let appliance = TestAppliance::formatted(1, 64);
    let top = make_source(&appliance);
    let run = appliance.backup(&top, "photos");
    let (bad, flipped) = (top.join("large/one.bin"), top.join("large/two.bin"));
    let drive = |block, effect| {
        Fault::at_block(BlockAccess::Read, 1, block, effect).always().on(Device::Drive(0))
    };
    let bad_block = block_of(&appliance, "photos", &bad) + 2;
    let flipped_block = block_of(&appliance, "photos", &flipped) + 1;
    let faults = vec![
        drive(bad_block, Effect::MediumError),
        drive(flipped_block, Effect::FlippedBit { bit: Some(12_345) }),
    ];
    appliance.library.set_faults(FaultPlan { faults, ..FaultPlan::default() });
    let (state, end) = verify_run(&appliance, &run);
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let outcome = end.outcome.unwrap();
    let mut failed: Vec<_> = outcome.problems.iter().map(|p| p.path.to_absolute()).collect();
    failed.sort();
    assert_eq!(failed, [bad.clone(), flipped.clone()], "{outcome:#?}");
    let counts = evidence(&appliance, &run);
    let expected = BTreeMap::from([("failed".to_owned(), 2), ("read_back".to_owned(), FILES - 2)]);
    assert_eq!(counts, expected);
    let Effective::Failed { reason } = version(&appliance, "photos", &bad).evidence else {
        panic!()
    };
    assert!(reason.contains(&format!("block {bad_block} of partition b")), "{reason}");
    let Effective::Failed { reason } = version(&appliance, "photos", &flipped).evidence else {
        panic!()
    };
    assert!(reason.contains("SHA-256"), "{reason}");

    // Another verification that reads them well takes the verdict back.
    appliance.library.set_faults(FaultPlan::default());
    let (state, _) = verify_run(&appliance, &run);
    assert_eq!(state, JobState::Completed);
    assert_eq!(evidence(&appliance, &run), read_back(FILES));
}

#[test]
fn a_swapped_cartridge_proves_nothing_and_is_named() {
    let appliance = TestAppliance::formatted(2, 64);
    let run = appliance.backup(&make_source(&appliance), "photos");
    appliance.take_out(&barcode(1));
    appliance.take_out(&barcode(2));
    appliance.library.relabel("FSP001L9", &"FSP009L9".parse().unwrap()).unwrap();
    appliance.library.relabel("FSP002L9", &barcode(1)).unwrap();
    appliance.put_in(&barcode(1));
    let (state, end) = verify_run(&appliance, &run);
    assert_eq!(state, JobState::Incomplete);
    let outcome = end.outcome.unwrap();
    assert_eq!(outcome.files, 0);
    let reason = &outcome.problems[0].reason;
    assert!(reason.contains("FSP001L9") && reason.contains("was expected"), "{reason}");
    let indexed = BTreeMap::from([("indexed".to_owned(), FILES)]);
    assert_eq!(evidence(&appliance, &run), indexed, "what was said before stays true");
}

#[test]
fn a_missing_cartridge_is_listed_and_the_others_are_read() {
    let appliance = TestAppliance::formatted(2, 64);
    let top = make_source(&appliance);
    let first = appliance.backup(&top, "photos");
    write_file(&top.join("new.txt"), b"new");
    let only_second = BackupSpec {
        cartridges: vec![barcode(2)],
        mode: BackupMode::Incremental,
        ..backup_spec(&top, "photos")
    };
    let second = appliance.complete(&JobSpec::Backup(only_second)).outcome.unwrap().run.unwrap();
    appliance.take_out(&barcode(1));
    let spec = scope(VerifyScope::Set("photos".parse().unwrap()));
    let (state, end) = appliance.wait(appliance.submit(&spec));
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let outcome = end.outcome.unwrap();
    assert!(outcome.problems[0].reason.contains("FSP001L9 is not in the library"), "{outcome:#?}");
    assert_eq!(outcome.files, 1);
    assert_eq!(evidence(&appliance, &second), read_back(1));
    assert_eq!(evidence(&appliance, &first).get("read_back"), None);

    appliance.put_in(&barcode(1));
    let (state, end) = appliance.wait(appliance.submit(&spec));
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_eq!(end.outcome.unwrap().files, FILES + 1, "the run, and what it refers to");
    assert_eq!(evidence(&appliance, &first), read_back(FILES));
}

#[test]
fn what_the_volumes_own_index_places_elsewhere_is_not_proven() {
    let appliance = TestAppliance::formatted(1, 64);
    let top = make_source(&appliance);
    let run = appliance.backup(&top, "photos");
    let moved = top.join("small/07.txt");
    let below = SourcePath::from_absolute(&moved).unwrap().to_str().unwrap().to_owned();
    let path = format!("photos/{run}/{below}");
    rewrite_index(&appliance, &path);
    let (state, end) = appliance.wait(appliance.submit(&scope(VerifyScope::Cartridge(barcode(1)))));
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let problems = end.outcome.unwrap().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert_eq!(problems[0].path.to_absolute(), moved);
    assert!(problems[0].reason.contains("index does not list it"), "{problems:#?}");
    let expected = BTreeMap::from([("failed".to_owned(), 1), ("read_back".to_owned(), FILES - 1)]);
    assert_eq!(evidence(&appliance, &run), expected);
}

/// Writes an index to FSP001L9 in which the file at `path` begins a byte later.
fn rewrite_index(appliance: &TestAppliance, path: &str) {
    let parts = appliance.parts();
    let mut loaded = parts.equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap();
    let spool_dir = appliance.folder("foreign writer");
    let options =
        MountOptions { spool_dir: spool_dir.clone(), known: None, ends: CheckEnds::Always };
    let mounted = mount(loaded.drive(), &options).unwrap();
    let mut found = None;
    let mut folder: Vec<Name> = Vec::new();
    let names: Vec<&str> = path.split('/').collect();
    mounted
        .index
        .file
        .replay(&mut |event| {
            match event {
                IndexEvent::EnterDirectory(directory) => folder.push(directory.name.clone()),
                IndexEvent::LeaveDirectory(_) => drop(folder.pop()),
                IndexEvent::File(file) => {
                    let here = folder.iter().skip(1).chain([&file.name]).map(Name::as_str);
                    if here.eq(names.iter().copied()) {
                        found = Some(file.clone());
                    }
                }
                _ => {}
            }
            Ok(())
        })
        .unwrap();
    let mut entry = found.unwrap();
    entry.extents[0].byte_offset += 1;
    let parent: Vec<Name> = names[..names.len() - 1]
        .iter()
        .map(|name| Name::new(name, NameUse::Entry).unwrap())
        .collect();
    let mut tree = MergedIndex::over(std::sync::Arc::clone(&mounted.index.file));
    tree.overlay_mut().put_file(&parent, entry);
    let options = WriteOptions {
        spool_dir,
        creator: crate::ltfs::writer::creator("test"),
        clock: std::sync::Arc::clone(&parts.clock),
        locked: Locked::Respect,
    };
    let mut volume = OpenVolume::begin(loaded.lend(), &mounted, options).unwrap();
    volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
    loaded.take_back(volume.into_drive());
    loaded.put_away().unwrap();
}

#[test]
fn a_verification_that_is_interrupted_goes_on_where_it_was() {
    let mut appliance = TestAppliance::formatted(2, 64);
    let top = make_source(&appliance);
    let first = appliance.backup(&top, "photos");
    write_file(&top.join("new.txt"), b"new");
    let only_second = BackupSpec {
        cartridges: vec![barcode(2)],
        mode: BackupMode::Incremental,
        ..backup_spec(&top, "photos")
    };
    let second = appliance.complete(&JobSpec::Backup(only_second)).outcome.unwrap().run.unwrap();
    let job = appliance.submit(&scope(VerifyScope::Set("photos".parse().unwrap())));
    appliance.restart();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.log());
    assert_eq!(end.outcome.unwrap().files, FILES + 1);
    assert_eq!(evidence(&appliance, &first), read_back(FILES));
    assert_eq!(evidence(&appliance, &second), read_back(1));
}

#[test]
fn compressed_and_split_files_are_read_back_too() {
    let appliance = TestAppliance::formatted(3, 24);
    let top = appliance.folder("source");
    write_file(&top.join("a.bin"), &noise(1, 2_000_000));
    write_file(&top.join("b.bin"), &noise(2, 40_000_000));
    write_file(&top.join("c.txt"), &vec![b'x'; 500_000]);
    let spec = BackupSpec {
        compression: crate::jobs::spec::Compression::Zstd { level: 1 },
        index_interval: ByteCount(8 << 20),
        ..backup_spec(&top, "video")
    };
    let run = appliance.complete(&JobSpec::Backup(spec)).outcome.unwrap().run.unwrap();
    assert!(appliance.catalog().segments_of_run(&run).unwrap().len() > 1, "it must be split");
    let (state, end) = verify_run(&appliance, &run);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.log());
    assert_eq!(evidence(&appliance, &run), read_back(3));
}

#[test]
fn what_is_not_known_is_refused_before_anything_is_moved() {
    let appliance = TestAppliance::new(1, 64);
    let before = appliance.library.log().last_number();
    for unknown in [
        VerifyScope::Run(RunId("20200101T000000Z-1".to_owned())),
        VerifyScope::Set("nothing".parse().unwrap()),
        VerifyScope::Cartridge("NOT001L9".parse().unwrap()),
    ] {
        let (state, end) = appliance.wait(appliance.submit(&scope(unknown.clone())));
        assert_eq!(state, JobState::Failed);
        let failure = end.failure.unwrap();
        assert_eq!(failure.code, "unknown", "{unknown}: {failure:?}");
    }
    let commands = appliance.library.log().since(before);
    assert!(!commands.iter().any(|c| c.cdb.opcode() == opcode::MOVE_MEDIUM), "{}", appliance.log());
}
