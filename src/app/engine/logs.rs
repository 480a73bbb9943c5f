//! The log as the API shows it: written down by a thread of its own, searched, and taken away when it is old.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{Service, answers};
use crate::api::engine::{EngineError, EngineErrorKind as Kind, LogBook};
use crate::api::types::{
    CleanUpRequest, CleanUpResult, LogLevel, LogLine, LogQuery, LogRetention, Page, PageRequest,
};
use crate::app::kept_log::kept_log;
use crate::catalog::StoreError;
use crate::catalog::log_lines::{KeptLine, LineFilter, LogStore};
use crate::domain::Timestamp;
use crate::domain::worker::Worker;

/// The file in the data folder.
const FILE: &str = "logs.db";
/// Lines are written down so often: what a kill can cost.
const WRITE_EVERY: Duration = Duration::from_secs(2);
/// What is old is taken away so often.
const CLEAN_EVERY: Duration = Duration::from_secs(3600);
/// Where the catalog keeps how long lines are kept.
const SETTING: &str = "log_retention";
const DAY_SECONDS: i64 = 86_400;
/// A month, and some hundred megabytes at the most.
const USUAL: LogRetention = LogRetention { days: 30, lines_max: 500_000 };

/// The file and the thread that fills it.
#[derive(Debug)]
pub(super) struct Logs {
    store: LogStore,
    pub(super) worker: Worker,
}

impl Logs {
    pub(super) fn open(data: &Path) -> Result<Self, StoreError> {
        Ok(Self { store: LogStore::open(&data.join(FILE))?, worker: Worker::default() })
    }
}

/// Begins to write lines down.
pub(super) fn start(service: &Arc<Service>) -> std::io::Result<()> {
    let writing = Arc::clone(service);
    let mut cleaned: Option<Duration> = None;
    service.logs.worker.start("log", WRITE_EVERY, move || {
        // An error here cannot be logged: it would be the next line that cannot be written.
        let _ = writing.write_lines();
        let now = writing.parts.clock.elapsed();
        if cleaned.is_none_or(|at| now.saturating_sub(at) >= CLEAN_EVERY) {
            cleaned = Some(now);
            if let Err(error) = writing.clean_logs(&CleanUpRequest::default()) {
                tracing::error!(%error, "old lines of the log could not be taken away");
            }
        }
        WRITE_EVERY
    })
}

impl LogBook for Service {
    fn log_lines(
        &self,
        query: &LogQuery,
        page: &PageRequest,
    ) -> Result<Page<LogLine>, EngineError> {
        self.write_lines()?;
        let before = match page.after {
            Some(_) => Some(answers::offset(page)?),
            None => None,
        };
        let filter = LineFilter {
            text: query.text.clone(),
            level_max: query.level.map(LogLevel::number),
            job: query.job,
            since: query.since,
            until: query.until,
        };
        let lines = self.logs.store.find(&filter, before, page.limit + 1).map_err(refused)?;
        let mut lines: Vec<LogLine> = lines.into_iter().map(view).collect();
        let is_more = lines.len() > page.limit;
        lines.truncate(page.limit);
        let next = lines.last().filter(|_| is_more).map(|line| line.number.to_string());
        Ok(Page { items: lines, next })
    }

    fn clean_logs(&self, request: &CleanUpRequest) -> Result<CleanUpResult, EngineError> {
        self.write_lines()?;
        let LogRetention { days, lines_max } = self.log_retention()?;
        let days = request.days.unwrap_or(days);
        let lines_max = request.lines_max.unwrap_or(lines_max);
        let now = self.present();
        let before = now.seconds.saturating_sub(i64::from(days) * DAY_SECONDS);
        let before = Timestamp { seconds: before, ..now };
        let (removed, left) = self.logs.store.clean_up(before, lines_max).map_err(refused)?;
        Ok(CleanUpResult { removed, left })
    }

    fn log_retention(&self) -> Result<LogRetention, EngineError> {
        let kept = self.parts.catalog.setting(SETTING).map_err(answers::catalog)?;
        Ok(kept.unwrap_or(USUAL))
    }

    fn set_log_retention(&self, retention: &LogRetention) -> Result<LogRetention, EngineError> {
        self.parts.catalog.set_setting(SETTING, retention).map_err(answers::catalog)?;
        Ok(*retention)
    }
}

impl Service {
    /// Writes down what waits, and nothing more.
    pub(super) fn stop_log(&self) {
        self.logs.worker.stop();
        // The last lines, about the stop itself, are in the journal if this fails.
        let _ = self.write_lines();
    }

    /// The newest lines, oldest first, for the diagnostics bundle.
    pub(super) fn newest_lines(&self, count: usize) -> Result<Vec<String>, EngineError> {
        self.write_lines()?;
        let lines = self.logs.store.find(&LineFilter::default(), None, count).map_err(refused)?;
        let text = |kept: KeptLine| {
            let line = view(kept);
            format!("{} {} {}: {}", line.at, line.level.name(), line.part, line.message)
        };
        Ok(lines.into_iter().rev().map(text).collect())
    }

    /// Writes down what waits. What cannot be written is gone: it is in the journal.
    pub(super) fn write_lines(&self) -> Result<(), EngineError> {
        let waiting = kept_log().take();
        if waiting.is_empty() {
            return Ok(());
        }
        self.logs.store.add(&waiting).map_err(refused)
    }
}

fn view(kept: KeptLine) -> LogLine {
    let KeptLine { number, line } = kept;
    LogLine {
        number,
        at: line.at,
        level: LogLevel::of(line.level),
        part: line.part,
        job: line.job,
        message: line.message,
    }
}

fn refused(error: StoreError) -> EngineError {
    let kind = match error {
        StoreError::Corrupt { .. } | StoreError::Decode { .. } => Kind::Corrupt,
        _ => Kind::Unavailable,
    };
    let next_step =
        "Check the disk of the data folder; logs.db can be moved away, and is then begun anew.";
    EngineError::new(kind, "logs_unavailable", error.to_string(), next_step)
}
