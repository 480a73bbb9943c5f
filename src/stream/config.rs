//! What a stream is allowed to use, and the figures of the medium it feeds.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::StreamError;
use crate::domain::units::{KIB, MIB};
use crate::domain::{Clock, LtoGeneration, SystemClock};
use crate::keys::sealed::{DataKey, KeySource};

/// Which engine reads files and staging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineChoice {
    /// io_uring where the kernel allows it.
    #[default]
    Auto,
    /// io_uring or an error.
    Ring,
    /// Blocking calls on threads.
    Plain,
}

/// The settings of one stream. Memory used is at most what [`memory_bytes`](Self::memory_bytes) says.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// Bytes of a tape block and of a slab: 4 KiB to 1 MiB, a multiple of 4 KiB.
    pub block_bytes: u32,
    /// Memory for slabs: the RAM part of stage-ahead.
    pub ram_bytes: u64,
    /// Threads that read small files, hash and compress. 0: one a processor.
    pub worker_count: usize,
    /// Files up to this are read many at a time and copied once; larger ones are read into place.
    /// At most 1 MiB counts.
    pub small_file_bytes_max: u64,
    /// Which engine.
    pub engine: EngineChoice,
    /// The staging folder behind the RAM, if there is one.
    pub staging: Option<StagingConfig>,
    /// What the loaded medium needs. Nothing: the drive takes what comes.
    pub medium: Option<MediumRates>,
    /// Seals everything that is stored with this key, if there is one.
    pub seal: Option<Arc<DataKey>>,
    /// Where the keys of what was stored sealed are found.
    pub keys: Option<Arc<dyn KeySource>>,
    /// Measures rates.
    pub clock: Arc<dyn Clock>,
}

/// A folder on a fast disk that holds what the RAM cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagingConfig {
    /// The folder; files in it whose names begin with ours are deleted when no process holds them.
    pub folder: PathBuf,
    /// Reserved there at start, in bytes.
    pub bytes_max: u64,
    /// Whether a disk of its own has to be mounted there: where that is away, the folder below it is not meant.
    pub needs_mount: bool,
}

/// The rates at which a drive streams a medium: its speed bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediumRates {
    bands_bytes_per_second: &'static [u64],
    limits: Option<RateLimits>,
    is_compressing: bool,
}

/// Rates of a drive that are not the published ones of its generation, as those of half-height drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Below this it stops and repositions, in bytes a second.
    pub slowest: u64,
    /// More it does not take, in bytes a second. Not less than the slowest.
    pub fastest: u64,
}

impl MediumRates {
    /// The bands, highest first; at least one.
    #[must_use]
    pub const fn new(bands_bytes_per_second: &'static [u64]) -> Self {
        Self { bands_bytes_per_second, limits: None, is_compressing: false }
    }

    /// The same within limits: the bands between them, and the limits themselves.
    #[must_use]
    pub const fn limited(self, limits: RateLimits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// The same for a drive that compresses what may still compress: how much of it the tape gets is
    /// not known beforehand.
    #[must_use]
    pub const fn compressing(self, is_compressing: bool) -> Self {
        Self { is_compressing, ..self }
    }

    /// True if the drive compresses.
    #[must_use]
    pub fn is_compressing(self) -> bool {
        self.is_compressing
    }

    /// The published bands of a generation.
    #[must_use]
    pub fn of(generation: LtoGeneration) -> Self {
        Self::new(generation.speed_bands_bytes_per_second())
    }

    /// Below this the drive stops and repositions, in bytes a second.
    #[must_use]
    pub fn slowest(self) -> u64 {
        let published = self.bands_bytes_per_second.last().copied().unwrap_or(0);
        self.limits.map_or(published, |limits| limits.slowest)
    }

    /// The highest native rate, in bytes a second.
    #[must_use]
    pub fn fastest(self) -> u64 {
        let published = self.bands_bytes_per_second.first().copied().unwrap_or(0);
        self.limits.map_or(published, |limits| limits.fastest)
    }

    /// The fastest band that `bytes_per_second` can fill; the slowest if it fills none.
    #[must_use]
    pub fn band_within(self, bytes_per_second: u64) -> u64 {
        let (slowest, fastest) = (self.slowest(), self.fastest());
        let between = self.bands_bytes_per_second.iter().copied();
        let between = between.filter(|band| (slowest..fastest).contains(band));
        let mut bands = std::iter::once(fastest).chain(between);
        bands.find(|band| *band <= bytes_per_second).unwrap_or(slowest)
    }
}

/// LTFS's own default: see field notes on HBAs that refuse more.
const BLOCK_BYTES_DEFAULT: u32 = 512 * 1024;
/// Chosen: half a second of the fastest drive, a file of 200 MB hashed ahead of its turn, and small machines can
/// spare it. Four times as much was measured: large files come up to a tenth faster where memory is
/// fast and no faster where it is not, and a restore is slower by a quarter.
const RAM_BYTES_DEFAULT: u64 = 256 * MIB;
/// Copying this much costs less than an operation of its own. Chosen, see `batch`.
const SMALL_FILE_BYTES_MAX_DEFAULT: u64 = 256 * KIB;
/// Slabs without which the stages would wait for each other.
const SLAB_COUNT_MIN: u64 = 4;

/// Bytes of a batch of small files; also the size of a chunk that is compressed by itself.
pub(super) const BATCH_BYTES: usize = 1024 * 1024;
/// Files in a batch. More would make one worker the last to finish.
pub(super) const BATCH_FILES_MAX: usize = 128;
/// Bytes of a large file that become one zstd frame: large enough that the ratio hardly suffers.
pub(super) const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// See [`StreamConfig::unhashed_bytes_max`].
const UNHASHED_BYTES_MAX: u64 = 16 * MIB;
/// Slabs into which staged blocks are read back ahead of the drive.
pub(super) const READ_BACK_SLABS: usize = 32;
/// Records on their way to the drives: about 120 MB of them.
pub(super) const RECORDS_MAX: usize = 500_000;
/// Files whose end may lie in one slab. The rest of such a slab stays dead, so that a slab full of
/// one-byte files cannot hold half a million records.
pub(super) const RECORDS_PER_SLAB_MAX: usize = 8192;
/// A stop of the drive shorter than this is hidden by its own buffer. Chosen, no data yet.
pub(super) const UNDERRUN_HIDDEN: Duration = Duration::from_millis(500);

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            block_bytes: BLOCK_BYTES_DEFAULT,
            ram_bytes: RAM_BYTES_DEFAULT,
            worker_count: 0,
            small_file_bytes_max: SMALL_FILE_BYTES_MAX_DEFAULT,
            engine: EngineChoice::Auto,
            staging: None,
            medium: None,
            seal: None,
            keys: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl StreamConfig {
    /// Threads that do the work.
    #[must_use]
    pub fn workers(&self) -> usize {
        match self.worker_count {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => count,
        }
    }

    /// Slabs in memory.
    #[must_use]
    pub fn slab_count(&self) -> usize {
        let count = (self.ram_bytes / u64::from(self.block_bytes.max(1))).max(SLAB_COUNT_MIN);
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Bytes of a large file that may be read and not hashed. Enough to keep a disk array busy; so little
    /// that hashing finds them in the cache and not in memory, and that the memory is not full of them.
    pub(super) fn unhashed_bytes_max(&self) -> u64 {
        UNHASHED_BYTES_MAX.min(self.ram_bytes / 8)
    }

    /// Bytes of large files that may be in memory before their turn, those that wait for a drive included: what
    /// is read ahead shall not cost a drive its head start. A quarter is enough for the file whose turn it is; with
    /// a half, large files were measured to come 4 to 7 % slower where memory is fast.
    pub(super) fn ahead_bytes_max(&self) -> u64 {
        self.ram_bytes / 4 * 3
    }

    /// Batches of small files in flight.
    pub(super) fn batch_count(&self) -> usize {
        2 * self.workers() + 2
    }

    /// Chunks that are compressed, or wait to be hashed. With more of them the next file would begin sooner; that
    /// was measured to be no faster and to cost a tenth more, as what waits long is in no cache any more.
    pub(super) fn chunk_count(&self) -> usize {
        2 * self.workers() + 1
    }

    /// All buffers that a stream with this configuration can ever hold.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let slabs = self.slab_count() as u64 * u64::from(self.block_bytes);
        let read_back = self.staging.as_ref().map_or(0, |_| READ_BACK_SLABS as u64);
        let batches = (self.batch_count() * BATCH_BYTES) as u64;
        let chunks = (self.chunk_count() * CHUNK_BYTES) as u64;
        // Chunks are sealed in the slabs.
        let batch_forms = if self.seal.is_some() { 3 } else { 2 };
        let read_back_bytes = read_back * u64::from(self.block_bytes);
        slabs + read_back_bytes + batch_forms * batches + 2 * chunks
    }

    /// Refuses what cannot work.
    pub(super) fn ensure_sound(&self) -> Result<(), StreamError> {
        let block = u64::from(self.block_bytes);
        if !block.is_multiple_of(4 * KIB) || !(4 * KIB..=MIB).contains(&block) {
            return Err(StreamError::Config(format!(
                "blocks of {block} bytes: 4096 to 1048576, a multiple of 4096"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_take_the_place_of_the_published_ends_and_keep_the_bands_between() {
        let published = MediumRates::of(LtoGeneration::Lto6);
        let (slowest, fastest) = (60_000_000, 120_000_000);
        let limited = published.limited(RateLimits { slowest, fastest });
        assert_eq!((limited.slowest(), limited.fastest()), (slowest, fastest));
        for (rate, band) in
            [(500, 60), (65, 60), (75, 70), (100, 90), (119, 115), (120, 120), (900, 120)]
        {
            let wanted = if rate == 500 { 1 } else { rate * 1_000_000 };
            assert_eq!(limited.band_within(wanted), band * 1_000_000, "{rate}");
        }
        assert_eq!(published.band_within(65_000_000), 54_000_000);
    }

    #[test]
    fn a_block_size_that_no_drive_takes_is_refused() {
        for block_bytes in [0, 1000, 4097, 2 * 1024 * 1024] {
            let config = StreamConfig { block_bytes, ..StreamConfig::default() };
            assert!(config.ensure_sound().is_err(), "{block_bytes}");
        }
        assert!(StreamConfig::default().ensure_sound().is_ok());
    }
}
