//! What the workers of a restore have before them, and who takes what.
//!
//! The kernel locks a folder while a file is made in it. Two workers that fill one folder wait for each
//! other more than they write, and tapes hold the files of a folder one after the other. So a worker goes on
//! with the folder that it is at, and begins with one where no other is, as far as the reader is ahead.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::ReadItem;
use super::lanes::Lane;
use super::writing::Writing;
use crate::stream::buffers::Block;

/// Tasks that are looked through for one that fits. The reader is seldom further ahead than its slabs.
const LOOKED_AT: usize = 256;

/// What a worker does next.
#[derive(Debug)]
pub(super) enum Task {
    /// Items that lie in one block (or in none) each; the range is theirs in that block.
    Small { block: Option<Block>, items: Vec<(ReadItem, Range<usize>)> },
    /// A lane with something to do.
    Lane(Arc<Lane>),
    /// A large file with something to write.
    Write(Arc<Writing>),
}

impl Task {
    /// The folder in which files are made, if that takes most of the time.
    fn folder(&self) -> Option<u64> {
        match self {
            Self::Small { items, .. } => items.first().and_then(|(item, _)| item.folder),
            Self::Lane(_) | Self::Write(_) => None,
        }
    }
}

/// The tasks that no worker has taken yet.
#[derive(Debug)]
pub(super) struct Tasks {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Task>,
    /// Where each worker is, or was last.
    folders: Vec<Option<u64>>,
    /// True once nothing more comes.
    is_over: bool,
}

impl State {
    /// The place of the task that suits the worker best.
    fn best_for(&self, worker: usize) -> Option<usize> {
        let own = self.folders.get(worker).copied().flatten();
        let looked_at = || self.waiting.iter().take(LOOKED_AT);
        let fits = |task: &Task| match task.folder() {
            None => true,
            folder => folder == own,
        };
        let is_free = |task: &Task| !self.folders.contains(&task.folder());
        let first = || (!self.waiting.is_empty()).then_some(0);
        looked_at().position(fits).or_else(|| looked_at().position(is_free)).or_else(first)
    }
}

impl Tasks {
    /// None yet, for that many workers.
    pub(super) fn new(worker_count: usize) -> Self {
        let folders = vec![None; worker_count];
        let state = State { waiting: VecDeque::new(), folders, is_over: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// One more.
    pub(super) fn put(&self, task: Task) {
        self.state.lock().waiting.push_back(task);
        self.changed.notify_one();
    }

    /// Nothing more comes.
    fn end(&self) {
        self.state.lock().is_over = true;
        self.changed.notify_all();
    }

    /// The next one for the worker of that number; nothing after the last. Waits.
    pub(super) fn take(&self, worker: usize) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if let Some(task) = state.best_for(worker).and_then(|at| state.waiting.remove(at)) {
                if let Some(folder) = state.folders.get_mut(worker) {
                    *folder = task.folder();
                }
                return Some(task);
            }
            if state.is_over {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

/// Ends the tasks when whoever puts them is through, also by a panic: the workers would wait for ever.
#[derive(Debug)]
pub(super) struct EndOfTasks<'a>(pub(super) &'a Tasks);

impl Drop for EndOfTasks<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ltfs::extent::Extents;
    use crate::stream::plan::Codec;
    use crate::stream::restore::Target;

    fn small(id: u64, folder: Option<u64>) -> Task {
        let item = ReadItem {
            id,
            extents: Extents::new(),
            stored_bytes: 0,
            codec: Codec::None,
            sealed_by: None,
            size_bytes: 0,
            sha256: None,
            stored_sha256: None,
            target: Target::Write,
            folder,
        };
        Task::Small { block: None, items: vec![(item, 0..0)] }
    }

    fn take(tasks: &Tasks, worker: usize) -> u64 {
        match tasks.take(worker) {
            Some(Task::Small { items, .. }) => items[0].0.id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_worker_stays_in_its_folder_and_begins_where_no_other_is() {
        let tasks = Tasks::new(2);
        for (id, folder) in [(1, 7), (2, 7), (3, 7), (4, 8), (5, 8), (6, 9)] {
            tasks.put(small(id, Some(folder)));
        }
        assert_eq!(take(&tasks, 0), 1);
        assert_eq!(take(&tasks, 1), 4, "the first is at folder 7");
        assert_eq!(take(&tasks, 1), 5);
        assert_eq!(take(&tasks, 0), 2);
        assert_eq!(take(&tasks, 1), 6, "where nobody is");
        assert_eq!(take(&tasks, 1), 3, "better beside the other than idle");
        drop(EndOfTasks(&tasks));
        assert!(tasks.take(0).is_none() && tasks.take(1).is_none());
    }

    #[test]
    fn what_makes_no_files_is_taken_in_its_order() {
        let tasks = Tasks::new(2);
        (1..=4).for_each(|id| tasks.put(small(id, None)));
        assert_eq!([take(&tasks, 0), take(&tasks, 1), take(&tasks, 0)], [1, 2, 3]);
    }
}
