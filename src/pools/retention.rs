//! How long the runs of a pool's sets are kept, and which of them nobody needs any more.
//!
//! A run that is kept keeps alive every run that its files may lie in: those from its base, the newest full run
//! up to it, to itself. So an incremental run never loses what it refers to, and a set without a second full
//! run keeps everything. A run that has ended badly counts for nothing and keeps nothing alive but itself,
//! until it is past its days.
//!
//! Nothing is ever erased by this: it only says what a person may give back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{RunKind, RunRecord, RunState};
use crate::domain::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;
/// A hundred years: what is meant to be longer is kept for ever.
const DAYS_MAX: u32 = 36_525;

/// For how long runs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Days after its end for which a run is kept.
    pub days: u32,
    /// The newest complete runs of a set, which are kept however old they are. At least 1.
    pub runs_min: u32,
}

impl Retention {
    /// False for what would keep nothing, or for longer than anybody can mean.
    #[must_use]
    pub fn is_sensible(&self) -> bool {
        self.runs_min >= 1 && (1..=DAYS_MAX).contains(&self.days)
    }

    /// Which runs of a set are expired, in the order of `runs`, which are the newest first as the catalog
    /// lists them. `is_proven` says whether every file of a complete run has the evidence without which
    /// nothing older may go.
    pub fn expired(
        &self,
        runs: &[RunRecord],
        now: Timestamp,
        is_proven: impl Fn(&RunRecord) -> bool,
    ) -> Vec<bool> {
        let is_complete = |run: &RunRecord| run.state == RunState::Complete;
        let mut is_needed = vec![false; runs.len()];
        let mut newest_complete = 0;
        for (at, run) in runs.iter().enumerate() {
            let is_among_newest = is_complete(run) && newest_complete < self.runs_min;
            if is_among_newest && is_proven(run) {
                newest_complete += 1;
            }
            if !is_among_newest && !self.is_young(run, now) {
                continue;
            }
            let chain = match run.state {
                // Not ended: what it will refer to is not known yet.
                RunState::Running => runs.len() - at,
                RunState::Complete | RunState::Incomplete => base_of(&runs[at..]),
                RunState::Cancelled | RunState::Failed => 1,
            };
            is_needed[at..at + chain].fill(true);
        }
        is_needed.into_iter().map(|is_needed| !is_needed).collect()
    }

    fn is_young(&self, run: &RunRecord, now: Timestamp) -> bool {
        let kept = i64::from(self.days) * SECONDS_PER_DAY;
        run.ended.is_none_or(|ended| now.seconds - ended.seconds <= kept)
    }
}

/// How many runs from the first of `runs` to its base, both counted; all if there is no base.
fn base_of(runs: &[RunRecord]) -> usize {
    let is_base = |run: &RunRecord| {
        run.run.kind == RunKind::Full
            && matches!(run.state, RunState::Complete | RunState::Incomplete)
    };
    runs.iter().position(is_base).map_or(runs.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{FileTotals, NewRun};
    use crate::domain::RunId;

    const RETENTION: Retention = Retention { days: 30, runs_min: 1 };

    /// Runs as "F100" (full, ended 100 days ago), "i7" (incremental); "!" behind it: failed, "~": incomplete,
    /// ">": at work.
    fn runs(texts: &[&str]) -> Vec<RunRecord> {
        let one = |text: &&str| {
            let kind = if text.starts_with('F') { RunKind::Full } else { RunKind::Incremental };
            let days: i64 = text[1..].trim_end_matches(['!', '~', '>']).parse().unwrap();
            let state = match text.chars().last() {
                Some('!') => RunState::Failed,
                Some('~') => RunState::Incomplete,
                Some('>') => RunState::Running,
                _ => RunState::Complete,
            };
            let at = day(-days);
            RunRecord {
                run: NewRun {
                    run: RunId((*text).to_owned()),
                    set: "s".parse().unwrap(),
                    kind,
                    parent: None,
                    copies: 1,
                    job: None,
                    started: at,
                },
                state,
                state_reason: None,
                ended: (state != RunState::Running).then_some(at),
                planned: FileTotals::default(),
                unchanged: FileTotals::default(),
            }
        };
        texts.iter().map(one).collect()
    }

    fn day(number: i64) -> Timestamp {
        Timestamp { seconds: 1_795_000_000 + number * SECONDS_PER_DAY, nanoseconds: 0 }
    }

    fn expired(retention: Retention, texts: &[&str]) -> Vec<String> {
        proven_but(retention, texts, "")
    }

    fn proven_but(retention: Retention, texts: &[&str], unproven: &str) -> Vec<String> {
        let runs = runs(texts);
        let is_expired = retention.expired(&runs, day(0), |run| run.run.run.0 != unproven);
        let both = runs.iter().zip(is_expired);
        both.filter(|(_, is)| *is).map(|(run, _)| run.run.run.0.clone()).collect()
    }

    #[test]
    fn what_is_old_goes_and_the_newest_complete_ones_stay_however_old() {
        assert_eq!(expired(RETENTION, &["F1", "F29", "F31", "F90"]), ["F31", "F90"]);
        assert_eq!(expired(RETENTION, &["F300", "F400"]), ["F400"]);
        let two = Retention { runs_min: 2, ..RETENTION };
        assert_eq!(expired(two, &["F300", "F400", "F500"]), ["F500"]);
        assert!(expired(RETENTION, &[]).is_empty());
    }

    #[test]
    fn an_incremental_run_keeps_everything_back_to_its_full_one() {
        assert!(expired(RETENTION, &["i1", "i40", "F90"]).is_empty());
        assert_eq!(expired(RETENTION, &["i1", "F20", "i50", "F90"]), ["i50", "F90"]);
        assert!(expired(RETENTION, &["i1", "i500"]).is_empty(), "no full run: all is kept");
        assert!(
            expired(RETENTION, &["i1", "F40~", "F90"]) == ["F90"],
            "an incomplete one is a base"
        );
        assert!(expired(RETENTION, &["i1", "F40!", "F90"]).is_empty(), "a failed one is none");
    }

    #[test]
    fn failed_runs_keep_nothing_alive_and_one_at_work_keeps_all() {
        assert_eq!(expired(RETENTION, &["i1!", "F40", "F90"]), ["F90"]);
        assert_eq!(expired(RETENTION, &["F40", "i50!", "F90"]), ["i50!", "F90"]);
        assert!(expired(RETENTION, &["i0>", "F40", "F90"]).is_empty());
    }

    #[test]
    fn nothing_goes_before_a_newer_run_is_proven() {
        let runs = ["F300", "F400", "F500"];
        assert_eq!(proven_but(RETENTION, &runs, "F300"), ["F500"], "the next one stays too");
        assert!(!Retention { days: 0, runs_min: 1 }.is_sensible());
        assert!(!Retention { days: 1, runs_min: 0 }.is_sensible());
        assert!(RETENTION.is_sensible());
    }
}
