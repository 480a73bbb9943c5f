//! What an API key opens: parts of the API, to look or to change.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One part of the API, named by the first word of its paths, and what may be done there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    area: String,
    is_change_allowed: bool,
}

/// Why a text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no scope: write jobs:read or jobs:write, with the first word of the API's paths"
)]
pub struct ScopeError(String);

/// Longest name of a part.
const AREA_BYTES_MAX: usize = 32;

impl Scope {
    /// The part of the API.
    #[must_use]
    pub fn area(&self) -> &str {
        &self.area
    }

    /// True if it opens that part, to change it if `is_change`.
    #[must_use]
    pub fn opens(&self, area: &str, is_change: bool) -> bool {
        self.area == area && (self.is_change_allowed || !is_change)
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let wrong = || ScopeError(text.to_owned());
        let (area, access) = text.split_once(':').ok_or_else(wrong)?;
        let is_word = !area.is_empty()
            && area.len() <= AREA_BYTES_MAX
            && area.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let is_change_allowed = match access {
            "read" => false,
            "write" => true,
            _ => return Err(wrong()),
        };
        if !is_word {
            return Err(wrong());
        }
        Ok(Self { area: area.to_owned(), is_change_allowed })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.area, if self.is_change_allowed { "write" } else { "read" })
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_opens_one_part_and_writing_includes_reading() {
        let read: Scope = "jobs:read".parse().unwrap();
        let write: Scope = "jobs:write".parse().unwrap();
        assert!(read.opens("jobs", false) && !read.opens("jobs", true));
        assert!(write.opens("jobs", false) && write.opens("jobs", true));
        assert!(!write.opens("library", false));
        assert_eq!(write.to_string(), "jobs:write");
    }

    #[test]
    fn other_texts_are_refused() {
        for bad in ["", "jobs", "jobs:", ":read", "jobs:all", "Jobs:read", "a/b:read", "*:read"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }
}
