//! Which of the 65,536 files of a chunk have a token: as few bytes, and as a set of bits.
//!
//! ```text
//!  list   := 0 (gap << 1 | is_run) [length - 2] …      varints; gap counts from behind the last file
//!  bitmap := 1 then 1024 big-endian words of 64 bits, file 0 in the lowest bit of the first
//! ```
//!
//! Files of a folder follow one another, so what a folder's path says of them is a run of a few bytes;
//! a token that every third file has is a bit a file. The shorter form is taken. Sets of bits are
//! intersected a machine word at a time, whatever the lists were.

/// Files in a chunk: what a bitmap of one SQLite page tells apart.
pub(super) const CHUNK_FILES: u64 = 1 << CHUNK_BITS;
/// The bits of a copy's number that say which file of its chunk it is.
pub(super) const CHUNK_BITS: u32 = 16;
const WORDS: usize = 1 << (CHUNK_BITS - 6);
const BITMAP_BYTES: usize = WORDS * 8;
const FORM_LIST: u8 = 0;
const FORM_BITMAP: u8 = 1;

/// Files of a chunk as runs, in order, being collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(Vec<(u16, u16)>);

impl Runs {
    /// Adds one file; none after it has been added.
    pub(super) fn add(&mut self, file: u16) {
        match self.0.last_mut() {
            Some((_, last)) if *last == file => {}
            Some((_, last)) if last.checked_add(1) == Some(file) => *last = file,
            _ => self.0.push((file, file)),
        }
    }

    /// Adds all files from `first` to `last`; single ones among them may have been added before.
    pub(super) fn add_run(&mut self, first: u16, last: u16) {
        let mut run = (first, last);
        while let Some(&(start, end)) = self.0.last() {
            if u32::from(end) + 1 < u32::from(run.0) {
                break;
            }
            run = (start.min(run.0), end.max(run.1));
            self.0.pop();
        }
        self.0.push(run);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends the shorter form to `out`.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(FORM_LIST);
        let mut next = 0_u32;
        for &(first, last) in &self.0 {
            let length = u32::from(last - first) + 1;
            put_varint(out, (u32::from(first) - next) << 1 | u32::from(length > 1));
            if length > 1 {
                put_varint(out, length - 2);
            }
            next = u32::from(last) + 1;
            if out.len() - start > BITMAP_BYTES {
                out.truncate(start);
                out.push(FORM_BITMAP);
                let mut files = Files::none();
                self.0.iter().for_each(|&(first, last)| files.set(first.into(), last.into()));
                out.extend(files.0.iter().flat_map(|word| word.to_be_bytes()));
                return;
            }
        }
    }
}

/// A set of files of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files(Box<[u64; WORDS]>);

impl Files {
    pub(super) fn none() -> Self {
        Self(Box::new([0; WORDS]))
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Adds what an encoded form says; false if it is damaged.
    #[must_use]
    pub(super) fn add(&mut self, encoded: &[u8]) -> bool {
        match encoded.split_first() {
            Some((&FORM_BITMAP, bits)) if bits.len() == BITMAP_BYTES => {
                for (word, bytes) in self.0.iter_mut().zip(bits.chunks_exact(8)) {
                    *word |= u64::from_be_bytes(bytes.try_into().unwrap_or_default());
                }
                true
            }
            Some((&FORM_LIST, list)) => self.add_list(list).is_some(),
            _ => false,
        }
    }

    fn add_list(&mut self, list: &[u8]) -> Option<()> {
        let mut rest = list;
        let mut next = 0_u64;
        while !rest.is_empty() {
            let head = take_varint(&mut rest)?;
            let first = next + (head >> 1);
            let length = if head & 1 == 0 { 1 } else { take_varint(&mut rest)? + 2 };
            let last = first + length - 1;
            if last >= CHUNK_FILES {
                return None;
            }
            self.set(usize::try_from(first).ok()?, usize::try_from(last).ok()?);
            next = last + 1;
        }
        Some(())
    }

    /// Adds the files from `first` to `last`.
    fn set(&mut self, first: usize, last: usize) {
        let (from, to) = (first / 64, last / 64);
        let head = u64::MAX << (first % 64);
        let tail = u64::MAX >> (63 - last % 64);
        if from == to {
            self.0[from] |= head & tail;
            return;
        }
        self.0[from] |= head;
        self.0[from + 1..to].fill(u64::MAX);
        self.0[to] |= tail;
    }

    /// Keeps only what `other` holds too.
    pub(super) fn keep(&mut self, other: &Self) {
        for (word, also) in self.0.iter_mut().zip(other.0.iter()) {
            *word &= also;
        }
    }

    /// The files, the last first.
    pub(super) fn descending(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().enumerate().rev().flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = 63_u32.checked_sub(rest.leading_zeros())?;
                rest &= !(1 << bit);
                Some((at as u64) * 64 + u64::from(bit))
            })
        })
    }
}

/// Appends a number, seven bits a byte, low first.
pub(super) fn put_varint(out: &mut Vec<u8>, value: impl Into<u64>) {
    let mut rest: u64 = value.into();
    while rest > 0x7F {
        out.push(u8::try_from(rest & 0x7F).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap_or(0));
}

/// Takes a number from the front; `None` if it is torn or too long.
pub(super) fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set_of(runs: &Runs) -> (Vec<u64>, usize) {
        let mut encoded = Vec::new();
        runs.encode(&mut encoded);
        let mut files = Files::none();
        assert!(files.add(&encoded));
        assert!(encoded.len() <= BITMAP_BYTES + 1);
        (files.descending().collect(), encoded.len())
    }

    #[test]
    fn a_folder_is_a_few_bytes_and_a_dense_token_a_bit_a_file() {
        let mut folder = Runs::default();
        folder.add_run(1000, 1999);
        assert_eq!(set_of(&folder).1, 5);
        let mut dense = Runs::default();
        (0..u16::MAX).filter(|file| file % 3 == 0).for_each(|file| dense.add(file));
        assert_eq!(set_of(&dense).1, BITMAP_BYTES + 1);
        assert_eq!(set_of(&dense).0.len(), 21_845);
    }

    #[test]
    fn damage_is_seen_or_harmless() {
        let mut files = Files::none();
        assert!(!files.add(&[]));
        assert!(!files.add(&[FORM_BITMAP, 1]));
        assert!(!files.add(&[7, 1]));
        assert!(!files.add(&[FORM_LIST, 0x80]));
        assert!(!files.add(&[FORM_LIST, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50))]

        #[test]
        fn what_is_added_is_what_is_found(
            parts in proptest::collection::vec((0_u16..40, 0_u16..500, any::<bool>()), 0..40)
        ) {
            let (mut runs, mut expected, mut next) = (Runs::default(), BTreeSet::new(), 0_u16);
            for (gap, length, has_singles) in parts {
                let Some(first) = next.checked_add(gap) else { break };
                let Some(last) = first.checked_add(length) else { break };
                if has_singles {
                    (first..last).step_by(7).for_each(|file| runs.add(file));
                }
                runs.add_run(first, last);
                expected.extend(u64::from(first)..=u64::from(last));
                next = last;
            }
            let found: Vec<u64> = set_of(&runs).0;
            prop_assert_eq!(found, expected.into_iter().rev().collect::<Vec<_>>());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Files::none().add(&bytes);
        }
    }
}
