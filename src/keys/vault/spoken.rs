//! A server on this machine that speaks the part of a Vault's API that is used, as OpenBao 2.7.2 was seen to
//! answer (`scripts/vault-test` runs the same tests against that itself). For tests.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{VaultLogin, VaultSettings, VaultWay};
use crate::domain::Secret;

pub(crate) const TOKEN: &str = "s.root";
const SECRET_ID: &str = "7e1a";

/// How the token lives, in seconds; 0 is for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Token {
    pub(crate) left: i64,
    pub(crate) is_renewable: bool,
    pub(crate) period: i64,
    /// No renewal goes beyond this.
    pub(crate) left_at_most: i64,
}

/// What it knows.
#[derive(Debug)]
struct State {
    is_sealed: bool,
    is_token_good: bool,
    token: Token,
    /// Of the transit key `tapes`.
    version: u32,
    /// What transit has encrypted, by what it gave for it.
    encrypted: BTreeMap<String, String>,
    kv: BTreeMap<String, Value>,
    questions: usize,
}

/// A server that ends with the test.
#[derive(Debug)]
pub(crate) struct Spoken {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Spoken {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            is_sealed: false,
            is_token_good: true,
            token: Token::default(),
            version: 1,
            encrypted: BTreeMap::new(),
            kv: BTreeMap::new(),
            questions: 0,
        }));
        let known = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &known);
            }
        });
        Self { address, state }
    }

    pub(crate) fn by_token(&self) -> VaultSettings {
        let (mount, key) = ("transit".to_owned(), "tapes".to_owned());
        VaultSettings {
            address: self.address.clone(),
            namespace: None,
            ca_pem: None,
            login: VaultLogin::Token,
            secret: Some(Secret::new(TOKEN.to_owned())),
            way: VaultWay::Transit { mount, key },
        }
    }

    pub(crate) fn by_app_role(&self) -> VaultSettings {
        let (mount, role_id) = ("approle".to_owned(), "4f2c".to_owned());
        let way = VaultWay::Kv { mount: "secret".to_owned(), folder: "fossilsafe".to_owned() };
        let login = VaultLogin::AppRole { mount, role_id };
        let secret = Some(Secret::new(SECRET_ID.to_owned()));
        VaultSettings { login, secret, way, ..self.by_token() }
    }

    pub(crate) fn seal(&self, is_sealed: bool) {
        self.state.lock().is_sealed = is_sealed;
    }

    pub(crate) fn revoke(&self) {
        self.state.lock().is_token_good = false;
    }

    pub(crate) fn give_token(&self, token: Token) {
        self.state.lock().token = token;
    }

    pub(crate) fn rotate(&self) {
        self.state.lock().version += 1;
    }

    pub(crate) fn lose_everything(&self) {
        let mut state = self.state.lock();
        state.encrypted.clear();
        state.kv.clear();
    }

    pub(crate) fn questions(&self) -> usize {
        self.state.lock().questions
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length, mut token) = (String::new(), 0, String::new());
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "x-vault-token" => token = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut words = first.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let (status, said) =
        state.lock().say(method, path.strip_prefix("/v1/").unwrap(), &body, &token);
    let said = said.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", said.len());
    (&stream).write_all(format!("{head}{said}").as_bytes()).unwrap();
}

impl State {
    fn say(&mut self, method: &str, path: &str, body: &Value, token: &str) -> (u16, Value) {
        self.questions += 1;
        let refused = |status: u16, why: &str| (status, json!({ "errors": [why] }));
        let nothing = (404, json!({ "errors": [] }));
        if self.is_sealed {
            return refused(503, "Vault is sealed");
        }
        if path == "auth/approle/login" {
            return match body["secret_id"] == SECRET_ID {
                true => (200, json!({ "auth": { "client_token": TOKEN } })),
                false => refused(400, "invalid role or secret ID"),
            };
        }
        if token != TOKEN || !self.is_token_good {
            return refused(403, "permission denied");
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match (method, path) {
            ("GET", "auth/token/lookup-self") => {
                let Token { left, is_renewable, period, .. } = self.token;
                let mut data = json!({ "ttl": left, "renewable": is_renewable });
                if period > 0 {
                    data["period"] = json!(period);
                }
                (200, json!({ "data": data }))
            }
            ("POST", "auth/token/renew-self") if self.token.is_renewable => {
                let Token { period, left_at_most, .. } = self.token;
                let wanted = body["increment"].as_str().unwrap().trim_end_matches('s');
                let wanted: i64 = wanted.parse().unwrap();
                self.token.left = if period > 0 { period } else { wanted.min(left_at_most) };
                (200, json!({ "auth": { "lease_duration": self.token.left, "renewable": true } }))
            }
            ("POST", "auth/token/renew-self") => refused(400, "lease is not renewable"),
            ("GET", "transit/keys/tapes") => (200, json!({ "data": { "name": "tapes" } })),
            ("GET", path) if path.starts_with("transit/keys/") => nothing,
            ("POST", "transit/encrypt/tapes") => self.encrypt(text("plaintext")),
            ("POST", "transit/rewrap/tapes") => match self.encrypted.get(&text("ciphertext")) {
                Some(plain) => self.encrypt(plain.clone()),
                None => refused(400, "cipher: message authentication failed"),
            },
            ("POST", "transit/decrypt/tapes") => match self.encrypted.get(&text("ciphertext")) {
                Some(plain) => (200, json!({ "data": { "plaintext": plain } })),
                None => refused(400, "cipher: message authentication failed"),
            },
            ("POST", path) if path.starts_with("secret/data/") => {
                let before = self.kv.insert(path.to_owned(), body["data"].clone());
                assert!(before.is_none() && body["options"]["cas"] == 0, "a key is written once");
                (200, json!({ "data": { "version": 1 } }))
            }
            ("GET", path) if path.starts_with("secret/data/") => match self.kv.get(path) {
                Some(data) => (200, json!({ "data": { "data": data, "metadata": {} } })),
                None => nothing,
            },
            _ => refused(404, &format!("no handler for route \"{path}\". route entry not found.")),
        }
    }

    fn encrypt(&mut self, plain: String) -> (u16, Value) {
        let noise = BASE64.encode(rand::random::<[u8; 16]>());
        let ciphertext = format!("vault:v{}:{noise}", self.version);
        self.encrypted.insert(ciphertext.clone(), plain);
        (200, json!({ "data": { "ciphertext": ciphertext, "key_version": self.version } }))
    }
}
