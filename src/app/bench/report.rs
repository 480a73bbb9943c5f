//! The figures as a table, and in plain words what limits this machine.
//!
//! Rates are decimal, as vendors of tape drives give theirs. A ratio is how many times as fast as the
//! tool our job is.

use std::fs;
use std::path::PathBuf;
use std::thread::available_parallelism;

use serde::Serialize;

use super::Plan;
use super::caches::Caches;
use super::case::Task;
use super::cost::{Cost, median};
use super::tree::{TreeKind, TreePlan};
use crate::domain::{ByteCount, LtoGeneration, Timestamp};
use crate::jobs::outcome::grouped;

const MB: f64 = 1e6;
const GB: f64 = 1e9;
/// Processors busy to this part are what limits.
const BUSY_PART: f64 = 0.8;
/// A drive that discards is faster by this factor only if the work folder holds the other one up.
const FOLDER_FACTOR: f64 = 1.25;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub(in crate::app) struct Report {
    pub(super) measured: Timestamp,
    pub(super) machine: Machine,
    pub(super) work: PathBuf,
    pub(super) rounds: u32,
    pub(super) caches: Caches,
    pub(super) rows: Vec<Row>,
}

/// What it was measured on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    pub(super) kernel: String,
    /// Processes that wanted to run in the minute before the measurement.
    pub(super) load: String,
}

/// One case: the medians of its rounds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) kind: TreeKind,
    pub(super) tree: TreePlan,
    pub(super) task: Task,
    #[serde(flatten)]
    pub(super) cost: Cost,
    pub(super) bytes_per_second: f64,
    pub(super) files_per_second: f64,
}

impl Row {
    pub(super) fn of(kind: TreeKind, tree: TreePlan, task: Task, costs: &[Cost]) -> Self {
        let cost = median(costs);
        let (bytes, files) = (figure(tree.bytes()), figure(tree.files));
        let seconds = cost.seconds.max(f64::EPSILON);
        let (bytes_per_second, files_per_second) = (bytes / seconds, files / seconds);
        Self { kind, tree, task, cost, bytes_per_second, files_per_second }
    }

    fn rate(&self) -> String {
        match self.kind {
            TreeKind::Large | TreeKind::Text => megabytes(self.bytes_per_second),
            TreeKind::Small => format!("{} files/s", rounded(self.files_per_second)),
        }
    }

    /// Processors that were busy all the time.
    fn cores_busy(&self) -> f64 {
        self.cost.cpu_seconds / self.cost.seconds.max(f64::EPSILON)
    }
}

impl Report {
    pub(super) fn begin(plan: &Plan, now: Timestamp) -> Self {
        Self {
            measured: now,
            machine: Machine::look(),
            work: plan.work.clone(),
            rounds: plan.rounds,
            caches: plan.caches,
            rows: Vec::new(),
        }
    }

    fn row(&self, kind: TreeKind, task: Task) -> Option<&Row> {
        self.rows.iter().find(|row| row.kind == kind && row.task == task)
    }

    /// The table, the machine, and what limits.
    pub(in crate::app) fn markdown(&self) -> String {
        let references = self.references();
        let heads: String = references.iter().map(|(head, _)| format!(" {head} |")).collect();
        let mut lines = vec![
            format!("| | rate | CPU s/GB | peak memory |{heads}"),
            format!("|---|---:|---:|---:|{}", "---:|".repeat(references.len())),
        ];
        let mut tree = None;
        for row in &self.rows {
            if tree != Some(row.tree) {
                let empty = " |".repeat(3 + references.len());
                lines.push(format!("| **{}** |{empty}", row.tree.describe()));
                tree = Some(row.tree);
            }
            lines.push(self.table_line(row));
        }
        lines.push(String::new());
        lines.push(self.circumstances());
        lines.extend(self.limits().into_iter().map(|sentence| format!("- {sentence}")));
        lines.join("\n")
    }

    /// What our jobs are compared with: the head of the column, and the task, or tar as it fits.
    fn references(&self) -> &'static [(&'static str, Option<Task>)] {
        match self.caches {
            Caches::Warm => &[
                ("to tar in a pipe", None),
                ("to tar, then hashes", Some(Task::TarThenHash)),
                ("to openssl a core", Some(Task::Hash)),
                ("to `cp -a`", Some(Task::Copy)),
            ],
            Caches::Cold => &[
                ("to tar in a pipe", None),
                ("to openssl a core", Some(Task::Hash)),
                ("to `dd` with O_DIRECT", Some(Task::Direct)),
            ],
        }
    }

    fn table_line(&self, row: &Row) -> String {
        let ratio = |reference: Task| {
            let reference = self.row(row.kind, reference).filter(|_| row.task.is_ours());
            reference.map_or_else(
                || "-".to_owned(),
                |other| {
                    format!(
                        "{:.2}",
                        row.bytes_per_second / other.bytes_per_second.max(f64::EPSILON)
                    )
                },
            )
        };
        let ratios = self.references().iter().map(|(_, task)| {
            format!(" {} |", ratio(task.unwrap_or_else(|| row.task.tar_reference())))
        });
        format!(
            "| {} | {} | {:.2} | {} |{}",
            row.task.describe(),
            row.rate(),
            row.cost.cpu_seconds * GB / figure(row.tree.bytes()).max(1.0),
            row.cost.peak_bytes.map_or_else(|| "-".to_owned(), |peak| ByteCount(peak).to_string()),
            ratios.collect::<String>(),
        )
    }

    fn circumstances(&self) -> String {
        let machine = self.machine.describe();
        let date = self.measured.to_string();
        let date = date.split('T').next().unwrap_or_default();
        let (work, rounds) = (self.work.display(), self.rounds);
        let files = match self.caches {
            Caches::Warm => {
                "Files are in the page cache and the virtual drive takes no time: what is measured \
                 is the machine between the two."
            }
            Caches::Cold => {
                "Caches are emptied before each case and the virtual drive takes no time: what is \
                 measured is the disk, and the machine behind it."
            }
        };
        format!("Measured {date} on {machine}, in {work}; medians of {rounds}. {files}")
    }

    /// Sentences for people who choose hardware.
    fn limits(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.caches == Caches::Cold {
            // There the ratios say it: to the disk by dd, to the processor by openssl.
            return sentences;
        }
        for (kind, what) in [(TreeKind::Large, "Large files"), (TreeKind::Small, "Small files")] {
            if kind == TreeKind::Small {
                sentences.extend(self.text());
            }
            let Some(row) = self.row(kind, Task::BackupDiscarded) else { continue };
            sentences.push(format!(
                "{what} reach the drive at {}: {}.",
                megabytes(row.bytes_per_second),
                drives_kept(row.bytes_per_second)
            ));
            sentences.push(self.limit_of(row));
            sentences.extend(self.two_drives(kind, row));
            sentences.extend(self.not_compressed(kind));
            sentences.extend(self.hashed_twice(kind));
            sentences.extend(self.read_back(kind));
            sentences.extend(self.folder_limit(kind, row));
        }
        sentences
    }

    fn limit_of(&self, row: &Row) -> String {
        let (busy, cores) = (row.cores_busy(), self.machine.cores);
        if busy >= BUSY_PART * figure(cores as u64) {
            return format!(
                "There the processor limits: {busy:.1} of {cores} cores are busy. More or faster \
                 cores help."
            );
        }
        format!(
            "There {busy:.1} of {cores} cores are busy: one thread has to wait for another, or \
             other programs are running. Faster cores help, more do not."
        )
    }

    fn two_drives(&self, kind: TreeKind, one: &Row) -> Option<String> {
        let two = self.row(kind, Task::BackupTwoDrives)?;
        let percent = 100.0 * two.bytes_per_second / one.bytes_per_second.max(f64::EPSILON);
        let why = match kind {
            TreeKind::Large | TreeKind::Text => "",
            TreeKind::Small => ": each copy has an index, a manifest and lines in the catalog",
        };
        Some(format!("Two drives fed by one read take {percent:.0} % of that each{why}."))
    }

    /// Beside what is hashed in neither form.
    fn text(&self) -> Option<String> {
        let ours = self.row(TreeKind::Text, Task::BackupZstd)?.bytes_per_second;
        let tool = self.row(TreeKind::Text, Task::TarZstd)?.bytes_per_second;
        Some(format!(
            "Text that compresses is taken at {}, both of its forms hashed: {:.0} % of the rate of tar \
             and zstd, which hash neither.",
            megabytes(ours),
            100.0 * ours / tool.max(f64::EPSILON)
        ))
    }

    /// What is measured with content that does not compress is how soon that is seen.
    fn not_compressed(&self, kind: TreeKind) -> Option<String> {
        self.row(kind, Task::BackupZstd)?;
        let how = match kind {
            TreeKind::Large | TreeKind::Text => {
                "samples of each show that, and it is stored as it is"
            }
            TreeKind::Small => "each is compressed, and stored as it is if that is not smaller",
        };
        Some(format!("These files do not compress: {how}."))
    }

    /// Sealed files are hashed as they are and as they stand on tape: so people without the key can verify.
    fn hashed_twice(&self, kind: TreeKind) -> Option<String> {
        let sealed = self.row(kind, Task::BackupSealed)?;
        let half = self.row(kind, Task::Hash)?.bytes_per_second / 2.0;
        let percent = 100.0 * sealed.bytes_per_second / half.max(f64::EPSILON);
        Some(format!(
            "Encrypted files are hashed in both forms, for which openssl would take twice the time: \
             {percent:.0} % of half its rate ({}) are reached.",
            megabytes(half)
        ))
    }

    fn read_back(&self, kind: TreeKind) -> Option<String> {
        let written = self.row(kind, Task::Backup)?.bytes_per_second.max(f64::EPSILON);
        let percent = |task| Some(100.0 * self.row(kind, task)?.bytes_per_second / written);
        let (verify, restore) = (percent(Task::Verify)?, percent(Task::Restore)?);
        Some(format!(
            "Verify has {verify:.0} % and restore {restore:.0} % of the rate at which the cartridge was \
             written into the work folder."
        ))
    }

    fn folder_limit(&self, kind: TreeKind, discarded: &Row) -> Option<String> {
        let kept = self.row(kind, Task::Backup)?;
        let is_held_up = discarded.bytes_per_second > FOLDER_FACTOR * kept.bytes_per_second;
        is_held_up.then(|| {
            format!(
                "Writing cartridge files into the work folder brings it down to {}; a tape drive \
                 does not.",
                kept.rate()
            )
        })
    }
}

/// What that rate means for drives.
fn drives_kept(bytes_per_second: f64) -> String {
    let newest = |limit: fn(LtoGeneration) -> u64| {
        let fast_enough =
            |generation: &LtoGeneration| figure(limit(*generation)) <= bytes_per_second;
        LtoGeneration::ALL.into_iter().rev().find(fast_enough)
    };
    let full = newest(LtoGeneration::streaming_max_bytes_per_second);
    let moving = newest(LtoGeneration::streaming_min_bytes_per_second);
    let is_same = full.is_some() && full == moving;
    match (full, moving) {
        (Some(full), _) if is_same => {
            format!("enough for a drive up to {} at full speed", full.name())
        }
        (Some(full), Some(moving)) => format!(
            "enough for {} at full speed, and for {} without a stop",
            full.name(),
            moving.name()
        ),
        (_, Some(moving)) => {
            format!("enough for {} without a stop, not at full speed", moving.name())
        }
        (_, None) => {
            "too slow for any drive to keep moving; files are staged, and the drive runs in \
                      bursts"
                .to_owned()
        }
    }
}

impl Machine {
    /// For the line below a table.
    pub(super) fn describe(&self) -> String {
        let Self { processor, cores, kernel, load } = self;
        format!("{processor}, {cores} cores, Linux {kernel}, load {load} at the beginning")
    }

    pub(super) fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
        let model =
            model.map_or("an unknown processor", |line| line.trim_matches([' ', '\t', ':']));
        let load = read("/proc/loadavg");
        Self {
            processor: model.to_owned(),
            cores: available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

fn megabytes(bytes_per_second: f64) -> String {
    format!("{} MB/s", rounded(bytes_per_second / MB))
}

/// A figure without its fraction, with its thousands set apart.
fn rounded(value: f64) -> String {
    let digits = format!("{value:.0}");
    digits.parse().map_or(digits, grouped)
}

/// A count as a figure to divide by; exact up to 9 PB.
#[expect(clippy::cast_precision_loss, reason = "figures for people, of three digits")]
fn figure(count: u64) -> f64 {
    count as f64
}
