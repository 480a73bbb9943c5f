//! The outbox: one thread that sends what is due, notes what came of it, and sleeps.
//!
//! A notice that is not taken is tried again after a pause that grows, eight times within about a day.
//! A receiver may get one twice, if the machine stops between its yes and our note of it; the number of
//! the delivery is the same then.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::channel::{Target, channel_of};
use super::mail::{self, Letter};
use super::webhook::{self, Post};
use super::{Health, HealthError, Kind, Notice, NoticeState, snmp};
use crate::catalog::alerts::{AlertReport, ChannelRecord, DeliveryRecord};
use crate::domain::Timestamp;
use crate::outgoing::root_store;

/// Pauses after the first, second … attempt that failed; after the last, it is given up.
const PAUSES: [Duration; 7] = [
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(4 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(12 * 3600),
];
/// Longest sleep: a clock that was set is noticed after it.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Longest text of a failure that is kept.
const FAILURE_CHARS_MAX: usize = 500;

impl Health {
    /// Begins to deliver.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(self: &Arc<Self>) -> std::io::Result<()> {
        let runtime = runtime()?;
        let health = Arc::clone(self);
        self.outbox.start("outbox", LOOK_AGAIN, move || health.deliver_due(&runtime))
    }

    /// Ends delivery; blocks until an attempt that is under way has ended. What waits is sent at the next
    /// start.
    pub fn stop(&self) {
        self.outbox.stop();
    }

    /// Sends a test to one channel, now, and says what came of it.
    ///
    /// # Errors
    /// There is no such channel, or the receiver has not taken it.
    pub fn test_channel(&self, name: &str) -> Result<(), HealthError> {
        let record = self.store.channel(name)?;
        let now = self.clock.now();
        let report = AlertReport {
            kind: Kind::Test.as_str(),
            subject: name.to_owned(),
            severity: Kind::Test.severity(),
            sentence: "This is a test: nothing has happened.".to_owned(),
            next_step: "Nothing has to be done.".to_owned(),
        };
        let notice = Notice::of_report(&report, NoticeState::Test, &self.host, now);
        let runtime = runtime().map_err(|error| HealthError::NotTaken(error.to_string()))?;
        // Not in the outbox: a test that failed is not sent again tomorrow. Its number is below those of
        // deliveries, and another each time: a receiver takes none twice.
        let number = -i64::try_from(now.unix_nanoseconds() / 1_000_000).unwrap_or(1);
        let sent = self.send(&runtime, &record, &notice, number);
        sent.map_err(HealthError::NotTaken)
    }

    /// Sends everything that is due. Returns how long nothing is.
    pub(super) fn deliver_due(&self, runtime: &Runtime) -> Duration {
        loop {
            if self.outbox.is_stopping() {
                return Duration::ZERO;
            }
            match self.store.next_delivery() {
                Ok(Some(next)) => {
                    let now = self.clock.now();
                    let early = next.due.seconds.saturating_sub(now.seconds);
                    if let Ok(seconds @ 1..) = u64::try_from(early) {
                        return Duration::from_secs(seconds);
                    }
                    if let Err(error) = self.deliver(runtime, &next) {
                        tracing::error!(%error, "a delivery could not be noted");
                        return LOOK_AGAIN;
                    }
                }
                Ok(None) => return LOOK_AGAIN,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read");
                    return LOOK_AGAIN;
                }
            }
        }
    }

    fn deliver(&self, runtime: &Runtime, delivery: &DeliveryRecord) -> Result<(), HealthError> {
        let record = self.store.channel(&delivery.channel)?;
        let sent = match serde_json::from_str::<Notice>(&delivery.notice) {
            Ok(notice) => self.send(runtime, &record, &notice, delivery.id),
            Err(error) => Err(format!("the notice cannot be read: {error}")),
        };
        let now = self.clock.now();
        let (channel, number) = (&delivery.channel, delivery.id);
        let Err(failure) = sent else {
            tracing::info!(channel, number, "a notice was delivered");
            return Ok(self.store.note_attempt(delivery.id, None, None, now)?);
        };
        let failure: String = failure.chars().take(FAILURE_CHARS_MAX).collect();
        let again = again_after(delivery.attempts, now);
        match again {
            Some(_) => tracing::warn!(channel, number, failure, "a notice was not taken"),
            None => tracing::error!(channel, number, failure, "a notice was given up"),
        }
        Ok(self.store.note_attempt(delivery.id, Some(&failure), again, now)?)
    }

    fn send(
        &self,
        runtime: &Runtime,
        record: &ChannelRecord,
        notice: &Notice,
        delivery: i64,
    ) -> Result<(), String> {
        let said = |error: HealthError| error.to_string();
        let secret = self.secret_of(record).map_err(said)?;
        let channel = channel_of(record.clone()).map_err(said)?;
        match &channel.spec.target {
            Target::Webhook { url, ca_pem } => {
                let body = serde_json::to_string(notice).map_err(|error| error.to_string())?;
                let post = Post {
                    url,
                    roots: root_store(ca_pem.as_deref())?,
                    event: &notice.event,
                    delivery,
                    timestamp: self.clock.now().seconds,
                    body: &body,
                };
                runtime.block_on(webhook::post(&post, &secret))
            }
            Target::Mail { server, port, security, user, from, to, ca_pem } => {
                let letter = Letter {
                    server,
                    port: *port,
                    security: *security,
                    user: user.as_deref(),
                    from,
                    to,
                    ca_pem: ca_pem.as_deref(),
                };
                mail::send(&letter, notice, delivery, &secret)
            }
            Target::Snmp { server, port } => {
                let up_time = self.clock.elapsed();
                snmp::send(server, *port, &secret, notice, delivery, up_time)
            }
        }
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// When it is tried again after so many attempts before this one.
fn again_after(attempts: u32, now: Timestamp) -> Option<Timestamp> {
    let pause = PAUSES.get(usize::try_from(attempts).ok()?)?;
    let nanoseconds = i128::try_from(pause.as_nanos()).ok()?;
    Some(Timestamp::from_unix_nanoseconds(now.unix_nanoseconds() + nanoseconds))
}
