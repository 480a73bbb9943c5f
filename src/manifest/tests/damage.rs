//! Every damage gets its verdict, with the line.

use super::{entry, header, write};
use crate::domain::VirtualClock;
use crate::keys::{KeyStore, Purpose};
use crate::manifest::{ManifestEntry, Verdict, verify_manifest};

struct Signed {
    store: KeyStore,
    manifest: Vec<u8>,
    signature: Vec<u8>,
    _directory: tempfile::TempDir,
}

impl Signed {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = KeyStore::open_or_create(directory.path(), &VirtualClock::default()).unwrap();
        let entries: Vec<ManifestEntry> = ["a", "b", "c", "d"].map(entry).into();
        let (manifest, end) = write(&header(), &entries);
        let signature = store.sign(Purpose::Manifest, &end.sha256).to_json();
        Self { store, manifest, signature, _directory: directory }
    }

    fn verdict_on(&self, manifest: &[u8]) -> Verdict {
        verify_manifest(manifest, Some(&self.signature), self.store.pinned()).unwrap().verdict
    }

    fn lines(&self) -> Vec<&[u8]> {
        self.manifest.split_inclusive(|&byte| byte == b'\n').collect()
    }
}

fn damaged_line(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::Damaged { line, .. } => Some(*line),
        _ => None,
    }
}

#[test]
fn a_whole_manifest_is_trusted_foreign_or_unsigned_by_what_was_pinned_before() {
    let signed = Signed::new();
    let key_id = signed.store.key_id();
    assert_eq!(signed.verdict_on(&signed.manifest), Verdict::Trusted { key_id });
    let other = Signed::new();
    let verify = |signature: Option<&[u8]>| {
        verify_manifest(&signed.manifest[..], signature, other.store.pinned()).unwrap().verdict
    };
    assert_eq!(verify(Some(&signed.signature)), Verdict::Foreign { key_id });
    assert_eq!(
        verify(Some(&other.signature)),
        Verdict::BadSignature { key_id: other.store.key_id() }
    );
    assert_eq!(verify(Some(b"{}")), Verdict::Unsigned);
    assert_eq!(verify(None), Verdict::Unsigned);
}

#[test]
fn every_truncation_is_found() {
    let signed = Signed::new();
    let ends: Vec<usize> = signed
        .lines()
        .iter()
        .scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        })
        .collect();
    for length in 0..signed.manifest.len() {
        let verdict = signed.verdict_on(&signed.manifest[..length]);
        let whole_lines = ends.iter().filter(|end| **end <= length).count();
        if whole_lines == 0 {
            // Without its newline the first line may still be read, and then nothing follows.
            let is_found = matches!(
                verdict,
                Verdict::Unreadable { .. } | Verdict::Truncated { .. } | Verdict::Damaged { .. }
            );
            assert!(is_found, "{length}: {verdict:?}");
        } else {
            let line = u64::try_from(whole_lines).unwrap();
            assert_eq!(verdict, Verdict::Truncated { line }, "{length}");
        }
    }
}

/// A changed byte is found in its line; in a line's check value it is told of the line before.
#[test]
fn every_changed_byte_is_found_at_its_line() {
    let signed = Signed::new();
    let mut start = 0;
    for (index, line) in signed.lines().iter().enumerate() {
        let number = u64::try_from(index).unwrap() + 1;
        for at in start..start + line.len() {
            for flip in [0x01, 0x20, 0xFF] {
                let mut changed = signed.manifest.clone();
                changed[at] ^= flip;
                match signed.verdict_on(&changed) {
                    Verdict::Damaged { line, .. } => {
                        assert!(line == number || line + 1 == number, "byte {at}: {line}");
                    }
                    Verdict::Unreadable { .. } => assert_eq!(number, 1, "byte {at}"),
                    Verdict::Truncated { line } => assert!(line + 1 >= number - 1, "byte {at}"),
                    other => panic!("byte {at} of line {number} xor {flip:#x}: {other:?}"),
                }
            }
        }
        start += line.len();
    }
}

#[test]
fn an_edit_that_is_good_json_is_found_at_its_line() {
    let signed = Signed::new();
    let text = String::from_utf8(signed.manifest.clone()).unwrap();
    let edited = text.replacen("\"path\":\"c\"", "\"path\":\"x\"", 1);
    assert_eq!(damaged_line(&signed.verdict_on(edited.as_bytes())), Some(4));
    let edited = text.replacen("\"sequence\":1", "\"sequence\":2", 1);
    assert_eq!(damaged_line(&signed.verdict_on(edited.as_bytes())), Some(1));
    let edited = text.replacen("\"path\":\"d\"", "\"path\":\"x\"", 1);
    assert_eq!(damaged_line(&signed.verdict_on(edited.as_bytes())), Some(5), "the last entry");
}

#[test]
fn missing_doubled_and_exchanged_lines_are_found_where_they_are() {
    let signed = Signed::new();
    let lines = signed.lines();
    let of = |order: &[usize]| -> Vec<u8> {
        order.iter().flat_map(|&index| lines[index].iter().copied()).collect()
    };
    for (order, line) in [
        (vec![0, 1, 3, 4, 5], 2),       // "b" is missing after line 2
        (vec![0, 1, 2, 2, 3, 4, 5], 3), // "b" is doubled
        (vec![0, 1, 3, 2, 4, 5], 2),    // "b" and "c" are exchanged
        (vec![0, 1, 2, 3, 4, 5, 5], 7), // something follows the end
        (vec![0, 2, 3, 4, 5], 1),       // the first entry is missing
        (vec![0, 1, 2, 3, 5], 4),       // the last entry is missing
    ] {
        assert_eq!(damaged_line(&signed.verdict_on(&of(&order))), Some(line), "{order:?}");
    }
}

/// Goal: somebody who changes a file in the list and writes all check values anew is found by the
/// signature alone.
#[test]
fn a_forged_manifest_is_whole_and_its_signature_is_bad() {
    let signed = Signed::new();
    let (forged, _) = write(&header(), &[entry("a")]);
    let key_id = signed.store.key_id();
    assert_eq!(signed.verdict_on(&forged), Verdict::BadSignature { key_id });
}

#[test]
fn other_files_and_newer_versions_are_refused_with_a_reason() {
    let signed = Signed::new();
    let text = String::from_utf8(signed.manifest.clone()).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    for (content, reason) in [
        (newer.as_str(), "version 2"),
        ("", "empty"),
        ("hello\n", "no manifest"),
        ("{\"format\":\"x\",\"version\":1}\n", "format is \"x\""),
    ] {
        match signed.verdict_on(content.as_bytes()) {
            Verdict::Unreadable { reason: said } => assert!(said.contains(reason), "{said}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Reading that fails is no verdict about the manifest.
#[test]
fn a_failing_source_is_an_error_and_no_verdict() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("medium error"))
        }
    }
    let signed = Signed::new();
    let whole = std::io::Read::chain(&signed.manifest[..600], Failing);
    let error = verify_manifest(std::io::BufReader::new(whole), None, signed.store.pinned());
    assert_eq!(error.unwrap_err().kind(), crate::manifest::ManifestErrorKind::Io);
}
