//! LTO generations and the figures that planning and the virtual library need.
//!
//! Rates are those of full-height drives. The speed bands of LTO-7 to LTO-10 are IBM's published
//! speed-matching tables; LTO-5 and LTO-6 are HPE's published minima, with steps chosen between.

use serde::{Deserialize, Serialize};

use super::units::ByteCount;

/// Bytes in a vendor's megabyte; rates and capacities of tapes are decimal.
const MB: u64 = 1_000_000;
/// Bytes in a vendor's gigabyte.
const GB: u64 = 1000 * MB;

/// A generation of drive or cartridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LtoGeneration {
    /// 1.5 TB, the first with partitions and so the first that can hold LTFS.
    #[serde(rename = "LTO-5")]
    Lto5,
    /// 2.5 TB.
    #[serde(rename = "LTO-6")]
    Lto6,
    /// 6 TB.
    #[serde(rename = "LTO-7")]
    Lto7,
    /// 12 TB.
    #[serde(rename = "LTO-8")]
    Lto8,
    /// 18 TB; initialised at its first load.
    #[serde(rename = "LTO-9")]
    Lto9,
    /// 30 TB; reads no earlier generation.
    #[serde(rename = "LTO-10")]
    Lto10,
}

impl LtoGeneration {
    /// All that can hold LTFS, oldest first.
    pub const ALL: [Self; 6] =
        [Self::Lto5, Self::Lto6, Self::Lto7, Self::Lto8, Self::Lto9, Self::Lto10];

    /// The name people use, as in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lto5 => "LTO-5",
            Self::Lto6 => "LTO-6",
            Self::Lto7 => "LTO-7",
            Self::Lto8 => "LTO-8",
            Self::Lto9 => "LTO-9",
            Self::Lto10 => "LTO-10",
        }
    }

    /// The generation of that [`name`](Self::name).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|g| g.name().eq_ignore_ascii_case(name))
    }

    /// The last two characters of a data cartridge's barcode.
    #[must_use]
    pub fn media_suffix(self) -> &'static str {
        match self {
            Self::Lto5 => "L5",
            Self::Lto6 => "L6",
            Self::Lto7 => "L7",
            Self::Lto8 => "L8",
            Self::Lto9 => "L9",
            Self::Lto10 => "LA",
        }
    }

    /// The generation of a media suffix: rewritable (`L9`) or WORM (`LY`).
    #[must_use]
    pub fn from_media_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "L5" | "LV" => Some(Self::Lto5),
            "L6" | "LW" => Some(Self::Lto6),
            "L7" | "LX" => Some(Self::Lto7),
            "L8" | "M8" | "LY" => Some(Self::Lto8),
            "L9" | "LZ" => Some(Self::Lto9),
            "LA" | "PA" => Some(Self::Lto10),
            _ => None,
        }
    }

    /// Primary density code, as in the mode parameter block descriptor and density report.
    #[must_use]
    pub fn density_code(self) -> u8 {
        match self {
            Self::Lto5 => 0x58,
            Self::Lto6 => 0x5A,
            Self::Lto7 => 0x5C,
            Self::Lto8 => 0x5E,
            Self::Lto9 => 0x60,
            Self::Lto10 => 0x62,
        }
    }

    /// The generation of a density code.
    #[must_use]
    pub fn from_density_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|g| g.density_code() == code)
    }

    /// Native capacity.
    #[must_use]
    pub fn native_capacity(self) -> ByteCount {
        ByteCount(match self {
            Self::Lto5 => 1_500 * GB,
            Self::Lto6 => 2_500 * GB,
            Self::Lto7 => 6_000 * GB,
            Self::Lto8 => 12_000 * GB,
            Self::Lto9 => 18_000 * GB,
            Self::Lto10 => 30_000 * GB,
        })
    }

    /// Rates at which the drive can stream this medium, highest first, in bytes a second.
    #[must_use]
    pub fn speed_bands_bytes_per_second(self) -> &'static [u64] {
        match self {
            Self::Lto5 => &[140 * MB, 120 * MB, 100 * MB, 80 * MB, 60 * MB, 47 * MB],
            Self::Lto6 => &[160 * MB, 140 * MB, 115 * MB, 90 * MB, 70 * MB, 54 * MB],
            Self::Lto7 => &[
                306_000_000,
                287_500_000,
                268_600_000,
                250_700_000,
                231_900_000,
                213_100_000,
                194_300_000,
                175_500_000,
                157_700_000,
                138_500_000,
                120_100_000,
                101_500_000,
            ],
            Self::Lto8 => &[
                365_000_000,
                341_000_000,
                318_000_000,
                306_400_000,
                273_000_000,
                249_500_000,
                226_000_000,
                203_000_000,
                180_000_000,
                157_500_000,
                135_000_000,
                112_000_000,
            ],
            Self::Lto9 => &[
                408 * MB,
                385 * MB,
                366 * MB,
                347 * MB,
                325 * MB,
                305 * MB,
                284 * MB,
                263 * MB,
                244 * MB,
                223 * MB,
                203 * MB,
                177 * MB,
            ],
            Self::Lto10 => &[
                407 * MB,
                387 * MB,
                368 * MB,
                349 * MB,
                330 * MB,
                311 * MB,
                291 * MB,
                272 * MB,
                253 * MB,
                234 * MB,
                214 * MB,
                195 * MB,
                176 * MB,
                157 * MB,
            ],
        }
    }

    /// The slowest rate at which the drive streams without stopping, in bytes a second.
    #[must_use]
    pub fn streaming_min_bytes_per_second(self) -> u64 {
        self.speed_bands_bytes_per_second().iter().copied().min().unwrap_or(0)
    }

    /// The highest native rate, in bytes a second.
    #[must_use]
    pub fn streaming_max_bytes_per_second(self) -> u64 {
        self.speed_bands_bytes_per_second().iter().copied().max().unwrap_or(0)
    }

    /// True if a drive of this generation can read a cartridge of `medium`.
    #[must_use]
    pub fn can_read(self, medium: Self) -> bool {
        let back = match self {
            Self::Lto5 | Self::Lto6 | Self::Lto7 => 2,
            Self::Lto8 | Self::Lto9 => 1,
            Self::Lto10 => 0,
        };
        (self as u8).checked_sub(medium as u8).is_some_and(|age| age <= back)
    }

    /// True if a drive of this generation can write a cartridge of `medium`.
    #[must_use]
    pub fn can_write(self, medium: Self) -> bool {
        let back = if self == Self::Lto10 { 0 } else { 1 };
        (self as u8).checked_sub(medium as u8).is_some_and(|age| age <= back)
    }
}

impl std::fmt::Display for LtoGeneration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_read_and_write_what_their_generation_can() {
        use LtoGeneration::{Lto5, Lto6, Lto7, Lto8, Lto9, Lto10};
        assert!(Lto7.can_read(Lto5) && !Lto7.can_write(Lto5) && Lto7.can_write(Lto6));
        assert!(Lto8.can_read(Lto7) && Lto8.can_write(Lto7) && !Lto8.can_read(Lto6));
        assert!(Lto9.can_read(Lto8) && !Lto9.can_read(Lto7));
        assert!(Lto10.can_read(Lto10) && !Lto10.can_read(Lto9) && !Lto10.can_write(Lto9));
        assert!(!Lto8.can_read(Lto9));
    }

    #[test]
    fn codes_lead_back_to_their_generation() {
        for generation in LtoGeneration::ALL {
            assert_eq!(
                LtoGeneration::from_density_code(generation.density_code()),
                Some(generation)
            );
            assert_eq!(
                LtoGeneration::from_media_suffix(generation.media_suffix()),
                Some(generation)
            );
            assert_eq!(LtoGeneration::from_name(generation.name()), Some(generation));
        }
    }
}
