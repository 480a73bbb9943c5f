//! Which provider, what we are to it, and which of its people have which role.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OidcError, provider};
use crate::domain::Secret;
use crate::outgoing::{HttpAddress, Scheme, root_store};
use crate::people::{People, PeopleError, Role};

/// Where the settings are in the people's file.
const KEY: &str = "oidc";
/// Where the console takes a browser back that was at the provider.
const RETURN_PATH: &str = "/sign-in/return";

/// Values of the claim that give a role. Who has several gets the highest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoleValues {
    /// Who may destroy, and say who may do what.
    pub admin: Vec<String>,
    /// Who may start work that loses nothing.
    pub operator: Vec<String>,
    /// Who may look.
    pub viewer: Vec<String>,
}

/// Sets an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// What stands on the button of the sign-in page.
    pub label: String,
    /// The provider: the address below which it publishes `.well-known/openid-configuration`.
    pub issuer: String,
    /// What we are called there.
    pub client_id: String,
    /// The client's secret, if it has one. Left out: the one that is kept, if client and provider are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// Where browsers reach this console, as `https://tape.example:8443`. The provider must allow
    /// `/sign-in/return` below it.
    pub console: String,
    /// Certificates to believe besides the public authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// What is asked for besides `openid`.
    #[serde(default = "OidcSettings::usual_scopes")]
    pub scopes: Vec<String>,
    /// The claim that becomes the user's name here.
    #[serde(default = "OidcSettings::usual_name_claim")]
    pub name_claim: String,
    /// The claim that says what somebody may do: a text or a list of texts.
    #[serde(default = "OidcSettings::usual_role_claim")]
    pub role_claim: String,
    /// Its values.
    pub roles: RoleValues,
}

/// The same without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OidcSettingsShown {
    /// All but the secret.
    #[serde(flatten)]
    pub settings: OidcSettings,
    /// Whether there is a secret.
    pub has_secret: bool,
    /// What the provider must allow browsers to be sent back to.
    pub return_address: String,
}

/// As it is kept: the secret sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) settings: OidcSettings,
    sealed_secret: Option<String>,
}

impl OidcSettings {
    fn usual_scopes() -> Vec<String> {
        vec!["profile".to_owned(), "email".to_owned()]
    }

    fn usual_name_claim() -> String {
        "preferred_username".to_owned()
    }

    fn usual_role_claim() -> String {
        "groups".to_owned()
    }

    /// Where the provider sends a browser back to.
    pub(super) fn return_address(&self) -> String {
        format!("{}{RETURN_PATH}", self.console.trim_end_matches('/'))
    }

    /// The highest role that one of the values gives.
    pub(super) fn role_of(&self, values: &[&str]) -> Option<Role> {
        let RoleValues { admin, operator, viewer } = &self.roles;
        let has = |wanted: &[String]| values.iter().any(|value| wanted.iter().any(|w| w == value));
        let roles = [(Role::Admin, admin), (Role::Operator, operator), (Role::Viewer, viewer)];
        roles.into_iter().find(|(_, wanted)| has(wanted)).map(|(role, _)| role)
    }

    fn ensure_sensible(&self) -> Result<(), PeopleError> {
        let refuse = |what, why: &str| Err(PeopleError::invalid(what, why));
        if self.label.trim().is_empty() || self.label.chars().count() > 60 {
            return refuse("label", "name the provider in 1 to 60 characters");
        }
        if self.client_id.is_empty() || self.client_id.len() > 500 {
            return refuse("client_id", "it is empty or too long");
        }
        trusted_address(&self.issuer).map_err(|why| PeopleError::invalid("issuer", why))?;
        let console = HttpAddress::parse(&self.console)
            .map_err(|why| PeopleError::invalid("console", why))?;
        if console.path() != "/" {
            return refuse("console", "it has no path");
        }
        root_store(self.ca_pem.as_deref()).map_err(|why| PeopleError::invalid("ca_pem", why))?;
        let RoleValues { admin, operator, viewer } = &self.roles;
        if [admin, operator, viewer].iter().all(|values| values.is_empty()) {
            return refuse("roles", "no value has a role, so nobody could sign in");
        }
        if self.scopes.iter().any(|s| s.is_empty() || s.contains(char::is_whitespace)) {
            return refuse("scopes", "a scope is one word");
        }
        Ok(())
    }
}

/// An address that is reached over TLS, or on this very machine.
pub(super) fn trusted_address(url: &str) -> Result<HttpAddress, String> {
    let address = HttpAddress::parse(url)?;
    let is_here = ["127.0.0.1", "::1", "localhost"].contains(&address.host());
    if address.scheme() == Scheme::Https || is_here {
        return Ok(address);
    }
    Err(format!("\"{url}\" does not begin with https://"))
}

impl People {
    /// Seals what is a secret with the appliance's keys from now on.
    #[must_use]
    pub fn sealing_with(mut self, ring: std::sync::Arc<crate::keys::KeyRing>) -> Self {
        self.oidc.ring = Some(ring);
        self
    }

    /// Sets the identity provider, which must answer.
    ///
    /// # Errors
    /// What is wrong with the settings or the provider.
    pub fn set_oidc(&self, mut wanted: OidcSettings) -> Result<OidcSettingsShown, PeopleError> {
        wanted.ensure_sensible()?;
        let ring = || self.oidc.ring.as_ref();
        let sealed_secret = match wanted.client_secret.take() {
            Some(secret) => {
                let sealed = ring().and_then(|ring| ring.seal_text(secret.reveal()));
                let why = "the appliance's keys cannot seal it";
                Some(sealed.ok_or_else(|| PeopleError::invalid("client_secret", why))?)
            }
            None => self.kept_oidc()?.and_then(|kept| {
                let before = &kept.settings;
                let is_same =
                    (&before.issuer, &before.client_id) == (&wanted.issuer, &wanted.client_id);
                kept.sealed_secret.filter(|_| is_same)
            }),
        };
        let known = provider::discover(&wanted, self.clock.elapsed())?;
        let kept = Kept { settings: wanted, sealed_secret };
        self.store.set_setting(KEY, &Some(kept))?;
        self.oidc.pending.lock().clear();
        *self.oidc.known.lock() = Some(std::sync::Arc::new(known));
        self.oidc_settings()?.ok_or_else(|| OidcError::NotSet.into())
    }

    /// Nobody signs in by a provider any more. Its users stay, and cannot sign in.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn remove_oidc(&self) -> Result<(), PeopleError> {
        self.store.set_setting(KEY, &None::<Kept>)?;
        self.oidc.pending.lock().clear();
        *self.oidc.known.lock() = None;
        Ok(())
    }

    /// The settings, without the secret.
    ///
    /// # Errors
    /// The file of users cannot be used.
    pub fn oidc_settings(&self) -> Result<Option<OidcSettingsShown>, PeopleError> {
        Ok(self.kept_oidc()?.map(|Kept { settings, sealed_secret }| OidcSettingsShown {
            return_address: settings.return_address(),
            settings,
            has_secret: sealed_secret.is_some(),
        }))
    }

    pub(super) fn kept_oidc(&self) -> Result<Option<Kept>, PeopleError> {
        Ok(self.store.setting::<Option<Kept>>(KEY)?.flatten())
    }

    /// The client's secret, if it has one.
    pub(super) fn oidc_secret(&self, kept: &Kept) -> Result<Option<Secret>, OidcError> {
        let Some(sealed) = &kept.sealed_secret else { return Ok(None) };
        let opened = self.oidc.ring.as_ref().and_then(|ring| ring.open_text(sealed));
        let why = "its secret was sealed with another key: set it again";
        let opened = opened.ok_or_else(|| OidcError::Provider(why.to_owned()))?;
        Ok(Some(Secret::new(opened.to_string())))
    }
}
