//! What the gateway tells the engine of a request: whose it is, how it came, and its name in both logs.
//!
//! The gateway writes these headers over whatever a client sent under their names. To the engine they
//! can only take rights away: a request without them comes from a program that opened the engine's
//! socket itself, and is judged by the user whose program it is.

use std::net::IpAddr;
use std::str::FromStr;

/// The header with the address of who asks.
pub const PEER_HEADER: &str = "x-fossilsafe-peer";
/// The header that says whether the request came encrypted: `https` or `http`.
pub const SCHEME_HEADER: &str = "x-fossilsafe-scheme";
/// The header with the name of a request in the logs.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// Longest request id that is taken from a client: a UUID has 36 characters, tracing headers 55.
const REQUEST_ID_LENGTH_MAX: usize = 64;

/// Somebody on the network, as the gateway saw them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// From where.
    pub address: IpAddr,
    /// How.
    pub scheme: Scheme,
}

/// Whether a request came encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Readable on the way.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As in an address.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A text that is neither `http` nor `https`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is neither http nor https")]
pub struct SchemeError(String);

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Self, SchemeError> {
        match text {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            other => Err(SchemeError(other.to_owned())),
        }
    }
}

/// True for a request id that may go into logs as it is.
#[must_use]
pub fn is_request_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=REQUEST_ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_not_taken() {
        assert!(is_request_id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        for bad in ["", "a b", "a\nb", "a\"b", "ü", &"x".repeat(65)] {
            assert!(!is_request_id(bad), "{bad:?}");
        }
    }

    #[test]
    fn schemes_are_read_as_they_are_written() {
        for scheme in [Scheme::Http, Scheme::Https] {
            assert_eq!(scheme.name().parse(), Ok(scheme));
        }
        assert!("ftp".parse::<Scheme>().is_err());
    }
}
