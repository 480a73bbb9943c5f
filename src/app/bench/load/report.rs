//! What was found: how soon the API answered, and what the questions cost the backup.

use std::time::Duration;

use serde::Serialize;

use super::LoadPlan;
use super::asking::{Asked, Kind};
use crate::app::bench::report::Machine;
use crate::domain::{Clock as _, SystemClock, Timestamp};
use crate::jobs::outcome::grouped;

/// How much longer the backup may take while questions are asked.
const SLOWER_MAX: f64 = 0.05;

/// Everything that was measured.
#[derive(Clone, Debug, Serialize)]
pub(in crate::app) struct LoadReport {
    measured: Timestamp,
    machine: Machine,
    catalog_files: u64,
    per_second: u32,
    backup: String,
    /// Seconds of each backup.
    pub(super) alone: Vec<f64>,
    pub(super) under_load: Vec<f64>,
    answers: Vec<Answers>,
}

/// The answers to one kind of question, in milliseconds.
#[derive(Clone, Debug, Serialize)]
struct Answers {
    what: &'static str,
    p99_max_ms: f64,
    took_ms: Vec<f64>,
}

impl LoadReport {
    pub(super) fn begin(plan: &LoadPlan) -> Self {
        let answers = Kind::ALL.map(|kind| Answers {
            what: kind.describe(),
            p99_max_ms: millis(kind.time_max()),
            took_ms: Vec::new(),
        });
        Self {
            measured: SystemClock::new().now(),
            machine: Machine::look(),
            catalog_files: plan.files,
            per_second: plan.per_second,
            backup: plan.source.describe(),
            alone: Vec::new(),
            under_load: Vec::new(),
            answers: answers.into(),
        }
    }

    pub(super) fn take(&mut self, asked: Vec<Asked>) {
        for (kind, answers) in Kind::ALL.into_iter().zip(&mut self.answers) {
            let own = asked.iter().filter(|asked| asked.kind == kind);
            answers.took_ms.extend(own.map(|asked| millis(asked.took)));
        }
    }

    /// As Markdown.
    pub(in crate::app) fn markdown(&self) -> String {
        let mut text = format!(
            "{} questions a second, on one processor, in a catalog of {} files, while {} are backed up\n\n\
             | question | answers | median | 99 of 100 | slowest | goal |\n|---|---:|---:|---:|---:|---|\n",
            self.per_second,
            grouped(self.catalog_files),
            self.backup,
        );
        for answers in &self.answers {
            text.push_str(&answers.line());
        }
        let (alone, under_load) = (median(&self.alone), median(&self.under_load));
        let slower = if alone > 0.0 { under_load / alone - 1.0 } else { 0.0 };
        text.push_str(&format!(
            "\nA backup takes {alone:.2} s alone and {under_load:.2} s meanwhile, {:+.1} % (at most {:.0} %: \
             {}); medians of {}. Measured {} on {}.",
            slower * 100.0,
            SLOWER_MAX * 100.0,
            verdict(slower <= SLOWER_MAX),
            self.alone.len(),
            self.measured,
            self.machine.describe(),
        ));
        text
    }
}

impl Answers {
    fn line(&self) -> String {
        let p99 = at_percent(&self.took_ms, 99);
        format!(
            "| {} | {} | {:.1} ms | {p99:.1} ms | {:.1} ms | {:.0} ms: {} |\n",
            self.what,
            grouped(self.took_ms.len() as u64),
            at_percent(&self.took_ms, 50),
            at_percent(&self.took_ms, 100),
            self.p99_max_ms,
            verdict(p99 <= self.p99_max_ms),
        )
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(values: &[f64]) -> f64 {
    at_percent(values, 50)
}

/// The value that so many of a hundred `values` do not exceed; 0 of none.
fn at_percent(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0.0)
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_answers_the_ninety_ninth_counts() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(at_percent(&values, 99), 99.0);
        assert_eq!(at_percent(&values, 50), 50.0);
        assert_eq!(at_percent(&values, 100), 100.0);
        assert_eq!(at_percent(&[], 99), 0.0);
    }
}
