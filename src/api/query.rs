//! Query strings and percent-encoding, both ways, on bytes: a file's path need not be UTF-8.

use std::fmt::Display;
use std::str::FromStr;

use super::error::ApiError;
use super::types::{LIMIT_DEFAULT, LIMIT_MAX, PageRequest};

/// The decoded query of a request. Names are those that the route reads; each stands once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, Vec<u8>)>);

impl Query {
    /// Decodes `text`. A name that is not `known` is refused: it would be ignored silently, and a
    /// filter that is ignored shows too much.
    pub(super) fn parse(text: &str, known: &[&str]) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let spaced = value.replace('+', " ");
            let (name, value) = (decode(name)?, decode(&spaced)?);
            let name = String::from_utf8_lossy(&name).into_owned();
            if !known.contains(&name.as_str()) {
                let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(ApiError::invalid(
                    &format!("query parameter \"{name}\""),
                    format!("not known here; known: {list}"),
                ));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(ApiError::invalid(
                    &format!("query parameter \"{name}\""),
                    "given twice",
                ));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// The bytes of a value; an empty value counts as not given.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(other, value)| other == name && !value.is_empty());
        found.map(|(_, value)| value.as_slice())
    }

    /// A value that must be UTF-8.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let text = self.bytes(name).map(std::str::from_utf8).transpose();
        text.map_err(|error| ApiError::invalid(&format!("query parameter \"{name}\""), error))
    }

    /// A value of a type that can be read from text.
    pub(super) fn value<T: FromStr<Err: Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, ApiError> {
        let value = self.text(name)?.map(str::parse).transpose();
        value.map_err(|error| ApiError::invalid(&format!("query parameter \"{name}\""), error))
    }

    /// `after` and `limit`.
    pub(super) fn page(&self) -> Result<PageRequest, ApiError> {
        let limit = self.value("limit")?.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let why = format!("must be 1 to {LIMIT_MAX}");
            return Err(ApiError::invalid("query parameter \"limit\"", why));
        }
        Ok(PageRequest { after: self.text("after")?.map(str::to_owned), limit })
    }
}

/// Undoes percent-encoding.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let why = "'%' must be followed by two hexadecimal digits";
        bytes.push(byte.ok_or_else(|| ApiError::invalid("address", why))?);
        rest = &rest[2..];
    }
    Ok(bytes)
}

/// Percent-encodes everything that is not a letter, digit, `-`, `.`, `_` or `~`: right in a path's
/// part and in a query alike.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_route_does_not_read_and_doubled_names_are_refused() {
        assert!(Query::parse("state=open", &["state"]).is_ok());
        assert!(Query::parse("status=open", &["state"]).is_err());
        assert!(Query::parse("state=a&state=b", &["state"]).is_err());
    }

    #[test]
    fn limits_outside_a_page_are_refused() {
        let page = |text| Query::parse(text, &["after", "limit"]).unwrap().page();
        assert_eq!(page(""), Ok(PageRequest::default()));
        assert_eq!(page("limit=7&after=x%2Fy").unwrap().after.as_deref(), Some("x/y"));
        for bad in ["limit=0", "limit=1001", "limit=-1", "limit=many", "after=%FF"] {
            assert!(page(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_torn_escape_is_refused() {
        for bad in ["%", "%4", "%zz", "a%+1", "%é"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn encoding_leads_back_to_the_bytes(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes.clone());
            let query = Query::parse(&format!("path={}", encode(&bytes)), &["path"]).unwrap();
            proptest::prop_assert_eq!(query.bytes("path").unwrap_or_default(), bytes.as_slice());
        }

        #[test]
        fn no_text_makes_decoding_panic(text: String) {
            let _ = Query::parse(&text, &["path"]);
        }
    }
}
