//! Maintenance windows: times at which no scheduled job begins.
//!
//! A job that is at work goes on; a person may start one at any time. What is due in a window begins
//! at its end; where the rule is to skip what was missed, it counts as missed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ScheduleError;
use super::recurrence::Recurrence;
use crate::domain::Timestamp;

/// Seven days: a window that is always open would be a schedule switched off.
const MINUTES_MAX: u32 = 7 * 24 * 60;

/// A time that comes again and again and lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MaintenanceWindow {
    /// When it begins.
    #[serde(flatten)]
    pub begins: Recurrence,
    /// How long it lasts, in minutes.
    pub minutes: u32,
}

impl MaintenanceWindow {
    /// Refuses what no window may be.
    ///
    /// # Errors
    /// If it lasts no time, or too long.
    pub fn ensure_sensible(&self) -> Result<(), ScheduleError> {
        if (1..=MINUTES_MAX).contains(&self.minutes) {
            return Ok(());
        }
        Err(ScheduleError::Window(self.minutes))
    }

    /// The end of the window in which `now` is, if it is in one.
    #[must_use]
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let lasts = i64::from(self.minutes) * 60;
        let earliest = Timestamp { seconds: now.seconds.saturating_sub(lasts), ..now };
        let mut end = None;
        let mut begun = self.begins.next_after(earliest);
        // Of windows that overlap the last one counts.
        while let Some(begin) = begun.filter(|begin| *begin <= now) {
            end = Some(Timestamp { seconds: begin.seconds.saturating_add(lasts), ..begin });
            begun = self.begins.next_after(begin);
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_from_its_beginning_to_before_its_end() {
        let begins = Recurrence::new("0 8 * * *", "UTC").unwrap();
        let window = MaintenanceWindow { begins, minutes: 90 };
        let day = 1_700_006_400; // 2023-11-15T00:00:00Z
        let at = |minutes: i64| Timestamp { seconds: day + minutes * 60, nanoseconds: 0 };
        assert_eq!(window.open_until(at(479)), None);
        assert_eq!(window.open_until(at(480)), Some(at(570)));
        assert_eq!(window.open_until(at(569)), Some(at(570)));
        assert_eq!(window.open_until(at(570)), None);
    }

    #[test]
    fn a_window_that_never_ends_or_never_begins_is_refused() {
        let begins = Recurrence::new("0 8 * * *", "UTC").unwrap();
        for minutes in [0, MINUTES_MAX + 1] {
            let window = MaintenanceWindow { begins: begins.clone(), minutes };
            assert!(window.ensure_sensible().is_err());
        }
    }
}
