//! The one-time code with which the first admin is made, so that nobody on the network can be first.
//!
//! The code is shown where only the owner of the machine looks: on the terminal or in the log of the engine,
//! and in a file that only the engine's user may read, for the serial console. It stays the same over
//! restarts until there is an admin, and is worth nothing after that.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::password::ensure_acceptable;
use super::token::{hash_of_code, new_code};
use super::user::ensure_name;
use super::{Factors, Origin, People, PeopleError, Role, Secret, StartedSession};
use crate::catalog::people::NewUser;

/// The file in the data folder.
const FILE: &str = "setup-code";
const FILE_MODE: u32 = 0o600;
/// Groups of the code: 60 random bits, against attempts that are slowed down.
const GROUPS: usize = 3;
/// By this attempts are counted; no user can have this name.
const ACCOUNT: &str = "setup code";

/// The code's file.
#[derive(Debug)]
pub(super) struct SetupCode {
    path: PathBuf,
}

impl SetupCode {
    pub(super) fn beside(data: &Path) -> Self {
        Self { path: data.join(FILE) }
    }

    /// Makes a code if one is needed and there is none; removes it if it is not needed any more.
    pub(super) fn keep_or_remove(&self, has_admin: bool) -> Result<(), PeopleError> {
        if has_admin {
            return match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(self.failed("remove", error))
                }
                _ => Ok(()),
            };
        }
        if self.read().is_some() {
            return Ok(());
        }
        let mut options = std::fs::File::options();
        let opened = options.write(true).create(true).truncate(true).mode(FILE_MODE);
        let mut file = opened.open(&self.path).map_err(|error| self.failed("write", error))?;
        let written = writeln!(file, "{}", new_code(GROUPS).reveal());
        written.and_then(|()| file.sync_all()).map_err(|error| self.failed("write", error))
    }

    fn read(&self) -> Option<Secret> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| Secret::new(text.to_owned()))
    }

    fn failed(&self, doing: &'static str, source: std::io::Error) -> PeopleError {
        PeopleError::File { doing, path: self.path.display().to_string(), source }
    }
}

impl People {
    /// True until an admin can sign in.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn is_setup_needed(&self) -> Result<bool, PeopleError> {
        Ok(!self.store.has_admin()?)
    }

    /// The code that makes the first admin, while one is needed. For the terminal and the log only.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn setup_code(&self) -> Result<Option<Secret>, PeopleError> {
        Ok(if self.is_setup_needed()? { self.setup.read() } else { None })
    }

    /// Makes the first admin and signs in.
    ///
    /// # Errors
    /// `SetupCodeWrong`, `TooManyAttempts`, `SetupDone`, or what is wrong with name and password.
    pub fn set_up(
        &self,
        code: &Secret,
        name: &str,
        password: &Secret,
        from: &Origin,
    ) -> Result<StartedSession, PeopleError> {
        if !self.is_setup_needed()? {
            return Err(PeopleError::SetupDone);
        }
        self.count_attempt(from, ACCOUNT)?;
        let wanted = self.setup.read().ok_or(PeopleError::SetupCodeWrong)?;
        if hash_of_code(wanted.reveal()) != hash_of_code(code.reveal()) {
            return Err(PeopleError::SetupCodeWrong);
        }
        if let Some(address) = from.address {
            self.throttle.lock().succeeded(address, ACCOUNT);
        }
        ensure_name(name)?;
        ensure_acceptable(password, name)?;
        let hash = self.hasher.hash(password)?;
        let new = NewUser {
            name,
            role: Role::Admin,
            password_hash: &hash,
            is_password_interim: false,
            at: self.clock.now(),
        };
        // Two who have the code race for it within one transaction.
        let id = self.store.create_first_admin(&new)?.ok_or(PeopleError::SetupDone)?;
        self.setup.keep_or_remove(true)?;
        self.begin_session(&self.store.user(id)?, from, Factors::One)
    }
}
