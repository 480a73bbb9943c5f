//! What goes into a backup stream and what comes out of it: planned files, places, records.
//!
//! Values only. The order is the planner's order (depth first), and it never changes on the way:
//! records come out in the order in which files went in, so the spool for the index can be
//! appended.

use serde::{Deserialize, Serialize};

use super::hash::HashState;
use crate::domain::{Sha256Digest, SourcePath};
use crate::keys::KeyId;
use crate::source::FileStamp;

/// One file that shall go to tape.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    /// Its number in the plan; ascending.
    pub ordinal: u64,
    /// Where to open it.
    pub path: SourcePath,
    /// What it was when it was planned. A file that is anything else when read has changed.
    pub stamp: FileStamp,
    /// How to store it.
    pub codec: Codec,
    /// Set if its beginning is on an earlier volume.
    pub continuation: Option<SplitState>,
}

/// How a file's bytes are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// As they are.
    #[default]
    None,
    /// As zstd frames, one after another; `zstd -d` reads them as one stream.
    Zstd {
        /// 1 (fast) to 19 (small).
        level: i32,
    },
}

/// Where a split file goes on. Kept by jobs between volumes; survives a restart as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitState {
    /// The file.
    pub ordinal: u64,
    /// Its first byte that is on no volume yet.
    pub offset: u64,
    /// The number of the next part, from 1.
    pub part: u32,
    /// The hash of everything before `offset`.
    pub running: HashState,
}

/// What became of one planned file (or of the part of it that this volume takes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// Its number in the plan.
    pub ordinal: u64,
    /// The one state it ended in.
    pub outcome: FileOutcome,
}

/// The one state in which a planned file ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOutcome {
    /// Its bytes are in blocks that were put before this record.
    Stored(StoredFile),
    /// It was not the planned file any more, or changed while it was read.
    Changed {
        /// What was seen.
        how: Change,
        /// The bytes as they were read, if all of the planned size were: usable, but of no one
        /// moment in time. Never to be called stored.
        fuzzy: Option<StoredFile>,
    },
    /// It was gone when it was to be opened.
    Vanished,
    /// The source did not deliver it.
    Unreadable {
        /// The source's words.
        reason: String,
        /// True if the source refuses access, which an operator can change.
        is_permission: bool,
    },
}

/// How a file differed from what was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Larger than planned.
    Grew,
    /// Smaller than planned.
    Shrank,
    /// The same size, other times.
    Touched,
    /// Another file under the same name.
    Replaced,
}

impl Change {
    /// How `now` differs from `planned`, if it does.
    #[must_use]
    pub fn between(planned: &FileStamp, now: &FileStamp) -> Option<Self> {
        if planned == now {
            None
        } else if planned.identity != now.identity {
            Some(Self::Replaced)
        } else if now.size_bytes > planned.size_bytes {
            Some(Self::Grew)
        } else if now.size_bytes < planned.size_bytes {
            Some(Self::Shrank)
        } else {
            Some(Self::Touched)
        }
    }
}

/// A file's bytes in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// SHA-256 of the bytes read here: of the file, or of this part of it.
    pub sha256: Sha256Digest,
    /// How many those are.
    pub size_bytes: u64,
    /// How they are stored. [`Codec::None`] where compression did not pay.
    pub codec: Codec,
    /// The key they are sealed with, after the codec.
    pub sealed_by: Option<KeyId>,
    /// Bytes in the stream; `size_bytes` if neither compressed nor sealed.
    pub stored_bytes: u64,
    /// SHA-256 of the bytes in the stream; `sha256` if neither compressed nor sealed.
    pub stored_sha256: Sha256Digest,
    /// Where they are. Nothing for an empty file.
    pub place: Option<Place>,
    /// Set if this is a part of a file that is larger than a volume.
    pub part: Option<Part>,
}

/// Which part of a split file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// Its first byte in the file.
    pub offset: u64,
    /// Where the next part begins; nothing for the last.
    pub next: Option<SplitState>,
    /// SHA-256 of the whole file, known at the last part.
    pub file_sha256: Option<Sha256Digest>,
}

/// A stretch of the stream: from a byte of one slab on through the slabs after it.
///
/// A file is one such stretch. Slab numbers count the blocks put to the sink from 0; which block of
/// the tape each became is known to the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The slab of its first byte.
    pub slab: u64,
    /// Where in that slab, in bytes.
    pub offset: u32,
    /// Its length in bytes, at least 1.
    pub length: u64,
}

/// The part of a [`Place`] that lies in one slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// The slab.
    pub slab: u64,
    /// Where in it, in bytes.
    pub offset: u32,
    /// How many bytes, at least 1.
    pub length: u32,
}

impl Place {
    /// The slab of its last byte.
    #[must_use]
    pub fn last_slab(&self, block_bytes: u32) -> u64 {
        let end = u64::from(self.offset) + self.length.max(1) - 1;
        self.slab + end / u64::from(block_bytes.max(1))
    }

    /// Its pieces slab by slab, for slabs of `block_bytes`.
    pub fn pieces(self, block_bytes: u32) -> impl Iterator<Item = Piece> {
        let mut slab = self.slab;
        let mut offset = self.offset;
        let mut left = self.length;
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let room = block_bytes.saturating_sub(offset).max(1);
            let length = u32::try_from(left).map_or(room, |left| left.min(room));
            let piece = Piece { slab, offset, length };
            left -= u64::from(length);
            slab += 1;
            offset = 0;
            Some(piece)
        })
    }
}

/// Asked before each file with bytes: how much of it may go to this volume.
///
/// Called on the packer's thread, far ahead of the drive; the answer counts what was admitted
/// before, not what is written. With several sinks it speaks for the smallest.
pub trait Room: Sync {
    /// Where `request` may go.
    fn place(&self, request: &RoomRequest) -> Placement;
}

/// A file that wants to go to the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomRequest {
    /// The file.
    pub ordinal: u64,
    /// Most bytes it can take in the stream (of the rest, for a continued file).
    pub stored_bytes_max: u64,
    /// Bytes of the stream before it, dead ones included.
    pub stream_bytes: u64,
}

/// The answer to a [`RoomRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// All of it goes here.
    Whole,
    /// At most this many stored bytes of it go here, the rest to the next volume. Taken only as a
    /// whole multiple of 4096; less than that means [`Placement::NextVolume`].
    Split {
        /// The most that fits.
        bytes: u64,
    },
    /// The volume ends before it.
    NextVolume,
}

/// A volume that takes everything.
#[derive(Clone, Copy, Debug)]
pub struct EndlessRoom;

impl Room for EndlessRoom {
    fn place(&self, _request: &RoomRequest) -> Placement {
        Placement::Whole
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_cover_a_place_without_gap_and_stay_in_their_slabs(
            slab in 0_u64..1000, offset in 0_u32..4096, length in 1_u64..100_000,
        ) {
            let place = Place { slab, offset, length };
            let pieces: Vec<Piece> = place.pieces(4096).collect();
            prop_assert_eq!(pieces.iter().map(|p| u64::from(p.length)).sum::<u64>(), length);
            prop_assert_eq!(pieces[0].slab, slab);
            prop_assert_eq!(pieces[0].offset, offset);
            for (before, after) in pieces.iter().zip(&pieces[1..]) {
                prop_assert_eq!(before.offset + before.length, 4096);
                prop_assert_eq!((after.slab, after.offset), (before.slab + 1, 0));
            }
            prop_assert!(pieces.iter().all(|p| p.length > 0 && p.offset + p.length <= 4096));
            prop_assert_eq!(pieces.last().unwrap().slab, place.last_slab(4096));
        }
    }
}
