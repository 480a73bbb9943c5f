//! Why a certificate is not taken, or cannot be served.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio_rustls::rustls;

/// Why there is no certificate to use, or why one is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("cannot {verb} {}", path.display())]
    File {
        /// `read`, `write` or `remove`.
        verb: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What was given is no certificate or no key.
    #[error("{what} cannot be read: {reason}")]
    Malformed {
        /// Which part, or which file.
        what: String,
        /// Why not.
        reason: String,
    },
    /// A key is locked by a password, which nobody could type at a start.
    #[error("the private key is locked by a password")]
    KeyLocked,
    /// Key and certificate do not belong together.
    #[error("the private key is not the key of the certificate of {subject}")]
    KeyMismatch {
        /// Whom the certificate is for.
        subject: String,
        /// Another certificate of the chain whose key it is.
        #[source]
        source: Option<KeyOfOther>,
    },
    /// No key was given and none waits.
    #[error("no private key was given, and no signing request waits here")]
    KeyMissing,
    /// The time is over, or has not begun.
    #[error("the certificate of {subject} {when}")]
    NotValid {
        /// Whom it is for.
        subject: String,
        /// `ended on …`, `begins on …`, `names no host`.
        when: String,
    },
    /// One did not sign the one before it.
    #[error("certificate {number} of the chain, of {subject}, did not sign the one before it")]
    ChainBroken {
        /// Which, from 1.
        number: usize,
        /// Whom it is for.
        subject: String,
    },
    /// No name of a host and no address.
    #[error("\"{given}\" is neither the name of a host nor an address: {reason}")]
    Name {
        /// What was given.
        given: String,
        /// Why not.
        reason: &'static str,
    },
    /// Of a kind that TLS here does not speak.
    #[error("the certificate or its key is of a kind that is not known here")]
    Kind(#[source] rustls::Error),
    /// None can be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// The provider of TLS is not usable.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// The gateway cannot be asked.
    #[error("the gateway does not answer at {}", socket.display())]
    Service {
        /// Its socket.
        socket: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// What the gateway answered to another process.
    #[error("{message}")]
    Told {
        /// The kind that it was there.
        kind: CertificateErrorKind,
        /// Its message.
        message: String,
    },
}

/// The key belongs to a certificate further down.
#[derive(Debug, thiserror::Error)]
#[error("it is the key of certificate {number} of the chain, which must come first")]
pub struct KeyOfOther {
    /// Which, from 1.
    pub number: usize,
}

/// What callers need to know of a [`CertificateError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateErrorKind {
    /// It is no certificate, key or name.
    Malformed,
    /// A key that needs a password.
    KeyLocked,
    /// Key and certificate do not belong together.
    KeyMismatch,
    /// There is no key.
    KeyMissing,
    /// Its time is over or has not begun, or it names no host.
    NotValid,
    /// The chain is in the wrong order, or a part is missing.
    ChainBroken,
    /// This machine cannot do it.
    Machine,
}

impl CertificateError {
    /// The kind that policy matches.
    #[must_use]
    pub fn kind(&self) -> CertificateErrorKind {
        use CertificateErrorKind as Kind;
        match self {
            Self::Malformed { .. } | Self::Name { .. } | Self::Kind(_) => Kind::Malformed,
            Self::KeyLocked => Kind::KeyLocked,
            Self::KeyMismatch { .. } => Kind::KeyMismatch,
            Self::KeyMissing => Kind::KeyMissing,
            Self::NotValid { .. } => Kind::NotValid,
            Self::ChainBroken { .. } => Kind::ChainBroken,
            Self::File { .. } | Self::Make(_) | Self::Tls(_) | Self::Service { .. } => {
                Kind::Machine
            }
            Self::Told { kind, .. } => *kind,
        }
    }

    /// What to do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        use CertificateErrorKind as Kind;
        match self.kind() {
            Kind::Malformed => {
                "Give PEM text, as it begins with -----BEGIN; names as tape.example or 192.0.2.5."
            }
            Kind::KeyLocked => {
                "Take the password off, `openssl pkey -in key.pem -out plain.pem`, and give that key."
            }
            Kind::KeyMismatch => "Give the key that the certificate was asked for with.",
            Kind::KeyMissing => {
                "Give the key too, or make a signing request first and have that one signed."
            }
            Kind::NotValid => {
                "Ask the authority for a new one with this machine's names, and check the clock here."
            }
            Kind::ChainBroken => {
                "Put the server's own certificate first, then each one that signed the one before."
            }
            Kind::Machine => "Look at the journal of fossilsafe-gateway.",
        }
    }
}
