//! What came of a run, as its job reports it: what the catalog says, and nothing else counts.

use crate::catalog::{Catalog, EvidenceState, EvidenceTable, OutcomeRecord, OutcomeState};
use crate::domain::{ByteCount, CopyLetter, RunId, SourcePath};
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

/// The run that is reported on.
#[derive(Clone, Debug)]
pub(super) struct Run<'a> {
    pub(super) run: &'a RunId,
    pub(super) copies: Vec<CopyLetter>,
    /// Files that it leaves to earlier runs.
    pub(super) unchanged: u64,
}

/// What one copy has of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CopySum {
    files: u64,
    bytes: u64,
    /// Stored, and not proven.
    unproven: u64,
    not_stored: u64,
}

impl CopySum {
    fn of(table: &EvidenceTable, copy: CopyLetter) -> Self {
        let mut sum = Self::default();
        for ((_, effective), totals) in table.stored.iter().filter(|((at, _), _)| *at == copy) {
            if effective.is_at_least(EvidenceState::Indexed) {
                sum.files += totals.files;
                sum.bytes += totals.bytes.0;
            } else {
                sum.unproven += totals.files;
            }
        }
        let not_stored = table.not_stored.iter().filter(|((at, ..), _)| *at == copy);
        sum.not_stored = not_stored.map(|(_, totals)| totals.files).sum();
        sum
    }

    fn problems(&self, standing: Standing) -> u64 {
        match standing {
            Standing::Ended => self.not_stored + self.unproven,
            Standing::Unended => self.not_stored,
        }
    }

    fn sentence(&self, standing: Standing) -> String {
        let extent = match (standing, self.unproven) {
            (Standing::Unended, _) => " on tape and indexed so far",
            (Standing::Ended, 0) => ", all of them indexed",
            (Standing::Ended, _) => "",
        };
        format!("{} files, {}{extent}", grouped(self.files), ByteCount(self.bytes))
    }
}

/// What came of a run.
///
/// # Errors
/// If the catalog cannot be read.
pub(super) fn outcome_of(
    catalog: &Catalog,
    run: &Run<'_>,
    standing: Standing,
) -> Result<Outcome, JobError> {
    let table = catalog.run_evidence(run.run)?;
    let sums: Vec<(CopyLetter, CopySum)> =
        run.copies.iter().map(|copy| (*copy, CopySum::of(&table, *copy))).collect();
    // A file counts as done once every copy has it: as many as the copy with the fewest.
    let least = sums.iter().map(|(_, sum)| *sum).min_by_key(|sum| sum.files).unwrap_or_default();
    let mut outcome = Outcome {
        run: Some(run.run.clone()),
        files: least.files,
        bytes: least.bytes,
        ..Outcome::default()
    };
    let records = catalog.outcomes(run.run, None, PROBLEMS_MAX * run.copies.len().max(1))?;
    for of_file in records.chunk_by(|a, b| a.ordinal == b.ordinal) {
        add_problems(&mut outcome, of_file, run.copies.len());
    }
    outcome.problems_total =
        sums.iter().map(|(_, sum)| sum.problems(standing)).max().unwrap_or_default();
    let rest = format!(
        "{} unchanged; {} not stored",
        grouped(run.unchanged),
        grouped(outcome.problems_total)
    );
    outcome.sentence = match sums.as_slice() {
        [(_, only)] => format!("{}; {rest}", only.sentence(standing)),
        several => format!("{}; {rest}", of_copies(several, standing)),
    };
    Ok(outcome)
}

/// One sentence for all copies if they are alike, one for each if they are not.
fn of_copies(sums: &[(CopyLetter, CopySum)], standing: Standing) -> String {
    if let [(_, first), others @ ..] = sums
        && others.iter().all(|(_, other)| other == first)
    {
        return format!("{} in each of {} copies", first.sentence(standing), sums.len());
    }
    let each = sums.iter().map(|(copy, sum)| {
        let missing = sum.problems(standing);
        let sentence = sum.sentence(standing);
        match missing {
            0 => format!("copy {copy}: {sentence}"),
            _ => format!("copy {copy}: {sentence}, {} missing", grouped(missing)),
        }
    });
    each.collect::<Vec<_>>().join("; ")
}

/// The problems of one file: one if every copy has the same, else one for each copy.
fn add_problems(outcome: &mut Outcome, records: &[OutcomeRecord], copies: usize) {
    let Some(first) = records.first() else { return };
    let Ok(path) = SourcePath::from_bytes(first.path.clone()) else { return };
    let is_same =
        |record: &OutcomeRecord| (record.state, &record.reason) == (first.state, &first.reason);
    if records.len() == copies && records.iter().all(is_same) {
        outcome.add_problem(&path, OutcomeState::as_str(first.state), first.reason.clone());
        return;
    }
    for record in records {
        let reason = format!("copy {}: {}", record.copy, record.reason);
        outcome.add_problem(&path, OutcomeState::as_str(record.state), reason);
    }
}
