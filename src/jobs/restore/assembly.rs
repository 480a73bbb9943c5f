//! A file that was split over volumes, on its way to being one again.
//!
//! Its parts are written at their places in one file that has no name yet. It gets its name only when
//! every byte came from a part whose hash agreed and the hash of the whole agrees too: half a file is
//! never seen. Parts that come in order are hashed on the way; otherwise the file is read once more.

use sha2::{Digest as _, Sha256};

use crate::catalog::ItemKey;
use crate::domain::{FileMetadata, Sha256Digest};
use crate::source::destination::{DestinationError, Placed, RestoredFile};

/// Bytes read at once when a file is hashed again.
const READ_BYTES: usize = 1024 * 1024;

/// A file being put together.
#[derive(Debug)]
pub(super) struct Assembly {
    file: RestoredFile,
    metadata: FileMetadata,
    size_bytes: u64,
    /// Of the whole. Not known of a sealed file whose key was not here when its manifest was read; its
    /// segments prove themselves.
    sha256: Option<Sha256Digest>,
    /// Stretches that came from good parts; ordered, none touching another.
    covered: Vec<(u64, u64)>,
    /// The items of its parts that are in it.
    keys: Vec<ItemKey>,
    hasher: Sha256,
    /// Everything before this is in the hasher.
    hashed_bytes: u64,
}

/// Why a file of which all parts are there is not put in its place.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssemblyError {
    /// The destination refuses.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// Every part is what it was, the whole is not.
    #[error("the SHA-256 of all its parts together is {got}, and was {expected}")]
    Mismatch {
        /// What it should be.
        expected: Sha256Digest,
        /// What it is.
        got: Sha256Digest,
    },
}

impl Assembly {
    /// Begins with nothing.
    pub(super) fn new(
        file: RestoredFile,
        metadata: FileMetadata,
        size_bytes: u64,
        sha256: Option<Sha256Digest>,
    ) -> Self {
        Self {
            file,
            metadata,
            size_bytes,
            sha256,
            covered: Vec::new(),
            keys: Vec::new(),
            hasher: Sha256::new(),
            hashed_bytes: 0,
        }
    }

    /// A part that begins at `offset` is about to be written, perhaps again.
    pub(super) fn begin_part(&mut self, offset: u64) {
        if self.hashed_bytes > offset {
            self.hasher = Sha256::new();
            self.hashed_bytes = 0;
        }
    }

    /// Writes bytes of a part, at their place in the whole file.
    pub(super) fn write_at(&mut self, bytes: &[u8], offset: u64) -> Result<(), DestinationError> {
        self.file.write_at(bytes, offset)?;
        if offset == self.hashed_bytes {
            self.hasher.update(bytes);
            self.hashed_bytes += bytes.len() as u64;
        }
        Ok(())
    }

    /// A part is all there and its hash agreed.
    pub(super) fn end_part(&mut self, key: ItemKey, offset: u64, size_bytes: u64) {
        self.keys.push(key);
        self.covered.push((offset, offset.saturating_add(size_bytes)));
        self.covered.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.covered.len());
        for &(start, end) in &self.covered {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        self.covered = merged;
    }

    /// True once every byte came from a good part.
    pub(super) fn is_complete(&self) -> bool {
        self.covered.first().is_some_and(|&(start, end)| start == 0 && end >= self.size_bytes)
    }

    /// The items whose parts are in it.
    pub(super) fn into_keys(self) -> Vec<ItemKey> {
        self.keys
    }

    /// Compares the hash of the whole and gives the file its name.
    pub(super) fn place(mut self) -> Result<(Placed, Vec<ItemKey>), (AssemblyError, Vec<ItemKey>)> {
        let keys = std::mem::take(&mut self.keys);
        match self.compare_and_commit() {
            Ok(placed) => Ok((placed, keys)),
            Err(error) => Err((error, keys)),
        }
    }

    fn compare_and_commit(mut self) -> Result<Placed, AssemblyError> {
        if let Some(expected) = self.sha256 {
            self.hash_the_rest()?;
            let got = Sha256Digest(self.hasher.finalize().into());
            if got != expected {
                return Err(AssemblyError::Mismatch { expected, got });
            }
        }
        Ok(self.file.commit(self.size_bytes, &self.metadata)?)
    }

    fn hash_the_rest(&mut self) -> Result<(), DestinationError> {
        let mut buffer = vec![0; READ_BYTES];
        while self.hashed_bytes < self.size_bytes {
            let left = usize::try_from(self.size_bytes - self.hashed_bytes).unwrap_or(usize::MAX);
            let wanted = left.min(buffer.len());
            let got = self.file.read_at(&mut buffer[..wanted], self.hashed_bytes)?;
            // Behind the last byte written the file is one hole.
            buffer[got..wanted].fill(0);
            self.hasher.update(&buffer[..wanted]);
            self.hashed_bytes += wanted as u64;
        }
        Ok(())
    }
}
