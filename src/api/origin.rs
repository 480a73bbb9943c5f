//! Refuses what a web page of another origin could have made a browser send, and who is not on this machine.
//!
//! Two ways lead from a page to a loopback server: a name of its own that resolves to loopback, which
//! shows in `Host`, and a plain cross-origin request, which shows in `Origin` or `Sec-Fetch-Site`.
//! Programs send neither of the latter. While there are no users, nobody from another machine is let in.

use hyper::StatusCode;
use hyper::header::{HOST, HeaderMap, ORIGIN};

use super::error::ApiError;
use crate::domain::Peer;

/// Refuses a request through the gateway that is not from this machine's own programs or pages.
pub(super) fn ensure_local(peer: Peer, headers: &HeaderMap) -> Result<(), ApiError> {
    if !peer.address.to_canonical().is_loopback() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "not_this_machine",
            format!("The request comes from {}, and there are no users yet.", peer.address),
            "Ask from the machine itself.",
        ));
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(HOST.as_str()).unwrap_or_default();
    if !is_loopback(host) {
        return Err(refused(format!("The request is for \"{host}\" and not for this machine.")));
    }
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
    let next_step = "Use http://127.0.0.1 with the port that FossilSafe shows at its start.";
    ApiError::new(StatusCode::FORBIDDEN, "origin_refused", message, next_step)
}

/// True for `localhost` and loopback addresses, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let address: Result<std::net::IpAddr, _> = name.parse();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
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
        ensure_local(peer("127.0.0.1", Scheme::Http), &headers).is_ok()
    }

    #[test]
    fn programs_and_our_own_pages_are_let_in() {
        assert!(is_let_in(&[("host", "127.0.0.1:8080")]));
        assert!(is_let_in(&[("host", "localhost")]));
        assert!(is_let_in(&[("host", "[::1]:8080")]));
        let ours = [("host", "localhost:1"), ("origin", "http://localhost:1")];
        assert!(is_let_in(&[ours[0], ours[1], ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn names_that_resolve_to_loopback_and_foreign_pages_are_refused() {
        assert!(!is_let_in(&[]));
        assert!(!is_let_in(&[("host", "tape.example:8080")]));
        assert!(!is_let_in(&[("host", "127.0.0.1.example")]));
        assert!(!is_let_in(&[("host", "localhost"), ("origin", "http://evil.example")]));
        assert!(!is_let_in(&[("host", "localhost:1"), ("origin", "http://localhost:2")]));
        assert!(!is_let_in(&[("host", "localhost"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn other_machines_and_pages_of_the_other_scheme_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, hyper::header::HeaderValue::from_static("localhost:1"));
        assert!(ensure_local(peer("::1", Scheme::Https), &headers).is_ok());
        assert!(ensure_local(peer("::ffff:127.0.0.1", Scheme::Https), &headers).is_ok());
        assert!(ensure_local(peer("192.0.2.7", Scheme::Https), &headers).is_err());
        headers.insert(ORIGIN, hyper::header::HeaderValue::from_static("http://localhost:1"));
        assert!(ensure_local(peer("::1", Scheme::Http), &headers).is_ok());
        assert!(ensure_local(peer("::1", Scheme::Https), &headers).is_err());
    }
}
