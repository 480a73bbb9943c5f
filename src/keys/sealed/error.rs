//! What can be wrong with sealed bytes, told apart as far as the format allows.

use crate::keys::KeyId;

/// Why sealed bytes cannot be opened. A tape is never to blame for a missing key, nor a key for a
/// damaged tape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealedError {
    /// There is no sealed file here at all.
    #[error("it does not begin like a sealed file")]
    NotSealed,
    /// A later release wrote it.
    #[error("version {0} of the sealed format is newer than this release")]
    Newer(u8),
    /// It ends before its header does.
    #[error("it is cut in its header")]
    HeaderCut,
    /// The header is not as it was written: it fits neither its check sum nor its key.
    #[error("its header is damaged")]
    HeaderDamaged,
    /// The header is whole and names a key that is not at hand.
    #[error("it is sealed with data key {0}, which is not here")]
    KeyMissing(KeyId),
    /// A segment is not as it was written, or stands where another belongs.
    #[error("segment {number} is damaged or not in its place")]
    SegmentDamaged {
        /// Counted from 0.
        number: u64,
    },
    /// All segments that are there are good, and the one that ends the file is missing.
    #[error("it ends after segment {after}: what follows was cut off")]
    LastMissing {
        /// The segments that are there, counted from 1.
        after: u64,
    },
    /// The file was complete, and there is more.
    #[error("there is something behind its last segment, {number}")]
    AfterLast {
        /// The last segment, counted from 0.
        number: u64,
    },
    /// The sealed digests of a manifest do not fit.
    #[error("the sealed digests are damaged")]
    DigestsDamaged,
}
