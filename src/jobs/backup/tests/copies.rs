//! Sets in several copies: one read for all of them, and each of them whole without the others.

use std::path::Path;

use super::{incremental, small_tree};
use crate::catalog::{EvidenceState, RunState, VolumeState};
use crate::domain::{ByteCount, CopyLetter, JobId, MIB, RunId, SetName};
use crate::jobs::spec::{BackupSpec, Need, VerifyScope, VerifySpec};
use crate::jobs::test_support::{
    TestAppliance, backup_spec, barcode, noise, restore_spec, tree_of, write_file,
};
use crate::jobs::{JobEnd, JobSpec, JobState};
use crate::vtl::faults::{BlockAccess, Effect, Fault, FaultPlan, Trigger};

fn set() -> SetName {
    "s".parse().unwrap()
}

fn in_two_copies(path: &Path) -> BackupSpec {
    BackupSpec { copies: Some(2), ..backup_spec(path, "s") }
}

fn run_of(end: &JobEnd) -> RunId {
    end.outcome.clone().unwrap().run.unwrap()
}

/// Files of a run that are at least indexed, in copies A and B.
fn indexed(appliance: &TestAppliance, run: &RunId) -> [u64; 2] {
    let table = appliance.catalog().run_evidence(run).unwrap();
    [CopyLetter::A, CopyLetter::B].map(|copy| {
        let good = table.stored.iter().filter(|((at, evidence), _)| {
            *at == copy && evidence.is_at_least(EvidenceState::Indexed)
        });
        good.map(|(_, totals)| totals.files).sum()
    })
}

/// The reads that fed a job's copies, in words.
fn reads(appliance: &TestAppliance, job: JobId) -> Vec<String> {
    let told = appliance.told(job);
    told.lines().filter_map(|line| line.strip_prefix("read ")).map(str::to_owned).collect()
}

/// The cartridges of one copy of the set.
fn cartridges_of(appliance: &TestAppliance, copy: CopyLetter) -> Vec<crate::domain::Barcode> {
    let volumes = appliance.catalog().volumes_of_set(&set()).unwrap();
    let own = volumes.into_iter().filter(|it| it.set.as_ref().unwrap().copy == copy);
    own.map(|record| record.volume.barcode.unwrap()).collect()
}

/// Restores with the cartridges of one copy alone, and compares.
fn restores_from_alone(appliance: &TestAppliance, copy: CopyLetter, run: &RunId, source: &Path) {
    let others: Vec<_> = CopyLetter::first(2)
        .filter(|other| *other != copy)
        .flat_map(|other| cartridges_of(appliance, other))
        .collect();
    others.iter().for_each(|barcode| appliance.take_out(barcode));
    let destination = appliance.folder(&format!("back-{copy}"));
    appliance.complete(&JobSpec::Restore(restore_spec(run, &[], &destination)));
    let back = destination.join(source.strip_prefix("/").unwrap());
    assert_eq!(tree_of(&back), tree_of(source), "from copy {copy} alone");
    others.iter().for_each(|barcode| appliance.put_in(barcode));
}

#[test]
fn one_read_feeds_two_drives_and_each_copy_alone_restores_everything() {
    let appliance = TestAppliance::formatted(2, 64);
    let source = small_tree(&appliance);
    let job = appliance.submit(&JobSpec::Backup(in_two_copies(&source)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    let outcome = end.outcome.as_ref().unwrap();
    assert_eq!(outcome.files, 32);
    assert!(outcome.sentence.contains("in each of 2 copies"), "{}", outcome.sentence);
    let run = run_of(&end);
    assert_eq!(indexed(&appliance, &run), [32, 32]);
    let reads = reads(&appliance, job);
    assert_eq!(reads.len(), 1, "{reads:?}");
    assert!(reads[0].ends_with("read once for copy A on FSP001L9 and copy B on FSP002L9"));
    let table = appliance.catalog().run_evidence(&run).unwrap();
    let bytes: u64 = table.stored.values().map(|totals| totals.bytes.0).sum();
    let once = ByteCount(bytes / 2).to_string();
    assert!(reads[0].starts_with(&once), "{} is not {once}", reads[0]);
    for copy in CopyLetter::first(2) {
        let volume =
            &appliance.catalog().volumes_of_set(&set()).unwrap()[usize::from(copy.number())];
        let place = volume.set.clone().unwrap();
        assert_eq!((place.copy, place.sequence), (copy, 1), "each copy counts its own volumes");
        restores_from_alone(&appliance, copy, &run, &source);
    }
    let inventory = appliance.parts().equipment.inventory().unwrap();
    assert!(inventory.drives().all(|drive| !drive.is_full));
}

#[test]
fn a_set_keeps_its_copies_and_a_run_without_changes_writes_nothing() {
    let appliance = TestAppliance::formatted(2, 64);
    let source = small_tree(&appliance);
    appliance.complete(&JobSpec::Backup(in_two_copies(&source)));
    let nothing = appliance.complete(&JobSpec::Backup(incremental(&source)));
    assert_eq!(nothing.outcome.as_ref().unwrap().files, 0);
    assert_eq!(appliance.catalog().run(&run_of(&nothing)).unwrap().run.copies, 2);
    let end = appliance.complete(&JobSpec::Verify(VerifySpec::from(VerifyScope::Set(set()))));
    assert_eq!(end.outcome.unwrap().files, 64, "every copy is read back");
}

#[test]
fn with_one_drive_free_the_copies_are_written_one_after_the_other() {
    let appliance = TestAppliance::formatted(3, 64);
    let source = small_tree(&appliance);
    let equipment = &appliance.parts().equipment;
    let busy = equipment.load(&barcode(3), &|| false, &mut |_| {}).unwrap();
    let job = appliance.submit(&JobSpec::Backup(in_two_copies(&source)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    busy.put_away().unwrap();
    assert_eq!(indexed(&appliance, &run_of(&end)), [32, 32]);
    assert_eq!(reads(&appliance, job).len(), 2, "{}", appliance.told(job));
    assert!(appliance.told(job).contains("one_after_the_other"));
}

#[test]
fn the_job_waits_for_the_copy_that_has_no_cartridge_and_then_catches_it_up() {
    let appliance = TestAppliance::new(2, 64);
    appliance.format(&barcode(1));
    let source = small_tree(&appliance);
    let job = appliance.submit(&JobSpec::Backup(in_two_copies(&source)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Waiting, "{end:#?}");
    assert!(matches!(
        &end.need,
        Some(Need::FormattedCartridge { copy: Some(copy), .. }) if *copy == CopyLetter::B
    ));
    let sentence = end.outcome.unwrap().sentence;
    assert!(sentence.contains("copy A: 32 files") && sentence.contains("copy B: 0 files"));
    appliance.format(&barcode(2));
    appliance.runner().resume(job).unwrap();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_eq!(indexed(&appliance, &run_of(&end)), [32, 32]);
}

/// Copy B's cartridge cannot be written any more in the middle: A goes on, and B begins again on another.
#[test]
fn a_cartridge_that_fails_costs_its_own_copy_a_second_read_and_nothing_else() {
    let appliance = TestAppliance::formatted(3, 64);
    let source = small_tree(&appliance);
    let mut fault = Fault::at_block(BlockAccess::Write, 1, 8, Effect::MediumError).always();
    if let Trigger::Block { barcode: of, .. } = &mut fault.trigger {
        *of = Some(barcode(2));
    }
    appliance.library.set_faults(FaultPlan::of(fault));
    let job = appliance.submit(&JobSpec::Backup(in_two_copies(&source)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    let run = run_of(&end);
    assert_eq!(indexed(&appliance, &run), [32, 32], "{}", appliance.told(job));
    let reads = reads(&appliance, job);
    assert_eq!(reads.len(), 2, "{reads:?}");
    assert!(reads[1].ends_with("copy B on FSP003L9"), "{reads:?}");
    let volumes = appliance.catalog().volumes_of_set(&set()).unwrap();
    let bad = volumes.iter().find(|it| it.volume.barcode == Some(barcode(2))).unwrap();
    assert_eq!(bad.volume.state, VolumeState::Quarantined);
    appliance.library.set_faults(FaultPlan::default());
    restores_from_alone(&appliance, CopyLetter::B, &run, &source);
}

/// The volumes of the copies have different room left: they end at different files, one volume holds
/// several parts of a file, and both copies are whole all the same.
#[test]
fn copies_on_volumes_with_different_room_are_split_and_span_and_stay_whole() {
    let appliance = TestAppliance::formatted(6, 40);
    let before = appliance.folder("before");
    write_file(&before.join("first"), &noise(5, 14 * 1024 * 1024));
    appliance.complete(&JobSpec::Backup(backup_spec(&before, "s")));
    let source = appliance.folder("source");
    for number in 0..6_u64 {
        write_file(&source.join(format!("a{number}")), &noise(number, 1024 * 1024));
    }
    write_file(&source.join("huge"), &noise(77, 60 * 1024 * 1024));
    write_file(&source.join("last"), &noise(78, 3 * 1024 * 1024));
    let end = appliance.complete(&JobSpec::Backup(in_two_copies(&source)));
    let run = run_of(&end);
    assert_eq!(indexed(&appliance, &run), [8, 8]);
    assert!(cartridges_of(&appliance, CopyLetter::A).len() > 1);
    for copy in CopyLetter::first(2) {
        restores_from_alone(&appliance, copy, &run, &source);
    }
}

#[test]
fn a_job_killed_again_and_again_takes_each_copy_up_where_it_stood() {
    let mut appliance = TestAppliance::formatted(2, 200);
    let source = appliance.folder("source");
    for number in 0..200_u64 {
        write_file(&source.join(format!("d{}/f{number}", number % 7)), &noise(number, 300_000));
    }
    let spec = BackupSpec { index_interval: ByteCount(4 * MIB), ..in_two_copies(&source) };
    let job = appliance.submit(&JobSpec::Backup(spec));
    for round in 1..=3_u64 {
        appliance.wait_until("some files are written", || {
            let record = appliance.catalog().job(job).unwrap();
            let done = appliance.runner().progress(job).map_or(0, |progress| progress.files_done);
            (record.state.is_final() || done >= round * 40).then_some(())
        });
        appliance.restart();
    }
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:?}\n{}", appliance.log());
    let run = run_of(&end);
    assert_eq!(indexed(&appliance, &run), [200, 200]);
    restores_from_alone(&appliance, CopyLetter::B, &run, &source);
}

#[test]
fn a_file_that_one_copy_has_lost_is_stored_again_in_every_copy() {
    let appliance = TestAppliance::formatted(2, 64);
    let source = small_tree(&appliance);
    appliance.complete(&JobSpec::Backup(in_two_copies(&source)));
    let path = source.join("d0/f3");
    let path = &path.to_str().unwrap().as_bytes()[1..];
    let versions = appliance.catalog().versions(&set(), path).unwrap();
    let of_b = versions[0].copies.iter().find(|copy| copy.letter == CopyLetter::B).unwrap();
    let failure = [(of_b.id, "a block cannot be read".to_owned())];
    let now = appliance.parts().clock.now();
    appliance.catalog().fail_copies(&failure, now, None).unwrap();
    let end = appliance.complete(&JobSpec::Backup(incremental(&source)));
    assert_eq!(end.outcome.as_ref().unwrap().files, 1, "{end:#?}");
    let run = run_of(&end);
    assert_eq!(indexed(&appliance, &run), [1, 1]);
    assert_eq!(appliance.catalog().run(&run).unwrap().state, RunState::Complete);
    restores_from_alone(&appliance, CopyLetter::B, &run, &source);
}

#[test]
fn a_restore_takes_what_one_copy_cannot_give_from_the_other() {
    let appliance = TestAppliance::formatted(2, 64);
    let source = small_tree(&appliance);
    let run = run_of(&appliance.complete(&JobSpec::Backup(in_two_copies(&source))));
    let path = source.join("large");
    let path = &path.to_str().unwrap().as_bytes()[1..];
    let versions = appliance.catalog().versions(&set(), path).unwrap();
    let place = versions[0].copies[0].extents[0].start;
    let (partition, block) = (place.partition.0, place.block.0 + 1);
    let mut fault =
        Fault::at_block(BlockAccess::Read, partition, block, Effect::MediumError).always();
    if let Trigger::Block { barcode: of, .. } = &mut fault.trigger {
        *of = Some(barcode(1));
    }
    appliance.library.set_faults(FaultPlan::of(fault));
    let destination = appliance.folder("back");
    let job = appliance.submit(&JobSpec::Restore(restore_spec(&run, &[], &destination)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
    let back = destination.join(source.strip_prefix("/").unwrap());
    assert_eq!(tree_of(&back), tree_of(&source));
    assert!(appliance.told(job).contains("other_copy"), "{}", appliance.told(job));
    let standing = &appliance.catalog().versions(&set(), path).unwrap()[0].version;
    let good: Vec<_> = standing.copies_with(EvidenceState::Indexed).collect();
    assert_eq!(good, [CopyLetter::B], "and the bad copy is known as such");
}

/// Both drives are wanted by two jobs at once: neither waits with one drive for the other's.
#[test]
fn two_jobs_of_two_copies_never_wait_for_each_other() {
    let appliance = TestAppliance::formatted(4, 64);
    let (one, two) = (appliance.folder("one"), appliance.folder("two"));
    for number in 0..20_u64 {
        write_file(&one.join(number.to_string()), &noise(number, 100_000));
        write_file(&two.join(number.to_string()), &noise(number + 100, 100_000));
    }
    let other = BackupSpec { copies: Some(2), ..backup_spec(&two, "t") };
    let jobs = [in_two_copies(&one), other].map(|spec| appliance.submit(&JobSpec::Backup(spec)));
    for job in jobs {
        let (state, end) = appliance.wait(job);
        assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.told(job));
        assert_eq!(indexed(&appliance, &run_of(&end)), [20, 20]);
    }
}
