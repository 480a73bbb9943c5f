//! Refuses what a web page of another origin could have made a browser send.
//!
//! Such a request shows in `Origin` or `Sec-Fetch-Site`, which programs do not send. The session's cookie
//! and the word beside it hold such pages off as well; this is the fence before them, and stands also
//! where no session is needed: before signing in and the first admin.

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, ORIGIN};

use super::error::ApiError;
use crate::domain::Peer;

/// Refuses a request through the gateway that a page of another origin made.
pub(super) fn ensure_own(peer: Peer, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(HOST.as_str()).unwrap_or_default();
    if let Some(origin) = text(ORIGIN.as_str())
        && origin.split_once("://") != Some((peer.scheme.name(), host))
    {
        return Err(refused(format!("The request comes from a page of {origin}.")));
    }
    match text("sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        Some(site) => Err(refused(format!("The request comes from a {site} page."))),
    }
}

fn refused(message: String) -> ApiError {
    let next_step = "Use the console at the address that it was opened at.";
    ApiError::new(StatusCode::FORBIDDEN, "origin_refused", message, next_step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::peer::Scheme;

    fn peer(address: &str, scheme: Scheme) -> Peer {
        Peer { address: address.parse().unwrap(), scheme }
    }

    fn is_let_in(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, hyper::header::HeaderValue::from_static(value));
        }
        ensure_own(peer("192.0.2.7", Scheme::Http), &headers).is_ok()
    }

    #[test]
    fn programs_and_our_own_pages_are_let_in() {
        assert!(is_let_in(&[("host", "tape.example:8080")]));
        assert!(is_let_in(&[("host", "[::1]:8080")]));
        let ours = [("host", "tape.example:1"), ("origin", "http://tape.example:1")];
        assert!(is_let_in(&[ours[0], ours[1], ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn foreign_pages_are_refused() {
        assert!(!is_let_in(&[("host", "localhost"), ("origin", "http://evil.example")]));
        assert!(!is_let_in(&[("host", "localhost:1"), ("origin", "http://localhost:2")]));
        assert!(!is_let_in(&[("host", "localhost"), ("origin", "null")]));
        for site in ["cross-site", "same-site"] {
            assert!(!is_let_in(&[("host", "localhost"), ("sec-fetch-site", site)]));
        }
    }

    #[test]
    fn pages_of_the_other_scheme_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, hyper::header::HeaderValue::from_static("localhost:1"));
        headers.insert(ORIGIN, hyper::header::HeaderValue::from_static("http://localhost:1"));
        assert!(ensure_own(peer("::1", Scheme::Http), &headers).is_ok());
        assert!(ensure_own(peer("::1", Scheme::Https), &headers).is_err());
    }
}
