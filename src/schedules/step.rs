//! What to do about a schedule now: wait, start, or say that something was missed.
//!
//! A moment is dealt with once, however the clock jumps: whatever lies at or before the last one that
//! was dealt with is past, so a clock that is set back repeats nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::ScheduleError;
use super::recurrence::Recurrence;
use crate::domain::Timestamp;

/// A moment this far past is still on time: the engine looks every few seconds, and a busy machine may
/// take longer.
const ON_TIME_SECONDS: i64 = 5 * 60;
/// Missed moments that are counted; a schedule of every second and an appliance that was off for a
/// year would count for hours.
const COUNTED_MAX: usize = 1000;
/// Attempts that may be asked for.
const ATTEMPTS_MAX: u32 = 20;
/// Longest time between attempts: a day.
const AFTER_MINUTES_MAX: u32 = 24 * 60;

/// What becomes of moments at which the appliance was off or not allowed to start anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// One run for all of them, as soon as possible.
    #[default]
    RunOnce,
    /// None; the next moment counts.
    Skip,
}

/// How often a job that failed is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retries {
    /// Attempts after the first one.
    pub attempts: u32,
    /// Minutes between them.
    pub after_minutes: u32,
}

/// When, and what if not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    /// When it comes.
    #[serde(flatten)]
    pub when: Recurrence,
    /// What becomes of missed moments.
    #[serde(default)]
    pub missed: Missed,
    /// What becomes of failed jobs.
    #[serde(default)]
    pub retries: Retries,
}

impl Rule {
    /// Refuses what no schedule may ask for.
    ///
    /// # Errors
    /// If there are too many attempts, or they are too close or too far apart.
    pub fn ensure_sensible(&self) -> Result<(), ScheduleError> {
        let Retries { attempts, after_minutes } = self.retries;
        let is_spaced = attempts == 0 || (1..=AFTER_MINUTES_MAX).contains(&after_minutes);
        if attempts <= ATTEMPTS_MAX && is_spaced {
            return Ok(());
        }
        Err(ScheduleError::Retries { attempts, after_minutes })
    }

    /// The attempt that follows a failed one, if the rule has one more.
    #[must_use]
    pub fn retry_after(&self, due: Timestamp, attempt: u32, failed: Timestamp) -> Option<Retry> {
        (attempt <= self.retries.attempts).then(|| Retry {
            due,
            attempt: attempt + 1,
            at: later(failed, i64::from(self.retries.after_minutes) * 60),
        })
    }
}

/// What is known of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Moments up to this one were dealt with; at first, when the schedule was made or switched on.
    pub handled: Timestamp,
    /// A failed job that is to be tried again.
    pub retry: Option<Retry>,
}

/// Another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The moment for which the first one was.
    pub due: Timestamp,
    /// Counted from 1, the first one.
    pub attempt: u32,
    /// Not before.
    pub at: Timestamp,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing, until that moment if there is one.
    Wait(Option<Timestamp>),
    /// Start the task.
    Start {
        /// The moment that it is for.
        due: Timestamp,
        /// Counted from 1.
        attempt: u32,
        /// Moments that were missed and are dealt with by this one.
        missed: u64,
    },
    /// Say that moments were missed, and go on.
    Skip {
        /// The last of them.
        due: Timestamp,
        /// How many, at most a thousand.
        missed: u64,
    },
}

/// What to do at `now`.
#[must_use]
pub fn step(rule: &Rule, past: Past, now: Timestamp) -> Step {
    let next = rule.when.next_after(past.handled);
    let Some(first) = next.filter(|first| *first <= now) else {
        return match past.retry {
            Some(retry) if retry.at <= now => {
                Step::Start { due: retry.due, attempt: retry.attempt, missed: 0 }
            }
            Some(retry) => Step::Wait(Some(next.map_or(retry.at, |next| next.min(retry.at)))),
            None => Step::Wait(next),
        };
    };
    let (due, count) = last_until(&rule.when, first, now);
    let is_on_time = now.seconds.saturating_sub(due.seconds) <= ON_TIME_SECONDS;
    match (is_on_time, rule.missed) {
        (true, _) => Step::Start { due, attempt: 1, missed: count - 1 },
        (false, Missed::RunOnce) => Step::Start { due, attempt: 1, missed: count },
        (false, Missed::Skip) => Step::Skip { due, missed: count },
    }
}

/// The last moment that is not after `now`, and how many there are from `first` on.
fn last_until(when: &Recurrence, first: Timestamp, now: Timestamp) -> (Timestamp, u64) {
    let counted = std::iter::successors(Some(first), |last| when.next_after(*last));
    let counted = counted.take_while(|due| *due <= now).take(COUNTED_MAX).count();
    let due = when.last_until(now).filter(|due| *due >= first).unwrap_or(first);
    (due, counted as u64)
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp { seconds: at.seconds.saturating_add(seconds), ..at }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours after an hour that is one in UTC.
    fn hour(hours: i64) -> Timestamp {
        Timestamp { seconds: 1_700_002_800 + hours * 3600, nanoseconds: 0 }
    }

    fn hourly(missed: Missed) -> Rule {
        let when = Recurrence::new("0 * * * *", "UTC").unwrap();
        Rule { when, missed, retries: Retries { attempts: 1, after_minutes: 30 } }
    }

    fn past(hours: i64) -> Past {
        Past { handled: hour(hours), retry: None }
    }

    #[test]
    fn it_waits_for_the_next_moment_and_starts_at_it() {
        let rule = hourly(Missed::Skip);
        assert_eq!(step(&rule, past(0), hour(0)), Step::Wait(Some(hour(1))));
        assert_eq!(step(&rule, past(0), later(hour(1), -1)), Step::Wait(Some(hour(1))));
        let start = Step::Start { due: hour(1), attempt: 1, missed: 0 };
        assert_eq!(step(&rule, past(0), hour(1)), start);
        assert_eq!(step(&rule, past(0), later(hour(1), ON_TIME_SECONDS)), start);
    }

    #[test]
    fn missed_moments_are_run_once_or_skipped_by_choice() {
        let late = later(hour(5), 20 * 60);
        let run = Step::Start { due: hour(5), attempt: 1, missed: 5 };
        assert_eq!(step(&hourly(Missed::RunOnce), past(0), late), run);
        let skip = Step::Skip { due: hour(5), missed: 5 };
        assert_eq!(step(&hourly(Missed::Skip), past(0), late), skip);
        // The last one is on time though others were missed.
        let start = Step::Start { due: hour(5), attempt: 1, missed: 4 };
        assert_eq!(step(&hourly(Missed::Skip), past(0), hour(5)), start);
    }

    #[test]
    fn a_clock_that_is_set_back_repeats_nothing() {
        let rule = hourly(Missed::RunOnce);
        assert_eq!(step(&rule, past(8), hour(3)), Step::Wait(Some(hour(9))));
    }

    #[test]
    fn a_failed_job_is_tried_again_as_often_as_the_rule_says() {
        let rule = hourly(Missed::Skip);
        let failed = later(hour(1), 120);
        let retry = rule.retry_after(hour(1), 1, failed).unwrap();
        assert_eq!((retry.attempt, retry.at), (2, later(failed, 1800)));
        assert_eq!(rule.retry_after(hour(1), 2, failed), None);
        let past = Past { handled: hour(1), retry: Some(retry) };
        assert_eq!(step(&rule, past, failed), Step::Wait(Some(retry.at)));
        let again = Step::Start { due: hour(1), attempt: 2, missed: 0 };
        assert_eq!(step(&rule, past, retry.at), again);
        // The next moment of its own comes first if it is due.
        let next = Step::Start { due: hour(2), attempt: 1, missed: 0 };
        assert_eq!(step(&rule, past, hour(2)), next);
    }

    #[test]
    fn more_missed_moments_than_are_counted_end_at_the_last_one() {
        let when = Recurrence::new("* * * * * *", "UTC").unwrap();
        let rule = Rule { when, ..hourly(Missed::RunOnce) };
        let Step::Start { due, missed, .. } = step(&rule, past(0), hour(24)) else { panic!() };
        assert_eq!((due, missed), (hour(24), COUNTED_MAX as u64 - 1));
    }

    #[test]
    fn a_rule_with_too_many_attempts_is_refused() {
        let mut rule = hourly(Missed::Skip);
        assert!(rule.ensure_sensible().is_ok());
        for (attempts, after_minutes) in [(21, 5), (1, 0), (1, 1441)] {
            rule.retries = Retries { attempts, after_minutes };
            assert!(rule.ensure_sensible().is_err(), "{attempts}, {after_minutes}");
        }
    }
}
