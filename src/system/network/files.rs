//! The files that systemd-networkd reads: one that is kept, and one before it that is on trial.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::NetworkError;
use super::setting::PortSetting;
use crate::durable::{self, ANYBODY};

/// Sorts before what is kept, so it is the one that counts.
const TRIAL_PREFIX: &str = "30-fossilsafe-";
const KEPT_PREFIX: &str = "40-";
const SUFFIX: &str = ".network";

/// Where they are.
#[derive(Debug)]
pub(super) struct Files {
    /// On the data partition.
    pub(super) kept: PathBuf,
    /// In memory: empty after a restart of the machine.
    pub(super) trial: PathBuf,
}

impl Files {
    /// The setting that is kept for a port; the default's if there is none.
    pub(super) fn setting(&self, port: &str) -> Result<PortSetting, NetworkError> {
        let path = self.kept_path(port);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(PortSetting::of_file(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(PortSetting::default()),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    pub(super) fn begin_trial(
        &self,
        port: &str,
        setting: &PortSetting,
    ) -> Result<(), NetworkError> {
        fs::create_dir_all(&self.trial).map_err(failed("make", &self.trial))?;
        write(&self.trial_path(port), &setting.file(port))
    }

    pub(super) fn end_trial(&self, port: &str) -> Result<(), NetworkError> {
        remove(&self.trial_path(port))
    }

    /// Takes away trials that nobody counts any more, and says whether there were any.
    pub(super) fn end_all_trials(&self) -> Result<bool, NetworkError> {
        let listed = match fs::read_dir(&self.trial) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            listed => listed.map_err(failed("read", &self.trial))?,
        };
        let mut were_there = false;
        for entry in listed {
            let path = entry.map_err(failed("read", &self.trial))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with(TRIAL_PREFIX) {
                remove(&path)?;
                were_there = true;
            }
        }
        Ok(were_there)
    }

    /// Keeps a setting; after a power failure it is the old or the new.
    pub(super) fn keep(&self, port: &str, setting: &PortSetting) -> Result<(), NetworkError> {
        write(&self.kept_path(port), &setting.file(port))
    }

    fn kept_path(&self, port: &str) -> PathBuf {
        self.kept.join(format!("{KEPT_PREFIX}{port}{SUFFIX}"))
    }

    fn trial_path(&self, port: &str) -> PathBuf {
        self.trial.join(format!("{TRIAL_PREFIX}{port}{SUFFIX}"))
    }
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), NetworkError> {
    // What stands beside it meanwhile does not end in `.network`: networkd does not read it.
    durable::replace(path, text.as_bytes(), ANYBODY).map_err(failed("write", path))
}

pub(super) fn remove(path: &Path) -> Result<(), NetworkError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

pub(super) fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> NetworkError {
    let path = path.to_owned();
    move |source| NetworkError::File { verb, path, source }
}
