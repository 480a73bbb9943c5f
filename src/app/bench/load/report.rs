//! What was found: how soon the API answered, and what the questions cost the backup.

use std::time::Duration;

use serde::Serialize;

use super::LoadPlan;
use super::asking::{Asked, Kind};
use super::server::{Drive, Took};
use crate::app::bench::report::Machine;
use crate::app::bench::tree::TreePlan;
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
    pub(super) cases: Vec<Case>,
}

/// Backups of one kind.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Case {
    drive: Drive,
    backup: String,
    pub(super) alone: Vec<Took>,
    pub(super) under_load: Vec<Took>,
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
        Self {
            measured: SystemClock::new().now(),
            machine: Machine::look(),
            catalog_files: plan.files,
            per_second: plan.per_second,
            cases: Vec::new(),
        }
    }

    /// As Markdown.
    pub(in crate::app) fn markdown(&self) -> String {
        let mut text = format!(
            "{} questions a second, on one processor, in a catalog of {} files\n",
            self.per_second,
            grouped(self.catalog_files),
        );
        for case in &self.cases {
            text.push_str(&case.markdown());
        }
        let (measured, machine) = (&self.measured, self.machine.describe());
        text.push_str(&format!("\nMeasured {measured} on {machine}."));
        text
    }
}

impl Case {
    pub(super) fn begin(drive: Drive, tree: TreePlan) -> Self {
        let answers = Kind::ALL.map(|kind| Answers {
            what: kind.describe(),
            p99_max_ms: millis(kind.time_max()),
            took_ms: Vec::new(),
        });
        let (alone, under_load) = (Vec::new(), Vec::new());
        Self { drive, backup: tree.describe(), alone, under_load, answers: answers.into() }
    }

    pub(super) fn take(&mut self, asked: &[Asked]) {
        for (kind, answers) in Kind::ALL.into_iter().zip(&mut self.answers) {
            let own = asked.iter().filter(|asked| asked.kind == kind);
            answers.took_ms.extend(own.map(|asked| millis(asked.took)));
        }
    }

    fn markdown(&self) -> String {
        let drive = match self.drive {
            Drive::TakesTime => "an LTO-8 drive that takes its time",
            Drive::TakesNone => "a drive that takes no time, so that the processor sets the pace",
        };
        let mut text = format!(
            "\nMeanwhile {} go to {drive}:\n\n\
             | question | answers | median | 99 of 100 | slowest | goal |\n|---|---:|---:|---:|---:|---|\n",
            self.backup,
        );
        for answers in &self.answers {
            text.push_str(&answers.line());
        }
        let of = |took: &[Took], figure: fn(&Took) -> f64| {
            at_percent(&took.iter().map(figure).collect::<Vec<_>>(), 50)
        };
        let (alone, under_load) =
            (of(&self.alone, |took| took.seconds), of(&self.under_load, |took| took.seconds));
        let slower = if alone > 0.0 { under_load / alone - 1.0 } else { 0.0 };
        let goal = match self.drive {
            Drive::TakesTime => {
                let met = verdict(slower <= SLOWER_MAX);
                format!(" (at most {:.0} %: {met})", SLOWER_MAX * 100.0)
            }
            Drive::TakesNone => String::new(),
        };
        text.push_str(&format!(
            "\nThe backup takes {alone:.2} s alone and {under_load:.2} s meanwhile, {:+.1} %{goal}; of the \
             processor {:.2} s and {:.2} s. Medians of {}.\n",
            slower * 100.0,
            of(&self.alone, |took| took.cpu_seconds),
            of(&self.under_load, |took| took.cpu_seconds),
            self.alone.len(),
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
