//! Why somebody is not let in, or something about people cannot be changed.

use std::time::Duration;

use super::{OidcError, PasskeyRefusal};
use crate::catalog::StoreError;

/// A refusal. What it says may be shown to whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// Name, password or code do not fit. Never says which.
    #[error("The name, the password or the code is not right.")]
    NotRecognised,
    /// Too many attempts.
    #[error("There were too many attempts; the next is possible in {} s.", wait.as_secs().max(1))]
    TooManyAttempts {
        /// How long to wait.
        wait: Duration,
    },
    /// Too many people sign in at once.
    #[error("Too many people are signing in at this moment.")]
    Busy,
    /// A value that cannot be right.
    #[error("{what}: {why}.")]
    Invalid {
        /// What it is for.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such thing.
    #[error("There is no {0}.")]
    NotFound(String),
    /// It does not fit the present state; the text says why, the second what to do.
    #[error("{0}")]
    Conflict(String, &'static str),
    /// The one-time code is not right.
    #[error("The one-time code is not right.")]
    SetupCodeWrong,
    /// There is an admin already.
    #[error("The appliance is set up already.")]
    SetupDone,
    /// The caller has no user behind it: preferences, passwords and second factors belong to users.
    #[error("This belongs to a user, and no user is signed in.")]
    NoUser,
    /// Signing in by an identity provider.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// A passkey.
    #[error(transparent)]
    Passkey(#[from] PasskeyRefusal),
    /// The file of users, or the file of the one-time code.
    #[error(transparent)]
    Store(StoreError),
    /// The system refused a file.
    #[error("cannot {doing} {path}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// Which.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A password cannot be hashed: our mistake, or no memory.
    #[error("a password cannot be hashed: {0}")]
    Hashing(String),
}

/// What the API has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeopleErrorKind {
    /// Who asks is not known.
    NotRecognised,
    /// Later.
    TooMany,
    /// The request cannot be right.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// Not in the present state.
    Conflict,
    /// The file of users is damaged or cannot be used.
    Broken,
}

impl PeopleError {
    /// What the API has to know.
    #[must_use]
    pub fn kind(&self) -> PeopleErrorKind {
        match self {
            Self::NotRecognised | Self::SetupCodeWrong => PeopleErrorKind::NotRecognised,
            Self::TooManyAttempts { .. } | Self::Busy => PeopleErrorKind::TooMany,
            Self::Oidc(OidcError::NotSet) => PeopleErrorKind::NotFound,
            Self::Oidc(OidcError::Provider(_) | OidcError::NameTaken(_)) => {
                PeopleErrorKind::Conflict
            }
            Self::Passkey(PasskeyRefusal::NoSite { .. }) => PeopleErrorKind::Conflict,
            Self::Oidc(_) | Self::Passkey(_) => PeopleErrorKind::NotRecognised,
            Self::Invalid { .. } => PeopleErrorKind::Invalid,
            Self::NotFound(_) => PeopleErrorKind::NotFound,
            Self::Conflict(..) | Self::SetupDone | Self::NoUser => PeopleErrorKind::Conflict,
            Self::Store(_) | Self::File { .. } | Self::Hashing(_) => PeopleErrorKind::Broken,
        }
    }

    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotRecognised => "not_recognised",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::Busy => "sign_in_busy",
            Self::Invalid { .. } => "request_invalid",
            Self::NotFound(_) => "unknown",
            Self::Conflict(..) => "conflict",
            Self::SetupCodeWrong => "setup_code_wrong",
            Self::SetupDone => "setup_done",
            Self::NoUser => "no_user",
            Self::Oidc(error) => error.code(),
            Self::Passkey(refusal) => refusal.code(),
            Self::Store(_) | Self::File { .. } | Self::Hashing(_) => "people_unavailable",
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NotRecognised => {
                "Try again; an admin can set a new password, also at the machine itself with \
                 `fossilsafe user reset-password`."
            }
            Self::TooManyAttempts { .. } | Self::Busy => {
                "Wait and try again, or sign in at the machine itself."
            }
            Self::Invalid { .. } => "Correct it and try again.",
            Self::NotFound(_) => "Look at the list.",
            Self::Conflict(_, next_step) => next_step,
            Self::SetupCodeWrong => {
                "Take the code from the terminal, the log or the serial console of the appliance."
            }
            Self::SetupDone => "Sign in; an admin can make more users.",
            Self::NoUser => "Sign in as a user.",
            Self::Oidc(error) => error.next_step(),
            Self::Passkey(refusal) => refusal.next_step(),
            Self::Store(_) | Self::File { .. } | Self::Hashing(_) => {
                "Look at the log; the data folder's disk may be full or failing."
            }
        }
    }

    pub(super) fn invalid(what: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { what, why: why.into() }
    }
}

impl From<StoreError> for PeopleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            StoreError::Exists(_) => {
                Self::Conflict(format!("{}.", capital(&error)), "Choose another name.")
            }
            StoreError::LastAdmin(_) => {
                Self::Conflict(format!("{}.", capital(&error)), "Make another user an admin first.")
            }
            other => Self::Store(other),
        }
    }
}

fn capital(error: &StoreError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}
