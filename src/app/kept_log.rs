//! Lines of the log on their way into the data folder, where the API searches them.
//!
//! Logging must not wait for a disk, so lines are collected in memory and written down together every few
//! seconds; the newest are lost with a process that is killed, and are in the journal all the same. What is
//! logged once for the owner of the machine only, the code that makes the first admin, is not kept.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::catalog::log_lines::NewLine;
use crate::domain::{Clock as _, JobId, SystemClock};

/// Lines that wait; when nobody fetches them the oldest go.
const WAITING_MAX: usize = 10_000;
/// Longest line that is kept whole.
const LINE_BYTES_MAX: usize = 2000;
/// Events with this target are not kept.
pub(super) const OWNER_ONLY: &str = "fossilsafe::owner_only";

/// The lines that wait.
#[derive(Debug, Default)]
pub(super) struct KeptLog(Mutex<VecDeque<NewLine>>);

/// The one of this process.
pub(super) fn kept_log() -> &'static KeptLog {
    static LOG: OnceLock<KeptLog> = OnceLock::new();
    LOG.get_or_init(KeptLog::default)
}

impl KeptLog {
    /// Everything that waits, oldest first; it does not wait any more.
    pub(super) fn take(&self) -> Vec<NewLine> {
        self.0.lock().drain(..).collect()
    }

    fn push(&self, line: NewLine) {
        let mut waiting = self.0.lock();
        if waiting.len() == WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(line);
    }
}

/// Takes the events of `tracing`.
pub(super) struct Keeper {
    log: &'static KeptLog,
    clock: SystemClock,
}

impl Keeper {
    pub(super) fn of(log: &'static KeptLog) -> Self {
        Self { log, clock: SystemClock::new() }
    }
}

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target() == OWNER_ONLY {
            return;
        }
        let mut words = Words::default();
        event.record(&mut words);
        let Words { mut message, fields, job } = words;
        message.push_str(&fields);
        let fits = (0..=LINE_BYTES_MAX.min(message.len())).rev();
        let end = fits.into_iter().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
        message.truncate(end);
        self.log.push(NewLine {
            at: self.clock.now(),
            level: level_number(*metadata.level()),
            part: metadata.target().to_owned(),
            job,
            message,
        });
    }
}

fn level_number(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

/// What an event says: its message, and its fields behind it.
#[derive(Debug, Default)]
struct Words {
    message: String,
    fields: String,
    job: Option<JobId>,
}

impl Words {
    fn job_of(&mut self, field: &Field, number: Option<i64>) {
        if field.name() == "job" {
            self.job = number.map(JobId);
        }
    }
}

impl Visit for Words {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.job_of(field, Some(value));
        self.record_debug(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.job_of(field, i64::try_from(value).ok());
        self.record_debug(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing into a text cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => {
                if name == "job" && self.job.is_none() {
                    self.job = format!("{value:?}").parse().ok().map(JobId);
                }
                write!(self.fields, " {name}={value:?}")
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn an_event_is_kept_with_its_fields_and_its_job_and_what_is_for_the_owner_is_not() {
        let log: &'static KeptLog = Box::leak(Box::default());
        let subscriber = tracing_subscriber::registry().with(Keeper::of(log));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: OWNER_ONLY, "the code is 1234");
            tracing::error!(job = 7, drive = "SN1", "it failed: {}", 3);
            tracing::warn!(job = %JobId(8), "slow");
            tracing::info!("{}", "ä".repeat(LINE_BYTES_MAX));
        });
        let lines = log.take();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(
            (lines[0].message.as_str(), lines[0].level),
            ("it failed: 3 job=7 drive=SN1", 1)
        );
        assert_eq!((lines[0].job, lines[1].job), (Some(JobId(7)), Some(JobId(8))));
        assert_eq!(lines[2].message.len(), LINE_BYTES_MAX);
        assert!(log.take().is_empty());
    }
}
