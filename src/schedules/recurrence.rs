//! When something comes again and again: a cron pattern in a time zone.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use serde::{Deserialize, Serialize};

use super::error::ScheduleError;
use crate::domain::Timestamp;

/// As it is written and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    cron: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
}

/// Whose hours they are if nobody says whose.
const ZONE_DEFAULT: &str = "UTC";

/// A cron pattern with its time zone, known to be good.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Recurrence {
    written: Written,
    cron: Cron,
    zone: Tz,
}

impl PartialEq for Recurrence {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Recurrence {
    /// Reads a pattern of five fields, or of six with seconds first, for a time zone of the IANA list.
    ///
    /// # Errors
    /// If one of them cannot be read, or no moment fits the pattern.
    pub fn new(cron: &str, time_zone: &str) -> Result<Self, ScheduleError> {
        Self::of_words(cron, Some(time_zone))
    }

    /// The same, where a person may have named no zone; see [`or_in`](Self::or_in).
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_words(cron: &str, time_zone: Option<&str>) -> Result<Self, ScheduleError> {
        let time_zone = time_zone.map(ToOwned::to_owned);
        Self::of(Written { cron: cron.trim().to_owned(), time_zone })
    }

    fn of(written: Written) -> Result<Self, ScheduleError> {
        let zone = written.time_zone.as_deref().unwrap_or(ZONE_DEFAULT);
        let zone = Tz::from_str(zone).map_err(|_| ScheduleError::Zone(zone.to_owned()))?;
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser.parse(&written.cron).map_err(|error| ScheduleError::Pattern {
            pattern: written.cron.clone(),
            reason: error.to_string(),
        })?;
        let recurrence = Self { written, cron, zone };
        match recurrence.next_after(Timestamp::default()) {
            Some(_) => Ok(recurrence),
            None => Err(ScheduleError::Never(recurrence.written.cron)),
        }
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn cron(&self) -> &str {
        &self.written.cron
    }

    /// The time zone's name.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        self.written.time_zone.as_deref().unwrap_or(ZONE_DEFAULT)
    }

    /// The same in a zone if it names none. What is kept always names one, so that it does not move when the
    /// machine gets another.
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn or_in(self, time_zone: &str) -> Result<Self, ScheduleError> {
        match self.written.time_zone {
            Some(_) => Ok(self),
            None => Self::new(&self.written.cron, time_zone),
        }
    }

    /// The first moment later than `after`; `None` if there is none in the years that count.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let after = in_utc(after)?.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(Timestamp { seconds: next.timestamp(), nanoseconds: 0 })
    }

    /// The last moment that is not later than `now`.
    #[must_use]
    pub fn last_until(&self, now: Timestamp) -> Option<Timestamp> {
        let now = in_utc(now)?.with_timezone(&self.zone);
        let last = self.cron.find_previous_occurrence(&now, true).ok()?;
        Some(Timestamp { seconds: last.timestamp(), nanoseconds: 0 })
    }

    /// The next `count` moments.
    #[must_use]
    pub fn next(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
            .take(count)
            .collect()
    }
}

impl TryFrom<Written> for Recurrence {
    type Error = ScheduleError;

    fn try_from(written: Written) -> Result<Self, ScheduleError> {
        Self::of_words(&written.cron, written.time_zone.as_deref())
    }
}

impl From<Recurrence> for Written {
    fn from(recurrence: Recurrence) -> Self {
        recurrence.written
    }
}

fn in_utc(at: Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.seconds, at.nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let moment = DateTime::parse_from_rfc3339(text).unwrap();
        Timestamp { seconds: moment.timestamp(), nanoseconds: 0 }
    }

    fn after(cron: &str, zone: &str, from: &str) -> Timestamp {
        Recurrence::new(cron, zone).unwrap().next_after(at(from)).unwrap()
    }

    #[test]
    fn a_time_of_day_is_that_of_its_zone() {
        let next = after("30 2 * * *", "Europe/Berlin", "2026-11-28T12:00:00Z");
        assert_eq!(next, at("2026-11-29T01:30:00Z"));
        let next = after("30 2 * * *", "UTC", "2026-11-28T12:00:00Z");
        assert_eq!(next, at("2026-11-29T02:30:00Z"));
    }

    #[test]
    fn a_pattern_without_a_zone_gets_one_and_keeps_it() {
        let without: Recurrence = serde_json::from_str(r#"{ "cron": "30 2 * * *" }"#).unwrap();
        let here = without.or_in("Europe/Berlin").unwrap();
        assert_eq!(here, Recurrence::new("30 2 * * *", "Europe/Berlin").unwrap());
        assert!(serde_json::to_string(&here).unwrap().contains("Europe/Berlin"));
        assert_eq!(here.clone().or_in("Asia/Tokyo").unwrap(), here);
    }

    #[test]
    fn seconds_may_stand_before_the_minutes() {
        let next = after("15 30 2 * * *", "UTC", "2026-11-28T02:30:14Z");
        assert_eq!(next, at("2026-11-28T02:30:15Z"));
        assert_eq!(after("*/5 * * * *", "UTC", "2026-11-28T02:30:00Z"), at("2026-11-28T02:35:00Z"));
    }

    #[test]
    fn a_time_that_the_clocks_skip_or_repeat_comes_once() {
        // Berlin goes from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
        let nights = Recurrence::new("30 2 * * *", "Europe/Berlin").unwrap();
        let spring = nights.next(at("2026-03-28T12:00:00Z"), 2);
        assert_eq!(spring[0], at("2026-03-29T01:00:00Z"), "right after the gap");
        assert_eq!(spring[1], at("2026-03-30T00:30:00Z"));
        let autumn = nights.next(at("2026-10-24T12:00:00Z"), 2);
        assert_eq!(autumn, [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
    }

    #[test]
    fn what_cannot_be_read_or_never_comes_is_refused_by_name() {
        for (cron, zone, part) in [
            ("30 2 * *", "UTC", "30 2 * *"),
            ("99 2 * * *", "UTC", "99 2 * * *"),
            ("", "UTC", "is no schedule"),
            ("30 2 * * *", "Mars/Olympus", "Mars/Olympus"),
            ("0 0 30 2 *", "UTC", "never comes"),
        ] {
            let error = Recurrence::new(cron, zone).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn it_is_kept_as_it_was_written() {
        let recurrence = Recurrence::new("0 4 * * SUN", "America/New_York").unwrap();
        let text = serde_json::to_string(&recurrence).unwrap();
        assert_eq!(text, r#"{"cron":"0 4 * * SUN","time_zone":"America/New_York"}"#);
        assert_eq!(serde_json::from_str::<Recurrence>(&text).unwrap(), recurrence);
        assert!(serde_json::from_str::<Recurrence>(r#"{"cron":"x"}"#).is_err());
    }
}
