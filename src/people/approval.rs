//! The two-person rule: what destroys waits until a second admin has said yes.
//!
//! An approval is for one request of one person, body and all, and for one time. The owner of the machine
//! is not held by it: who can delete the files need not ask.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::session::after;
use super::{ApprovalRecord, ApprovalState, Credential, People, PeopleError, Principal};
use crate::catalog::people::NewApproval;

/// How long an approval can be given and used: the second person may be on another shift.
const GOOD_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// The setting that turns the rule on.
const SETTING: &str = "two_person_rule";

/// A request that destroys something.
#[derive(Clone, Copy, Debug)]
pub struct DestructiveRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path.
    pub path: &'a str,
    /// Its body.
    pub body: &'a [u8],
    /// What it would do, for the second person.
    pub summary: &'a str,
}

impl People {
    /// True if what destroys needs two persons.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn is_two_person_rule(&self) -> Result<bool, PeopleError> {
        Ok(self.store.setting(SETTING)?.unwrap_or(false))
    }

    /// Turns the rule on or off.
    ///
    /// # Errors
    /// `Conflict` if there are not two admins who could keep it.
    pub fn set_two_person_rule(&self, is_on: bool) -> Result<(), PeopleError> {
        let users = self.store.users()?;
        let can_approve =
            |user: &&super::UserRecord| user.role == super::Role::Admin && !user.is_disabled;
        if is_on && users.iter().filter(can_approve).count() < 2 {
            return Err(PeopleError::Conflict(
                "The two-person rule needs two admins, and there is one.".to_owned(),
                "Make another user an admin first.",
            ));
        }
        Ok(self.store.set_setting(SETTING, &is_on)?)
    }

    /// Lets a destructive request pass if it may; otherwise the approval that it waits for.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn pass_or_wait(
        &self,
        who: &Principal,
        request: &DestructiveRequest<'_>,
    ) -> Result<Option<ApprovalRecord>, PeopleError> {
        if who.credential == Credential::Machine || !self.is_two_person_rule()? {
            return Ok(None);
        }
        let now = self.clock.now();
        Ok(self.store.use_or_ask(&NewApproval {
            method: request.method,
            path: request.path,
            body_hash: &Sha256::digest(request.body).into(),
            summary: request.summary,
            asked_by: &self.person(who)?,
            at: now,
            expires: after(now, GOOD_FOR),
        })?)
    }

    /// Says yes or no to somebody else's request.
    ///
    /// # Errors
    /// `Conflict` if it is one's own, or was answered, or is too old.
    pub fn decide(
        &self,
        who: &Principal,
        id: i64,
        state: ApprovalState,
    ) -> Result<ApprovalRecord, PeopleError> {
        let approval = self.store.approval(id)?;
        let person = self.person(who)?;
        if approval.asked_by == person && state == ApprovalState::Approved {
            return Err(PeopleError::Conflict(
                "Nobody approves a request of their own.".to_owned(),
                "Ask another admin.",
            ));
        }
        if !self.store.decide_approval(id, state, &person, self.clock.now())? {
            return Err(PeopleError::Conflict(
                format!("Approval {id} does not wait for an answer any more."),
                "Make the request again.",
            ));
        }
        Ok(self.store.approval(id)?)
    }

    /// Approvals, the newest first.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn approvals(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<ApprovalRecord>, PeopleError> {
        Ok(self.store.approvals(before, limit)?)
    }

    /// The person behind a session or key: two keys of one user are one person.
    fn person(&self, who: &Principal) -> Result<String, PeopleError> {
        match who.user {
            Some(user) => Ok(self.store.user(user)?.name),
            None => Ok(who.name.clone()),
        }
    }
}
