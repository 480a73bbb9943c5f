//! The key store: made once, kept, damaged, rotated; and whose signatures count.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;
use crate::domain::{Sha256Digest, VirtualClock};

const DIGEST: Sha256Digest = Sha256Digest([7; 32]);

fn open(directory: &Path) -> Result<KeyStore, KeysError> {
    KeyStore::open_or_create(directory, &VirtualClock::default())
}

#[test]
fn an_identity_is_made_once_and_only_its_owner_may_read_it() {
    let top = tempfile::tempdir().unwrap();
    let directory = top.path().join("var/keys");
    let first = open(&directory).unwrap();
    let mode = |name: &str| fs::metadata(directory.join(name)).unwrap().permissions().mode();
    assert_eq!(mode("identity.json") & 0o777, 0o600);
    assert_eq!(mode(".") & 0o777, 0o700);
    assert_eq!(open(&directory).unwrap().key_id(), first.key_id());
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "no temporary file is left");
    let other = tempfile::tempdir().unwrap();
    assert_ne!(open(other.path()).unwrap().key_id(), first.key_id());
}

#[test]
fn two_programs_that_start_at_once_end_with_one_identity() {
    let directory = tempfile::tempdir().unwrap();
    let ids: Vec<KeyId> = std::thread::scope(|scope| {
        let start = || scope.spawn(|| open(directory.path()).unwrap().key_id());
        let started: Vec<_> = (0..8).map(|_| start()).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_signature_is_believed_only_from_a_key_that_was_trusted_before() {
    let (mine, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut mine = open(mine.path()).unwrap();
    let theirs = open(theirs.path()).unwrap();
    let signature = theirs.sign(Purpose::Manifest, &DIGEST);
    let key_id = theirs.key_id();
    let verdict = |store: &KeyStore| signature.verify(Purpose::Manifest, &DIGEST, store.pinned());
    assert_eq!(verdict(&theirs), SignatureVerdict::Trusted { key_id });
    assert_eq!(verdict(&mine), SignatureVerdict::Foreign { key_id });
    mine.pin(theirs.public_key(), "the other site", &VirtualClock::default()).unwrap();
    assert_eq!(verdict(&mine), SignatureVerdict::Trusted { key_id });
    assert_eq!(mine.is_own(&signature, Purpose::Manifest, &DIGEST), None);
    assert!(mine.unpin(key_id).unwrap());
    assert_eq!(verdict(&mine), SignatureVerdict::Foreign { key_id });
    assert_eq!(mine.unpin(mine.key_id()).unwrap_err().kind(), KeysErrorKind::OperatorNeeded);
}

/// Goal: what the predecessor did (believe the key beside the signature) cannot happen. Method: a
/// forger signs a changed digest with his own key and names the trusted key as the signer.
#[test]
fn a_forger_who_names_a_trusted_key_is_found_out() {
    let (mine, forger) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, forger) = (open(mine.path()).unwrap(), open(forger.path()).unwrap());
    let mut forged = forger.sign(Purpose::Manifest, &DIGEST);
    forged.key_id = mine.key_id();
    let bad = SignatureVerdict::Bad { key_id: mine.key_id() };
    assert_eq!(forged.verify(Purpose::Manifest, &DIGEST, mine.pinned()), bad);
    assert_eq!(mine.is_own(&forged, Purpose::Manifest, &DIGEST), Some(false));
}

#[test]
fn a_signature_fits_one_digest_and_one_purpose() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let signature = store.sign(Purpose::Manifest, &DIGEST);
    let bad = SignatureVerdict::Bad { key_id: store.key_id() };
    let pinned = store.pinned();
    assert_eq!(signature.verify(Purpose::Volume, &DIGEST, pinned), bad);
    assert_eq!(signature.verify(Purpose::Manifest, &Sha256Digest([8; 32]), pinned), bad);
    assert_eq!(store.is_own(&signature, Purpose::Manifest, &DIGEST), Some(true));
    assert_eq!(store.is_own(&signature, Purpose::Volume, &DIGEST), Some(false));
    for change in 0..4 {
        let mut changed = signature.clone();
        match change {
            0 => changed.algorithm = "none".to_owned(),
            1 => changed.ed25519 = String::new(),
            2 => changed.ed25519.replace_range(0..1, "!"),
            _ => changed.message.push('x'),
        }
        assert_eq!(changed.verify(Purpose::Manifest, &DIGEST, pinned), bad, "change {change}");
    }
}

#[test]
fn a_signature_file_reads_back_and_no_cut_of_it_does() {
    let directory = tempfile::tempdir().unwrap();
    let signature = open(directory.path()).unwrap().sign(Purpose::Volume, &DIGEST);
    let json = signature.to_json();
    assert_eq!(DetachedSignature::parse(&json).unwrap(), signature);
    for length in 0..json.len() - 2 {
        assert!(DetachedSignature::parse(&json[..length]).is_err());
    }
}

#[test]
fn a_rotated_key_still_vouches_for_what_it_signed() {
    let directory = tempfile::tempdir().unwrap();
    let mut store = open(directory.path()).unwrap();
    let old = store.key_id();
    let signature = store.sign(Purpose::Manifest, &DIGEST);
    let new = store.rotate(&VirtualClock::default()).unwrap();
    assert_ne!(old, new);
    for store in [store, open(directory.path()).unwrap()] {
        assert_eq!(store.key_id(), new);
        let verdict = signature.verify(Purpose::Manifest, &DIGEST, store.pinned());
        assert_eq!(verdict, SignatureVerdict::Trusted { key_id: old });
        assert_eq!(store.is_own(&signature, Purpose::Manifest, &DIGEST), Some(true));
        assert_eq!(store.sign(Purpose::Manifest, &DIGEST).key_id, new);
    }
}

#[test]
fn a_damaged_key_file_is_named_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).unwrap();
    let path = directory.path().join("identity.json");
    let good = fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..good.len() - 2).map(|end| good[..end].to_vec()).collect();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x02;
        damaged.push(changed);
    }
    let mut accepted = 0;
    for content in &damaged {
        fs::write(&path, content).unwrap();
        match open(directory.path()) {
            Ok(_) => accepted += 1,
            Err(error) => {
                assert_eq!(error.kind(), KeysErrorKind::Corrupt);
                assert!(error.to_string().contains("identity.json"), "{error}");
            }
        }
        assert_eq!(&fs::read(&path).unwrap(), content, "it must not be replaced");
    }
    // The time of making is for people and carries no check; white space means nothing.
    assert!(accepted < 40, "{accepted} damaged files were accepted");
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).unwrap();
    let path = directory.path().join("identity.json");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert_eq!(error.kind(), KeysErrorKind::OperatorNeeded);
    assert!(error.to_string().contains("640"), "{error}");
}

#[test]
fn secrets_are_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let file = fs::read_to_string(directory.path().join("identity.json")).unwrap();
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    let shown = format!("{store:?}");
    for secret in ["ed25519_secret", "hmac_secret"] {
        assert!(!shown.contains(file[secret].as_str().unwrap()));
    }
}

#[test]
fn a_public_key_reads_back_from_pem_and_weak_or_foreign_ones_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let key = open(directory.path()).unwrap().public_key();
    let pem = key.to_pem();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert_eq!(PublicKey::from_pem(&pem).unwrap(), key);
    for length in 0..pem.len() - 1 {
        assert!(PublicKey::from_pem(&pem[..length]).is_err());
    }
    let weak = VerifyingKey::from_bytes(&[0; 32]).unwrap();
    assert!(PublicKey::from_pem(&PublicKey(weak).to_pem()).is_err());
}
