//! How much of the next file a volume still takes.
//!
//! A volume must end with its indexes and the manifest on it, whatever happens, so room for them is
//! kept from the first file on and grows with every file admitted. The figures are upper bounds for
//! what this program writes; the drive's early warning is the second line, not the plan.
//!
//! A file that does not fit goes whole to the next volume, unless that would waste much of this one
//! or no volume could hold it: then it is split.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::stream::{Placement, Room, RoomRequest};

/// Bytes of one file in an index: measured 584 with a short name; long names and two extents more.
const INDEX_BYTES_PER_FILE: u64 = 900;
/// Bytes of one line in a manifest with hash, times, owner and a long path.
const MANIFEST_BYTES_PER_FILE: u64 = 700;
/// Indexes that must still fit at any time: one in the middle, the last, and one to repair with.
const INDEXES_KEPT_FREE: u64 = 3;
/// Signatures, the README, filemarks and partly filled blocks.
const FIXED_BYTES: u64 = 4 * 1024 * 1024;
/// A file is split rather than moved on if this part of the volume would stay empty.
const SPLIT_AT_LEAST: u64 = 64;

/// The room on one volume during one stream.
#[derive(Debug)]
pub(crate) struct VolumeRoom {
    /// Bytes that may be appended, the room for the index as it is now already taken off.
    bytes_at_start: u64,
    /// Bytes of the manifest's lines before this stream.
    manifest_bytes_at_start: u64,
    /// From this much room on, a file that does not fit is split.
    split_bytes_min: u64,
    /// Files admitted.
    files: AtomicU64,
    /// Bytes of indexes written in the middle.
    index_bytes_written: AtomicU64,
}

/// Bytes of indexes, manifests and fixed files that so many files need on a volume beside their own.
pub(super) fn overhead_of(files: u64) -> u64 {
    files.saturating_mul(INDEXES_KEPT_FREE * INDEX_BYTES_PER_FILE + MANIFEST_BYTES_PER_FILE)
        + FIXED_BYTES
}

impl VolumeRoom {
    /// For a volume that takes `bytes_at_start` more and would hold `capacity` if it were empty.
    #[must_use]
    pub(crate) fn new(bytes_at_start: u64, capacity: u64, manifest_bytes: u64) -> Self {
        Self {
            bytes_at_start,
            manifest_bytes_at_start: manifest_bytes,
            split_bytes_min: capacity / SPLIT_AT_LEAST,
            files: AtomicU64::new(0),
            index_bytes_written: AtomicU64::new(0),
        }
    }

    /// Notes an index that was written in the middle of the data.
    pub(crate) fn index_was_written(&self, bytes: u64) {
        self.index_bytes_written.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of one more file that fit.
    pub(super) fn left_for(&self, request: &RoomRequest) -> u64 {
        self.left(request.stream_bytes, self.files.load(Ordering::Relaxed) + 1)
    }

    /// Counts a file that fits.
    pub(super) fn admit(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// True if it is not worth going on with this volume after `bytes` of the file that is asked for: all
    /// of it does not fit, and the rest is too small for a part of it.
    pub(super) fn is_used_up_by(&self, bytes: u64, request: &RoomRequest) -> bool {
        let rest = self.left_for(request).saturating_sub(bytes);
        rest < request.stored_bytes_max.saturating_sub(bytes) && rest < self.split_bytes_min.max(1)
    }

    fn left(&self, stream_bytes: u64, files: u64) -> u64 {
        let kept = overhead_of(files) + self.manifest_bytes_at_start;
        let written = stream_bytes + self.index_bytes_written.load(Ordering::Relaxed);
        self.bytes_at_start.saturating_sub(kept).saturating_sub(written)
    }
}

impl Room for VolumeRoom {
    fn place(&self, request: &RoomRequest) -> Placement {
        let left = self.left_for(request);
        let is_first = request.stream_bytes == 0;
        if request.stored_bytes_max <= left {
            self.admit();
            Placement::Whole
        } else if left > 0 && (is_first || left >= self.split_bytes_min) {
            Placement::Split { bytes: left }
        } else {
            Placement::NextVolume
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn request(stored: u64, stream: u64) -> RoomRequest {
        RoomRequest { ordinal: 0, stored_bytes_max: stored, stream_bytes: stream }
    }

    #[test]
    fn files_fit_until_the_room_for_indexes_would_be_touched() {
        let room = VolumeRoom::new(100 * MIB, 100 * MIB, 0);
        let mut stream = 0;
        while room.place(&request(MIB, stream)) == Placement::Whole {
            stream += MIB;
        }
        assert!((94 * MIB..96 * MIB).contains(&stream), "{stream}");
    }

    #[test]
    fn a_small_rest_is_left_and_a_large_one_takes_the_beginning_of_a_file() {
        let room = VolumeRoom::new(1000 * MIB, 1000 * MIB, 0);
        let Placement::Split { bytes } = room.place(&request(5000 * MIB, 500 * MIB)) else {
            panic!("a large rest is used");
        };
        assert!((495 * MIB..497 * MIB).contains(&bytes), "{bytes}");
        assert_eq!(room.place(&request(5000 * MIB, 985 * MIB)), Placement::NextVolume);
    }

    #[test]
    fn many_files_and_written_indexes_take_room_too() {
        let room = VolumeRoom::new(1000 * MIB, 1000 * MIB, 150 * MIB);
        assert_eq!(room.place(&request(800 * MIB, 0)), Placement::Whole);
        room.index_was_written(50 * MIB);
        assert!(matches!(room.place(&request(800 * MIB, 0)), Placement::Split { .. }));
    }
}
