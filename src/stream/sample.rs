//! Whether a large file is worth compressing, by samples of it.
//!
//! Photographs, films and archives are compressed already. Stored as they are they keep their names, any program
//! opens them, they have one hash and not two, and the processors are left alone. The samples lie at the same
//! places whenever a file is asked for, so that all parts of a split file are stored alike.

use super::codec::{FrameWriter, frame_bytes_max};
use super::input::Input;

/// A sample: above twice the distance at which level 1 finds most of what repeats.
const SAMPLE_BYTES: usize = 256 * 1024;
/// One sample in so many bytes of a file, ...
const STRIDE_BYTES: u64 = 64 * 1024 * 1024;
/// ... and at most so many: a disk seeks for each.
const SAMPLES_MAX: u64 = 8;
/// A single sample is not farther from the beginning: behind what cameras write there, and within what
/// a disk reads ahead.
const FIRST_OFFSET_MAX: u64 = 1024 * 1024;
/// The fastest level decides for all: what it cannot make smaller gains little from any.
const LEVEL: i32 = 1;

/// Takes samples on one thread.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    frames: FrameWriter,
    raw: Vec<u8>,
    frame: Vec<u8>,
}

impl Sampler {
    /// True if a twentieth is saved of any sample. A file that cannot be read is for whoever reads it next.
    pub(super) fn is_worth_compressing(&mut self, input: &Input, file_bytes: u64) -> bool {
        offsets(file_bytes).any(|offset| {
            self.raw.resize(SAMPLE_BYTES, 0);
            let Ok(count) = input.read_at(&mut self.raw, offset) else { return true };
            let raw = &self.raw[..count];
            self.frame.clear();
            self.frame.reserve(frame_bytes_max(count));
            let written = self.frames.write(LEVEL, raw, &mut self.frame);
            written.is_ok_and(|length| length < count - count / 20)
        })
    }
}

/// Where the samples of a file lie.
fn offsets(file_bytes: u64) -> impl Iterator<Item = u64> {
    let count = (file_bytes / STRIDE_BYTES).clamp(1, SAMPLES_MAX);
    (0..count).map(move |number| {
        let middle = file_bytes / count * number + file_bytes / count / 2;
        let offset = middle.saturating_sub(SAMPLE_BYTES as u64 / 2);
        if count == 1 { offset.min(FIRST_OFFSET_MAX) } else { offset }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MIB;

    #[test]
    fn samples_are_spread_over_a_large_file_and_lie_near_the_beginning_of_a_smaller_one() {
        let all = |bytes| offsets(bytes).collect::<Vec<_>>();
        assert_eq!(all(300_000), [18_928]);
        assert_eq!(all(100), [0]);
        assert_eq!(all(20 * MIB), [MIB]);
        assert_eq!(all(128 * MIB), [32 * MIB - 128 * 1024, 96 * MIB - 128 * 1024]);
        assert_eq!(all(10_000 * MIB).len(), 8);
    }
}
