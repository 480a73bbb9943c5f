//! How files are named on a volume when their stored bytes are not simply theirs.
//!
//! The names are made for people without this program: a compressed file ends in what `zstd` expects,
//! and the parts of a split one sort in their order under `cat NAME.part-*`.

/// Appended to the name of a compressed file.
pub const ZSTD_SUFFIX: &str = ".zst";
/// Appended to the name of a sealed file, after [`ZSTD_SUFFIX`].
pub const SEALED_SUFFIX: &str = ".sealed";
/// Digits of a part's number: at 100 GB a part, 100,000 parts are 10 EB.
const PART_DIGITS: usize = 5;

/// The name of a part of the stored file `name` (which carries [`ZSTD_SUFFIX`] and
/// [`SEALED_SUFFIX`] already). Parts count from 1.
#[must_use]
pub fn part_name(name: &str, number: u32) -> String {
    format!("{name}.part-{number:0PART_DIGITS$}")
}
