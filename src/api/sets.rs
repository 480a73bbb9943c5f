//! Sets, their runs, and the evidence for them.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{EvidenceScope, RunFilter};
use crate::domain::{RunId, SetName};

/// A page of sets.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.sets(&call.query.page()?)?)
}

/// One set.
pub(super) fn show(call: &Call) -> Result<Answer, ApiError> {
    let name: SetName = call.parameter("set")?;
    Answer::json(&call.engine.set(&name)?)
}

/// A page of runs.
pub(super) fn runs(call: &Call) -> Result<Answer, ApiError> {
    let filter = RunFilter { set: call.query.value("set")? };
    Answer::json(&call.engine.runs(&filter, &call.query.page()?)?)
}

/// One run.
pub(super) fn run(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&call.engine.run(&RunId(call.parameter("run")?))?)
}

/// What is proven of a set, a run, a cartridge, or everything.
pub(super) fn evidence(call: &Call) -> Result<Answer, ApiError> {
    let run = call.query.text("run")?.map(|run| RunId(run.to_owned()));
    let scope = match (call.query.value("set")?, run, call.query.value("cartridge")?) {
        (None, None, None) => EvidenceScope::Everything,
        (Some(set), None, None) => EvidenceScope::Set(set),
        (None, Some(run), None) => EvidenceScope::Run(run),
        (None, None, Some(barcode)) => EvidenceScope::Cartridge(barcode),
        _ => return Err(ApiError::invalid("query", "give one of set, run and cartridge")),
    };
    Answer::json(&call.engine.evidence(&scope)?)
}
