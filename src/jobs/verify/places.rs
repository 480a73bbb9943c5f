//! Does a volume's own index list a copy where the catalog says it is?
//!
//! The index is streamed once and each file in the wanted folders leaves eight bytes: a keyed hash of
//! its path and extents. Ten million files take 80 MiB, and two different entries share a hash once in
//! 10^12 verifications of such a volume; the key is new each time, so nobody can prepare one.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use crate::catalog::LocatedCopy;
use crate::ltfs::extent::Extent;
use crate::ltfs::index::FileEntry;

/// What a volume's index says of the files of some runs.
#[derive(Debug)]
pub(crate) struct IndexedPlaces {
    key: RandomState,
    folders: BTreeSet<String>,
    hashes: Vec<u64>,
    is_sorted: bool,
}

impl IndexedPlaces {
    /// For the files below `folders`, each `<set>/<run>`.
    pub(crate) fn of(folders: BTreeSet<String>) -> Self {
        Self { key: RandomState::new(), folders, hashes: Vec::new(), is_sorted: true }
    }

    /// Takes a file of the index.
    pub(crate) fn meet(&mut self, folder: &str, file: &FileEntry) {
        let run_folder = match folder.match_indices('/').nth(1) {
            Some((end, _)) => &folder[..end],
            None => folder,
        };
        if file.symlink.is_none() && self.folders.contains(run_folder) {
            let hash = self.hash(folder, file.name.as_str(), file.extents.iter().copied());
            self.hashes.push(hash);
            self.is_sorted = false;
        }
    }

    /// True if the index lists a file under `path`, with these extents.
    pub(crate) fn lists(&mut self, path: &str, extents: &[Extent]) -> bool {
        if !self.is_sorted {
            self.hashes.sort_unstable();
            self.is_sorted = true;
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let hash = self.hash(folder, name, extents.iter().copied());
        self.hashes.binary_search(&hash).is_ok()
    }

    fn hash(&self, folder: &str, name: &str, extents: impl Iterator<Item = Extent>) -> u64 {
        let mut hasher = self.key.build_hasher();
        (folder, name).hash(&mut hasher);
        for extent in extents.filter(|extent| extent.byte_count > 0) {
            let place = (extent.partition.letter(), extent.start_block.0, extent.byte_offset);
            (place, extent.byte_count, extent.file_offset).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The path of a copy on its volume, where its run is in `run_folder`; none if the catalog's path
/// cannot stand there.
pub(super) fn path_on_volume(run_folder: &str, copy: &LocatedCopy) -> Option<String> {
    let below = match &copy.copy.stored_path {
        Some(stored) => stored.as_str(),
        None => std::str::from_utf8(&copy.path).ok()?,
    };
    Some(format!("{run_folder}/{below}"))
}
