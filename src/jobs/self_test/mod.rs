//! The self-test: every part that everything else relies on is asked to prove itself, one after another.
//!
//! A part that fails is a finding with advice and no failure of the job: the others are asked all the same. What
//! was found is kept with the job, so the history of self-tests is that of their jobs. Parts that only the
//! program around the jobs knows (audit log, certificate, sources) are asked through [`MachineChecks`].
//! With a cartridge named, and nothing on it, a drive also has to write and to read back.

mod cartridge;
mod check;
mod parts;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::context::JobContext;
use super::equipment::EquipmentError;
use super::error::JobError;
use super::outcome::{Ending, Outcome};
use super::spec::SelfTestSpec;

pub use check::{Check, CheckResult, CheckSubject, SelfTestReport, Verdict};

/// The kind of these jobs, by which they are found again.
pub const KIND: &str = "self_test";

/// What the program around the jobs has to prove.
pub trait MachineChecks: std::fmt::Debug + Send + Sync {
    /// Asks each part, one after another. Blocks.
    fn checks(&self) -> Vec<Check>;
}

/// Asks every part.
///
/// # Errors
/// The catalog cannot be written, or the job was stopped while it waited for a drive.
pub(super) fn run(context: &JobContext, spec: &SelfTestSpec) -> Result<Ending, JobError> {
    let mut report = SelfTestReport { checks: Vec::new() };
    type Part = fn(&JobContext) -> Vec<Check>;
    let all: [(&str, Part); 5] = [
        ("checking the catalog", parts::catalog),
        ("checking the keys", parts::keys),
        ("asking the library", parts::library),
        ("asking the drives", parts::drives),
        ("asking the other parts", parts::machine),
    ];
    for (stage, part) in all {
        if context.is_stopped() {
            return Ok(stopped(context));
        }
        context.stage(stage, None);
        report.checks.extend(part(context));
        let done = u64::try_from(report.checks.len()).unwrap_or(u64::MAX);
        context.update(|progress| progress.files_done = done);
    }
    if let Some(barcode) = &spec.cartridge {
        if context.is_stopped() {
            return Ok(stopped(context));
        }
        let began = context.parts.clock.elapsed();
        let tried = match cartridge::write_and_read_back(context, barcode) {
            Err(error @ JobError::Equipment(EquipmentError::Stopped)) => return Err(error),
            Err(error) => {
                let failure = error.failure();
                Verdict::failed(failure.message, &failure.next_step)
            }
            Ok(verdict) => verdict,
        };
        let took = context.parts.clock.elapsed().saturating_sub(began);
        report.checks.push(Check::new(
            CheckSubject::Cartridge,
            Some(barcode.as_str()),
            tried,
            took,
        ));
    }
    context.checkpoint(&report)?;
    Ok(ending(&report))
}

fn ending(report: &SelfTestReport) -> Ending {
    let sentence = report.sentence();
    let outcome = Outcome { sentence, ..Outcome::default() };
    if report.count(CheckResult::Failed) > 0 {
        Ending::Incomplete(outcome)
    } else {
        Ending::Completed(outcome)
    }
}

fn stopped(context: &JobContext) -> Ending {
    if context.is_interrupted() {
        return Ending::Interrupted;
    }
    let sentence = "cancelled before every part was asked".to_owned();
    Ending::Cancelled(Outcome { sentence, ..Outcome::default() })
}

/// Asks one part and takes the time.
fn timed(
    context: &JobContext,
    subject: CheckSubject,
    about: Option<&str>,
    ask: impl FnOnce() -> Verdict,
) -> Check {
    let began = context.parts.clock.elapsed();
    let verdict = ask();
    let took: Duration = context.parts.clock.elapsed().saturating_sub(began);
    Check::new(subject, about, verdict, took)
}
