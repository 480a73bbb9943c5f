//! A measurement of a few tiny files, so that it still works when it is needed.

use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;

use super::caches::Caches;
use super::case::Task;
use super::cost::{Cost, median};
use super::report::{Report, Row};
use super::series::Series;
use super::tree::{Content, TreeKind, TreePlan};
use super::{Plan, run};
use crate::domain::{KIB, MIB, Timestamp};

fn tiny(work: &std::path::Path) -> Plan {
    Plan {
        large: TreePlan::of_noise(2, 3 * MIB),
        small: TreePlan::of_noise(30, 4 * KIB),
        rounds: 2,
        work: work.to_owned(),
        caches: Caches::Warm,
    }
}

/// The whole of it but for the processes: the cases run in this one.
#[test]
fn everything_is_measured_and_nothing_is_left_behind() {
    let work = tempfile::tempdir().unwrap();
    let told = Mutex::new(Vec::new());
    let tell = |what: &str| told.lock().push(what.to_owned());
    let stop = AtomicBool::new(false);
    let report = run(&tiny(work.path()), &|case| case.run(), &tell, &stop).unwrap();
    let all = Series::of(&tiny(work.path()));
    assert_eq!(report.rows.len(), all.iter().map(|series| series.tasks.len()).sum::<usize>());
    for row in &report.rows {
        let Cost { seconds, peak_bytes, .. } = row.cost;
        assert!(seconds > 0.0 && peak_bytes.is_some() == row.task.is_ours(), "{row:?}");
    }
    let text = report.markdown();
    let sizes =
        ["2 files of 3.0 MiB", "1 file of 3.0 MiB", "1 text of 3.0 MiB", "30 files of 4.0 KiB"];
    for words in sizes.into_iter().chain(["files/s", "MB/s", "cp -a", "cores"]) {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "something was left");
    assert!(told.lock().iter().any(|line| line.contains("round 2 of 2")));
}

/// Nothing is emptied here, which is the whole machine's: it is refused before.
#[test]
fn a_cold_measurement_needs_a_folder_on_a_disk() {
    let memory = std::path::Path::new("/dev/shm");
    let plan = Plan { caches: Caches::Cold, ..tiny(memory) };
    let never = |_: &_| panic!("nothing may be run");
    let error = run(&plan, &never, &|_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("kept in memory"), "{error}");
    assert!(error.next_step().unwrap().contains("--work"));
}

#[test]
fn a_stop_ends_it_before_the_next_case_and_leaves_nothing() {
    let work = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(true);
    let error = run(&tiny(work.path()), &|case| case.run(), &|_| {}, &stop).unwrap_err();
    assert!(error.to_string().contains("stopped"), "{error}");
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "something was left");
}

#[test]
fn a_measurement_that_does_not_fit_is_refused_before_anything_is_made() {
    let work = tempfile::tempdir().unwrap();
    let large = TreePlan::of_noise(1 << 20, 1 << 40);
    let plan = Plan { large, ..tiny(work.path()) };
    let never = |_: &_| panic!("nothing may be run");
    let error = run(&plan, &never, &|_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("needs"), "{error}");
    assert!(error.next_step().unwrap().contains("--work"));
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "something was left");
}

/// Every case once a kind of files, and none of files that are left out.
#[test]
fn each_case_is_measured_once_a_kind() {
    let plan = tiny(std::path::Path::new("/work"));
    let tasks = |plan: &Plan, kind| -> Vec<Task> {
        let all = Series::of(plan).into_iter().filter(|series| series.kind == kind);
        all.flat_map(|series| series.tasks).collect()
    };
    let (large, small) = (tasks(&plan, TreeKind::Large), tasks(&plan, TreeKind::Small));
    assert_eq!(large, small);
    assert!((0..large.len()).all(|at| !large[..at].contains(&large[at])), "{large:?}");
    let without = Plan { small: TreePlan { files: 0, ..plan.small }, ..plan };
    assert_eq!(tasks(&without, TreeKind::Small), []);
}

/// What is measured with text is worth nothing if it does not compress as texts do, or if zstd finds one file
/// in the other.
#[test]
fn texts_compress_like_texts_and_each_is_another() {
    let work = tempfile::tempdir().unwrap();
    let tree = TreePlan { content: Content::Text, ..TreePlan::of_noise(2, 3 * MIB) };
    let folder = work.path().join("texts");
    tree.make(&folder).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.join("folder-00000"))
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let compressed = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap().len();
    let sizes: Vec<_> = files.iter().map(|file| compressed(file)).collect();
    let bytes = files[0].len();
    assert!(sizes.iter().all(|size| (bytes / 4..bytes * 3 / 5).contains(size)), "{sizes:?}");
    let both = compressed(&files.concat());
    assert!(both * 10 > sizes.iter().sum::<usize>() * 9, "{both}, alone {sizes:?}");
}

#[test]
fn figures_are_medians_each_by_itself() {
    let cost = |seconds, cpu_seconds, peak| Cost { seconds, cpu_seconds, peak_bytes: Some(peak) };
    let all = [cost(9.0, 1.0, 30), cost(1.0, 2.0, 10), cost(2.0, 3.0, 20)];
    assert_eq!(median(&all), cost(2.0, 2.0, 20));
    assert_eq!(median(&all[..2]).seconds, 5.0);
}

/// Two seconds for tar in a pipe, one for us: twice as fast. One and a half for half of it, with hashes
/// after: thrice. What limits is said for the drives.
#[test]
fn a_ratio_is_how_many_times_as_fast_we_are() {
    let stamp = Timestamp { seconds: 1_767_225_600, nanoseconds: 0 };
    let mut report = Report::begin(&tiny(std::path::Path::new("/work")), stamp);
    report.machine.cores = 4;
    let tree = TreePlan::of_noise(1, 500_000_000);
    let half = TreePlan { file_bytes: tree.file_bytes / 2, ..tree };
    let row_of = |tree, task, seconds| {
        let cost = Cost { seconds, cpu_seconds: 4.0 * seconds, peak_bytes: Some(MIB) };
        Row::of(TreeKind::Large, tree, task, &[cost])
    };
    let row = |task, seconds| row_of(tree, task, seconds);
    report.rows = vec![
        row(Task::BackupDiscarded, 1.0),
        row(Task::Backup, 2.0),
        row(Task::TarHash, 2.0),
        row_of(half, Task::TarThenHash, 1.5),
        row(Task::Hash, 0.6),
        row(Task::Copy, 0.5),
    ];
    let text = report.markdown();
    let figures = "| 500 MB/s | 8.00 | 1.0 MiB | 2.00 | 3.00 | 0.60 | 0.50 |";
    let line = format!("| backup, to a drive that discards {figures}");
    assert!(text.contains(&line), "{text}");
    assert!(text.contains("| `cp -a` | 1,000 MB/s | 4.00 | 1.0 MiB | - | - | - | - |"), "{text}");
    assert!(text.contains("Measured 2026-01-01 on "), "{text}");
    assert!(text.contains("up to LTO-10 at full speed"), "{text}");
    assert!(text.contains("the processor limits: 4.0 of 4 cores"), "{text}");
    assert!(text.contains("brings it down to 250 MB/s"), "{text}");
}
