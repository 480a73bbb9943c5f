//! The files that are measured with: as many as asked, of one size, with content that does not compress, or
//! that is text.
//!
//! The content differs from file to file and is the same in every run.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use serde::{Deserialize, Serialize};

use crate::app::error::AppError;
use crate::domain::{ByteCount, KIB, MIB};
use crate::jobs::outcome::grouped;

/// Files in one folder, as in a mail folder or a source tree that has grown.
const FILES_PER_FOLDER: u64 = 1000;
/// Bytes written or read at once.
const PIECE_BYTES: u64 = MIB;
/// File systems give files whole pages.
const PAGE_BYTES: u64 = 4 * KIB;
/// What a file system keeps of a file beside its content. Chosen high; tmpfs takes less.
const NODE_BYTES: u64 = KIB;

/// Different words of a text.
const VOCABULARY: usize = 20_000;
/// Text from which pieces are taken: far more than zstd looks back at level 1, so that it does not find them
/// again.
const TEXT_BYTES: usize = 16 * 1024 * 1024;

/// Which of the trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::app) enum TreeKind {
    /// Few files, where bytes cost.
    Large,
    /// Few files that compress.
    Text,
    /// Many files, where names cost.
    Small,
}

impl TreeKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Text => "text",
            Self::Small => "small",
        }
    }
}

/// What is in the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::app) enum Content {
    /// What no program makes smaller, like photographs and films.
    #[default]
    Noise,
    /// Words, some of them often: zstd makes it two fifths at level 1.
    Text,
}

/// How many files of which size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::app) struct TreePlan {
    pub(in crate::app) files: u64,
    pub(in crate::app) file_bytes: u64,
    #[serde(default)]
    pub(in crate::app) content: Content,
}

/// Makes content.
struct ContentSource {
    random: StdRng,
    /// Nothing for noise.
    text: Vec<u8>,
}

impl ContentSource {
    fn of(content: Content, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let text = match content {
            Content::Noise => Vec::new(),
            Content::Text => words(&mut random, TEXT_BYTES),
        };
        Self { random, text }
    }

    fn fill(&mut self, piece: &mut [u8]) {
        let Some(last) = self.text.len().checked_sub(piece.len()) else {
            return self.random.fill_bytes(piece);
        };
        let start = self.random.gen_range(0..=last);
        piece.copy_from_slice(&self.text[start..start + piece.len()]);
    }
}

impl TreePlan {
    /// Of content that does not compress.
    pub(in crate::app) fn of_noise(files: u64, file_bytes: u64) -> Self {
        Self { files, file_bytes, content: Content::Noise }
    }

    /// Bytes of content.
    pub(super) fn bytes(self) -> u64 {
        self.files.saturating_mul(self.file_bytes)
    }

    /// Of half as many files, but of one at least if this has one.
    pub(super) fn half(self) -> Self {
        Self { files: self.files.div_ceil(2), ..self }
    }

    /// Bytes that a file system needs for it.
    pub(super) fn bytes_on_disk(self) -> u64 {
        self.files.saturating_mul(self.file_bytes.next_multiple_of(PAGE_BYTES) + NODE_BYTES)
    }

    /// `100,000 files of 4.0 KiB`.
    pub(super) fn describe(self) -> String {
        let noun = match (self.content, self.files) {
            (Content::Noise, 1) => "file",
            (Content::Noise, _) => "files",
            (Content::Text, 1) => "text",
            (Content::Text, _) => "texts",
        };
        format!("{} {noun} of {}", grouped(self.files), ByteCount(self.file_bytes))
    }

    /// Makes the files below `folder`, which does not exist.
    pub(super) fn make(self, folder: &Path) -> Result<(), AppError> {
        let mut source = ContentSource::of(self.content, self.file_bytes);
        let mut piece = vec![0; usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX)];
        for number in 0..self.files {
            let within = folder.join(format!("folder-{:05}", number / FILES_PER_FOLDER));
            if number % FILES_PER_FOLDER == 0 {
                fs::create_dir_all(&within).map_err(failed("make", &within))?;
            }
            let path = within.join(format!("file-{number:08}.bin"));
            self.make_file(&path, &mut source, &mut piece).map_err(failed("write", &path))?;
        }
        Ok(())
    }

    fn make_file(
        self,
        path: &Path,
        source: &mut ContentSource,
        piece: &mut [u8],
    ) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        let mut left = self.file_bytes;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            source.fill(&mut piece[..length]);
            file.write_all(&piece[..length])?;
            left -= length as u64;
        }
        Ok(())
    }
}

/// Words of a language that nobody speaks, each followed by a blank.
fn words(random: &mut StdRng, bytes: usize) -> Vec<u8> {
    /// Letters of a word at most.
    const LETTERS_MAX: usize = 11;
    let mut vocabulary = Vec::with_capacity(VOCABULARY);
    for _ in 0..VOCABULARY {
        let letters = random.gen_range(2..=LETTERS_MAX);
        let word = (0..letters).map(|_| random.gen_range(b'a'..=b'z'));
        vocabulary.push(word.chain([b' ']).collect::<Vec<u8>>());
    }
    let mut text = Vec::with_capacity(bytes + LETTERS_MAX);
    while text.len() < bytes {
        // The lower the number of a word, the more often it comes, as in languages.
        let chance: f64 = random.gen_range(0.0..1.0);
        let at = rank(chance).min(VOCABULARY - 1);
        text.extend_from_slice(&vocabulary[at]);
    }
    text
}

/// The number of a word for a chance between 0 and 1: the first, as often as the second to third, and so on.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a number of a word, from a figure between 1 and their count"
)]
fn rank(chance: f64) -> usize {
    (VOCABULARY as f64).powf(chance) as usize - 1
}

/// Reads every file below `folder`, so that it is in the page cache if that has room.
pub(super) fn read_through(folder: &Path) -> Result<(), AppError> {
    let mut piece = vec![0; usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX)];
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder).map_err(failed("list", &folder))? {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut file = File::open(&path).map_err(failed("read", &path))?;
            while file.read(&mut piece).map_err(failed("read", &path))? > 0 {}
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// Says what was done to what.
pub(super) fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> AppError + use<> {
    let what = format!("cannot {doing} {}", path.display());
    move |source| AppError::Io { what, source }
}
