//! What needs a person, and telling them: alerts, the channels that notices go to, and their delivery.
//!
//! ```text
//!  app looks (standing) ──┐                      ┌─▶ webhook   HMAC-SHA-256 over time and body
//!                         ├─▶ alerts ─▶ outbox ──┼─▶ mail      SMTP with TLS
//!  jobs end  (happened) ──┘   (file)    (thread) └─▶ SNMP      v2c traps
//! ```
//!
//! An alert is one row for one thing as long as it lasts; seeing it again tells nobody again. What stands
//! (a set with one copy) ends when it is so no more, what happened (a failed job) when somebody takes
//! note of it. [`kind`] is the table of everything that is told.
//!
//! Notices wait in the alerts' file until a receiver has taken them, with pauses that grow, for about a day.
//! Secrets of channels are kept sealed, go to nobody but the receiver they are for, and stand in no
//! answer and no log. Threads: everything is `&self`; one thread delivers.

pub mod channel;
mod error;
pub mod kind;
mod mail;
pub mod notice;
mod outbox;
mod snmp;
#[cfg(test)]
mod tests;
mod webhook;

use std::path::Path;
use std::sync::Arc;

use crate::catalog::alerts::{AlertRecord, AlertReport, AlertStore, Change, DeliveryRecord};
use crate::catalog::snapshot::ALERTS_FILE;
use crate::domain::worker::Worker;
use crate::domain::{Clock, Timestamp};
use crate::keys::KeyRing;

pub use channel::{Channel, ChannelSpec};
pub use error::{HealthError, HealthErrorKind};
pub use kind::Kind;
pub use notice::{Notice, NoticeState};

/// The alerts of an appliance, and those who are told of them.
#[derive(Debug)]
pub struct Health {
    store: AlertStore,
    ring: Arc<KeyRing>,
    clock: Arc<dyn Clock>,
    host: String,
    outbox: Worker,
}

impl Health {
    /// Opens the alerts of a data folder. Nothing is sent before [`Health::start`].
    ///
    /// # Errors
    /// The file is damaged or cannot be used.
    pub fn open(
        data: &Path,
        ring: Arc<KeyRing>,
        clock: Arc<dyn Clock>,
        host: &str,
    ) -> Result<Self, HealthError> {
        let store = AlertStore::open(&data.join(ALERTS_FILE))?;
        Ok(Self { store, ring, clock, host: host.to_owned(), outbox: Worker::default() })
    }

    /// Takes everything that stands now; what stood before and does not any more has ended.
    ///
    /// # Errors
    /// The file cannot be written; nothing has changed then.
    pub fn stands(&self, reports: &[AlertReport]) -> Result<(), HealthError> {
        let now = self.clock.now();
        let channels = self.channels()?;
        let notices = |record: &AlertRecord, change| self.notices(&channels, record, change, now);
        self.store.report_standing(&kind::standing(), reports, now, &notices)?;
        self.outbox.wake();
        Ok(())
    }

    /// Takes something that happened. What is only good to know leaves no alert.
    ///
    /// # Errors
    /// The file cannot be written; nobody is told then.
    pub fn happened(&self, kind: Kind, report: &AlertReport) -> Result<(), HealthError> {
        let now = self.clock.now();
        let channels = self.channels()?;
        if kind.is_kept() {
            let notices =
                |record: &AlertRecord, change| self.notices(&channels, record, change, now);
            self.store.report_happened(report, now, &notices)?;
        } else {
            let notice = Notice::of_report(report, NoticeState::Happened, &self.host, now);
            self.store.queue_notices(addressed(&channels, &notice), now)?;
        }
        self.outbox.wake();
        Ok(())
    }

    /// Alerts, newest first, before `before`; only those that last, if wanted.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn alerts(
        &self,
        is_open: bool,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AlertRecord>, HealthError> {
        Ok(self.store.alerts(is_open, before, limit)?)
    }

    /// Notes that somebody has taken note.
    ///
    /// # Errors
    /// There is no such alert.
    pub fn acknowledge(
        &self,
        id: i64,
        by: &str,
        note: Option<&str>,
    ) -> Result<AlertRecord, HealthError> {
        let now = self.clock.now();
        Ok(self.store.acknowledge(id, &kind::standing(), by, note, now)?)
    }

    /// A place in a list of events, up to which they were dealt with.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn place(&self, of: &str) -> Result<i64, HealthError> {
        Ok(self.store.number(of)?)
    }

    /// Keeps such a place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_place(&self, of: &str, place: i64) -> Result<(), HealthError> {
        Ok(self.store.set_number(of, place)?)
    }

    /// Deliveries, newest first, before `before`; of one channel, if it is named.
    ///
    /// # Errors
    /// The file cannot be read, or there is no such channel.
    pub fn deliveries(
        &self,
        channel: Option<&str>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<DeliveryRecord>, HealthError> {
        if let Some(name) = channel {
            self.store.channel(name)?;
        }
        Ok(self.store.deliveries(channel, before, limit)?)
    }

    fn notices(
        &self,
        channels: &[Channel],
        record: &AlertRecord,
        change: Change,
        now: Timestamp,
    ) -> Vec<(i64, String)> {
        addressed(channels, &Notice::of_alert(record, change, &self.host, now))
    }
}

/// A notice for every channel that wants it.
fn addressed(channels: &[Channel], notice: &Notice) -> Vec<(i64, String)> {
    // A notice is text and times: it can always be written.
    let Ok(text) = serde_json::to_string(notice) else { return Vec::new() };
    let wanted = channels.iter().filter(|channel| channel.spec.wants(notice));
    wanted.map(|channel| (channel.id, text.clone())).collect()
}
