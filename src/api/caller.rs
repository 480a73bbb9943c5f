//! Who asks, as far as the connection tells: a program on this machine, or somebody behind the gateway.
//!
//! The engine listens on a Unix socket only. The kernel says which user's program opened a connection;
//! the gateway's headers say that somebody on the network is behind it. Those headers only ever take
//! rights away, so nobody gains by making them up.

use std::net::IpAddr;

use hyper::StatusCode;
use hyper::header::HeaderMap;
use tokio::net::UnixStream;

use super::error::ApiError;
use crate::domain::Peer;
use crate::domain::peer::{PEER_HEADER, SCHEME_HEADER, Scheme};

/// The user whose program opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalUser(Option<u32>);

impl LocalUser {
    /// As the kernel says.
    pub(super) fn of(stream: &UnixStream) -> Self {
        Self(stream.peer_cred().ok().map(|credentials| credentials.uid()))
    }

    /// True for root and for the user that this engine runs as: both may read its files anyway.
    fn is_trusted(self) -> bool {
        self.0.is_some_and(|user| user == 0 || user == nix::unistd::geteuid().as_raw())
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A program on this machine of root or of the engine's own user: it may do everything.
    Local,
    /// Somebody on the network, through the gateway.
    Remote(Peer),
}

impl Caller {
    /// Who sends a request with these headers over a connection of that user.
    pub(super) fn of(user: LocalUser, headers: &HeaderMap) -> Result<Self, ApiError> {
        if headers.contains_key(PEER_HEADER) || headers.contains_key(SCHEME_HEADER) {
            let address: IpAddr = parsed(headers, PEER_HEADER)?;
            let scheme: Scheme = parsed(headers, SCHEME_HEADER)?;
            return Ok(Self::Remote(Peer { address, scheme }));
        }
        if user.is_trusted() {
            return Ok(Self::Local);
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "user_not_trusted",
            "The engine's own socket answers to root and to the user that the engine runs as.",
            "Use sudo, or ask through the gateway: --server HOST:PORT.",
        ))
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    headers: &HeaderMap,
    name: &str,
) -> Result<T, ApiError> {
    let text = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    text.parse().map_err(|error| ApiError::invalid(&format!("header \"{name}\""), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRANGER: LocalUser = LocalUser(Some(u32::MAX - 1));

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let values = pairs.iter().map(|(name, value)| {
            let name = hyper::header::HeaderName::from_static(name);
            (name, hyper::header::HeaderValue::from_static(value))
        });
        values.collect()
    }

    #[test]
    fn programs_of_root_and_of_the_engines_user_are_local_and_others_are_refused() {
        let none = HeaderMap::new();
        let own = LocalUser(Some(nix::unistd::geteuid().as_raw()));
        assert_eq!(Caller::of(LocalUser(Some(0)), &none), Ok(Caller::Local));
        assert_eq!(Caller::of(own, &none), Ok(Caller::Local));
        assert!(Caller::of(STRANGER, &none).is_err());
        assert!(Caller::of(LocalUser(None), &none).is_err());
    }

    #[test]
    fn who_comes_through_the_gateway_is_remote_whoever_runs_it() {
        let given = headers(&[(PEER_HEADER, "192.0.2.7"), (SCHEME_HEADER, "https")]);
        let peer = Peer { address: "192.0.2.7".parse().unwrap(), scheme: Scheme::Https };
        for user in [LocalUser(Some(0)), STRANGER] {
            assert_eq!(Caller::of(user, &given), Ok(Caller::Remote(peer)));
        }
    }

    #[test]
    fn half_or_damaged_words_of_a_gateway_never_make_a_local_caller() {
        let root = LocalUser(Some(0));
        for bad in [
            &[(PEER_HEADER, "192.0.2.7")][..],
            &[(SCHEME_HEADER, "https")],
            &[(PEER_HEADER, "somewhere"), (SCHEME_HEADER, "https")],
            &[(PEER_HEADER, "192.0.2.7"), (SCHEME_HEADER, "gopher")],
        ] {
            assert!(Caller::of(root, &headers(bad)).is_err(), "{bad:?}");
        }
    }
}
