//! Passkeys with a device made of a few lines: what it signs is taken, and each thing that is wrong with it is not.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{NewPasskey, PasskeyAnswer, PasskeyRefusal, Site};
use crate::domain::peer::Scheme;
use crate::domain::{Secret, VirtualClock};
use crate::people::{
    Factors, Origin, People, PeopleError, PeopleErrorKind, Principal, Role, SecondFactorRule,
    SignIn, SignInAnswer, StartedSession, UserId,
};

const HOST: &str = "tape.example:8443";

fn site() -> Site {
    Site::new(Scheme::Https, HOST)
}

enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A device, as far as a site can see it.
struct Device {
    key: Key,
    credential: Vec<u8>,
    counter: u32,
    /// What it claims to be used for.
    origin: String,
    site: String,
    flags: u8,
}

/// Present, verified.
const FLAGS: u8 = 0b101;

impl Device {
    fn new(key: Key) -> Self {
        Self {
            key,
            credential: b"credential".to_vec(),
            counter: 0,
            origin: site().origin(),
            site: "tape.example".to_owned(),
            flags: FLAGS,
        }
    }

    fn p256() -> Self {
        let random = SystemRandom::new();
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
        Self::new(Key::P256(key.unwrap()))
    }

    fn ed25519() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::new(Key::Ed25519(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()))
    }

    fn cose(&self) -> Vec<u8> {
        let coordinate = |label: u8, bytes: &[u8]| [&[label, 0x58, 32], bytes].concat();
        match &self.key {
            Key::P256(key) => {
                let point = key.public_key().as_ref();
                let head = [0xA5, 1, 2, 3, 0x26, 0x20, 1];
                [&head[..], &coordinate(0x21, &point[1..33]), &coordinate(0x22, &point[33..])]
                    .concat()
            }
            Key::Ed25519(key) => {
                let head = [0xA4, 1, 1, 3, 0x27, 0x20, 6];
                [&head[..], &coordinate(0x21, key.public_key().as_ref())].concat()
            }
        }
    }

    fn client_data(&self, kind: &str, challenge: &Secret) -> Vec<u8> {
        let (challenge, origin) = (challenge.reveal(), &self.origin);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
            .into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let hash = Sha256::digest(self.site.as_bytes());
        [hash.as_slice(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    fn make(&self, challenge: &Secret) -> NewPasskey {
        let length = u16::try_from(self.credential.len()).unwrap().to_be_bytes();
        let data = [
            &self.data(self.flags | 1 << 6)[..],
            &[0; 16],
            &length,
            &self.credential,
            &self.cose(),
        ]
        .concat();
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let attestation =
            [b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x59", &length[..], &data].concat();
        NewPasskey {
            name: " Blue key ".to_owned(),
            client_data: BASE64.encode(self.client_data("webauthn.create", challenge)),
            attestation: BASE64.encode(attestation),
        }
    }

    fn answer(&self, challenge: &Secret) -> PasskeyAnswer {
        let (client_data, data) =
            (self.client_data("webauthn.get", challenge), self.data(self.flags));
        let message = [data.as_slice(), Sha256::digest(&client_data).as_slice()].concat();
        let signature = match &self.key {
            Key::P256(key) => key.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec(),
            Key::Ed25519(key) => key.sign(&message).as_ref().to_vec(),
        };
        PasskeyAnswer {
            id: BASE64.encode(&self.credential),
            client_data: BASE64.encode(client_data),
            authenticator_data: BASE64.encode(data),
            signature: BASE64.encode(signature),
        }
    }
}

struct Rig {
    _folder: TempDir,
    clock: Arc<VirtualClock>,
    people: People,
    ada: UserId,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let people = People::open(folder.path(), clock.clone()).unwrap();
        let password = Secret::new("a long enough password".to_owned());
        let (ada, _) = people.create_user("ada", Role::Admin, Some(&password)).unwrap();
        Self { _folder: folder, clock, people, ada: ada.id }
    }

    fn with(device: &Device) -> Self {
        let rig = Self::new();
        rig.keep(device).unwrap();
        rig
    }

    fn keep(&self, device: &Device) -> Result<i64, PeopleError> {
        let offer = self.people.start_passkey(self.ada, &site())?;
        let made = device.make(&offer.challenge);
        Ok(self.people.finish_passkey(self.ada, &made, &site())?.id)
    }

    fn sign_in(&self, device: &Device) -> Result<StartedSession, PeopleError> {
        let question = self.people.start_passkey_sign_in(&site())?;
        self.give(&device.answer(&question.challenge))
    }

    fn give(&self, answer: &PasskeyAnswer) -> Result<StartedSession, PeopleError> {
        let from = Origin { address: None, agent: "test".to_owned() };
        self.people.finish_passkey_sign_in(answer, &site(), &from)
    }
}

fn refusal(done: Result<StartedSession, PeopleError>) -> PasskeyRefusal {
    match done {
        Err(PeopleError::Passkey(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_passkey_of_either_kind_is_made_listed_used_renamed_and_removed() {
    for device in [Device::p256(), Device::ed25519()] {
        let rig = Rig::with(&device);
        let listed = rig.people.passkeys(Some(rig.ada)).unwrap();
        let [passkey] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((&*passkey.name, &*passkey.site), ("Blue key", "tape.example"));
        assert_eq!(rig.sign_in(&device).unwrap().session.name, "ada");
        assert!(rig.people.passkeys(None).unwrap()[0].last_used.is_some());
        let named = rig.people.rename_passkey(passkey.id, Some(rig.ada), "Red key").unwrap();
        assert_eq!(named.name, "Red key");
        let offer = rig.people.start_passkey(rig.ada, &site()).unwrap();
        assert_eq!(offer.exclude, [BASE64.encode(b"credential")], "a device makes no second");
        let twice = rig.keep(&device).unwrap_err();
        assert_eq!(twice.kind(), PeopleErrorKind::Conflict, "{twice}");
        let other = Some(UserId(rig.ada.0 + 1));
        assert!(rig.people.remove_passkey(passkey.id, other, other).is_err(), "it is not theirs");
        rig.people.remove_passkey(passkey.id, Some(rig.ada), Some(rig.ada)).unwrap();
        assert_eq!(refusal(rig.sign_in(&device)), PasskeyRefusal::Unknown);
    }
}

#[test]
fn a_page_of_another_origin_and_a_device_of_another_site_are_refused() {
    let mut device = Device::p256();
    let rig = Rig::with(&device);
    device.origin = "https://tape.example.evil:8443".to_owned();
    let refused = refusal(rig.sign_in(&device));
    assert_eq!(refused, PasskeyRefusal::OtherOrigin { found: device.origin.clone() });
    device.origin = site().origin();
    device.site = "evil.example".to_owned();
    assert_eq!(refusal(rig.sign_in(&device)), PasskeyRefusal::OtherSite);
    assert!(matches!(rig.keep(&device), Err(PeopleError::Passkey(PasskeyRefusal::OtherSite))));
}

#[test]
fn a_challenge_counts_once_for_five_minutes_and_for_what_it_was_made() {
    let device = Device::p256();
    let rig = Rig::with(&device);
    let question = rig.people.start_passkey_sign_in(&site()).unwrap();
    let answer = device.answer(&question.challenge);
    rig.give(&answer).unwrap();
    assert_eq!(refusal(rig.give(&answer)), PasskeyRefusal::NotPending, "again");
    assert_eq!(
        refusal(rig.give(&device.answer(&Secret::new("made up".to_owned())))),
        PasskeyRefusal::NotPending
    );

    let offer = rig.people.start_passkey(rig.ada, &site()).unwrap();
    let misused = refusal(rig.give(&device.answer(&offer.challenge)));
    assert_eq!(misused, PasskeyRefusal::NotPending, "it was to make one");

    let question = rig.people.start_passkey_sign_in(&site()).unwrap();
    rig.clock.advance(super::PENDING);
    let late = refusal(rig.give(&device.answer(&question.challenge)));
    assert_eq!(late, PasskeyRefusal::NotPending, "too late");
}

#[test]
fn a_counter_that_goes_back_or_stands_still_tells_of_a_copy() {
    let mut device = Device::p256();
    device.counter = 7;
    let rig = Rig::with(&device);
    device.counter = 8;
    rig.sign_in(&device).unwrap();
    for counter in [8, 7, 0] {
        device.counter = counter;
        let refused = refusal(rig.sign_in(&device));
        assert_eq!(refused, PasskeyRefusal::CounterWentBack { name: "Blue key".to_owned() });
    }
    device.counter = 9;
    rig.sign_in(&device).unwrap();
}

#[test]
fn a_user_who_was_not_verified_or_is_disabled_is_not_signed_in() {
    let mut device = Device::ed25519();
    let rig = Rig::with(&device);
    for flags in [0, 0b001, 0b100] {
        device.flags = flags;
        assert_eq!(refusal(rig.sign_in(&device)), PasskeyRefusal::UserNotVerified);
    }
    device.flags = FLAGS;
    rig.people.create_user("bob", Role::Admin, None).unwrap();
    rig.people.set_disabled("ada", true).unwrap();
    assert_eq!(rig.sign_in(&device).unwrap_err().kind(), PeopleErrorKind::NotRecognised);
}

#[test]
fn another_keys_signature_and_a_changed_answer_are_refused() {
    let device = Device::p256();
    let rig = Rig::with(&device);
    assert_eq!(refusal(rig.sign_in(&Device::p256())), PasskeyRefusal::WrongSignature);
    assert_eq!(refusal(rig.sign_in(&Device::ed25519())), PasskeyRefusal::WrongSignature);
    let question = rig.people.start_passkey_sign_in(&site()).unwrap();
    let mut answer = device.answer(&question.challenge);
    let mut data = BASE64.decode(&answer.authenticator_data).unwrap();
    data[36] ^= 1;
    answer.authenticator_data = BASE64.encode(data);
    assert_eq!(refusal(rig.give(&answer)), PasskeyRefusal::WrongSignature);
    answer.client_data = "no base64!".to_owned();
    assert!(matches!(refusal(rig.give(&answer)), PasskeyRefusal::Damaged(_)));
}

#[test]
fn an_attestation_that_is_cut_anywhere_is_refused_and_nothing_is_kept() {
    let device = Device::p256();
    let rig = Rig::new();
    let whole = BASE64.decode(device.make(&Secret::new(String::new())).attestation).unwrap();
    for end in (0..whole.len()).step_by(7) {
        let offer = rig.people.start_passkey(rig.ada, &site()).unwrap();
        let mut made = device.make(&offer.challenge);
        made.attestation = BASE64.encode(&whole[..end]);
        assert!(rig.people.finish_passkey(rig.ada, &made, &site()).is_err(), "cut at {end}");
    }
    assert!(rig.people.passkeys(None).unwrap().is_empty());
}

#[test]
fn passkeys_need_a_name_and_tls() {
    let usable = |scheme, host: &str| Site::new(scheme, host).ensure_usable().is_ok();
    assert!(usable(Scheme::Https, "tape.example"));
    assert!(usable(Scheme::Https, "Tape:8443"));
    assert!(usable(Scheme::Http, "localhost:8080"));
    assert!(!usable(Scheme::Http, "tape.example"));
    for address in ["192.0.2.7", "192.0.2.7:8443", "[::1]:8443", ""] {
        assert!(!usable(Scheme::Https, address), "{address}");
    }
    let rig = Rig::new();
    let bare = Site::new(Scheme::Https, "192.0.2.7:8443");
    let refused = rig.people.start_passkey(rig.ada, &bare).unwrap_err();
    assert_eq!(refused.code(), "passkey_no_site");
    assert_eq!(Site::new(Scheme::Https, "A.example:1").origin(), "https://a.example:1");
}

#[test]
fn where_a_second_factor_is_required_the_password_alone_does_not_stand_in_for_a_passkey() {
    let device = Device::p256();
    let rig = Rig::with(&device);
    let people = &rig.people;
    let by_password = |code: Option<&Secret>| {
        let (name, password) = ("ada".to_owned(), Secret::new("a long enough password".to_owned()));
        let wanted = SignIn { name, password, code: code.cloned() };
        people.sign_in(&wanted, &Origin { address: None, agent: "test".to_owned() })
    };
    let Ok(SignInAnswer::Started(before)) = by_password(None) else { panic!("no rule yet") };
    people.set_second_factor_rule(SecondFactorRule::Admins, &Principal::machine()).unwrap();
    assert!(people.holder_of_session(&before.session).unwrap().is_none(), "it has to be shown");
    let asked = by_password(None).unwrap();
    assert!(matches!(asked, SignInAnswer::SecondFactorNeeded { by_code: false }), "{asked:?}");
    let started = rig.sign_in(&device).unwrap();
    let who = people.holder_of_session(&started.session).unwrap().unwrap();
    assert_eq!((who.factors, who.is_factor_missing), (Factors::Two, false));
    // An authenticator that waits for its first code opens nothing.
    people.propose_totp(rig.ada).unwrap();
    let codes = people.renew_recovery_codes(rig.ada).unwrap();
    let Ok(SignInAnswer::Started(recovered)) = by_password(Some(&codes[0])) else {
        panic!("a recovery code stands in for a lost device")
    };
    assert!(recovered.session.is_two_factor);
    assert!(by_password(Some(&codes[0])).is_err(), "once");
    let id = people.passkeys(Some(rig.ada)).unwrap()[0].id;
    let last = people.remove_passkey(id, None, Some(rig.ada)).unwrap_err();
    assert_eq!(last.kind(), PeopleErrorKind::Conflict, "{last}");
    people.remove_passkey(id, None, None).unwrap();
}
