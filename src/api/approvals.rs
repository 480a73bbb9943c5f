//! Approvals: destructive requests that wait for a second admin.

use super::call::{Answer, Call};
use super::error::ApiError;
use super::types::{ApprovalView, Page, TwoPersonRule};
use crate::people::{ApprovalRecord, ApprovalState};

/// The answer to a request that waits.
pub(super) fn waiting(approval: &ApprovalRecord) -> Result<Answer, ApiError> {
    Answer::accepted(&ApprovalView::from(approval))
}

/// A page of them, the newest first.
pub(super) fn list(call: &Call) -> Result<Answer, ApiError> {
    let page = call.query.page()?;
    let before = page.after.as_deref().map(str::parse).transpose();
    let before = before.map_err(|error| ApiError::invalid("query parameter \"after\"", error))?;
    let found = call.people.approvals(before, page.limit)?;
    let next = found.last().filter(|_| found.len() == page.limit).map(|last| last.id.to_string());
    Answer::json(&Page { items: found.iter().map(ApprovalView::from).collect(), next })
}

/// Says yes to somebody else's.
pub(super) fn approve(call: &Call) -> Result<Answer, ApiError> {
    decide(call, ApprovalState::Approved)
}

/// Says no; also to one's own.
pub(super) fn refuse(call: &Call) -> Result<Answer, ApiError> {
    decide(call, ApprovalState::Refused)
}

fn decide(call: &Call, state: ApprovalState) -> Result<Answer, ApiError> {
    let approval = call.people.decide(call.asker.known()?, call.parameter("id")?, state)?;
    Answer::json(&ApprovalView::from(&approval))
}

/// Whether the rule is on.
pub(super) fn rule(call: &Call) -> Result<Answer, ApiError> {
    Answer::json(&TwoPersonRule { is_on: call.people.is_two_person_rule()? })
}

/// Turns it on or off.
pub(super) fn set_rule(call: &Call) -> Result<Answer, ApiError> {
    let rule: TwoPersonRule = call.json()?;
    call.people.set_two_person_rule(rule.is_on)?;
    Answer::json(&rule)
}
