//! The one shape of every error that the HTTP API answers with.
//!
//! It stands here and not in `api` because the gateway refuses requests too, in the same shape, and
//! knows nothing of the API behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What went wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status, repeated for those who see the body only. 412: a person has to do something
    /// at the library first.
    pub status: u16,
    /// A stable name for programs: `cartridge_unknown`.
    pub code: String,
    /// A sentence that names the thing.
    pub message: String,
    /// A sentence that says what to do.
    pub next_step: String,
    /// Finds this request in the log.
    pub request_id: String,
}
