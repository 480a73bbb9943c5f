//! What a provider publishes of itself: its addresses and its keys.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::OidcError;
use super::id_token::PublicKey;
use super::settings::{OidcSettings, trusted_address};
use crate::outgoing::{Content, HttpAddress, Question, root_store};

/// Keys are asked for again after this time, so that one that is withdrawn counts no longer.
pub(super) const FRESH: Duration = Duration::from_secs(3600);
/// A key that is not known is looked for no more often than this, whoever makes up its name.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// A provider as it has described itself.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) issuer: String,
    /// Where browsers are sent.
    pub(super) authorization: String,
    pub(super) token: HttpAddress,
    /// Whether it takes a secret in the form rather than in the header.
    pub(super) takes_secret_in_form: bool,
    pub(super) keys: Vec<PublicKey>,
    /// When, by the clock that never goes back.
    pub(super) at: Duration,
}

#[derive(Deserialize)]
struct Described {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// Asks the provider for its addresses and keys.
pub(super) fn discover(settings: &OidcSettings, at: Duration) -> Result<Known, OidcError> {
    let issuer = settings.issuer.trim_end_matches('/');
    let described: Described =
        fetch(settings, &format!("{issuer}/.well-known/openid-configuration"))?;
    if described.issuer != settings.issuer {
        let why = format!("it calls itself \"{}\"", described.issuer);
        return Err(OidcError::Provider(why));
    }
    let trusted = |url: &str| trusted_address(url).map_err(OidcError::Provider);
    trusted(&described.authorization_endpoint)?;
    let set: KeySet = fetch(settings, &described.jwks_uri)?;
    // Keys of kinds that we do not check are others' business.
    let keys: Vec<PublicKey> = set.keys.into_iter().filter_map(PublicKey::read).collect();
    if keys.is_empty() {
        let why = "it publishes no key for RS256 or ES256 signatures";
        return Err(OidcError::Provider(why.to_owned()));
    }
    let methods = described.token_endpoint_auth_methods_supported;
    let has = |method: &str| methods.iter().flatten().any(|it| it == method);
    Ok(Known {
        issuer: described.issuer,
        authorization: described.authorization_endpoint,
        token: trusted(&described.token_endpoint)?,
        takes_secret_in_form: has("client_secret_post") && !has("client_secret_basic"),
        keys,
        at,
    })
}

fn fetch<T: DeserializeOwned>(settings: &OidcSettings, url: &str) -> Result<T, OidcError> {
    let address = trusted_address(url).map_err(OidcError::Provider)?;
    let roots = root_store(settings.ca_pem.as_deref()).map_err(OidcError::Provider)?;
    let question = Question { address: &address, content: Content::None, headers: &[], roots };
    let (status, body) = question.ask().map_err(OidcError::Provider)?;
    if status != 200 {
        return Err(OidcError::Provider(format!("{url} answers {status}")));
    }
    serde_json::from_slice(&body)
        .map_err(|error| OidcError::Provider(format!("{url} is not understood: {error}")))
}
