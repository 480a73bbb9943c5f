//! Every way to change a log, and that it is found: in the file itself, and in an export.

use std::sync::Arc;

use super::*;
use crate::domain::VirtualClock;
use crate::keys::{KeyStore, PinnedKey, PinnedKeys};

struct Desk {
    log: AuditLog,
    keys: Arc<KeyStore>,
    clock: Arc<VirtualClock>,
    folder: tempfile::TempDir,
}

fn event(number: usize) -> Event {
    Event {
        actor: if number.is_multiple_of(2) { "ada" } else { "otto" }.to_owned(),
        address: "192.0.2.1".to_owned(),
        request_id: format!("r-{number}"),
        action: "POST /api/backups".to_owned(),
        object: "/api/backups".to_owned(),
        outcome: if number.is_multiple_of(5) { "role_insufficient" } else { "ok" }.to_owned(),
        status: 202,
    }
}

impl Desk {
    fn with(entries: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(VirtualClock::default());
        let keys = KeyStore::open_or_create(&folder.path().join("keys"), &*clock).unwrap();
        let keys = Arc::new(keys);
        let log =
            AuditLog::open(folder.path(), Arc::clone(&keys), Arc::<VirtualClock>::clone(&clock))
                .unwrap();
        for number in 0..entries {
            log.add(&event(number)).unwrap();
        }
        Self { log, keys, clock, folder }
    }

    /// Changes the file as somebody with its permissions and a database program can.
    fn tamper(&self, statements: &str) {
        let file = rusqlite::Connection::open(self.folder.path().join("audit.db")).unwrap();
        let free =
            "DROP TRIGGER entries_stay; DROP TRIGGER entries_are_kept; PRAGMA foreign_keys = OFF;";
        file.execute_batch(&format!("{free}{statements}")).unwrap();
    }

    fn faults(&self) -> Vec<(i64, Fault)> {
        let report = self.log.verify().unwrap();
        assert_eq!(report.is_whole, report.findings.is_empty());
        report.findings.iter().map(|finding| (finding.number, finding.fault)).collect()
    }

    fn trusted(&self) -> PinnedKeys {
        let mut pinned = PinnedKeys::default();
        let (public_key, label) = (self.keys.public_key(), "theirs".to_owned());
        pinned.pin(PinnedKey { public_key, label, since: crate::domain::Timestamp::default() });
        pinned
    }
}

#[test]
fn a_log_that_nobody_touched_is_whole_over_several_seals() {
    let desk = Desk::with(600);
    let report = desk.log.verify().unwrap();
    assert!(report.is_whole, "{report:?}");
    assert_eq!((report.entries, report.seals), (600, 3), "at 256, 512 and the newest");
    assert!(Desk::with(0).log.verify().unwrap().is_whole);
}

#[test]
fn a_changed_entry_is_found_whatever_was_changed() {
    for (set, faults) in [
        ("content = replace(content, 'otto', 'ada')", vec![(4, Fault::Changed)]),
        ("content = content || ' '", vec![(4, Fault::Changed)]),
        ("content = 'nonsense'", vec![(4, Fault::Changed)]),
        ("hash = zeroblob(32)", vec![(4, Fault::Changed), (5, Fault::Changed)]),
    ] {
        let desk = Desk::with(9);
        desk.tamper(&format!("UPDATE entries SET {set} WHERE number = 4"));
        assert_eq!(desk.faults(), faults, "{set}");
    }
}

#[test]
fn an_entry_that_was_taken_out_or_exchanged_is_found() {
    let desk = Desk::with(9);
    desk.tamper("DELETE FROM entries WHERE number = 4");
    assert_eq!(desk.faults(), [(5, Fault::OutOfOrder), (5, Fault::Changed)]);
    let desk = Desk::with(9);
    desk.tamper("DELETE FROM entries WHERE number = 1");
    assert_eq!(desk.faults()[0], (2, Fault::OutOfOrder));
    let desk = Desk::with(9);
    desk.tamper(
        "UPDATE entries SET number = 100 WHERE number = 4;
         UPDATE entries SET number = 4 WHERE number = 5;
         UPDATE entries SET number = 5 WHERE number = 100",
    );
    assert!(desk.faults().contains(&(4, Fault::OutOfOrder)), "{:?}", desk.faults());
}

#[test]
fn a_tail_that_was_taken_off_is_found_with_or_without_its_seal() {
    let desk = Desk::with(9);
    desk.tamper("DELETE FROM entries WHERE number > 7");
    assert_eq!(desk.faults(), [(7, Fault::SealMissing), (7, Fault::BadSeal)]);
    let desk = Desk::with(9);
    desk.tamper("DELETE FROM entries WHERE number > 7; DELETE FROM seals WHERE number > 7");
    assert_eq!(desk.faults(), [(7, Fault::SealMissing)]);
    let desk = Desk::with(300);
    desk.tamper("DELETE FROM seals WHERE number = 256");
    assert_eq!(desk.faults(), [(256, Fault::SealMissing)]);
}

/// Goal: recomputing the hashes does not help. Method: a forger drops an entry's follower, hashes the
/// changed rest anew as we do, and seals with a key of his own under the name of ours.
#[test]
fn a_chain_that_was_hashed_anew_fails_at_its_seal() {
    let desk = Desk::with(3);
    let entries = desk.log.find(&EntryFilter::default(), None, 10).unwrap();
    let mut forged = entries[2].clone();
    assert_eq!(forged.number, 1);
    forged.actor = "eve".to_owned();
    let (mut hash, mut statements) = ([0; 32], String::new());
    for entry in [&forged, &entries[1], &entries[0]] {
        hash = super::entry::hash_after(&hash, &entry.line());
        statements.push_str(&format!(
            "UPDATE entries SET content = '{}', hash = x'{}' WHERE number = {};",
            entry.line(),
            hex::encode(hash),
            entry.number
        ));
    }
    desk.tamper(&statements);
    assert_eq!(desk.faults(), [(3, Fault::BadSeal)]);
    let forger = Desk::with(0);
    let digest = super::entry::sealed(3, &hash);
    let mut seal = forger.keys.sign(crate::keys::Purpose::AuditLog, &digest);
    seal.key_id = desk.keys.key_id();
    let file = rusqlite::Connection::open(desk.folder.path().join("audit.db")).unwrap();
    let seal = String::from_utf8(seal.to_json()).unwrap();
    file.execute("UPDATE seals SET signature = ?1", [seal]).unwrap();
    assert_eq!(desk.faults(), [(3, Fault::BadSeal)]);
}

#[test]
fn the_file_itself_refuses_to_change_or_lose_an_entry() {
    let desk = Desk::with(3);
    let file = rusqlite::Connection::open(desk.folder.path().join("audit.db")).unwrap();
    for statement in ["UPDATE entries SET actor = 'eve'", "DELETE FROM entries"] {
        let refused = file.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains("only added to"), "{refused}");
    }
}

#[test]
fn an_export_is_checked_with_nothing_but_a_public_key() {
    let desk = Desk::with(9);
    let export = desk.log.export().unwrap();
    let report = verify_export(&export, &desk.trusted());
    assert!(report.is_whole, "{report:?}");
    assert_eq!((report.entries, report.seals), (9, 1));
    assert_eq!(report.head, desk.log.verify().unwrap().head);
    let strangers = Desk::with(0).trusted();
    assert!(!verify_export(&export, &strangers).is_whole, "a key that is not the signer's");
    assert!(!verify_export(&export, &PinnedKeys::default()).is_whole);
}

#[test]
fn no_change_of_an_export_goes_unfound() {
    let desk = Desk::with(5);
    let export = String::from_utf8(desk.log.export().unwrap()).unwrap();
    let trusted = desk.trusted();
    let lines: Vec<&str> = export.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let mut changed: Vec<String> = Vec::new();
    for skipped in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(skipped);
        changed.push(joined(&without));
        let mut exchanged = lines.clone();
        exchanged.swap(skipped, (skipped + 1) % lines.len());
        changed.push(joined(&exchanged));
        let mut doubled = lines.clone();
        doubled.insert(skipped, lines[skipped]);
        changed.push(joined(&doubled));
    }
    changed.push(export.replace("otto", "ada0"));
    changed.push(export.replacen("\"entries\":5", "\"entries\":4", 1));
    for text in changed {
        assert!(!verify_export(text.as_bytes(), &trusted).is_whole, "{text}");
    }
    for cut in 0..export.len() {
        assert!(!verify_export(&export.as_bytes()[..cut], &trusted).is_whole, "cut at {cut}");
    }
}

#[test]
fn entries_are_found_by_what_they_say_the_newest_first() {
    let desk = Desk::with(20);
    let by = |filter: EntryFilter, before, limit| {
        let found = desk.log.find(&filter, before, limit).unwrap();
        found.iter().map(|entry| entry.number).collect::<Vec<_>>()
    };
    assert_eq!(by(EntryFilter::default(), None, 3), [20, 19, 18]);
    assert_eq!(by(EntryFilter::default(), Some(18), 2), [17, 16]);
    let ada = EntryFilter { actor: Some("ada".to_owned()), ..EntryFilter::default() };
    assert_eq!(by(ada, None, 2), [19, 17]);
    let refused =
        EntryFilter { outcome: Some("role_insufficient".to_owned()), ..EntryFilter::default() };
    assert_eq!(by(refused, None, 9), [16, 11, 6, 1]);
}

#[test]
fn strangers_who_are_refused_without_end_do_not_fill_the_log() {
    let desk = Desk::with(0);
    let refusal = Event { actor: "nobody".to_owned(), ..event(0) };
    for _ in 0..500 {
        desk.log.add_refusal(&refusal).unwrap();
    }
    let entries = desk.log.verify().unwrap().entries;
    assert_eq!(entries, 60);
    desk.clock.advance(std::time::Duration::from_secs(60));
    desk.log.add_refusal(&refusal).unwrap();
    let newest = desk.log.find(&EntryFilter::default(), None, 1).unwrap().remove(0);
    assert!(newest.object.ends_with("(and 440 like it that are not listed)"), "{newest:?}");
}
