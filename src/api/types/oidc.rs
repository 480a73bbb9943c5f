//! Signing in by an identity provider, as the sign-in page and the settings page see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::people::{OidcAnswer, OidcSettings, OidcSettingsShown, OidcStart, RoleValues};

/// What the sign-in page offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OidcOffer {
    /// What stands on the button; nothing if no provider is set.
    pub label: Option<String>,
}

/// The provider that is set, if one is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OidcState {
    /// Its settings, without the secret.
    pub provider: Option<OidcSettingsShown>,
}
