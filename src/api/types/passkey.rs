//! Passkeys over the API. What a browser and a device exchange is in `people::passkey`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::people::{NewPasskey, PasskeyAnswer, PasskeyOffer, PasskeyQuestion};

use crate::domain::Timestamp;
use crate::people::PasskeyRecord;

/// A passkey, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PasskeyView {
    /// The number by which it is renamed and removed.
    pub id: i64,
    /// Whose.
    pub user: String,
    /// What the user calls it.
    pub name: String,
    /// The name of the appliance for which it is good: the one at which the console was opened.
    pub site: String,
    /// When it was made.
    pub created: Timestamp,
    /// When somebody last signed in with it.
    pub last_used: Option<Timestamp>,
}

impl From<&PasskeyRecord> for PasskeyView {
    fn from(passkey: &PasskeyRecord) -> Self {
        Self {
            id: passkey.id,
            user: passkey.user_name.clone(),
            name: passkey.name.clone(),
            site: passkey.site.clone(),
            created: passkey.created,
            last_used: passkey.last_used,
        }
    }
}

/// Another name for a passkey.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyName {
    /// What the user calls it.
    pub name: String,
}
