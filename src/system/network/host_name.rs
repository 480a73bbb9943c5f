//! The name of the machine: one word, so that `NAME.local` is what it is called by mDNS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NetworkError;

/// Longest word between the dots of a name in DNS.
const LENGTH_MAX: usize = 63;

/// What the machine is to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostNameSetting {
    /// One word of at most 63 letters, digits and hyphens.
    pub host_name: String,
}

impl HostNameSetting {
    /// Refuses what would find no machine, or another.
    pub(super) fn ensure_sensible(&self) -> Result<(), NetworkError> {
        let name = &self.host_name;
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_word = (1..=LENGTH_MAX).contains(&name.len())
            && name.bytes().all(is_known)
            && !name.starts_with('-')
            && !name.ends_with('-');
        let reason = if !is_word {
            "it has 1 to 63 letters, digits and hyphens, with no hyphen at either end"
        } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
            "a number alone is taken for an address"
        } else if name.eq_ignore_ascii_case("localhost") {
            "every machine calls itself so"
        } else {
            return Ok(());
        };
        let given = format!("\"{}\"", name.escape_debug());
        Err(NetworkError::Malformed { field: "the name of the machine", given, reason })
    }
}
