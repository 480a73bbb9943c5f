//! Backups on the virtual library: what is on tape, in the catalog and in the evidence afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{begin, write_down};
use crate::catalog::{EvidenceState, VolumeState};
use crate::domain::{ByteCount, JobId, MIB, RunId, SetName};
use crate::jobs::spec::{BackupMode, BackupSpec, Compression, Need};
use crate::jobs::test_support::{
    TestAppliance, backup_spec, barcode, noise, restore_spec, tree_of, write_file,
};
use crate::jobs::{JobSpec, JobState};
use crate::manifest::{ManifestEntry, ManifestReader};
use crate::scsi::{SenseKey, opcode};
use crate::vtl::FaultPlan;
use crate::vtl::faults::{BlockAccess, Effect, Execution, Fault, SensePlan, Times, Trigger};

mod copies;

fn small_tree(appliance: &TestAppliance) -> PathBuf {
    let top = appliance.folder("source");
    for number in 0..30_u64 {
        let size = usize::try_from(number * 4001).unwrap();
        write_file(&top.join(format!("d{}/f{number}", number % 3)), &noise(number, size));
    }
    write_file(&top.join("large"), &noise(99, 3 * 1024 * 1024 + 1));
    write_file(&top.join("empty"), b"");
    fs::create_dir_all(top.join("nothing in it")).unwrap();
    symlink("large", top.join("link")).unwrap();
    fs::hard_link(top.join("large"), top.join("second name")).unwrap();
    top
}

/// Files of a run by what is proven of them: (at least indexed, in all).
fn indexed(appliance: &TestAppliance, run: &RunId) -> (u64, u64) {
    let table = appliance.catalog().run_evidence(run).unwrap();
    let sum = |at_least: EvidenceState| -> u64 {
        let good = table.stored.iter().filter(|((_, e), _)| e.is_at_least(at_least));
        good.map(|(_, totals)| totals.files).sum()
    };
    (sum(EvidenceState::Indexed), sum(EvidenceState::Planned))
}

fn incremental(path: &Path) -> BackupSpec {
    BackupSpec { mode: BackupMode::Incremental, ..backup_spec(path, "s") }
}

#[test]
fn every_file_of_a_completed_run_is_indexed_and_the_cartridge_is_back_in_its_slot() {
    let appliance = TestAppliance::formatted(1, 64);
    let source = small_tree(&appliance);
    let run = appliance.backup(&source, "s");
    assert_eq!(indexed(&appliance, &run), (32, 32), "{}", appliance.log());
    let inventory = appliance.parts().equipment.inventory().unwrap();
    assert!(inventory.drives().all(|drive| !drive.is_full));
}

#[test]
fn an_incremental_run_stores_what_is_new_or_changed_and_notes_what_is_gone() {
    let appliance = TestAppliance::formatted(1, 64);
    let source = small_tree(&appliance);
    appliance.backup(&source, "s");
    write_file(&source.join("new"), b"new");
    fs::write(source.join("d0/f3"), b"changed").unwrap();
    fs::remove_file(source.join("d1/f1")).unwrap();
    let end = appliance.complete(&JobSpec::Backup(incremental(&source)));
    assert_eq!(end.outcome.as_ref().unwrap().files, 2, "{end:?}\n{}", appliance.log());
    let set: SetName = "s".parse().unwrap();
    let gone = source.join("d1/f1");
    let versions = appliance.catalog().versions(&set, &gone.to_str().unwrap().as_bytes()[1..]);
    assert_eq!(versions.unwrap().len(), 1, "the old version stays");

    let nothing = appliance.complete(&JobSpec::Backup(incremental(&source)));
    assert_eq!(nothing.outcome.unwrap().files, 0);
}

#[test]
fn a_set_larger_than_a_cartridge_goes_on_to_the_next_and_splits_what_fits_on_none() {
    let appliance = TestAppliance::formatted(4, 40);
    let source = appliance.folder("source");
    for number in 0..10_u64 {
        write_file(&source.join(format!("a{number}")), &noise(number, 2 * 1024 * 1024));
    }
    write_file(&source.join("huge"), &noise(77, 100 * 1024 * 1024));
    let run = appliance.backup(&source, "s");
    assert_eq!(indexed(&appliance, &run), (11, 11));
    let segments = appliance.catalog().segments_of_run(&run).unwrap();
    assert!(segments.len() >= 3, "{segments:#?}");
    assert!(segments.iter().all(|segment| segment.manifest_sha256.is_some()));
}

#[test]
fn without_a_formatted_cartridge_the_job_waits_and_goes_on_when_there_is_one() {
    let appliance = TestAppliance::new(2, 64);
    let source = small_tree(&appliance);
    let job = appliance.submit(&JobSpec::Backup(backup_spec(&source, "s")));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Waiting, "{end:?}");
    assert!(matches!(end.need, Some(Need::FormattedCartridge { .. })), "{end:?}");
    appliance.format(&barcode(2));
    appliance.runner().resume(job).unwrap();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:?}");
}

/// Killed between the job's checkpoint and the catalog's note, or right after both: one run, and no
/// refusal because it is there.
#[test]
fn a_run_that_was_written_down_before_a_kill_is_taken_up_and_not_begun_again() {
    let appliance = TestAppliance::formatted(1, 64);
    let spec = backup_spec(&small_tree(&appliance), "s");
    let context = appliance.context(JobId(1));
    let state = begin(&context, &spec).unwrap();
    write_down(&context, &spec, &state).unwrap();
    write_down(&context, &spec, &state).unwrap();
    let runs = appliance.catalog().runs(&spec.set).unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].run.run, state.run);
}

/// Photographs and films are compressed already: they stay what they are for whoever has no software of ours.
#[test]
fn files_that_become_smaller_get_names_with_zst_and_all_others_keep_theirs() {
    let appliance = TestAppliance::formatted(1, 64);
    let source = appliance.folder("source");
    let text = b"the same line again\n".repeat(100_000);
    for (name, content) in [
        ("text", text.clone()),
        ("text.zst", text.clone()),
        ("letter", text[..2000].to_vec()),
        ("film.mov", noise(1, 3_000_000)),
        ("photo.jpg", noise(2, 50_000)),
        ("photo.zst", noise(3, 50_000)),
    ] {
        write_file(&source.join(name), &content);
    }
    fs::hard_link(source.join("text"), source.join("text too")).unwrap();
    fs::hard_link(source.join("photo.jpg"), source.join("photo too")).unwrap();
    appliance.complete(&JobSpec::Backup(zstd(&source)));
    let set: SetName = "s".parse().unwrap();
    let stored = |name: &str| {
        let path = source.join(name);
        let path = path.to_str().unwrap();
        let versions = appliance.catalog().versions(&set, &path.as_bytes()[1..]).unwrap();
        let copy = versions[0].copies[0].clone();
        let stored = copy.stored_path.map(|path| path.rsplit('/').next().unwrap().to_owned());
        (stored, copy.codec.map(|codec| (codec.name, codec.stored_size)))
    };
    for name in ["text", "text.zst", "letter"] {
        let (_, codec) = stored(name);
        let (codec, stored_size) = codec.unwrap();
        assert_eq!(codec, "zstd");
        assert!(stored_size < ByteCount(100_000), "{name}: {stored_size}");
    }
    assert_eq!(stored("text").0.unwrap(), "text.zst");
    assert_eq!(stored("letter").0.unwrap(), "letter.zst");
    assert_eq!(stored("film.mov"), (None, None));
    assert_eq!(stored("photo.jpg"), (None, None));
    // Their own names are those that others get in this run.
    let (name, _) = stored("text.zst");
    assert!(name.as_ref().unwrap().starts_with("text.zst~"), "{name:?}");
    assert!(name.unwrap().ends_with(".zst"));
    let (name, codec) = stored("photo.zst");
    assert!(name.unwrap().starts_with("photo.zst~") && codec.is_none());
    // Another name of a file has its bytes, and so its ending.
    assert_eq!(stored("text too").0.unwrap(), "text too.zst");
    assert_eq!(stored("photo too").0, None);
    assert!(newest_index(&appliance).contains("<name>text too.zst</name>"));
    let listed: Vec<_> = manifest_entries(&appliance, "s")
        .into_iter()
        .filter(|entry| entry.hard_link_of.is_some())
        .map(|entry| entry.stored_path.map(|path| path.rsplit('/').next().unwrap().to_owned()))
        .collect();
    assert_eq!(listed, [None, Some("text too.zst".to_owned())]);
}

fn zstd(source: &Path) -> BackupSpec {
    BackupSpec { compression: Compression::Zstd { level: 1 }, ..backup_spec(source, "s") }
}

/// The index that was written last, of the only volume.
fn newest_index(appliance: &TestAppliance) -> String {
    let volume = appliance.catalog().volumes().unwrap()[0].volume.uuid;
    let kept = fs::read_dir(appliance.parts().folders.indexes(volume)).unwrap();
    let kept = kept.map(|entry| entry.unwrap());
    let newest = kept.max_by_key(|entry| entry.metadata().unwrap().modified().unwrap()).unwrap();
    fs::read_to_string(newest.path()).unwrap()
}

/// What the only manifest of a set lists.
fn manifest_entries(appliance: &TestAppliance, set: &str) -> Vec<ManifestEntry> {
    let folder = appliance.parts().folders.manifests(&set.parse().unwrap());
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut manifests: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "manifest")).collect();
    let file = fs::File::open(manifests.pop().unwrap()).unwrap();
    assert!(manifests.is_empty());
    let mut reader = ManifestReader::open(std::io::BufReader::new(file)).unwrap();
    std::iter::from_fn(|| reader.next_entry().unwrap()).collect()
}

/// The drive is lost for a moment, far behind the first name of a file and before its second: both stand on
/// the tape, with the same bytes.
#[test]
fn the_second_name_of_a_file_is_on_the_tape_though_its_first_was_noted_before_an_interruption() {
    let appliance = TestAppliance::formatted(1, 64);
    let source = appliance.folder("source");
    write_file(&source.join("a first"), &b"the same line again\n".repeat(100_000));
    for number in 0..10_u64 {
        write_file(&source.join(format!("b{number}")), &noise(number, 1_000_000));
    }
    fs::hard_link(source.join("a first"), source.join("z second")).unwrap();
    let gone = Effect::TransportGone { execution: Execution::Skipped };
    appliance.library.set_faults(FaultPlan::of(Fault::at_opcode(opcode::WRITE_6, 16, gone)));
    let spec = BackupSpec { index_interval: ByteCount(2 * MIB), ..zstd(&source) };
    let job = appliance.submit(&JobSpec::Backup(spec));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:?}\n{}", appliance.log());
    assert!(appliance.told(job).contains("cartridge_again"), "{}", appliance.told(job));
    let index = newest_index(&appliance);
    let place = |name: &str| {
        let (_, after) = index.split_once(&format!("<name>{name}</name>")).expect(name);
        let (_, extents) = after.split_once("<extentinfo>").unwrap();
        extents.split_once("</extentinfo>").unwrap().0
    };
    assert_eq!(place("a first.zst"), place("z second.zst"));
}

/// A spot of the first cartridge takes no writing any more: what had been called indexed there stays so,
/// everything else goes to the next one, and the bad one is set aside with the reason.
#[test]
fn a_cartridge_that_fails_is_set_aside_and_the_run_goes_on_with_another() {
    let appliance = TestAppliance::formatted(2, 64);
    let source = appliance.folder("source");
    for number in 0..20_u64 {
        write_file(&source.join(format!("f{number:02}")), &noise(number, 1_000_000));
    }
    let bad_spot = Trigger::Block {
        access: BlockAccess::Write,
        barcode: Some(barcode(1)),
        partition: 1,
        block: 30,
    };
    let (effect, times) = (Effect::MediumError, Times::Always);
    let fault = Fault { device: None, trigger: bad_spot, effect, times };
    appliance.library.set_faults(FaultPlan::of(fault));
    let spec = BackupSpec { index_interval: ByteCount(4 * MIB), ..backup_spec(&source, "s") };
    let job = appliance.submit(&JobSpec::Backup(spec));
    let (state, end) = appliance.wait(job);
    let told = appliance.told(job);
    assert_eq!(state, JobState::Completed, "{end:?}\n{told}\n{}", appliance.log());
    assert!(told.contains("cartridge_given_up going on without cartridge FSP001L9"), "{told}");
    assert!(told.contains("WriteError"), "{told}");
    let run = end.outcome.unwrap().run.unwrap();
    assert_eq!(indexed(&appliance, &run), (20, 20), "{told}");
    let records = appliance.catalog().volumes_of_set(&"s".parse().unwrap()).unwrap();
    let first = records.iter().find(|record| record.volume.barcode == Some(barcode(1))).unwrap();
    assert_eq!(first.volume.state, VolumeState::Quarantined);
    assert!(first.state_reason.as_ref().is_some_and(|reason| !reason.is_empty()));
    appliance.library.set_faults(FaultPlan::default());
    let back = appliance.folder("back");
    appliance.complete(&JobSpec::Restore(restore_spec(&run, &[], &back)));
    assert_eq!(tree_of(&back.join(source.strip_prefix("/").unwrap())), tree_of(&source));
}

/// The process is stopped in the middle, several times; the run goes on and ends complete, and no
/// file is on the tape's index twice.
#[test]
fn a_backup_interrupted_again_and_again_ends_complete() {
    let mut appliance = TestAppliance::formatted(2, 200);
    let source = appliance.folder("source");
    for number in 0..300_u64 {
        write_file(&source.join(format!("d{}/f{number}", number % 7)), &noise(number, 300_000));
    }
    let spec = BackupSpec { index_interval: ByteCount(4 * MIB), ..backup_spec(&source, "s") };
    let job = appliance.submit(&JobSpec::Backup(spec));
    for round in 1..=4_u64 {
        appliance.wait_until("some files are written", || {
            let record = appliance.catalog().job(job).unwrap();
            let done = appliance.runner().progress(job).map_or(0, |progress| progress.files_done);
            (record.state.is_final() || done >= round * 50).then_some(())
        });
        appliance.restart();
    }
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:?}\n{}", appliance.log());
    let run = end.outcome.unwrap().run.unwrap();
    assert_eq!(indexed(&appliance, &run), (300, 300));
}

fn sense(key: SenseKey, code: u8, qualifier: u8) -> Effect {
    let sense = SensePlan::new(key, code, qualifier);
    Effect::Sense { sense, execution: Execution::Skipped }
}

/// Whatever a drive or the robot answers once: the cartridge is looked at again, repaired where the failure
/// left half an index, and the run goes on behind what is on tape.
#[test]
fn a_device_that_fails_once_does_not_fail_the_run() {
    let failures = [
        (opcode::WRITE_6, 3, Effect::Reset { unit_attention: true }),
        (opcode::WRITE_6, 5, Effect::TransportGone { execution: Execution::Done }),
        // The filemarks behind the indexes of both partitions are among them.
        (opcode::WRITE_FILEMARKS_6, 2, sense(SenseKey::HardwareError, 0x44, 0x00)),
        (opcode::WRITE_FILEMARKS_6, 4, sense(SenseKey::AbortedCommand, 0x00, 0x00)),
        (opcode::WRITE_FILEMARKS_6, 6, sense(SenseKey::NotReady, 0x04, 0x01)),
        (opcode::READ_POSITION, 4, Effect::Busy),
        (opcode::READ_ELEMENT_STATUS, 9, Effect::Busy),
    ];
    for (opcode, nth, effect) in failures {
        let appliance = TestAppliance::formatted(1, 64);
        let source = small_tree(&appliance);
        let fault = Fault::at_opcode(opcode, nth, effect);
        appliance.library.set_faults(FaultPlan::of(fault.clone()));
        let spec = BackupSpec { index_interval: ByteCount(2 * MIB), ..backup_spec(&source, "s") };
        let end = appliance.complete(&JobSpec::Backup(spec));
        let run = end.outcome.unwrap().run.unwrap();
        assert_eq!(indexed(&appliance, &run), (32, 32), "{fault:?}\n{}", appliance.log());
    }
}

/// Before anything was written to a cartridge, what the drive could not write is of somebody else.
#[test]
fn a_deferred_error_before_the_first_write_does_not_cost_the_cartridge() {
    for nth in 1..=4 {
        let appliance = TestAppliance::formatted(2, 64);
        let source = small_tree(&appliance);
        let sense = SensePlan::new(SenseKey::MediumError, 0x0C, 0x00);
        let effect = Effect::DeferredError { sense, objects_kept: 0 };
        let fault = Fault::at_opcode(opcode::READ_ATTRIBUTE, nth, effect);
        appliance.library.set_faults(FaultPlan::of(fault));
        appliance.complete(&JobSpec::Backup(backup_spec(&source, "s")));
        let volumes = appliance.catalog().volumes().unwrap();
        let states: Vec<_> = volumes.iter().map(|record| record.volume.state).collect();
        assert_eq!(states, [VolumeState::Open, VolumeState::Blank], "{nth}: {}", appliance.log());
    }
}

#[test]
fn a_drive_that_fails_again_and_again_is_for_a_person_and_the_job_goes_on_afterwards() {
    let appliance = TestAppliance::formatted(1, 64);
    let source = small_tree(&appliance);
    let gone = Effect::TransportGone { execution: Execution::Skipped };
    let fault = Fault::at_opcode(opcode::WRITE_6, 2, gone).always();
    appliance.library.set_faults(FaultPlan::of(fault));
    let job = appliance.submit(&JobSpec::Backup(backup_spec(&source, "s")));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Waiting, "{end:?}");
    assert!(matches!(end.need, Some(Need::Attention { .. })), "{end:?}");
    let inventory = appliance.parts().equipment.inventory().unwrap();
    assert!(inventory.drives().all(|drive| !drive.is_full), "{}", appliance.log());

    appliance.library.set_faults(FaultPlan::default());
    appliance.runner().resume(job).unwrap();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:?}");
    assert_eq!(indexed(&appliance, &end.outcome.unwrap().run.unwrap()), (32, 32));
}

/// A run leaves unchanged files to an earlier one, and in its middle their cartridge fails: it is not
/// complete, and the next run stores those files, and the second names of them, on another cartridge.
#[test]
fn unchanged_files_on_a_cartridge_that_is_set_aside_are_stored_again_by_the_next_run() {
    let appliance = TestAppliance::formatted(2, 64);
    let source = small_tree(&appliance);
    appliance.backup(&source, "s");
    write_file(&source.join("new"), b"new");
    let fault = Fault::at_opcode(opcode::WRITE_6, 1, sense(SenseKey::MediumError, 0x0C, 0x00));
    appliance.library.set_faults(FaultPlan::of(fault));
    let job = appliance.submit(&JobSpec::Backup(incremental(&source)));
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Incomplete, "{end:?}\n{}", appliance.log());
    let outcome = end.outcome.unwrap();
    assert_eq!(outcome.problems[0].state, "set_aside", "{outcome:?}");

    appliance.complete(&JobSpec::Backup(incremental(&source)));
    let set: SetName = "s".parse().unwrap();
    for name in ["large", "second name", "d1/f1", "link", "new"] {
        let path = source.join(name);
        let versions = appliance.catalog().versions(&set, path.to_str().unwrap().as_bytes());
        let newest = &versions.unwrap()[0].version;
        assert!(newest.evidence.is_at_least(EvidenceState::Indexed), "{name}: {newest:?}");
    }
}
