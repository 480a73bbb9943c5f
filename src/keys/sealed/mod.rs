//! Sealed files: AES-256-GCM in segments, each proven before it leaves, the file proven as a whole.
//!
//! [`Sealer`] and [`Opener`] work on a file of any length in bounded memory; nothing here touches a tape
//! or a disk, and no key leaves. The format, byte by byte:
//!
#![doc = include_str!("../FORMAT.md")]

mod data_key;
mod digests;
mod error;
mod header;
mod opener;
mod piped;
mod sealer;
mod segment;
#[cfg(test)]
mod tests;

pub use data_key::{DATA_KEY_BYTES, DataKey};
pub use digests::{PlainDigests, open_digests, seal_digests};
pub use error::SealedError;
pub use header::{HEADER_BYTES, Header};
pub use opener::{KeySource, Opener};
pub use piped::{OneKey, OpenReader, SealWriter};
pub use sealer::{Sealer, Segment, plain_bytes_within, seal_whole, sealed_bytes};

/// What was done with the bytes before they were sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inner {
    /// Nothing.
    AsIs,
    /// zstd frames, one after another.
    Zstd,
}

/// What a header says of the file, beside its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SealedForm {
    /// What was done before.
    pub inner: Inner,
    /// The number of the part, from 1; 0 for a whole file. Bound to the key, so that no part passes for
    /// another.
    pub part: u32,
}
