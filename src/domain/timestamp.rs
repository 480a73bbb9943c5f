//! A moment in time to the nanosecond, as file systems and LTFS indexes hold it.
//!
//! The text form is the one of LTFS, `2026-11-23T04:54:18.505722554Z`, always with nine digits: the
//! reference reader takes the digits after the dot as a count of nanoseconds. An index of ten
//! million files holds fifty million of them, so the text is made without a formatting engine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
/// Seconds since 1970-01-01T00:00:00Z, and nanoseconds into that second.
///
/// Years 0 to 9999 can be shown; moments outside are clamped when they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds since the epoch, rounded down.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// 0000-01-01T00:00:00Z.
const SECONDS_MIN: i64 = -62_167_219_200;
/// 9999-12-31T23:59:59Z.
const SECONDS_MAX: i64 = 253_402_300_799;
/// Characters of the text form.
const TEXT_CHARS: usize = 30;
const SECONDS_PER_DAY: i64 = 86_400;
/// From March 1 of the year -400 to the epoch.
const DAYS_TO_EPOCH: i64 = 719_468 + 146_097;
const NANOSECONDS_PER_SECOND: i128 = 1_000_000_000;

/// Why a text is not a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a time of the form 2026-11-23T04:54:18.505722554Z")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// The moment `nanoseconds` after (or before) the epoch, clamped to what fits.
    #[must_use]
    pub fn from_unix_nanoseconds(nanoseconds: i128) -> Self {
        let seconds = nanoseconds.div_euclid(NANOSECONDS_PER_SECOND);
        let rest = nanoseconds.rem_euclid(NANOSECONDS_PER_SECOND);
        Self {
            seconds: i64::try_from(seconds).unwrap_or(if seconds < 0 {
                i64::MIN
            } else {
                i64::MAX
            }),
            nanoseconds: u32::try_from(rest).unwrap_or(0),
        }
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub fn unix_nanoseconds(self) -> i128 {
        i128::from(self.seconds) * NANOSECONDS_PER_SECOND + i128::from(self.nanoseconds)
    }

    /// Appends the text form to `out`.
    pub fn write_text(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text());
    }

    /// The text form.
    #[must_use]
    pub fn text(self) -> [u8; TEXT_CHARS] {
        let seconds = self.seconds.clamp(SECONDS_MIN, SECONDS_MAX);
        let (year, month, day) = civil_date(seconds.div_euclid(SECONDS_PER_DAY));
        let second = u32::try_from(seconds.rem_euclid(SECONDS_PER_DAY)).unwrap_or(0);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let nanoseconds = self.nanoseconds;
        let pairs = [
            (0, year / 100),
            (2, year),
            (5, month),
            (8, day),
            (11, second / 3600),
            (14, second / 60 % 60),
            (17, second % 60),
            (20, nanoseconds / 10_000_000),
            (22, nanoseconds / 100_000),
            (24, nanoseconds / 1000),
            // Nine digits are no pairs: the last two overlap.
            (26, nanoseconds / 10),
            (27, nanoseconds),
        ];
        for (at, value) in pairs {
            let digits = PAIRS[usize::try_from(value).unwrap_or(0) % PAIRS.len()];
            text[at..at + 2].copy_from_slice(&digits);
        }
        text
    }

    /// Reads the text form. One to nine digits may follow the dot; they count nanoseconds.
    #[must_use]
    pub fn parse_text(text: &[u8]) -> Option<Self> {
        let (whole, fraction) = text.strip_suffix(b"Z")?.split_at_checked(20)?;
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.')];
        if separators.iter().any(|&(at, byte)| whole[at] != byte) || fraction.len() > 9 {
            return None;
        }
        let part = |from: usize, to: usize| parse_digits(&whole[from..to]);
        let days = days_of_date(part(0, 4)?, part(5, 7)?, part(8, 10)?)?;
        let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days * SECONDS_PER_DAY + i64::from(hour * 3600 + minute * 60 + second);
        Some(Self { seconds, nanoseconds: parse_digits(fraction)? })
    }
}

/// Days since the epoch of a date of the years 0 to 9999; `None` if there is no such date.
fn days_of_date(year: u32, month: u32, day: u32) -> Option<i64> {
    const LENGTHS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let at = usize::try_from(month.checked_sub(1)?).ok()?;
    let length = LENGTHS.get(at)? + u32::from(is_leap && month == 2);
    if day == 0 || day > length {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of a year, and 400 years earlier
    // than the format's, so that January of year 0 is not before the beginning.
    let years = i64::from(year) + 400 - i64::from(month < 3);
    let months = i64::from((month + 9) % 12);
    let before = years * 365 + years / 4 - years / 100 + years / 400;
    Some(before + (153 * months + 2) / 5 + i64::from(day) - 1 - DAYS_TO_EPOCH)
}

/// Year, month and day of a day of the years 0 to 9999, counted from the epoch.
fn civil_date(days: i64) -> (u32, u32, u32) {
    const DAYS_PER_400_YEARS: u32 = 146_097;
    let days = u32::try_from(days + DAYS_TO_EPOCH).unwrap_or(0);
    let (era, day_of_era) = (days / DAYS_PER_400_YEARS, days % DAYS_PER_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months + 2) / 5 + 1;
    let month = if months < 10 { months + 3 } else { months - 9 };
    (era * 400 + year_of_era + u32::from(month < 3) - 400, month, day)
}

/// Two decimal digits each: a division for two of them, and none that waits for another.
const PAIRS: [[u8; 2]; 100] = pairs();

const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [*b"00"; 100];
    let (mut number, mut digits) = (0, *b"00");
    while number < pairs.len() {
        pairs[number] = digits;
        digits = if digits[1] == b'9' { [digits[0] + 1, b'0'] } else { [digits[0], digits[1] + 1] };
        number += 1;
    }
    pairs
}

/// At most nine digits.
fn parse_digits(digits: &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    let mut is_number = !digits.is_empty();
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        is_number &= digit < 10;
        value = value.wrapping_mul(10).wrapping_add(u32::from(digit));
    }
    is_number.then_some(value)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Self::parse_text(text.as_bytes()).ok_or_else(|| TimestampError(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    /// Text where people read it, two numbers where only programs do.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.seconds, self.nanoseconds).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
            return text.parse().map_err(serde::de::Error::custom);
        }
        let (seconds, nanoseconds) = Deserialize::deserialize(deserializer)?;
        Ok(Self { seconds, nanoseconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_their_known_text() {
        let at = |seconds, nanoseconds| Timestamp { seconds, nanoseconds }.to_string();
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(at(-1, 999_999_999), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(at(1_795_409_658, 505_722_554), "2026-11-23T04:54:18.505722554Z");
        assert_eq!(at(i64::MIN, 0), "0000-01-01T00:00:00.000000000Z");
        assert_eq!(at(i64::MAX, 0), "9999-12-31T23:59:59.000000000Z");
    }

    #[test]
    fn digits_after_the_dot_count_nanoseconds_as_the_reference_reads_them() {
        let parsed = Timestamp::parse_text(b"1970-01-01T00:00:01.5Z").unwrap();
        assert_eq!(parsed, Timestamp { seconds: 1, nanoseconds: 5 });
    }

    #[test]
    fn malformed_text_is_refused() {
        for bad in [
            "",
            "Z",
            "2026-11-23T04:54:18Z",
            "2026-11-23T04:54:18.Z",
            "2026-13-01T00:00:00.0Z",
            "2026-02-30T00:00:00.0Z",
            "2026-11-23T24:00:00.0Z",
            "2026-11-23 04:54:18.0Z",
            "2026-11-23T04:54:18.0123456789Z",
            "-026-11-23T04:54:18.0Z",
        ] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn text_leads_back_to_the_moment(
            seconds in SECONDS_MIN..=SECONDS_MAX, nanoseconds in 0_u32..1_000_000_000
        ) {
            let moment = Timestamp { seconds, nanoseconds };
            let calendar = time::OffsetDateTime::from_unix_timestamp(seconds).unwrap();
            let (year, month, day) = calendar.to_calendar_date();
            let date = format!("{year:04}-{:02}-{day:02}T", u8::from(month));
            proptest::prop_assert_eq!(&moment.text()[..11], date.as_bytes());
            proptest::prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
            proptest::prop_assert_eq!(Timestamp::from_unix_nanoseconds(moment.unix_nanoseconds()), moment);
        }
    }
}
