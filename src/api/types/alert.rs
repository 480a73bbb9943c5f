//! Alerts, the channels that notices go to, and their deliveries. No view has a channel's secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::system::Severity;
use crate::domain::{Secret, Timestamp};
use crate::health::{ChannelSpec, Notice};

/// Something that needs or needed a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertView {
    /// Its number.
    pub id: i64,
    /// A stable word: `set_never_proven`, `job_failed` …
    pub kind: String,
    /// How urgent.
    pub severity: Severity,
    /// What it is about: a set, a drive's serial number, a barcode, a job.
    pub subject: String,
    /// What was found.
    pub sentence: String,
    /// What to do.
    pub next_step: String,
    /// When it was found first.
    pub raised: Timestamp,
    /// How often it happened; what stands counts once.
    pub times: u64,
    /// When it had gone.
    pub ended: Option<Timestamp>,
    /// When somebody took note of it.
    pub acknowledged: Option<Timestamp>,
    /// Who.
    pub acknowledged_by: Option<String>,
    /// What they wrote.
    pub note: Option<String>,
}

/// Which alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// True: only those that last.
    pub is_open: bool,
}

/// Taking note of an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AcknowledgeRequest {
    /// What others should know.
    #[serde(default)]
    pub note: Option<String>,
}

/// Where notices go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelView {
    /// Its name.
    pub name: String,
    /// Where it leads and what goes there.
    #[serde(flatten)]
    pub spec: ChannelSpec,
    /// True if it has a secret, which is never shown.
    pub has_secret: bool,
    /// Whether anything is sent.
    pub is_enabled: bool,
    /// When it was set.
    pub changed: Timestamp,
}

/// A channel that is set.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ChannelRequest {
    /// Where it leads and what goes there.
    #[serde(flatten)]
    pub spec: ChannelSpec,
    /// What webhooks are signed with, the password of the mail server, or the community of traps. Left out,
    /// a channel that leads where it led keeps what it has.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// Whether anything is sent.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
}

fn enabled() -> bool {
    true
}

/// One notice to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryView {
    /// Its number, which the receiver sees too.
    pub id: i64,
    /// The channel.
    pub channel: String,
    /// What is sent.
    pub notice: Notice,
    /// `waiting`, `delivered` or `given_up`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was queued.
    pub created: Timestamp,
    /// When it is tried next, if it waits.
    pub due: Option<Timestamp>,
    /// When it was taken or given up.
    pub ended: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What came of trying a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelTest {
    /// True if the receiver took it.
    pub is_taken: bool,
    /// What it said, or why it could not be asked.
    pub sentence: String,
}
