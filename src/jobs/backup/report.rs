//! What came of a run, as its job reports it: what the catalog says, and nothing else counts.

use crate::catalog::{Catalog, EvidenceState, OutcomeState};
use crate::domain::{ByteCount, RunId, SourcePath};
use crate::jobs::error::JobError;
use crate::jobs::outcome::{Outcome, PROBLEMS_MAX, grouped};

/// Whether the run has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// What is not on tape now is missing.
    Ended,
    /// What is not on tape now may still come.
    Unended,
}

/// What came of a run that leaves `unchanged` files to earlier ones.
///
/// # Errors
/// If the catalog cannot be read.
pub(super) fn outcome_of(
    catalog: &Catalog,
    run: &RunId,
    unchanged: u64,
    standing: Standing,
) -> Result<Outcome, JobError> {
    let table = catalog.run_evidence(run)?;
    let mut outcome = Outcome { run: Some(run.clone()), ..Outcome::default() };
    let mut unproven = 0;
    for ((_, effective), totals) in &table.stored {
        if effective.is_at_least(EvidenceState::Indexed) {
            outcome.files += totals.files;
            outcome.bytes += totals.bytes.0;
        } else {
            unproven += totals.files;
        }
    }
    for record in catalog.outcomes(run, None, PROBLEMS_MAX)? {
        if let Ok(path) = SourcePath::from_bytes(record.path) {
            outcome.add_problem(&path, OutcomeState::as_str(record.state), record.reason);
        }
    }
    let not_stored: u64 = table.not_stored.values().map(|totals| totals.files).sum();
    outcome.problems_total = match standing {
        Standing::Ended => not_stored + unproven,
        Standing::Unended => not_stored,
    };
    let extent = match (standing, unproven) {
        (Standing::Unended, _) => " on tape and indexed so far",
        (Standing::Ended, 0) => ", all of them indexed",
        (Standing::Ended, _) => "",
    };
    outcome.sentence = format!(
        "{} files, {}{extent}; {} unchanged; {} not stored",
        grouped(outcome.files),
        ByteCount(outcome.bytes),
        grouped(unchanged),
        grouped(outcome.problems_total)
    );
    Ok(outcome)
}
