//! The keeper of the certificate: what it makes, takes, refuses, and what is left after a power failure.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, IsCa, Issuer, KeyPair,
};
use time::{Duration, OffsetDateTime};

use super::*;
use crate::domain::{Clock as _, Secret, VirtualClock};

fn read(folder: &Path) -> String {
    fs::read_to_string(folder.join("certificate.pem")).unwrap()
}

fn days(clock: &VirtualClock, days: u64) {
    clock.advance(std::time::Duration::from_secs(days * 86_400));
}

struct Kept {
    folder: tempfile::TempDir,
    clock: Arc<VirtualClock>,
    keeper: CertificateKeeper,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let keeper =
            CertificateKeeper::open_or_make(folder.path(), Arc::<VirtualClock>::clone(&clock));
        Self { keeper: keeper.unwrap(), folder, clock }
    }

    fn reopened(&self) -> CertificateKeeper {
        let clock = Arc::<VirtualClock>::clone(&self.clock);
        CertificateKeeper::open_or_make(self.folder.path(), clock).unwrap()
    }

    fn served(&self) -> ServedCertificate {
        self.keeper.state().unwrap().certificate.unwrap()
    }

    fn replace(&self, chain: &str, key: Option<&str>) -> Result<(), CertificateError> {
        let key_pem = key.map(|key| Secret::new(key.to_owned()));
        self.keeper.replace(&ReplaceCertificate { chain_pem: chain.to_owned(), key_pem })
    }
}

/// An authority with one below it, as public ones are.
struct Authority {
    root: String,
    below: Issuer<'static, KeyPair>,
    below_pem: String,
    below_key: String,
    now: OffsetDateTime,
}

impl Authority {
    fn new(clock: &VirtualClock) -> Self {
        let now = OffsetDateTime::from_unix_timestamp(clock.now().seconds).unwrap();
        let of = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            (params.not_before, params.not_after) =
                (now - Duration::days(1), now + Duration::days(3650));
            params
        };
        let (root_params, root_key) = (of("Root"), KeyPair::generate().unwrap());
        let root = root_params.self_signed(&root_key).unwrap().pem();
        let (params, key) = (of("Below"), KeyPair::generate().unwrap());
        let issuer = Issuer::new(root_params, root_key);
        let below_pem = params.signed_by(&key, &issuer).unwrap().pem();
        let below_key = key.serialize_pem();
        Self { root, below: Issuer::new(params, key), below_pem, below_key, now }
    }

    /// A certificate for `names` of these days from now, and its key.
    fn sign(&self, names: &[&str], from: i64, until: i64) -> (String, String) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "tape.example");
        params.not_before = self.now + Duration::days(from);
        params.not_after = self.now + Duration::days(until);
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &self.below).unwrap().pem();
        (pem, key.serialize_pem())
    }

    fn sign_request(&self, pem: &str) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(pem).unwrap();
        request.params.not_before = self.now;
        request.params.not_after = self.now + Duration::days(90);
        request.signed_by(&self.below).unwrap().pem()
    }
}

#[test]
fn one_is_made_once_kept_and_made_anew_before_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("tls");
    let clock = Arc::new(VirtualClock::default());
    let open =
        || CertificateKeeper::open_or_make(&folder, Arc::<VirtualClock>::clone(&clock)).unwrap();
    let keeper = open();
    let first = read(&folder);
    assert!(first.starts_with("Made by FossilSafe for itself. Ends on 2028-04-05T"), "{first}");
    let mode = fs::metadata(folder.join("key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    days(&clock, 700);
    open();
    keeper.renew_if_due().unwrap();
    assert_eq!(read(&folder), first);
    days(&clock, 100);
    keeper.renew_if_due().unwrap();
    assert_ne!(read(&folder), first);
    let made = keeper.state().unwrap().certificate.unwrap();
    assert_eq!(made.origin, CertificateOrigin::SelfMade);
    assert!(made.names.contains(&"localhost".to_owned()), "{made:?}");
    assert_eq!(made.sha256.len(), 95);
    assert!(keeper.own_files().unwrap().is_none(), "it was made here");
}

#[test]
fn names_that_were_given_stay_when_it_is_made_anew() {
    let kept = Kept::new();
    kept.keeper.make_own(&["tape.example".to_owned(), "192.0.2.5".to_owned()]).unwrap();
    let first = kept.served();
    assert_eq!(first.names, ["tape.example", "192.0.2.5"]);
    days(&kept.clock, 800);
    kept.keeper.renew_if_due().unwrap();
    let second = kept.served();
    assert_ne!(second.sha256, first.sha256);
    assert_eq!(second.names, first.names);
    assert!(kept.keeper.make_own(&["no host".to_owned()]).is_err());
    assert_eq!(kept.served(), second);
}

#[test]
fn files_of_a_person_are_used_and_never_written_over_and_bad_ones_are_refused_by_name() {
    let kept = Kept::new();
    let folder = kept.folder.path();
    let own = read(folder).lines().skip(1).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(folder.join("certificate.pem"), &own).unwrap();
    days(&kept.clock, 5000);
    kept.keeper.reload().unwrap();
    assert_eq!(read(folder), own);
    assert_eq!(kept.served().origin, CertificateOrigin::Given);
    let files = kept.keeper.own_files().unwrap().unwrap();
    assert_eq!(files.certificate, own);
    assert_eq!(files.key.reveal(), fs::read_to_string(folder.join("key.pem")).unwrap());
    let in_use = kept.served();
    let other = KeyPair::generate().unwrap().serialize_pem();
    fs::write(folder.join("key.pem"), other).unwrap();
    let error = kept.keeper.reload().unwrap_err();
    assert_eq!(error.kind(), CertificateErrorKind::KeyMismatch, "{error}");
    assert!(kept.keeper.own_files().is_err(), "what cannot be used is not kept as if it could");
    fs::write(folder.join("certificate.pem"), "nothing").unwrap();
    let error = kept.keeper.reload().unwrap_err();
    assert!(error.to_string().contains("certificate.pem"), "{error}");
    fs::remove_file(folder.join("key.pem")).unwrap();
    fs::write(folder.join("certificate.pem"), &own).unwrap();
    let error = kept.keeper.reload().unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    assert_eq!(kept.served(), in_use, "the one in use stays");
}

#[test]
fn a_chain_with_its_key_is_served_and_only_its_certificates_are_shown() {
    let kept = Kept::new();
    let authority = Authority::new(&kept.clock);
    let (own, key) = authority.sign(&["tape.example", "2001:db8::5"], 0, 90);
    let pasted = format!("{key}{own}{}{}", authority.below_pem, authority.root);
    kept.replace(&pasted, Some(&key)).unwrap();
    let served = kept.served();
    assert_eq!(served.origin, CertificateOrigin::Given);
    assert_eq!((served.subject.as_str(), served.issuer.as_str()), ("CN=tape.example", "CN=Below"));
    assert_eq!(served.names, ["tape.example", "2001:db8::5"]);
    assert_eq!(served.chain, ["CN=Below", "CN=Root"]);
    assert!(!served.pem.contains("PRIVATE") && !read(kept.folder.path()).contains("PRIVATE"));
    assert_eq!(kept.reopened().state().unwrap().certificate, Some(served.clone()));
    days(&kept.clock, 5000);
    kept.keeper.renew_if_due().unwrap();
    assert_eq!(kept.served(), served, "nobody's own is ever made anew");
}

#[test]
fn what_clients_would_refuse_is_refused_with_its_reason_and_the_one_in_use_stays() {
    let kept = Kept::new();
    let before = kept.served();
    let authority = Authority::new(&kept.clock);
    let (own, key) = authority.sign(&["tape.example"], 0, 90);
    let (other, other_key) = authority.sign(&["tape.example"], 0, 90);
    let (ended, ended_key) = authority.sign(&["tape.example"], -30, -1);
    let (coming, coming_key) = authority.sign(&["tape.example"], 2, 90);
    let (nameless, nameless_key) = authority.sign(&[], 0, 90);
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let with = |chain: &[&str]| chain.concat();
    let below = &authority.below_pem;
    use CertificateErrorKind as Kind;
    for (chain, key, kind, says) in [
        (with(&[&own]), other_key.as_str(), Kind::KeyMismatch, "CN=tape.example"),
        (with(&[below, &own]), &key, Kind::KeyMismatch, "certificate 2"),
        (with(&[&own, &other]), &key, Kind::ChainBroken, "certificate 2"),
        (with(&[&own, &authority.root, below]), &key, Kind::ChainBroken, "CN=Root"),
        (with(&[below, &own]), &authority.below_key, Kind::NotValid, "CN=Below"),
        (with(&[&ended]), &ended_key, Kind::NotValid, "ended on"),
        (with(&[&coming]), &coming_key, Kind::NotValid, "not good before"),
        (with(&[&nameless]), &nameless_key, Kind::NotValid, "names no host"),
        (with(&[&own]), locked, Kind::KeyLocked, "password"),
        (with(&[&own]), "no key", Kind::Malformed, "private key"),
        ("nothing".to_owned(), &key, Kind::Malformed, "no certificate"),
        ("x".repeat(70_000), &key, Kind::Malformed, "64 KiB"),
        (own.repeat(11), &key, Kind::Malformed, "more than 10"),
    ] {
        let error = kept.replace(&chain, Some(key)).unwrap_err();
        let text = crate::system::line::whole_message(&error);
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(says), "{text}");
        assert!(error.next_step().ends_with('.'));
    }
    assert_eq!(kept.served(), before);
    assert_eq!(kept.reopened().state().unwrap().certificate, Some(before));
}

#[test]
fn the_key_of_a_signing_request_stays_here_and_serves_what_was_signed() {
    let kept = Kept::new();
    let authority = Authority::new(&kept.clock);
    let (own, _) = authority.sign(&["tape.example"], 0, 90);
    let error = kept.replace(&own, None).unwrap_err();
    assert_eq!(error.kind(), CertificateErrorKind::KeyMissing);
    let asked = SigningRequest {
        names: vec!["tape.example".to_owned()],
        organization: Some("Archive & Sons".to_owned()),
    };
    kept.keeper.request(&asked).unwrap();
    let waiting = kept.reopened().state().unwrap().request.unwrap();
    assert_eq!(waiting.names, asked.names);
    assert!(waiting.pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----"), "{}", waiting.pem);
    let error = kept.replace(&own, None).unwrap_err();
    assert_eq!(error.kind(), CertificateErrorKind::KeyMismatch);
    let signed = authority.sign_request(&waiting.pem) + &authority.below_pem;
    kept.replace(&signed, None).unwrap();
    assert!(kept.served().subject.contains("Archive & Sons"), "{:?}", kept.served());
    assert_eq!(kept.keeper.state().unwrap().request, None);
    assert!(!kept.folder.path().join("request-key.pem").exists());
    kept.keeper.request(&asked).unwrap();
    kept.keeper.withdraw_request().unwrap();
    assert_eq!(kept.keeper.state().unwrap().request, None);
}

/// Goal: whatever moment power fails at, the next start serves the old pair or the new one. Method: the
/// files of each moment, put there by hand.
#[test]
fn a_power_failure_between_the_two_files_leaves_a_pair_that_belongs_together() {
    let kept = Kept::new();
    let folder = kept.folder.path();
    let authority = Authority::new(&kept.clock);
    let (old, old_key) = authority.sign(&["old.example"], 0, 90);
    let (new, new_key) = authority.sign(&["new.example"], 0, 90);
    let put = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    for (files, serves) in [
        (&[("certificate.pem.new", &*new), ("key.pem.new", &*new_key)][..], "old.example"),
        (&[("certificate.pem.new", "half"), ("key.pem.new", &new_key)], "old.example"),
        (&[("key.pem.new", "half")], "old.example"),
        (&[("certificate.pem.new", &new), ("key.pem", &new_key)], "new.example"),
    ] {
        put("certificate.pem", &old);
        put("key.pem", &old_key);
        files.iter().for_each(|(name, text)| put(name, text));
        let served = kept.reopened().state().unwrap().certificate.unwrap();
        assert_eq!(served.names, [serves], "{files:?}");
        assert!(!folder.join("certificate.pem.new").exists());
    }
    // One that was made here is simply made anew.
    kept.keeper.make_own(&[]).unwrap();
    put("key.pem", &new_key);
    assert_eq!(
        kept.reopened().state().unwrap().certificate.unwrap().origin,
        CertificateOrigin::SelfMade
    );
}

#[test]
fn orders_are_answered_with_the_state_after_them_or_with_what_is_wrong() {
    let kept = Kept::new();
    let answer = |order: &CertificateOrder| {
        let line = serde_json::to_vec(order).unwrap();
        String::from_utf8(answer_certificate(&kept.keeper, &line).unwrap()).unwrap()
    };
    let names = vec!["tape.example".to_owned()];
    let made = answer(&CertificateOrder::MakeOwn(CertificateNames { names }));
    assert!(made.contains("\"names\":[\"tape.example\"]") && made.ends_with('\n'), "{made}");
    let empty = ReplaceCertificate { chain_pem: String::new(), key_pem: None };
    let refused = answer(&CertificateOrder::Replace(empty));
    assert!(refused.contains("\"malformed\""), "{refused}");
    assert!(answer_certificate(&kept.keeper, b"{}").is_err());
}
