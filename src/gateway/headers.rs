//! Headers that end here, headers that only the gateway may write, headers that tell browsers what to refuse.

use std::time::Duration;

use hyper::header::{
    CONNECTION, CONTENT_SECURITY_POLICY, EXPECT, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::domain::Peer;
use crate::domain::peer::{PEER_HEADER, REQUEST_ID_HEADER, SCHEME_HEADER, Scheme, is_request_id};

/// Headers that are about one connection. `Expect` is among them: hyper answers it on each side.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// The same without a name in the library.
const KEEP_ALIVE: &str = "keep-alive";

/// What a page of ours may load: its own files, and nothing that it did not come with. `data:` is for
/// small pictures in style sheets; styles set by a script on an element need 'unsafe-inline'.
const CONTENT_POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; \
    form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; \
    style-src 'self' 'unsafe-inline'";

/// Whether browsers are told to come back over TLS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hsts {
    /// Not told. A certificate made here is not known to browsers, and one that was told refuses what
    /// it does not know without a way around.
    Off,
    /// Told, for so long.
    For(Duration),
}

/// Takes away what is about one connection, those that `Connection` names included.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let mut named: Vec<HeaderName> = Vec::new();
    for value in headers.get_all(CONNECTION) {
        let names = value.to_str().unwrap_or_default().split(',');
        named.extend(names.filter_map(|name| name.trim().parse().ok()));
    }
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
    headers.remove(KEEP_ALIVE);
}

/// Says who asks, over whatever the client said about that.
pub(super) fn write_peer(headers: &mut HeaderMap, peer: Peer, request_id: &str) {
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"] {
        headers.remove(name);
    }
    let texts = [
        (PEER_HEADER, peer.address.to_canonical().to_string()),
        (SCHEME_HEADER, peer.scheme.name().to_owned()),
        (REQUEST_ID_HEADER, request_id.to_owned()),
    ];
    for (name, text) in texts {
        // Addresses, schemes and checked ids are plain ASCII; a header that were none is left out, and
        // the engine then refuses the request.
        headers.remove(name);
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

/// The client's name for a request if it may go into logs, else a new one.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    let given = given.filter(|text| is_request_id(text)).map(str::to_owned);
    given.unwrap_or_else(|| uuid::Uuid::new_v4().to_string())
}

/// Tells the browser what to refuse, and the client its request's name.
pub(super) fn secure(headers: &mut HeaderMap, scheme: Scheme, hsts: Hsts, request_id: &str) {
    let fixed = [
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, text) in fixed {
        headers.insert(name, HeaderValue::from_static(text));
    }
    if let (Scheme::Https, Hsts::For(time)) = (scheme, hsts)
        && let Ok(value) = HeaderValue::from_str(&format!("max-age={}", time.as_secs()))
    {
        headers.insert(STRICT_TRANSPORT_SECURITY, value);
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID_HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_is_about_one_connection_does_not_pass() {
        let mut headers = map(&[
            ("connection", "close, X-Odd"),
            ("x-odd", "1"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("expect", "100-continue"),
            ("accept", "text/html"),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("accept", "text/html")]));
    }

    #[test]
    fn what_a_client_says_of_itself_is_written_over() {
        let mut headers = map(&[
            (PEER_HEADER, "127.0.0.1"),
            (SCHEME_HEADER, "https"),
            ("x-forwarded-for", "127.0.0.1"),
        ]);
        let peer = Peer { address: "::ffff:192.0.2.7".parse().unwrap(), scheme: Scheme::Http };
        write_peer(&mut headers, peer, "id");
        let wanted =
            map(&[(PEER_HEADER, "192.0.2.7"), (SCHEME_HEADER, "http"), (REQUEST_ID_HEADER, "id")]);
        assert_eq!(headers, wanted);
    }

    #[test]
    fn browsers_are_told_to_stay_with_tls_only_over_tls_and_only_when_asked() {
        let year = Hsts::For(Duration::from_secs(31_536_000));
        let told = |scheme, hsts| {
            let mut headers = HeaderMap::new();
            secure(&mut headers, scheme, hsts, "id");
            headers.get(STRICT_TRANSPORT_SECURITY).map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(told(Scheme::Https, year).as_deref(), Some("max-age=31536000"));
        assert_eq!(told(Scheme::Http, year), None);
        assert_eq!(told(Scheme::Https, Hsts::Off), None);
    }
}
