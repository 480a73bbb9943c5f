//! Waking those who follow events: they read the catalog, this only says that there is more.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The number of the newest event, and a way to wait for a newer one.
#[derive(Debug, Default)]
pub(super) struct EventSignal {
    newest: Mutex<i64>,
    changed: Condvar,
}

impl EventSignal {
    /// Says that the event `id` has been committed.
    pub(super) fn announce(&self, id: i64) {
        let mut newest = self.newest.lock();
        *newest = (*newest).max(id);
        self.changed.notify_all();
    }

    /// Waits until an event after `after` has been announced; false if the time ran out.
    pub(super) fn wait(&self, after: i64, limit: Duration) -> bool {
        let mut newest = self.newest.lock();
        self.changed.wait_while_for(&mut newest, |newest| *newest <= after, limit);
        *newest > after
    }
}
