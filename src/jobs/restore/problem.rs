//! What is said of a thing that was not put back, or not exactly: a word for programs, a sentence.
//!
//! The catalog keeps both as one text beside the item, so a job that is taken up again still knows
//! them, and the end of a job lists what its beginning met.

use crate::catalog::{ItemState, SelectionItem, SelectionTotals};
use crate::domain::{ByteCount, SourcePath};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::jobs::outcome::{Outcome, PROBLEMS_MAX, Problem, grouped};
use crate::jobs::spec::RestoreSpec;
use crate::keys::KeyId;
use crate::source::destination::{Aspect, DestinationError, DestinationErrorKind, Shortfall};

/// Between the word and the sentence.
const SEPARATOR: &str = ": ";

/// The words for what keeps a thing from being restored.
pub(super) mod word {
    /// Something has its name and may not be replaced.
    pub(in crate::jobs::restore) const EXISTS: &str = "exists";
    /// The destination refuses it.
    pub(in crate::jobs::restore) const NOT_WRITTEN: &str = "not_written";
    /// Its bytes are not the ones that were stored.
    pub(in crate::jobs::restore) const MISMATCH: &str = "mismatch";
    /// Its bytes cannot be read from the tape.
    pub(in crate::jobs::restore) const UNREADABLE: &str = "unreadable";
    /// It is encrypted with a key that is not here.
    pub(in crate::jobs::restore) const KEY_MISSING: &str = "key_missing";
    /// Its cartridge is not in the library.
    pub(in crate::jobs::restore) const MISSING_CARTRIDGE: &str = "missing_cartridge";
    /// Another cartridge has the label of its own.
    pub(in crate::jobs::restore) const WRONG_CARTRIDGE: &str = "wrong_cartridge";
    /// Its cartridge cannot be used now.
    pub(in crate::jobs::restore) const CARTRIDGE_FAILED: &str = "cartridge_failed";
    /// The volume it was on was erased.
    pub(in crate::jobs::restore) const ERASED: &str = "erased";
    /// A part of it was never stored, or could not be read.
    pub(in crate::jobs::restore) const PARTS_MISSING: &str = "parts_missing";
    /// What it is another name of was not restored.
    pub(in crate::jobs::restore) const LINK_WITHOUT_FILE: &str = "link_without_file";
    /// What the catalog says of it cannot be understood.
    pub(in crate::jobs::restore) const NOT_DESCRIBED: &str = "not_described";
    /// The run holds nothing of that name.
    pub(in crate::jobs::restore) const NOT_IN_RUN: &str = "not_in_run";
    /// It stands there, but not exactly as it was.
    pub(in crate::jobs::restore) const NOT_EXACT: &str = "not_exact";
}

/// The text that is kept.
pub(super) fn text(word: &str, sentence: impl std::fmt::Display) -> String {
    format!("{word}{SEPARATOR}{sentence}")
}

/// The text for a file whose data key is not here.
pub(super) fn key_missing(key: KeyId) -> String {
    let sentence = format!(
        "it is sealed with data key {key}, which is not here: run `fossilsafe catalog rebuild` with its \
         cartridge, and `fossilsafe kit open` with the recovery kit"
    );
    text(word::KEY_MISSING, sentence)
}

/// The text for a refusal of the destination.
pub(super) fn refusal(error: &DestinationError) -> String {
    let word = match error.kind() {
        DestinationErrorKind::Occupied => word::EXISTS,
        _ => word::NOT_WRITTEN,
    };
    text(word, chain(error))
}

/// The text for what is not exactly as it was; none if all of it is.
pub(super) fn shortfalls(shortfalls: &[Shortfall]) -> Option<String> {
    let all: Vec<String> = shortfalls.iter().map(sentence_of).collect();
    (!all.is_empty()).then(|| text(word::NOT_EXACT, all.join("; ")))
}

fn sentence_of(shortfall: &Shortfall) -> String {
    let aspect = match &shortfall.aspect {
        Aspect::Name => "name",
        Aspect::Owner => "owner",
        Aspect::Mode => "mode",
        Aspect::Times => "times",
        Aspect::Xattr(name) => return format!("attribute {name}: {}", shortfall.reason),
        Aspect::Metadata => "metadata",
    };
    format!("{aspect}: {}", shortfall.reason)
}

/// An error with its causes, as one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(SEPARATOR);
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

/// What has come of the job so far, by the catalog.
///
/// # Errors
/// If the catalog cannot be read.
pub(super) fn outcome(
    context: &JobContext,
    spec: &RestoreSpec,
    nothing: &[SourcePath],
) -> Result<Outcome, JobError> {
    let catalog = &context.parts.catalog;
    let totals = catalog.selection_totals(context.id)?;
    let of = |state| totals.get(&state).copied().unwrap_or_default();
    let SelectionTotals { things, bytes, with_reason } = of(ItemState::Done);
    let not_restored = of(ItemState::Failed).things + of(ItemState::Missing).things;
    let mut outcome = Outcome {
        destination: Some(spec.destination.display().to_string()),
        files: things,
        bytes: bytes.0,
        run: Some(spec.selection.run.clone()),
        ..Outcome::default()
    };
    for path in nothing {
        let reason = format!("run {} holds nothing of this name", spec.selection.run);
        outcome.add_problem(path, word::NOT_IN_RUN, reason);
    }
    if not_restored + with_reason > 0 {
        list(context, &mut outcome)?;
        outcome.problems_total += not_restored + with_reason;
    }
    outcome.sentence = format!(
        "{} files and folders, {} restored to {}",
        grouped(things),
        ByteCount(outcome.bytes),
        spec.destination.display()
    );
    let missed = not_restored + nothing.len() as u64;
    if missed > 0 {
        outcome.sentence.push_str(&format!("; {} not restored", grouped(missed)));
    }
    if with_reason > 0 {
        outcome.sentence.push_str(&format!("; {} not exactly as they were", grouped(with_reason)));
    }
    Ok(outcome)
}

/// Puts the first problems into the outcome, each path once.
fn list(context: &JobContext, outcome: &mut Outcome) -> Result<(), JobError> {
    let mut after = None;
    loop {
        let page = context.parts.catalog.selection_problems(context.id, after, PROBLEMS_MAX)?;
        for item in &page {
            if outcome.problems.len() >= PROBLEMS_MAX {
                return Ok(());
            }
            let problem = problem_of(item);
            // Parts of one file share their fate.
            if outcome.problems.iter().all(|known| known.path != problem.path) {
                outcome.problems.push(problem);
            }
        }
        match page.last() {
            Some(last) if page.len() == PROBLEMS_MAX => after = Some(last.key),
            _ => return Ok(()),
        }
    }
}

fn problem_of(item: &SelectionItem) -> Problem {
    let path = SourcePath::from_bytes(item.located.path.clone()).unwrap_or_default();
    let reason = item.reason.clone().unwrap_or_default();
    let (state, reason) = match reason.split_once(SEPARATOR) {
        Some((state, sentence)) => (state.to_owned(), sentence.to_owned()),
        None => (item.state.to_string(), reason),
    };
    Problem { path, state, reason }
}
