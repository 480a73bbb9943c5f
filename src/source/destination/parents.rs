//! Folders that things are made in, held open from one file to the next.
//!
//! To walk the path of its folder for each of a million small files costs as much as to write them. A held
//! folder is the one that was found without following a link, wherever somebody moves it meanwhile, and it is
//! held for a bounded number of files only.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::domain::SourcePath;

/// Folders that are held: each worker is at one, and a few are between two.
const HELD_MAX: usize = 16;
/// Files that are made in a folder before its path is walked again.
const USES_MAX: u32 = 256;

/// The folders used last.
#[derive(Debug, Default)]
pub(super) struct Parents(VecDeque<Held>);

#[derive(Debug)]
struct Held {
    path: SourcePath,
    folder: Arc<OwnedFd>,
    uses_left: u32,
}

impl Parents {
    /// The folder, if it is held.
    pub(super) fn get(&mut self, path: &SourcePath) -> Option<Arc<OwnedFd>> {
        let at = self.0.iter().position(|held| held.path == *path)?;
        let held = self.0.get_mut(at)?;
        held.uses_left -= 1;
        let folder = Arc::clone(&held.folder);
        if held.uses_left == 0 {
            self.0.remove(at);
        }
        Some(folder)
    }

    /// Holds a folder in place of the one that came first.
    pub(super) fn keep(&mut self, path: SourcePath, folder: &Arc<OwnedFd>) {
        if self.0.len() >= HELD_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Held { path, folder: Arc::clone(folder), uses_left: USES_MAX });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::from_bytes(text).unwrap()
    }

    #[test]
    fn a_folder_is_held_for_some_files_and_only_the_last_ones_are() {
        let folder: Arc<OwnedFd> = Arc::new(std::fs::File::open("/").unwrap().into());
        let mut parents = Parents::default();
        parents.keep(path("a"), &folder);
        for _ in 0..USES_MAX {
            assert!(parents.get(&path("a")).is_some());
        }
        assert!(parents.get(&path("a")).is_none(), "its path is walked again");
        for number in 0..=HELD_MAX {
            parents.keep(path(&number.to_string()), &folder);
        }
        assert!(parents.get(&path("0")).is_none() && parents.get(&path("1")).is_some());
    }
}
