//! SHA-256 whose running state is in the open: it can leave the process, and two of them can go side by side.
//!
//! A file larger than a cartridge is hashed across volumes, perhaps with days and a restart in between; a part
//! of it is hashed by itself too, and small files come in batches. [`sha2::Sha256`] keeps its state to itself,
//! so the stream has [`RunningSha256`] over the same compression function ([`compress`](super::compress)).

use serde::{Deserialize, Serialize};

use super::buffers::fetch;
use super::compress::{Block, Words, compress, compress_two};
use crate::domain::digest::Sha256Digest;

/// Bytes that SHA-256 takes in one step.
pub(super) const HASH_BLOCK_BYTES: usize = 64;

/// The state of SHA-256 after a whole number of blocks. Survives a restart as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashState {
    words: Words,
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
    /// What does not fill a block yet.
    tail: Block,
    tail_bytes: usize,
}

impl RunningSha256 {
    /// Of a message from its first byte.
    pub(super) fn new() -> Self {
        Self::resume(HashState::START)
    }

    /// Goes on from `state`.
    pub(super) fn resume(state: HashState) -> Self {
        Self { state, tail: [0; HASH_BLOCK_BYTES], tail_bytes: 0 }
    }

    /// Takes more bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let mut later = bytes.chunks(FETCHED_BYTES).skip(1);
        for piece in bytes.chunks(FETCHED_BYTES) {
            fetch(later.next().unwrap_or_default());
            let (blocks, rest) = self.fill_tail(piece).as_chunks();
            compress(&mut self.state.words, blocks);
            self.keep(rest);
        }
    }

    /// Takes what completes the tail, as far as it is there; the rest begins a block.
    fn fill_tail<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        self.state.hashed_bytes += bytes.len() as u64;
        if self.tail_bytes == 0 {
            return bytes;
        }
        let wanted = (HASH_BLOCK_BYTES - self.tail_bytes).min(bytes.len());
        let (missing, rest) = bytes.split_at(wanted);
        self.tail[self.tail_bytes..self.tail_bytes + wanted].copy_from_slice(missing);
        self.tail_bytes += wanted;
        if self.tail_bytes == HASH_BLOCK_BYTES {
            compress(&mut self.state.words, &[self.tail]);
            self.tail_bytes = 0;
        }
        rest
    }

    /// Keeps less than a block, behind a tail that is filled only if nothing is left.
    fn keep(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.tail[..rest.len()].copy_from_slice(rest);
            self.tail_bytes = rest.len();
        }
    }

    /// The state, if a whole number of blocks was taken.
    pub(super) fn state(&self) -> Option<HashState> {
        (self.tail_bytes == 0).then_some(self.state)
    }

    /// The digest of everything since [`HashState::START`].
    pub(super) fn finish(mut self) -> Sha256Digest {
        let bits = self.state.hashed_bytes.wrapping_mul(8);
        let mut last = [[0; HASH_BLOCK_BYTES]; 2];
        last[0] = self.tail;
        last[0][self.tail_bytes..].fill(0);
        last[0][self.tail_bytes] = 0x80;
        // The length takes the last eight bytes of the last block.
        let blocks = if self.tail_bytes < HASH_BLOCK_BYTES - LENGTH_BYTES { 1 } else { 2 };
        last[blocks - 1][HASH_BLOCK_BYTES - LENGTH_BYTES..].copy_from_slice(&bits.to_be_bytes());
        compress(&mut self.state.words, &last[..blocks]);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state.words) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        Sha256Digest(digest)
    }
}

/// Takes more bytes into both, at once as far as both have any.
fn update_two(
    (first, first_bytes): (&mut RunningSha256, &[u8]),
    (second, second_bytes): (&mut RunningSha256, &[u8]),
) {
    let mut first_pieces = first_bytes.chunks(FETCHED_BYTES).peekable();
    let mut second_pieces = second_bytes.chunks(FETCHED_BYTES).peekable();
    loop {
        let (mine, other) = (first_pieces.next(), second_pieces.next());
        if mine.is_none() && other.is_none() {
            return;
        }
        fetch(first_pieces.peek().copied().unwrap_or_default());
        fetch(second_pieces.peek().copied().unwrap_or_default());
        let (mine, my_rest) = first.fill_tail(mine.unwrap_or_default()).as_chunks();
        let (other, other_rest) = second.fill_tail(other.unwrap_or_default()).as_chunks();
        compress_two((&mut first.state.words, mine), (&mut second.state.words, other));
        first.keep(my_rest);
        second.keep(other_rest);
    }
}

/// Bytes that are brought into this processor's cache while those before them are hashed: enough to
/// hide the way from another processor's, and a tenth of the nearest cache.
const FETCHED_BYTES: usize = 4096;
/// The message's length in bits, at its end.
const LENGTH_BYTES: usize = 8;

/// What hashes one file, or a part of it that can be continued on another volume.
#[derive(Debug)]
pub(super) enum FileHasher {
    Whole(RunningSha256),
    /// The part by itself, and the file from its first byte.
    Part {
        part: RunningSha256,
        file: RunningSha256,
    },
}

impl FileHasher {
    pub(super) fn whole() -> Self {
        Self::Whole(RunningSha256::new())
    }

    pub(super) fn part(state: HashState) -> Self {
        Self::Part { part: RunningSha256::new(), file: RunningSha256::resume(state) }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Whole(hasher) => hasher.update(bytes),
            Self::Part { part, file } => update_two((part, bytes), (file, bytes)),
        }
    }

    /// The digest of what was hashed here, and the running hash of the file if it is a part.
    pub(super) fn finish(self) -> (Sha256Digest, Option<RunningSha256>) {
        match self {
            Self::Whole(hasher) => (hasher.finish(), None),
            Self::Part { part, file } => (part.finish(), Some(file)),
        }
    }
}

/// Takes the next bytes of two forms of a file, side by side.
pub(super) fn update_both(
    (first, first_bytes): (&mut FileHasher, &[u8]),
    (second, second_bytes): (&mut FileHasher, &[u8]),
) {
    if let (FileHasher::Whole(first), FileHasher::Whole(second)) = (&mut *first, &mut *second) {
        update_two((first, first_bytes), (second, second_bytes));
    } else {
        // A part is two hashes already.
        first.update(first_bytes);
        second.update(second_bytes);
    }
}

/// The digest of `bytes`.
#[cfg(test)]
pub(super) fn sha256(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest(<sha2::Sha256 as sha2::Digest>::digest(bytes).into())
}

/// The digests of all `messages`, in their order.
pub(super) fn sha256_each<'m>(messages: impl IntoIterator<Item = &'m [u8]>) -> Vec<Sha256Digest> {
    let mut messages = messages.into_iter();
    let mut digests = Vec::with_capacity(messages.size_hint().0);
    while let Some(message) = messages.next() {
        let mut first = RunningSha256::new();
        let Some(another) = messages.next() else {
            first.update(message);
            digests.push(first.finish());
            break;
        };
        let mut second = RunningSha256::new();
        update_two((&mut first, message), (&mut second, another));
        digests.extend([first.finish(), second.finish()]);
    }
    digests
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
            let mut first = RunningSha256::new();
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

    proptest! {
        #[test]
        fn two_side_by_side_are_each_what_they_are_alone(
            one in proptest::collection::vec(any::<u8>(), 0..20_000),
            other in proptest::collection::vec(any::<u8>(), 0..20_000),
            one_step in 1_usize..9000,
            other_step in 1_usize..9000,
        ) {
            let mut first = RunningSha256::new();
            let mut second = RunningSha256::new();
            let mut others = other.chunks(other_step);
            for piece in one.chunks(one_step) {
                update_two((&mut first, piece), (&mut second, others.next().unwrap_or_default()));
            }
            for piece in others {
                update_two((&mut first, &[]), (&mut second, piece));
            }
            prop_assert_eq!(first.finish(), sha256(&one));
            prop_assert_eq!(second.finish(), sha256(&other));
        }

        #[test]
        fn every_message_of_many_has_its_own_digest(
            messages in proptest::collection::vec(
                proptest::collection::vec(any::<u8>(), 0..300), 0..8),
        ) {
            let digests = sha256_each(messages.iter().map(Vec::as_slice));
            let alone: Vec<_> = messages.iter().map(|message| sha256(message)).collect();
            prop_assert_eq!(digests, alone);
        }
    }

    #[test]
    fn a_state_in_the_middle_of_a_block_is_not_given_out() {
        let mut hasher = RunningSha256::new();
        hasher.update(&[1; 65]);
        assert_eq!(hasher.state(), None);
    }
}
