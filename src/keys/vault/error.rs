//! Why the key server gives no key. What it says may be shown; no variant ever carries a key or a token.

/// A failure of the key server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// None is set.
    #[error("no key server is set")]
    NotSet,
    /// What was to be set makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Nobody answers, or not the one who was meant.
    #[error("the key server cannot be reached: {0}")]
    Unreachable(String),
    /// It runs and has not been opened.
    #[error("the key server is sealed")]
    Sealed,
    /// It does not let us.
    #[error("the key server denies \"{path}\"")]
    Denied {
        /// What was asked for.
        path: String,
    },
    /// There is no such thing there.
    #[error("the key server has nothing at \"{path}\"")]
    Missing {
        /// What was asked for.
        path: String,
    },
    /// Nothing is mounted there.
    #[error("the key server has nothing mounted for \"{path}\"")]
    NotMounted {
        /// What was asked for.
        path: String,
    },
    /// It says something else.
    #[error("the key server answers \"{path}\" with {status}: {said}")]
    Answer {
        /// What was asked for.
        path: String,
        /// The status.
        status: u16,
        /// Its reason.
        said: String,
    },
    /// What it gives is another key than was given to it.
    #[error("the key server gives another key than it was given")]
    OtherKey,
    /// The token or secret id was sealed with keys that are not here.
    #[error("the secret for the key server was sealed with another key of this machine")]
    SecretLost,
    /// Data keys are kept there.
    #[error("{0} data keys are kept by the key server")]
    InUse(usize),
}

/// What policy needs to know of a [`VaultError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultErrorKind {
    /// It may pass by itself, or when somebody has looked after the server.
    Away,
    /// Somebody has to change what is set here or there.
    OperatorNeeded,
    /// What was asked for makes no sense.
    Invalid,
}

impl VaultError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> VaultErrorKind {
        match self {
            Self::Unreachable(_) | Self::Sealed | Self::Answer { .. } => VaultErrorKind::Away,
            Self::Invalid(_) => VaultErrorKind::Invalid,
            _ => VaultErrorKind::OperatorNeeded,
        }
    }

    /// True if it says something of one key, and not of the server: others may still be given.
    #[must_use]
    pub fn is_about_one_key(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::NotMounted { .. } | Self::OtherKey)
    }

    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSet => "kms_not_set",
            Self::Invalid(_) => "kms_invalid",
            Self::Unreachable(_) => "kms_unreachable",
            Self::Sealed => "kms_sealed",
            Self::Denied { .. } => "kms_denied",
            Self::Missing { .. } => "kms_missing",
            Self::NotMounted { .. } => "kms_not_mounted",
            Self::Answer { .. } => "kms_answer",
            Self::OtherKey => "kms_other_key",
            Self::SecretLost => "kms_secret",
            Self::InUse(_) => "kms_in_use",
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NotSet => {
                "Set it with `fossilsafe kms set`, or make the pool with keys kept here."
            }
            Self::Invalid(_) => "Correct what the message names.",
            Self::Unreachable(_) => {
                "Check that it runs, its address, its certificate and the network. Jobs that wait for it go on by \
                 themselves."
            }
            Self::Sealed => {
                "Unseal it (`vault operator unseal`). Jobs that wait for it go on by themselves."
            }
            Self::Denied { .. } => {
                "Give the token or app role a policy that allows this path, or set a new one (`fossilsafe kms set`). \
                 Jobs that wait go on by themselves."
            }
            Self::Missing { .. } | Self::NotMounted { .. } => {
                "Compare mount, key and namespace with what the server has. If it is lost for good, open the tapes \
                 with the recovery kit."
            }
            Self::Answer { .. } => {
                "See the key server's own log. Jobs that wait for it go on by themselves."
            }
            Self::OtherKey => {
                "Bring back the server's own data, or open the tapes with the recovery kit."
            }
            Self::SecretLost => "Set the key server again with its token or secret id.",
            Self::InUse(_) => {
                "Keep it: those keys open tapes. Pools with keys kept here do not need it."
            }
        }
    }
}
