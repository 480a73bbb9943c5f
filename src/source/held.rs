//! Folders held open from one file in them to the next.
//!
//! To walk the path of its folder for each of a million small files costs as much as to open them. A held
//! folder is the one that was found without following a link, wherever somebody moves it meanwhile, and it is
//! held for a bounded number of files only.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::SourcePath;

/// Folders that are held: each worker is at one, and a few are between two.
const HELD_MAX: usize = 16;
/// Files that are opened in a folder before its path is walked again.
const USES_MAX: u32 = 256;

/// The folders used last. Shared between threads by reference.
#[derive(Debug)]
pub(super) struct HeldFolders<F>(Mutex<VecDeque<Held<F>>>);

#[derive(Debug)]
struct Held<F> {
    path: SourcePath,
    folder: Arc<F>,
    uses_left: u32,
}

impl<F> Default for HeldFolders<F> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<F> HeldFolders<F> {
    /// The folder, held or else opened by `open`.
    ///
    /// # Errors
    /// That of `open`; nothing is held then.
    pub(super) fn folder<E>(
        &self,
        path: &SourcePath,
        open: impl FnOnce() -> Result<F, E>,
    ) -> Result<Arc<F>, E> {
        if let Some(folder) = self.known(path) {
            return Ok(folder);
        }
        let folder = Arc::new(open()?);
        let mut held = self.0.lock();
        if held.len() >= HELD_MAX {
            held.pop_front();
        }
        let (path, uses_left) = (path.clone(), USES_MAX);
        held.push_back(Held { path, folder: Arc::clone(&folder), uses_left });
        Ok(folder)
    }

    /// Holds the folder no longer: somebody has removed it.
    pub(super) fn forget(&self, path: &SourcePath) {
        self.0.lock().retain(|held| held.path != *path);
    }

    fn known(&self, path: &SourcePath) -> Option<Arc<F>> {
        let mut all = self.0.lock();
        // Those of two threads may be the same.
        let at = all.iter().rposition(|held| held.path == *path)?;
        let held = all.get_mut(at)?;
        held.uses_left -= 1;
        let folder = Arc::clone(&held.folder);
        if held.uses_left == 0 {
            all.remove(at);
        }
        Some(folder)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::from_bytes(text).unwrap()
    }

    #[test]
    fn a_folder_is_held_for_some_files_and_only_the_last_ones_are() {
        let opened = std::cell::Cell::new(0);
        let folders = HeldFolders::default();
        let ask = |text: &str| {
            let open = || {
                opened.set(opened.get() + 1);
                std::fs::File::open("/").map(OwnedFd::from)
            };
            folders.folder(&path(text), open).unwrap();
        };
        (0..=USES_MAX).for_each(|_| ask("a"));
        assert_eq!(opened.get(), 1);
        ask("a");
        assert_eq!(opened.get(), 2, "its path is walked again");
        (0..HELD_MAX).for_each(|number| ask(&number.to_string()));
        let before = opened.get();
        ask("0");
        assert_eq!(opened.get(), before, "still held");
        ask("a");
        assert_eq!(opened.get(), before + 1, "others came after it");
        let refused = folders.folder(&path("b"), || Err("gone"));
        assert_eq!(refused.unwrap_err(), "gone");
    }
}
