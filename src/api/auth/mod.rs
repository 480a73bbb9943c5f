//! Who may ask what: the one place where a request is let in or refused.
//!
//! [`admit`] stands before every handler. It finds out who asks (the machine's own programs, a session's cookie,
//! an API key), and compares that with what the route's line in the table needs. A cookie is sent by a
//! browser whoever made it ask, so with one, a change must also carry the word that only our own pages
//! can read. Whoever shows a key or a cookie is judged by it, also on the engine's own socket.
//!
//! As it looks from outside, with `A=http://127.0.0.1:8080` and `J='Content-Type: application/json'`; the code is in
//! the engine's log and in `setup-code` in the data folder:
//!
//! ```text
//! curl $A/api/setup                                                      {"needed":true}
//! curl -c jar -H "$J" -d '{"code":"…","user":"ada","password":"…"}' $A/api/setup
//! curl -c jar -H "$J" -d '{"user":"ada","password":"…"}' $A/api/auth/session      {…,"csrf":"…"}
//! curl -b jar -H "X-CSRF-Token: $CSRF" -H "$J" -d '{"name":"cron","role":"operator"}' $A/api/keys
//! curl -H "Authorization: Bearer fsk_…" -H "$J" -d '{"set":"etc","paths":["/etc"]}' $A/api/backups
//! ```
//!
//! With a second factor the password alone is answered by `{"second_factor_needed":true}` and no cookie: the
//! same request with `"totp"` signs in.

mod cookie;
mod oidc;
mod passkeys;
mod password;
mod session;
mod setup;
#[cfg(test)]
mod tests;
mod totp;
mod trace;

pub(super) use oidc::{
    finish as finish_oidc, offer as oidc_offer, remove as remove_oidc, set as set_oidc,
    settings as oidc_settings, start as start_oidc,
};
pub(super) use passkeys::{
    create as create_passkey, list as list_passkeys, remove as remove_passkey,
    rename as rename_passkey, sign_in as sign_in_by_passkey, start as start_passkey,
    start_sign_in as start_passkey_sign_in,
};
pub(super) use password::change as change_password;
pub(super) use session::{show, sign_in, sign_out};
pub(super) use setup::{needed as setup_needed, set_up};
pub(super) use totp::{confirm as confirm_totp, propose as propose_totp, stop as stop_totp};
pub(super) use trace::Trace;

use hyper::header::{AUTHORIZATION, COOKIE, HOST, HeaderMap, USER_AGENT};
use hyper::{Method, StatusCode};

use super::call::{Answer, Call};
use super::caller::Caller;
use super::error::ApiError;
use super::routes::{Need, Route};
use crate::domain::peer::Scheme;
use crate::people::{
    Credential, DestructiveRequest, Origin, People, Principal, SessionRecord, Site, csrf_of,
};

/// The header that carries the word of our own pages.
const CSRF_HEADER: &str = "x-csrf-token";
/// What stands before an API key.
const BEARER: &str = "Bearer ";
/// What somebody may do who has to choose a password, or to set up a second factor, first.
const AUTH_PATHS: &str = "/api/auth/";

/// Who asks, as far as handlers have to know.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    /// Who was recognised; nobody on a route for anyone.
    pub(super) principal: Option<Principal>,
    /// The session whose cookie was sent.
    pub(super) session: Option<SessionRecord>,
    /// The word for its pages.
    pub(super) csrf: Option<String>,
    /// From where.
    pub(super) origin: Origin,
    /// Whether a cookie may be sent over plain HTTP.
    pub(super) scheme: Scheme,
    /// The name and port at which the console was opened, as the browser says.
    host: String,
}

impl Asker {
    /// Somebody who was not recognised.
    pub(super) fn unknown(caller: Caller, headers: &HeaderMap) -> Self {
        let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        let (address, scheme) = match caller {
            Caller::Local => (None, Scheme::Http),
            Caller::Remote(peer) => (Some(peer.address), peer.scheme),
        };
        let origin = Origin { address, agent: agent.unwrap_or_default().to_owned() };
        let host = headers.get(HOST).and_then(|value| value.to_str().ok());
        let host = host.unwrap_or_default().to_owned();
        Self { principal: None, session: None, csrf: None, origin, scheme, host }
    }

    /// The site for which a browser makes and uses passkeys.
    fn site(&self) -> Site {
        Site::new(self.scheme, &self.host)
    }

    /// Who is signed in; routes for anyone do not ask.
    pub(super) fn known(&self) -> Result<&Principal, ApiError> {
        self.principal.as_ref().ok_or_else(not_signed_in)
    }
}

/// What a request shows of who makes it.
#[derive(Debug)]
pub(super) struct Shown {
    method: Method,
    key: Option<String>,
    cookie: Option<String>,
    csrf: Option<String>,
}

impl Shown {
    pub(super) fn by(method: &Method, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let key =
            text(AUTHORIZATION.as_str()).map(|text| text.trim_start_matches(BEARER).to_owned());
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        Self {
            method: method.clone(),
            key,
            cookie: cookie::token_in(cookies),
            csrf: text(CSRF_HEADER).map(str::to_owned),
        }
    }
}

/// Lets a request in, or says why not. Blocks as long as a look at the file of users takes. `asker` is
/// filled as far as somebody was recognised, so that the audit log can name who was refused.
pub(super) fn admit(
    people: &People,
    route: &Route,
    caller: Caller,
    shown: &Shown,
    asker: &mut Asker,
) -> Result<(), ApiError> {
    recognise(people, caller, shown, asker)?;
    let Some(wanted) = route.need.role() else { return Ok(()) };
    let principal = asker.known()?;
    let is_change = shown.method != Method::GET;
    if is_change && asker.session.is_some() && asker.csrf != shown.csrf {
        return Err(refused(
            "csrf_missing",
            "The request has no proof that it comes from the console.".to_owned(),
            "Send the csrf of GET /api/auth/session in the header X-CSRF-Token, or reload the page.",
        ));
    }
    if principal.role < wanted {
        let message =
            format!("This needs the role {wanted}, and {} is {}.", principal.name, principal.role);
        return Err(refused("role_insufficient", message, "Ask an admin."));
    }
    if !principal.is_open(route.area(), is_change) {
        let message = format!("{} does not open {}.", principal.name, route.area());
        return Err(refused("scope_insufficient", message, "Make a key with that scope."));
    }
    if principal.is_password_interim && !route.path.starts_with(AUTH_PATHS) {
        return Err(refused(
            "password_change_needed",
            "The password was set by somebody else.".to_owned(),
            "Choose your own first: PUT /api/auth/password.",
        ));
    }
    if principal.is_factor_missing && !route.path.starts_with(AUTH_PATHS) {
        return Err(refused(
            "second_factor_required",
            "A second factor is required here, and there is none yet.".to_owned(),
            "Set one up first: POST /api/auth/totp, or a passkey in the console.",
        ));
    }
    Ok(())
}

/// Finds out who asks. A key or cookie that counts for nobody is nobody's.
fn recognise(
    people: &People,
    caller: Caller,
    shown: &Shown,
    asker: &mut Asker,
) -> Result<(), ApiError> {
    if let Some(key) = &shown.key {
        asker.principal = people.key_holder(key, asker.origin.address)?;
    } else if let Some(token) = &shown.cookie {
        asker.session = people.session(token)?;
        asker.csrf = asker.session.as_ref().map(|_| csrf_of(token));
        let holder = asker.session.as_ref().map(|session| people.holder_of_session(session));
        asker.principal = holder.transpose()?.flatten();
    } else if caller == Caller::Local {
        asker.principal = Some(Principal::machine());
    }
    Ok(())
}

/// The answer to a destructive request that waits for a second person; none if it may go on.
pub(super) fn second_person(
    call: &Call,
    route: &Route,
    path: &str,
) -> Result<Option<Answer>, ApiError> {
    if route.need != Need::TwoAdmins {
        return Ok(None);
    }
    let request = DestructiveRequest {
        method: route.method.as_str(),
        path,
        body: &call.body,
        summary: &format!("{} {path}", route.method),
    };
    let waiting = call.people.pass_or_wait(call.asker.known()?, &request)?;
    waiting.map(|approval| super::approvals::waiting(&approval)).transpose()
}

/// The session of a handler that only a person with a cookie may use.
pub(super) fn session_of(asker: &Asker) -> Result<&SessionRecord, ApiError> {
    if let Some(Principal { credential: Credential::Session(_), .. }) = &asker.principal
        && let Some(session) = &asker.session
    {
        return Ok(session);
    }
    let message = "This belongs to a user who has signed in, and none has.".to_owned();
    Err(refused("session_needed", message, "Sign in with name and password."))
}

fn not_signed_in() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "not_signed_in",
        "Nobody is signed in, or the session or key has ended.",
        "Sign in, or send an API key: Authorization: Bearer fsk_…",
    )
}

fn refused(code: &'static str, message: String, next_step: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, code, message, next_step)
}
