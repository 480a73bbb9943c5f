//! A moment in time to the nanosecond, as file systems and LTFS indexes hold it.
//!
//! The text form is the one of LTFS, `2026-11-23T04:54:18.505722554Z`, always with nine digits: the
//! reference reader takes the digits after the dot as a count of nanoseconds. An index of ten
//! million files holds fifty million of them, so the text is made without a formatting engine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, Time};

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
        let clamped =
            OffsetDateTime::from_unix_timestamp(self.seconds.clamp(SECONDS_MIN, SECONDS_MAX))
                .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let year = u32::try_from(clamped.year()).unwrap_or(0);
        out.reserve(TEXT_CHARS);
        push_digits(out, year, 4);
        out.push(b'-');
        push_digits(out, u32::from(u8::from(clamped.month())), 2);
        out.push(b'-');
        push_digits(out, u32::from(clamped.day()), 2);
        out.push(b'T');
        push_digits(out, u32::from(clamped.hour()), 2);
        out.push(b':');
        push_digits(out, u32::from(clamped.minute()), 2);
        out.push(b':');
        push_digits(out, u32::from(clamped.second()), 2);
        out.push(b'.');
        push_digits(out, self.nanoseconds, 9);
        out.push(b'Z');
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
        let month = Month::try_from(u8::try_from(part(5, 7)?).ok()?).ok()?;
        let day = u8::try_from(part(8, 10)?).ok()?;
        let date = Date::from_calendar_date(i32::try_from(part(0, 4)?).ok()?, month, day).ok()?;
        let in_day = |from, to| part(from, to).and_then(|n| u8::try_from(n).ok());
        let time = Time::from_hms(in_day(11, 13)?, in_day(14, 16)?, in_day(17, 19)?).ok()?;
        let seconds = OffsetDateTime::new_utc(date, time).unix_timestamp();
        Some(Self { seconds, nanoseconds: parse_digits(fraction)? })
    }
}

/// Appends `value` in exactly `width` decimal digits.
fn push_digits(out: &mut Vec<u8>, value: u32, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = value;
    for digit in out[start..].iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
}

fn parse_digits(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u32, |value, digit| value.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(TEXT_CHARS);
        self.write_text(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
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
            proptest::prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
            proptest::prop_assert_eq!(Timestamp::from_unix_nanoseconds(moment.unix_nanoseconds()), moment);
        }
    }
}
