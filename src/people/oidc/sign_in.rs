//! Beginning to sign in by a provider, and coming back from it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::id_token::{self, Expected, Refusal};
use super::provider::{self, FRESH, Known, LOOK_AGAIN};
use super::settings::{Kept, OidcSettings};
use super::{OidcError, PENDING, PENDING_MAX, Pending};
use crate::catalog::people::NewUser;
use crate::domain::Secret;
use crate::outgoing::{Content, Question, root_store};
use crate::people::token::new_token;
use crate::people::user::ensure_name;
use crate::people::{Factors, Origin, People, PeopleError, Role, StartedSession, UserRecord};

/// What stands where others have a password hash: no password has it.
const NO_PASSWORD: &str = "";

/// Where to go.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OidcStart {
    /// The provider's page, for this sign-in.
    pub authorize_url: String,
    /// Kept by the page that has begun, and sent along when the browser is back.
    pub binding: Secret,
}

/// What a browser that is back brings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcAnswer {
    /// As the provider has put it into the address.
    pub code: Secret,
    /// Likewise.
    pub state: String,
    /// From the answer to the start.
    pub binding: Secret,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

impl People {
    /// Begins.
    ///
    /// # Errors
    /// No provider is set, or it does not answer.
    pub fn start_oidc(&self) -> Result<OidcStart, PeopleError> {
        let Kept { settings, .. } = &self.kept_oidc()?.ok_or(OidcError::NotSet)?;
        let known = self.known_provider(settings)?;
        let [state, nonce, verifier, binding] = [(); 4].map(|()| new_token());
        let challenge = BASE64.encode(Sha256::digest(verifier.reveal()));
        let scope: Vec<&str> =
            std::iter::once("openid").chain(settings.scopes.iter().map(String::as_str)).collect();
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &settings.client_id),
            ("redirect_uri", &settings.return_address()),
            ("scope", &scope.join(" ")),
            ("state", state.reveal()),
            ("nonce", nonce.reveal()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let address = &known.authorization;
        let joint = if address.contains('?') { '&' } else { '?' };
        let begun = self.clock.elapsed();
        let mut pending = self.oidc.pending.lock();
        pending.retain(|_, other| begun.saturating_sub(other.begun) < PENDING);
        if pending.len() >= PENDING_MAX
            && let Some(oldest) =
                pending.iter().min_by_key(|(_, it)| it.begun).map(|(key, _)| key.clone())
        {
            pending.remove(&oldest);
        }
        let waiting = Pending { nonce, verifier, binding: binding.clone(), begun };
        pending.insert(state.reveal().to_owned(), waiting);
        Ok(OidcStart { authorize_url: format!("{address}{joint}{query}"), binding })
    }

    /// Ends: somebody is back from the provider with a code.
    ///
    /// # Errors
    /// Why they are not signed in.
    pub fn finish_oidc(
        &self,
        answer: &OidcAnswer,
        from: &Origin,
    ) -> Result<StartedSession, PeopleError> {
        let kept = self.kept_oidc()?.ok_or(OidcError::NotSet)?;
        let now = self.clock.elapsed();
        // Whatever comes of it, a state counts once.
        let pending = self.oidc.pending.lock().remove(&answer.state);
        let is_ours = |pending: &Pending| {
            now.saturating_sub(pending.begun) < PENDING && pending.binding == answer.binding
        };
        let pending = pending.filter(is_ours).ok_or(OidcError::NotPending)?;
        let known = self.known_provider(&kept.settings)?;
        let token = self.redeem(&kept, &known, answer, &pending)?;
        let claims = self.believed(&kept.settings, known, &token, &pending)?;
        let user = self.user_of(&kept.settings, &claims)?;
        // What else is to be shown the provider has asked for.
        self.begin_session(&user, from, Factors::Two)
    }

    /// The provider as it has described itself within the last hour.
    fn known_provider(&self, settings: &OidcSettings) -> Result<Arc<Known>, OidcError> {
        let now = self.clock.elapsed();
        let known = self.oidc.known.lock().clone();
        if let Some(known) = known.filter(|known| now.saturating_sub(known.at) < FRESH) {
            return Ok(known);
        }
        self.look_at_provider(settings)
    }

    pub(super) fn look_at_provider(
        &self,
        settings: &OidcSettings,
    ) -> Result<Arc<Known>, OidcError> {
        let known = Arc::new(provider::discover(settings, self.clock.elapsed())?);
        *self.oidc.known.lock() = Some(Arc::clone(&known));
        Ok(known)
    }

    /// Gives the code for a token.
    fn redeem(
        &self,
        kept: &Kept,
        known: &Known,
        answer: &OidcAnswer,
        pending: &Pending,
    ) -> Result<String, OidcError> {
        let settings = &kept.settings;
        let secret = self.oidc_secret(kept)?;
        let return_address = settings.return_address();
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", answer.code.reveal()),
            ("redirect_uri", &return_address),
            ("client_id", &settings.client_id),
            ("code_verifier", pending.verifier.reveal()),
        ];
        let mut authorization = None;
        if let Some(secret) = &secret {
            if known.takes_secret_in_form {
                fields.push(("client_secret", secret.reveal()));
            } else {
                let pair = format!("{}:{}", encoded(&settings.client_id), encoded(secret.reveal()));
                authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
        }
        let (form, roots) = (form(&fields), root_store(settings.ca_pem.as_deref()));
        let headers = authorization.iter().map(|value| ("authorization", value.as_str()));
        let headers: Vec<_> = headers.collect();
        let question = Question {
            address: &known.token,
            content: Content::Form(&form),
            headers: &headers,
            roots: roots.map_err(OidcError::Provider)?,
        };
        let (status, body) = question.ask().map_err(OidcError::Provider)?;
        if status != 200 {
            let said: Value = serde_json::from_slice(&body).unwrap_or_default();
            let word = said.get("error").and_then(Value::as_str).unwrap_or("no reason");
            return Err(OidcError::Provider(format!("it gives no token ({status}, {word})")));
        }
        let tokens: Tokens = serde_json::from_slice(&body)
            .map_err(|_| OidcError::Provider("it gives no ID token".to_owned()))?;
        Ok(tokens.id_token)
    }

    /// The claims of a token; a provider may have a new key since it was looked at.
    fn believed(
        &self,
        settings: &OidcSettings,
        known: Arc<Known>,
        token: &str,
        pending: &Pending,
    ) -> Result<Value, OidcError> {
        let expected = Expected {
            issuer: &known.issuer,
            client: &settings.client_id,
            nonce: pending.nonce.reveal(),
            now: self.clock.now().seconds,
        };
        let mut found = id_token::claims(token, &known.keys, &expected);
        let is_old = self.clock.elapsed().saturating_sub(known.at) >= LOOK_AGAIN;
        if found == Err(Refusal::KeyUnknown) && is_old {
            found = id_token::claims(token, &self.look_at_provider(settings)?.keys, &expected);
        }
        found.map_err(|refusal| {
            OidcError::NotBelieved(match refusal {
                Refusal::KeyUnknown => "it is signed with a key that is not published".to_owned(),
                Refusal::Wrong(why) => why.to_owned(),
            })
        })
    }

    /// The user whom the claims are about, with the role that they give; made if there is none yet.
    pub(super) fn user_of(
        &self,
        settings: &OidcSettings,
        claims: &Value,
    ) -> Result<UserRecord, PeopleError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let role = settings.role_of(&values(claims.get(&settings.role_claim)));
        let role = role.ok_or(OidcError::NoRole)?;
        let subject = format!("{} {}", settings.issuer, text("sub").unwrap_or_default());
        if let Some(user) = self.store.user_by_subject(&subject)? {
            if user.is_disabled {
                return Err(OidcError::Disabled.into());
            }
            if user.role != role {
                self.store.set_role(user.id, role)?;
            }
            return Ok(self.store.user(user.id)?);
        }
        let missing =
            || OidcError::NotBelieved(format!("it has no claim \"{}\"", settings.name_claim));
        let name = text(&settings.name_claim).ok_or_else(missing)?;
        self.create_subject(name, role, &subject)
    }

    fn create_subject(
        &self,
        name: &str,
        role: Role,
        subject: &str,
    ) -> Result<UserRecord, PeopleError> {
        ensure_name(name)?;
        if self.store.user_by_name(name)?.is_some() {
            return Err(OidcError::NameTaken(name.to_owned()).into());
        }
        let (password_hash, is_password_interim) = (NO_PASSWORD, false);
        let new = NewUser { name, role, password_hash, is_password_interim, at: self.clock.now() };
        let id = self.store.create_subject(&new, subject)?;
        Ok(self.store.user(id)?)
    }
}

/// A claim that is a text or a list of texts.
fn values(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Fields as a form or a query has them.
fn form(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
