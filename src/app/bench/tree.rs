//! The files that are measured with: as many as asked, of one size, with content that does not compress.
//!
//! The content differs from file to file and is the same in every run.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
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

/// Which of the two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::app) enum TreeKind {
    /// Few files, where bytes cost.
    Large,
    /// Many files, where names cost.
    Small,
}

impl TreeKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Large => "large",
            Self::Small => "small",
        }
    }
}

/// How many files of which size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::app) struct TreePlan {
    pub(in crate::app) files: u64,
    pub(in crate::app) file_bytes: u64,
}

impl TreePlan {
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
        let noun = if self.files == 1 { "file" } else { "files" };
        format!("{} {noun} of {}", grouped(self.files), ByteCount(self.file_bytes))
    }

    /// Makes the files below `folder`, which does not exist.
    pub(super) fn make(self, folder: &Path) -> Result<(), AppError> {
        let mut noise = StdRng::seed_from_u64(self.file_bytes);
        let mut piece = vec![0; usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX)];
        for number in 0..self.files {
            let within = folder.join(format!("folder-{:05}", number / FILES_PER_FOLDER));
            if number % FILES_PER_FOLDER == 0 {
                fs::create_dir_all(&within).map_err(failed("make", &within))?;
            }
            let path = within.join(format!("file-{number:08}.bin"));
            self.make_file(&path, &mut noise, &mut piece).map_err(failed("write", &path))?;
        }
        Ok(())
    }

    fn make_file(self, path: &Path, noise: &mut StdRng, piece: &mut [u8]) -> io::Result<()> {
        let mut file = File::create_new(path)?;
        let mut left = self.file_bytes;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            noise.fill_bytes(&mut piece[..length]);
            file.write_all(&piece[..length])?;
            left -= length as u64;
        }
        Ok(())
    }
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
