//! Who is let in, over a real connection: the whole table walked, cookies, the console's word, keys.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::super::memory::{Memory, serving};
use super::super::routes::{Need, ROUTES, Route};
use super::super::server::Server;
use crate::domain::{Secret, VirtualClock};
use crate::people::{KeyRequest, People, Role, SecondFactorRule};

const PASSWORD: &str = "correct horse battery";

/// A server with the users `ada` (admin), `otto` (operator) and `vic` (viewer), asked through a gateway.
struct House {
    people: Arc<People>,
    clock: Arc<VirtualClock>,
    folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}\n{}", self.head, self.body))
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The token of the cookie that it sets.
    fn token(&self) -> String {
        let at = self.head.find("fossilsafe_session=").unwrap_or_else(|| panic!("{}", self.head));
        let value = &self.head[at + "fossilsafe_session=".len()..];
        value.split(';').next().unwrap().to_owned()
    }
}

/// A person in a browser.
#[derive(Clone, Debug)]
struct Browser {
    token: String,
    csrf: String,
}

impl Browser {
    fn reading(&self) -> String {
        format!("Cookie: fossilsafe_session={}\r\n", self.token)
    }

    fn changing(&self) -> String {
        format!("{}X-CSRF-Token: {}\r\n", self.reading(), self.csrf)
    }
}

impl House {
    async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let parts = serving(&Memory::new(), folder.path(), &clock);
        let people = Arc::clone(&parts.people);
        let server = Server::bind(&folder.path().join("engine.sock"), parts).await.unwrap();
        let (stop, stopping) = oneshot::channel::<()>();
        tokio::spawn(server.serve(async {
            let _ = stopping.await;
        }));
        Self { people, clock, folder, _stop: stop }
    }

    async fn with_users() -> Self {
        let house = Self::empty().await;
        for (name, role) in [("ada", Role::Admin), ("otto", Role::Operator), ("vic", Role::Viewer)]
        {
            let password = Secret::new(PASSWORD.to_owned());
            house.people.create_user(name, role, Some(&password)).unwrap();
        }
        house
    }

    /// A request as the gateway passes it on, with `headers`, each ended by CR LF.
    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        self.ask_from("192.0.2.1", "https", method, path, headers, body).await
    }

    async fn ask_from(
        &self,
        peer: &str,
        scheme: &str,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Reply {
        let gateway = format!("X-Fossilsafe-Peer: {peer}\r\nX-Fossilsafe-Scheme: {scheme}\r\n");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: tape.example\r\n{gateway}Connection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        let socket = self.folder.path().join("engine.sock");
        let mut stream = UnixStream::connect(socket).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Live events go on for ever: the head is all that is wanted of them.
        while !answer.ends_with(b"\r\n\r\n") || !is_stream(&answer) {
            let mut piece = [0; 4096];
            match stream.read(&mut piece).await.unwrap() {
                0 => break,
                length => answer.extend_from_slice(&piece[..length]),
            }
            if is_stream(&answer) {
                break;
            }
        }
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn sign_in(&self, name: &str) -> Browser {
        let body = json!({"user": name, "password": PASSWORD}).to_string();
        let reply = self.ask("POST", "/api/auth/session", "", &body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let csrf = reply.json()["csrf"].as_str().unwrap().to_owned();
        Browser { token: reply.token(), csrf }
    }

    fn key(&self, user: &str, role: Role, scopes: &[&str]) -> String {
        let user = Some(self.people.user_named(user).unwrap().id);
        let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        let name = format!("{role} {scopes:?}").chars().take(60).collect();
        let wanted = KeyRequest { user, name, role, scopes, life: None };
        let made = self.people.create_key(&wanted).unwrap();
        format!("Authorization: Bearer {}\r\n", made.secret.reveal())
    }
}

fn is_stream(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    text.split_once("\r\n\r\n").is_some_and(|(head, _)| head.contains("text/event-stream"))
}

/// A path of that route that names nothing that is there.
fn path_of(route: &Route) -> String {
    let values = [
        ("{id}", "77"),
        ("{name}", "nobody"),
        ("{port}", "enp1s0"),
        ("{barcode}", "FSP001L9"),
        ("{serial}", "X"),
        ("{set}", "x"),
        ("{run}", "x"),
        ("{pool}", "x"),
        ("{kit}", "0011223344556677"),
        ("{disk}", "vdx"),
    ];
    let filled =
        values.iter().fold(route.path.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!filled.contains('{'), "no value for {filled}");
    filled
}

/// Goal: no route is open to who has not the role that stands in the table. Method: each route is asked
/// without a session, with one of each role, and with an API key of each role; whatever it answers to who
/// may ask, it is neither 401 nor 403.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_answered_to_its_roles_and_to_nobody_else() {
    let house = House::with_users().await;
    let roles = [("vic", Role::Viewer), ("otto", Role::Operator), ("ada", Role::Admin)];
    let mut asked = 0;
    for route in ROUTES {
        let (method, path) = (route.method.as_str(), path_of(route));
        let nobody = house.ask(method, &path, "", "").await;
        match route.need.role() {
            None => assert_ne!(nobody.code(), "not_signed_in", "{method} {path}"),
            Some(_) => {
                assert_eq!(
                    (nobody.status, nobody.code().as_str()),
                    (401, "not_signed_in"),
                    "{path}"
                );
            }
        }
        let Some(needed) = route.need.role() else { continue };
        for (name, role) in roles {
            let session = house.sign_in(name).await.changing();
            let key = house.key("ada", role, &[]);
            for credential in [&session, &key] {
                let reply = house.ask(method, &path, credential, "").await;
                asked += 1;
                if role >= needed {
                    let is_refused = matches!(reply.status, 401)
                        || reply.status == 403 && reply.code() != "session_needed";
                    assert!(!is_refused, "{method} {path} as {role}: {reply:?}");
                } else {
                    let wanted = (403, "role_insufficient".to_owned());
                    assert_eq!((reply.status, reply.code()), wanted, "{method} {path} as {role}");
                    let message = reply.json()["message"].as_str().unwrap().to_owned();
                    assert!(message.contains(needed.as_str()), "{message}");
                }
            }
            for key in house.people.keys(None).unwrap() {
                house.people.revoke_key(key.id, None).unwrap();
            }
        }
    }
    let guarded = ROUTES.iter().filter(|route| route.need != Need::Anyone).count();
    assert_eq!(asked, guarded * roles.len() * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_of_the_engines_user_need_not_sign_in_and_the_gateways_clients_do() {
    let house = House::with_users().await;
    let socket = house.folder.path().join("engine.sock");
    let mut stream = UnixStream::connect(&socket).await.unwrap();
    let request = b"GET /api/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    // A gateway in the same process is a program of that user too, and says for whom it asks.
    assert_eq!(house.ask_from("127.0.0.1", "http", "GET", "/api/users", "", "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_admin_is_made_with_the_code_and_signed_in() {
    let house = House::empty().await;
    assert_eq!(house.ask("GET", "/api/setup", "", "").await.json(), json!({"needed": true}));
    let body = |code: &str| json!({"code": code, "user": "ada", "password": PASSWORD}).to_string();
    let wrong = house.ask("POST", "/api/setup", "", &body("0000-0000-0000")).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (401, "setup_code_wrong"));
    let code = house.people.setup_code().unwrap().unwrap();
    let made = house.ask("POST", "/api/setup", "", &body(code.reveal())).await;
    assert_eq!((made.status, made.json()["role"].as_str()), (200, Some("admin")));
    let browser = Browser { token: made.token(), csrf: String::new() };
    assert_eq!(house.ask("GET", "/api/users", &browser.reading(), "").await.status, 200);
    assert_eq!(house.ask("GET", "/api/setup", "", "").await.json(), json!({"needed": false}));
    let again = house.ask("POST", "/api/setup", "", &body(code.reveal())).await;
    assert_eq!((again.status, again.code().as_str()), (409, "setup_done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_has_its_flags_and_is_never_taken_from_outside() {
    let house = House::with_users().await;
    let planted = "Cookie: fossilsafe_session=planted-by-somebody-else\r\n";
    let body = json!({"user": "ada", "password": PASSWORD}).to_string();
    let over_tls = house.ask("POST", "/api/auth/session", planted, &body).await;
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Secure"] {
        assert!(over_tls.head.contains(flag), "{flag}: {}", over_tls.head);
    }
    assert!(!over_tls.head.contains("planted"), "{}", over_tls.head);
    assert_eq!(house.ask("GET", "/api/jobs", planted, "").await.status, 401);
    let plain = house.ask_from("192.0.2.1", "http", "POST", "/api/auth/session", "", &body).await;
    assert!(!plain.head.contains("Secure"), "{}", plain.head);
    // Signing in again ends the session that this browser had, and gives it another token.
    let first = Browser { token: over_tls.token(), csrf: String::new() };
    let second = house.ask("POST", "/api/auth/session", &first.reading(), &body).await;
    assert_ne!(second.token(), first.token);
    assert_eq!(house.ask("GET", "/api/jobs", &first.reading(), "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_with_a_cookie_needs_the_word_of_that_very_session() {
    let house = House::with_users().await;
    let (ada, otto) = (house.sign_in("ada").await, house.sign_in("otto").await);
    let backup = r#"{"set":"etc","paths":["/etc"]}"#;
    let post = async |headers: String| house.ask("POST", "/api/backups", &headers, backup).await;
    let without = post(ada.reading()).await;
    assert_eq!((without.status, without.code().as_str()), (403, "csrf_missing"));
    let others = post(format!("{}X-CSRF-Token: {}\r\n", ada.reading(), otto.csrf)).await;
    assert_eq!(others.code(), "csrf_missing");
    assert_eq!(post(ada.changing()).await.status, 202);
    let shown = house.ask("GET", "/api/auth/session", &ada.reading(), "").await.json();
    assert_eq!(shown["csrf"].as_str().unwrap(), ada.csrf);
    assert_eq!((&shown["user"], &shown["idle_seconds"]), (&json!("ada"), &json!(3600)));
    assert_eq!(post(house.key("ada", Role::Operator, &[])).await.status, 202, "keys need none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_is_refused_before_anything_is_looked_at() {
    let house = House::with_users().await;
    let ada = house.sign_in("ada").await;
    let body = json!({"user": "ada", "password": PASSWORD}).to_string();
    for foreign in ["Origin: https://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let headers = format!("{}{foreign}", ada.changing());
        for (method, path) in [("GET", "/api/jobs"), ("POST", "/api/auth/session")] {
            let reply = house.ask(method, path, &headers, &body).await;
            assert_eq!((reply.status, reply.code().as_str()), (403, "origin_refused"));
        }
    }
    let own = format!("{}Origin: https://tape.example\r\n", ada.reading());
    assert_eq!(house.ask("GET", "/api/jobs", &own, "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_and_takes_the_cookie_away() {
    let house = House::with_users().await;
    let ada = house.sign_in("ada").await;
    let out = house.ask("DELETE", "/api/auth/session", &ada.changing(), "").await;
    assert_eq!((out.status, out.token().as_str()), (204, ""));
    assert!(out.head.contains("Max-Age=0"), "{}", out.head);
    assert_eq!(house.ask("GET", "/api/jobs", &ada.reading(), "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_answered_with_when_to_come_back() {
    let house = House::with_users().await;
    let guess = json!({"user": "ada", "password": "guess"}).to_string();
    for _ in 0..5 {
        let reply = house.ask("POST", "/api/auth/session", "", &guess).await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "not_recognised"));
    }
    let reply = house.ask("POST", "/api/auth/session", "", &guess).await;
    assert_eq!((reply.status, reply.code().as_str()), (429, "too_many_attempts"));
    assert!(reply.head.contains("retry-after: 2"), "{}", reply.head);
    let body = json!({"user": "ada", "password": PASSWORD}).to_string();
    let elsewhere = "192.0.2.200";
    let owner = house.ask_from(elsewhere, "https", "POST", "/api/auth/session", "", &body).await;
    assert_eq!(owner.status, 200, "the owner is not locked out");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_by_time_and_by_an_admin() {
    let house = House::with_users().await;
    let (ada, vic) = (house.sign_in("ada").await, house.sign_in("vic").await);
    let of_vic = house.ask("GET", "/api/sessions", &vic.reading(), "").await.json();
    let of_all = house.ask("GET", "/api/sessions", &ada.reading(), "").await.json();
    let count = |list: &Value| list["items"].as_array().unwrap().len();
    assert_eq!((count(&of_vic), count(&of_all)), (1, 2));
    let find = |name: &str| {
        let items = of_all["items"].as_array().unwrap();
        items.iter().find(|item| item["user"] == name).unwrap()["id"].as_i64().unwrap()
    };
    let path = format!("/api/sessions/{}", find("ada"));
    let others = house.ask("DELETE", &path, &vic.changing(), "").await;
    assert_eq!(others.status, 404, "somebody else's");
    let path = format!("/api/sessions/{}", find("vic"));
    assert_eq!(house.ask("DELETE", &path, &ada.changing(), "").await.status, 204);
    assert_eq!(house.ask("GET", "/api/jobs", &vic.reading(), "").await.status, 401);
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(house.ask("GET", "/api/jobs", &ada.reading(), "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_its_parts_only_and_makes_none_that_may_more() {
    let house = House::with_users().await;
    let jobs = house.key("ada", Role::Operator, &["jobs:read", "keys:write"]);
    assert_eq!(house.ask("GET", "/api/jobs", &jobs, "").await.status, 200);
    let closed = house.ask("GET", "/api/cartridges", &jobs, "").await;
    assert_eq!((closed.status, closed.code().as_str()), (403, "scope_insufficient"));
    let change = house.ask("POST", "/api/jobs/1/cancel", &jobs, "").await;
    assert_eq!(change.code(), "scope_insufficient");
    let more = json!({"name": "x", "role": "operator"}).to_string();
    assert_eq!(house.ask("POST", "/api/keys", &jobs, &more).await.status, 400);
    let unknown = json!({"name": "x", "role": "viewer", "scopes": ["moon:read"]}).to_string();
    let ada = house.sign_in("ada").await;
    assert_eq!(house.ask("POST", "/api/keys", &ada.changing(), &unknown).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_somebody_else_chose_opens_nothing_but_choosing_one() {
    let house = House::with_users().await;
    let ada = house.sign_in("ada").await;
    let new = json!({"name": "grace", "role": "operator"}).to_string();
    let made = house.ask("POST", "/api/users", &ada.changing(), &new).await;
    let interim = made.json()["interim_password"].as_str().unwrap().to_owned();
    let body = json!({"user": "grace", "password": interim}).to_string();
    let signed_in = house.ask("POST", "/api/auth/session", "", &body).await;
    assert_eq!(signed_in.json()["is_password_interim"], true);
    let csrf = signed_in.json()["csrf"].as_str().unwrap().to_owned();
    let grace = Browser { token: signed_in.token(), csrf };
    let refused = house.ask("GET", "/api/jobs", &grace.reading(), "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "password_change_needed"));
    let change = json!({"present": interim, "wanted": PASSWORD}).to_string();
    let changed = house.ask("PUT", "/api/auth/password", &grace.changing(), &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let renewed = Browser { token: changed.token(), csrf: String::new() };
    assert_eq!(house.ask("GET", "/api/jobs", &renewed.reading(), "").await.status, 200);
    assert_eq!(house.ask("GET", "/api/jobs", &grace.reading(), "").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_cannot_be_removed_disabled_or_made_less() {
    let house = House::with_users().await;
    let ada = house.sign_in("ada").await;
    for (method, body) in
        [("DELETE", ""), ("PATCH", r#"{"is_disabled":true}"#), ("PATCH", r#"{"role":"viewer"}"#)]
    {
        let reply = house.ask(method, "/api/users/ada", &ada.changing(), body).await;
        assert_eq!((reply.status, reply.code().as_str()), (409, "conflict"), "{method} {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_destroys_waits_for_a_second_admin_where_the_rule_is_on() {
    let house = House::with_users().await;
    house.people.set_role("otto", Role::Admin).unwrap();
    let (ada, otto) = (house.sign_in("ada").await, house.sign_in("otto").await);
    let on = house.ask("PUT", "/api/approvals/rule", &ada.changing(), r#"{"is_on":true}"#).await;
    assert_eq!(on.json(), json!({"is_on": true}));
    let format = "/api/cartridges/FSP001L9/format";
    let waiting = house.ask("POST", format, &ada.changing(), "").await;
    assert_eq!((waiting.status, &waiting.json()["state"]), (202, &json!("pending")));
    let approve = format!("/api/approvals/{}/approve", waiting.json()["id"]);
    assert_eq!(house.ask("POST", &approve, &ada.changing(), "").await.status, 409);
    assert_eq!(house.ask("POST", &approve, &otto.changing(), "").await.status, 200);
    let done = house.ask("POST", format, &ada.changing(), "").await;
    assert_eq!(done.json()["kind"], "format");
    let install = house.ask("POST", "/api/updates/install", &ada.changing(), "").await;
    assert_eq!((install.status, &install.json()["state"]), (202, &json!("pending")));
    let off = house.ask("PUT", "/api/approvals/rule", &ada.changing(), r#"{"is_on":false}"#).await;
    assert_eq!(off.json()["state"], "pending", "turning it off needs two as well");
    let listed = house.ask("GET", "/api/approvals?limit=1", &otto.reading(), "").await.json();
    assert_eq!(
        (&listed["items"][0]["asked_by"], listed["next"].is_string()),
        (&json!("ada"), true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_set_up_and_asked_for_over_the_api() {
    let house = House::with_users().await;
    let ada = house.sign_in("ada").await;
    let again = json!({"password": PASSWORD}).to_string();
    let proposal = house.ask("POST", "/api/auth/totp", &ada.changing(), &again).await.json();
    let secret = proposal["secret_base32"].as_str().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let code = || {
        use crate::domain::Clock as _;
        totp.generate(u64::try_from(house.clock.now().seconds).unwrap()).to_string()
    };
    let typed = json!({"code": code()}).to_string();
    let confirmed = house.ask("POST", "/api/auth/totp/confirm", &ada.changing(), &typed).await;
    assert_eq!(confirmed.json()["recovery_codes"].as_array().unwrap().len(), 10);
    assert_eq!(house.ask("GET", "/api/jobs", &ada.reading(), "").await.status, 401, "renewed");
    let password_only = json!({"user": "ada", "password": PASSWORD}).to_string();
    let needed = house.ask("POST", "/api/auth/session", "", &password_only).await;
    assert_eq!(needed.json(), json!({"second_factor_needed": true, "by_code": true}));
    assert!(!needed.head.contains("set-cookie"), "{}", needed.head);
    let with =
        |code: String| json!({"user": "ada", "password": PASSWORD, "totp": code}).to_string();
    let replayed = house.ask("POST", "/api/auth/session", "", &with(code())).await;
    assert_eq!((replayed.status, replayed.code().as_str()), (401, "not_recognised"));
    house.clock.advance(Duration::from_secs(30));
    assert_eq!(house.ask("POST", "/api/auth/session", "", &with(code())).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_needs_a_second_factor_and_has_none_can_set_one_up_and_nothing_else() {
    const RULE: &str = "/api/second-factor/rule";
    let house = House::with_users().await;
    let (ada, otto) = (house.sign_in("ada").await, house.sign_in("otto").await);
    let wanted = json!({"required_for": "everybody"}).to_string();
    let early = house.ask("PUT", RULE, &ada.changing(), &wanted).await;
    assert_eq!((early.status, early.code().as_str()), (409, "conflict"), "{early:?}");
    let machine = crate::people::Principal::machine();
    house.people.set_second_factor_rule(SecondFactorRule::Everybody, &machine).unwrap();
    let shown = house.ask("GET", "/api/auth/session", &otto.reading(), "").await.json();
    assert_eq!(shown["is_factor_missing"], true);
    let mut walked = 0;
    for route in ROUTES.iter().filter(|route| !route.path.starts_with("/api/auth/")) {
        let (method, path) = (route.method.as_str(), path_of(route));
        let Some(needed) = route.need.role() else { continue };
        for (browser, role) in [(&otto, Role::Operator), (&ada, Role::Admin)] {
            if role >= needed {
                let reply = house.ask(method, &path, &browser.changing(), "").await;
                let found = (reply.status, reply.code());
                assert_eq!(found, (403, "second_factor_required".to_owned()), "{method} {path}");
                walked += 1;
            }
        }
    }
    assert!(walked > 150, "{walked}");
    let key = house.key("otto", Role::Operator, &[]);
    assert_eq!(house.ask("GET", "/api/jobs", &key, "").await.status, 200, "a program goes on");

    let again = json!({"password": PASSWORD}).to_string();
    let none = house.ask("POST", "/api/auth/recovery-codes", &otto.changing(), &again).await;
    assert_eq!(none.status, 409, "{none:?}");
    let proposal = house.ask("POST", "/api/auth/totp", &otto.changing(), &again).await.json();
    let secret = proposal["secret_base32"].as_str().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(crate::domain::Clock::now(&*house.clock).seconds).unwrap();
    let typed = json!({"code": totp.generate(now).to_string()}).to_string();
    let confirmed = house.ask("POST", "/api/auth/totp/confirm", &otto.changing(), &typed).await;
    let csrf = confirmed.json()["csrf"].as_str().unwrap().to_owned();
    let otto = Browser { token: confirmed.token(), csrf };
    assert_eq!(house.ask("GET", "/api/jobs", &otto.reading(), "").await.status, 200, "at once");
    let kept = house.ask("POST", "/api/auth/totp/remove", &otto.changing(), &again).await;
    assert_eq!((kept.status, kept.code().as_str()), (409, "conflict"), "{kept:?}");
    let codes = house.ask("POST", "/api/auth/recovery-codes", &otto.changing(), &again).await;
    let code = codes.json()["recovery_codes"][0].as_str().unwrap().to_owned();
    let lost = json!({"user": "otto", "password": PASSWORD, "totp": code}).to_string();
    assert_eq!(house.ask("POST", "/api/auth/session", "", &lost).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_belong_to_users_and_a_program_on_the_machine_has_none() {
    let house = House::with_users().await;
    let vic = house.sign_in("vic").await;
    let wanted = r#"{"theme":"dark"}"#;
    assert_eq!(house.ask("PUT", "/api/preferences", &vic.changing(), wanted).await.status, 200);
    let kept = house.ask("GET", "/api/preferences", &vic.reading(), "").await.json();
    assert_eq!(kept, json!({"theme": "dark"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_sign_ins_and_refusals_are_in_the_audit_log_and_reading_is_not() {
    let house = House::with_users().await;
    let (ada, vic) = (house.sign_in("ada").await, house.sign_in("vic").await);
    let backup = r#"{"set":"etc","paths":["/etc"]}"#;
    let named = format!("{}X-Request-Id: r-42\r\n", ada.changing());
    house.ask("POST", "/api/backups", &named, backup).await;
    house.ask("GET", "/api/jobs", &ada.reading(), "").await;
    house.ask("POST", "/api/backups", &vic.changing(), backup).await;
    house.ask("GET", "/api/users", &vic.reading(), "").await;
    house.ask("POST", "/api/backups", "", backup).await;
    house.ask("GET", "/api/jobs", "", "").await;
    let guess = json!({"user": "ada", "password": "guess"}).to_string();
    house.ask("POST", "/api/auth/session", "", &guess).await;
    let typed_wrongly = json!({"user": "my secret sentence", "password": ""}).to_string();
    house.ask("POST", "/api/auth/session", "", &typed_wrongly).await;
    house.ask("POST", "/api/restore/plan", &ada.changing(), "{}").await;

    let list = house.ask("GET", "/api/audit?limit=50", &ada.reading(), "").await.json();
    let mut entries: Vec<&Value> = list["items"].as_array().unwrap().iter().collect();
    entries.reverse();
    let said: Vec<String> = entries
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("actor"), text("action"), text("outcome"))
        })
        .collect();
    assert_eq!(
        said,
        [
            "ada POST /api/auth/session ok",
            "vic POST /api/auth/session ok",
            "ada POST /api/backups ok",
            "vic POST /api/backups role_insufficient",
            "vic GET /api/users role_insufficient",
            "nobody POST /api/backups not_signed_in",
            "ada POST /api/auth/session not_recognised",
            "nobody POST /api/auth/session not_recognised",
        ]
    );
    assert_eq!((&entries[2]["request_id"], &entries[2]["status"]), (&json!("r-42"), &json!(202)));
    assert_eq!(entries[2]["address"], "192.0.2.1");
    let by_vic = house.ask("GET", "/api/audit?actor=vic&limit=1", &ada.reading(), "").await.json();
    assert_eq!((&by_vic["items"][0]["number"], &by_vic["next"]), (&json!(5), &json!("5")));
    let report = house.ask("GET", "/api/audit/verify", &ada.reading(), "").await.json();
    assert_eq!((&report["is_whole"], &report["entries"]), (&json!(true), &json!(8)));
}

/// Goal: no secret that was ever entered or given out is in the audit log, in an answer but the one that
/// gives it, or in a file. Method: each is a marker, and everything is searched for it.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_were_entered_are_found_nowhere() {
    let house = House::with_users().await;
    let ada = house.sign_in("ada").await;
    let marker = "Marker-7c1e-of-a-password";
    let new = json!({"name": "grace", "role": "viewer", "password": marker}).to_string();
    let made = house.ask("POST", "/api/users", &ada.changing(), &new).await;
    let in_query = format!("/api/jobs/1/cancel?token={marker}");
    house.ask("POST", &in_query, &ada.changing(), "").await;
    let guess = json!({"user": "ada", "password": marker}).to_string();
    let refused = house.ask("POST", "/api/auth/session", "", &guess).await;
    let key = json!({"name": "script", "role": "viewer"}).to_string();
    let key = house.ask("POST", "/api/keys", &ada.changing(), &key).await.json();
    let secret = key["secret"].as_str().unwrap().to_owned();
    let bad = house.ask("POST", "/api/keys", &ada.changing(), &format!("{{\"{marker}")).await;
    let export = house.ask("GET", "/api/audit/export", &ada.reading(), "").await;
    let keys = house.ask("GET", "/api/keys", &ada.reading(), "").await;
    let sessions = house.ask("GET", "/api/sessions", &ada.reading(), "").await;
    let answers = [made, refused, bad, export, keys, sessions].map(|reply| reply.body).concat();
    let mut stored = Vec::new();
    for name in ["people.db", "people.db-wal", "audit.db", "audit.db-wal"] {
        stored.extend(std::fs::read(house.folder.path().join(name)).unwrap());
    }
    for hidden in [marker, PASSWORD, &secret, &ada.token] {
        assert!(!answers.contains(hidden), "{hidden} in {answers}");
        assert!(!stored.windows(hidden.len()).any(|bytes| bytes == hidden.as_bytes()));
    }
}
