//! Keeps the name of the machine, its time zone and its time servers, where the system's own programs read them:
//!
//! ```text
//! /etc/systemd/network/ (on the data partition)   is what is read as
//!   host-name                                     /etc/hostname
//!   localtime ──▶ /usr/share/zoneinfo/ZONE        /etc/localtime
//!   time-servers.conf                             /etc/systemd/timesyncd.conf.d/
//! ```
//!
//! The image has the links from there to here, so nothing has to be set anew at a start but the name, which the
//! kernel keeps: `fossilsafe-host-name.service` does that, at a start and when it is changed.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::NetworkError;
use super::files::{failed, remove, write};
use super::host_name::HostNameSetting;
use super::time::{ClockState, TimeSetting, TimeState, zone_of_link};
use super::timesync::{QUESTION, clock_of};
use super::told::tell;
use crate::domain::{Clock, Timestamp};
use crate::durable;

const HOST_NAME: &str = "host-name";
const LOCAL_TIME: &str = "localtime";
const TIME_SERVERS: &str = "time-servers.conf";
const SERVERS_KEY: &str = "NTP=";
const ZONES: &str = "/usr/share/zoneinfo";
const NAME_UNIT: &str = "fossilsafe-host-name.service";
const CLOCK_UNIT: &str = "systemd-timesyncd.service";
/// Touched by systemd-timesyncd whenever a server has set the clock.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// Keeps what belongs to no port.
#[derive(Debug)]
pub struct MachineKeeper {
    folder: PathBuf,
    programs: Programs,
    clock: Arc<dyn Clock>,
}

/// Who is told, and who is asked.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) systemctl: PathBuf,
    pub(super) busctl: PathBuf,
}

impl MachineKeeper {
    /// Of this machine.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let programs = Programs { systemctl: "systemctl".into(), busctl: "busctl".into() };
        Self::of("/etc/systemd/network".into(), programs, clock)
    }

    pub(super) fn of(folder: PathBuf, programs: Programs, clock: Arc<dyn Clock>) -> Self {
        Self { folder, programs, clock }
    }

    /// Gives the machine another name.
    ///
    /// # Errors
    /// When it cannot be one, or cannot be kept or given: then it has the name that it had.
    pub fn set_host_name(&self, setting: &HostNameSetting) -> Result<(), NetworkError> {
        setting.ensure_sensible()?;
        let path = self.folder.join(HOST_NAME);
        let before = read(&path)?;
        write(&path, &format!("{}\n", setting.host_name))?;
        let given = self.restart("restart", NAME_UNIT);
        if given.is_err() {
            let back = before.map_or_else(|| remove(&path), |before| write(&path, &before));
            if let Err(error) = back {
                tracing::error!(%error, "a refused name of the machine could not be taken back");
            }
        }
        given
    }

    /// What is kept of the time.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn time(&self) -> Result<TimeSetting, NetworkError> {
        let text = read(&self.folder.join(TIME_SERVERS))?.unwrap_or_default();
        let lines = text.lines().filter_map(|line| line.strip_prefix(SERVERS_KEY));
        let servers = lines.flat_map(str::split_whitespace).map(ToOwned::to_owned);
        let time_zone = zone_of_link(&self.folder.join(LOCAL_TIME));
        Ok(TimeSetting { time_zone, time_servers: servers.collect() })
    }

    /// How the time stands.
    ///
    /// # Errors
    /// When what is kept cannot be read. A clock that nobody sets is no error.
    pub fn time_state(&self) -> Result<TimeState, NetworkError> {
        let asked = tell(&self.programs.busctl, QUESTION);
        let clock = asked.map_err(|error| error.to_string());
        let clock = clock.and_then(|said| clock_of(&said).map_err(|error| error.to_string()));
        let clock = clock.unwrap_or_else(|error| {
            tracing::warn!(error, "nothing is known of who sets the clock");
            ClockState::default()
        });
        Ok(TimeState {
            is_managed_here: true,
            instead: None,
            now: self.clock.now(),
            setting: self.time()?,
            clock: Some(ClockState { synchronised_at: synchronised_at(), ..clock }),
        })
    }

    /// Sets time zone and time servers.
    ///
    /// # Errors
    /// When one of them cannot be, or cannot be kept, or the clock's service does not start with it: then it is kept
    /// all the same.
    pub fn set_time(&self, setting: &TimeSetting) -> Result<(), NetworkError> {
        setting.ensure_sensible()?;
        let before = self.time()?;
        self.link_zone(&setting.time_zone)?;
        if before.time_servers == setting.time_servers {
            return Ok(());
        }
        let path = self.folder.join(TIME_SERVERS);
        if setting.time_servers.is_empty() {
            remove(&path)?;
        } else {
            let servers = setting.time_servers.join(" ");
            write(&path, &format!("[Time]\n{SERVERS_KEY}{servers}\n"))?;
        }
        self.restart("try-restart", CLOCK_UNIT)
    }

    /// After a power failure it is the old zone or the new.
    fn link_zone(&self, zone: &str) -> Result<(), NetworkError> {
        let path = self.folder.join(LOCAL_TIME);
        let new = durable::beside(&path);
        let linked = || {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            symlink(Path::new(ZONES).join(zone), &new)?;
            fs::rename(&new, &path)?;
            durable::sync(&self.folder)
        };
        linked().map_err(failed("write", &path))
    }

    fn restart(&self, verb: &str, unit: &str) -> Result<(), NetworkError> {
        tell(&self.programs.systemctl, &[verb, unit]).map(drop)
    }
}

fn read(path: &Path) -> Result<Option<String>, NetworkError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path)(error)),
    }
}

/// When a time server last set the clock.
fn synchronised_at() -> Option<Timestamp> {
    let modified = fs::metadata(SYNCHRONISED).ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_unix_nanoseconds(i128::try_from(since.as_nanos()).ok()?))
}
