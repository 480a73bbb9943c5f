//! zstd, a file or a chunk at a time: each call makes one frame, frames in a row are one stream.
//!
//! A worker keeps one compressor a level, because making one costs more than compressing a small
//! file.

use std::fmt;
use std::io;

use zstd::bulk::Compressor;
use zstd::zstd_safe::{WriteBuf, compress_bound};

/// Most bytes that `length` bytes can become, as frames of at most `chunk_bytes` of input.
pub(super) fn stored_bytes_max(length: u64, chunk_bytes: usize) -> u64 {
    let chunk = chunk_bytes as u64;
    let rest = usize::try_from(length % chunk).map_or(0, frame_bytes_max);
    (length / chunk) * frame_bytes_max(chunk_bytes) as u64 + rest as u64
}

/// Most bytes of the frame of `length` bytes.
pub(super) fn frame_bytes_max(length: usize) -> usize {
    compress_bound(length)
}

/// Compresses on one thread.
#[derive(Default)]
pub(super) struct FrameWriter {
    compressor: Option<(i32, Compressor<'static>)>,
}

impl fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.compressor.as_ref().map(|(level, _)| level);
        f.debug_struct("FrameWriter").field("level", &level).finish()
    }
}

impl FrameWriter {
    /// Compresses `raw` into one frame at the start of `frame`; returns its length. A vector gets that
    /// length, and needs room for [the most it can be](frame_bytes_max).
    ///
    /// Fails if the level is out of range or `frame` is smaller than the frame.
    pub(super) fn write<F: WriteBuf + ?Sized>(
        &mut self,
        level: i32,
        raw: &[u8],
        frame: &mut F,
    ) -> io::Result<usize> {
        if self.compressor.as_ref().is_none_or(|(has, _)| *has != level) {
            self.compressor = Some((level, Compressor::new(level)?));
        }
        match &mut self.compressor {
            Some((_, compressor)) => compressor.compress_to_buffer(raw, frame),
            None => Err(io::ErrorKind::Other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_in_a_row_are_one_zstd_stream() {
        let raw: Vec<u8> = (0..100_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        let mut stream = Vec::new();
        let mut writer = FrameWriter::default();
        let mut frame = Vec::new();
        for chunk in raw.chunks(30_000) {
            frame.clear();
            frame.reserve(frame_bytes_max(chunk.len()));
            writer.write(3, chunk, &mut frame).unwrap();
            stream.extend_from_slice(&frame);
        }
        assert!(stream.len() as u64 <= stored_bytes_max(raw.len() as u64, 30_000));
        assert_eq!(zstd::decode_all(stream.as_slice()).unwrap(), raw);
    }
}
