//! The certificate of HTTPS: made at the first start, replaced by a person's own, taken into service at once.
//!
//! ```text
//!  engine ──order──▶ keeper (in the gateway) ──▶ tls/certificate.pem  the chain, own certificate first
//!    socket             │                        tls/key.pem          its key
//!                       │                        tls/request.json     a signing request that waits
//!                       ▼                        tls/request-key.pem  the key of that request
//!                  the next handshake
//! ```
//!
//! The gateway owns the files and answers orders; only the engine gives them, after it has seen who asks. A
//! private key goes in and never out. What is handed in is checked before anything is written: the key
//! belongs to the first certificate, each certificate signed the one before it, the time is right.
//! Connections that are open keep what they have.

mod chain;
mod error;
mod files;
mod keeper;
mod make;
mod names;
mod state;
#[cfg(test)]
mod tests;
mod wire;

pub use error::{CertificateError, CertificateErrorKind};
pub use files::{CERTIFICATE_FILE, KEY_FILE};
pub use keeper::{CertificateKeeper, OwnFiles};
pub use state::{
    CertificateNames, CertificateOrigin, CertificateState, ReplaceCertificate, ServedCertificate,
    SigningRequest, WaitingRequest,
};
pub use wire::{CertificateOrder, answer_certificate, ask_certificate};
