//! The signed list of what a run put on a volume, and the material beside it.
//!
//! [`ManifestWriter`] and [`ManifestReader`] stream: memory does not grow with the count of entries.
//! [`verify_manifest`] says whether a manifest is whole and whose it is. [`RunIndex`] is the short
//! form of its entries for rebuilding the catalog. [`VolumeRecord`] is `volume.json`, and
//! [`readme_text`] the plain words beside it. Nothing here touches a tape or a disk. The format:
//!
#![doc = include_str!("MANIFEST.md")]

mod decode;
mod encode;
mod entry;
mod error;
mod finder;
mod header;
mod names;
mod reader;
mod readme;
mod run_index;
mod verify;
mod volume;
mod writer;

pub use entry::{Codec, EntryState, FilePart, ManifestEntry, SealedContent, VolumeExtent};
pub use error::{ManifestError, ManifestErrorKind};
pub use finder::{ManifestFinder, Step};
pub use header::{Counts, ManifestHeader, PreviousVolume, RunKind};
pub use names::{SEALED_SUFFIX, ZSTD_SUFFIX, part_name};
pub use reader::{ManifestEnd, ManifestReader};
pub use readme::readme_text;
pub use run_index::{IndexedFile, RunIndex};
pub use verify::{Verdict, Verification, verify_manifest, verify_volume_record};
pub use volume::VolumeRecord;
pub use writer::ManifestWriter;

#[cfg(test)]
mod tests;
