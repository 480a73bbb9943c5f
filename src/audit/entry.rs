//! One entry: what it says, and how it is hashed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::{Sha256Digest, Timestamp};

/// What happened, before it has its number and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who, as far as known: a user, a key, `local`, `nobody`, `system`.
    pub actor: String,
    /// From where; `local` for the machine itself.
    pub address: String,
    /// The request's name in the logs; empty for what nobody asked for.
    pub request_id: String,
    /// What: `POST /api/users/{name}/password`.
    pub action: String,
    /// To what: the path as it was asked.
    pub object: String,
    /// What came of it: `ok`, or the code of the refusal.
    pub outcome: String,
    /// The status that was answered; 0 for what nobody asked for.
    pub status: u16,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// 1, 2, 3 …
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as far as known: a user, a key, `local`, `nobody`, `system`.
    pub actor: String,
    /// From where; `local` for the machine itself.
    pub address: String,
    /// The request's name in the logs; empty for what nobody asked for.
    pub request_id: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// What came of it: `ok`, or the code of the refusal.
    pub outcome: String,
    /// The status that was answered; 0 for what nobody asked for.
    pub status: u16,
}

impl Entry {
    /// The entry of an event.
    pub(super) fn of(number: i64, at: Timestamp, event: &Event) -> Self {
        Self {
            number,
            at,
            actor: event.actor.clone(),
            address: event.address.clone(),
            request_id: event.request_id.clone(),
            action: event.action.clone(),
            object: event.object.clone(),
            outcome: event.outcome.clone(),
            status: event.status,
        }
    }

    /// The line that is hashed and kept.
    pub(super) fn line(&self) -> String {
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The hash of an entry's line after the entry with the hash `before`.
pub(super) fn hash_after(before: &[u8; 32], line: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(line.as_bytes());
    hash.finalize().into()
}

/// What a seal at that entry signs: its hash, and its number with it.
pub(super) fn sealed(number: i64, hash: &[u8; 32]) -> Sha256Digest {
    let mut digest = Sha256::new();
    digest.update(number.to_be_bytes());
    digest.update(hash);
    Sha256Digest(digest.finalize().into())
}
