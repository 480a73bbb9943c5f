//! An address of the web: `https://host:port/path` and nothing that could mean something else.

use hyper::Uri;

/// How an address is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain.
    Http,
    /// Over TLS.
    Https,
}

/// An address that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAddress {
    uri: Uri,
    scheme: Scheme,
}

impl HttpAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// It has another scheme, no host, or a user beside it; the text says which.
    pub fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("\"{url}\" is no address: {error}"))?;
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => return Err(format!("\"{url}\" begins with neither https:// nor http://")),
        };
        let it = Self { uri, scheme };
        if it.host().is_empty() || it.authority().contains('@') {
            return Err(format!("\"{url}\" names no host, or a user beside it"));
        }
        Ok(it)
    }

    /// How it is reached.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port that it names, or the usual one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(match self.scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        })
    }

    /// Host and port as they are written: the header `Host`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.uri.authority().map(hyper::http::uri::Authority::as_str).unwrap_or_default()
    }

    /// What is asked for there.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str)
    }

    /// The address of a file that stands beside this one, or `name` itself if it is an address.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn beside(&self, name: &str) -> Result<Self, String> {
        if name.contains("://") {
            return Self::parse(name);
        }
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let folder = self.uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        Self::parse(&format!("{scheme}://{}{folder}/{name}", self.authority()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_and_what_is_none_is_refused() {
        let it = HttpAddress::parse("https://[2001:db8::1]/a/b?c").unwrap();
        assert_eq!((it.host(), it.port(), it.path()), ("2001:db8::1", 443, "/a/b?c"));
        for bad in ["ftp://x/", "x", "http://", "http://user@host/", "http:///path", ""] {
            assert!(HttpAddress::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_beside_another_has_its_folder_and_an_address_is_one_already() {
        let it = HttpAddress::parse("http://127.0.0.1:8000/stable/channel?x=1").unwrap();
        let beside = it.beside("fossilsafe-1.2.0.raucb").unwrap();
        assert_eq!(beside.path(), "/stable/fossilsafe-1.2.0.raucb");
        assert_eq!(beside.authority(), "127.0.0.1:8000");
        assert_eq!(it.beside("https://other/x").unwrap().host(), "other");
    }
}
