//! How updates stand, for whoever asks: the console, the command line, monitoring.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{ByteCount, Timestamp};
use crate::system::{Slot, Version};

/// How updates of this machine stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpdatesState {
    /// Whether this machine was started from an image with two slots. If not, nothing below can be
    /// done here, and `instead` says what can.
    pub has_slots: bool,
    /// How this installation is brought up to date, where there are no slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What runs: the image's version, or the program's where there is no image.
    pub version: Version,
    /// The slot that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Both slots; empty where there are none.
    pub slots: Vec<SlotState>,
    /// The installation that is running, or the last one since the machine was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation: Option<Installation>,
    /// A bundle that was uploaded or fetched, whose signature is right, and that can be installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<BundleState>,
    /// Where newer versions are looked for; absent if no address is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelState>,
    /// Whether the next start is another slot than the one that runs.
    pub is_restart_needed: bool,
    /// What became of updates, newest first.
    pub history: Vec<PastUpdate>,
    /// What may be asked of it now. Installing and restarting also need that no job is at work, unless
    /// the request says otherwise.
    pub allowed_actions: Vec<UpdateAction>,
    /// Jobs that are at work or wait for their turn: they go on from a safe point after a restart.
    pub jobs_active: u64,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlotState {
    /// Which one.
    pub name: Slot,
    /// How it is.
    pub condition: SlotCondition,
    /// What is in it; absent if that is not known, as for one that was never written since the disk was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// When it was written; absent for what the disk was flashed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<Timestamp>,
    /// Whether it is what runs.
    pub is_booted: bool,
    /// Whether it is what starts next.
    pub is_next: bool,
    /// How often it was started since it was last found good; after the third it is left.
    pub tries: u32,
}

/// How a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SlotCondition {
    /// It has started and answered, or is as the disk was flashed.
    Good,
    /// It is installed and has still to show that it works.
    OnTrial,
    /// It is being written now.
    BeingWritten,
    /// It did not start, or was not written whole: nothing starts it.
    Bad,
}

/// An installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Installation {
    /// What is installed; not known before the bundle has been read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// How far it is.
    pub step: InstallationStep,
    /// How much of the step is done.
    pub percent: u8,
    /// When it was begun.
    pub began_at: Timestamp,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// How far an installation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstallationStep {
    /// The bundle is fetched from the channel.
    Fetching,
    /// The bundle is written to the slot that does not run, and checked while it is.
    Writing,
    /// It is installed: a restart uses it.
    Done,
    /// It failed: the slot that runs stays the next one.
    Failed,
}

/// A bundle that can be installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundleState {
    /// What it brings.
    pub version: Version,
    /// Its size.
    pub size_bytes: ByteCount,
    /// Whether it is newer than what runs; an older one is installed only if that is asked for.
    pub is_newer: bool,
}

/// Where newer versions are looked for, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelState {
    /// The address of the channel file.
    pub address: String,
    /// The channel's name.
    pub name: String,
    /// Whether what is newer is installed by itself, in a maintenance window.
    pub is_automatic: bool,
    /// When it was last asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    /// What was published then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// Why the last question had no answer that can be believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What a channel has published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Published {
    /// The newest version.
    pub version: Version,
    /// Whether it is newer than what runs.
    pub is_newer: bool,
    /// When the channel file was signed.
    pub issued_at: Timestamp,
    /// Until when it may be believed.
    pub expires_at: Timestamp,
}

/// One update that is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PastUpdate {
    /// When it was decided.
    pub at: Timestamp,
    /// What was installed, or gone back to.
    pub version: Version,
    /// What ran before.
    pub before: Version,
    /// How it ended.
    pub outcome: UpdateOutcome,
    /// Why, if it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How an update ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateOutcome {
    /// It started and answered its self-test.
    Good,
    /// It did not work, and the machine went back by itself.
    WentBack,
    /// It was not written whole: the machine was restarted meanwhile.
    Interrupted,
    /// A person chose the other slot.
    RolledBack,
}

/// What may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateAction {
    /// Bring a bundle.
    Upload,
    /// Ask the channel.
    Check,
    /// Install the bundle that is at hand, or what the channel has published.
    Install,
    /// Restart the machine.
    Restart,
    /// Make the other slot the next to start.
    Rollback,
}

impl UpdatesState {
    /// Of a machine without slots.
    #[must_use]
    pub fn without_slots(version: Version, instead: String) -> Self {
        Self {
            has_slots: false,
            instead: Some(instead),
            version,
            slot: None,
            slots: Vec::new(),
            installation: None,
            bundle: None,
            channel: None,
            is_restart_needed: false,
            history: Vec::new(),
            allowed_actions: Vec::new(),
            jobs_active: 0,
        }
    }
}
