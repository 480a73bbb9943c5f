//! Sets the ports: on trial first, or at once for who stands before the machine.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::NetworkError;
use super::files::Files;
use super::listing::ports_of;
use super::setting::PortSetting;
use super::state::{NetworkState, NetworkTrial, WentBack, host_name};
use super::told::tell;
use crate::domain::Clock;

/// How long a new setting waits to be confirmed: long enough to open the new address and sign in there.
pub const TRIAL_TIME: Duration = Duration::from_secs(120);
/// Longest name of a port in Linux.
const PORT_LENGTH_MAX: usize = 15;
/// What the kernel calls Ethernet (ARPHRD_ETHER) in `/sys/class/net/PORT/type`.
const ETHERNET: &str = "1";

/// Sets the ports of this machine.
#[derive(Debug)]
pub struct NetworkKeeper {
    files: Files,
    /// Of the kernel: a folder for each port.
    ports: PathBuf,
    networkctl: PathBuf,
    clock: Arc<dyn Clock>,
    changing: Mutex<Changing>,
}

#[derive(Debug, Default)]
struct Changing {
    trial: Option<Trial>,
    went_back: Option<WentBack>,
}

#[derive(Debug)]
struct Trial {
    port: String,
    setting: PortSetting,
    /// By the clock that never jumps: a time server may set the other.
    ends: Duration,
}

impl NetworkKeeper {
    /// Of this machine.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let files =
            Files { kept: "/etc/systemd/network".into(), trial: "/run/systemd/network".into() };
        Self::of(files, "/sys/class/net".into(), "networkctl".into(), clock)
    }

    pub(super) fn of(
        files: Files,
        ports: PathBuf,
        networkctl: PathBuf,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { files, ports, networkctl, clock, changing: Mutex::default() }
    }

    /// Ends what a service before this one had on trial: nobody would confirm it.
    ///
    /// # Errors
    /// When it cannot be taken away.
    pub fn end_old_trials(&self) -> Result<(), NetworkError> {
        if self.files.end_all_trials()? {
            tracing::warn!("a network setting that was on trial went back");
            self.tell(&["reload"])?;
        }
        Ok(())
    }

    /// How everything stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn state(&self) -> Result<NetworkState, NetworkError> {
        let listing = self.tell(&["--json=short", "list"])?;
        let unreadable = |error: serde_json::Error| NetworkError::System {
            command: "list".to_owned(),
            said: error.to_string(),
        };
        let mut ports = ports_of(&listing).map_err(unreadable)?;
        for port in &mut ports {
            port.setting = self.files.setting(&port.name)?;
        }
        let changing = self.changing.lock();
        Ok(NetworkState {
            is_managed_here: true,
            instead: None,
            host_name: host_name(),
            ports,
            trial: changing.trial.as_ref().map(|trial| NetworkTrial {
                port: trial.port.clone(),
                setting: trial.setting.clone(),
                seconds_left: trial.ends.saturating_sub(self.clock.elapsed()).as_secs(),
            }),
            went_back: changing.went_back.clone(),
        })
    }

    /// Gives a port a setting that goes back after [`TRIAL_TIME`].
    ///
    /// # Errors
    /// When it cannot work, another is on trial, or networkd refuses: then the port has what it had.
    pub fn try_out(&self, port: &str, setting: &PortSetting) -> Result<(), NetworkError> {
        setting.ensure_sensible()?;
        self.ensure_port(port)?;
        let mut changing = self.changing.lock();
        if let Some(trial) = &changing.trial {
            return Err(NetworkError::TrialRunning(trial.port.clone()));
        }
        let begun = self.files.begin_trial(port, setting).and_then(|()| self.use_files(port));
        if begun.is_err() {
            let back = self.files.end_trial(port).and_then(|()| self.use_files(port));
            if let Err(error) = back {
                tracing::error!(%error, port, "a refused network setting could not be taken back");
            }
        }
        begun?;
        let ends = self.clock.elapsed() + TRIAL_TIME;
        changing.trial = Some(Trial { port: port.to_owned(), setting: setting.clone(), ends });
        changing.went_back = None;
        Ok(())
    }

    /// Keeps what is on trial.
    ///
    /// # Errors
    /// When nothing is, or it cannot be kept: then the trial goes on.
    pub fn confirm(&self) -> Result<(), NetworkError> {
        let mut changing = self.changing.lock();
        let trial = changing.trial.as_ref().ok_or(NetworkError::NoTrial)?;
        self.files.keep(&trial.port, &trial.setting)?;
        self.files.end_trial(&trial.port)?;
        changing.trial = None;
        // The port has it already; networkd only learns which file it comes from.
        self.tell(&["reload"]).map(drop)
    }

    /// Ends the trial: the port has again what is kept for it.
    ///
    /// # Errors
    /// When nothing is on trial, or networkd refuses.
    pub fn go_back(&self) -> Result<(), NetworkError> {
        let mut changing = self.changing.lock();
        let trial = changing.trial.as_ref().ok_or(NetworkError::NoTrial)?;
        let port = trial.port.clone();
        self.files.end_trial(&port)?;
        changing.trial = None;
        self.use_files(&port)
    }

    /// Ends the trial if its time is over. Called again and again.
    ///
    /// # Errors
    /// When networkd refuses.
    pub fn go_back_if_due(&self) -> Result<(), NetworkError> {
        let mut changing = self.changing.lock();
        let Some(trial) = changing.trial.take_if(|trial| trial.ends <= self.clock.elapsed()) else {
            return Ok(());
        };
        tracing::warn!(port = trial.port, "a network setting was not confirmed and goes back");
        let ended = self.files.end_trial(&trial.port).and_then(|()| self.use_files(&trial.port));
        let Trial { port, setting, .. } = trial;
        changing.went_back = Some(WentBack { port, setting, at: self.clock.now() });
        ended
    }

    /// Keeps a setting without a trial: for who stands before the machine.
    ///
    /// # Errors
    /// When it cannot work, or networkd refuses.
    pub fn keep_at_once(&self, port: &str, setting: &PortSetting) -> Result<(), NetworkError> {
        setting.ensure_sensible()?;
        self.ensure_port(port)?;
        self.files.end_trial(port)?;
        self.files.keep(port, setting)?;
        self.use_files(port)
    }

    /// Its name becomes part of a path and of a pattern, so it is looked at before it is looked up.
    fn ensure_port(&self, port: &str) -> Result<(), NetworkError> {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_name = !port.is_empty()
            && port.len() <= PORT_LENGTH_MAX
            && !port.starts_with('.')
            && port.bytes().all(is_known);
        let kind = || fs::read_to_string(self.ports.join(port).join("type")).unwrap_or_default();
        if is_name && kind().trim() == ETHERNET {
            return Ok(());
        }
        Err(NetworkError::PortUnknown(port.escape_debug().to_string()))
    }

    fn use_files(&self, port: &str) -> Result<(), NetworkError> {
        self.tell(&["reload"])?;
        self.tell(&["reconfigure", port]).map(drop)
    }

    fn tell(&self, words: &[&str]) -> Result<Vec<u8>, NetworkError> {
        tell(&self.networkctl, words)
    }
}
