//! SHA-256 whose running state can leave the process.
//!
//! A file larger than a cartridge is hashed across volumes, perhaps with days and a restart in
//! between. [`sha2::Sha256`] keeps its state to itself, so files that are split are hashed with
//! [`RunningSha256`], which is the same compression function with the state in the open. It takes
//! one 64-byte block a call and is some percent slower; whole files use `sha2` directly.

use serde::{Deserialize, Serialize};
use sha2::digest::generic_array::GenericArray;

use super::buffers::fetch;
use crate::domain::digest::Sha256Digest;

/// Bytes that SHA-256 takes in one step.
pub(super) const HASH_BLOCK_BYTES: usize = 64;

/// The state of SHA-256 after a whole number of blocks. Survives a restart as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashState {
    words: [u32; 8],
    /// Bytes hashed so far, a multiple of [`HASH_BLOCK_BYTES`].
    hashed_bytes: u64,
}

impl HashState {
    /// The initial hash value of SHA-256 (FIPS 180-4).
    pub const START: Self = Self {
        words: [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ],
        hashed_bytes: 0,
    };

    /// Bytes hashed so far.
    #[must_use]
    pub fn hashed_bytes(&self) -> u64 {
        self.hashed_bytes
    }
}

/// SHA-256 that can stop and go on elsewhere.
#[derive(Clone, Debug)]
pub(super) struct RunningSha256 {
    state: HashState,
    tail: Vec<u8>,
}

impl RunningSha256 {
    /// Goes on from `state`.
    pub(super) fn resume(state: HashState) -> Self {
        Self { state, tail: Vec::with_capacity(2 * HASH_BLOCK_BYTES) }
    }

    /// Takes more bytes.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.state.hashed_bytes += bytes.len() as u64;
        if !self.tail.is_empty() {
            let wanted = (HASH_BLOCK_BYTES - self.tail.len()).min(bytes.len());
            self.tail.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.tail.len() < HASH_BLOCK_BYTES {
                return;
            }
            let tail = std::mem::take(&mut self.tail);
            self.compress(&tail);
        }
        let whole = bytes.len() - bytes.len() % HASH_BLOCK_BYTES;
        self.compress(&bytes[..whole]);
        self.tail.extend_from_slice(&bytes[whole..]);
    }

    /// The state, if a whole number of blocks was taken.
    pub(super) fn state(&self) -> Option<HashState> {
        self.tail.is_empty().then_some(self.state)
    }

    /// The digest of everything since [`HashState::START`].
    pub(super) fn finish(mut self) -> Sha256Digest {
        let bits = self.state.hashed_bytes.wrapping_mul(8);
        let mut last = std::mem::take(&mut self.tail);
        last.push(0x80);
        // The length takes the last eight bytes of the last block.
        while last.len() % HASH_BLOCK_BYTES != HASH_BLOCK_BYTES - 8 {
            last.push(0);
        }
        last.extend_from_slice(&bits.to_be_bytes());
        self.compress(&last);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state.words) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        Sha256Digest(digest)
    }

    fn compress(&mut self, blocks: &[u8]) {
        for block in blocks.chunks_exact(HASH_BLOCK_BYTES) {
            let block = GenericArray::from_slice(block);
            sha2::compress256(&mut self.state.words, std::slice::from_ref(block));
        }
    }
}

/// Bytes that are brought into this processor's cache while those before them are hashed: enough to
/// hide the way from another processor's, and a tenth of the nearest cache.
const FETCHED_BYTES: usize = 4096;

/// What hashes one file: quickly, or so that it can be continued on another volume.
#[derive(Debug)]
pub(super) enum FileHasher {
    Whole(sha2::Sha256),
    /// The part by itself, and the file from its first byte.
    Part {
        part: sha2::Sha256,
        file: RunningSha256,
    },
}

impl FileHasher {
    pub(super) fn whole() -> Self {
        Self::Whole(sha2::Digest::new())
    }

    pub(super) fn part(state: HashState) -> Self {
        Self::Part { part: sha2::Digest::new(), file: RunningSha256::resume(state) }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let mut later = bytes.chunks(FETCHED_BYTES).skip(1);
        for piece in bytes.chunks(FETCHED_BYTES) {
            fetch(later.next().unwrap_or_default());
            match self {
                Self::Whole(hasher) => sha2::Digest::update(hasher, piece),
                Self::Part { part, file } => {
                    sha2::Digest::update(part, piece);
                    file.update(piece);
                }
            }
        }
    }

    /// The digest of what was hashed here, and the running hash of the file if it is a part.
    pub(super) fn finish(self) -> (Sha256Digest, Option<RunningSha256>) {
        match self {
            Self::Whole(hasher) => (digest_of(hasher), None),
            Self::Part { part, file } => (digest_of(part), Some(file)),
        }
    }
}

/// The digest of a `sha2` hasher as our type.
pub(super) fn digest_of(hasher: sha2::Sha256) -> Sha256Digest {
    Sha256Digest(sha2::Digest::finalize(hasher).into())
}

/// The digest of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest(<sha2::Sha256 as sha2::Digest>::digest(bytes).into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_hash_that_was_interrupted_is_the_hash_of_the_whole(
            bytes in proptest::collection::vec(any::<u8>(), 0..1000),
            cut_blocks in 0_usize..8,
            step in 1_usize..200,
        ) {
            let cut = (cut_blocks * HASH_BLOCK_BYTES).min(bytes.len() / 64 * 64);
            let mut first = RunningSha256::resume(HashState::START);
            for piece in bytes[..cut].chunks(step) {
                first.update(piece);
            }
            let json = serde_json::to_string(&first.state().unwrap()).unwrap();
            let mut second = RunningSha256::resume(serde_json::from_str(&json).unwrap());
            for piece in bytes[cut..].chunks(step) {
                second.update(piece);
            }
            prop_assert_eq!(second.finish(), sha256(&bytes));
        }
    }

    #[test]
    fn a_state_in_the_middle_of_a_block_is_not_given_out() {
        let mut hasher = RunningSha256::resume(HashState::START);
        hasher.update(&[1; 65]);
        assert_eq!(hasher.state(), None);
    }
}
