//! Every kind of secret is given to the real program, with its log at its loudest; afterwards none of them
//! is in the log, in the diagnostics bundle, or in anything that the API shows.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::services::{Place, address, connect, exchange};

const PASSWORD: &str = "correct horse battery staple";
const WRONG_PASSWORD: &str = "incorrect zebra generator clip";
const WEBHOOK_SECRET: &str = "webhook-secret-of-ops-8462";
const MAIL_PASSWORD: &str = "mail-password-of-ops-5519";
const SHARE_PASSWORD: &str = "share-password-of-nas-3358";
const COMMUNITY: &str = "community-of-ops-7734";
const URL_TOKEN: &str = "token-in-the-address-2291";
const WRONG_KIT: &str = "WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ WXYZ";

/// A person with a browser.
struct Browser {
    address: String,
    cookie: String,
    csrf: String,
}

impl Browser {
    fn send(&self, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {}\r\n\
             X-CSRF-Token: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.cookie,
            self.csrf,
            body.len()
        );
        exchange(connect(&self.address), &request)
    }

    /// The same, which must succeed.
    fn told(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, head, body) = self.send(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {head}\n{body}");
        body
    }

    fn get(&self, path: &str) -> Value {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {}\r\n\r\n",
            self.cookie
        );
        let (status, head, body) = exchange(connect(&self.address), &request);
        assert_eq!(status, 200, "{path}: {head}");
        body
    }
}

/// Letters and digits only: a kit is printed with spaces that another form may not have.
fn squeezed(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[test]
fn no_secret_that_was_entered_is_in_the_log_the_bundle_or_any_answer() {
    let place = Place::new();
    let engine = place.engine_with(&[("RUST_LOG", Path::new("trace"))]);
    let gateway = place.gateway(&[]);
    let mut secrets: BTreeMap<&str, String> = BTreeMap::new();
    let code = std::fs::read_to_string(place.path("engine/setup-code")).unwrap();
    let code = code.trim().to_owned();
    let mut ada =
        Browser { address: address(&gateway), cookie: String::new(), csrf: String::new() };
    let setup = json!({ "code": code, "user": "ada", "password": PASSWORD });
    let (status, head, session) = ada.send("POST", "/api/setup", &setup);
    assert!((200..300).contains(&status), "{head}");
    let cookie = head.lines().find_map(|line| line.split_once("et-cookie: ")).unwrap().1;
    ada.cookie = cookie.split(';').next().unwrap().to_owned();
    ada.csrf = session["csrf"].as_str().unwrap().to_owned();
    let token = ada.cookie.split_once('=').unwrap().1.to_owned();
    secrets.extend([("session", token), ("csrf", ada.csrf.clone())]);
    secrets.extend([("password", PASSWORD.to_owned()), ("wrong", WRONG_PASSWORD.to_owned())]);

    let wrong = json!({ "user": "ada", "password": WRONG_PASSWORD });
    assert_eq!(ada.send("POST", "/api/auth/session", &wrong).0, 401);
    let totp = ada.told("POST", "/api/auth/totp", &json!({ "password": PASSWORD }));
    secrets.insert("totp", totp["secret_base32"].as_str().unwrap().to_owned());
    let key = ada.told("POST", "/api/keys", &json!({ "name": "cron", "role": "operator" }));
    secrets.insert("key", key["secret"].as_str().unwrap().to_owned());

    let channel = |name: &str, target: Value, secret: &str| {
        let path = format!("/api/notifications/channels/{name}");
        let shown = ada.told("PUT", &path, &json!({ "target": target, "secret": secret }));
        assert_eq!(shown["has_secret"], true);
        let test = ada.told("POST", &format!("{path}/test"), &json!({}));
        assert!(!test.to_string().contains(secret), "{test}");
    };
    let url = format!("http://127.0.0.1:9/{URL_TOKEN}");
    channel("hook", json!({ "kind": "webhook", "url": url }), WEBHOOK_SECRET);
    let mail = json!({
        "kind": "mail", "server": "127.0.0.1", "port": 9, "security": "starttls",
        "user": "fossil", "from": "a@example.org", "to": ["b@example.org"]
    });
    channel("mail", mail, MAIL_PASSWORD);
    let traps = json!({ "kind": "snmp", "server": "127.0.0.1", "port": 9 });
    channel("traps", traps, COMMUNITY);
    let share = json!({ "kind": "smb", "host": "127.0.0.1", "port": 9, "share": "s", "user": "u" });
    let source = json!({ "place": share, "password": SHARE_PASSWORD });
    // The service that mounts shares is not here: the refusal must not repeat what it was given.
    let (_, head, body) = ada.send("PUT", "/api/sources/nas", &source);
    assert!(!body.to_string().contains(SHARE_PASSWORD), "{head}\n{body}");
    secrets.extend([
        ("share", SHARE_PASSWORD.to_owned()),
        ("webhook", WEBHOOK_SECRET.to_owned()),
        ("mail", MAIL_PASSWORD.to_owned()),
        ("community", COMMUNITY.to_owned()),
    ]);

    let kit = ada.told("POST", "/api/kits/print", &json!({}));
    let text = kit["text"].as_str().unwrap().to_owned();
    let groups = text.lines().find(|line| line.starts_with("    ")).unwrap();
    secrets.insert("kit", squeezed(groups));
    assert!(squeezed(groups).len() >= 12, "{text}");
    assert!(ada.send("POST", "/api/kits/drill", &json!({ "kit": WRONG_KIT })).0 >= 400);
    secrets.insert("wrong kit", WRONG_KIT.replace(' ', ""));
    // A notice that fails is in the log and in the list of deliveries.
    let job = place.tell(&["library", "inventory", "--detach"]);
    place.follow(&job);
    place.tell(&["overview", "--fresh"]);

    let file = place.path("bundle.json");
    place.tell(&["diagnostics", "--to", file.to_str().unwrap()]);
    let bundle = std::fs::read_to_string(&file).unwrap();
    let parsed: Value = serde_json::from_str(&bundle).unwrap();
    assert!(parsed["log"].as_array().unwrap().len() > 10, "the log is in the bundle");
    assert_eq!(parsed["catalog"]["is_sound"], true);
    let answers = [
        "/api/users",
        "/api/keys",
        "/api/sessions",
        "/api/audit",
        "/api/kits",
        "/api/notifications/channels",
        "/api/notifications/deliveries",
        "/api/alerts",
        "/api/status",
        "/api/jobs",
    ];
    let answers: String = answers.iter().map(|path| ada.get(path).to_string()).collect();
    drop((gateway, engine));
    for (place_name, text) in [("bundle", &bundle), ("log", &place.log()), ("answers", &answers)] {
        let squeezed = squeezed(text);
        for (name, secret) in &secrets {
            let is_there = text.contains(secret.as_str())
                || name.contains("kit") && squeezed.contains(secret.as_str());
            // The word of a page is shown to that page, and to nobody else.
            assert!(!is_there, "the {place_name} shows the {name}: {secret}");
        }
    }
    for hidden in [code.as_str(), URL_TOKEN] {
        assert!(!bundle.contains(hidden), "the bundle shows {hidden}");
    }
}
