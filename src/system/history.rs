//! What became of each update: kept in the boot state, which no image and no factory reset touches.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::boot::{Boot, Slot};
use super::error::SystemError;
use super::version::Version;
use crate::domain::Timestamp;
use crate::durable::{self, ANYBODY};

/// Below the root.
const PATH: &str = "boot/update.json";
/// Years of updates, and a file of one disk cluster.
const RECORDS_MAX: usize = 20;

/// What became of updates, and the one that is not decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Installed and not yet confirmed.
    pub pending: Option<Pending>,
    /// The newest last.
    pub records: Vec<Record>,
}

/// An update that has been installed and has not shown yet that it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Where it was installed.
    pub slot: Slot,
    /// What was installed.
    pub version: Version,
    /// What ran then.
    pub before: Version,
    /// How far it has come.
    #[serde(default)]
    pub stage: Stage,
    /// Whether the engine had anything to complain of before: an update is not blamed for a library that
    /// is switched off.
    #[serde(default)]
    pub was_sound: bool,
    /// Why its last start failed, if it came so far as to know.
    pub reason: Option<String>,
}

/// How far an update has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It is being written.
    Installing,
    /// The slot is whole, and the next to start.
    #[default]
    Installed,
}

/// One update that is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// What was installed.
    pub version: Version,
    /// What ran before.
    pub before: Version,
    /// How it ended.
    pub verdict: Verdict,
}

/// How an update ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It answered its self-test.
    Good,
    /// The machine went back, for this reason.
    WentBack(String),
    /// The machine was restarted while it was written: the slot before goes on.
    Interrupted,
    /// A person chose the slot before.
    RolledBack,
}

/// What a boot means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// No update waits: this slot has been good before.
    Known,
    /// The update that was installed runs: it has to show that it works.
    OnTrial,
    /// The update was tried and is not what runs: the machine went back, for this reason.
    WentBack(String),
    /// The update has not been started yet.
    NotStarted,
    /// The update was never written whole.
    Interrupted,
}

impl History {
    /// Reads the file; an absent one is an empty history.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn read(root: &Path) -> Result<Self, SystemError> {
        let path = path(root);
        match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|source| SystemError::Syntax { path, source })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(SystemError::file("read", &path, source)),
        }
    }

    /// Replaces the file: a power failure leaves the old one or the new one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, root: &Path) -> Result<(), SystemError> {
        let path = path(root);
        let write = || durable::replace(&path, &serde_json::to_vec_pretty(self)?, ANYBODY);
        write().map_err(|source| SystemError::file("write", &path, source))
    }

    /// What this boot means for the update that waits.
    #[must_use]
    pub fn judge(&self, boot: &Boot) -> Confirmation {
        let Some(pending) = &self.pending else { return Confirmation::Known };
        if pending.slot == boot.slot {
            return Confirmation::OnTrial;
        }
        if pending.stage == Stage::Installing {
            return Confirmation::Interrupted;
        }
        let tries = boot.tries(pending.slot);
        if tries == 0 {
            return Confirmation::NotStarted;
        }
        let unsaid = || "it never came far enough to say why".to_owned();
        let reason = pending.reason.clone().unwrap_or_else(unsaid);
        Confirmation::WentBack(format!(
            "{} did not start in {tries} tries: {reason}",
            pending.version
        ))
    }

    /// Closes the update that waits.
    pub fn decide(&mut self, at: Timestamp, verdict: Verdict) {
        let Some(Pending { version, before, .. }) = self.pending.take() else { return };
        self.add(Record { at, version, before, verdict });
    }

    /// Notes that a person went back from `before` to `version`; an update that waits is over with that.
    pub fn roll_back(&mut self, at: Timestamp, version: Version, before: Version) {
        self.pending = None;
        self.add(Record { at, version, before, verdict: Verdict::RolledBack });
    }

    /// What the disk was flashed with: what ran before the first update that is known of.
    #[must_use]
    pub fn flashed(&self) -> Option<&Version> {
        let pending = self.pending.as_ref().map(|pending| &pending.before);
        self.records.first().map(|record| &record.before).or(pending)
    }

    fn add(&mut self, record: Record) {
        self.records.push(record);
        let surplus = self.records.len().saturating_sub(RECORDS_MAX);
        self.records.drain(..surplus);
    }
}

fn path(root: &Path) -> PathBuf {
    root.join(PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boot(slot: char, tries_b: u32) -> Boot {
        let root = tempfile::tempdir().unwrap();
        for folder in ["proc", "etc", "boot/grub"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let write = |path: &str, text: String| fs::write(root.path().join(path), text).unwrap();
        write("proc/cmdline", format!("rauc.slot={slot}"));
        write("etc/os-release", "VERSION_ID=1.0.0".to_owned());
        write("boot/grub/grubenv", format!("A_TRY=1\nB_TRY={tries_b}\n"));
        Boot::read(root.path()).unwrap()
    }

    fn waiting(reason: Option<&str>) -> History {
        let [version, before] = ["1.1.0", "1.0.0"].map(|text| text.parse().unwrap());
        let reason = reason.map(str::to_owned);
        let (stage, was_sound) = (Stage::Installed, true);
        let pending = Some(Pending { slot: Slot::B, version, before, stage, was_sound, reason });
        History { pending, records: Vec::new() }
    }

    #[test]
    fn a_boot_is_judged_by_the_slot_and_by_the_tries() {
        assert_eq!(History::default().judge(&boot('A', 0)), Confirmation::Known);
        assert_eq!(waiting(None).judge(&boot('B', 1)), Confirmation::OnTrial);
        assert_eq!(waiting(None).judge(&boot('A', 0)), Confirmation::NotStarted);
        let Confirmation::WentBack(why) = waiting(Some("no engine")).judge(&boot('A', 3)) else {
            panic!("it went back")
        };
        assert_eq!(why, "1.1.0 did not start in 3 tries: no engine");
        let mut cut = waiting(None);
        cut.pending.as_mut().unwrap().stage = Stage::Installing;
        assert_eq!(cut.judge(&boot('A', 0)), Confirmation::Interrupted);
        // Power failed after the slot was made the next one, and before that was written down.
        assert_eq!(cut.judge(&boot('B', 1)), Confirmation::OnTrial);
    }

    #[test]
    fn the_history_is_kept_and_does_not_grow_for_ever() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("boot")).unwrap();
        let mut history = History::read(root.path()).unwrap();
        for round in 0..=RECORDS_MAX {
            history.pending = waiting(None).pending;
            let at = Timestamp { seconds: round.try_into().unwrap(), nanoseconds: 0 };
            history.decide(at, Verdict::WentBack("x".to_owned()));
        }
        history.write(root.path()).unwrap();
        let read = History::read(root.path()).unwrap();
        assert_eq!(read, history);
        assert_eq!((read.records.len(), read.records[0].at.seconds), (RECORDS_MAX, 1));
        assert_eq!(read.pending, None);
    }

    #[test]
    fn a_damaged_history_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("boot")).unwrap();
        fs::write(path(root.path()), "{").unwrap();
        assert!(History::read(root.path()).unwrap_err().to_string().contains("update.json"));
    }
}
