//! The figures as tables: first what matters, then everything.

use serde::Serialize;

use super::figure;
use super::restore_order::RestoreOrder;
use super::simulation::{Outcome, Setup, Way};
use super::source::SourceKind;
use crate::domain::LtoGeneration;

/// Everything that was played.
#[derive(Clone, Debug, Serialize)]
pub(in crate::app) struct StreamingReport {
    pub(super) rows: Vec<Row>,
    pub(super) restores: Vec<RestoreOrder>,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) generation: LtoGeneration,
    pub(super) source: SourceKind,
    pub(super) way: Way,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
}

impl Row {
    pub(super) fn of(setup: &Setup, outcome: Outcome) -> Self {
        let Setup { generation, source, way, .. } = *setup;
        Self { generation, source, way, outcome }
    }

    fn per_terabyte(&self, count: u64) -> String {
        let rate = figure(count) * 1e12 / figure(self.outcome.bytes.max(1));
        match rate {
            _ if count == 0 => "0".to_owned(),
            rate if rate < 10.0 => format!("{rate:.1}"),
            rate => format!("{rate:.0}"),
        }
    }
}

impl StreamingReport {
    /// The tables.
    pub(in crate::app) fn markdown(&self) -> String {
        let mut lines = vec![
            "Back-hitches per TB (in brackets: bursts that the arithmetic demands)".to_owned(),
        ];
        lines.push(String::new());
        lines.extend(self.hitches());
        lines.push(String::new());
        lines.push("Everything".to_owned());
        lines.push(String::new());
        lines.extend(self.details());
        lines.push(String::new());
        lines.extend(RestoreOrder::table(&self.restores));
        lines.join("\n")
    }

    /// A row for each drive and source, a column for each way.
    fn hitches(&self) -> Vec<String> {
        let names = Way::ALL.map(Way::describe).join(" | ");
        let mut lines = vec![
            format!("| drive | source | {names} |"),
            format!("|---|---|{}", "---:|".repeat(Way::ALL.len())),
        ];
        for first in self.rows.iter().filter(|row| row.way == Way::ALL[0]) {
            let of_way = |way: Way| {
                let row = self.rows.iter().find(|row| {
                    (row.generation, row.source, row.way) == (first.generation, first.source, way)
                });
                row.map_or_else(String::new, |row| {
                    let count = row.per_terabyte(row.outcome.back_hitches);
                    match row.way {
                        Way::Straight => count,
                        _ => format!("{count} ({})", row.per_terabyte(row.outcome.bursts_demanded)),
                    }
                })
            };
            let figures = Way::ALL.map(of_way).join(" | ");
            lines.push(format!(
                "| {} | {} | {figures} |",
                first.generation,
                first.source.describe()
            ));
        }
        lines
    }

    fn details(&self) -> Vec<String> {
        let mut lines = vec![
            "| drive | source | way | back-hitches per TB | drive idle | total time | staged, peak | staged, mean |"
                .to_owned(),
            "|---|---|---|---:|---:|---:|---:|---:|".to_owned(),
        ];
        for row in &self.rows {
            let outcome = &row.outcome;
            lines.push(format!(
                "| {} | {} | {} | {} | {} | {} | {:.1} GB | {:.1} GB |",
                row.generation,
                row.source.describe(),
                row.way.describe(),
                row.per_terabyte(outcome.back_hitches),
                minutes(outcome.idle_seconds),
                minutes(outcome.seconds),
                figure(outcome.staged_peak_bytes) / 1e9,
                outcome.staged_mean_bytes / 1e9,
            ));
        }
        lines
    }
}

/// A time as `83 min`, short ones with a fraction.
pub(super) fn minutes(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    if minutes < 10.0 { format!("{minutes:.1} min") } else { format!("{minutes:.0} min") }
}
