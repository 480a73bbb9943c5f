//! What is believed of a token and what is made of its claims. The whole way, with a real provider, is
//! `web/test/oidc/run.mjs`.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::id_token::{Expected, PublicKey, Refusal, claims};
use super::*;
use crate::domain::VirtualClock;
use crate::people::{People, PeopleError, Role};

const NOW: i64 = 1_000_000;

/// A provider's key pair.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap())
    }

    fn published(&self) -> Vec<PublicKey> {
        let point = self.0.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        let key = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "x": x, "y": y });
        let rsa = json!({ "kty": "RSA", "kid": "r", "n": BASE64.encode([3; 256]), "e": "AQAB" });
        vec![PublicKey::read(rsa).unwrap(), PublicKey::read(key).unwrap()]
    }

    fn sign(&self, header: &Value, body: &Value) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(body));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64.encode(signature.as_ref()))
    }
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "k" })
}

fn good() -> Value {
    json!({
        "iss": "https://id.example", "aud": "tape", "sub": "42", "nonce": "n", "iat": NOW - 5, "exp": NOW + 300,
        "preferred_username": "ada", "groups": ["staff", "tape-operators"]
    })
}

fn expected() -> Expected<'static> {
    Expected { issuer: "https://id.example", client: "tape", nonce: "n", now: NOW }
}

#[test]
fn a_token_is_believed_only_from_the_provider_for_us_in_time_and_for_this_sign_in() {
    let signer = Signer::new();
    let keys = signer.published();
    let of = |body: &Value| claims(&signer.sign(&header(), body), &keys, &expected());
    assert_eq!(of(&good()).unwrap()["sub"], "42");
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("another")),
        ("aud", json!(["another"])),
        ("aud", json!(["tape", "another"])),
        ("azp", json!("another")),
        ("exp", json!(NOW - 61)),
        ("exp", Value::Null),
        ("iat", json!(NOW + 61)),
        ("iat", Value::Null),
        ("nbf", json!(NOW + 61)),
        ("nonce", json!("m")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", Value::Null),
    ] {
        let mut body = good();
        body[claim] = value;
        assert!(matches!(of(&body), Err(Refusal::Wrong(_))), "{body}");
    }
    // Clocks differ a little, and an audience may be a list.
    for (claim, value) in
        [("exp", json!(NOW - 59)), ("iat", json!(NOW + 59)), ("aud", json!(["tape"]))]
    {
        let mut body = good();
        body[claim] = value;
        assert!(of(&body).is_ok(), "{body}");
    }
}

#[test]
fn a_token_is_checked_as_its_key_is_and_never_as_it_says_itself() {
    let signer = Signer::new();
    let keys = signer.published();
    let of = |token: &str| claims(token, &keys, &expected());
    let wrong = |token: &str| matches!(of(token), Err(Refusal::Wrong(_)));
    for alg in ["none", "HS256", "RS512", "es256"] {
        assert!(wrong(&signer.sign(&json!({ "alg": alg, "kid": "k" }), &good())), "{alg}");
    }
    // The key of that name is one of another kind; no key has that name.
    for kid in ["r", "other"] {
        let token = signer.sign(&json!({ "alg": "ES256", "kid": kid }), &good());
        assert_eq!(of(&token), Err(Refusal::KeyUnknown), "{kid}");
    }
    assert!(wrong(&signer.sign(&json!({ "alg": "RS256", "kid": "r" }), &good())));
    let token = signer.sign(&header(), &good());
    let stranger = Signer::new().sign(&header(), &good());
    assert!(of(&token).is_ok() && wrong(&stranger));
    let parts: Vec<&str> = token.split('.').collect();
    let other = BASE64.encode(good().to_string().replace("42", "43"));
    for bad in [
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.x"),
        String::new(),
        "...".to_owned(),
    ] {
        assert!(of(&bad).is_err(), "{bad}");
    }
    for end in 0..token.len() {
        assert!(of(&token[..end]).is_err());
    }
}

#[test]
fn keys_that_are_of_no_use_are_left_out() {
    for key in [
        json!({ "kty": "oct", "k": "AAAA" }),
        json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }),
        json!({ "kty": "RSA", "use": "enc", "n": "AA", "e": "AQAB" }),
        json!({ "kty": "RSA", "n": "?", "e": "AQAB" }),
        json!("text"),
    ] {
        assert!(PublicKey::read(key.clone()).is_none(), "{key}");
    }
}

fn settings() -> OidcSettings {
    let roles = RoleValues {
        admin: vec!["tape-admins".to_owned()],
        operator: vec!["tape-operators".to_owned()],
        viewer: vec!["staff".to_owned()],
    };
    serde_json::from_value(json!({
        "label": "Example", "issuer": "https://id.example", "client_id": "tape",
        "console": "https://tape.example:8443/", "roles": roles
    }))
    .unwrap()
}

fn people() -> (tempfile::TempDir, People) {
    let folder = tempfile::tempdir().unwrap();
    let people = People::open(folder.path(), Arc::new(VirtualClock::default())).unwrap();
    (folder, people)
}

fn refused(result: Result<crate::people::UserRecord, PeopleError>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn claims_make_a_user_without_a_password_whose_role_is_looked_at_each_time() {
    let (_folder, people) = people();
    let settings = settings();
    assert_eq!(settings.return_address(), "https://tape.example:8443/sign-in/return");
    let ada = people.user_of(&settings, &good()).unwrap();
    assert_eq!((ada.name.as_str(), ada.role), ("ada", Role::Operator), "the highest of two");
    // The provider's own name for them decides, not the one that people see.
    let mut later = good();
    later["preferred_username"] = json!("ada.l");
    later["groups"] = json!("tape-admins");
    let again = people.user_of(&settings, &later).unwrap();
    assert_eq!((again.id, again.name.as_str(), again.role), (ada.id, "ada", Role::Admin));
    later["groups"] = json!(["strangers"]);
    assert_eq!(refused(people.user_of(&settings, &later)), "oidc_no_role");
    people.create_user("root", Role::Admin, None).unwrap();
    people.set_disabled("ada", true).unwrap();
    assert_eq!(refused(people.user_of(&settings, &good())), "oidc_disabled");
    // Another person with a name that is taken, here or by the provider.
    for name in ["root", "ADA"] {
        let mut other = good();
        other["sub"] = json!("43");
        other["preferred_username"] = json!(name);
        assert_eq!(refused(people.user_of(&settings, &other)), "oidc_name_taken", "{name}");
    }
    let mut nameless = good();
    nameless["sub"] = json!("44");
    nameless["preferred_username"] = Value::Null;
    assert_eq!(refused(people.user_of(&settings, &nameless)), "oidc_not_believed");
}

#[test]
fn no_password_opens_a_user_of_a_provider_and_none_can_be_set() {
    let (_folder, people) = people();
    people.user_of(&settings(), &good()).unwrap();
    let from = crate::people::Origin { address: None, agent: String::new() };
    for password in ["", "!", "four small words together"] {
        let wanted = crate::people::SignIn {
            name: "ada".to_owned(),
            password: Secret::new(password.to_owned()),
            code: None,
        };
        let refused = people.sign_in(&wanted, &from).unwrap_err();
        assert!(matches!(refused, PeopleError::NotRecognised), "{refused:?}");
    }
    let keep = crate::people::SecondFactor::Keep;
    assert_eq!(people.reset_password("ada", None, keep).unwrap_err().code(), "conflict");
}

#[test]
fn settings_that_cannot_be_right_are_refused_before_anybody_is_asked() {
    let (_folder, people) = people();
    let refused = |change: fn(&mut OidcSettings)| {
        let mut wanted = settings();
        change(&mut wanted);
        people.set_oidc(wanted).unwrap_err().to_string()
    };
    assert!(refused(|it| it.issuer = "http://id.example".to_owned()).contains("https"));
    assert!(refused(|it| it.console = "tape.example".to_owned()).contains("console"));
    assert!(refused(|it| it.console = "https://tape.example/x".to_owned()).contains("path"));
    assert!(refused(|it| it.roles = RoleValues::default()).contains("nobody"));
    assert!(refused(|it| it.label.clear()).contains("label"));
    assert!(refused(|it| it.ca_pem = Some("x".to_owned())).contains("ca_pem"));
    assert!(refused(|it| it.scopes = vec!["a b".to_owned()]).contains("scope"));
    let without_keys = refused(|it| it.client_secret = Some(Secret::new("x".to_owned())));
    assert!(without_keys.contains("seal"), "{without_keys}");
    assert_eq!(people.start_oidc().unwrap_err().code(), "oidc_not_set");
}
