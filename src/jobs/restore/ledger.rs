//! What became of items, on its way into the catalog.
//!
//! The order makes it true: first everything is durable in the destination, then the catalog says so.
//! A crash in between leaves files that stand there and are not noted; a restore that goes on
//! compares them instead of reading them again.

use std::time::Duration;

use crate::catalog::{CopyId, ItemKey, ItemState};
use crate::jobs::context::JobContext;
use crate::jobs::error::JobError;
use crate::source::destination::Destination;

/// Items noted in one transaction at most.
const ITEMS_MAX: usize = 10_000;
/// How long a finished file may wait to be noted: what a crash makes a restore look at again.
const INTERVAL: Duration = Duration::from_secs(15);

/// The items that are not noted yet.
pub(super) struct Ledger<'a> {
    context: &'a JobContext,
    destination: &'a Destination,
    items: Vec<(ItemKey, ItemState, Option<String>)>,
    bad_copies: Vec<(CopyId, String)>,
    noted_at: Duration,
}

impl<'a> Ledger<'a> {
    /// An empty one.
    pub(super) fn new(context: &'a JobContext, destination: &'a Destination) -> Self {
        Self {
            context,
            destination,
            items: Vec::new(),
            bad_copies: Vec::new(),
            noted_at: context.parts.clock.elapsed(),
        }
    }

    /// It stands in its place; `reason` says what it falls short of.
    pub(super) fn done(&mut self, key: ItemKey, reason: Option<String>) -> Result<(), JobError> {
        self.note(key, ItemState::Done, reason)
    }

    /// It was not restored.
    pub(super) fn failed(&mut self, key: ItemKey, reason: String) -> Result<(), JobError> {
        self.note(key, ItemState::Failed, Some(reason))
    }

    /// It lies on a cartridge that is not there.
    pub(super) fn missing(&mut self, key: ItemKey, reason: String) -> Result<(), JobError> {
        self.note(key, ItemState::Missing, Some(reason))
    }

    /// A copy was found bad on its tape.
    pub(super) fn bad_copy(&mut self, copy: CopyId, reason: String) {
        self.bad_copies.push((copy, reason));
    }

    fn note(
        &mut self,
        key: ItemKey,
        state: ItemState,
        reason: Option<String>,
    ) -> Result<(), JobError> {
        self.items.push((key, state, reason));
        let now = self.context.parts.clock.elapsed();
        let is_due = now.saturating_sub(self.noted_at) >= INTERVAL;
        if is_due || self.items.len() >= ITEMS_MAX { self.flush() } else { Ok(()) }
    }

    /// Makes the destination durable and tells the catalog.
    ///
    /// # Errors
    /// If either fails; nothing was noted then.
    pub(super) fn flush(&mut self) -> Result<(), JobError> {
        self.noted_at = self.context.parts.clock.elapsed();
        let (catalog, job) = (&self.context.parts.catalog, self.context.id);
        if !self.bad_copies.is_empty() {
            let now = self.context.parts.clock.now();
            catalog.fail_copies(&self.bad_copies, now, Some(job))?;
            self.bad_copies.clear();
        }
        if !self.items.is_empty() {
            self.destination.sync()?;
            catalog.finish_items(job, &self.items)?;
            self.items.clear();
        }
        Ok(())
    }
}
