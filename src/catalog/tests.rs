//! Several parts together: trees over several runs, restores, rebuilding, and the file itself.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use serde_json::json;

use super::evidence::Effective;
use super::snapshot::copy_database;
use super::test_support::{
    at, digest, empty, file_in, plain_file, push_file, reopen, run_id, set, start_run, volume,
    writer,
};
use super::*;
use crate::domain::{CopyLetter, JobId, RunId};

mod cartridge_book;
mod copies;
mod schedules;

/// Stores files and tombstones as one run on one volume, indexed.
fn store(catalog: &Catalog, run: &RunId, number: u128, files: &[(&str, i64)], gone: &[&str]) {
    let uuid = volume(catalog, number);
    let segment = catalog.begin_segment(run, uuid, CopyLetter::A).unwrap();
    let mut writing = writer(catalog, segment);
    for (path, modified) in files {
        push_file(&mut writing, path.as_bytes(), 100, *modified);
    }
    for path in gone {
        writing.push_gone(path.as_bytes()).unwrap();
    }
    let next = writing.next_sequence();
    writing.checkpoint(next, None, at(900), None).unwrap();
    catalog.say_evidence(segment, EvidenceState::Indexed, 0..next, at(901), None).unwrap();
}

fn end(catalog: &Catalog, run: &RunId) {
    catalog.set_run_state(run, RunState::Complete, None, at(950)).unwrap();
}

fn names(catalog: &Catalog, path: &str, as_of: &AsOf) -> Vec<String> {
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = catalog.children(&set(), path.as_bytes(), as_of, after.as_deref(), 2).unwrap();
        let text = |child: &Child| String::from_utf8_lossy(&child.name).into_owned();
        names.extend(page.children.iter().map(text));
        match page.next {
            Some(next) => after = Some(next),
            None => return names,
        }
    }
}

/// A full run, an incremental one that changes and loses files, another one.
fn three_runs(catalog: &Catalog) -> [RunId; 3] {
    let full = start_run(catalog, "r1", RunKind::Full, 100);
    let files = [("a/1", 1), ("a/2", 1), ("a/deep/3", 1), ("b/4", 1), ("c", 1)];
    store(catalog, &full, 1, &files, &[]);
    end(catalog, &full);
    let second = start_run(catalog, "r2", RunKind::Incremental, 200);
    store(catalog, &second, 2, &[("a/1", 2), ("d", 2)], &["a/deep", "c"]);
    end(catalog, &second);
    let third = start_run(catalog, "r3", RunKind::Incremental, 300);
    store(catalog, &third, 2, &[("c", 3)], &["b"]);
    [full, second, third]
}

#[test]
fn a_tree_is_shown_as_each_run_left_it() {
    let (catalog, _folder) = empty();
    let [first, second, third] = three_runs(&catalog);
    let as_of = |run: &RunId| AsOf::Run(run.clone());
    assert_eq!(names(&catalog, "a", &as_of(&first)), ["1", "2", "deep"]);
    assert_eq!(names(&catalog, "a/deep", &as_of(&first)), ["3"]);
    assert_eq!(names(&catalog, "a/deep", &as_of(&second)), [""; 0]);
    assert_eq!(names(&catalog, "", &as_of(&second)), ["a", "b", "d"]);
    assert_eq!(names(&catalog, "", &as_of(&third)), ["a", "c", "d"]);
    assert_eq!(names(&catalog, "", &AsOf::Time(at(250))), ["a", "b", "d"]);
    assert_eq!(names(&catalog, "b", &AsOf::Now), [""; 0]);
    assert_eq!(names(&catalog, "no/such", &AsOf::Now), [""; 0]);
    let versions = catalog.versions(&set(), b"a/1").unwrap();
    let runs: Vec<_> = versions.iter().map(|version| version.version.run.clone()).collect();
    assert_eq!(runs, [second, first]);
}

#[test]
fn after_a_full_run_ended_only_what_it_stored_is_there() {
    let (catalog, _folder) = empty();
    three_runs(&catalog);
    let full = start_run(&catalog, "r4", RunKind::Full, 400);
    store(&catalog, &full, 3, &[("a/2", 1)], &[]);
    assert_eq!(names(&catalog, "a", &AsOf::Now), ["1", "2"], "it still runs");
    end(&catalog, &full);
    assert_eq!(names(&catalog, "a", &AsOf::Now), ["2"]);
    assert_eq!(names(&catalog, "a", &AsOf::Run(run_id("r3"))), ["1", "2"]);
}

#[test]
fn a_clock_that_went_back_does_not_make_a_new_run_the_older_one() {
    let (catalog, _folder) = empty();
    let first = start_run(&catalog, "r1", RunKind::Full, 1_000_000);
    store(&catalog, &first, 1, &[("a", 1)], &[]);
    end(&catalog, &first);
    let second = start_run(&catalog, "r2", RunKind::Incremental, 50);
    store(&catalog, &second, 2, &[("a", 2)], &[]);
    assert_eq!(catalog.versions(&set(), b"a").unwrap()[0].version.run, second);
    assert_eq!(catalog.runs(&set()).unwrap()[0].run.run, second);
    let mut previous = catalog.previous_entries(&set(), &second).unwrap();
    assert_eq!(previous.page(b"", b"", 1).unwrap()[0].version.run, first);
    assert!(previous.page(b"", b"a", 1).unwrap().is_empty());
}

#[test]
fn an_incremental_run_sees_newest_versions_in_walk_order_with_their_evidence() {
    let (catalog, _folder) = empty();
    three_runs(&catalog);
    let run = start_run(&catalog, "r4", RunKind::Incremental, 400);
    let mut previous = catalog.previous_entries(&set(), &run).unwrap();
    let entries = previous.page(b"a", b"", 100).unwrap();
    let seen: Vec<_> =
        entries.iter().map(|entry| (entry.name.as_slice(), entry.version.run.0.as_str())).collect();
    assert_eq!(seen, [(&b"1"[..], "r2"), (b"2", "r1")]);
    assert_eq!(entries[0].version.modified, at(2));
    assert_eq!(entries[0].version.sha256, Some(digest(b"a/1", 2)));
    assert!(entries.iter().all(|entry| entry.version.evidence.is_at_least(EvidenceState::Indexed)));
    assert!(previous.page(b"a/deep", b"", 100).unwrap().is_empty());
    assert!(previous.page(b"nowhere", b"", 100).unwrap().is_empty());
    let uuid = volume(&catalog, 1);
    catalog.set_volume_state(uuid, VolumeState::Missing, None, at(401)).unwrap();
    let mut previous = catalog.previous_entries(&set(), &run).unwrap();
    let entries = previous.page(b"a", b"", 100).unwrap();
    assert!(entries[0].version.evidence.is_at_least(EvidenceState::Indexed));
    assert!(!entries[1].version.evidence.is_at_least(EvidenceState::Planned), "its volume is lost");
}

#[test]
fn a_selection_is_read_in_tape_order_and_lists_what_is_missing() {
    let (catalog, folder) = empty();
    three_runs(&catalog);
    let job = JobId(5);
    let (one, two) = (volume(&catalog, 1), volume(&catalog, 2));
    let request = SelectionRequest {
        set: set(),
        as_of: AsOf::Now,
        paths: vec![b"a".to_vec(), b"c".to_vec(), b"b".to_vec()],
        missing: vec![one],
        at_hand: Vec::new(),
        choosing: Choosing::Best,
    };
    let empty_paths = catalog.select_for_restore(job, &request).unwrap();
    assert_eq!(empty_paths, [b"b".to_vec()], "b was gone");
    let shares = catalog.selection_volumes(job).unwrap();
    let totals = |uuid, state| {
        let share = shares.iter().find(|share| share.volume == uuid).unwrap();
        share.totals.get(&state).map(|totals| totals.files)
    };
    assert_eq!(totals(one, ItemState::Missing), Some(1));
    assert_eq!(totals(two, ItemState::Waiting), Some(2));
    let missing = catalog.selection_problems(job, None, 10).unwrap();
    assert_eq!(missing[0].located.path, b"a/2");
    assert!(missing[0].reason.as_ref().unwrap().contains("not there"));
    let catalog = reopen(catalog, &folder);
    let first = catalog.waiting_items(job, two, None, 1).unwrap();
    assert_eq!(first[0].located.path, b"a/1");
    let second = catalog.waiting_items(job, two, Some(first[0].key), 1).unwrap();
    assert_eq!(second[0].located.path, b"c");
    assert!(catalog.waiting_items(job, two, Some(second[0].key), 1).unwrap().is_empty());
    let outcome = [
        (first[0].key, ItemState::Done, None),
        (second[0].key, ItemState::Failed, Some("hash differs".to_owned())),
    ];
    catalog.finish_items(job, &outcome).unwrap();
    assert!(catalog.waiting_items(job, two, None, 10).unwrap().is_empty());
    assert_eq!(catalog.selection_problems(job, None, 10).unwrap().len(), 2);
    catalog.drop_selection(job).unwrap();
    assert!(catalog.selection_volumes(job).unwrap().is_empty());
}

/// All of a run, each file from its best copy.
fn everything_of(run: RunId) -> SelectionRequest {
    SelectionRequest {
        set: set(),
        as_of: AsOf::Run(run),
        paths: Vec::new(),
        missing: Vec::new(),
        at_hand: Vec::new(),
        choosing: Choosing::Best,
    }
}

#[test]
fn what_a_selection_still_needs_of_each_volume_is_known_without_its_totals() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let (one, two) = (volume(&catalog, 1), volume(&catalog, 2));
    let segment = catalog.begin_segment(&run, one, CopyLetter::A).unwrap();
    let mut writing = writer(&catalog, segment);
    push_file(&mut writing, b"a/2", 100, 1);
    let bare = plain_file(1, b"a/1", 0, 1, &[]);
    writing.push(&NewCopy { kind: FileKind::Directory, sha256: None, ..bare }).unwrap();
    let next = writing.next_sequence();
    writing.checkpoint(next, None, at(900), None).unwrap();
    store(&catalog, &run, 2, &[("b/3", 1), ("b/4", 1)], &[]);
    end(&catalog, &run);
    let job = JobId(5);
    let request = everything_of(run);
    assert!(catalog.selected_volumes(job).unwrap().is_empty());
    catalog.select_for_restore(job, &request).unwrap();
    let shares = catalog.selection_volumes(job).unwrap();
    let volumes: Vec<_> = shares.iter().map(|share| share.volume).collect();
    assert_eq!(catalog.selected_volumes(job).unwrap(), volumes);
    assert_eq!(volumes.len(), 2);
    let path_of = |item: &SelectionItem| String::from_utf8(item.located.path.clone()).unwrap();
    let bare = catalog.waiting_items_without_bytes(job, one, None, 10).unwrap();
    assert_eq!(bare.iter().map(path_of).collect::<Vec<_>>(), ["a/1"]);
    let after = Some(bare[0].key);
    assert!(catalog.waiting_items_without_bytes(job, one, after, 10).unwrap().is_empty());
    assert!(catalog.waiting_items_without_bytes(job, two, None, 10).unwrap().is_empty());
    assert_eq!(catalog.waiting_count(job, one, 10).unwrap(), 2);
    assert_eq!(catalog.waiting_count(job, two, 1).unwrap(), 1, "nobody counts on");
    assert!(catalog.waits_for_volume(job, one).unwrap());
    let read = catalog.waiting_items(job, one, after, 10).unwrap();
    catalog.finish_items(job, &[(read[0].key, ItemState::Done, None)]).unwrap();
    assert!(!catalog.waits_for_volume(job, one).unwrap(), "a folder is not read");
    assert!(catalog.waits_for_volume(job, two).unwrap());
    let read = catalog.waiting_items(job, two, None, 10).unwrap();
    for (state, is_read) in
        [(ItemState::Failed, false), (ItemState::Missing, false), (ItemState::Done, true)]
    {
        assert!(!catalog.is_selection_read(job).unwrap(), "one of two waits");
        let outcomes = [(read[0].key, ItemState::Done, None), (read[1].key, state, None)];
        catalog.finish_items(job, &outcomes).unwrap();
        assert_eq!(catalog.is_selection_read(job).unwrap(), is_read, "{state:?}, and a folder");
    }
}

#[test]
fn what_became_of_items_is_noted_of_exactly_those_whatever_lies_between_them() {
    let (catalog, _folder) = empty();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let names: Vec<String> = (0..40).map(|n| format!("a/{n:02}")).collect();
    let files: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    store(&catalog, &run, 1, &files, &[]);
    end(&catalog, &run);
    let (job, one) = (JobId(5), volume(&catalog, 1));
    let request = everything_of(run);
    // What is said of the n-th item.
    let patterns: [fn(usize) -> Option<ItemState>; 5] = [
        |_| Some(ItemState::Done),
        |n| (n != 17).then_some(ItemState::Done),
        |n| (n % 2 == 0).then_some(ItemState::Done),
        |n| Some(if (10..30).contains(&n) { ItemState::Missing } else { ItemState::Done }),
        |n| (n > 35 || (5..9).contains(&n)).then_some(ItemState::Failed),
    ];
    for (at, said) in patterns.iter().enumerate() {
        catalog.select_for_restore(job, &request).unwrap();
        let items = catalog.waiting_items(job, one, None, 100).unwrap();
        assert_eq!(items.len(), 40);
        let reason = |state| (state != ItemState::Done).then(|| "it is so".to_owned());
        let outcome = |(n, item): (usize, &SelectionItem)| {
            said(n).map(|state| (item.key, state, reason(state)))
        };
        // The last comes first, and the first was something else before.
        let mut outcomes = vec![(items[0].key, ItemState::Failed, Some("not so".to_owned()))];
        outcomes.extend(items.iter().enumerate().rev().filter_map(outcome));
        catalog.finish_items(job, &outcomes).unwrap();
        let first = said(0).unwrap_or(ItemState::Failed);
        let is_in = |state: ItemState| {
            move |n: &usize| if *n == 0 { first == state } else { said(*n) == Some(state) }
        };
        let keys = |n: Vec<usize>| n.into_iter().map(|n| items[n].key).collect::<Vec<_>>();
        let waiting = catalog.waiting_items(job, one, None, 100).unwrap();
        let expected = keys((1..40).filter(|n| said(*n).is_none()).collect());
        assert_eq!(waiting.iter().map(|item| item.key).collect::<Vec<_>>(), expected, "{at}");
        let totals = catalog.selection_totals(job).unwrap();
        for state in [ItemState::Done, ItemState::Missing, ItemState::Failed] {
            let noted = totals.get(&state).map_or(0, |totals| totals.things);
            assert_eq!(noted, (0..40).filter(is_in(state)).count() as u64, "{at}: {state:?}");
        }
        let with_reason = totals.values().map(|totals| totals.with_reason).sum::<u64>();
        assert_eq!(with_reason, catalog.selection_problems(job, None, 100).unwrap().len() as u64);
    }
}

#[test]
fn a_whole_run_can_be_selected_and_everything_comes_once() {
    let (catalog, _folder) = empty();
    let [first, ..] = three_runs(&catalog);
    let request = everything_of(first);
    catalog.select_for_restore(JobId(1), &request).unwrap();
    let one = volume(&catalog, 1);
    let items = catalog.waiting_items(JobId(1), one, None, 100).unwrap();
    let paths: Vec<_> =
        items.iter().map(|item| String::from_utf8_lossy(&item.located.path).into_owned()).collect();
    assert_eq!(paths, ["a/1", "a/2", "a/deep/3", "b/4", "c"]);
}

#[test]
fn formatting_a_cartridge_again_takes_back_all_evidence_of_what_was_on_it() {
    let (catalog, _folder) = empty();
    let uuid = volume(&catalog, 1);
    let sighting = CartridgeSighting {
        barcode: "FSP001L9".parse().ok(),
        medium_serial: Some("A1".to_owned()),
        generation: None,
        kind: None,
        is_write_protected: None,
        place: None,
    };
    let cartridge = catalog.saw_cartridge(&sighting, at(1)).unwrap().id;
    let mut new = catalog.volume(uuid).unwrap().volume;
    new.cartridge = Some(cartridge);
    catalog.saw_volume(&new).unwrap();
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    store(&catalog, &run, 1, &[("a", 1)], &[]);
    let mut next = new.clone();
    next.uuid = crate::domain::VolumeUuid::random();
    next.state = VolumeState::Blank;
    catalog.volume_formatted(&next, at(200)).unwrap();
    assert_eq!(catalog.volume(uuid).unwrap().volume.state, VolumeState::Erased);
    let segment = catalog.segments_of_volume(uuid).unwrap()[0].id;
    let evidence = catalog.segment_evidence(segment).unwrap();
    assert_eq!(evidence.effective(0), Effective::State(EvidenceState::Planned));
    let version = &catalog.versions(&set(), b"a").unwrap()[0].version;
    assert!(matches!(&version.evidence, Effective::Failed { reason } if reason.contains("erased")));
    assert_eq!(catalog.volumes_of_cartridge(cartridge).unwrap().len(), 2);
}

#[test]
fn a_volume_goes_only_where_its_state_machine_leads() {
    let (catalog, _folder) = empty();
    let uuid = volume(&catalog, 1);
    let to = |state| catalog.set_volume_state(uuid, state, Some("because"), at(5));
    to(VolumeState::Missing).unwrap();
    to(VolumeState::Quarantined).unwrap();
    assert!(to(VolumeState::Blank).is_err());
    to(VolumeState::Open).unwrap();
    to(VolumeState::Closed).unwrap();
    let back = to(VolumeState::Open);
    assert!(matches!(back, Err(CatalogError::Transition { from: "closed", to: "open", .. })));
    to(VolumeState::Quarantined).unwrap();
    assert!(to(VolumeState::Open).is_err());
    to(VolumeState::Closed).unwrap();
    to(VolumeState::Erased).unwrap();
    for state in VolumeState::ALL {
        assert_eq!(to(*state).is_ok(), *state == VolumeState::Erased, "{state}");
    }
}

#[test]
fn volumes_join_a_set_in_sequence_and_keep_their_indexes() {
    let (catalog, _folder) = empty();
    catalog.put_set(&set(), &json!({ "paths": ["/home"] }), at(1)).unwrap();
    let (one, two) = (volume(&catalog, 1), volume(&catalog, 2));
    assert_eq!(catalog.join_set(two, &set(), CopyLetter::A).unwrap(), 1);
    assert_eq!(catalog.join_set(one, &set(), CopyLetter::A).unwrap(), 2);
    assert_eq!(catalog.join_set(two, &set(), CopyLetter::A).unwrap(), 1);
    let sequence: Vec<_> =
        catalog.volumes_of_set(&set()).unwrap().iter().map(|v| v.volume.uuid).collect();
    assert_eq!(sequence, [two, one]);
    let other = "other".parse().unwrap();
    catalog.put_set(&other, &json!({}), at(1)).unwrap();
    assert!(matches!(catalog.join_set(two, &other, CopyLetter::A), Err(CatalogError::Exists(_))));
    let index = IndexGeneration {
        generation: 3,
        position: crate::domain::Position::new(1, 77),
        bytes: crate::domain::ByteCount(5000),
        files: 9,
        written: at(10),
        copy: Some(("indexes/3.xml".to_owned(), digest(b"x", 1))),
    };
    for _ in 0..2 {
        catalog.index_written(one, &index, crate::domain::ByteCount(1 << 20)).unwrap();
    }
    assert_eq!(catalog.index_generations(one).unwrap(), [index]);
    let record = catalog.volume(one).unwrap();
    assert_eq!((record.generation, record.used.0), (3, 1 << 20));
    assert_eq!(record.last_written, Some(at(10)));
    assert_eq!(catalog.set(&set()).unwrap().spec, json!({ "paths": ["/home"] }));
}

#[test]
fn the_last_move_of_a_job_is_found_after_a_restart_ended_or_not() {
    let (catalog, folder) = empty();
    let library = crate::domain::LibrarySerial("LIB".to_owned());
    let order = MoveOrder {
        library: library.clone(),
        barcode: "FSP001L9".parse().ok(),
        from_element: 1001,
        to_element: 256,
        job: Some(JobId(1)),
    };
    assert!(matches!(catalog.begin_move(&order, at(1)), Err(CatalogError::NotFound(_))));
    catalog.saw_library(&library, &ProductIdentity::default(), at(1)).unwrap();
    let done = catalog.begin_move(&order, at(2)).unwrap();
    let moved = MoveEnd { outcome: "done".to_owned(), found_at: Some(256) };
    catalog.end_move(done, &moved, at(3)).unwrap();
    let open = catalog.begin_move(&order, at(4)).unwrap();
    let catalog = reopen(catalog, &folder);
    let last = catalog.last_move_of(JobId(1)).unwrap().unwrap();
    assert_eq!(last, MoveRecord { number: open, order: order.clone(), end: None });
    catalog.end_move(open, &moved, at(5)).unwrap();
    let last = catalog.last_move_of(JobId(1)).unwrap().unwrap();
    assert_eq!(last, MoveRecord { number: open, order, end: Some(moved.clone()) });
    assert_eq!(catalog.last_move_of(JobId(2)).unwrap(), None);
    assert!(catalog.end_move(done, &moved, at(6)).is_err());
}

#[test]
fn a_second_engine_is_kept_out_while_the_first_has_the_catalog() {
    let (catalog, folder) = empty();
    let second = Catalog::open(&file_in(&folder), OpenCheck::WhenDue).unwrap_err();
    assert!(matches!(second, CatalogError::InUse { .. }));
    assert!(second.to_string().contains("stop that engine"));
    assert!(matches!(
        Catalog::set_aside(&file_in(&folder), at(1)),
        Err(CatalogError::InUse { .. })
    ));
    drop(catalog);
    Catalog::open(&file_in(&folder), OpenCheck::WhenDue).unwrap();
}

#[test]
fn a_damaged_file_is_named_and_left_alone_until_it_is_set_aside() {
    let (catalog, folder) = empty();
    three_runs(&catalog);
    drop(catalog);
    let path = file_in(&folder);
    let whole = fs::read(&path).unwrap();
    type Damage = Box<dyn Fn(&mut Vec<u8>)>;
    let damages: [(&str, Damage); 4] = [
        ("no SQLite file", Box::new(|bytes| bytes[..6].copy_from_slice(b"wrong!"))),
        ("cut short", Box::new(|bytes| bytes.truncate(bytes.len() / 2))),
        ("a page of noise", Box::new(|bytes| bytes[8192 * 3..8192 * 4].fill(0x5A))),
        ("its first page torn", Box::new(|bytes| bytes[100..4000].fill(0xFF))),
    ];
    for (name, damage) in damages {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let error = Catalog::open(&path, OpenCheck::WhenDue).unwrap_err();
        assert_eq!(error.kind(), CatalogErrorKind::Corrupt, "{name}: {error}");
        assert!(error.to_string().contains("catalog.db"), "{name}");
        assert!(error.to_string().contains("rebuild from the tapes"), "{name}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{name}: untouched");
    }
    let aside = Catalog::set_aside(&path, at(77)).unwrap();
    assert!(aside.exists());
    let fresh = Catalog::open(&path, OpenCheck::Whole).unwrap();
    assert!(fresh.sets().unwrap().is_empty());
}

#[test]
fn a_file_of_something_else_and_of_a_newer_version_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = file_in(&folder);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(other);
    let error = Catalog::open(&path, OpenCheck::Whole).unwrap_err();
    assert!(matches!(error, CatalogError::NotACatalog { .. }));
    fs::remove_file(&path).unwrap();
    drop(Catalog::open(&path, OpenCheck::Whole).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute_batch("PRAGMA user_version = 9").unwrap();
    drop(Catalog::open(&path, OpenCheck::Whole).unwrap());
    newer
        .execute_batch("UPDATE settings SET value = '8' WHERE key = 'schema.readable_since'")
        .unwrap();
    drop(newer);
    let error = Catalog::open(&path, OpenCheck::Whole).unwrap_err();
    assert!(matches!(error, CatalogError::TooNew { found: 9, .. }), "{error}");
    assert_eq!(error.kind(), CatalogErrorKind::OperatorNeeded);
}

#[test]
fn a_missing_file_beside_a_log_is_damage_and_a_missing_folder_is_named() {
    let (catalog, folder) = empty();
    three_runs(&catalog);
    let wal = super::open::beside(&file_in(&folder), "-wal");
    let log = fs::read(&wal).unwrap();
    drop(catalog);
    fs::remove_file(file_in(&folder)).unwrap();
    fs::write(&wal, log).unwrap();
    let error = Catalog::open(&file_in(&folder), OpenCheck::WhenDue).unwrap_err();
    assert_eq!(error.kind(), CatalogErrorKind::Corrupt);
    let nowhere = Catalog::open(std::path::Path::new("/no/such/folder/c.db"), OpenCheck::WhenDue);
    let error = nowhere.unwrap_err();
    assert_eq!(error.kind(), CatalogErrorKind::OperatorNeeded);
    assert!(error.to_string().contains("/no/such/folder"));
}

#[test]
fn a_copy_of_a_catalog_in_use_is_a_whole_catalog() {
    let (catalog, folder) = empty();
    three_runs(&catalog);
    let copy = folder.path().join("copy.db");
    copy_database(catalog.path(), &copy).unwrap();
    let copy = Catalog::open(&copy, OpenCheck::Whole).unwrap();
    assert_eq!(names(&copy, "a", &AsOf::Now), names(&catalog, "a", &AsOf::Now));
    copy.check().unwrap();
    assert!(copy_database(catalog.path(), &folder.path().join("copy.db")).is_err());
}

#[test]
fn a_flipped_page_is_found_by_the_check_of_a_catalog_in_use() {
    let (catalog, folder) = empty();
    three_runs(&catalog);
    let catalog = reopen(catalog, &folder);
    let mut file = fs::File::options().write(true).open(file_in(&folder)).unwrap();
    for page in 2..40 {
        file.seek(SeekFrom::Start(page * 8192)).unwrap();
        file.write_all(&[0xEE; 64]).unwrap();
    }
    assert_eq!(catalog.check().unwrap_err().kind(), CatalogErrorKind::Corrupt);
}

/// The same as `three_runs`, as manifests tell it, in another order of volumes and twice.
fn rebuild(catalog: &Catalog) {
    type Told<'a> = (&'a str, RunKind, i64, u128, &'a [(&'a str, i64)], &'a [&'a str]);
    let runs: [Told<'_>; 3] = [
        (
            "r1",
            RunKind::Full,
            100,
            1,
            &[("a/1", 1), ("a/2", 1), ("a/deep/3", 1), ("b/4", 1), ("c", 1)],
            &[],
        ),
        ("r2", RunKind::Incremental, 200, 2, &[("a/1", 2), ("d", 2)], &["a/2", "b/4"]),
        ("r3", RunKind::Incremental, 300, 2, &[("c", 3)], &["a/1", "a/2", "d"]),
    ];
    for number in [2, 1] {
        let template = {
            let (scratch, _folder) = empty();
            let uuid = volume(&scratch, number);
            scratch.volume(uuid).unwrap().volume
        };
        let sequence = u32::try_from(number).unwrap();
        let place = SetPlace { set: set(), copy: CopyLetter::A, sequence };
        catalog.rebuild_volume(&template, Some(&place), at(1)).unwrap();
    }
    for (name, kind, started, number, files, unchanged) in runs {
        let run = NewRun {
            run: run_id(name),
            set: set(),
            kind,
            parent: None,
            copies: 1,
            job: None,
            started: at(started),
        };
        let rebuilt = RebuiltRun {
            run,
            state: RunState::Complete,
            planned: FileTotals::default(),
            unchanged: FileTotals::default(),
            ended: None,
        };
        catalog.rebuild_run(&rebuilt).unwrap();
        let uuid = crate::domain::VolumeUuid(uuid::Uuid::from_u128(number));
        let taken =
            catalog.rebuild_segment(&run_id(name), uuid, CopyLetter::A, digest(name.as_bytes(), 1));
        let segment = match taken.unwrap() {
            SegmentTakeover::Known(segment) => segment,
            SegmentTakeover::Empty(segment) => {
                let mut writing = writer(catalog, segment);
                for (path, modified) in files {
                    push_file(&mut writing, path.as_bytes(), 100, *modified);
                }
                writing.checkpoint(writing.next_sequence(), None, at(900), None).unwrap();
                segment
            }
        };
        catalog.rebuild_evidence(segment, EvidenceState::Indexed, at(901), None).unwrap();
        let stored = files.iter().map(|(path, _)| *path);
        let present = stored.chain(unchanged.iter().copied());
        let present = present.map(|path| Ok::<_, CatalogError>(path.as_bytes().to_vec()));
        catalog.rebuild_presence(&set(), &run_id(name), present).unwrap();
    }
}

#[test]
fn a_catalog_rebuilt_from_tapes_shows_the_same_trees_and_evidence_and_again_changes_nothing() {
    let (original, _folder) = empty();
    let runs = three_runs(&original);
    let (rebuilt, _other) = empty();
    for round in 0..2 {
        rebuild(&rebuilt);
        for run in &runs {
            for folder in ["", "a", "a/deep", "b"] {
                let as_of = AsOf::Run(run.clone());
                assert_eq!(
                    names(&rebuilt, folder, &as_of),
                    names(&original, folder, &as_of),
                    "round {round}, {run}, {folder}"
                );
            }
            let stored = |catalog: &Catalog| catalog.run_evidence(run).unwrap().stored;
            assert_eq!(stored(&rebuilt), stored(&original));
        }
        for path in ["a/1", "c", "a/deep/3"] {
            let versions = |catalog: &Catalog| -> Vec<_> {
                let all = catalog.versions(&set(), path.as_bytes()).unwrap();
                all.into_iter().map(|full| (full.version.sha256, full.version.evidence)).collect()
            };
            assert_eq!(versions(&rebuilt), versions(&original), "{path}");
        }
    }
    let broken = [Ok(b"a".to_vec()), Err(CatalogError::Misuse("torn".to_owned()))];
    assert!(rebuilt.rebuild_presence(&set(), &runs[2], broken).is_err());
    assert_eq!(names(&rebuilt, "a", &AsOf::Now), ["1", "2"], "a torn manifest buries nothing");
}

#[test]
fn a_half_taken_over_segment_is_taken_over_anew() {
    let (catalog, _folder) = empty();
    let uuid = volume(&catalog, 1);
    let run = start_run(&catalog, "r1", RunKind::Full, 100);
    let manifest = digest(b"manifest", 1);
    let SegmentTakeover::Empty(first) =
        catalog.rebuild_segment(&run, uuid, CopyLetter::A, manifest).unwrap()
    else {
        panic!("there was nothing");
    };
    let mut writing = writer(&catalog, first);
    writing.push(&plain_file(0, b"half", 1, 1, &[])).unwrap();
    writing.flush().unwrap();
    drop(writing);
    let SegmentTakeover::Empty(second) =
        catalog.rebuild_segment(&run, uuid, CopyLetter::A, manifest).unwrap()
    else {
        panic!("it was not finished");
    };
    assert_ne!(first, second);
    assert!(names(&catalog, "", &AsOf::Now).is_empty());
    assert!(matches!(catalog.segment(first), Err(CatalogError::NotFound(_))));
}
