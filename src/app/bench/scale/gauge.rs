//! What each step cost, as it is measured, and the table of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::super::cost::{Cost, Worker, forget_peak, measure, thread_time};
use super::super::report::Machine;
use super::ScalePlan;
use crate::app::error::AppError;
use crate::domain::{ByteCount, Clock, SystemClock, Timestamp};
use crate::jobs::outcome::grouped;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub(in crate::app) struct ScaleReport {
    measured: Timestamp,
    machine: Machine,
    files: u64,
    work: std::path::PathBuf,
    steps: Vec<Step>,
    figures: Vec<Figure>,
}

/// A piece of work on all files.
#[derive(Clone, Debug, Serialize)]
struct Step {
    what: String,
    #[serde(flatten)]
    cost: Cost,
    /// Processor time that may be used.
    cpu_seconds_goal: Option<f64>,
    /// Time that may pass.
    seconds_goal: Option<f64>,
}

/// A figure of another kind: a rate, a size, the time of a question.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    what: String,
    value: String,
    is_met: Option<bool>,
}

/// What a step may take at most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goal {
    pub(super) cpu_seconds: Option<f64>,
    pub(super) seconds: Option<f64>,
}

/// Takes the measurements.
pub(super) struct Gauge<'a> {
    report: ScaleReport,
    tell: &'a dyn Fn(&str),
    is_stopped: &'a AtomicBool,
    pub(super) clock: Arc<SystemClock>,
}

impl<'a> Gauge<'a> {
    pub(super) fn begin(
        plan: &ScalePlan,
        tell: &'a dyn Fn(&str),
        is_stopped: &'a AtomicBool,
    ) -> Self {
        let clock = Arc::new(SystemClock::new());
        let report = ScaleReport {
            measured: clock.now(),
            machine: Machine::look(),
            files: plan.files,
            work: plan.work.clone(),
            steps: Vec::new(),
            figures: Vec::new(),
        };
        Self { report, tell, is_stopped, clock }
    }

    pub(super) fn finish(self) -> ScaleReport {
        self.report
    }

    /// Does a step and notes what it cost. Its peak of memory is its own.
    pub(super) fn step<T>(
        &mut self,
        what: &str,
        worker: Worker,
        goal: Goal,
        work: impl FnOnce() -> Result<T, AppError>,
    ) -> Result<(T, Cost), AppError> {
        if self.is_stopped.load(Ordering::SeqCst) {
            return Err(super::super::stopped());
        }
        (self.tell)(what);
        forget_peak();
        let mut made = None;
        let cost = measure(worker, || {
            made = Some(work()?);
            Ok(())
        })?;
        tracing::info!(seconds = cost.seconds, cpu_seconds = cost.cpu_seconds, "{what}");
        self.report.steps.push(Step {
            what: what.to_owned(),
            cost,
            cpu_seconds_goal: goal.cpu_seconds,
            seconds_goal: goal.seconds,
        });
        let made = made.ok_or_else(|| AppError::Usage(format!("{what}: nothing was made")))?;
        Ok((made, cost))
    }

    /// Notes a rate with the least that it should be.
    pub(super) fn rate(&mut self, what: &str, count: u64, seconds: f64, at_least: Option<f64>) {
        #[expect(clippy::cast_precision_loss, reason = "a figure of a few digits")]
        let rate = count as f64 / seconds.max(1e-9);
        self.note(what, format!("{rate:.0}/s"), at_least.map(|least| rate >= least));
    }

    /// Notes bytes for each file with the most that it should be.
    pub(super) fn bytes_a_file(&mut self, what: &str, bytes: u64, at_most: Option<u64>) {
        let each = bytes.div_ceil(self.report.files.max(1));
        self.note(what, format!("{each} bytes a file"), at_most.map(|most| each <= most));
    }

    /// Notes what a question cost that was asked again and again, with the most that 99 of 100 may take.
    /// Processor time stands beside the clock: on a busy machine the difference is other programs'.
    pub(super) fn answers(&mut self, what: &str, answers: &Answers, at_most: Option<Duration>) {
        let clock = Percentiles::of(&answers.times);
        let own = Percentiles::of(&answers.cpu_times);
        let value = format!("{clock}; processor {own}");
        self.note(what, value, at_most.map(|most| clock.most <= most));
    }

    /// Notes anything.
    pub(super) fn note(&mut self, what: &str, value: String, is_met: Option<bool>) {
        tracing::info!("{what}: {value}");
        self.report.figures.push(Figure { what: what.to_owned(), value, is_met });
    }
}

/// What each asking of a question cost.
#[derive(Debug, Default)]
pub(super) struct Answers {
    times: Vec<Duration>,
    cpu_times: Vec<Duration>,
}

impl Answers {
    /// Does `work` and notes what it cost.
    pub(super) fn add<T>(
        &mut self,
        clock: &SystemClock,
        work: impl FnOnce() -> Result<T, AppError>,
    ) -> Result<T, AppError> {
        let (begun, cpu_begun) = (clock.elapsed(), thread_time()?);
        let done = work()?;
        self.times.push(clock.elapsed().saturating_sub(begun));
        self.cpu_times.push(thread_time()?.saturating_sub(cpu_begun));
        Ok(done)
    }
}

/// The middle one of some times, and what 99 of 100 stay below.
struct Percentiles {
    middle: Duration,
    most: Duration,
}

impl Percentiles {
    fn of(times: &[Duration]) -> Self {
        let mut times = times.to_vec();
        times.sort_unstable();
        let at = |percent: usize| {
            let place = times.len().saturating_sub(1) * percent / 100;
            times.get(place).copied().unwrap_or_default()
        };
        Self { middle: at(50), most: at(99) }
    }
}

impl std::fmt::Display for Percentiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        write!(f, "p50 {:.2}, p99 {:.2} ms", milliseconds(self.middle), milliseconds(self.most))
    }
}

impl ScaleReport {
    /// Two tables and the machine.
    pub(in crate::app) fn markdown(&self) -> String {
        let mut lines = vec![
            format!(
                "| {} files | seconds | CPU s | CPU µs/file | peak memory | goal |",
                grouped(self.files)
            ),
            "|---|---:|---:|---:|---:|---|".to_owned(),
        ];
        lines.extend(self.steps.iter().map(|step| step.line(self.files)));
        lines.push(String::new());
        lines.push("| figure | measured | goal |".to_owned());
        lines.push("|---|---:|---|".to_owned());
        for Figure { what, value, is_met } in &self.figures {
            lines.push(format!("| {what} | {value} | {} |", verdict(*is_met)));
        }
        lines.push(String::new());
        lines.push(format!(
            "Measured {} on {}, in {}.",
            self.measured.to_string().chars().take(10).collect::<String>(),
            self.machine.describe(),
            self.work.display()
        ));
        lines.join("\n")
    }
}

impl Step {
    fn line(&self, files: u64) -> String {
        #[expect(clippy::cast_precision_loss, reason = "a figure of a few digits")]
        let each = self.cost.cpu_seconds * 1e6 / files.max(1) as f64;
        let within = |goal: Option<f64>, found: f64| goal.map(|goal| found <= goal);
        let is_met = [
            within(self.cpu_seconds_goal, self.cost.cpu_seconds),
            within(self.seconds_goal, self.cost.seconds),
        ];
        let is_met = is_met.into_iter().flatten().reduce(|a, b| a && b);
        let peak = self.cost.peak_bytes.map_or("-".to_owned(), |b| ByteCount(b).to_string());
        format!(
            "| {} | {:.2} | {:.2} | {each:.2} | {peak} | {} |",
            self.what,
            self.cost.seconds,
            self.cost.cpu_seconds,
            verdict(is_met)
        )
    }
}

fn verdict(is_met: Option<bool>) -> &'static str {
    match is_met {
        None => "",
        Some(true) => "met",
        Some(false) => "**missed**",
    }
}
