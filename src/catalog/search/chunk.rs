//! A chunk of the index: which tokens its 65,536 files have, cut into pages that are looked up alone.
//!
//! ```text
//!  page 0  directory: the first token of each page, 8 bytes each, in order
//!  page n  entries in the order of their tokens: varint distance of the token, varint length, files
//! ```
//!
//! A chunk's number is that of its copies without their last bits, so it belongs to one segment, and a
//! file's place in it is those bits: nothing has to be translated, and the newest are found first.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::RangeInclusive;

use super::postings::{Files, Runs, put_varint, take_varint};
use super::tokens::{FolderTokens, IndexedFile, Token, Wanted, file_tokens};

/// Bytes of entries in a page: two pages and their headers fill an SQLite page of 8 KiB.
const PAGE_BYTES: usize = 4000;
/// Pages in a chunk at most; of longer pages if they would be more.
const PAGES_MAX: usize = (1 << PAGE_BITS) - 1;
/// Bits of a page's number.
pub(super) const PAGE_BITS: u32 = 12;
/// Different tokens that are remembered with their memory from chunk to chunk.
const TOKENS_KEPT: usize = 400_000;

/// Hashes tokens, which are well spread by one multiplication.
#[derive(Debug, Default)]
pub(super) struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, token: u64) {
        let mixed = token.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

/// Collects the files of one chunk.
#[derive(Debug, Default)]
pub(super) struct ChunkBuilder {
    tokens: HashMap<Token, Runs, BuildHasherDefault<TokenHasher>>,
    /// The folder of the last files, and the first of them.
    folder: Option<(std::sync::Arc<FolderTokens>, u16)>,
    last: u16,
    chars: Vec<char>,
}

impl ChunkBuilder {
    /// Adds a file behind those that were added.
    pub(super) fn add(
        &mut self,
        place: u16,
        folder: &std::sync::Arc<FolderTokens>,
        file: &IndexedFile<'_>,
    ) {
        let is_same = self.folder.as_ref().is_some_and(|(now, _)| {
            std::sync::Arc::ptr_eq(now, folder) && self.last.checked_add(1) == Some(place)
        });
        if !is_same {
            self.end_folder();
            self.folder = Some((std::sync::Arc::clone(folder), place));
        }
        self.last = place;
        let tokens = &mut self.tokens;
        file_tokens(file, folder, &mut self.chars, |token| {
            tokens.entry(token).or_default().add(place);
        });
    }

    fn end_folder(&mut self) {
        let Some((folder, first)) = self.folder.take() else { return };
        for token in &folder.tokens {
            self.tokens.entry(*token).or_default().add_run(first, self.last);
        }
    }

    /// The pages, the directory first. Afterwards it is empty.
    pub(super) fn finish(&mut self) -> Vec<Vec<u8>> {
        self.end_folder();
        let mut entries: Vec<(&Token, &Runs)> =
            self.tokens.iter().filter(|(_, runs)| !runs.is_empty()).collect();
        entries.sort_unstable_by_key(|(token, _)| **token);
        let mut encoded = Vec::new();
        let mut ends = Vec::with_capacity(entries.len());
        for (_, runs) in &entries {
            runs.encode(&mut encoded);
            ends.push(encoded.len());
        }
        let page_bytes = PAGE_BYTES.max(2 * encoded.len() / PAGES_MAX);
        let mut pages = vec![Vec::new()];
        let (mut start, mut before) = (0, 0);
        for ((token, _), end) in entries.iter().zip(ends) {
            let files = &encoded[start..end];
            start = end;
            let is_full = |page: &Vec<u8>| page.len() + files.len() + 12 > page_bytes;
            if pages.len() == 1 || pages.last().is_some_and(is_full) {
                pages.push(Vec::with_capacity(page_bytes));
                pages[0].extend_from_slice(&token.to_be_bytes());
                before = **token;
            }
            if let Some(page) = pages.last_mut() {
                put_varint(page, **token - before);
                put_varint(page, u64::try_from(files.len()).unwrap_or(0));
                page.extend_from_slice(files);
            }
            before = **token;
        }
        if self.tokens.len() > TOKENS_KEPT {
            self.tokens.clear();
        } else {
            self.tokens.values_mut().for_each(Runs::clear);
        }
        pages
    }
}

/// Gives the pages of a chunk by number; `None` if there is no such page.
pub(super) type Pages<'a, E> = &'a mut dyn FnMut(usize, &mut dyn FnMut(&[u8])) -> Result<bool, E>;

/// Finds files in chunks; keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct ChunkSearch {
    found: Files,
    group: Files,
    first_tokens: Vec<Token>,
}

impl Default for ChunkSearch {
    fn default() -> Self {
        Self { found: Files::none(), group: Files::none(), first_tokens: Vec::new() }
    }
}

/// What a chunk cannot be read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DamagedChunk;

impl ChunkSearch {
    /// The files of a chunk that have what is wanted; `None` if there are none.
    pub(super) fn files<E>(
        &mut self,
        wanted: &Wanted,
        pages: Pages<'_, E>,
    ) -> Result<Result<Option<&Files>, DamagedChunk>, E> {
        let first_tokens = &mut self.first_tokens;
        first_tokens.clear();
        pages(0, &mut |directory| {
            let tokens = directory.as_chunks::<8>().0;
            first_tokens.extend(tokens.iter().map(|token| u64::from_be_bytes(*token)));
        })?;
        for (number, group) in wanted.0.iter().enumerate() {
            self.group.clear();
            for range in group {
                if self.add_range(range, pages)?.is_err() {
                    return Ok(Err(DamagedChunk));
                }
            }
            if number == 0 {
                std::mem::swap(&mut self.found, &mut self.group);
            } else {
                self.found.keep(&self.group);
            }
            if self.found.is_empty() {
                return Ok(Ok(None));
            }
        }
        Ok(Ok(Some(&self.found)))
    }

    /// Adds the files that have a token of the range.
    fn add_range<E>(
        &mut self,
        range: &RangeInclusive<Token>,
        pages: Pages<'_, E>,
    ) -> Result<Result<(), DamagedChunk>, E> {
        // Pages are counted from 1, behind the directory.
        let from = self.first_tokens.partition_point(|first| first <= range.start()).max(1);
        let to = self.first_tokens.partition_point(|first| first <= range.end());
        let mut is_whole = true;
        for page in from..=to {
            let first = self.first_tokens[page - 1];
            let group = &mut self.group;
            let is_there = pages(page, &mut |entries| {
                is_whole &= add_entries(entries, first, range, group).is_some();
            })?;
            is_whole &= is_there;
        }
        Ok(if is_whole { Ok(()) } else { Err(DamagedChunk) })
    }
}

fn add_entries(
    entries: &[u8],
    first: Token,
    range: &RangeInclusive<Token>,
    files: &mut Files,
) -> Option<()> {
    let (mut rest, mut token) = (entries, first);
    while !rest.is_empty() {
        token = token.checked_add(take_varint(&mut rest)?)?;
        let length = usize::try_from(take_varint(&mut rest)?).ok()?;
        let (encoded, tail) = rest.split_at_checked(length)?;
        rest = tail;
        if token > *range.end() {
            break;
        }
        if token >= *range.start() && !files.add(encoded) {
            return None;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::super::tokens::{Conditions, fold};
    use super::*;

    fn found(pages: &[Vec<u8>], word: &str) -> Option<Vec<u64>> {
        let words = [fold(word)];
        let wanted = Wanted::by(&Conditions {
            words: &words,
            extension: None,
            under: None,
            set: Some(1),
            sizes: (0, u64::MAX),
            modified: (i64::MIN, i64::MAX),
        });
        let mut search = ChunkSearch::default();
        let files = search.files::<Infallible>(&wanted, &mut |page, take| {
            pages.get(page).inspect(|page| take(page)).map_or(Ok(false), |_| Ok(true))
        });
        let files = files.unwrap().ok()?;
        Some(files.map(|files| files.descending().collect()).unwrap_or_default())
    }

    fn chunk() -> Vec<Vec<u8>> {
        let mut builder = ChunkBuilder::default();
        let folders = [b"photos/holiday".as_slice(), b"papers"];
        let folders = folders.map(|path| Arc::new(FolderTokens::of(path, 1)));
        for place in 0..5000_u16 {
            let name = format!("file {place:04}.dat");
            let file = IndexedFile { name: name.as_bytes(), size: 5, modified: 7 };
            builder.add(place, &folders[usize::from(place / 2500)], &file);
        }
        builder.finish()
    }

    #[test]
    fn files_are_found_by_any_part_of_their_path_the_last_first() {
        let pages = chunk();
        assert!(pages.len() > 3);
        assert_eq!(found(&pages, "file 0042").unwrap(), [42]);
        assert_eq!(found(&pages, "le 499").unwrap()[..2], [4999, 4998]);
        assert_eq!(found(&pages, "holiday").unwrap().len(), 2500);
        assert_eq!(found(&pages, "days").unwrap(), [0_u64; 0]);
        assert_eq!(found(&pages, "at").unwrap().len(), 5000);
        assert_eq!(found(&pages, "holiday/file 2499").unwrap(), [2499]);
        assert_eq!(found(&pages, "holiday/file 2500").unwrap(), [0_u64; 0]);
    }

    #[test]
    fn a_builder_that_is_used_again_has_forgotten_everything() {
        let mut builder = ChunkBuilder::default();
        let folder = Arc::new(FolderTokens::of(b"", 1));
        builder.add(9, &folder, &IndexedFile { name: b"first", size: 1, modified: 1 });
        builder.finish();
        builder.add(3, &folder, &IndexedFile { name: b"second", size: 1, modified: 1 });
        let pages = builder.finish();
        assert_eq!(found(&pages, "first").unwrap(), [0_u64; 0]);
        assert_eq!(found(&pages, "second").unwrap(), [3]);
    }

    #[test]
    fn a_damaged_or_missing_page_is_told_apart_from_nothing_found() {
        let whole = chunk();
        let mut torn = whole.clone();
        torn[1].truncate(4);
        assert_eq!(found(&torn, "le 499"), None);
        assert_eq!(found(&whole[..whole.len() - 1], "le 499"), None, "the last page has the set");
    }
}
