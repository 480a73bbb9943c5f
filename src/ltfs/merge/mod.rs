//! The next index of a volume: the last one, with what was added, replaced and removed since.
//!
//! The last index lies as XML in a file off the tape ([`IndexFile`]); a run's additions lie in a
//! spool; what else changes (the run's folder, manifests) is little and held in memory as an
//! [`Overlay`]. The merge streams the old index through and needs memory for the overlay and one
//! entry, so an index of ten million files is made in the memory of one of ten.

mod difference;
mod file;
mod overlay;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use super::elements::DocumentError;
use super::index::{DirectoryEntry, IndexEvent, ROOT_UID, estimated_bytes};
use super::names::Name;
use super::spool::{SpoolError, SpoolSnapshot};
use crate::domain::ByteCount;

pub use file::{IndexCounts, IndexFile, IndexTally};
pub use overlay::{Existing, Overlay};

/// Why a tree cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The index kept off the tape cannot be read.
    #[error("the index in {} cannot be read", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: DocumentError,
    },
    /// A file off the tape cannot be read or written.
    #[error("cannot use the index file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The spool cannot be read.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Something was put into a directory that does not exist.
    #[error("there is no directory {0} on the volume")]
    NoDirectory(String),
}

/// A tree that can be given as events, as often as it is wanted.
pub trait EventSource {
    /// At least every `fileuid` in the tree.
    fn highest_uid(&self) -> u64;

    /// A bound for the size of its index.
    fn estimated_index_bytes(&self) -> ByteCount;

    /// Gives the tree, from entering the root to leaving it. Never [`IndexEvent::Header`] or
    /// [`IndexEvent::End`]: what an index says of itself is its writer's to know.
    ///
    /// # Errors
    /// When the tree cannot be read, or with what `visit` says.
    fn replay(
        &mut self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError>;
}

/// A tree of an old index, an overlay and spooled additions.
#[derive(Clone, Debug)]
pub struct MergedIndex {
    base: Option<Arc<IndexFile>>,
    overlay: Overlay,
}

impl MergedIndex {
    /// The tree of `base`, with nothing changed yet.
    #[must_use]
    pub fn over(base: Arc<IndexFile>) -> Self {
        Self { base: Some(base), overlay: Overlay::default() }
    }

    /// An empty tree with that root; its number is always 1.
    #[must_use]
    pub fn empty(root: DirectoryEntry) -> Self {
        let root = DirectoryEntry { uid: ROOT_UID, ..root };
        let mut overlay = Overlay::default();
        overlay.set_root(root);
        Self { base: None, overlay }
    }

    /// What is changed.
    pub fn overlay_mut(&mut self) -> &mut Overlay {
        &mut self.overlay
    }

    /// Puts the entries of a spool into the directory `parent`, beside what is there.
    pub fn attach(&mut self, parent: &[Name], bulk: SpoolSnapshot) {
        self.overlay.attach(parent, bulk);
    }
}

impl EventSource for MergedIndex {
    fn highest_uid(&self) -> u64 {
        let base = self.base.as_ref().map_or(ROOT_UID, |base| base.header().highest_uid);
        base.max(self.overlay.highest_uid())
    }

    fn estimated_index_bytes(&self) -> ByteCount {
        let base = self.base.as_ref().map_or(0, |base| base.bytes().0);
        let added = self.overlay.counts();
        let added = estimated_bytes(added.files, added.directories, added.name_bytes);
        ByteCount(base.saturating_add(added.0))
    }

    fn replay(
        &mut self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        match &self.base {
            None => self.overlay.replay_alone(visit),
            Some(base) => {
                let mut merge = overlay::Merge::new(&self.overlay, visit);
                base.replay(&mut |event| merge.base_event(event))
            }
        }
    }
}

impl EventSource for IndexFile {
    fn highest_uid(&self) -> u64 {
        self.header().highest_uid
    }

    fn estimated_index_bytes(&self) -> ByteCount {
        self.bytes()
    }

    fn replay(
        &mut self,
        visit: &mut dyn FnMut(IndexEvent<'_>) -> Result<(), TreeError>,
    ) -> Result<(), TreeError> {
        IndexFile::replay(self, visit)
    }
}
