//! What is measured of which files, in which order.
//!
//! | | cases whose copies stay for a moment | all others |
//! |---|---|---|
//! | few large files | of half as many: source, cartridge and restored files are in memory together | of all |
//! | texts, a quarter as many | - | of all |
//! | many small files | of all | of all |

use super::Plan;
use super::caches::Caches;
use super::case::Task;
use super::tree::{Content, TreeKind, TreePlan};
use crate::domain::KIB;

/// Cases that are measured by turns, on one tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) kind: TreeKind,
    pub(super) tree: TreePlan,
    /// In the order in which each may use what those before it left.
    pub(super) tasks: Vec<Task>,
}

impl Series {
    /// All that is asked for.
    pub(super) fn of(plan: &Plan) -> Vec<Self> {
        let series =
            |kind, tree: TreePlan, tasks: &[&[Task]]| Self { kind, tree, tasks: tasks.concat() };
        let (large, small) = (plan.large, plan.small);
        let text = TreePlan { content: Content::Text, ..large.half().half() };
        let mut all = match plan.caches {
            Caches::Warm => vec![
                series(TreeKind::Large, large, &[&ONE_PASS]),
                series(TreeKind::Large, large.half(), &[&WITH_COPIES]),
                series(TreeKind::Text, text, &[&COMPRESSED]),
                series(TreeKind::Small, small, &[&ONE_PASS, &WITH_COPIES]),
            ],
            // One process a file measures processes.
            Caches::Cold => vec![
                series(TreeKind::Large, large, &[&COLD, &[Task::Direct]]),
                series(TreeKind::Small, small, &[&COLD]),
            ],
        };
        all.retain(|series| series.tree.files > 0);
        all
    }

    /// Room that it needs at the most: the files, and if copies are made of them, what was written of
    /// them and what was restored of that, and the catalog and indexes. A third copy is never there at
    /// the same time.
    pub(super) fn room_bytes(&self) -> u64 {
        /// Catalog with its search index, manifest, index and work files of a job: measured at 2.1 KiB.
        const NOTES_BYTES_PER_FILE: u64 = 4 * KIB;
        let copies = if self.tasks.iter().any(|task| task.makes_files()) { 3 } else { 1 };
        copies * self.tree.bytes_on_disk() + self.tree.files * NOTES_BYTES_PER_FILE
    }
}

/// What reads the files and keeps nothing of them.
const ONE_PASS: [Task; 7] = [
    Task::BackupDiscarded,
    Task::BackupZstd,
    Task::BackupSealed,
    Task::BackupTwoDrives,
    Task::TarHash,
    Task::Hash,
    Task::TarZstd,
];

/// What compresses.
const COMPRESSED: [Task; 2] = [Task::BackupZstd, Task::TarZstd];

const WITH_COPIES: [Task; 6] =
    [Task::Backup, Task::Verify, Task::Restore, Task::TarThenHash, Task::UntarHash, Task::Copy];

/// From a disk: nothing that is written, as that would be measured with it.
const COLD: [Task; 3] = [Task::BackupDiscarded, Task::TarHash, Task::Hash];
