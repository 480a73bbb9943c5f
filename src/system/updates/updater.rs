//! What may be done to the slots, and in which order it is written down.
//!
//! Threads: orders come from several at once; one installation at a time, which a lock on a file also
//! keeps apart from other processes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::channel_store::ChannelStore;
use super::{
    BundleState, Installation, InstallationStep, PastUpdate, SlotCondition, SlotState,
    UpdateAction, UpdateOutcome, UpdatesError, UpdatesState,
};
use crate::domain::{ByteCount, Clock, lock_alone};
use crate::system::rauc::noted;
use crate::system::{
    Boot, Bundle, History, Pending, Rauc, Record, Slot, Stage, SystemError, Verdict, Version,
};

/// The kind of machine that a bundle must be for; see `system.conf`.
const COMPATIBLE: &str = "fossilsafe-x86_64";
/// The bundle that can be installed, in the service's folder.
const BUNDLE_FILE: &str = "bundle.raucb";
/// What keeps two programs from writing a slot at once; below the root.
const LOCK_FILE: &str = "run/fossilsafe-update.lock";

/// Which versions are taken, and what was known before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InstallOptions {
    /// Also one that is not newer than what runs.
    pub is_older_allowed: bool,
    /// Whether the engine could do its work before: an update is not blamed for a library that is off.
    pub was_sound: bool,
}

/// Knows the slots and changes them.
#[derive(Debug)]
pub struct Updater {
    /// `/` but in tests.
    root: PathBuf,
    /// Its own folder, on the data partition.
    folder: PathBuf,
    rauc: Rauc,
    clock: Arc<dyn Clock>,
    installation: Mutex<Option<Installation>>,
    pub(super) channel: ChannelStore,
}

impl Updater {
    /// Of the machine whose root is `root`; `folder` keeps bundles and what is known of the channel.
    #[must_use]
    pub fn new(root: &Path, folder: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            root: root.to_owned(),
            folder: folder.to_owned(),
            rauc: Rauc,
            clock,
            installation: Mutex::default(),
            channel: ChannelStore::new(folder),
        }
    }

    /// How everything stands.
    ///
    /// # Errors
    /// There are no slots, or the boot state cannot be read.
    pub fn state(&self) -> Result<UpdatesState, UpdatesError> {
        let boot = Boot::read(&self.root)?;
        let history = History::read(&self.root)?;
        let installation = self.installation.lock().clone();
        let is_installing = installation.as_ref().is_some_and(Installation::is_running);
        let slots = [Slot::A, Slot::B].map(|slot| self.slot(slot, &boot, &history, is_installing));
        let bundle = self.bundle(&boot.version);
        let channel = self.channel.state(&boot.version);
        let is_restart_needed = boot.next() != boot.slot;
        let can_go_back = slots.iter().any(can_be_gone_back_to);
        let can_install = bundle.is_some()
            || channel.as_ref().is_some_and(|it| it.published.as_ref().is_some_and(|p| p.is_newer));
        let allowed = [
            (UpdateAction::Upload, !is_installing),
            (UpdateAction::Check, channel.is_some()),
            (UpdateAction::Install, !is_installing && can_install),
            (UpdateAction::Restart, !is_installing),
            (UpdateAction::Rollback, !is_installing && can_go_back),
        ];
        Ok(UpdatesState {
            has_slots: true,
            instead: None,
            version: boot.version,
            slot: Some(boot.slot),
            slots: slots.into(),
            installation,
            bundle,
            channel,
            is_restart_needed,
            history: history.records.iter().rev().map(PastUpdate::of).collect(),
            allowed_actions: allowed
                .iter()
                .filter(|(_, is)| *is)
                .map(|(action, _)| *action)
                .collect(),
            jobs_active: 0,
        })
    }

    /// Takes over a bundle that lies at `inbox`, if its signature is right.
    ///
    /// # Errors
    /// It is not trusted, damaged, or for another machine. Then it is removed.
    pub fn take_bundle(&self, inbox: &Path) -> Result<UpdatesState, UpdatesError> {
        let _alone = self.lock()?;
        let taken = self.bundle_path().with_extension("new");
        self.make_folder()?;
        fs::rename(inbox, &taken).map_err(|source| SystemError::file("take", inbox, source))?;
        let kept = self.inspect(&taken).and_then(|_| {
            let kept = fs::rename(&taken, self.bundle_path());
            kept.map_err(|source| SystemError::file("keep", &taken, source).into())
        });
        if let Err(error) = kept {
            // It would only take room; why it is not taken is what counts.
            let _ = fs::remove_file(&taken);
            return Err(error);
        }
        self.state()
    }

    /// Whether there is something to install that may be: then [`install`](Self::install) can begin.
    ///
    /// # Errors
    /// There is none, or it is not newer, or an installation runs.
    pub fn ensure_installable(&self, options: InstallOptions) -> Result<(), UpdatesError> {
        let state = self.state()?;
        if state.installation.is_some_and(|installation| installation.is_running()) {
            return Err(UpdatesError::Busy);
        }
        let published = state.channel.and_then(|channel| channel.published);
        let offered = state.bundle.map(|bundle| bundle.version);
        let offered = offered.or(published.map(|published| published.version));
        ensure_newer(&offered.ok_or(UpdatesError::NoBundle)?, &state.version, options)
    }

    /// Installs the bundle that is at hand, or fetches the one that the channel has published. Blocks
    /// until it is done; [`state`](Self::state) says how far it is.
    ///
    /// # Errors
    /// It is not taken, or cannot be written. What runs stays the next to start.
    pub fn install(&self, options: InstallOptions) -> Result<Version, UpdatesError> {
        let bundle = self.bundle_path();
        self.with_progress(|| {
            if !bundle.is_file() {
                self.fetch(&bundle)?;
            }
            let version = self.write(&bundle, options)?;
            // It is in the slot now; the room is for the next one.
            let _ = fs::remove_file(&bundle);
            Ok(version)
        })
    }

    /// Installs a bundle from a place that the caller names.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    pub fn install_from(
        &self,
        bundle: &Path,
        options: InstallOptions,
    ) -> Result<Version, UpdatesError> {
        self.with_progress(|| self.write(bundle, options))
    }

    /// Makes the other slot the next one to start.
    ///
    /// # Errors
    /// What is in it has not worked yet, or an installation runs.
    pub fn roll_back(&self) -> Result<UpdatesState, UpdatesError> {
        let _alone = self.lock()?;
        let boot = Boot::read(&self.root)?;
        let mut history = History::read(&self.root)?;
        let other = self.slot(boot.slot.other(), &boot, &history, false);
        if !can_be_gone_back_to(&other) {
            return Err(UpdatesError::NothingBefore);
        }
        self.rauc.go_to_other()?;
        let version = other.version.unwrap_or_else(|| boot.version.clone());
        history.roll_back(self.clock.now(), version, boot.version);
        history.write(&self.root)?;
        self.state()
    }

    /// Restarts the machine.
    ///
    /// # Errors
    /// An installation runs, or the system refuses.
    pub fn restart(&self) -> Result<UpdatesState, UpdatesError> {
        let _alone = self.lock()?;
        let state = self.state()?;
        let mut command = std::process::Command::new("systemctl");
        let asked = command.args(["--no-block", "reboot"]).status();
        let failed = |source| SystemError::Program { program: "systemctl", source };
        if !asked.map_err(failed)?.success() {
            let why = "it does not restart the machine".to_owned();
            return Err(SystemError::Refused { program: "systemctl", why }.into());
        }
        Ok(state)
    }

    /// Checks it, writes down that it is on its way, and lets the update client write it.
    fn write(&self, bundle: &Path, options: InstallOptions) -> Result<Version, UpdatesError> {
        let boot = Boot::read(&self.root)?;
        let mut history = History::read(&self.root)?;
        let inspected = self.inspect(bundle)?;
        ensure_newer(&inspected.version, &boot.version, options)?;
        self.progress(|it| {
            it.version = Some(inspected.version.clone());
            it.step = InstallationStep::Writing;
            it.percent = 0;
        });
        // Written first: if power fails after the slot was switched, the next boot knows that it is on trial.
        let mut pending = Pending {
            slot: boot.slot.other(),
            version: inspected.version.clone(),
            before: boot.version,
            stage: Stage::Installing,
            was_sound: options.was_sound,
            reason: None,
        };
        history.pending = Some(pending.clone());
        history.write(&self.root)?;
        let on_percent = |percent| self.progress(|it| it.percent = percent);
        if let Err(error) = self.rauc.install(&bundle.to_string_lossy(), &on_percent) {
            history.pending = None;
            history.write(&self.root)?;
            return Err(error.into());
        }
        pending.stage = Stage::Installed;
        history.pending = Some(pending);
        history.write(&self.root)?;
        Ok(inspected.version)
    }

    /// Its signature is right, and it is for this kind of machine.
    fn inspect(&self, bundle: &Path) -> Result<Bundle, UpdatesError> {
        let inspected = self.rauc.inspect(&bundle.to_string_lossy());
        let inspected = inspected.map_err(|error| match error {
            SystemError::Refused { why, .. } => UpdatesError::BundleRefused(why),
            other => other.into(),
        })?;
        if inspected.compatible != COMPATIBLE {
            let (found, wanted) = (inspected.compatible, COMPATIBLE);
            return Err(UpdatesError::OtherMachine { found, wanted });
        }
        Ok(inspected)
    }

    fn with_progress(
        &self,
        work: impl FnOnce() -> Result<Version, UpdatesError>,
    ) -> Result<Version, UpdatesError> {
        let _alone = self.lock()?;
        *self.installation.lock() = Some(Installation {
            version: None,
            step: InstallationStep::Fetching,
            percent: 0,
            began_at: self.clock.now(),
            problem: None,
        });
        let ended = work();
        self.progress(|it| match &ended {
            Ok(_) => (it.step, it.percent) = (InstallationStep::Done, 100),
            Err(error) => {
                it.step = InstallationStep::Failed;
                it.problem = Some(error.whole());
            }
        });
        ended
    }

    pub(super) fn progress(&self, change: impl FnOnce(&mut Installation)) {
        if let Some(installation) = &mut *self.installation.lock() {
            change(installation);
        }
    }

    /// One program at a time changes slots; held until it is dropped.
    pub(super) fn lock(&self) -> Result<File, UpdatesError> {
        let path = self.root.join(LOCK_FILE);
        let failed = |source| SystemError::file("lock", &path, source);
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        if lock_alone(&file).map_err(failed)? { Ok(file) } else { Err(UpdatesError::Busy) }
    }

    pub(super) fn now(&self) -> crate::domain::Timestamp {
        self.clock.now()
    }

    pub(super) fn make_folder(&self) -> Result<(), UpdatesError> {
        let made = fs::create_dir_all(&self.folder);
        Ok(made.map_err(|source| SystemError::file("make", &self.folder, source))?)
    }

    /// What runs.
    pub(super) fn running(&self) -> Result<Version, UpdatesError> {
        Ok(Boot::read(&self.root)?.version)
    }

    fn bundle_path(&self) -> PathBuf {
        self.folder.join(BUNDLE_FILE)
    }

    fn bundle(&self, running: &Version) -> Option<BundleState> {
        let path = self.bundle_path();
        let size_bytes = ByteCount(fs::metadata(&path).ok()?.len());
        let version = self.inspect(&path).ok()?.version;
        Some(BundleState { is_newer: version > *running, version, size_bytes })
    }

    fn slot(&self, name: Slot, boot: &Boot, history: &History, is_installing: bool) -> SlotState {
        let is_booted = name == boot.slot;
        let pending = history.pending.as_ref().filter(|pending| pending.slot == name);
        let condition = match pending.map(|pending| pending.stage) {
            Some(Stage::Installing) if is_installing => SlotCondition::BeingWritten,
            Some(Stage::Installing) if !is_booted => SlotCondition::Bad,
            Some(_) => SlotCondition::OnTrial,
            None if is_booted || boot.is_startable(name) => SlotCondition::Good,
            None => SlotCondition::Bad,
        };
        let noted = noted(&self.root, name);
        let installed_at = noted.as_ref().and_then(|(_, at)| *at);
        let flashed = || history.flashed().unwrap_or(&boot.version).clone();
        let version = match (is_booted, pending) {
            (true, _) => boot.version.clone(),
            (false, Some(pending)) => pending.version.clone(),
            (false, None) => noted.map_or_else(flashed, |(version, _)| version),
        };
        SlotState {
            name,
            condition,
            version: Some(version),
            installed_at,
            is_booted,
            is_next: boot.next() == name,
            tries: boot.tries(name),
        }
    }
}

impl Installation {
    /// Whether it goes on.
    fn is_running(&self) -> bool {
        matches!(self.step, InstallationStep::Fetching | InstallationStep::Writing)
    }
}

impl PastUpdate {
    fn of(record: &Record) -> Self {
        let (outcome, reason) = match &record.verdict {
            Verdict::Good => (UpdateOutcome::Good, None),
            Verdict::WentBack(why) => (UpdateOutcome::WentBack, Some(why.clone())),
            Verdict::Interrupted => {
                let why = "the machine was restarted while it was written".to_owned();
                (UpdateOutcome::Interrupted, Some(why))
            }
            Verdict::RolledBack => (UpdateOutcome::RolledBack, None),
        };
        let (version, before) = (record.version.clone(), record.before.clone());
        Self { at: record.at, version, before, outcome, reason }
    }
}

fn can_be_gone_back_to(slot: &SlotState) -> bool {
    !slot.is_booted && slot.condition == SlotCondition::Good
}

fn ensure_newer(
    offered: &Version,
    running: &Version,
    options: InstallOptions,
) -> Result<(), UpdatesError> {
    if offered > running || options.is_older_allowed {
        return Ok(());
    }
    Err(UpdatesError::NotNewer { offered: offered.to_string(), running: running.to_string() })
}
