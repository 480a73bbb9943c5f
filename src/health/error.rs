//! Why an alert or a channel cannot be kept, or a notice not be sent. No variant carries a secret.

use crate::catalog::StoreError;

/// A refusal or failure.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The alerts' file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A channel that cannot be as it was asked for.
    #[error("{0}")]
    Channel(String),
    /// A secret that cannot be sealed or opened: the key is another than when it was sealed.
    #[error(
        "the secret of channel \"{0}\" cannot be opened with this appliance's keys; set it again"
    )]
    Secret(String),
    /// A channel that this release does not understand.
    #[error("channel \"{name}\" cannot be read: {detail}")]
    Spec {
        /// The channel.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// The receiver did not take it.
    #[error("{0}")]
    NotTaken(String),
}

/// What policy asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthErrorKind {
    /// No such alert or channel.
    NotFound,
    /// It cannot be right.
    Invalid,
    /// Set something again.
    Conflict,
    /// Somebody else does not answer.
    Unavailable,
    /// A file is damaged.
    Corrupt,
}

impl HealthError {
    /// What policy asks.
    #[must_use]
    pub fn kind(&self) -> HealthErrorKind {
        match self {
            Self::Store(StoreError::NotFound(_)) => HealthErrorKind::NotFound,
            Self::Store(StoreError::Corrupt { .. } | StoreError::Decode { .. })
            | Self::Spec { .. } => HealthErrorKind::Corrupt,
            Self::Store(_) | Self::NotTaken(_) => HealthErrorKind::Unavailable,
            Self::Channel(_) => HealthErrorKind::Invalid,
            Self::Secret(_) => HealthErrorKind::Conflict,
        }
    }
}
