//! Rebuilding on the virtual library: the catalog is lost, and after a rebuild it says the same again.

use crate::jobs::context::{About, SIGNATURE_BAD};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::catalog::{AsOf, FileVersion, LocatedCopy, RunState, SearchQuery, VolumeState};
use crate::domain::{RunId, SetName};
use crate::jobs::spec::{
    BackupMode, BackupSpec, Compression, JobSpec, RebuildSpec, VerifyScope, VerifySpec,
};
use crate::jobs::test_support::{
    TestAppliance, backup_spec, barcode, noise, restore_spec, tree_of, write_file,
};
use crate::jobs::{JobEnd, JobState};
use crate::vtl::faults::{BlockAccess, Effect, Fault};
use crate::vtl::{Device, FaultPlan};

mod copies;

fn rebuild_all() -> JobSpec {
    JobSpec::Rebuild(RebuildSpec::default())
}

fn rebuild(appliance: &TestAppliance) -> (JobState, JobEnd) {
    appliance.wait(appliance.submit(&rebuild_all()))
}

fn verify(appliance: &TestAppliance, set: &str) -> (JobState, JobEnd) {
    let scope = VerifyScope::Set(set.parse().unwrap());
    appliance.wait(appliance.submit(&JobSpec::Verify(VerifySpec::from(scope))))
}

fn incremental(appliance: &TestAppliance, top: &Path, set: &str) -> RunId {
    let spec = BackupSpec { mode: BackupMode::Incremental, ..backup_spec(top, set) };
    appliance.complete(&JobSpec::Backup(spec)).outcome.unwrap().run.unwrap()
}

/// A version without the numbers that a rebuilt catalog gives anew.
fn line_of_version(version: &FileVersion) -> String {
    format!(
        "{:?} {} {:?} {:?} {:?} {} {:?} {:?}",
        version.kind,
        version.size.0,
        version.modified,
        version.changed,
        version.sha256,
        version.run,
        version.volume,
        version.evidence
    )
}

fn line_of_copy(located: &LocatedCopy) -> String {
    let copy = &located.copy;
    format!(
        "{} {} | {} {:?} {:?} {:?} {:?} {:?} | {} {:?}",
        String::from_utf8_lossy(&located.path),
        line_of_version(&located.version),
        copy.id.sequence(),
        copy.part,
        copy.extents,
        copy.codec,
        copy.stored_path,
        copy.evidence,
        String::from_utf8_lossy(&located.attributes),
        located.detail.as_ref().map(|text| String::from_utf8_lossy(text).into_owned()),
    )
}

/// Everything that the catalog says about what is on tapes, in lines.
fn told(appliance: &TestAppliance) -> Vec<String> {
    let catalog = appliance.catalog();
    assert!(catalog.wait_until_searchable());
    let mut lines = Vec::new();
    for volume in catalog.volumes().unwrap() {
        let known = &volume.volume;
        lines.push(format!(
            "volume {} {:?} {:?} {:?} {} {} {:?} {:?} {:?} {} {}",
            known.uuid,
            known.barcode,
            known.state,
            volume.set,
            known.name,
            known.block_size,
            known.index_partition,
            known.data_partition,
            known.formatted,
            volume.generation,
            known.capacity.0,
        ));
    }
    for set in catalog.sets().unwrap() {
        lines.push(format!("set {}", set.name));
        for run in catalog.runs(&set.name).unwrap() {
            let id = run.run.run.clone();
            lines.push(format!(
                "run {id} {:?} {:?} {:?} {:?} {:?} {:?}",
                run.run.kind,
                run.run.parent,
                run.run.started,
                run.state,
                run.planned,
                run.unchanged
            ));
            let mut evidence = catalog.run_evidence(&id).unwrap();
            evidence.not_stored.retain(|_, totals| totals.files > 0);
            lines.push(format!("evidence {evidence:?}"));
            for outcome in catalog.outcomes(&id, None, 1000).unwrap() {
                lines.push(format!("outcome {outcome:?}"));
            }
            for segment in catalog.segments_of_run(&id).unwrap() {
                lines.push(format!(
                    "segment {} {} {} {:?}",
                    segment.volume,
                    segment.number,
                    segment.checkpoint.sequence,
                    segment.manifest_sha256
                ));
                for copy in catalog.segment_copies(segment.id, 0, 10_000).unwrap() {
                    lines.push(line_of_copy(&copy));
                }
            }
            tree_lines(appliance, &set.name, &AsOf::Run(id), b"", &mut lines);
        }
        tree_lines(appliance, &set.name, &AsOf::Now, b"", &mut lines);
    }
    for text in ["txt", "large", "deep", "gone"] {
        let query = SearchQuery { text: text.to_owned(), ..SearchQuery::default() };
        let mut hits: Vec<_> = catalog
            .search(&query, None, 1000)
            .unwrap()
            .hits
            .iter()
            .map(|hit| {
                let path = String::from_utf8_lossy(&hit.path);
                // In the order in which the catalog learned of them, which a rebuild may change.
                let mut volumes = hit.volumes.clone();
                volumes.sort();
                format!("{text}: {path} {} {volumes:?}", line_of_version(&hit.version))
            })
            .collect();
        hits.sort();
        lines.extend(hits);
    }
    lines
}

fn tree_lines(
    appliance: &TestAppliance,
    set: &SetName,
    as_of: &AsOf,
    folder: &[u8],
    lines: &mut Vec<String>,
) {
    let page = appliance.catalog().children(set, folder, as_of, None, 10_000).unwrap();
    for child in page.children {
        let mut path = folder.to_vec();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&child.name);
        let version = child.version.as_ref().map(line_of_version);
        lines.push(format!("{as_of:?} {} {version:?}", String::from_utf8_lossy(&path)));
        if child.is_directory {
            tree_lines(appliance, set, as_of, &path, lines);
        }
    }
}

#[track_caller]
fn assert_same(before: &[String], after: &[String]) {
    for line in before {
        assert!(after.contains(line), "lost: {line}\n\nafter:\n{}", after.join("\n"));
    }
    for line in after {
        assert!(before.contains(line), "new: {line}\n\nbefore:\n{}", before.join("\n"));
    }
}

/// Every kind of entry, odd names, folders in folders.
fn make_source(appliance: &TestAppliance) -> PathBuf {
    let top = appliance.folder("source");
    for number in 0..30_u64 {
        let length = usize::try_from(number * 900).unwrap();
        write_file(&top.join(format!("small/{number:02}.txt")), &noise(number, length));
    }
    write_file(&top.join("large/one.bin"), &noise(100, 2_000_000));
    write_file(&top.join("deep/er/and deeper/file.txt"), b"at the bottom");
    write_file(&top.join("deep/b.txt"), b"b");
    write_file(&top.join("gone soon.txt"), b"to be removed");
    write_file(&top.join("gone/with/all.txt"), b"to be removed too");
    std::fs::create_dir_all(top.join("empty/folder")).unwrap();
    std::os::unix::fs::symlink("large/one.bin", top.join("link")).unwrap();
    std::fs::hard_link(top.join("large/one.bin"), top.join("one again.bin")).unwrap();
    let odd = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"caf\xe9.txt");
    write_file(&top.join(odd), b"a name that is no UTF-8");
    top
}

/// A full run, a verification of it, and an incremental run with changes of every kind.
fn make_history(appliance: &TestAppliance) -> Vec<RunId> {
    let top = make_source(appliance);
    let first = appliance.backup(&top, "photos");
    assert_eq!(verify(appliance, "photos").0, JobState::Completed);
    write_file(&top.join("small/07.txt"), b"changed, and of another length");
    write_file(&top.join("new/file.txt"), b"new");
    std::fs::remove_file(top.join("gone soon.txt")).unwrap();
    std::fs::remove_dir_all(top.join("gone")).unwrap();
    let second = incremental(appliance, &top, "photos");
    vec![first, second]
}

#[test]
fn a_lost_catalog_comes_back_from_the_tapes_and_says_the_same() {
    let mut appliance = TestAppliance::formatted(3, 64);
    make_history(&appliance);
    let other = appliance.folder("other");
    write_file(&other.join("a.txt"), &noise(7, 10_000));
    write_file(&other.join("b.txt"), &b"once more\n".repeat(10_000));
    let spec = BackupSpec {
        compression: Compression::Zstd { level: 3 },
        ..backup_spec(&other, "documents")
    };
    appliance.complete(&JobSpec::Backup(spec));
    let before = told(&appliance);
    assert!(before.iter().any(|line| line.contains("ReadBack")), "{before:#?}");

    appliance.restart_without("catalog");
    assert_eq!(appliance.catalog().sets().unwrap().len(), 0);
    let commands = appliance.library.log().last_number();
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}\n{}", appliance.log());
    assert_same(&before, &told(&appliance));
    let sent = appliance.library.log().since(commands);
    assert!(!sent.iter().any(|command| command.is_write_class()), "{}", appliance.log());

    let again = rebuild(&appliance);
    assert_eq!(again.0, JobState::Completed, "{again:#?}");
    assert_same(&before, &told(&appliance));
    assert!(again.1.outcome.unwrap().sentence.contains("0 runs"), "nothing was new");
}

/// Restores a run into a folder of its own and shows what is there, below the source's path.
fn restored(appliance: &TestAppliance, run: &RunId, folder: &str) -> BTreeMap<PathBuf, String> {
    let to = appliance.folder(folder);
    appliance.complete(&JobSpec::Restore(restore_spec(run, &[], &to)));
    let source = appliance.folder("source");
    tree_of(&to.join(source.strip_prefix("/").unwrap()))
}

#[test]
fn every_run_is_restored_from_a_rebuilt_catalog_as_it_was() {
    let mut appliance = TestAppliance::formatted(2, 64);
    let top = make_source(&appliance);
    let first_tree = tree_of(&top);
    let first = appliance.backup(&top, "photos");
    write_file(&top.join("small/07.txt"), b"changed, and of another length");
    std::fs::remove_dir_all(top.join("gone")).unwrap();
    let second_tree = tree_of(&top);
    let second = incremental(&appliance, &top, "photos");
    appliance.restart_without("catalog");
    assert_eq!(rebuild(&appliance).0, JobState::Completed);
    assert_eq!(restored(&appliance, &first, "first"), first_tree);
    assert_eq!(restored(&appliance, &second, "second"), second_tree);
}

#[test]
fn a_volume_of_another_program_is_foreign_and_left_alone() {
    let mut appliance = TestAppliance::formatted(1, 64);
    damage::write_as_another_program(&appliance);
    appliance.restart_without("catalog");
    let commands = appliance.library.log().last_number();
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    let volume = appliance.catalog().volumes().unwrap().remove(0);
    assert_eq!(volume.volume.state, VolumeState::Foreign);
    assert_eq!(volume.set, None);
    let sent = appliance.library.log().since(commands);
    assert!(!sent.iter().any(|command| command.is_write_class()), "{}", appliance.log());
}

#[test]
fn on_an_intact_catalog_nothing_changes() {
    let appliance = TestAppliance::formatted(2, 64);
    make_history(&appliance);
    let before = told(&appliance);
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_same(&before, &told(&appliance));
}

#[test]
fn backups_go_on_after_a_rebuild_as_if_nothing_had_happened() {
    let mut appliance = TestAppliance::formatted(2, 64);
    make_history(&appliance);
    appliance.restart_without("catalog");
    assert_eq!(rebuild(&appliance).0, JobState::Completed);
    let top = appliance.folder("source");
    write_file(&top.join("third.txt"), b"third");
    let third = incremental(&appliance, &top, "photos");
    let run = appliance.catalog().run(&third).unwrap();
    assert_eq!(run.planned.files, 1, "everything else has evidence");
    assert_eq!(verify(&appliance, "photos").0, JobState::Completed);
}

/// A set over three cartridges, with one file that is larger than a cartridge.
fn make_large_set(appliance: &TestAppliance) -> RunId {
    let top = appliance.folder("source");
    write_file(&top.join("a/first.bin"), &noise(1, 5_000_000));
    write_file(&top.join("b/large.bin"), &noise(2, 110 << 20));
    write_file(&top.join("c/last.txt"), b"the last one");
    std::os::unix::fs::symlink("b/large.bin", top.join("d link")).unwrap();
    let run = appliance.backup(&top, "video");
    assert_eq!(appliance.catalog().segments_of_run(&run).unwrap().len(), 3);
    run
}

#[test]
fn a_set_over_three_cartridges_with_a_split_file_comes_back() {
    let mut appliance = TestAppliance::formatted(3, 48);
    make_large_set(&appliance);
    assert_eq!(verify(&appliance, "video").0, JobState::Completed);
    let before = told(&appliance);
    appliance.restart_without("catalog");
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_same(&before, &told(&appliance));
}

#[test]
fn without_the_middle_cartridge_the_rest_is_there_and_what_lacks_is_named() {
    let mut appliance = TestAppliance::formatted(3, 48);
    let run = make_large_set(&appliance);
    let before = told(&appliance);
    let segments = appliance.catalog().segments_of_run(&run).unwrap();
    let middle = appliance.catalog().volume(segments[1].volume).unwrap();
    let label = middle.volume.barcode.clone().unwrap();
    appliance.take_out(&label);
    appliance.restart_without("catalog");
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let problems = end.outcome.unwrap().problems;
    let named = problems.iter().any(|problem| {
        problem.reason.contains(&label.to_string()) && problem.reason.contains("is missing")
    });
    assert!(named, "{problems:#?}");
    let catalog = appliance.catalog();
    assert_eq!(catalog.run(&run).unwrap().state, RunState::Incomplete);
    let missing = catalog.volume(segments[1].volume).unwrap();
    assert_eq!(missing.volume.state, VolumeState::Missing);
    assert_eq!(missing.set, middle.set);
    let table = catalog.run_evidence(&run).unwrap();
    let words: Vec<_> = table.stored.iter().map(|((_, e), totals)| (e.clone(), *totals)).collect();
    let failed = words.iter().filter(|(e, _)| format!("{e:?}").contains("is missing"));
    assert_eq!(failed.map(|(_, totals)| totals.files).sum::<u64>(), 1, "the large file: {words:?}");

    // It turns up again, and a rebuild of that cartridge alone makes everything whole.
    appliance.put_in(&label);
    let spec = JobSpec::Rebuild(RebuildSpec { barcodes: vec![label] });
    let (state, end) = appliance.wait(appliance.submit(&spec));
    assert_eq!(state, JobState::Completed, "{end:#?}");
    let after = told(&appliance);
    let numbered = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !line.starts_with("segment ")).cloned().collect()
    };
    assert_same(&numbered(&before), &numbered(&after));
}

#[test]
fn a_failed_copy_is_still_failed_after_a_rebuild() {
    let mut appliance = TestAppliance::formatted(1, 64);
    let top = make_source(&appliance);
    appliance.backup(&top, "photos");
    let set: SetName = "photos".parse().unwrap();
    let path = crate::domain::SourcePath::from_absolute(&top.join("large/one.bin")).unwrap();
    let version = appliance.catalog().versions(&set, path.as_bytes()).unwrap().remove(0);
    let block = version.copies[0].extents[0].start.block.0;
    let fault = Fault::at_block(BlockAccess::Read, 1, block + 1, Effect::MediumError);
    let faults = vec![fault.always().on(Device::Drive(0))];
    appliance.library.set_faults(FaultPlan { faults, ..FaultPlan::default() });
    assert_eq!(verify(&appliance, "photos").0, JobState::Incomplete);
    appliance.library.set_faults(FaultPlan::default());
    let before = told(&appliance);
    assert!(before.iter().any(|line| line.contains("Failed")));
    appliance.restart_without("catalog");
    assert_eq!(rebuild(&appliance).0, JobState::Completed);
    assert_same(&before, &told(&appliance));
}

#[test]
fn without_receipts_nothing_counts_as_read_back() {
    let mut appliance = TestAppliance::formatted(1, 64);
    make_history(&appliance);
    appliance.stop();
    appliance.restart_without("receipts");
    appliance.restart_without("catalog");
    assert_eq!(rebuild(&appliance).0, JobState::Completed);
    let lines = told(&appliance);
    assert!(!lines.iter().any(|line| line.contains("ReadBack")));
    assert!(lines.iter().any(|line| line.contains("Indexed")));
}

#[test]
fn tapes_signed_by_an_unknown_key_are_foreign_and_in_a_set_of_their_own() {
    let mut appliance = TestAppliance::formatted(1, 64);
    let runs = make_history(&appliance);
    appliance.restart_without("keys");
    appliance.restart_without("catalog");
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    let catalog = appliance.catalog();
    let volume = catalog.volumes().unwrap().remove(0);
    assert_eq!(volume.volume.state, VolumeState::Foreign);
    let run = catalog.run(&runs[0]).unwrap();
    assert!(run.run.set.as_str().starts_with("photos.foreign-"), "{}", run.run.set);
    let sets: Vec<_> = catalog.sets().unwrap().into_iter().map(|set| set.name).collect();
    assert_eq!(sets, std::slice::from_ref(&run.run.set));
    // Its files are there, and can be verified.
    let (state, end) = verify(&appliance, run.run.set.as_str());
    assert_eq!(state, JobState::Completed, "{end:#?}");
}

#[test]
fn blank_cartridges_and_volumes_of_others_are_told_apart() {
    let mut appliance = TestAppliance::new(3, 64);
    appliance.format(&barcode(1));
    appliance.format(&barcode(2));
    let before = told(&appliance);
    appliance.restart_without("catalog");
    let job = appliance.submit(&rebuild_all());
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_same(&before, &told(&appliance));
    assert!(appliance.told(job).contains("cartridge FSP003L9 is blank"), "{}", appliance.told(job));
}

#[test]
fn a_manifest_that_is_cut_is_named_and_the_other_runs_are_taken() {
    let mut appliance = TestAppliance::formatted(1, 64);
    let runs = make_history(&appliance);
    let cut = runs[0].clone();
    damage::cut_manifest(&appliance, &cut);
    appliance.restart_without("catalog");
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let problems = end.outcome.unwrap().problems;
    assert!(problems[0].reason.contains(&format!("the manifest of run {cut}")), "{problems:#?}");
    assert!(problems[0].reason.contains("is cut after line"), "{problems:#?}");
    let catalog = appliance.catalog();
    assert!(catalog.run(&runs[0]).is_err());
    assert_eq!(catalog.run(&runs[1]).unwrap().state, RunState::Complete);
}

#[test]
fn a_volume_whose_record_was_changed_is_quarantined() {
    let mut appliance = TestAppliance::formatted(1, 64);
    make_history(&appliance);
    damage::change_record(&appliance);
    appliance.restart_without("catalog");
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Incomplete, "{end:#?}");
    let volume = appliance.catalog().volumes().unwrap().remove(0);
    assert_eq!(volume.volume.state, VolumeState::Quarantined);
    assert!(volume.state_reason.unwrap().contains("is not what key"), "the reason is kept");
    // Whoever watches is told which cartridge it is.
    let events = appliance.catalog().events_after(0, None, 10_000).unwrap();
    let told = events.iter().find(|event| event.event.code == SIGNATURE_BAD).unwrap();
    let about: About = serde_json::from_value(told.event.content.clone().unwrap()).unwrap();
    assert_eq!(about, About::Cartridge(barcode(1)));
    // Whatever it was, it is gone: the record is as it was signed, and the volume counts again.
    damage::change_record_back(&appliance);
    let (state, end) = rebuild(&appliance);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    let volume = appliance.catalog().volumes().unwrap().remove(0);
    assert_eq!(volume.volume.state, VolumeState::Open);
}

#[test]
fn a_rebuild_that_is_interrupted_goes_on() {
    let mut appliance = TestAppliance::formatted(3, 48);
    make_large_set(&appliance);
    let before = told(&appliance);
    appliance.restart_without("catalog");
    let job = appliance.submit(&rebuild_all());
    appliance.restart();
    let (state, end) = appliance.wait(job);
    assert_eq!(state, JobState::Completed, "{end:#?}");
    assert_same(&before, &told(&appliance));
}

/// Changes files of ours on FSP001L9, as somebody with another LTFS program could.
mod damage {
    use std::ops::ControlFlow;
    use std::sync::Arc;

    use super::*;
    use crate::ltfs::extent::Extent;
    use crate::ltfs::index::{FileEntry, IndexEvent};
    use crate::ltfs::merge::MergedIndex;
    use crate::ltfs::mount::{CheckEnds, MountOptions, mount};
    use crate::ltfs::names::{Name, NameUse};
    use crate::ltfs::reader::{FilePiece, VolumeReader};
    use crate::ltfs::writer::{IndexPlacement, Locked, OpenVolume, WriteOptions, creator};

    pub(super) fn cut_manifest(appliance: &TestAppliance, run: &RunId) {
        let name = format!("{run}.manifest");
        rewrite(appliance, &[".fossilsafe", "runs"], &name, |bytes| {
            bytes.truncate(bytes.len() / 2)
        });
    }

    /// A file at the top of a volume, and nothing of ours beside it.
    pub(super) fn write_as_another_program(appliance: &TestAppliance) {
        let parts = appliance.parts();
        let mut loaded = parts.equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap();
        let spool_dir = appliance.folder("other writer");
        let options =
            MountOptions { spool_dir: spool_dir.clone(), known: None, ends: CheckEnds::Always };
        let mounted = mount(loaded.drive(), &options).unwrap();
        let options = WriteOptions {
            spool_dir,
            creator: "IBM LTFS 2.4.5.1 - Linux - ltfs".to_owned(),
            clock: Arc::clone(&parts.clock),
            locked: Locked::Respect,
        };
        let mut volume = OpenVolume::begin(loaded.lend(), &mounted, options).unwrap();
        let start_block = volume.next_block();
        assert!(volume.append_block(b"theirs").unwrap().outcome.is_on_tape());
        let partition = mounted.map.data.0;
        let extent =
            Extent { file_offset: 0, start_block, byte_count: 6, byte_offset: 0, partition };
        let entry = FileEntry {
            name: Name::new("theirs.txt", NameUse::Entry).unwrap(),
            length: 6,
            uid: mounted.header().highest_uid + 1,
            extents: smallvec::smallvec![extent],
            ..FileEntry::default()
        };
        let mut tree = MergedIndex::over(Arc::clone(&mounted.index.file));
        tree.overlay_mut().put_file(&[], entry);
        volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
        loaded.take_back(volume.into_drive());
        loaded.put_away().unwrap();
    }

    pub(super) fn change_record(appliance: &TestAppliance) {
        change_host(appliance, "test", "evil");
    }

    pub(super) fn change_record_back(appliance: &TestAppliance) {
        change_host(appliance, "evil", "test");
    }

    fn change_host(appliance: &TestAppliance, from: &str, to: &str) {
        rewrite(appliance, &[".fossilsafe"], "volume.json", |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let [from, to] = [from, to].map(|host| format!("\"host\": \"{host}\""));
            *bytes = text.replace(&from, &to).into_bytes();
        });
    }

    fn rewrite(
        appliance: &TestAppliance,
        folder: &[&str],
        name: &str,
        change: impl FnOnce(&mut Vec<u8>),
    ) {
        let parts = appliance.parts();
        let mut loaded = parts.equipment.load(&barcode(1), &|| false, &mut |_| {}).unwrap();
        let spool_dir = appliance.folder("other writer");
        let options =
            MountOptions { spool_dir: spool_dir.clone(), known: None, ends: CheckEnds::Always };
        let mounted = mount(loaded.drive(), &options).unwrap();
        let mut found: Option<FileEntry> = None;
        mounted
            .index
            .file
            .replay(&mut |event| {
                if let IndexEvent::File(file) = event
                    && file.name.as_str() == name
                {
                    found = Some(file.clone());
                }
                Ok(())
            })
            .unwrap();
        let mut entry = found.unwrap();
        let mut bytes = Vec::new();
        let flow = VolumeReader::new(loaded.drive(), &mounted).read_file(&entry, &mut |piece| {
            let FilePiece::Bytes { bytes: read, .. } = piece else { panic!("{piece:?}") };
            bytes.extend_from_slice(read);
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        change(&mut bytes);
        let options = WriteOptions {
            spool_dir,
            creator: creator("test"),
            clock: Arc::clone(&parts.clock),
            locked: Locked::Respect,
        };
        let mut volume = OpenVolume::begin(loaded.lend(), &mounted, options).unwrap();
        let start_block = volume.next_block();
        assert!(volume.append_block(&bytes).unwrap().outcome.is_on_tape());
        let byte_count = u64::try_from(bytes.len()).unwrap();
        let partition = mounted.map.data.0;
        entry.length = byte_count;
        entry.extents.clear();
        entry.extents.push(Extent {
            file_offset: 0,
            start_block,
            byte_count,
            byte_offset: 0,
            partition,
        });
        let folder: Vec<Name> =
            folder.iter().map(|name| Name::new(name, NameUse::Entry).unwrap()).collect();
        let mut tree = MergedIndex::over(Arc::clone(&mounted.index.file));
        tree.overlay_mut().put_file(&folder, entry);
        volume.write_index(&mut tree, IndexPlacement::Both).unwrap();
        loaded.take_back(volume.into_drive());
        loaded.put_away().unwrap();
    }
}
