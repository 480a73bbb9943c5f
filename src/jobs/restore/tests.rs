//! Restores of real backups on the virtual library.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::plan;
use crate::catalog::{EvidenceState, ItemState};
use crate::domain::{MIB, RunId};
use crate::jobs::outcome::Outcome;
use crate::jobs::spec::{BackupSpec, Compression, Existing, MissingCartridge, Need, RestoreSpec};
use crate::jobs::test_support::{
    TestAppliance, backup_spec, barcode, noise, restore_spec, tree_of, write_file,
};
use crate::jobs::{JobEnd, JobSpec, JobState};
use crate::vtl::faults::{BlockAccess, Effect, Fault, FaultPlan};

/// Where a path of this machine stands below a destination.
fn below(destination: &Path, path: &Path) -> PathBuf {
    destination.join(path.strip_prefix("/").unwrap())
}

fn run(appliance: &TestAppliance, spec: RestoreSpec) -> (JobState, JobEnd) {
    let job = appliance.submit(&JobSpec::Restore(spec));
    appliance.wait(job)
}

fn outcome(end: JobEnd) -> Outcome {
    match end.outcome {
        Some(outcome) => outcome,
        None => panic!("{end:#?}"),
    }
}

/// The paths and states of an outcome's problems.
fn problems(outcome: &Outcome) -> Vec<(String, &str)> {
    let name = |path: &crate::domain::SourcePath| String::from_utf8_lossy(path.name()).into_owned();
    let mut all: Vec<_> =
        outcome.problems.iter().map(|problem| (name(&problem.path), &*problem.state)).collect();
    all.sort();
    all
}

/// Files, links, odd names, a sparse file, attributes, an empty folder.
fn odd_tree(top: &Path) {
    write_file(&top.join("a/one"), &noise(1, 300_000));
    write_file(&top.join("a/two"), b"two");
    write_file(&top.join("a/empty"), b"");
    write_file(&top.join("größe \u{7f}:*?"), b"odd");
    write_file(&top.join("large"), &noise(2, 5 * 1024 * 1024 + 17));
    for number in 0..300_u16 {
        write_file(&top.join(format!("many/{number}")), &noise(number.into(), number.into()));
    }
    std::fs::create_dir_all(top.join("empty/inner")).unwrap();
    symlink("../a/one", top.join("many/link")).unwrap();
    symlink("nowhere", top.join("dangling")).unwrap();
    std::fs::hard_link(top.join("a/one"), top.join("b-one")).unwrap();
    let sparse = std::fs::File::create(top.join("sparse")).unwrap();
    sparse.set_len(3 * 1024 * 1024).unwrap();
    sparse.write_all_at(b"end", 2 * 1024 * 1024).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        top.join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o640),
        0,
    )
    .unwrap();
    let mode = |path: &str, mode| {
        std::fs::set_permissions(top.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("a/two", 0o400);
    mode("empty", 0o1750);
    let _ = xattr::set(top.join("a/two"), "user.note", b"kept");
    let _ = xattr::set(top.join("empty"), "user.note", b"kept too");
    let long_ago = std::time::UNIX_EPOCH + std::time::Duration::new(86_400, 123_456_789);
    let times = std::fs::FileTimes::new().set_modified(long_ago).set_accessed(long_ago);
    for name in ["a/one", "empty", "a"] {
        std::fs::File::open(top.join(name)).unwrap().set_times(times).unwrap();
    }
}

#[test]
fn a_restored_tree_is_identical() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    odd_tree(&source);
    let run = appliance.backup(&source, "docs");
    let destination = appliance.folder("back");
    let end = appliance.complete(&JobSpec::Restore(restore_spec(&run, &[], &destination)));
    assert_eq!(tree_of(&below(&destination, &source)), tree_of(&source));
    let outcome = outcome(end);
    assert!(outcome.files > 300, "{outcome:?}");
    let sparse = below(&destination, &source).join("sparse").metadata().unwrap();
    let original = source.join("sparse").metadata().unwrap();
    assert!(sparse.blocks() <= original.blocks(), "{} {}", sparse.blocks(), original.blocks());
}

#[test]
fn a_compressed_tree_is_identical_too() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    odd_tree(&source);
    write_file(&source.join("text"), "all the same\n".repeat(500_000).as_bytes());
    let spec = crate::jobs::spec::BackupSpec {
        compression: Compression::Zstd { level: 3 },
        ..backup_spec(&source, "docs")
    };
    let run = appliance.complete(&JobSpec::Backup(spec)).outcome.unwrap().run.unwrap();
    let destination = appliance.folder("back");
    appliance.complete(&JobSpec::Restore(restore_spec(&run, &[], &destination)));
    assert_eq!(tree_of(&below(&destination, &source)), tree_of(&source));
}

#[test]
fn one_file_comes_back_alone_and_a_link_brings_its_content() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    odd_tree(&source);
    let run = appliance.backup(&source, "docs");
    let destination = appliance.folder("new").join("deep/er");
    let paths = [source.join("large"), source.join("b-one"), source.join("many/link")];
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let end = appliance.complete(&JobSpec::Restore(restore_spec(&run, &paths, &destination)));
    let back = below(&destination, &source);
    for name in ["large", "b-one", "many/link"] {
        let is_link = name == "many/link";
        if is_link {
            assert_eq!(std::fs::read_link(back.join(name)).unwrap(), Path::new("../a/one"));
        } else {
            assert_eq!(
                std::fs::read(back.join(name)).unwrap(),
                std::fs::read(source.join(name)).unwrap()
            );
        }
    }
    assert!(!back.join("a").exists(), "what was not asked for is not restored");
    assert_eq!(outcome(end).bytes, source.join("large").metadata().unwrap().len() + 300_000);
}

#[test]
fn what_was_never_backed_up_is_named() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    write_file(&source.join("one"), b"1");
    let run_id = appliance.backup(&source, "docs");
    let destination = appliance.folder("back");
    let absent = source.join("absent");
    let (state, end) = run(&appliance, restore_spec(&run_id, &[&absent], &destination));
    assert_eq!((state, end.failure.unwrap().code.as_str()), (JobState::Failed, "unknown"));
    let both = [source.join("one"), absent];
    let both: Vec<&Path> = both.iter().map(PathBuf::as_path).collect();
    let (state, end) = run(&appliance, restore_spec(&run_id, &both, &destination));
    assert_eq!(state, JobState::Incomplete);
    assert_eq!(problems(&outcome(end)), [("absent".to_owned(), "not_in_run")]);
    let nobody = RunId("20200101T000000Z-1".to_owned());
    let (state, end) = run(&appliance, restore_spec(&nobody, &[], &destination));
    assert_eq!((state, end.failure.unwrap().code.as_str()), (JobState::Failed, "unknown"));
    let relative = RestoreSpec {
        destination: PathBuf::from("back"),
        ..restore_spec(&run_id, &[], &destination)
    };
    let (state, end) = run(&appliance, relative);
    assert_eq!((state, end.failure.unwrap().code.as_str()), (JobState::Failed, "destination"));
}

/// Three cartridges of which one file spans all, with small files before, between and behind.
fn three_cartridges() -> (TestAppliance, PathBuf, RunId) {
    let appliance = TestAppliance::formatted(3, 48);
    let source = appliance.folder("source");
    write_file(&source.join("a"), &noise(1, 100_000));
    write_file(&source.join("b-huge"), &noise(2, 110 * 1024 * 1024));
    write_file(&source.join("c"), &noise(3, 100_000));
    let run = appliance.backup(&source, "large");
    let volumes = appliance.catalog().segments_of_run(&run).unwrap().len();
    assert_eq!(volumes, 3, "the file spans three cartridges");
    (appliance, source, run)
}

#[test]
fn a_file_over_three_cartridges_comes_back_whole() {
    let (appliance, source, run) = three_cartridges();
    let destination = appliance.folder("back");
    let end = appliance.complete(&JobSpec::Restore(restore_spec(&run, &[], &destination)));
    assert_eq!(tree_of(&below(&destination, &source)), tree_of(&source));
    assert_eq!(outcome(end).bytes, 110 * MIB + 200_000);
}

/// A part in its stored form is not what the other names stand for: they are made of the whole file.
#[test]
fn both_names_of_a_compressed_file_over_two_cartridges_come_back_as_one_file() {
    const PIECE_BYTES: usize = 1 << 20;
    let appliance = TestAppliance::formatted(2, 24);
    let source = appliance.folder("source");
    let pieces = (0..34).flat_map(|n| [noise(n, PIECE_BYTES), vec![0; PIECE_BYTES]]);
    let half: Vec<u8> = pieces.flatten().collect();
    write_file(&source.join("a first"), &half);
    fs::hard_link(source.join("a first"), source.join("z second")).unwrap();
    let spec =
        BackupSpec { compression: Compression::Zstd { level: 1 }, ..backup_spec(&source, "large") };
    let run = appliance.complete(&JobSpec::Backup(spec)).outcome.unwrap().run.unwrap();
    let catalog = appliance.catalog();
    assert_eq!(catalog.segments_of_run(&run).unwrap().len(), 2, "the file spans two cartridges");
    let first = source.join("a first");
    let path = &first.to_str().unwrap().as_bytes()[1..];
    let versions = catalog.versions(&"large".parse().unwrap(), path).unwrap();
    assert!(versions[0].copies.iter().all(|copy| copy.codec.is_some()), "{versions:#?}");
    let destination = appliance.folder("back");
    appliance.complete(&JobSpec::Restore(restore_spec(&run, &[], &destination)));
    let back = below(&destination, &source);
    assert_eq!(tree_of(&back), tree_of(&source));
    let inode = |name: &str| fs::metadata(back.join(name)).unwrap().ino();
    assert_eq!(inode("a first"), inode("z second"));
}

#[test]
fn without_the_middle_cartridge_the_rest_comes_back_and_the_split_file_is_listed() {
    let (appliance, source, run_id) = three_cartridges();
    appliance.take_out(&barcode(2));
    let destination = appliance.folder("back");
    let spec =
        RestoreSpec { missing: MissingCartridge::Skip, ..restore_spec(&run_id, &[], &destination) };
    let planned = plan(appliance.parts(), &spec).unwrap();
    let missing: Vec<_> = planned.missing.iter().filter_map(|v| v.barcode.clone()).collect();
    assert_eq!(missing, [barcode(2)]);
    assert!(planned.sentence.contains("FSP002L9"), "{}", planned.sentence);
    let (state, end) = run(&appliance, spec);
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let outcome = outcome(end);
    assert_eq!(problems(&outcome), [("b-huge".to_owned(), "missing_cartridge")]);
    assert_eq!(outcome.problems_total, 1);
    assert!(outcome.problems[0].reason.contains("FSP002L9"), "{outcome:?}");
    let back = below(&destination, &source);
    let names: Vec<_> = tree_of(&back).into_keys().collect();
    assert_eq!(names, [Path::new("a"), Path::new("c")], "half a file never looks like a file");
}

#[test]
fn a_restore_waits_for_a_missing_cartridge_and_goes_on_when_it_is_there() {
    let (mut appliance, source, run_id) = three_cartridges();
    appliance.take_out(&barcode(2));
    let destination = appliance.folder("back");
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Waiting);
    let Some(Need::Cartridge { barcode: Some(wanted), .. }) = end.need else { panic!("{end:#?}") };
    assert_eq!(wanted, barcode(2));
    let back = below(&destination, &source);
    assert!(back.join("a").exists() && back.join("c").exists() && !back.join("b-huge").exists());
    // As if it had been killed: half files that the next stretch does not make anew either.
    let leftover = back.join(format!(".fossilsafe-job-{job}-0011223344556677"));
    let half = back.join("b-huge");
    [&leftover, &half].into_iter().for_each(|path| write_file(path, b"half"));
    fs::set_permissions(&half, fs::Permissions::from_mode(0o1200)).unwrap();
    appliance.restart();
    appliance.runner().resume(job).unwrap();
    assert_eq!(appliance.wait(job).0, JobState::Waiting);
    assert!(!leftover.exists() && !half.exists());
    appliance.put_in(&barcode(2));
    let reads_before = appliance.library.log().last_number();
    appliance.runner().resume(job).unwrap();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    assert_eq!(tree_of(&back), tree_of(&source));
    assert!(appliance.library.log().last_number() > reads_before);
}

#[test]
fn another_cartridge_under_the_label_is_not_read() {
    let appliance = TestAppliance::formatted(2, 96);
    let source = appliance.folder("source");
    write_file(&source.join("one"), b"1");
    let run_id = appliance.backup(&source, "docs");
    let library = &appliance.library;
    let cartridges = library.cartridges().unwrap();
    let other = cartridges.iter().find(|found| found.barcode == barcode(2)).unwrap();
    appliance.take_out(&barcode(1));
    appliance.take_out(&barcode(2));
    library.relabel(&other.serial, &barcode(1)).unwrap();
    library.insert(&other.serial, crate::vtl::Entrance::Slot).unwrap();
    let destination = appliance.folder("back");
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Waiting, "{end:#?}");
    assert!(appliance.told(job).contains("holds LTFS volume"), "{}", appliance.told(job));
    let destination = appliance.folder("elsewhere");
    let spec =
        RestoreSpec { missing: MissingCartridge::Skip, ..restore_spec(&run_id, &[], &destination) };
    let (state, end) = run(&appliance, spec);
    assert_eq!(state, JobState::Incomplete);
    assert_eq!(problems(&outcome(end)), [("one".to_owned(), "wrong_cartridge")]);
}

#[test]
fn files_that_are_there_stay_unless_they_are_to_be_replaced() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    write_file(&source.join("one"), b"from tape");
    write_file(&source.join("two"), b"2");
    std::fs::hard_link(source.join("one"), source.join("other-name")).unwrap();
    let run_id = appliance.backup(&source, "docs");
    let destination = appliance.folder("back");
    let back = below(&destination, &source);
    write_file(&back.join("one"), b"mine");
    let files = [source.join("one"), source.join("two"), source.join("other-name")];
    let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let (state, end) = run(&appliance, restore_spec(&run_id, &files, &destination));
    assert_eq!(state, JobState::Incomplete);
    let expected = [("one".to_owned(), "exists"), ("other-name".to_owned(), "link_without_file")];
    assert_eq!(problems(&outcome(end)), expected);
    assert_eq!(std::fs::read(back.join("one")).unwrap(), b"mine");
    assert!(back.join("two").exists() && !back.join("other-name").exists());
    let spec =
        RestoreSpec { existing: Existing::Replace, ..restore_spec(&run_id, &[], &destination) };
    appliance.complete(&JobSpec::Restore(spec));
    assert_eq!(tree_of(&back), tree_of(&source));
}

#[test]
fn a_bad_block_costs_exactly_the_files_in_it() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    for number in 0..4_u64 {
        // Half a block each: two files share one.
        write_file(&source.join(number.to_string()), &noise(number, 256 * 1024));
    }
    write_file(&source.join("z-large"), &noise(9, 3 * 1024 * 1024));
    let run_id = appliance.backup(&source, "docs");
    let copies = appliance
        .catalog()
        .versions(&"docs".parse().unwrap(), source.join("2").as_os_str().as_encoded_bytes())
        .unwrap();
    let place = copies[0].copies[0].extents[0].start;
    let fault =
        Fault::at_block(BlockAccess::Read, place.partition.0, place.block.0, Effect::MediumError);
    appliance.library.set_faults(FaultPlan::of(fault.always()));
    let destination = appliance.folder("back");
    let (state, end) = run(&appliance, restore_spec(&run_id, &[], &destination));
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let outcome = outcome(end);
    let expected = [("2".to_owned(), "unreadable"), ("3".to_owned(), "unreadable")];
    assert_eq!(problems(&outcome), expected);
    let names: Vec<_> = tree_of(&below(&destination, &source)).into_keys().collect();
    assert_eq!(names, [Path::new("0"), Path::new("1"), Path::new("z-large")]);
    let table = appliance.catalog().run_evidence(&run_id).unwrap();
    let failed: u64 = table
        .stored
        .iter()
        .filter(|((_, effective), _)| !effective.is_at_least(EvidenceState::Indexed))
        .map(|(_, totals)| totals.files)
        .sum();
    assert_eq!(failed, 2, "{table:?}");
}

#[test]
fn a_restart_in_the_middle_goes_on_where_it_was() {
    let mut appliance = TestAppliance::formatted(1, 160);
    let source = appliance.folder("source");
    for number in 0..100_u64 {
        write_file(&source.join(format!("{number:03}")), &noise(number, 1024 * 1024));
    }
    write_file(&source.join("deep/er/file"), b"deep");
    let run_id = appliance.backup(&source, "docs");
    let destination = appliance.folder("back");
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    appliance.wait_until("a third is there", || {
        let progress = appliance.runner().progress(job)?;
        (progress.bytes_done > 30 * MIB).then_some(())
    });
    appliance.stop();
    let back = below(&destination, &source);
    let there = std::fs::read_dir(&back).unwrap().count();
    appliance.restart();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    assert_eq!(tree_of(&back), tree_of(&source));
    assert!(there > 30, "{there}");
}

#[test]
fn a_power_failure_of_the_library_is_survived() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    for number in 0..40_u64 {
        write_file(&source.join(format!("{number:03}")), &noise(number, 1024 * 1024));
    }
    let run_id = appliance.backup(&source, "docs");
    let destination = appliance.folder("back");
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    appliance.wait_until("some is there", || {
        let progress = appliance.runner().progress(job)?;
        (progress.bytes_done > 5 * MIB).then_some(())
    });
    appliance.library.power_fail();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    assert_eq!(tree_of(&below(&destination, &source)), tree_of(&source));
}

/// Goal: a kill between a file's rename and its note costs no second reading, and never takes a file
/// of somebody else for one's own. Method: the notes of a restore that was stopped are taken back.
#[test]
fn what_stands_there_and_was_not_noted_is_compared_and_not_read_again() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    for number in 0..20_u64 {
        write_file(&source.join(format!("{number:03}")), &noise(number, 1024 * 1024));
    }
    write_file(&source.join("empty"), b"");
    symlink("000", source.join("link")).unwrap();
    std::fs::hard_link(source.join("000"), source.join("z-other-name")).unwrap();
    let run_id = appliance.backup(&source, "docs");
    let volume = appliance.catalog().segments_of_run(&run_id).unwrap()[0].volume;
    let destination = appliance.folder("back");
    appliance.take_out(&barcode(1));
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    assert_eq!(appliance.wait(job).0, JobState::Waiting);
    let all = appliance.catalog().waiting_items(job, volume, None, 100).unwrap();
    appliance.put_in(&barcode(1));
    let destination_of_all = below(&destination, &source);
    write_file(&destination_of_all.join("019"), b"somebody else's");
    appliance.runner().resume(job).unwrap();
    let (state, _) = appliance.wait(job);
    assert_eq!(state, JobState::Incomplete, "one name was taken");

    // The same again, as if nothing had been noted and one file had not been reached.
    std::fs::remove_file(destination_of_all.join("007")).unwrap();
    let again: Vec<_> = all.iter().map(|item| (item.key, ItemState::Waiting, None)).collect();
    appliance.catalog().finish_items(job, &again).unwrap();
    let spec = restore_spec(&run_id, &[], &destination);
    let before = appliance.library.log().last_number();
    let context = appliance.context(job);
    let ending = super::run(&context, &spec).unwrap();
    let outcome = ending.outcome().unwrap().clone();
    assert_eq!(
        problems(&outcome).iter().filter(|(_, state)| *state == "exists").count(),
        1,
        "{outcome:#?}"
    );
    assert_eq!(std::fs::read(destination_of_all.join("007")).unwrap(), noise(7, 1024 * 1024));
    assert_eq!(std::fs::read(destination_of_all.join("019")).unwrap(), b"somebody else's");
    let is_read = |record: &crate::vtl::log::CommandRecord| {
        record.number > before && record.cdb.opcode() == crate::scsi::opcode::READ_6
    };
    let reads = appliance.library.log().matching(is_read).len();
    assert!(
        reads < 15,
        "{reads} reads for a mount and one file of two blocks\n{}",
        appliance.log()
    );
}

#[test]
fn a_flipped_bit_is_found_and_the_file_not_put_in_place() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    write_file(&source.join("good"), &noise(1, 2 * 1024 * 1024));
    write_file(&source.join("hit"), &noise(2, 3 * 1024 * 1024));
    let run_id = appliance.backup(&source, "docs");
    let path = source.join("hit");
    let set = "docs".parse().unwrap();
    let versions = appliance.catalog().versions(&set, path.as_os_str().as_encoded_bytes()).unwrap();
    let place = versions[0].copies[0].extents[0].start;
    let flipped = Effect::FlippedBit { bit: Some(4_000_000) };
    let (partition, block) = (place.partition.0, place.block.0 + 2);
    let fault = Fault::at_block(BlockAccess::Read, partition, block, flipped);
    appliance.library.set_faults(FaultPlan::of(fault.always()));
    let destination = appliance.folder("back");
    let (state, end) = run(&appliance, restore_spec(&run_id, &[], &destination));
    assert_eq!(state, JobState::Incomplete);
    assert_eq!(problems(&outcome(end)), [("hit".to_owned(), "mismatch")]);
    let back = below(&destination, &source);
    assert_eq!(tree_of(&back).len(), 1);
    assert!(!back.join("hit").exists());
    // Once the tape reads well again, the same is asked for and comes.
    appliance.library.set_faults(FaultPlan::default());
    let destination = appliance.folder("again");
    appliance.complete(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    assert_eq!(tree_of(&below(&destination, &source)), tree_of(&source));
}

#[test]
fn a_cancelled_restore_leaves_whole_files_and_says_how_many() {
    let appliance = TestAppliance::formatted(1, 160);
    let source = appliance.folder("source");
    for number in 0..100_u64 {
        write_file(&source.join(format!("{number:03}")), &noise(number, 1024 * 1024));
    }
    let run_id = appliance.backup(&source, "docs");
    let destination = appliance.folder("back");
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    appliance.wait_until("some is there", || {
        let progress = appliance.runner().progress(job)?;
        (progress.bytes_done > 10 * MIB).then_some(())
    });
    appliance.runner().cancel(job).unwrap();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Cancelled, "{end:#?}");
    let restored = tree_of(&below(&destination, &source));
    let original = tree_of(&source);
    assert!(restored.len() >= 10 && restored.len() < 100, "{}", restored.len());
    assert!(restored.iter().all(|(path, line)| original.get(path) == Some(line)));
    assert!(outcome(end).bytes >= 10 * MIB);
    let inventory = appliance.parts().equipment.inventory().unwrap();
    assert!(inventory.drives().all(|drive| !drive.is_full), "the cartridge was put away");
}

#[test]
fn a_volume_without_a_readable_index_is_restored_all_the_same() {
    let appliance = TestAppliance::formatted(1, 96);
    let source = appliance.folder("source");
    odd_tree(&source);
    let run_id = appliance.backup(&source, "docs");
    let catalog = appliance.catalog();
    let volume = catalog.segments_of_run(&run_id).unwrap()[0].volume;
    let indexes = catalog.index_generations(volume).unwrap();
    let bad = |partition, block| {
        Fault::at_block(BlockAccess::Read, partition, block, Effect::MediumError).always()
    };
    let mut faults: Vec<Fault> = (4..16).map(|block| bad(0, block)).collect();
    let first = bad(1, 5);
    faults.push(first);
    faults.extend(indexes.iter().map(|index| bad(1, index.position.block.0)));
    appliance.library.set_faults(FaultPlan { faults, ..FaultPlan::default() });
    let destination = appliance.folder("back");
    appliance.complete(&JobSpec::Restore(restore_spec(&run_id, &[], &destination)));
    assert_eq!(tree_of(&below(&destination, &source)), tree_of(&source));
}
